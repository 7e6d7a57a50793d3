"""A task that is held for its risk: it waits for people of the desk, two of them let it go on, and nobody else does."""

import pytest

from attacks.arena import Arena, code_of
from remit.client import calls
from remit.client.errors import Refused
from remit.domain.policy.risk import SubjectKind, risk_of_history
from remit.sandbox import SandboxTask

READ = {"order_id": "W1"}
IDLE_MS = 901_000
"""Longer than a task may be idle."""


OTHERS = {"order_id": "W1", "item_ids": ["i2"]}


def held(arena: Arena) -> SandboxTask:
    """A task that did something, and whose agent asked again and again for what Anna had declined."""
    task = arena.sent_back()
    arena.anna.decline(task.ask("order.return", OTHERS))
    for _ in range(2):
        assert task.ask("order.return", OTHERS).codes == ("confirmation.declined",)
    assert task.ask("order.read", READ).codes == ("task.held",)
    return task


def risks(arena: Arena, task: SandboxTask) -> dict[SubjectKind, int]:
    now = arena.context.world.now()
    return {
        one.kind: risk_of_history(one, now, "anna") for one in arena.run(arena.context.store.snapshot(task=task.id, idempotency="")).trails
    }


@pytest.mark.proves("HELD")
def test_a_held_task_is_on_the_record_and_waits_longer_than_an_idle_one(arena: Arena) -> None:
    task = held(arena)
    entry = arena.recorded("task.held", task=task.id)
    assert entry["desk"]["risk"] >= 60
    assert "risk" not in entry["envelope"]
    arena.clock.ahead_ms += IDLE_MS
    arena.desk.sweep()
    with arena.unchanged():
        assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) == "task.held"
    assert not arena.entries("task.ended")


@pytest.mark.proves("HELD")
def test_two_people_let_a_held_task_go_on_and_one_does_not(arena: Arena) -> None:
    task = held(arena)
    sam, lee = arena.desk.officer("sam", ["security"]), arena.desk.officer("lee", ["security"])
    found = [one for one in sam.get("/security/v1/suspensions")["suspensions"] if one["what"] == "task"]
    assert [(one["name"], one["alone"]) for one in found] == [(task.id, False)]
    assert "Propose to resume" in arena.person("GET", "/security/agents", cookie=sam.cookie).text
    proposal = sam.post("/security/v1/resume", {"task": task.id, "reason": "a clumsy agent"})["proposal"]["proposal"]
    with pytest.raises(Refused) as alone:
        sam.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert alone.value.code == "person.not_allowed"
    assert task.ask("order.read", READ).codes == ("task.held",)
    arena.clock.ahead_ms += IDLE_MS
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert arena.recorded("task.resumed", task=task.id)["desk"]["by"] == "sam, lee"
    task.token = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN).json()["access_token"]
    assert arena.ask(task, "order.read", READ).json()["decision"] == "permit"
    assert sam.get("/security/v1/suspensions")["suspensions"] == []


@pytest.mark.proves("HELD")
def test_what_others_did_stays_on_agent_and_operator(arena: Arena) -> None:
    arena.agent()
    other = arena.task()
    for n in range(3):
        other.ask("order.read", {"order_id": f"W77{n}"})
    before = risks(arena, other)[SubjectKind.OPERATOR]
    task = held(arena)
    sam, lee = arena.desk.officer("sam", ["security"]), arena.desk.officer("lee", ["security"])
    proposal = sam.post("/security/v1/resume", {"task": task.id})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    after = risks(arena, task)
    assert before - 2 <= after[SubjectKind.OPERATOR] < 40
    assert (after[SubjectKind.TASK], after[SubjectKind.GRANT]) == (0, 0)


@pytest.mark.proves("HELD")
def test_what_is_not_held_cannot_be_let_go(arena: Arena) -> None:
    task = arena.task()
    sam = arena.desk.officer("sam", ["security"])
    for name in (task.id, "task_nobody"):
        with pytest.raises(Refused) as refused:
            sam.post("/security/v1/resume", {"task": name})
        assert refused.value.code == "request.not_found"
    with pytest.raises(Refused) as one:
        sam.post("/security/v1/suspend", {"task": task.id})
    assert one.value.code == "request.malformed"


@pytest.mark.proves("HELD", "IDEMPOTENCE")
def test_what_was_asked_while_a_task_is_held_may_be_asked_again_under_the_same_key(arena: Arena) -> None:
    task = held(arena)
    path, body, headers = f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": READ}, {"idempotency-key": "k1"}
    refused = arena.send(task, path, body, headers=headers)
    arena.refused(refused, "task.held")
    sam, lee = arena.desk.officer("sam", ["security"]), arena.desk.officer("lee", ["security"])
    proposal = sam.post("/security/v1/resume", {"task": task.id, "reason": "a clumsy agent"})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    assert arena.send(task, path, body, headers=headers).json()["decision"] == "permit"
