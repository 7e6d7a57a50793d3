"""The probes that found other products failing (docs/model/peers.md#probes), by A2A: more of them than `tests/attacks/probes` tries."""

import json
from typing import Any

import pytest

from a2a_calls import asks, call, message, post, sent
from attacks.arena import SEND_BACK, Arena, mandate, open_arena, refund
from attacks.failing.disk import Disk


def refused(task: dict[str, Any]) -> str:
    """The code of a refused ask."""
    assert task["status"]["state"] == "TASK_STATE_REJECTED", task["status"]
    return str(task["status"]["message"]["parts"][1]["data"]["code"])


def confirm(arena: Arena, task: dict[str, Any]) -> None:
    """Anna says yes on the page that the status names."""
    invitation = task["status"]["message"]["parts"][1]["data"]["url"].rpartition("/")[2]
    shown = arena.anna.get(f"/me/v1/confirmations/{invitation}")
    arena.anna.post(f"/me/v1/confirmations/{invitation}", {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])})


@pytest.mark.proves("P2")
@pytest.mark.parametrize("amount", ["5000.00 EUR", "40.00 USD"])
def test_an_amount_above_the_mandate_is_refused(arena: Arena, amount: str) -> None:
    task = arena.sent_back()
    assert refused(sent(arena.desk, task, *asks("payment.refund", refund(amount)))) == "mandate.limit_exceeded"


@pytest.mark.proves("P4")
def test_an_unplanned_act_is_refused(arena: Arena) -> None:
    task = arena.task()
    assert refused(sent(arena.desk, task, *asks("profile.read", {}))) == "objective.action_outside"
    assert refused(sent(arena.desk, task, *asks("payment.refund", refund()))) == "objective.step_order"
    assert refused(sent(arena.desk, task, *asks("order.destroy", {}))) == "action.unknown"


@pytest.mark.proves("P6")
def test_the_ask_that_waits_cannot_be_swapped(arena: Arena) -> None:
    task = arena.task()
    params = message(*asks("order.return", SEND_BACK))
    waiting = call(arena.desk, task, "SendMessage", params)["result"]["task"]
    swapped = message(*asks("order.return", {**SEND_BACK, "item_ids": ["i2"]}), taskId=waiting["id"])
    assert call(arena.desk, task, "SendMessage", swapped)["error"]["code"] == -32004
    same_id = {"message": {**params["message"], "parts": list(asks("order.return", {**SEND_BACK, "item_ids": ["i2"]}))}}
    assert call(arena.desk, task, "SendMessage", same_id)["error"]["code"] == -32602
    confirm(arena, waiting)
    assert arena.performed("order.return") == [SEND_BACK]


@pytest.mark.proves("P7")
def test_an_approval_is_not_replayed(arena: Arena) -> None:
    task = arena.task()
    params = message(*asks("order.return", SEND_BACK))
    waiting = call(arena.desk, task, "SendMessage", params)["result"]["task"]
    confirm(arena, waiting)
    again = call(arena.desk, task, "SendMessage", params)["result"]["task"]
    assert (again["id"], again["status"]["state"]) == (waiting["id"], "TASK_STATE_COMPLETED")
    new = sent(arena.desk, task, *asks("order.return", SEND_BACK))
    assert new["status"]["state"] == "TASK_STATE_AUTH_REQUIRED"
    assert arena.performed("order.return") == [SEND_BACK]


@pytest.mark.proves("P8")
def test_many_small_refunds_are_counted_together(arena: Arena) -> None:
    task = arena.sent_back(mandate())
    first = sent(arena.desk, task, *asks("payment.refund", refund("30.00 EUR")))
    assert first["status"]["state"] == "TASK_STATE_AUTH_REQUIRED"
    assert refused(sent(arena.desk, task, *asks("payment.refund", refund("20.01 EUR")))) == "mandate.total_spent"


@pytest.mark.proves("P10")
def test_a_credential_is_dead_after_its_case_closed(arena: Arena) -> None:
    task = arena.task()
    sent(arena.desk, task, *asks("case.open", {"subject": "Kettle", "text": "The kettle leaks."}))
    sent(arena.desk, task, *asks("case.close", {}))
    assert refused(sent(arena.desk, task, *asks("order.read", {"order_id": "W1"}))) == "task.ended"
    assert call(arena.desk, task, "GetExtendedAgentCard")["error"]["data"][0]["metadata"]["code"] == "task.ended"


@pytest.mark.proves("P11")
def test_a_secret_in_a_part_reaches_nothing(arena: Arena) -> None:
    task = arena.task()
    secret = f"ghp_{'a1B2' * 9}"
    told = [
        sent(arena.desk, task, {"text": f"My token is {secret}."}),
        sent(arena.desk, task, *asks("order.read", {"order_id": "W1"}, f"My token is {secret}.")),
        call(arena.desk, task, "SendMessage", message(*asks("order.read", {"order_id": secret}))),
        call(arena.desk, task, "SendMessage", message(*asks("order.read", {"order_id": "W1"}), contextId=secret)),
        call(arena.desk, task, "GetTask", {"id": secret}),
        call(arena.desk, task, secret),
    ]
    assert secret not in json.dumps([told, arena.state(), arena.entries()], default=str)


@pytest.mark.proves("P15")
@pytest.mark.parametrize("credential", ["Basic YW5uYTpzZWNyZXQ=", "Bearer eyJhbGciOiJub25lIn0.e30."])
def test_a_persons_credential_is_refused(arena: Arena, credential: str) -> None:
    task = arena.task()
    answer = post(arena.desk, task, {"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}, authorization=credential)
    assert answer.status_code in {401, 403}


@pytest.mark.proves("P17", "STRICT-PARAMS")
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("order.read", {"order_id": {"id": "W1"}}),
        ("order.return", {**SEND_BACK, "item_ids": "i1"}),
        ("payment.refund", refund(amount=40)),  # type: ignore[arg-type]  # that is the attack
    ],
)
def test_shapes_are_not_coerced(arena: Arena, action: str, params: dict[str, Any]) -> None:
    task = arena.sent_back() if action == "payment.refund" else arena.task()
    assert refused(sent(arena.desk, task, *asks(action, params))) == "params.invalid"


@pytest.mark.proves("P17")
def test_a_smuggled_member_of_the_ask_is_refused(arena: Arena) -> None:
    task = arena.task()
    smuggled = {"action": "order.read", "params": {"order_id": "W1"}, "confirmed_by": ["customer"]}
    assert call(arena.desk, task, "SendMessage", message({"data": smuggled}))["error"]["code"] == -32602
    twice = b'{"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "method": "GetTask"}'
    assert post(arena.desk, task, twice).json()["error"]["code"] == -32700


@pytest.mark.proves("P13", "NO-RECORD-NO-ACT")
def test_with_the_audit_store_down_nothing_happens() -> None:
    disk = Disk("store.before_commit")
    with open_arena(on_point=disk) as arena:
        task = arena.task()
        disk.broken = True
        with arena.unchanged():
            for parts in (asks("order.read", {"order_id": "W1"}), asks("order.return", SEND_BACK), ({"text": "It leaks."},)):
                error = call(arena.desk, task, "SendMessage", message(*parts))["error"]
                assert (error["code"], error["data"][0]["metadata"]["code"]) == (-32603, "fault.store")
        disk.broken = False
        assert sent(arena.desk, task, *asks("order.read", {"order_id": "W1"}))["status"]["state"] == "TASK_STATE_COMPLETED"
