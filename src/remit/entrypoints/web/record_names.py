"""Names of the records in entries on the desk's pages, as the backoffice has them now: `“Card ending 4242”` for `pm_7`."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from remit.domain.confirm.render_values import Names
from remit.domain.values import Json, JsonObject, object_of
from remit.engine.context import DeskContext
from remit.engine.desk import names_if_reachable, record_names
from remit.engine.transcript.parties import entry_customers

_PATIENCE_S: Final = 0.5
"""Seconds a list of entries waits for names; it shows ids for those that take longer."""
_AT_ONCE: Final = 4
"""Customers whose names a list asks for at once."""
_ASKS: Final = 20
"""Asks of one customer, the newest, whose records a list names."""
NO_NAMES: Final[Names] = {}


async def ask_names(desk: DeskContext, customer: str, asked: Iterable[tuple[Json, Json]]) -> Names:
    """Return the names of the records in one customer's asks: each the name of an action, and its params."""
    actions = desk.catalogue.actions
    wishes = [(actions.get(str(name)), params) for name, params in asked]
    known = [(action, params) for action, params in wishes if action is not None and isinstance(params, Mapping)]
    return await names_if_reachable(record_names(desk, customer, known, NO_NAMES)) if known else NO_NAMES


async def names_by_customer(desk: DeskContext, wishes: Iterable[tuple[str, Json, Json]]) -> Mapping[str, Names]:
    """Return the names of the records in asks of several customers, by customer; a late answer leaves its ids.

    Asked for each customer alone: a record of another customer keeps its id.
    """
    asked: dict[str, list[tuple[Json, Json]]] = {}
    for customer, action, params in wishes:
        if customer:
            asked.setdefault(customer, []).append((action, params))
    found: dict[str, Names] = {}
    places = asyncio.Semaphore(_AT_ONCE)

    async def name(customer: str, some: Sequence[tuple[Json, Json]]) -> None:
        async with places:
            found[customer] = await ask_names(desk, customer, some[:_ASKS])

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*(name(one, some) for one, some in asked.items()))
    return found


async def names_of_entries(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Sequence[Names]:
    """Return for each entry the names of the records in its ask; none for an entry without one."""
    customers = await entry_customers(desk, rows)
    asks = [_ask(row) for row in rows]
    names = await names_by_customer(
        desk, ((one, ask["action"], ask.get("params")) for one, ask in zip(customers, asks, strict=True) if ask)
    )
    return [names.get(one, NO_NAMES) for one in customers]


def _ask(row: Mapping[str, Json]) -> JsonObject:
    """Return the ask of an entry with its action; empty where there is none."""
    ask = object_of(object_of(row["content"]).get("ask"))
    return ask if "action" in ask else {}
