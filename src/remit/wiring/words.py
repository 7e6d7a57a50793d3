"""The lexicon of a desk's words check, learned at the start: its catalogue's words, and with a model their meaning."""

import importlib
from dataclasses import replace
from typing import Any, Final

from remit.adapters.files.vocabulary import read_vocabulary
from remit.domain.catalogue.model import Catalogue
from remit.domain.words.lexicon import Lexicon, build_lexicon
from remit.ports.text_model import TextModel
from remit.settings import InvalidSetting

LANGUAGE: Final = "en"
"""The language of the words check."""


def learn_lexicon(catalogue: Catalogue, model: str) -> Lexicon:
    """Build the lexicon of a catalogue. With a model this takes seconds.

    Raises:
        Refused: `settings.invalid` where the model's extra is not installed, or its files are not the reviewed ones.
    """
    lexicon = build_lexicon(catalogue, read_vocabulary(LANGUAGE))
    if not model:
        return lexicon
    made: TextModel = _plug(model)()
    learnt = made.learn(catalogue)
    made.warm_up()
    return replace(lexicon, off_topic=learnt.off_topic)


def verify_words_model(model: str) -> None:
    """Verify that the model's parts are there, where the settings want one.

    Raises:
        Refused: `settings.invalid`.
    """
    if model:
        _plug(model)()


def _plug(model: str) -> Any:  # noqa: ANN401  # a class that is there or not
    try:
        return importlib.import_module(f"remit.adapters.text_model.{model}").MiniLm
    except ImportError as missing:
        cure = "Install it (`pip install remit[words]`), or take words.model out."
        raise InvalidSetting("words.model", f"needs the extra `words`: {missing.msg}", cure=cure) from None
