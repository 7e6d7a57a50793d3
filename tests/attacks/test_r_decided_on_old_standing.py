"""A decision on standing that is no longer true: something is revoked between loading and recording, or before sending."""

import json
from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, code_of, gathered, mandate, open_arena
from remit.client import calls
from remit.domain.errors import Code, Fault


def _meanwhile(arena: Arena, what: Callable[[], Awaitable[object]]) -> None:
    """Let something happen while the facts of the next ask are fetched: after loading, before recording."""
    real = arena.backoffice.facts
    done: list[bool] = []

    async def facts(records: Any, *, customer: str) -> Any:
        if not done:
            done.append(True)
            await what()
        return await real(records, customer=customer)

    arena.backoffice.facts = facts  # type: ignore[method-assign]  # the desk answers late


@pytest.mark.proves("EPOCHS")
def test_a_revocation_between_loading_and_recording_is_seen(arena: Arena) -> None:
    found, task = arena.granted()
    http = arena.room._http

    async def revoke() -> None:
        response = await http.post(
            f"/me/v1/mandates/{found.id}/revoke", content=b"{}", headers={"cookie": arena.anna.cookie, "content-type": "application/json"}
        )
        assert response.is_success

    arena.anna.get("/me/v1")
    _meanwhile(arena, revoke)
    with arena.unchanged():
        response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert code_of(response) == "task.ended"
    assert '"delivered"' not in response.text
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("EPOCHS")
def test_a_revocation_while_the_desk_answers_a_read_is_seen(arena: Arena) -> None:
    found, task = arena.granted()
    http, cookie = arena.room._http, arena.anna.cookie
    real = arena.backoffice.read
    asked: list[str] = []

    async def read(action: str, params: Any, *, customer: str) -> Any:
        asked.append(action)
        response = await http.post(
            f"/me/v1/mandates/{found.id}/revoke", content=b"{}", headers={"cookie": cookie, "content-type": "application/json"}
        )
        assert response.is_success
        return await real(action, params, customer=customer)

    arena.backoffice.read = read  # type: ignore[method-assign]  # the desk answers late
    response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert (code_of(response), asked) == ("task.ended", ["order.read"])
    assert '"delivered"' not in response.text
    arena.refused(response, "task.ended")
    assert len(arena.entries("ask.decided")) == 1  # no permit is on the record
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("EPOCHS")
def test_a_read_whose_answer_cannot_be_recorded_tells_nothing_and_can_be_asked_again(arena: Arena) -> None:
    task = arena.task()
    real = arena.context.store.commit

    async def down(commit: Any) -> Any:
        if any(row.kind == "reply.sent" for row in commit.entries):
            raise Fault(Code.FAULT_STORE, "the disk is full")
        return await real(commit)

    arena.context.store.commit = down  # type: ignore[method-assign]  # a disk that is full
    broken = arena.send(
        task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}, headers={"idempotency-key": "k1"}
    )
    assert (broken.status_code, code_of(broken)) == (503, "fault.store")
    assert "delivered" not in broken.text
    assert arena.entries("ask.decided") == []
    arena.context.store.commit = real  # type: ignore[method-assign]  # there is room again
    again = arena.send(
        task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}, headers={"idempotency-key": "k1"}
    )
    assert again.json()["result"]["order.status"] == "delivered"
    assert [entry["envelope"]["outcome"] for entry in arena.entries("reply.sent")] == ["done"]


@pytest.mark.proves("EPOCHS")
def test_a_mandate_that_runs_out_while_the_desk_answers_tells_nothing(arena: Arena) -> None:
    ends = datetime.fromtimestamp(arena.clock.now() / 1000 + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    task = arena.task(mandate(expires_at=ends))
    real = arena.backoffice.read

    async def read(action: str, params: Any, *, customer: str) -> Any:
        arena.clock.ahead_ms += 3_700_000
        return await real(action, params, customer=customer)

    arena.backoffice.read = read  # type: ignore[method-assign]  # the desk answers late
    response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert response.status_code == 401
    assert '"delivered"' not in response.text
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("EPOCHS")
def test_an_old_answer_is_not_told_again_when_something_is_revoked_while_the_case_is_read(arena: Arena) -> None:
    found, task = arena.granted()
    path, body, key = f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}, {"idempotency-key": "k"}
    assert "delivered" in arena.send(task, path, body, headers=key).text
    http, cookie = arena.room._http, arena.anna.cookie
    real = arena.helpdesk.read
    done: list[bool] = []

    async def read(case: str) -> Any:
        found_case = await real(case)
        if not done:
            done.append(True)
            headers = {"cookie": cookie, "content-type": "application/json"}
            assert (await http.post(f"/me/v1/mandates/{found.id}/revoke", content=b"{}", headers=headers)).is_success
        return found_case

    arena.helpdesk.read = read  # type: ignore[method-assign]  # the helpdesk answers late
    assert "delivered" not in arena.send(task, path, body, headers=key).text


