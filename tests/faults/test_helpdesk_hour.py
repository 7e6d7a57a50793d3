"""The helpdesk is down for an hour while agents go on asking: what must wait waits in order, is told to whoever watches, and is done once.

Nobody sleeps: the clocks of desk and agents are moved.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from faults.books import verify_acts, verify_cases, verify_counters
from faults.killed_desk import AGENT, correct
from faults.nodes import ADDRESS, CHANGED, Nodes
from remit.client.errors import Unavailable
from remit.domain.errors import Code, Fault
from remit.domain.records import ActRecord
from remit.engine.ask.desk_reason import unreachable_reason
from remit.sandbox import SandboxAgent, SandboxMandate, SandboxReply, SandboxTask

MINUTE_MS = 60_000
STEP_MS = 12 * MINUTE_MS
"""Less than a task may be idle."""
HOUR = range(STEP_MS, 61 * MINUTE_MS, STEP_MS)


class Switched:
    """A helpdesk that can be switched off, and can lose the next note, or its answer when it has written it."""

    def __init__(self, helpdesk: Any) -> None:
        self._helpdesk = helpdesk
        self.down = False
        self.loses: list[str] = []

    def __getattr__(self, name: str) -> Any:
        right = getattr(self._helpdesk, name)
        if not callable(right):
            return right

        async def asked(*args: Any, **named: Any) -> Any:
            if self.down:
                raise Fault(Code.FAULT_CASE, "the helpdesk is down")
            loses = self.loses.pop() if name == "note" and self.loses else ""
            if loses == "the note":
                raise Fault(Code.FAULT_CASE, "the helpdesk went down before it wrote")
            found = await right(*args, **named)
            if loses:
                raise Fault(Code.FAULT_CASE, "the helpdesk went down before it had answered")
            return found

        return asked


@dataclass
class Talk:
    """A task, and what its agent said in it."""

    task: SandboxTask
    said: list[str] = field(default_factory=list)
    asked: list[SandboxReply] = field(default_factory=list)

    def say(self) -> SandboxReply:
        """One more comment."""
        self.said.append(f"The cup is broken, {len(self.said)} times over.")
        self.asked.append(reply := self.task.ask("case.comment", {"text": self.said[-1]}))
        return reply


@dataclass
class Hour:
    """A desk with its switches, one to each node, and an agent that may open many tasks."""

    desk: Nodes
    agent: SandboxAgent
    mandate: SandboxMandate
    switches: list[Switched]
    talks: list[Talk] = field(default_factory=list)

    def open(self) -> Talk:
        """Open one more task."""
        self.talks.append(talk := Talk(self.agent.open(self.mandate)))
        return talk

    def switch(self, *, down: bool) -> None:
        """Switch the helpdesk, for all nodes."""
        for one in self.switches:
            one.down = down

    def at(self, ahead_ms: int) -> None:
        """The clocks go on; every node makes its round, and another one is spoken to."""
        self.desk.set_clocks(ahead_ms)
        for node in range(len(self.desk.nodes)):
            self.desk.round(node)
        self.desk.turn((ahead_ms // STEP_MS) % len(self.desk.nodes))

    def gauge(self, series: str) -> float:
        """What a node's page of metrics says, after a look."""
        node = self.desk.nodes[self.desk.turned.to]
        assert node.desk is not None
        self.desk.run(node.desk.jobs._looking.run())
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.desk.room.raw("GET", "/metrics").text, re.MULTILINE)
        assert found is not None, series
        return float(found[1])

    def verify(self, *, changes: int) -> None:
        """Nothing waits; every comment and change was made once and in order, and log, outbox, desk and agent say so."""
        for talk in self.talks:
            talk.task.renew()
            assert [talk.task.poll(one.ask).outcome for one in talk.asked] == ["done"] * len(talk.asked)
            notes = self.desk.run(self.switches[0].notes(case=talk.task.case))
            assert [note.text for note in notes] == talk.said
        for node in self.desk.nodes:
            for waiting in ("act.sent", "act.queued"):
                assert not self.desk.run(node.context.store.find(ActRecord, waiting, ""))
        self.desk.transcript()
        disk = self.desk.disk()
        verify_acts(disk, again=True)
        verify_cases(disk)
        verify_counters(disk)
        assert sum(disk.versions[order] - 1 for order in CHANGED) == changes


