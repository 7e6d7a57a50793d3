"""What a desk answers, made fit to be kept: everything the record takes in, it must be able to give back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from remit.domain.errors import Refused
from remit.domain.values import Json, JsonObject, decode
from remit.ports import backoffice as desk
from remit.proof.canonical import MAX_INTEGER, canonical
from remit.usecases.parts import Parts

_LONGEST_REASON: Final = 2_000
_MOST_TOLD: Final = 20


class Fitted(NamedTuple):
    """A desk's answer as it can be kept, its values as they are written, and the names of those that cannot be kept."""

    result: desk.ActResult
    text: str
    unfit: tuple[str, ...]


def fit_result(result: desk.ActResult) -> Fitted:
    """A desk's answer as it can be kept and read again; values that cannot be are left out, and named.

    ⚔ An act is done when the desk says so, whatever else it says: an answer that could be written and not read again would
    tell the agent that nothing was permitted, and have it ask for the same once more.
    """
    given: object = result.values
    kept, unfit = _fit(given) if isinstance(given, Mapping) else (_EMPTY, ("result",))
    return Fitted(replace(result, values=kept.values, reason=_reason(result.reason)), kept.text, unfit)


class _Kept(NamedTuple):
    """Values as they are written, and as they are read again."""

    text: str
    values: JsonObject


_EMPTY: Final = _Kept("{}", {})


def _fit(given: Mapping[object, object]) -> tuple[_Kept, tuple[str, ...]]:
    whole = _kept(given)
    if whole is not None:
        return whole, ()
    values: dict[str, Json] = {}
    unfit: list[str] = []
    for name, value in given.items():
        # A whole number beyond what JSON's readers keep exactly is written as text, as I-JSON advises.
        large = isinstance(value, int) and abs(value) > MAX_INTEGER
        one = _kept({name: str(value) if large else value})
        if one is None:
            unfit.append(str(name)[:80].encode("utf-8", errors="replace").decode())
        else:
            values.update(one.values)
    rest = _kept(values)
    if rest is None:  # each can be kept, and all together are too much
        return _EMPTY, (*unfit, *values)
    return rest, tuple(unfit)


def _kept(values: Mapping[object, object] | JsonObject) -> _Kept | None:
    """The values as they are kept, None where they cannot be."""
    try:
        written = canonical(values)
        found = decode(written)
    except (Refused, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return _Kept(written.decode(), found) if isinstance(found, Mapping) else None


def _reason(reason: object) -> str:
    text = reason if isinstance(reason, str) else ""
    return text[:_LONGEST_REASON].encode("utf-8", errors="replace").decode().replace("\0", "")


async def tell_unfit(parts: Parts, action: str, unfit: tuple[str, ...]) -> None:
    """Tell security of a desk whose answers cannot be kept: its values are lost to everybody, and only its makers can mend that."""
    if unfit:
        await parts.notify.incident(kind="unreadable_value", details={"action": action, "names": ", ".join(unfit[:_MOST_TOLD])})
