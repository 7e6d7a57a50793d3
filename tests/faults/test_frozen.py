"""A node that froze past everything that times out, and wakes in the middle of an ask or an erasure: no act doubled, lost or unrecorded."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faults.nodes import Aside, Gate, Node, Nodes, begin, change
from journeys.erasing import ANN, BOB, DAY_S, GONE, contents, erase, fill, propose_erasure
from journeys.kept_desk import Clock, kept_desk, note_about
from postgres_tests import end_connections, postgres_url
from remit.domain.errors import Code, Refused
from remit.domain.records import ActRecord, AskRecord, PersonRecord
from remit.engine.transcript.erase import ERASURES
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxReply

RETENTION_S = 30 * DAY_S
POINTS = ("store.before_commit", "store.after_commit")


def everything_times_out() -> None:
    """What the server does with whoever is not heard of for long: its connections end, and what they had begun with them."""
    end_connections(postgres_url(), "remit%")
    end_connections(postgres_url("keys"), "remit%")


@pytest.mark.xdist_group("alone on its server")
@pytest.mark.proves("NODES", "FAIL-CLOSED")
@pytest.mark.parametrize("point", POINTS)
def test_a_node_that_wakes_in_the_middle_of_an_ask_doubles_and_loses_nothing(point: str) -> None:
    gate = Gate(point)
    with Nodes(Node(at=gate), Node()) as desk:
        task = begin(desk).correcting
        with gate.closed():
            asleep = Aside(lambda: task.ask(*change(), idempotency_key="the-ask"))
            assert gate.reached.wait(60)
            everything_times_out()
            desk.turn(1)
            reply = until(lambda: task.ask(*change(), idempotency_key="the-ask"), lambda one: one.status not in {0, 503})
            desk.nodes[1].clock.ahead_ms = 20_000
            until(desk.sweep, lambda _: task.poll(reply.ask).outcome == "done")
            desk.nodes[1].clock.ahead_ms = 0
        woken: SandboxReply = asleep.result()
        assert woken.status == 503 or woken.ask == reply.ask
        for node in (0, 1):
            desk.turn(node)
            until(lambda: task.ask(*change(), idempotency_key="the-ask"), lambda one: one.outcome == "done" and one.ask == reply.ask)
            desk.sweep()
        parts = desk.nodes[1].context
        asks = desk.run(parts.store.find(AskRecord, "ask.task", task.id))
        assert [(kept.record.id, kept.record.state) for kept in asks] == [(reply.ask, "done")]
        assert not desk.run(parts.store.find(ActRecord, "act.sent", ""))
        assert [one["envelope"]["outcome"] for one in desk.transcript() if one["kind"] == "act.performed"][-1:] == ["done"]
        assert [one["envelope"]["decision"] for one in desk.transcript() if one["kind"] == "ask.decided"] == ["permit"]
        assert version(desk, "P0") == 2, "the desk did it once"


def until(work: Callable[[], Any], so: Callable[[Any], bool]) -> Any:
    """Do something again until it is so."""
    for _ in range(200):
        found = work()
        if so(found):
            return found
    raise AssertionError(found)


def version(desk: Nodes, order: str) -> int:
    """How often an order was written at the desk."""
    return desk.disk().versions[order]


async def told(parts: Any) -> list[Any]:
    """What still opens of what was recorded about the customer."""
    return [section.body if section is not None else None for section in await contents(parts, "c1")]


@pytest.mark.proves("ERASED", "NODES")
@pytest.mark.parametrize("moved", [False, True], ids=["nothing moved", "something came"])
def test_a_node_that_wakes_before_its_erasure_is_recorded_erases_only_what_it_had_looked_at(tmp_path: Path, moved: bool) -> None:
    gate = Gate("store.before_commit")
    clock = Clock()
    frozen = kept_desk(tmp_path / "desk", clock=clock, node="one", on_point=gate)
    frozen.store._writer._on_point = gate  # type: ignore[attr-defined]  # the plug has it
    other = kept_desk(tmp_path / "desk", clock=clock, node="two")

    async def work() -> None:
        await fill(other)
        clock.at = GONE
        made = await propose_erasure(frozen, customer="c1", reason="asked to be forgotten", by=ANN, retention_s=RETENTION_S)
        with gate.closed():
            erasing = asyncio.create_task(erase(frozen, proposal=made.id, by=BOB, retention_s=RETENTION_S))
            await asyncio.to_thread(gate.reached.wait, 60)
            if moved:
                person = await other.store.get(PersonRecord, "c1")
                await other.store.commit(Commit(puts=(Put(person.record, person.rev, person.record),)))
                await note_about(other, "c1", "who came meanwhile")
        if moved:
            with pytest.raises(Refused) as caught:
                await erasing
            assert caught.value.code is Code.TASK_BUSY
            assert all(await told(other)), "nothing was erased"
        else:
            await erasing
            assert not any(await told(other))
        assert len(await other.store.entries(ref=ERASURES)) == (0 if moved else 1)
        for desk in (frozen, other):
            await desk.store.close()
            desk.vault.close()  # type: ignore[attr-defined]  # the plug has it

    asyncio.run(work())
