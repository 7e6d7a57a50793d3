"""Reading what an act asks for. Params are schema-valid when they arrive; a desk whose schema and effect differ says no."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from remit.adapters.backoffice.books import ActFailed
from remit.domain.errors import Refused
from remit.domain.values import Instant, Json, JsonObject, Money, verify_money


def text(params: JsonObject, name: str) -> str:
    """A text param.

    Raises:
        Failed: when it is missing or no text.
    """
    value = params.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ActFailed(f"The request does not say {name}.")
    return value


def texts(params: JsonObject, name: str) -> tuple[str, ...]:
    """A param that lists different texts, at least one.

    Raises:
        Failed: when it does not.
    """
    value = params.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ActFailed(f"The request does not list {name}.")
    found = tuple(item for item in value if isinstance(item, str))
    if not found or len(found) != len(value):
        raise ActFailed(f"The request does not list {name}.")
    return found


def money(params: JsonObject, name: str) -> Money:
    """A money param.

    Raises:
        Failed: when it is missing or no money.
    """
    return as_money(params.get(name))


def as_money(value: Json) -> Money:
    """Any money text, also from the desk's own records.

    Raises:
        Failed: when it is none.
    """
    try:
        return verify_money(value)
    except Refused as refused:
        raise ActFailed(f"The amount cannot be used: {refused.detail}.") from refused


def number(params: JsonObject, name: str) -> int:
    """A whole number param.

    Raises:
        Failed: when it is missing or not whole.
    """
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ActFailed(f"The request does not say {name}.")
    return value


def day(value: Json, what: str) -> date:
    """A calendar day.

    Raises:
        Failed: when it is none.
    """
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _no_day(what)
    except ValueError:
        return _no_day(what)


def _no_day(what: str) -> date:
    raise ActFailed(f"{what} is no calendar day such as 2026-03-01.")


def today(now: Instant) -> date:
    """The day it is, in UTC."""
    return datetime.fromtimestamp(now / 1000, tz=UTC).date()
