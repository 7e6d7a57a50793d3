"""The official Python client of MCP, told on standard input what to call: one JSON object a line, one answer a line.

`{"do": "connect", "url": …, "mode": …, "elicits": …}` begins with a new client, whose mode is its own: `auto`, `legacy` or a revision.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from mcp import Client, MCPError
from mcp_types import ElicitRequestParams, ElicitResult


class Driver:
    """One client at a time, and the addresses it was asked to show."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    async def elicit(self, _context: Any, params: ElicitRequestParams) -> ElicitResult:
        """Claim at once that the user agreed, as a client may."""
        self.shown.append(getattr(params, "url", ""))
        return ElicitResult(action="accept")

    async def connect(self, url: str, mode: str, *, elicits: bool) -> dict[str, Any]:
        """Begin with a new client."""
        await self._stack.aclose()
        self.shown.clear()
        more: dict[str, Any] = {"elicitation_callback": self.elicit} if elicits else {}
        client = self._client = await self._stack.enter_async_context(Client(url, mode=mode, **more))
        return {"revision": client.protocol_version, "instructions": client.instructions}

    async def answered(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do one thing."""
        try:
            match asked["do"], self._client:
                case "connect", _:
                    return await self.connect(asked["url"], asked["mode"], elicits=asked["elicits"])
                case "tools", Client() as client:
                    found: Any = await client.list_tools()
                case _, Client() as client:
                    found = await client.call_tool(asked["name"], asked.get("arguments", {}))
        except MCPError as error:
            return {"error": {"code": error.error.code, "message": error.error.message, "data": error.error.data}}
        return dict(found.model_dump(mode="json", by_alias=True, exclude_none=True))


async def main() -> None:
    """Serve lines of standard input."""
    driver = Driver()
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        said = await driver.answered(json.loads(line))
        sys.stdout.write(json.dumps({**said, "shown": driver.shown}) + "\n")
        sys.stdout.flush()


asyncio.run(main())
