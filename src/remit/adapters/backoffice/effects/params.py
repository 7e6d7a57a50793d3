"""Reading of an act's params, schema-valid on arrival; where schema and effect differ, the desk refuses."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from remit.adapters.backoffice.books import ActFailed
from remit.domain.errors import Refused
from remit.domain.values import Instant, Json, JsonObject, Money, verify_money


def text(params: JsonObject, name: str) -> str:
    """Return a text param.

    Raises:
        ActFailed: it is missing or no text.
    """
    value = params.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ActFailed(f"The request does not say {name}.")
    return value


def texts(params: JsonObject, name: str) -> tuple[str, ...]:
    """Return a param that lists texts, at least one.

    Raises:
        ActFailed: it does not.
    """
    value = params.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ActFailed(f"The request does not list {name}.")
    found = tuple(item for item in value if isinstance(item, str))
    if not found or len(found) != len(value):
        raise ActFailed(f"The request does not list {name}.")
    return found


def money(params: JsonObject, name: str) -> Money:
    """Return a money param.

    Raises:
        ActFailed: it is missing or no money.
    """
    return as_money(params.get(name))


def as_money(value: Json) -> Money:
    """Parse money, also from the desk's own records.

    Raises:
        ActFailed: it is none.
    """
    try:
        return verify_money(value)
    except Refused as refused:
        raise ActFailed(f"The amount cannot be used: {refused.detail}.") from refused


def number(params: JsonObject, name: str) -> int:
    """Return a whole number param.

    Raises:
        ActFailed: it is missing or not whole.
    """
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ActFailed(f"The request does not say {name}.")
    return value


def day(value: Json, what: str) -> date:
    """Parse a calendar day.

    Raises:
        ActFailed: it is none.
    """
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ActFailed(f"{what} is no calendar day such as 2026-03-01.") from None


def today(now: Instant) -> date:
    """Return the current day, in UTC."""
    return datetime.fromtimestamp(now / 1000, tz=UTC).date()
