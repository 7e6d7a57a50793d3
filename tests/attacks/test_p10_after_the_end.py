"""P10: a credential used after its case closed, or after anything else that ends a task. Orphans must be 0."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, mandate
from remit.client import calls
from remit.domain.policy.decision import RecordFacts
from remit.domain.records import AskRecord, TaskRecord
from remit.ports.store import Commit, Committed
from remit.sandbox import SandboxMandate, SandboxTask

Ending = Callable[[Arena, SandboxMandate, SandboxTask], object]


def _other_case(arena: Arena) -> str:
    return arena.task(agent=arena.agent("spiffe://elsewhere.example/x")).case


ENDINGS: dict[str, tuple[Ending, str]] = {
    "completed": (lambda _a, _m, task: task.complete(), "completed"),
    "closed by the agent": (lambda _a, _m, task: task.ask("case.close", {}), "case_closed"),
    "closed natively": (lambda arena, _m, task: arena.run(arena.helpdesk.close_natively(task.case)), "case_closed"),
    "merged natively": (lambda arena, _m, task: arena.run(arena.helpdesk.merge(task.case, _other_case(arena))), "case_merged"),
    "requester changed": (
        lambda arena, _m, task: arena.run(arena.helpdesk.change_requester(task.case, "mallory@mail.example")),
        "case_reassigned",
    ),
    "revoked by the customer": (lambda arena, mandate, _t: arena.anna.revoke(mandate), "revoked"),
    "agent suspended": (lambda arena, _m, task: arena.desk.suspend(agent=task.agent), "agent_suspended"),
    "operator suspended": (lambda arena, _m, _t: arena.desk.suspend(operator="helper.example"), "operator_suspended"),
    "customer suspended": (lambda arena, _m, _t: arena.desk.suspend(customer="anna"), "customer_suspended"),
    "objective suspended": (lambda arena, _m, _t: arena.desk.suspend(objective="return-item"), "objective_suspended"),
    "token revoked": (
        lambda arena, _m, task: arena.form("/oauth/revoke", {"token": task.token}, agent=task.agent),
        "revoked",
    ),
}


@pytest.mark.proves("P10", "TASK-END", "CASE-REREAD")
@pytest.mark.parametrize("ending", ENDINGS)
def test_after_the_end_nothing_of_a_task_is_alive(arena: Arena, ending: str) -> None:
    end, reason = ENDINGS[ending]
    mandate, task = arena.granted()
    waiting = task.ask("order.return", SEND_BACK)
    invitation = arena.anna.invitation(waiting)
    shown = arena.anna.get(f"/me/v1/confirmations/{invitation}")
    end(arena, mandate, task)
    with arena.unchanged():
        first = arena.ask(task, "order.read", {"order_id": "W1"})
        assert code_of(first) in {"task.ended", "agent.suspended"}
        assert "result" not in first.json()
        assert code_of(arena.ask(task, "order.return", SEND_BACK)) in {"task.ended", "agent.suspended"}
        assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) in {"task.ended", "agent.suspended"}
        assert arena.send(task, f"/v1/tasks/{task.id}/inbox", method="GET").is_error
        answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
        late = arena.person("POST", f"/me/v1/confirmations/{invitation}", answer, cookie=arena.anna.cookie)
        assert code_of(late) == "confirmation.replayed"
        arena.desk.sweep()
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == reason
    assert arena.anna.waiting() == []


@pytest.mark.proves("P10", "CASE-REREAD")
def test_a_case_closed_natively_stops_the_very_next_read(arena: Arena) -> None:
    task = arena.task()
    arena.run(arena.helpdesk.close_natively(task.case))
    response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert code_of(response) == "task.ended"
    assert "delivered" not in response.text
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "case_closed"


@pytest.mark.proves("P10", "CASE-REREAD")
def test_a_case_closed_natively_stops_a_confirmed_write(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    (case,) = arena.run(arena.helpdesk.cases())
    arena.run(arena.helpdesk.close_natively(case.id))
    assert arena.anna.confirm(reply).outcome != "done"
    assert arena.performed() == []


@pytest.mark.proves("P10", "CASE-REREAD")
def test_a_case_closed_while_the_desk_is_slow_in_telling_facts_stops_the_write(arena: Arena) -> None:
    change = {"power": "request", "actions": ["order.change_address"], "uses": 3, "where": {"address": {"equals": "New Street 1"}}}
    wanted = mandate(objective={"type": "correct-order", "target": {"order": ["W1"]}}, powers=[{"power": "represent"}, change])
    task = arena.task(wanted)
    told, ticks, waited_s = arena.backoffice.facts, arena.context.world.ticks, 0.0

    async def slowly(records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        nonlocal waited_s
        for _ in range(5):
            await asyncio.sleep(0)  # the case has been read by then
        await arena.helpdesk.close_natively(task.case)
        waited_s = 2.0
        return await told(records, customer=customer)

    arena.backoffice.facts = slowly  # type: ignore[method-assign]  # the desk's own slowness
    arena.context.world.ticks = lambda: ticks() + waited_s  # type: ignore[method-assign]  # only the desk's clock is moved
    assert code_of(arena.ask(task, "order.change_address", {"order_id": "W1", "address": "New Street 1"})) == "task.ended"
    assert arena.performed() == []
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "case_closed"


@pytest.mark.proves("P10", "CASE-REREAD")
def test_nothing_is_told_or_done_while_the_case_cannot_be_read(arena: Arena) -> None:
    task, reply, _ = arena.waiting()
    arena.helpdesk.set_unavailable(True)
    read = arena.ask(task, "order.read", {"order_id": "W1"})
    assert "delivered" not in read.text
    assert arena.anna.confirm(reply).outcome is None
    assert arena.performed() == []
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()
    assert reply.again().outcome == "done"
    assert arena.performed() == [SEND_BACK]


@pytest.mark.proves("P10", "CASE-REREAD")
def test_what_nobody_must_confirm_waits_too_while_the_case_cannot_be_read(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "request", "actions": ["complaint.file"]}]
    task = arena.task(mandate(objective={"type": "complain", "target": {"order": ["W1"]}}, powers=powers))
    arena.helpdesk.set_unavailable(True)
    response = arena.ask(task, "complaint.file", {"kind": "damaged", "order_id": "W1", "text": "The box arrived damaged."})
    assert (response.status_code, response.json().get("desk_pending")) == (202, True)
    assert arena.performed() == []
    arena.helpdesk.set_unavailable(False)
    arena.run(arena.helpdesk.close_natively(task.case))
    arena.desk.sweep()
    assert arena.performed() == []
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "case_closed"


@pytest.mark.proves("P10", "CASE-REREAD")
def test_an_old_answer_is_cut_again_before_it_is_repeated(arena: Arena) -> None:
    task = arena.task()
    path = f"/v1/tasks/{task.id}/asks"
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    told = arena.send(task, path, body, headers={"idempotency-key": "k"})
    assert told.json()["result"]["order.status"] == "delivered"
    arena.run(arena.helpdesk.close_natively(task.case))
    again = arena.send(task, path, body, headers={"idempotency-key": "k"})
    assert "delivered" not in again.text
    polled = arena.send(task, f"/v1/asks/{told.json()['ask']}", method="GET")
    assert (polled.status_code, polled.json()["outcome"], polled.json()["result"]) == (200, "done", {})


@pytest.mark.proves("P10", "REOPEN")
def test_reopening_a_case_revives_nothing(arena: Arena) -> None:
    task = arena.task()
    arena.run(arena.helpdesk.close_natively(task.case))
    arena.run(arena.helpdesk.reopen_natively(task.case))
    with arena.unchanged():
        assert code_of(arena.ask(task, "order.read", {"order_id": "W1"})) == "task.ended"
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "case_closed"


@pytest.mark.proves("P10", "REOPEN")
def test_an_agent_cannot_reopen_its_case(arena: Arena) -> None:
    task = arena.task()
    with arena.unchanged():
        arena.refused(arena.ask(task, "case.reopen", {}), "action.unknown")


@pytest.mark.proves("P10", "TASK-END")
def test_an_idle_task_ends_by_itself_and_cannot_be_renewed(arena: Arena) -> None:
    task = arena.task()
    arena.clock.ahead_ms += 901_000
    with arena.unchanged():
        assert code_of(arena.ask(task, "order.read", {"order_id": "W1"})) == "credential.expired"
        assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) == "task.ended"
    arena.desk.sweep()
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "idle"


@pytest.mark.proves("P10", "TASK-END")
def test_a_task_ends_after_a_day_however_busy_it_is(arena: Arena) -> None:
    task = arena.task()
    for _ in range(98):
        arena.clock.ahead_ms += 890_000
        renewed = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)
        if renewed.is_error:
            break
        task.token = renewed.json()["access_token"]
        arena.ask(task, "order.read", {"order_id": "W1"})
    assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) == "task.ended"
    assert arena.clock.ahead_ms > 86_400_000 - 890_000


@pytest.mark.proves("P10", "STANDING-AGAIN")
def test_a_long_poll_looks_at_standing_again_before_anything_leaves(arena: Arena) -> None:
    task, reply, _ = arena.waiting()
    told = task.ask("order.read", {"order_id": "W1"})
    assert told.result["order.status"] == "delivered"
    door = task.agent.door
    desk = arena.run(door.desk())

    async def meanwhile() -> object:
        poll = asyncio.ensure_future(door.send(calls.ask_state(desk, ask_id=reply.ask, wait_s=30), token=task.token))
        await asyncio.sleep(0)
        while not arena.notify._waiting:  # noqa: ASYNC110  # the desk tells nobody that somebody waits
            await asyncio.sleep(0)
        await arena.helpdesk.close_natively(task.case)
        arena.notify.wake(f"ask:{reply.ask}")
        return (await poll).json()

    body = arena.run(meanwhile())
    assert isinstance(body, dict)
    assert "delivered" not in str(body)
    ended = arena.send(task, f"/v1/asks/{told.ask}", method="GET").json()
    assert ended["result"] == {}
    assert "delivered" not in str(ended)


@pytest.mark.proves("P10", "TASK-END")
def test_after_the_end_only_the_workload_itself_learns_what_became_of_its_asks(arena: Arena) -> None:
    task = arena.task()
    told = task.ask("order.read", {"order_id": "W1"})
    task.complete()
    own = arena.send(task, f"/v1/asks/{told.ask}", method="GET").json()
    assert (own["outcome"], own["result"], bool(own["receipt"])) == ("done", {}, True)
    other = arena.task(agent=arena.agent("spiffe://helper.example/second"))
    assert code_of(arena.send(other, f"/v1/asks/{told.ask}", method="GET")) == "request.not_found"


@pytest.mark.proves("P10")
def test_a_task_that_ends_while_its_risk_is_followed_is_not_held_alive(arena: Arena) -> None:
    granted, task = arena.granted()
    for n in range(9):
        task.ask("order.read", {"order_id": f"W90{n}"})
    real, http = arena.context.store.commit, arena.room._http
    cookie = {"cookie": arena.anna.cookie, "content-type": "application/json"}

    async def commit(work: Commit) -> Committed:
        done = await real(work)
        if any(isinstance(put.record, AskRecord) for put in work.puts):
            arena.context.store.commit = real  # type: ignore[method-assign]
            assert (await http.post(f"/me/v1/mandates/{granted.id}/revoke", content=b"{}", headers=cookie)).is_success
        return done

    arena.context.store.commit = commit  # type: ignore[method-assign]  # the customer is quicker than what follows from the risk
    assert task.ask("order.read", {"order_id": "W909"}).codes == ("mandate.off_target",)
    kept = arena.run(arena.context.store.get(TaskRecord, task.id)).record
    assert (kept.state.value, kept.reason) == ("ended", "revoked")
    assert arena.person("GET", "/me/v1/mandates", cookie=arena.anna.cookie).json()["mandates"][0]["state"] == "revoked"


@pytest.mark.proves("P10", "TASK-END")
@pytest.mark.parametrize("ending", ["completed", "revoked by the customer", "agent suspended"])
def test_what_is_still_asked_after_the_end_is_on_the_record(arena: Arena, ending: str) -> None:
    end, _ = ENDINGS[ending]
    mandate, task = arena.granted()
    end(arena, mandate, task)
    with arena.unchanged():
        body = arena.ask(task, "order.return", SEND_BACK, words="One more thing.").json()
    assert body["code"] == ("agent.suspended" if ending == "agent suspended" else "task.ended")
    entry = arena.recorded("ask.decided", ask=body["ask"])
    assert (entry["envelope"]["decision"], entry["envelope"]["code"]) == ("refuse", body["code"])
    assert entry["desk"]["ask"]["params"] == SEND_BACK
    assert body["receipt"]["entries"]


@pytest.mark.proves("P10", "DPOP-REPLAY")
def test_a_proof_counts_once_also_when_it_is_turned_away(arena: Arena) -> None:
    task = arena.task()
    task.complete()
    path = f"/v1/tasks/{task.id}/asks"
    proof = arena.proof(task.agent, "POST", path, token=task.token)
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    first, second = (arena.send(task, path, body, headers={"dpop": proof}) for _ in range(2))
    assert (code_of(first), code_of(second)) == ("task.ended", "credential.replayed")
    assert len(arena.entries("ask.decided")) == 1


@pytest.mark.proves("P10", "IDEMPOTENCE")
def test_a_repeated_ask_is_no_new_one_after_the_end(arena: Arena) -> None:
    task = arena.task()
    path, headers = f"/v1/tasks/{task.id}/asks", {"idempotency-key": "k1"}
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    first = arena.send(task, path, body, headers=headers).json()
    task.complete()
    again = arena.send(task, path, body, headers=headers)
    assert (again.status_code, code_of(again)) == (401, "task.ended")
    assert "ask" not in again.json()
    assert [one["envelope"]["ask"] for one in arena.entries("ask.decided")] == [first["ask"]]
    looked = arena.send(task, f"/v1/asks/{first['ask']}", method="GET").json()
    assert (looked["outcome"], looked["result"]) == ("done", {})
