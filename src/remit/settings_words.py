"""The `words` of a desk: what becomes of secrets in what agents write, and of words that say more than their ask."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import is_word
from remit.domain.values import JsonObject
from remit.domain.words_beyond import BeyondRules, Way

KEYS: Final = frozenset({"beyond", "contacts", "model", "officer", "secrets", "unreadable"})
MODELS: Final = ("minilm",)
_UNREADABLE: Final = (Way.HOLD, Way.REFUSE)


def beyond_of(table: Mapping[str, Any]) -> BeyondRules:
    """Read what is done with words that say more. Without a word of it they are refused, as is what cannot be read.

    Raises:
        Refused: `settings.invalid`.
    """
    beyond, unreadable = _way(table, "beyond", tuple(Way)), _way(table, "unreadable", _UNREADABLE)
    officer = table.get("officer", "")
    if not isinstance(officer, str) or (officer and not is_word(officer)):
        raise _invalid("officer", 'must be the name of a role of the catalogue, such as "billing"')
    if Way.HOLD in {beyond, unreadable} and not officer:
        raise _invalid("officer", "is missing: say which role looks at words that are held where neither the area nor a rule names one")
    return BeyondRules(beyond=beyond, unreadable=unreadable, officer=officer)


def model_of(table: Mapping[str, Any]) -> str:
    """Read which model hears what a message is about; "" for none.

    Raises:
        Refused: `settings.invalid`.
    """
    model = table.get("model", "")
    if model not in ("", *MODELS):
        raise _invalid("model", f"must be one of: {', '.join(MODELS)}")
    return str(model)


def verify_officer_role(rules: BeyondRules, roles: Collection[str]) -> None:
    """Check that there are officers for what is held.

    Raises:
        Refused: `settings.invalid`.
    """
    if rules.officer and rules.officer not in roles:
        known = ", ".join(sorted(roles)) or "none; declare one as [role.…]"
        raise _invalid("officer", f"is no role of the catalogue; known are {known}")


def deciding(rules: BeyondRules) -> JsonObject:
    """What the digest of the rules is over: nothing where the desk has not said anything, so that it keeps the rules that were taken in."""
    if rules == BeyondRules():
        return {}
    return {"words": {"beyond": rules.beyond.value, "unreadable": rules.unreadable.value, "officer": rules.officer}}


def _way(table: Mapping[str, Any], key: str, ways: tuple[Way, ...]) -> Way:
    value = table.get(key, Way.REFUSE.value)
    if not isinstance(value, str) or value not in ways:
        raise _invalid(key, f"must be one of {', '.join(ways)}")
    return Way(value)


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"words.{key} {cure}")
