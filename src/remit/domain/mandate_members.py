"""Strict reading of a mandate's members: closed objects, bounded lists, exact texts and numbers.

Every refusal names the member. What the members mean is for `mandate_reading` and `mandate_powers`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.mandate_tests import is_list
from remit.domain.secrets import find_secrets, redact
from remit.domain.values import Json, JsonObject

MOST_VALUES: Final = 1000
LONGEST_TEXT: Final = 1000


def invalid(member: str, problem: str) -> Refused:
    """A refusal of the mandate, as readable for the agent's developer as for the desk."""
    said = f"{member[:200]}: {problem}"
    said = redact(said, find_secrets(said))  # ⚔ a member's name is the agent's own text
    return Refused(Code.MANDATE_INVALID, said, public=said)


def members(value: Json, where: str, *, required: Sequence[str] = (), optional: Sequence[str] = ()) -> JsonObject:
    """A closed object.

    Raises:
        Refused: `mandate.invalid` naming the missing or unknown member.
    """
    if not isinstance(value, Mapping):
        raise invalid(where, "must be an object")
    for name in value:
        if name not in required and name not in optional:
            raise invalid(f"{where}.{name[:80]}", f"is not known here; known are {', '.join((*required, *optional))}")
    for name in required:
        if name not in value:
            raise invalid(f"{where}.{name}", "is missing")
    return value


def array(value: Json, where: str, *, least: int = 1, most: int = MOST_VALUES) -> Sequence[Json]:
    """A bounded array.

    Raises:
        Refused: `mandate.invalid`.
    """
    if not is_list(value):
        raise invalid(where, "must be an array")
    if not least <= len(value) <= most:
        raise invalid(where, f"must have {least} to {most} items")
    return value


def line(value: Json, where: str, *, longest: int = LONGEST_TEXT) -> str:
    """A text that is not empty and not too long.

    Raises:
        Refused: `mandate.invalid`.
    """
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise invalid(where, f"must be a text of 1 to {longest} characters")
    return value


def lines(value: Json, where: str) -> tuple[str, ...]:
    """An array of different texts.

    Raises:
        Refused: `mandate.invalid`.
    """
    found = tuple(line(item, f"{where}[{place}]") for place, item in enumerate(array(value, where)))
    if len(set(found)) != len(found):
        raise invalid(where, "says something twice")
    return found


def count(value: Json, where: str, *, least: int, most: int) -> int:
    """A whole number within bounds.

    Raises:
        Refused: `mandate.invalid`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(where, f"must be a whole number from {least} to {most}")
    return value


def verify_size(value: Json, where: str) -> None:
    """Bound how much one value of a test may hold.

    Raises:
        Refused: `mandate.invalid`.
    """
    left = MOST_VALUES + 1
    stack: list[Json] = [value]
    while stack:
        left -= 1
        one = stack.pop()
        if left < 0 or (isinstance(one, str) and len(one) > 4 * LONGEST_TEXT):
            raise invalid(where, "is too large")
        if isinstance(one, Mapping):
            stack.extend(one.values())
        elif is_list(one):
            stack.extend(one)