def _recorded_before_reading(arena: Arena) -> list[int]:
    """How many decisions are on the record whenever the desk is asked for something."""
    counts: list[int] = []
    real = arena.backoffice.read

    async def read(action: str, params: Any, *, customer: str) -> Any:
        counts.append(sum(one.row.kind == "ask.decided" for one in await arena.context.store.entries(limit=1000)))
        return await real(action, params, customer=customer)

    arena.backoffice.read = read  # type: ignore[method-assign]  # it counts
    return counts


@pytest.mark.proves("W-GUESS")
def test_a_read_that_compares_a_value_is_on_the_record_before_the_desk_compares_it() -> None:
    tables = catalogue()
    action = deepcopy(tables["action"]["order.read"])
    action["params"]["properties"]["birth"] = {"title": "Birth", "type": "string", "x-attribute": "identity.birth_date"}
    action["title"] = "Look at order {order_id} {birth}"
    tables["action"] = {**tables["action"], "order.read": action}
    with open_arena(catalogue=tables) as arena:
        wanted = mandate(never=[{"power": "accept"}])
        wanted["powers"].append({"power": "disclose", "attributes": ["identity.birth_date"]})
        task = arena.task(wanted)
        counts = _recorded_before_reading(arena)
        for _ in range(2):  # a value that was tried before is compared again
            assert task.ask("order.read", {"order_id": "W1", "birth": "1980-01-01"}).outcome == "done"
        assert counts == [1, 2]


@pytest.mark.proves("EPOCHS")
def test_a_read_of_a_task_that_was_quiet_for_long_is_on_the_record_before_a_slow_desk_is_asked(arena: Arena) -> None:
    task = arena.task()
    counts = _recorded_before_reading(arena)
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
    arena.clock.ahead_ms += 8 * 60_000
    answer = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN).json()["access_token"]
    said = arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}, token=answer)
    assert said.json()["outcome"] == "done"
    assert counts == [0, 2]


@pytest.mark.proves("EPOCHS")
@pytest.mark.parametrize("uses", [None, 2])
def test_a_mandate_that_is_narrowed_while_the_desk_answers_tells_no_more_than_it_says_then(arena: Arena, uses: int | None) -> None:
    receive: dict[str, Any] = {"power": "receive", "actions": ["order.read"], "attributes": ["order.status"]}
    found, task = arena.granted(mandate(powers=[{"power": "represent"}, receive | ({"uses": uses} if uses else {})]))
    http, cookie = arena.room._http, arena.anna.cookie
    narrowed = json.dumps(mandate(powers=[{"power": "represent"}])).encode()
    real = arena.backoffice.read
    done: list[bool] = []

    async def read(action: str, params: Any, *, customer: str) -> Any:
        answer = await real(action, params, customer=customer)
        if not done:
            done.append(True)
            headers = {"cookie": cookie, "content-type": "application/json"}
            assert (await http.post(f"/me/v1/mandates/{found.id}/narrow", content=narrowed, headers=headers)).is_success
        return answer

    arena.backoffice.read = read  # type: ignore[method-assign]  # the desk answers late
    response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert done == [True]
    assert '"delivered"' not in response.text


@pytest.mark.proves("COUNTERS")
def test_a_read_with_a_limit_asks_the_desk_only_as_often_as_there_is_room(arena: Arena) -> None:
    asked: list[str] = []
    real = arena.backoffice.read

    async def read(action: str, params: Any, *, customer: str) -> Any:
        asked.append(action)
        return await real(action, params, customer=customer)

    receive = {"power": "receive", "actions": ["order.read"], "attributes": ["order.status"], "uses": 2}
    task = arena.task(mandate(powers=[{"power": "represent"}, receive]))
    arena.backoffice.read = read  # type: ignore[method-assign]  # it counts
    answers = gathered(arena, [arena.asking(task, "order.read", {"order_id": "W1"}, f"k{number}") for number in range(8)])
    assert sum(answer.is_success for answer in answers) == len(asked) == 2


