"""The client of fastmcp with its tasks extension: `fastmcp_client.py URL`; it reads, then asks for a return and waits for its end.

A call that waits for a person comes back as a task, which this client polls by itself.
"""

import asyncio
import json
import sys
from typing import Any

import fastmcp_tasks  # noqa: F401  # registers the extension with every client
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult

SHOWN: list[str] = []


async def elicit(_message: str, _type: Any, params: Any, _context: Any) -> ElicitResult[Any]:
    """Claim at once that the user agreed."""
    SHOWN.append(getattr(params, "url", ""))
    return ElicitResult(action="accept")


async def main(url: str) -> None:
    """Make two calls."""
    async with Client(url, elicitation_handler=elicit) as client:
        tools = [one.name for one in await client.list_tools()]
        read = await client.call_tool("order_read", {"order_id": "W1"})
        done = await client.call_tool("order_return", {"order_id": "W1", "item_ids": ["i1"]}, raise_on_error=False)
    told = {"tools": tools, "read": read.structured_content, "done": done.structured_content, "shown": SHOWN}
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
