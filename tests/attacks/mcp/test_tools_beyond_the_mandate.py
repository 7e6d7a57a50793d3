"""Tools of the MCP door against the mandate: what is listed, what is named like it, and what belongs to another purpose."""

import base64
from dataclasses import replace
from typing import cast

import pytest

from attacks.arena import SEND_BACK, Arena, mandate, refund
from attacks.mcp_calls import Mcp, error, told
from remit.domain.catalogue.model import Action

NEVER_REFUNDED = mandate(never=[{"power": "request", "actions": ["payment.refund"]}])


@pytest.mark.proves("MCP-TOOLS")
def test_the_list_is_not_wider_than_the_mandate(arena: Arena) -> None:
    """Neither an action of another objective is in it, nor one of the own that was not granted."""
    mcp = Mcp(arena, arena.task())
    tools = mcp.tools()
    assert set(tools) == {
        "order_read", "order_return", "payment_refund", "case_open", "case_comment", "case_read", "case_close",
        "task_status", "ask_status", "read_inbox", "complete_task",
    }  # fmt: skip
    params = tools["payment_refund"]["inputSchema"]["properties"]
    assert (params["order_id"]["const"], params["payment_method_id"]["const"]) == ("W1", "pm_1")
    assert tools["order_return"]["inputSchema"]["properties"]["item_ids"]["items"]["enum"] == ["i1", "i2"]
    assert "50.00 EUR" in tools["payment_refund"]["description"]


@pytest.mark.proves("MCP-TOOLS")
def test_what_the_customer_ruled_out_is_not_listed(arena: Arena) -> None:
    assert "payment_refund" not in Mcp(arena, arena.task(NEVER_REFUNDED)).tools()


@pytest.mark.proves("MCP-TOOLS")
def test_an_agent_that_may_not_speak_has_no_tool_for_words(arena: Arena) -> None:
    silent = mandate(powers=[{"power": "receive", "attributes": ["order.status"]}], never=[])
    tools = Mcp(arena, arena.task(silent)).tools()
    assert not any(name.startswith("case_") for name in tools)
    assert "words" not in tools["order_read"]["inputSchema"]["properties"]


@pytest.mark.proves("MCP-TOOLS")
def test_the_list_is_narrower_at_once_when_the_customer_narrows(arena: Arena) -> None:
    granted, task = arena.granted()
    mcp = Mcp(arena, task)
    assert "payment_refund" in mcp.tools()
    narrower = mandate()
    narrower["powers"] = narrower["powers"][:3]
    arena.anna.narrow(granted, narrower)
    assert "payment_refund" not in mcp.tools()


@pytest.mark.proves("MCP-TOOLS")
def test_an_action_that_changed_since_it_was_signed_is_not_listed(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    mcp = Mcp(arena, arena.task())
    actions = arena.context.catalogue.actions
    monkeypatch.setitem(cast("dict[str, Action]", actions), "order.read", replace(actions["order.read"], digest="sha-256:x"))
    assert "order_read" not in mcp.tools()


@pytest.mark.proves("MCP-TOOLS")
@pytest.mark.parametrize("name", ["order_r\u0435ad", "ORDER_READ", "order_read\u200b", "\uff4frder_read", "order..read", "order.read "])
def test_a_name_that_looks_like_a_tool_is_none(arena: Arena, name: str) -> None:
    """The first has a Cyrillic letter, the third an invisible one, the fourth a wide one."""
    mcp = Mcp(arena, arena.task())
    header = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    with arena.unchanged():
        answer = mcp.call(name, {"order_id": "W1"}, headers={"mcp-name": header})
    assert error(answer) == (400, -32602)
    assert answer.json()["error"]["data"]["code"] == "action.unknown"
    assert arena.recorded("ask.decided", code="action.unknown")


@pytest.mark.proves("MCP-ASK", "OBJECTIVE")
def test_an_action_of_another_purpose_asks_for_that_purpose_and_is_on_the_record(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    with arena.unchanged():
        answer = mcp.call("order_cancel", {"order_id": "W1"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="cancel-order"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["data"]["codes"] == ["objective.action_outside"]
    assert arena.recorded("ask.decided", code="objective.action_outside")


@pytest.mark.proves("MCP-ASK", "P2", "P3")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (refund("60.00 EUR"), "mandate.limit_exceeded"),
        (refund(order_id="W2"), "mandate.off_target"),
        (refund(payment_method_id="pm_2"), "mandate.limit_exceeded"),
        (refund(amount=40), "params.invalid"),
        (refund(order_id=["W1"]), "params.invalid"),
        (refund(note="x"), "params.invalid"),
    ],
)
def test_what_the_schema_says_is_checked_again_and_refused_with_a_cure(arena: Arena, arguments: dict[str, object], code: str) -> None:
    mcp = Mcp(arena, arena.sent_back())
    with arena.unchanged():
        said = told(mcp.call("payment_refund", arguments))
    assert (said["decision"], said["codes"]) == ("refuse", [code])
    assert said["cure"]
    assert arena.recorded("ask.decided", ask=said["ask"])["envelope"]["code"] == code


@pytest.mark.proves("MCP-ASK", "P11")
def test_a_secret_in_an_argument_reaches_no_case_and_a_token_of_ours_is_dead(arena: Arena) -> None:
    task = arena.task()
    mcp = Mcp(arena, task)
    said = told(mcp.call("case_comment", {"text": f"My token is {task.token}"}))
    assert said["decision"] == "refuse"
    assert task.token not in str(arena.state())
    assert told(mcp.call("order_read", {"order_id": "W1"}))["codes"] == ["task.ended"]


@pytest.mark.proves("MCP-ASK", "P12")
def test_a_read_tells_what_is_covered_and_counts_what_is_not(arena: Arena) -> None:
    said = told(Mcp(arena, arena.task()).call("order_read", {"order_id": "W1"}))
    assert said["result"] == {"order.status": "delivered", "order.items": ["i1", "i2"]}
    assert said["withheld"] == 1
    assert "Lindenweg" not in str(said)


@pytest.mark.proves("MCP-ASK", "IDEMPOTENCE")
def test_one_request_of_a_session_acts_once_and_another_session_is_another_client(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    first, second = mcp.session(), mcp.session()
    params = {"name": "order_return", "arguments": SEND_BACK}
    one = told(mcp.shaken("tools/call", params, session=first, number=7))
    again = told(mcp.shaken("tools/call", params, session=first, number=7))
    text = told(mcp.shaken("tools/call", params, session=first, number="7"))
    other = told(mcp.shaken("tools/call", params, session=second, number=7))
    assert one["ask"] == again["ask"]
    unnamed = [told(mcp.shaken("tools/call", params, number=7))["ask"] for _ in range(2)]
    assert len({one["ask"], text["ask"], other["ask"], *unnamed}) == 5
    changed = told(mcp.shaken("tools/call", {**params, "arguments": {**SEND_BACK, "item_ids": ["i2"]}}, session=first, number=7))
    assert changed["codes"] == ["request.conflict"]


@pytest.mark.proves("MCP-ASK", "IDEMPOTENCE")
def test_a_key_among_the_arguments_names_one_ask(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    one, again = (told(mcp.call("order_return", {**SEND_BACK, "idempotency_key": "k1"})) for _ in range(2))
    other = told(mcp.call("order_return", SEND_BACK))
    assert one["ask"] == again["ask"] != other["ask"]
    assert told(mcp.call("order_read", {"order_id": "W1", "idempotency_key": "k1"}))["codes"] == ["request.conflict"]
