"""What happens by itself keeps to the rules: nothing is written into a case after its task's end, and nothing stuck hides the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena
from remit.domain.errors import Fault
from remit.domain.records import ActRecord, OutboxState, TaskRecord, TaskState
from remit.domain.values import Instant
from remit.entrypoints.ops.jobs import Jobs
from remit.ports.backoffice import Act, ActResult
from remit.ports.helpdesk import WriteState
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxMandate, SandboxReply, SandboxTask

COMMENT = {"text": "The kettle still leaks."}
ENDINGS: dict[str, Callable[[Arena, SandboxMandate, SandboxTask], Any]] = {
    "revoked": lambda arena, granted, _: arena.anna.revoke(granted),
    "completed": lambda _, __, task: task.complete(),
    "case closed": lambda arena, _, task: arena.run(arena.helpdesk.close_natively(task.case)),
    "power taken away": lambda arena, granted, _: arena.anna.narrow(
        granted, {**granted.granted, "powers": [one for one in granted.granted["powers"] if one["power"] != "represent"]}
    ),
}


def commented(arena: Arena, when: Any) -> tuple[SandboxMandate, SandboxTask, SandboxReply]:
    """A comment whose fate nobody knows: the helpdesk failed before or after it stored it."""
    granted, task = arena.granted()
    arena.helpdesk.fail_next(when)
    reply = task.ask("case.comment", COMMENT)
    assert reply.outcome == "unknown"
    return granted, task, reply


def notes(arena: Arena, task: SandboxTask) -> list[str]:
    """What stands in the case."""
    return [note.text for note in arena.run(arena.helpdesk.notes(task.case))]


def act_of(arena: Arena, reply: SandboxReply) -> ActRecord:
    """The act of an ask."""
    found = arena.run(arena.context.store.find(ActRecord, "act.sent", ""))
    return next(one.record for one in found if one.record.ask == reply.ask)


@pytest.mark.proves("FENCE", "TASK-END")
@pytest.mark.parametrize("how", ENDINGS)
def test_a_comment_that_never_arrived_is_not_written_once_it_may_not_be(arena: Arena, how: str) -> None:
    granted, task, reply = commented(arena, "before")
    act = act_of(arena, reply)
    ENDINGS[how](arena, granted, task)
    arena.desk.sweep()
    assert notes(arena, task) == []
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "failed"
    with pytest.raises(Fault):  # the call that was under way all the while arrives at last
        arena.run(arena.helpdesk.note(case=task.case, key=act.id, author="agent", public=False, text=COMMENT["text"]))
    assert arena.run(arena.helpdesk.outcome(act.id)) is WriteState.FENCED
    arena.desk.sweep()
    assert notes(arena, task) == []


@pytest.mark.proves("FENCE")
def test_a_comment_that_arrived_before_its_answer_was_lost_is_done_and_not_written_again(arena: Arena) -> None:
    granted, task, reply = commented(arena, "after")
    arena.anna.revoke(granted)
    arena.desk.sweep()
    arena.desk.sweep()
    assert notes(arena, task) == [COMMENT["text"]]
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "done"


@pytest.mark.proves("FENCE")
def test_a_comment_that_never_arrived_is_written_once_while_it_may_be(arena: Arena) -> None:
    _, task, reply = commented(arena, "before")
    arena.desk.sweep()
    arena.desk.sweep()
    assert notes(arena, task) == [COMMENT["text"]]
    assert reply.again().outcome == "done"


@pytest.mark.proves("FENCE")
def test_a_helpdesk_that_cannot_be_asked_leaves_a_comment_unknown(arena: Arena) -> None:
    granted, task, reply = commented(arena, "before")
    arena.anna.revoke(granted)
    arena.helpdesk.set_unavailable(True)
    arena.desk.sweep()
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "unknown"
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert arena.recorded("act.performed", ask=reply.ask)["envelope"]["outcome"] == "failed"
    assert notes(arena, task) == []


@pytest.mark.proves("FENCE", "TASK-END")
def test_a_ticket_and_an_officers_answer_do_not_come_after_the_end(arena: Arena) -> None:
    arena.agent()
    granted = arena.anna.grant(arena.agent(), {**_mandate(), "max_tasks": 2})
    first = arena.agent().open(granted)
    otto = arena.desk.officer("otto", roles=["care"])
    arena.helpdesk.fail_next("before")
    otto.post(f"/desk/v1/cases/{first.case}/reply", {"text": "We look into it."})
    first.complete()
    arena.helpdesk.fail_next("before")
    second = arena.agent().open(granted)
    second.complete()
    before = len(arena.run(arena.helpdesk.cases()))
    arena.desk.sweep()
    assert len(arena.run(arena.helpdesk.cases())) == before
    assert notes(arena, first) == []
    assert arena.run(arena.context.store.find(ActRecord, "act.sent", "")) == ()


@pytest.mark.proves("FENCE")
def test_the_ticket_of_a_task_that_is_held_is_neither_opened_nor_given_up(arena: Arena) -> None:
    granted = arena.anna.grant(arena.agent(), _mandate())
    arena.helpdesk.fail_next("before")
    task = arena.agent().open(granted)

    def turn(state: TaskState) -> None:
        kept = arena.run(arena.context.store.get(TaskRecord, task.id))
        arena.run(arena.context.store.commit(Commit(puts=(Put(replace(kept.record, state=state), kept.rev, kept.record),))))

    turn(TaskState.HELD)
    arena.desk.sweep()
    assert len(arena.run(arena.helpdesk.cases())) == 0
    turn(TaskState.OPEN)
    arena.desk.sweep()
    assert [case.id for case in arena.run(arena.helpdesk.cases())] == [task.case]


def _mandate() -> dict[str, Any]:
    return {
        "type": "remit_mandate",
        "objective": {"type": "return-item", "target": {"order": ["W1"]}},
        "powers": [{"power": "represent"}],
    }


@pytest.mark.proves("SWEEP-FAIR")
@pytest.mark.parametrize("state", [OutboxState.QUEUED, OutboxState.SENT])
def test_acts_that_cannot_be_settled_do_not_hide_those_behind_them(arena: Arena, state: OutboxState) -> None:
    _, reply, _ = arena.waiting()
    if state is OutboxState.SENT:
        arena.backoffice.fail_next("before")
    else:
        arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome in {None, "unknown"}
    arena.helpdesk.set_unavailable(False)
    index = "act.sent" if state is OutboxState.SENT else "act.queued"
    real = next(one.record for one in arena.run(arena.context.store.find(ActRecord, index, "")) if one.record.ask == reply.ask)
    long_ago = Instant(real.queued_at - 1000)
    stuck = [replace(real, id=f"act_stuck{n}", ask="ask_gone", task="task_gone", queued_at=long_ago, sent_at=long_ago) for n in range(450)]
    arena.run(arena.context.store.commit(Commit(puts=tuple(Put(one, 0) for one in stuck))))
    arena.desk.sweep()
    assert reply.again().outcome == "done"
    assert arena.performed() == [SEND_BACK]


@pytest.mark.proves("SWEEP-FAIR")
def test_a_desk_that_answers_nonsense_about_one_act_keeps_no_other_from_being_done(arena: Arena) -> None:
    replies = []
    for _ in range(2):
        arena.backoffice.fail_next("before")
        replies.append(arena.anna.confirm(arena.task().ask("order.return", SEND_BACK)))
    acts = [act_of(arena, reply).id for reply in replies]
    real = arena.backoffice.outcome

    async def outcome(act: Act) -> ActResult:
        if act.key == acts[0]:
            raise ValueError("no such answer")
        return await real(act)

    arena.backoffice.outcome = outcome  # type: ignore[method-assign]  # a desk of another make
    arena.desk.sweep()
    assert [reply.again().outcome for reply in replies] == ["unknown", "done"]


@pytest.mark.proves("FENCE")
def test_a_process_beside_others_leaves_them_what_they_have_under_way(arena: Arena) -> None:
    """⚔ A start beside nodes that serve: what it took over at once, they would be doing at that moment."""
    desk = arena.desk.desk
    assert desk is not None
    jobs = desk.jobs
    began = [
        Jobs(arena.context, looking=jobs._looking, rows=jobs.rows, metrics=jobs._metrics, health=jobs._health, alone=alone)._patience_s
        for alone in (True, False)
    ]
    assert began[0] == 0
    assert began[1] > arena.context.terms.desk_timeout_s
