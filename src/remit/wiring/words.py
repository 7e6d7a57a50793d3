"""The lexicon of a desk's words check, learned at the start: its catalogue's words, and with a model their meaning."""

import importlib
from dataclasses import replace
from typing import Any, Final

from remit.adapters.files.vocabulary import read_vocabulary
from remit.domain.catalogue.model import Catalogue
from remit.domain.words.lexicon import Lexicon, build_lexicon
from remit.ports.text_model import TextModel
from remit.settings import InvalidSetting
from remit.settings.words import DEFAULT_LANGUAGES

_NAMES: Final = "en"
_HEARD: Final = "en"
"""The language that the model hears."""


def learn_lexicon(catalogue: Catalogue, model: str, languages: tuple[str, ...] = DEFAULT_LANGUAGES) -> Lexicon:
    """Build the lexicon of a catalogue in all languages, and in each alone. With a model this takes seconds.

    The model hears texts that are not in another language alone.

    Raises:
        Refused: `settings.invalid` where the model's extra is not installed, or its files are not the reviewed ones.
    """
    # A catalogue has English names, whatever language it is read in.
    described = read_vocabulary(*dict.fromkeys((*languages, _NAMES)))
    lexicon = replace(build_lexicon(catalogue, described, languages=languages), vocabulary=read_vocabulary(*languages))
    several = languages if len(languages) > 1 else ()
    alone = {one: replace(lexicon, vocabulary=read_vocabulary(one)) for one in several}
    if not model:
        return replace(lexicon, alone=alone)
    made: TextModel = _plug(model)()
    learnt = made.learn(catalogue)
    made.warm_up()
    if alone:
        alone[_HEARD] = replace(alone[_HEARD], off_topic=learnt.off_topic)
    return replace(lexicon, off_topic=learnt.off_topic, alone=alone)


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
