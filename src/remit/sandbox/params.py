"""A test's params or mandate as plain JSON: Decimals and tuples included, nothing rounded."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from remit.client.errors import Miswritten
from remit.client.json_fields import encode


def plain(value: Any, code: str = "params.invalid") -> Any:  # noqa: ANN401  # JSON, as Python writes it
    """Return the value as JSON can carry it exactly.

    Raises:
        Miswritten: with `code` when it is not JSON or too deep, or for a Decimal that would be rounded, NaN or
            infinity.
    """
    try:
        return _plain(value, code)
    except RecursionError:
        detail = "a value is nested too deeply to be sent."
        raise Miswritten(code, detail=detail, cure="Give a flatter value.") from None


def sent(value: object, code: str) -> bytes:
    """Encode JSON for sending.

    Raises:
        Miswritten: with `code` for a text with half a letter in it (a lone surrogate), which UTF-8 cannot carry.
    """
    try:
        return encode(value)
    except UnicodeEncodeError:
        detail = "a text has half a letter in it, a lone surrogate."
        raise Miswritten(code, detail=detail, cure="Give texts of whole letters.") from None


def _plain(value: Any, code: str) -> Any:  # noqa: ANN401  # JSON, as Python writes it
    if isinstance(value, Mapping):
        return {_name(name, code): _plain(item, code) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, code) for item in value]
    if isinstance(value, Decimal):
        return _number(value, code)
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise Miswritten(
        code,
        detail=f"{value if isinstance(value, float) else f'a value of type {type(value).__name__}'} is not JSON.",
        cure="Give texts, numbers, lists and objects alone; write money as a text such as '40.00 EUR'.",
    )


def plain_object(value: object, what: str, code: str) -> Any:  # noqa: ANN401  # JSON, as Python writes it
    """Return an object as JSON can carry it exactly; `what` names it in errors.

    Raises:
        Miswritten: with `code` when it is no object, or not JSON.
    """
    if not isinstance(value, Mapping):
        detail = f"{what} is an object, not a value of type {type(value).__name__}."
        raise Miswritten(code, detail=detail, cure=f"Give {what} as a dict.")
    return plain(value, code)


def _name(name: object, code: str) -> str:
    if not isinstance(name, str):
        raise Miswritten(code, detail=f"a member's name is a text, not {name!r}.", cure="Write the name as a text.")
    return name


def _number(value: Decimal, code: str) -> int | float:
    """⚔ Convert a number, never rounded: another amount would be tested than the one written."""
    if value.is_finite():
        number: int | float = int(value) if value == value.to_integral_value() else float(value)
        if Decimal(repr(number)) == value:
            return number
    detail = f"{value} cannot be a JSON number without being rounded."
    raise Miswritten(code, detail=detail, cure="Write money as a text such as '40.00 EUR'.")
