"""The customer's own assistant: the official client, unmodified, with its own OAuth, given nothing but the address of the desk.

It finds the desk's metadata from the 401, sends the customer's browser, comes back with a bearer token of this door, reads, asks for
a return, and waits at the desk's page for the customer's passkey.
"""

import json
import subprocess
from typing import Any

import pytest

from attacks.arena import Arena
from conformance.mcp_peers import driving, listening, needs_peers
from conformance.mcp_visits import desk_at
from visiting import TERMS, confirm, documents, picked_and_signed

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]


class Assistant:
    """The client, as its user sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()[-4000:]
        said: dict[str, Any] = json.loads(line)
        return said

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        self.say(json.dumps({"name": name, "arguments": arguments}))
        return self.heard()

    def come_in(self, arena: Arena, objective: str, records: list[str]) -> dict[str, Any]:
        """Send Anna's browser, let her pick a purpose and its records and sign; return what the client then sees."""
        self.say(picked_and_signed(arena.anna, self.heard()["browse"], objective, records))
        return self.heard()


def test_it_comes_in_by_itself_reads_and_returns_something_with_the_customers_passkey() -> None:
    with listening() as proxy, desk_at(proxy, TERMS) as arena, documents() as docs:
        client_id = docs.publish(redirect_uris=["http://127.0.0.1:40404/callback"])
        with driving("sdk_visitor.py", proxy.url, client_id) as process:
            assistant = Assistant(process)
            began = assistant.come_in(arena, "return-item", ["W1001"])
            assert began["revision"] == "2026-07-28"
            assert {"order_read", "order_return"} <= set(began["tools"])
            assert "account_unlock" not in began["tools"]
            assistant.say(json.dumps({"name": "order_return", "arguments": {"order_id": "W1001", "item_ids": ["i1"]}}))
            shown = assistant.heard()["shown"]
            assert shown.startswith(f"{proxy.url.removesuffix('/mcp')}/confirm/cnf_")
            assert arena.performed() == []
            (waiting,) = arena.anna.waiting()
            confirm(arena.anna, waiting["ask"])
            done = assistant.heard()
            assert done["structuredContent"]["outcome"] == "done"
            assert len(arena.performed("order.return")) == 1
            beyond = assistant.call("payment_refund", order_id="W1001", payment_method_id="pm_7", amount="60.00 EUR")
            assert beyond["isError"]
            assert beyond["structuredContent"]["cure"] in beyond["content"][0]["text"]


def test_a_client_that_nobody_knows_registers_itself_where_the_desk_lets_it() -> None:
    terms = {"visitors": {**TERMS["visitors"], "registration": "dynamic"}}
    with listening() as proxy, desk_at(proxy, terms) as arena, driving("sdk_visitor.py", proxy.url, "") as process:
        began = Assistant(process).come_in(arena, "return-item", ["W1001"])
        assert "order_read" in began["tools"]
