"""The client of fastmcp with its tasks: a call that waits for a person is a task to it, which is the ask itself."""

import json

import pytest

from attacks.arena import open_arena
from conformance.mcp_peers import driving, needs_peers, proxied

pytestmark = [needs_peers, pytest.mark.xdist_group("mcp")]


def test_it_polls_the_ask_as_a_task_until_the_customer_has_answered() -> None:
    with open_arena() as arena, proxied(arena.task()) as proxy, driving("fastmcp_client.py", proxy.url) as process:
        read, asked = json.loads(proxy.called()["answer"]), json.loads(proxy.called()["answer"])
        assert read["result"]["structuredContent"]["result"]["order.status"] == "delivered"
        task = asked["result"]
        assert (task["resultType"], task["status"]) == ("task", "input_required")
        assert "inputRequests" not in task
        assert arena.performed("order.return") == []
        arena.anna.confirm(proxy.task.poll(task["taskId"]))
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()[-4000:]
        said = json.loads(line)
        assert (said["done"]["ask"], said["done"]["outcome"]) == (task["taskId"], "done")
        assert "order_return" in said["tools"]
        assert len(arena.performed("order.return")) == 1
