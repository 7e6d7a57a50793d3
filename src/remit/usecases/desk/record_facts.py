"""The facts beside a decision, read from the backoffice at this moment: the records of an ask, and its customer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue
from remit.domain.catalogue.officer_facts import (
    RecordReader,
    customer_attributes,
    named_records,
    record_readers,
    shown_attributes,
)
from remit.domain.errors import Code, Fault
from remit.domain.policy.decision import RecordFacts
from remit.domain.records import AskRecord
from remit.domain.values import Json, JsonObject, instant_text
from remit.engine.ask.facts import fetch_facts
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.ports.backoffice import ActOutcome

_MOST: Final = 10


async def facts_for_officer(desk: DeskContext, ask: AskRecord, objective: str) -> JsonObject:
    """Return the present facts of an ask's records and customer; a backoffice that does not answer is `unreadable`.

    ⚔ Read for the ask's customer alone. A record that is neither theirs nor public is `missing`, and nothing of it is
    read.
    """
    at = instant_text(desk.world.now())
    action = desk.catalogue.actions.get(ask.action)
    if action is None:
        return {"records": [], "customer": [], "at": at, "unreadable": ""}
    shown = shown_attributes(desk.catalogue, action, desk.catalogue.objectives.get(objective))
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            records, customer = await asyncio.gather(
                _records(desk, ask, action, shown), _customer(desk, ask.customer, shown)
            )
    except (Fault, TimeoutError):
        return {"records": [], "customer": [], "at": at, "unreadable": Code.FAULT_BACKOFFICE.value}
    return {"records": records, "customer": customer, "at": at, "unreadable": ""}


async def _records(desk: DeskContext, ask: AskRecord, action: Action, shown: frozenset[str]) -> list[Json]:
    named = named_records(action, recorded_params(ask))[:_MOST]
    if not named:
        return []
    facts = await fetch_facts(desk, named, customer=ask.customer)
    readers = record_readers(desk.catalogue.actions)
    return list(
        await asyncio.gather(
            *(
                _record(desk, ask.customer, place, fact, readers, shown)
                for place, fact in zip(named, facts, strict=True)
            )
        )
    )


async def _record(
    desk: DeskContext,
    customer: str,
    place: tuple[str, str],
    fact: RecordFacts | None,
    readers: Sequence[RecordReader],
    shown: frozenset[str],
) -> Json:
    kind, record_id = place
    resource = desk.catalogue.resources.get(kind)
    told: dict[str, Json] = {"kind": kind, "id": record_id, "title": resource.title if resource is not None else kind}
    public = resource is not None and resource.public
    if fact is None or fact.id != record_id or not (public or customer in fact.owners):
        return {**told, "name": record_id, "missing": True, "values": []}
    values: dict[str, Json] = {}
    for reader in readers:
        if reader.kind == kind and shown & set(reader.action.returns):
            read = await desk.backoffice.read(reader.action.name, {reader.param: record_id}, customer=customer)
            if read.state is ActOutcome.DONE:
                values |= {name: value for name, value in read.values.items() if name in shown}
    return {**told, "name": fact.name or record_id, "missing": False, "values": _titled(desk.catalogue, values)}


async def _customer(desk: DeskContext, customer: str, shown: frozenset[str]) -> list[Json]:
    names = customer_attributes(desk.catalogue, shown)
    return _titled(desk.catalogue, await desk.backoffice.attributes(customer, names)) if names else []


def _titled(catalogue: Catalogue, values: Mapping[str, Json]) -> list[Json]:
    """Return values with the catalogue's titles, in the order of the catalogue."""
    return [
        {"name": name, "title": one.title, "value": values[name]}
        for name, one in catalogue.attributes.items()
        if name in values and values[name] is not None
    ]
