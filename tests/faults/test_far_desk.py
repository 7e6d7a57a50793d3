"""A backoffice at the other end of a connection is slow, talks nonsense, is brought an act twice or answers when nobody listens any more.

Over both stores; with two nodes another one than the node that sent takes the act over. Afterwards log, outbox, counters and the books of the
desk tell one story, and it is what the agent was told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from faults.books import verify_acts, verify_cases, verify_counters
from faults.far_desk import FarBackoffice, FarDesk, Held, nonsense, twice
from faults.killed_desk import AGENT, correct
from faults.nodes import ADDRESS, Aside, Nodes, unmarked
from remit.domain.records import ActRecord
from remit.ports.backoffice import ActOutcome
from remit.sandbox import SandboxReply, SandboxTask

STORES = ["sqlite", "two nodes on postgres"]
ORDERS = [f"D{number}" for number in range(60)]
NONSENSE = [
    b"",
    b"<html><body>502 Bad Gateway</body></html>",
    b'{"state": "done", "values": {"order.status"',
    b'{"state": "probably", "values": {}, "reason": ""}',
    b'{"state": "unseen", "values": {}, "reason": ""}',
    b'{"state": "done"}',
    b'[{"state": "done", "values": {}, "reason": ""}]',
    b"null",
]


@dataclass
class Far:
    """One desk whose backoffice is far away, and a task at it. Nodes that died are no longer spoken to."""

    desk: Nodes
    far: FarDesk
    task: SandboxTask
    numbers: Iterator[int] = field(default_factory=count)
    dead: set[int] = field(default_factory=set)
    before: int = 0

    @property
    def alive(self) -> list[int]:
        """The nodes that are spoken to."""
        return [place for place in range(len(self.desk.nodes)) if place not in self.dead]

    @property
    def performed(self) -> int:
        """How often the desk did something since the test began."""
        return len(self.far.performed) - self.before

    def begin(self) -> None:
        """Begin a test: no trouble, the first node, a task."""
        self.far.trouble.clear()
        self.far.calls.clear()
        self.before = len(self.far.performed)
        self.desk.turn(0)
        if self.task.status()["state"] != "open":
            self.task = open_task(self.desk)

    def ask(self) -> SandboxReply:
        """Ask for a change of an order that nobody has asked to change yet."""
        return self.again(ORDERS[next(self.numbers)])

    def again(self, order: str) -> SandboxReply:
        """Ask under the order's own key."""
        return self.task.ask("order.change_address", {"order_id": order, "address": ADDRESS}, idempotency_key=order)

    def take_over(self) -> None:
        """From now on another node is spoken to, where there is one, and makes its round."""
        self.desk.turn(self.alive[-1])
        self.desk.round(self.alive[-1])

    def verify(self, reply: SandboxReply, outcomes: list[str], *, done: int) -> None:
        """All tell one story: of this ask these outcomes, and so often the desk did something."""
        for node in self.alive:
            self.desk.round(node)
            assert not self.desk.run(self.desk.nodes[node].context.store.find(ActRecord, "act.sent", ""))
            self.desk.turn(node)
            told = self.task.poll(reply.ask)
            assert told.state == outcomes[-1]
        entries = [one["envelope"] for one in self.desk.transcript()]
        assert [one["outcome"] for one in entries if "outcome" in one and one["ask"] == reply.ask] == outcomes
        at_desk = {key: {"state": state.value} for key, state in self.far.acts.items()}
        disk = replace(self.desk.disk(), acts=at_desk)
        verify_acts(disk)
        verify_cases(disk)
        verify_counters(disk)
        assert self.performed == done
        assert len(self.far.performed) == len({act.key for act in self.far.performed})


def open_task(desk: Nodes) -> SandboxTask:
    """A task to send orders elsewhere, its case open."""
    customer, agent = desk.customer("anna"), desk.agent(AGENT)
    return agent.open(customer.grant(agent, correct(ORDERS)))


