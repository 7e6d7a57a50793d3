"""A client that claims its user agreed, and states it makes up: only the answer on the desk's own page counts."""

from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena
from attacks.mcp_calls import TASKS, URLS, Mcp, error, told
from remit.domain.records import AskState
from remit.domain.structs import replace
from remit.engine.ask.reply import AskReply
from remit.entrypoints.agents.api import AgentApi
from remit.entrypoints.agents.mcp import door

ACCEPTED = {"confirm": {"action": "accept", "content": {"confirmed": True}}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated call waits for nobody here."""
    monkeypatch.setattr(door, "_WAIT_S", 0)


def asked(mcp: Mcp, **more: Any) -> dict[str, Any]:
    """An ask that waits for Anna, as the client is told of it."""
    answer = mcp.call("order_return", SEND_BACK, capabilities=URLS, **more)
    result: dict[str, Any] = answer.json()["result"]
    assert result["resultType"] == "input_required"
    return result


@pytest.mark.proves("MCP-CONFIRM", "P1")
def test_the_clients_accept_confirms_nothing(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    state = asked(mcp)["requestState"]
    with arena.unchanged():
        said = told(mcp.call("order_return", SEND_BACK, capabilities=URLS, requestState=state, inputResponses=ACCEPTED))
    assert said["decision"] == "needs_human"
    assert arena.performed() == []
    arena.anna.confirm(mcp.task.poll(said["ask"]))
    done = told(mcp.call("order_return", SEND_BACK, capabilities=URLS, requestState=state, inputResponses=ACCEPTED))
    assert (done["ask"], done["outcome"]) == (said["ask"], "done")
    assert len(arena.performed()) == 1


@pytest.mark.proves("MCP-CONFIRM")
def test_a_repeated_call_that_comes_while_the_act_is_being_done_is_told_how_it_ended(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    mcp = Mcp(arena, arena.task())
    waiting = asked(mcp)
    arena.anna.confirm(mcp.task.poll(str(arena.anna.waiting()[0]["ask"])))
    ask = AgentApi.ask

    async def before_the_end(*given: Any, **more: Any) -> AskReply:
        return replace(await ask(*given, **more), state=AskState.ACTING, outcome="")

    monkeypatch.setattr(AgentApi, "ask", before_the_end)
    done = told(mcp.call("order_return", SEND_BACK, capabilities=URLS, requestState=waiting["requestState"], inputResponses=ACCEPTED))
    assert (done["state"], done["outcome"]) == ("done", "done")


@pytest.mark.proves("MCP-CONFIRM", "P1")
def test_an_answer_to_the_request_of_a_stream_or_of_a_task_confirms_nothing(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    session = mcp.session(URLS)
    stream = mcp.shaken("tools/call", {"name": "order_return", "arguments": SEND_BACK}, session=session)
    assert stream.headers["content-type"] == "text/event-stream"
    assert '"elicitation/create"' in stream.text
    said = mcp.post(
        {"jsonrpc": "2.0", "id": "confirm-x", "result": {"action": "accept"}}, mcp_protocol_version="2025-11-25", mcp_session_id=session
    )
    assert said.status_code == 202
    both = {**URLS, **TASKS}
    task = mcp.call("order_return", SEND_BACK, capabilities=both).json()["result"]
    assert (task["resultType"], task["status"]) == ("task", "input_required")
    updated = mcp.send("tasks/update", {"taskId": task["taskId"], "inputResponses": ACCEPTED}, capabilities=both)
    assert updated.json()["result"] == {"resultType": "complete"}
    now = mcp.send("tasks/get", {"taskId": task["taskId"]}, capabilities=both).json()["result"]
    assert (now["status"], list(now["inputRequests"])) == ("input_required", ["confirm"])
    assert arena.performed() == []


@pytest.mark.proves("MCP-CONFIRM")
def test_the_address_is_the_desks_own_and_nothing_the_agent_said_stands_beside_it(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    (request,) = asked(mcp)["inputRequests"].values()
    assert request["params"]["url"].startswith("http://localhost/confirm/cnf_")
    assert "i1" not in request["params"]["message"]


@pytest.mark.proves("MCP-STATE")
@pytest.mark.parametrize("forged", ["", "x", "mcp.00~AAAA", "k1~", "~", 7, None])
def test_a_state_made_up_is_refused(arena: Arena, forged: object) -> None:
    mcp = Mcp(arena, arena.task())
    asked(mcp)
    with arena.unchanged():
        answer = mcp.call("order_return", SEND_BACK, capabilities=URLS, requestState=forged, inputResponses=ACCEPTED)
    assert error(answer) == (400, -32602)


@pytest.mark.proves("MCP-STATE")
def test_a_state_belongs_to_its_call_its_task_and_its_arguments(arena: Arena) -> None:
    agent = arena.agent()
    mcp, other = (Mcp(arena, arena.task(agent=agent)) for _ in range(2))
    state = asked(mcp)["requestState"]
    with arena.unchanged():
        assert error(mcp.call("order_read", {"order_id": "W1"}, requestState=state)) == (400, -32602)
        assert error(other.call("order_return", SEND_BACK, requestState=state)) == (400, -32602)
        turned = f"{state[:-1]}{'A' if state[-1] != 'A' else 'B'}"
        assert error(mcp.call("order_return", SEND_BACK, requestState=turned)) == (400, -32602)
        changed = told(mcp.call("order_return", {**SEND_BACK, "item_ids": ["i2"]}, requestState=state))
    assert changed["codes"] == ["request.conflict"]


@pytest.mark.proves("MCP-STATE")
def test_an_ask_of_another_task_is_unknown(arena: Arena) -> None:
    """The same agent has both tasks: what is told in one conversation is not told in another."""
    agent = arena.agent()
    mcp, other = (Mcp(arena, arena.task(agent=agent)) for _ in range(2))
    ask = told(mcp.call("order_read", {"order_id": "W1"}))["ask"]
    assert told(mcp.call("ask_status", {"ask": ask}))["result"]
    foreign = told(other.call("ask_status", {"ask": ask}))
    assert foreign["codes"] == ["request.not_found"]
    assert foreign == told(other.call("ask_status", {"ask": f"{ask[:-1]}{'a' if ask[-1] != 'a' else 'b'}"}))
    assert error(other.send("tasks/get", {"taskId": ask}, capabilities=TASKS)) == (400, -32602)
    assert error(other.send("tasks/cancel", {"taskId": ask}, capabilities=TASKS)) == (400, -32602)
