"""The inspector of MCP's own authors, from its command line: the tools, a read, a refusal, and a wrong token."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from attacks.arena import open_arena
from conformance.mcp_peers import PEERS, Proxy, needs_peers, node, proxied

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]
INSPECTOR = PEERS / "node" / "node_modules" / ".bin" / "mcp-inspector"


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with open_arena() as arena, proxied(arena.task()) as one:
        yield one


def inspected(proxy: Proxy, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return node(str(INSPECTOR.resolve()), "--cli", proxy.url, "--transport", "http", *arguments)


def told(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_it_lists_the_granted_tools(proxy: Proxy) -> None:
    names = [one["name"] for one in told(inspected(proxy, "--method", "tools/list"))["tools"]]
    assert {"order_read", "case_comment", "task_status"} <= set(names)
    assert "order_cancel" not in names


def test_it_reads(proxy: Proxy) -> None:
    read = told(inspected(proxy, "--method", "tools/call", "--tool-name", "order_read", "--tool-arg", "order_id=W1"))
    assert read["structuredContent"]["result"]["order.status"] == "delivered"


def test_it_shows_a_refusal_with_its_cure(proxy: Proxy) -> None:
    wrong = told(inspected(proxy, "--method", "tools/call", "--tool-name", "order_read", "--tool-arg", "order_id=W9"))
    assert wrong["isError"]
    assert wrong["structuredContent"]["codes"] == ["mandate.off_target"]
    assert wrong["structuredContent"]["cure"]