@contextmanager
def opened(store: str, *, desk_timeout_ms: int = 1_000) -> Iterator[Far]:
    """A desk, and its backoffice behind a server of its own."""
    terms = {"desk_timeout_ms": desk_timeout_ms, "facts_timeout_ms": 1_000}
    with Nodes(settings={"terms": terms}, on_sqlite=store == "sqlite") as desk:
        parts = [node.context for node in desk.nodes]
        facts = {"owners": {"order": dict.fromkeys(ORDERS, "anna")}}
        with FarDesk(parts[0].catalogue, desk.nodes[0].clock, facts) as server:
            plugs = [FarBackoffice(server.url) for _ in parts]
            for each, plug in zip(parts, plugs, strict=True):
                object.__setattr__(each, "backoffice", plug)  # where a company plugs in its own
            yield Far(desk, server, open_task(desk))
            for plug in plugs:
                desk.run(plug.close())


@pytest.fixture(scope="module", params=STORES)
def room(request: pytest.FixtureRequest) -> Iterator[Far]:
    with opened(request.param) as far:
        yield far


@pytest.fixture
def far(room: Far) -> Far:
    room.begin()
    return room


# Before anything is recorded.


@pytest.mark.proves("FAIL-CLOSED")
@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"[]", b"[null, null, null]", b'{"owner": "anna"}', b'[{"id": "P0"}]', b"null"], ids=repr
)
def test_facts_that_are_nonsense_on_the_wire_permit_nothing_and_leave_nothing(far: Far, answer: bytes) -> None:
    far.far.trouble["facts"] = nonsense(answer)
    reply = far.ask()
    assert (reply.status, reply.codes) == (503, ("fault.backoffice",))
    assert reply.cure
    far.far.trouble.clear()
    far.desk.turn(far.alive[-1])
    again = far.ask()
    assert again.outcome == "done"
    far.verify(again, ["done"], done=1)


@pytest.mark.proves("FAIL-CLOSED")
def test_facts_that_come_too_late_permit_nothing(far: Far) -> None:
    far.far.trouble["facts"] = held = Held(done=False)
    reply = far.ask()
    assert (reply.status, reply.codes) == (503, ("fault.backoffice",))
    held.let_go()
    far.far.trouble.clear()
    far.verify(far.ask(), ["done"], done=1)


# After the permit was recorded.


@pytest.mark.proves("NODES", "FAIL-CLOSED")
@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_an_act_that_was_answered_with_nonsense_is_unknown_and_found_done_by_another_node(far: Far, answer: bytes) -> None:
    far.far.trouble["perform"] = nonsense(answer)
    reply = far.ask()
    assert (reply.status, reply.outcome, reply.body["poll"]) == (202, "unknown", f"/v1/asks/{reply.ask}")
    far.take_over()
    assert far.task.poll(reply.ask).outcome == "done"
    assert far.far.calls["perform"] == 1, "what the desk has done is not sent again"
    far.verify(reply, ["unknown", "done"], done=1)


@pytest.mark.proves("NODES", "FAIL-CLOSED")
def test_an_act_whose_answer_comes_when_nobody_listens_is_done_once(far: Far) -> None:
    far.far.trouble["perform"] = held = Held(done=True)
    reply = far.ask()
    assert (reply.status, reply.outcome) == (202, "unknown")
    far.take_over()
    assert far.task.poll(reply.ask).outcome == "done"
    held.let_go()
    far.verify(reply, ["unknown", "done"], done=1)


@pytest.mark.proves("NODES", "FAIL-CLOSED")
def test_an_act_that_reaches_the_desk_when_another_node_has_sent_it_again_is_done_once(far: Far) -> None:
    far.far.trouble["perform"] = held = Held(done=False)
    reply = far.ask()
    assert reply.outcome == "unknown"
    far.far.trouble.clear()
    far.take_over()
    assert far.task.poll(reply.ask).outcome == "done"
    assert far.far.calls["perform"] == 2
    held.let_go()
    far.verify(reply, ["unknown", "done"], done=1)


