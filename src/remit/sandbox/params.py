"""What a test writes down as params or a mandate, as plain JSON: Decimals and tuples included, nothing rounded."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:  # noqa: ANN401  # JSON, as Python writes it
    """The value as JSON can carry it exactly.

    Raises:
        TypeError: when it is not JSON.
        ValueError: for a Decimal that would be rounded, NaN or infinity.
    """
    if isinstance(value, Mapping):
        return {_name(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return _number(value)
    return value


def _name(name: object) -> str:
    if not isinstance(name, str):
        message = f"a member's name is a text, not {name!r}"
        raise TypeError(message)
    return name


def _number(value: Decimal) -> int | float:
    """⚔ A rounded amount would be another amount than the one that was tried."""
    if value.is_finite():
        number: int | float = int(value) if value == value.to_integral_value() else float(value)
        if Decimal(repr(number)) == value:
            return number
    message = f"{value} cannot be a JSON number without being rounded; write money as a text such as '40.00 EUR'"
    raise ValueError(message)
