"""The `words` of a desk: secrets in agents' messages, words beyond their ask, and contacts officers may give."""

from collections.abc import Collection
from typing import Annotated, Final, Literal

from msgspec import Meta

from remit.domain.ids import is_word
from remit.domain.values import JsonObject
from remit.domain.words.excess import ExcessWordsRules, WordsHandling
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import verify_role

_CONTACT: Final = (
    r"(?a)\A(?:[^\s@]{0,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,4}|\+?[0-9][0-9 ()/.-]{3,30}"
    r"|(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,63}"
    r"|https://[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}(?:/[A-Za-z0-9._~/-]{0,200})?)\Z"
)
_OFFICER: Final = 'the name of a role of the catalogue, such as "billing"'
_LANGUAGES: Final = 'a list of the languages in which messages are read, of "en" and "de"'
DEFAULT_LANGUAGES: Final = ("en",)
AUTO: Final = "auto"
MINILM: Final = "minilm"
NO_MODEL: Final = "none"
HEARD: Final = "en"
"""The language that the model hears."""
_CONTACTS: Final = 'a list such as ["help@acme.example", "@acme.example", "+49 40 123456", "acme.example", "https://acme.example/help"]'


class WordsTable(Table, frozen=True):
    """`[words]`. Without settings, words beyond their ask are refused, as are unreadable ones; unrecognised ones stripped."""

    secrets: Literal["refuse", "redact"]
    beyond: WordsHandling = WordsHandling.REFUSE
    unrecognised: WordsHandling = WordsHandling.STRIP
    unreadable: Literal["hold", "refuse"] = "refuse"
    officer: Annotated[str, Meta(description=_OFFICER)] = ""
    languages: Annotated[tuple[Literal["de", "en"], ...], Meta(min_length=1, max_length=2, description=_LANGUAGES)] = (
        DEFAULT_LANGUAGES
    )
    model: Annotated[Literal["", "auto", "minilm", "none"], Meta(description="one of: auto, minilm, none")] = AUTO
    contacts: Annotated[
        tuple[Annotated[str, Meta(pattern=_CONTACT)], ...], Meta(max_length=32, description=_CONTACTS)
    ] = ()


def beyond_of(table: WordsTable) -> ExcessWordsRules:
    """Return the treatment of words beyond their ask.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if table.officer and not is_word(table.officer):
        raise InvalidSetting("words.officer", f"must be {_OFFICER}")
    rules = ExcessWordsRules(
        beyond=table.beyond,
        unrecognised=table.unrecognised,
        unreadable=WordsHandling(table.unreadable),
        officer=table.officer,
    )
    if WordsHandling.HOLD in {rules.beyond, rules.unrecognised, rules.unreadable} and not rules.officer:
        problem = "is missing: say which role looks at words that are held where neither the area nor a rule names one"
        raise InvalidSetting("words.officer", problem)
    return rules


def languages_of(table: WordsTable) -> tuple[str, ...]:
    """Return the languages in which messages are read, in their order.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if len(set(table.languages)) < len(table.languages):
        raise InvalidSetting("words.languages", f"must be {_LANGUAGES}, each once")
    if table.model == MINILM and HEARD not in table.languages:
        raise InvalidSetting("words.model", 'hears English alone: add "en" to words.languages, or take words.model out')
    return table.languages


def verify_officer_role(rules: ExcessWordsRules, roles: Collection[str]) -> None:
    """Verify that there are officers for held words.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    verify_role(rules.officer, "words.officer", roles)


def deciding(rules: ExcessWordsRules) -> JsonObject:
    """Return the input of the rules' digest: nothing without settings, so that the approved rules stay."""
    if rules == ExcessWordsRules():
        return {}
    words = {"beyond": rules.beyond.value, "unreadable": rules.unreadable.value, "officer": rules.officer}
    if rules.unrecognised is not WordsHandling.STRIP:  # approved rules of an older desk stay the same
        words["unrecognised"] = rules.unrecognised.value
    return {"words": words}
