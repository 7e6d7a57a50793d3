"""The lexicon of a desk's words check: its catalogue's words, and the model that the desk's rules have, if any."""

import importlib
from collections.abc import Callable
from functools import cache, partial
from typing import Final

from remit.adapters.files.vocabulary import read_vocabulary
from remit.adapters.text_model.background import BackgroundDetector
from remit.adapters.text_model.weights import CURE, missing_package, weights_digest
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.rules_outline import read_outline
from remit.domain.structs import replace
from remit.domain.words.lexicon import LanguageLexicon, Lexicon, OffTopicListener, build_lexicon
from remit.ports.text_model import TextModel
from remit.settings import InvalidSetting, Settings
from remit.settings.words import AUTO, DEFAULT_LANGUAGES, HEARD, MINILM, NO_MODEL
from remit.wiring.stores import store_location

_NAMES: Final = "en"


def learn_lexicon(catalogue: Catalogue, languages: tuple[str, ...] = DEFAULT_LANGUAGES) -> Lexicon:
    """Build the lexicon of a catalogue in all languages, and in each alone."""
    # A catalogue has English names, whatever language it is read in.
    described = read_vocabulary(*dict.fromkeys((*languages, _NAMES)))
    lexicon = replace(build_lexicon(catalogue, described, languages=languages), vocabulary=read_vocabulary(*languages))
    several = languages if len(languages) > 1 else ()
    return replace(lexicon, alone={one: LanguageLexicon(partial(_in_language, lexicon, one)) for one in several})


def _in_language(lexicon: Lexicon, language: str) -> Lexicon:
    return replace(lexicon, vocabulary=read_vocabulary(language))


def heard_by(lexicon: Lexicon, listener: OffTopicListener) -> Lexicon:
    """Return a lexicon whose model hears the texts that are not in another language alone."""
    alone = dict(lexicon.alone)
    if HEARD in alone:
        alone[HEARD] = LanguageLexicon(partial(_heard, alone[HEARD], listener))
    return replace(lexicon, off_topic=listener, alone=alone)


def _heard(lexicon: LanguageLexicon, listener: OffTopicListener) -> Lexicon:
    return replace(lexicon.get(), off_topic=listener)


def words_model(name: str, catalogue: Catalogue) -> BackgroundDetector | None:
    """Return the model of a desk's rules, which loads and learns when the desk starts, or at its first message."""
    return BackgroundDetector(partial(load_text_model, name), catalogue) if name else None


@cache
def load_text_model(name: str) -> TextModel:
    """Load a model, once for all desks of this process.

    Raises:
        Refused: `settings.invalid` where the model's extra is not installed or does not work here, or its files are not
            the reviewed ones.
    """
    try:
        model: TextModel = importlib.import_module(f"remit.adapters.text_model.{name}").MiniLm()
    except ImportError as missing:
        raise InvalidSetting("words.model", f"needs the extra `words`: {missing.msg}", cure=CURE) from None
    return model


def choose_words_model(settings: Settings, digest_with: Callable[[str], str]) -> str:
    """Return the model of a desk's rules: the one that is set, or with `auto` the one that is installed; "" for none.

    `digest_with` gives the rules' digest with a model. ⚔ Where the rules in force have a model, and it is gone, `auto`
    does not mean none. Outside of loopback rules in force without it stay as two people approved them.

    Raises:
        Refused: `settings.invalid` for such a model.

    Source: docs/model/model.md#words-model.
    """
    if settings.words_model != AUTO:
        return "" if settings.words_model == NO_MODEL else settings.words_model
    if HEARD not in settings.words_languages:
        return ""
    missing = missing_package()
    if settings.loopback and not missing:
        return MINILM
    store = store_location(settings)
    recorded = store.inspect() if store.exists() else None
    if not missing:
        return "" if recorded is not None and recorded.rules == digest_with("") else MINILM
    outline = None if recorded is None else read_outline(recorded.outline)
    if (recorded is not None and recorded.rules == digest_with(MINILM)) or (
        outline is not None and outline.words_model
    ):
        raise InvalidSetting("words.model", f"the rules in force have it, and the package {missing} is gone", cure=CURE)
    return ""


def describe_words_model(settings: Settings, name: str) -> tuple[str, str]:
    """Describe the model of a desk's rules, with the cure where there is none by no one's choice."""
    if name:
        return f"by rules, then the model {name} ({weights_digest()})", ""
    if settings.words_model != AUTO:
        return "by rules alone, as words.model says", ""
    if HEARD not in settings.words_languages:
        return "by rules alone: the model hears English", ""
    missing = missing_package()
    if missing:
        says = f"by rules alone: the model is not installed ({missing} is missing)"
        return says, 'Install it (`pip install "remit[words]"`), or set words.model = "none".'
    says = "by rules alone: the model is installed, but not in the rules that two people approved"
    return says, 'Set words.model = "minilm" and have that approved, or set it to "none".'


def verify_words_model(name: str) -> None:
    """Verify that the model of the rules, if any, loads here.

    Raises:
        Refused: `settings.invalid`.
    """
    if name:
        load_text_model(name)
