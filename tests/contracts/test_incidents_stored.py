"""Incidents in every store: two causes at one moment open one of them, and what is closed leaves the live ones."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import NOW, STORES, Opener, entry, run, together
from remit.domain.incidents.records import (
    DeliveryEvent,
    DeliveryRecord,
    IncidentCause,
    IncidentKind,
    IncidentRecord,
    IncidentState,
    crowd_key,
    joined_incident,
    opened_incident,
)
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.ports.store import Commit, Committed, Conflict, Drop, Put

CAUSE = IncidentCause(kind=IncidentKind.LEAK, detail="token", agent="a1", operator="o", customer="c1", case="k1", task="t1")
Run = Callable[[Callable[[Any], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture(params=sorted(STORES))
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    opener: Opener = STORES[request.param]
    return lambda work: run(opener, tmp_path, work)


def made(incident_id: str = "inc_1", cause: IncidentCause = CAUSE) -> IncidentRecord:
    return opened_incident(cause, incident_id=incident_id, now=NOW)


def message(number: int, *, due: int = NOW, message_id: str = "") -> DeliveryRecord:
    one = made()
    return DeliveryRecord(
        id=message_id or f"msg_{number}",
        to="soc",
        incident=one.id,
        event=DeliveryEvent.OPENED,
        number=number,
        at=NOW,
        due_at=Instant(due),
        until=NOW,
        kind=one.kind,
        detail=one.detail,
        severity=one.severity,
        state=one.state,
        opened_at=NOW,
        count=1,
        agent=one.agent,
        agent_name="Agent",
        operator=one.operator,
        task="t1",
        case="k1",
    )


def test_an_incident_comes_back_as_it_was_and_is_found_by_its_parties(stored: Run) -> None:
    async def work(store: Any) -> None:
        one = made()
        await store.commit(Commit(puts=(Put(one, 0),), entries=(entry(0, refs=(one.id,)),)))
        for index, key in (
            ("incident.all", ""),
            ("incident.live", ""),
            ("incident.key", CAUSE.key),
            ("incident.crowd", crowd_key(IncidentKind.LEAK, "o")),
            ("incident.agent", "a1"),
            ("incident.operator", "o"),
        ):
            assert [kept.record for kept in await store.find(IncidentRecord, index, key)] == [one], index
        assert [found.index for found in await store.entries(ref=one.id)] == [0]

    stored(work)


def test_of_two_that_open_one_at_a_moment_the_second_must_look_again(stored: Run) -> None:
    async def work(store: Any) -> None:
        ends = await together(*(store.commit(Commit(puts=(Put(made(), 0),), entries=(entry(at),))) for at in range(2)))
        assert sorted(type(one).__name__ for one in ends) == [Committed.__name__, Conflict.__name__]
        refused = next(one for one in ends if isinstance(one, Conflict))
        assert (refused.kind, refused.record_id) == (IncidentRecord.KIND, "inc_1")
        kept = await store.get(IncidentRecord, "inc_1")
        joined = joined_incident(kept.record, replace(CAUSE, agent="a2", task="t2"), now=Instant(NOW + 5))
        await store.commit(Commit(puts=(Put(joined, kept.rev, kept.record),)))
        assert [one.record.count for one in await store.find(IncidentRecord, "incident.agent", "a2")] == [2]
        assert len(await store.entries()) == 1

    stored(work)


def test_a_closed_incident_leaves_the_live_ones_and_stays_in_the_rest(stored: Run) -> None:
    async def work(store: Any) -> None:
        one = made()
        await store.commit(Commit(puts=(Put(one, 0),)))
        closed = replace(one, state=IncidentState.CLOSED, closed_at=NOW, resolution="resolved")
        await store.commit(Commit(puts=(Put(closed, 1, one),)))
        assert not await store.find(IncidentRecord, "incident.live", "")
        assert not await store.find(IncidentRecord, "incident.crowd", one.crowd)
        assert [kept.record for kept in await store.find(IncidentRecord, "incident.all", "")] == [closed]

    stored(work)


def test_messages_stand_in_the_order_of_their_incident_and_are_found_when_due(stored: Run) -> None:
    async def work(store: Any) -> None:
        first, second = message(2, due=NOW + 50), message(5)
        await store.commit(Commit(puts=(Put(second, 0), Put(first, 0))))
        assert [kept.record for kept in await store.find(DeliveryRecord, "delivery.line", first.line)] == [first, second]
        assert [kept.record for kept in await store.find(DeliveryRecord, "due.delivery", "", high=NOW)] == [second]
        await store.commit(Commit(drops=(Drop(first, 1),)))
        assert [kept.record for kept in await store.find(DeliveryRecord, "delivery.line", first.line)] == [second]

    stored(work)
