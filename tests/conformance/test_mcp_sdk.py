"""The official Python client of MCP at the door, unmodified, at 2026-07-28 and with a handshake.

It speaks bearer tokens only, so a proxy of the tests proves its requests as the agent of a task does.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from attacks.arena import Arena, open_arena, refund
from conformance.mcp_peers import Proxy, driving, needs_peers, proxied

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]
MODES = ["2026-07-28", "auto", "legacy"]


class Sdk:
    """The official client."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def connect(self, proxy: Proxy, mode: str, *, elicits: bool = False) -> dict[str, Any]:
        return self.do(do="connect", url=proxy.url, mode=mode, elicits=elicits)

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()[-4000:]
        said: dict[str, Any] = json.loads(line)
        return said

    def send(self, **asked: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def do(self, **asked: Any) -> dict[str, Any]:
        self.send(**asked)
        return self.answer()

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        return self.do(do="call", name=name, arguments=arguments)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with driving("sdk_client.py") as process:
        yield Sdk(process)


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def waits(arena: Arena) -> str:
    """The ask that waits for Anna."""
    (found,) = arena.anna.waiting()
    return str(found["ask"])


def text_of(result: Mapping[str, Any]) -> str:
    return str(result["content"][0]["text"])


@pytest.mark.parametrize("mode", MODES)
def test_it_finds_the_granted_tools_reads_and_is_told_what_would_cure_a_refusal(arena: Arena, sdk: Sdk, mode: str) -> None:
    with proxied(arena.task()) as proxy:
        greeting = sdk.connect(proxy, mode)
        assert greeting["revision"] == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        assert mode == "2026-07-28" or "one customer" in greeting["instructions"]  # pinned, it asks for no greeting
        tools = {one["name"]: one for one in sdk.do(do="tools")["tools"]}
        assert {"order_read", "order_return", "payment_refund", "case_comment", "task_status"} <= set(tools)
        assert tools["payment_refund"]["inputSchema"]["properties"]["payment_method_id"]["const"] == "pm_1"
        read = sdk.call("order_read", order_id="W1")
        assert read["structuredContent"]["result"] == {"order.status": "delivered", "order.items": ["i1", "i2"]}
        assert read["structuredContent"]["receipt"]["entries"]
        assert "delivered" in text_of(read)
        wrong = sdk.call("payment_refund", **refund("60.00 EUR"))
        assert wrong["isError"]
        assert wrong["structuredContent"]["codes"] == ["objective.step_order"]
        assert wrong["structuredContent"]["cure"] in text_of(wrong)


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_its_user_is_shown_our_page_and_only_the_answer_there_counts(arena: Arena, sdk: Sdk, mode: str) -> None:
    """The client claims at once that its user agreed; the desk waits for the customer's own yes."""
    task = arena.task()
    with proxied(task) as proxy:
        sdk.connect(proxy, mode, elicits=True)
        sdk.send(do="call", name="order_return", arguments={"order_id": "W1", "item_ids": ["i1"]})
        proxy.called()
        waiting = waits(arena)
        assert arena.performed("order.return") == []
        reply = task.poll(waiting)
        if mode == "legacy":
            first = sdk.answer()
            assert first["structuredContent"]["decision"] == "needs_human"
            assert arena.performed("order.return") == []
            arena.anna.confirm(reply)
            done = sdk.call("ask_status", ask=waiting, wait=20)
        else:
            arena.anna.confirm(reply)
            done = sdk.answer()
        assert (done["structuredContent"]["ask"], done["structuredContent"]["outcome"]) == (waiting, "done")
        assert [one.startswith("http://localhost/confirm/cnf_") for one in done["shown"]] == [True]
        assert len(arena.performed("order.return")) == 1


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_a_client_that_shows_no_addresses_is_given_one_in_words(arena: Arena, sdk: Sdk, mode: str) -> None:
    task = arena.task()
    with proxied(task) as proxy:
        sdk.connect(proxy, mode)
        asked = sdk.call("order_return", order_id="W1", item_ids=["i1"])
        assert asked["structuredContent"]["confirm_at"] in text_of(asked)
        assert not asked.get("isError")
        again = sdk.call("ask_status", ask=asked["structuredContent"]["ask"])
        assert again["structuredContent"]["state"] == "waiting"
        arena.anna.decline(task.poll(asked["structuredContent"]["ask"]))
        declined = sdk.call("ask_status", ask=asked["structuredContent"]["ask"])
        assert declined["structuredContent"]["codes"] == ["confirmation.declined"]
        assert declined["isError"]


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_it_ends_its_task_and_is_answered_no_more(arena: Arena, sdk: Sdk, mode: str) -> None:
    with proxied(arena.task()) as proxy:
        sdk.connect(proxy, mode)
        assert sdk.call("read_inbox")["structuredContent"] == {"messages": []}
        assert sdk.call("complete_task")["structuredContent"]["state"] == "ended"
        late = sdk.call("order_read", order_id="W1")
        assert late["structuredContent"]["codes"] == ["task.ended"]