@pytest.mark.proves("NODES", "FAIL-CLOSED")
def test_an_act_that_reaches_the_desk_when_its_task_is_over_is_never_done(far: Far) -> None:
    """⚔ It was on its way when the task ended: it counts as failed only behind the fence, and the fence holds."""
    far.far.trouble["perform"] = held = Held(done=False)
    reply = far.ask()
    assert reply.outcome == "unknown"
    far.desk.turn(far.alive[-1])
    far.task.complete()
    far.far.trouble["fence"] = nonsense(b'{"state": "unseen", "values": {}, "reason": ""}')
    far.desk.round(far.alive[-1])
    assert far.task.poll(reply.ask).state == "unknown", "a fence that the desk does not confirm is none"
    far.far.trouble.clear()
    far.take_over()
    held.let_go()
    told = far.task.poll(reply.ask)
    assert told.state == "failed"
    far.verify(reply, ["unknown", "failed"], done=0)
    assert list(far.far.acts.values())[-1] is ActOutcome.FENCED


@pytest.mark.proves("FAIL-CLOSED")
def test_an_act_that_the_network_brings_twice_is_done_once(far: Far) -> None:
    far.far.trouble["perform"] = twice
    reply = far.ask()
    assert reply.outcome == "done"
    far.verify(reply, ["done"], done=1)


@pytest.mark.proves("NODES", "FAIL-CLOSED")
@pytest.mark.parametrize("answer", NONSENSE[:3], ids=repr)
def test_a_desk_that_cannot_say_what_became_of_an_act_leaves_it_unknown_at_every_node(far: Far, answer: bytes) -> None:
    far.far.trouble = {"perform": nonsense(answer), "outcome": nonsense(answer)}
    reply = far.ask()
    for node in far.alive:
        far.desk.round(node)
    assert far.task.poll(reply.ask).state == "unknown"
    assert far.far.calls["fence"] == 0
    assert far.far.calls["perform"] == 1, "nothing is sent again on a guess"
    far.far.trouble.clear()
    far.take_over()
    far.verify(reply, ["unknown", "done"], done=1)


class DiedError(Exception):
    """What ends a node's work at a point."""


@pytest.mark.proves("NODES", "FAIL-CLOSED")
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("point", ["act.sent", "act.acted"])
def test_what_a_node_had_sent_when_it_died_is_taken_over_and_done_once(point: str, store: str) -> None:
    def dying(name: str) -> None:
        if name == point:
            raise DiedError

    with opened(store, desk_timeout_ms=60_000) as far:
        far.desk.nodes[0].at = dying
        reply = far.ask()
        assert reply.outcome != "done", "the agent is not told what nobody recorded"
        far.desk.nodes[0].at = unmarked
        if store == "sqlite":
            far.desk.again(0)
            object.__setattr__(far.desk.nodes[0].context, "backoffice", plug := FarBackoffice(far.far.url))
        else:
            far.dead.add(0)
        far.take_over()
        again = far.again(ORDERS[0])
        assert again.outcome == "done"
        far.verify(again, ["done"], done=1)
        if store == "sqlite":
            far.desk.run(plug.close())


@pytest.mark.proves("NODES")
def test_a_node_that_hears_the_answer_when_another_has_recorded_it_records_nothing() -> None:
    with opened(STORES[1], desk_timeout_ms=60_000) as far:
        far.far.trouble["perform"] = held = Held(done=True)
        waiting = Aside(far.ask)
        assert held.reached.wait(60)
        far.take_over()
        again = far.again(ORDERS[0])
        assert again.outcome == "done"
        held.let_go()
        woken: SandboxReply = waiting.result()
        assert (woken.ask, woken.outcome) == (again.ask, "done")
        far.verify(again, ["done"], done=1)
