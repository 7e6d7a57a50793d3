"""Both agents' look at the order: again, when the shop was too slow to be asked what may be told of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from remit.client import Reply, Task
from remit.sandbox.agents.harness import Stage

_TRIES = 5
_PAUSE_S = 1.0


async def look(stage: Stage, task: Task, order: str) -> Mapping[str, Any]:
    """Ask the desk for the order."""

    async def asking() -> Reply:
        for _ in range(_TRIES - 1):
            reply = await task.ask("order.read", {"order_id": order})
            if reply.outcome == "done" and "[withheld]" not in str(reply.result):
                return reply
            await asyncio.sleep(_PAUSE_S)
        return await task.ask("order.read", {"order_id": order})

    reply = await stage.told("read", "look at the order", asking)
    return {} if reply is None else reply.result


def item_of(found: Mapping[str, Any], title: str) -> str:
    """The id of an item by its title."""
    return str(found["order.item_ids"][found["order.items"].index(title)])
