"""Something is down, slow or talks nonsense: nothing is permitted, or a recorded act waits and is done later. Nothing is lost or guessed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import FACTS, Arena, code_of, open_arena
from remit.domain.records import ActRecord, AskRecord
from remit.ports.backoffice import Act, ActOutcome, ActResult
from remit.sandbox import SandboxReply, SandboxTask

ADDRESS = "New Street 1, 10100 Town"
CHANGE = ("order.change_address", {"order_id": "W1", "address": ADDRESS})
CORRECT: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "correct-order", "target": {"order": ["W1", "W2"]}},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status"]},
        {"power": "request", "actions": ["order.change_address"], "uses": 3, "where": {"address": {"equals": ADDRESS}}},
    ],
}


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(facts=deepcopy(FACTS), settings={"terms": {"desk_timeout_ms": 50, "facts_timeout_ms": 50}}) as one:
        yield one


@pytest.fixture
def task(arena: Arena) -> SandboxTask:
    task = arena.task(CORRECT)
    assert task.ask(*CHANGE).outcome == "done"
    return task


def used(task: SandboxTask) -> int:
    """How many uses of changing addresses are taken or reserved."""
    (row,) = [row for row in task.status()["budgets"] if row["action"] == "order.change_address"]
    return 3 - row["uses_left"]


def taken(arena: Arena) -> int:
    """The same from the store, for when the desk's clock has left the agent's behind."""
    mandate = arena.recorded("mandate.granted")["envelope"]["mandate"]
    counters = arena.run(arena.context.store.counters(mandate))
    return next(used for key, used in counters.items() if key == "2/order.change_address")


def recorded(arena: Arena, reply: SandboxReply) -> AskRecord:
    """An ask as the store has it."""
    return arena.run(arena.context.store.get(AskRecord, reply.ask)).record


def outcomes(arena: Arena, reply: SandboxReply) -> list[str]:
    """What the log says came of an ask, in order."""
    return [entry["envelope"]["outcome"] for entry in arena.entries("act.performed") if entry["envelope"]["ask"] == reply.ask]


async def _for_ever(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


def slow(arena: Arena, method: str) -> Callable[[], None]:
    """Let the backoffice never answer one method, until the returned function is called."""
    right = getattr(arena.backoffice, method)
    setattr(arena.backoffice, method, _for_ever)
    return lambda: setattr(arena.backoffice, method, right)


# Before anything is recorded.


def test_a_backoffice_that_is_down_permits_nothing_says_when_to_retry_and_charges_nothing(arena: Arena, task: SandboxTask) -> None:
    arena.backoffice.set_unavailable(True)
    response = arena.ask(task, *CHANGE)
    assert (response.status_code, code_of(response)) == (503, "fault.backoffice")
    assert int(response.headers["retry-after"]) > 0
    arena.backoffice.set_unavailable(False)
    assert used(task) == 1
    assert len(arena.performed()) == 1
    assert task.ask(*CHANGE).outcome == "done"


def test_a_backoffice_that_does_not_answer_about_facts_permits_nothing(arena: Arena, task: SandboxTask) -> None:
    again = slow(arena, "facts")
    assert task.ask(*CHANGE).codes == ("fault.backoffice",)
    again()
    assert task.ask(*CHANGE).outcome == "done"
    assert used(task) == len(arena.performed()) == 2


@pytest.mark.parametrize("nonsense", [[], [None, None, None], ["yes"], {"owner": "anna"}, None], ids=repr)
def test_facts_that_are_nonsense_permit_nothing(arena: Arena, task: SandboxTask, nonsense: object) -> None:
    async def facts(*_: Any, **__: Any) -> Any:
        return nonsense

    arena.backoffice.facts = facts  # type: ignore[method-assign]
    response = arena.ask(task, *CHANGE)
    assert (response.status_code, code_of(response)) == (503, "fault.backoffice")
    assert len(arena.performed()) == 1
    assert used(task) == 1


# After the permit was recorded.


def test_a_desk_that_fails_before_it_stored_leaves_the_act_unknown_and_the_act_is_done_once_later(arena: Arena, task: SandboxTask) -> None:
    arena.backoffice.fail_next("before")
    reply = task.ask(*CHANGE)
    assert (reply.status, reply.outcome) == (202, "unknown")
    assert used(task) == 2, "what is unknown stays reserved"
    arena.desk.sweep()
    assert task.poll(reply.ask).outcome == "done"
    assert outcomes(arena, reply) == ["unknown", "done"]
    assert len(arena.performed()) == used(task) == 2


def test_a_desk_that_fails_after_it_stored_is_asked_and_the_act_is_not_done_again(arena: Arena, task: SandboxTask) -> None:
    arena.backoffice.fail_next("after")
    reply = task.ask(*CHANGE)
    assert reply.outcome == "unknown"
    assert len(arena.performed()) == 2
    arena.desk.sweep()
    arena.desk.sweep()
    assert task.poll(reply.ask).outcome == "done"
    assert outcomes(arena, reply) == ["unknown", "done"]
    assert len(arena.performed()) == 2


def test_a_desk_that_never_answers_an_act_leaves_it_unknown(arena: Arena, task: SandboxTask) -> None:
    again = slow(arena, "perform")
    reply = task.ask(*CHANGE)
    assert reply.outcome == "unknown"
    for _ in range(3):
        arena.desk.sweep()
    assert outcomes(arena, reply) == ["unknown"], "what stays unknown is said once"
    again()
    arena.desk.sweep()
    assert task.poll(reply.ask).outcome == "done"


@pytest.mark.parametrize("nonsense", [None, "done", {"state": "done"}, ActResult(state=ActOutcome.UNSEEN, values={})], ids=repr)
def test_an_answer_to_an_act_that_is_nonsense_is_no_outcome(arena: Arena, task: SandboxTask, nonsense: object) -> None:
    right = arena.backoffice.perform

    async def perform(act: Any) -> Any:
        await right(act)
        return nonsense

    arena.backoffice.perform = perform  # type: ignore[method-assign]
    reply = task.ask(*CHANGE)
    assert reply.outcome not in {"done", "failed"}, reply.body
    del arena.backoffice.perform  # type: ignore[attr-defined]
    arena.desk.sweep()
    assert len(arena.performed()) == 2
    found = [kept.state for kept in _asks(arena, task) if kept.action == CHANGE[0]]
    assert [str(state) for state in found] == ["done", "done"]
    assert used(task) == 2


def _asks(arena: Arena, task: SandboxTask) -> list[AskRecord]:
    return [kept.record for kept in arena.run(arena.context.store.find(AskRecord, "ask.task", task.id))]


def test_unknown_becomes_failed_only_after_the_desk_has_fenced_the_key(arena: Arena, task: SandboxTask) -> None:
    arena.backoffice.fail_next("before")
    reply = task.ask(*CHANGE)
    seen: list[Any] = []
    right = arena.backoffice.fence

    async def fence(act: Act) -> ActResult:
        seen.append(act)
        return await right(act)

    arena.backoffice.fence = fence  # type: ignore[method-assign]
    task.complete()
    assert task.poll(reply.ask).state == "unknown", "an act that was sent is not void"
    arena.backoffice.set_unavailable(True)
    arena.desk.sweep()
    assert (task.poll(reply.ask).state, outcomes(arena, reply), seen) == ("unknown", ["unknown"], [])
    arena.backoffice.set_unavailable(False)
    arena.desk.sweep()
    assert task.poll(reply.ask).state == "failed"
    assert outcomes(arena, reply) == ["unknown", "failed"]
    assert len(seen) == 1
    assert arena.run(arena.backoffice.outcome(seen[0])).state is ActOutcome.FENCED
    assert len(arena.performed()) == 1
    assert used(task) == 1, "what failed is released"


def test_a_helpdesk_that_is_down_lets_a_permitted_act_wait_longer_than_a_task_may_be_idle(arena: Arena, task: SandboxTask) -> None:
    arena.helpdesk.set_unavailable(True)
    reply = task.ask(*CHANGE)
    assert (reply.status, reply.state, reply.body["desk_pending"]) == (202, "permitted", True)
    assert len(arena.performed()) == 1
    arena.clock.ahead_ms += 20 * 60_000
    arena.desk.sweep()
    assert len(arena.performed()) == 1, "nothing acts while the case cannot be read"
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert recorded(arena, reply).state == "done"
    assert len(arena.performed()) == taken(arena) == 2


def test_an_act_that_waited_is_decided_again_and_not_done_when_it_may_not_be_any_more(arena: Arena, task: SandboxTask) -> None:
    arena.helpdesk.set_unavailable(True)
    reply = task.ask(*CHANGE)
    arena.clock.ahead_ms += 2 * 60_000
    arena.backoffice.put("order", "W1", owners=["bram"])
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert (recorded(arena, reply).state, recorded(arena, reply).code) == ("void", "params.not_owned")
    assert len(arena.performed()) == taken(arena) == 1


def test_a_comment_waits_for_the_helpdesk_and_is_written_once(arena: Arena, task: SandboxTask) -> None:
    arena.helpdesk.fail_next("after")
    reply = task.ask("case.comment", {"text": "The cup is broken."})
    assert reply.outcome == "unknown"
    arena.helpdesk.set_unavailable(True)
    for _ in range(3):
        arena.desk.sweep()
    arena.helpdesk.set_unavailable(False)
    assert outcomes(arena, reply) == ["unknown"], "a helpdesk that stays down does not fill the log"
    arena.desk.sweep()
    assert task.poll(reply.ask).outcome == "done"
    assert [note.text for note in arena.run(arena.helpdesk.notes(task.case))] == ["The cup is broken."]


def test_a_case_that_cannot_be_read_lets_no_attribute_out(arena: Arena, task: SandboxTask) -> None:
    arena.helpdesk.set_unavailable(True)
    reply = task.ask("order.read", {"order_id": "W1"})
    assert not reply.result
    assert reply.outcome != "done"
    arena.helpdesk.set_unavailable(False)
    assert task.ask("order.read", {"order_id": "W1"}).result == {"order.status": "delivered"}


def test_a_task_opens_while_the_helpdesk_is_down_and_its_case_is_opened_once_later(arena: Arena) -> None:
    arena.helpdesk.set_unavailable(True)
    task = arena.task(CORRECT)
    reply = task.ask(*CHANGE)
    assert (reply.state, len(arena.performed())) == ("permitted", 0)
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    arena.desk.sweep()
    assert task.poll(reply.ask).outcome == "done"
    assert [case.id for case in arena.run(arena.helpdesk.cases())] == [task.case]


# The store.


class FullDiskError(Exception):
    """What a disk says that takes nothing more."""


@pytest.mark.parametrize("nth", [1, 2])
def test_a_store_that_fails_at_a_commit_is_fault_store_and_what_was_not_recorded_is_not_done(nth: int, tmp_path: Path) -> None:
    failing: list[int] = []

    def on_point(name: str) -> None:
        if name == "store.before_commit" and failing:
            failing[0] -= 1
            if failing[0] <= 0:
                raise FullDiskError

    with open_arena(facts=deepcopy(FACTS), store=tmp_path, on_point=on_point) as arena:
        task = arena.task(CORRECT)
        failing.append(nth)
        reply = task.ask(*CHANGE, idempotency_key="the-ask")
        was_recorded = nth > 1  # the first commit records the permit and that the act is sent, the second its outcome
        if was_recorded:
            assert (reply.status, reply.decision, reply.body["desk_pending"]) == (202, "permit", True), "never that nothing was permitted"
        else:
            assert (reply.status, reply.codes) == (503, ("fault.store",))
        assert len(arena.performed()) == (1 if was_recorded else 0)
        failing.clear()
        again = task.ask(*CHANGE, idempotency_key="the-ask")
        for _ in range(2):
            arena.desk.sweep()
        assert task.poll(again.ask).outcome == "done"
        assert len(arena.performed()) == used(task) == 1
        assert outcomes(arena, again) == ["done"]
        permits: list[Mapping[str, Any]] = [one["envelope"] for one in arena.entries("ask.decided")]
        assert [one["decision"] for one in permits] == ["permit"]
        assert not arena.run(arena.context.store.find(ActRecord, "act.sent", ""))


def test_what_was_asked_before_is_answered_while_the_desk_is_down_also_when_its_key_is_no_longer_in_memory(
    arena: Arena, task: SandboxTask
) -> None:
    first = task.ask(*CHANGE, idempotency_key="the-ask")
    assert first.outcome == "done"
    held = arena.context.store.inner._held  # type: ignore[attr-defined]  # the store's memory, from which one record is pushed out
    for generation in (held.records.passing.new, held.records.passing.old):
        for key in [one for one in generation if one[0] == "idempotency"]:
            del generation[key]
    arena.backoffice.set_unavailable(True)
    again = task.ask(*CHANGE, idempotency_key="the-ask")
    assert (again.status, again.ask, again.outcome) == (200, first.ask, "done")
    fresh = task.ask(*CHANGE)
    assert (fresh.status, fresh.codes) == (503, ("fault.backoffice",))
