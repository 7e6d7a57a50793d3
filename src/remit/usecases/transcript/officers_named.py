"""Readers to whom this desk names its officers (`[transcript] officers_named_to`): one rule for every door."""

from collections.abc import Mapping

from remit.domain.records import PersonRecord
from remit.domain.transcript.people_named import without_people
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing


def names_officers(desk: DeskContext, reader: str = "audit") -> bool:
    """Return whether this desk names its officers to readers with a role."""
    return reader in desk.terms.officers_named_to


def for_auditors(desk: DeskContext, row: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return an opened entry as auditors may read it: without officers where the desk does not name them."""
    return row if names_officers(desk) else without_people(row)


def for_security(desk: DeskContext, row: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return an opened entry as security may read it, alike."""
    return row if names_officers(desk, "security") else without_people(row)


async def may_look_up(desk: DeskContext, ref: str) -> bool:
    """Return whether auditors may look entries up by an id. ⚔ By that of an officer only where officers are named.

    Raises:
        Fault: `fault.store`.
    """
    if not ref or names_officers(desk):
        return True
    try:
        return (await desk.store.get(PersonRecord, ref)).record.kind != "officer"
    except RecordMissing:
        return True
