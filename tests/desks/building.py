"""Pieces of the catalogues of tests' desks."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

ORDER: Final[dict[str, Any]] = {"type": "string", "x-resource": "order"}
PAYMENT_METHOD: Final[dict[str, Any]] = {"type": "string", "x-resource": "payment_method"}
MONEY: Final[dict[str, Any]] = {"x-money": True}


def action(
    title: str,
    power: str,
    area: str,
    params: Mapping[str, Any] | None = None,
    *,
    effect: str = "write",
    required: Sequence[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An action of a catalogue; all its params are required where `required` is left out."""
    made: dict[str, Any] = {"title": title, "power": power, "area": area, "effect": effect, **more}
    if params is not None:
        needed = {"required": list(params if required is None else required)} if params else {}
        made["params"] = {"properties": deepcopy(dict(params)), **needed}
    return made