@pytest.fixture(params=["sqlite", "two nodes on postgres"])
def hour(request: pytest.FixtureRequest) -> Iterator[Hour]:
    with Nodes(on_sqlite=request.param == "sqlite") as desk:
        customer, agent = desk.customer("anna"), desk.agent(AGENT)
        switches = [Switched(node.context.helpdesk) for node in desk.nodes]
        for node, switch in zip(desk.nodes, switches, strict=True):
            object.__setattr__(node.context, "helpdesk", switch)  # where a company plugs in its own
        mandate = customer.grant(agent, {**correct(CHANGED), "max_tasks": 10})
        yield Hour(desk, agent, mandate, switches)


@pytest.mark.proves("FAIL-CLOSED", "NODES")
@pytest.mark.parametrize("lost", ["the note", "the answer"])
def test_what_waited_for_an_hour_is_done_once_in_the_order_it_was_asked_for(hour: Hour, lost: str) -> None:
    first = hour.open()
    assert first.say().outcome == "done"
    hour.switches[0].loses = [lost]
    assert first.say().outcome == "unknown"
    hour.switch(down=True)
    waits = 0
    for talk, ahead_ms in ((first, 0), *((None, ahead_ms) for ahead_ms in HOUR)):
        hour.at(ahead_ms)
        speaking = talk or hour.open()
        speaking.say()
        speaking.asked.append(speaking.task.ask("order.change_address", {"order_id": CHANGED[waits], "address": ADDRESS}))
        speaking.say()
        waits += 1
        for reply in speaking.asked[-3:]:
            assert (reply.status, reply.state, reply.body["desk_pending"]) == (202, "permitted", True)
            assert speaking.task.poll(reply.ask).state == "permitted"
        read = speaking.task.ask("order.read", {"order_id": "P0"})
        assert (read.outcome, read.result, read.body["reason"]) == ("failed", {}, unreachable_reason(Code.FAULT_CASE))
        with pytest.raises(Unavailable) as told:
            first.task.renew()
        assert (told.value.code, bool(told.value.cure), bool(told.value.retry_after_s)) == ("fault.case", True, True)
        # Whoever watches is told how much waits, and for how long; the node itself is well.
        assert hour.gauge('remit_outbox_oldest_seconds{state="queued"}') == pytest.approx(ahead_ms / 1000, abs=60)
        assert hour.gauge('remit_asks{state="permitted"}') == 3 * waits
        assert hour.gauge('remit_asks{state="unknown"}') == 1
        assert hour.desk.ready() == (200, "")
    assert set(hour.desk.disk().versions.values()) == {1}, "nothing acts while the case cannot be read"
    hour.switch(down=False)
    hour.at(HOUR[-1])
    hour.at(HOUR[-1])
    hour.verify(changes=waits)


@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_what_was_said_later_waits_while_it_is_not_known_what_became_of_what_was_said_before(hour: Hour) -> None:
    talk = hour.open()
    hour.switches[0].loses = ["the note"]
    assert talk.say().outcome == "unknown"
    hour.switch(down=True)
    assert talk.say().state == talk.say().state == "permitted"
    hour.switch(down=False)
    for switch in hour.switches:
        switch.loses = ["the note"]
    hour.desk.round(0)
    assert hour.desk.run(hour.switches[0].notes(talk.task.case)) == ()
    hour.switches[-1].loses = []
    hour.desk.round(len(hour.desk.nodes) - 1)
    hour.verify(changes=0)
