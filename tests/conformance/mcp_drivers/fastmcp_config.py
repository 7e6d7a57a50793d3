"""The client of fastmcp, made from a configuration in JSON: `fastmcp_config.py CONFIG` lists the tools."""

import asyncio
import json
import sys

from fastmcp import Client


async def main(config: str) -> None:
    """Connect as configured."""
    async with Client(json.loads(config)) as client:
        sys.stdout.write(json.dumps([one.name for one in await client.list_tools()]) + "\n")


asyncio.run(main(sys.argv[1]))
