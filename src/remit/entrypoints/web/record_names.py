"""Names of the records in entries on the desk's pages, as the backoffice has them now: `“Card ending 4242”` for `pm_7`."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from remit.domain.confirm.render_values import Names
from remit.domain.records import TaskRecord
from remit.domain.values import Json, JsonObject, object_of
from remit.engine.context import DeskContext
from remit.engine.desk import names_if_reachable, record_names
from remit.ports.store import RecordMissing

_PATIENCE_S: Final = 0.5
"""Seconds a list of entries waits for names; it shows ids for those that take longer."""
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
    found = await asyncio.gather(*(_in_time(desk, one, some) for one, some in asked.items()))
    return dict(zip(asked, found, strict=True))


async def _in_time(desk: DeskContext, customer: str, asked: Sequence[tuple[Json, Json]]) -> Names:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await ask_names(desk, customer, asked)
    except TimeoutError:
        return NO_NAMES


async def names_of_entries(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Sequence[Names]:
    """Return for each entry the names of the records in its ask; none for an entry without one."""
    whose = [await _customer(desk, object_of(row["envelope"])) for row in rows]
    asks = [_ask(row) for row in rows]
    names = await names_by_customer(
        desk, ((one, ask["action"], ask.get("params")) for one, ask in zip(whose, asks, strict=True) if ask)
    )
    return [names.get(one, NO_NAMES) for one in whose]


def _ask(row: Mapping[str, Json]) -> JsonObject:
    """Return the ask of an entry with its action; empty where there is none."""
    ask = object_of(object_of(row["content"]).get("ask"))
    return ask if "action" in ask else {}


async def _customer(desk: DeskContext, envelope: JsonObject) -> str:
    try:
        return (await desk.store.get(TaskRecord, str(envelope.get("task", "")))).record.customer
    except RecordMissing:
        return ""