@pytest.mark.proves("EPOCHS")
@pytest.mark.parametrize("what", ["agent", "operator", "customer", "objective"])
def test_a_suspension_between_loading_and_recording_is_seen(arena: Arena, what: str) -> None:
    task = arena.task()
    name = {"agent": task.agent.client_id, "operator": "helper.example", "customer": "anna", "objective": "return-item"}[what]
    http = arena.room._http

    async def suspend() -> None:
        assert (await http.post("/sandbox/v1/suspend", json={"what": what, "name": name, "reason": "x"})).is_success

    _meanwhile(arena, suspend)
    with arena.unchanged():
        response = arena.ask(task, "order.read", {"order_id": "W1"})
    assert code_of(response) in {"task.ended", "agent.suspended"}
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("EPOCHS")
def test_a_revocation_while_a_yes_is_weighed_voids_it(arena: Arena) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(arena.anna.get(path)["options"])}
    http = arena.room._http

    async def revoke() -> None:
        await http.post(
            f"/me/v1/mandates/{found.id}/revoke", content=b"{}", headers={"cookie": arena.anna.cookie, "content-type": "application/json"}
        )

    _meanwhile(arena, revoke)
    with arena.unchanged():
        assert arena.person("POST", path, answer, cookie=arena.anna.cookie).is_error
    assert reply.again().state == "void"


@pytest.mark.proves("EPOCHS")
def test_an_act_that_waited_in_the_outbox_is_not_sent_after_a_revocation(arena: Arena) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    arena.anna.revoke(found)
    arena.helpdesk.set_unavailable(False)
    with arena.unchanged():
        arena.desk.sweep()
    assert reply.again().state == "void"
    assert arena.recorded("task.ended")["envelope"]["voided"]["acts"] == 1


@pytest.mark.proves("FENCE")
def test_an_unknown_act_is_failed_only_once_it_can_never_happen(arena: Arena) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    assert {"power": "request", "action": "order.return", "uses_left": 2} in list(task.status()["budgets"])
    arena.anna.revoke(found)
    arena.desk.sweep()
    (act,) = arena.entries("act.performed")[-1:]
    assert act["envelope"]["outcome"] == "failed"
    assert arena.performed() == []
    assert [one.state for one in arena.backoffice._acts.values()] == ["fenced"]


@pytest.mark.proves("FENCE")
def test_an_act_the_desk_did_before_its_answer_was_lost_is_not_done_again(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    arena.backoffice.fail_next("after")
    assert arena.anna.confirm(reply).outcome == "unknown"
    arena.desk.sweep()
    arena.desk.sweep()
    assert reply.again().outcome == "done"
    assert arena.performed() == [SEND_BACK]


@pytest.mark.proves("COUNTERS", "FENCE")
def test_an_act_the_desk_never_saw_is_charged_to_the_power_it_is_done_under(arena: Arena) -> None:
    both = mandate()
    once = {"power": "request", "actions": ["order.return"], "uses": 1}
    both["powers"][2:3] = [{**once, "where": {"item_ids": {"subset_of": ["i1", other]}}} for other in ("i2", "i3")]
    found, task = arena.granted(both)
    reply = task.ask("order.return", SEND_BACK)
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    second = deepcopy(both)
    del second["powers"][2]
    arena.anna.narrow(found, second)
    arena.desk.sweep()
    assert reply.again().outcome == "done"
    assert task.ask("order.return", SEND_BACK).codes == ["mandate.uses_spent"]
    assert arena.performed("order.return") == [SEND_BACK]
    decided = [one["desk"]["detail"] for one in arena.entries("ask.decided") if one["envelope"]["ask"] == reply.ask]
    assert decided[-1] == "decided again before it is done"


@pytest.mark.proves("EPOCHS", "FENCE")
def test_an_act_the_desk_never_saw_is_not_done_when_it_is_revoked_while_it_is_decided_again(arena: Arena) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    headers = {"cookie": arena.anna.cookie, "content-type": "application/json"}
    _meanwhile(arena, lambda: arena.room._http.post(f"/me/v1/mandates/{found.id}/revoke", content=b"{}", headers=headers))
    with arena.unchanged():
        arena.desk.sweep()
        arena.desk.sweep()
    assert reply.again().outcome == "failed"
