"""The official Python client of MCP with its own OAuth, from nothing but the address: `sdk_visitor.py URL CLIENT_ID`.

It writes the address that its user's browser is sent to, reads where the browser came back to, and then does what it is told:
one JSON object a line, one answer a line. Without a CLIENT_ID it registers itself.
"""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import ElicitRequestParams, ElicitResult

METADATA = {
    "client_name": "Assistant",
    "redirect_uris": ["http://127.0.0.1:40404/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}


class Storage:
    """Tokens and registration, in memory."""

    def __init__(self, client_id: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull(client_id=client_id, **METADATA) if client_id else None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.client = client_info


def say(told: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def heard() -> str:
    """Read one line."""
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def redirect(url: str) -> None:
    """Send the user's browser to an address."""
    say({"browse": url})


async def back() -> AuthorizationCodeResult:
    """Read where the browser came back to."""
    found = parse_qs(urlsplit((await heard()).strip()).query)
    return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=found["iss"][0])


async def elicit(_context: Any, params: ElicitRequestParams) -> ElicitResult:
    """Claim at once that the user agreed."""
    say({"shown": getattr(params, "url", "")})
    return ElicitResult(action="accept")


async def main(url: str, client_id: str) -> None:
    """Connect, then do what is told."""
    provider = OAuthClientProvider(url, OAuthClientMetadata(**METADATA), Storage(client_id), redirect, back)
    async with (
        httpx2.AsyncClient(auth=provider, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), elicitation_callback=elicit) as client,
    ):
        say({"revision": client.protocol_version, "tools": [one.name for one in (await client.list_tools()).tools]})
        while line := await heard():
            asked = json.loads(line)
            try:
                found = await client.call_tool(asked["name"], asked["arguments"])
                say(found.model_dump(mode="json", by_alias=True, exclude_none=True))
            except MCPError as error:
                say({"error": error.error.code, "message": error.error.message})


asyncio.run(main(*sys.argv[1:3]))
