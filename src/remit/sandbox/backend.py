"""The backend of a sandbox: a desk in this process or a running server, and one event loop thread to talk to it."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from remit.client.agent import Agent
from remit.client.discovery import Metadata
from remit.client.errors import Refused
from remit.client.responses import Answered, raise_problem
from remit.client.sync import LoopThread
from remit.sandbox.params import sent as sent_json


class Room:
    """Sends requests as a person, a tool or a control would. Refusals are raised as `remit.client.Refused`."""

    def __init__(self, *, issuer: str, thread: LoopThread, transport: httpx.AsyncBaseTransport) -> None:
        """Open the room: agents and people share one `transport`, closed with the room, and the desk's metadata."""
        self.issuer = issuer
        self.thread = thread
        self.transport = transport
        self.metadata: Metadata | None = None
        self._http = httpx.AsyncClient(transport=transport, base_url=issuer, timeout=60.0, follow_redirects=False)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, cookie: str = "") -> Any:  # noqa: ANN401  # JSON
        """Send one request as a person's browser or tool; return the JSON of a success."""
        return self.raw(method, path, body, cookie=cookie).json()

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  # JSON
        """Send one request to the sandbox's own control routes.

        Raises:
            Refused: as the desk refused it; `request.not_found` where a server has no such routes.
        """
        response = self.raw(method, path, body, check=False)
        if response.status_code == httpx.codes.NOT_FOUND and response.json().get("code") == "request.not_found":
            cure = "Set `enabled = true` under [sandbox] in its remit.toml, on loopback alone, and start it again."
            title = "This server takes no sandbox"
            raise Refused("request.not_found", title=title, cure=cure, status=response.status_code)
        return _success(response).json()

    def raw(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        cookie: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        check: bool = True,
    ) -> httpx.Response:
        """Send one request; with `check`, anything but a success is raised."""
        sent = dict(headers or {})
        if cookie:
            sent["cookie"] = cookie
        if body is not None:
            sent.setdefault("content-type", "application/json")
            content = sent_json(dict(body), "request.malformed")
        response = self.thread.run(self._http.request(method, path, content=content, headers=sent))
        self._http.cookies.clear()  # the next request may be another person's
        return _success(response) if check else response

    def close(self, agents: Iterable[Agent]) -> None:
        """Close the agents and the connections."""

        async def close() -> None:
            for agent in agents:
                await agent.__aexit__(None, None, None)
            await self._http.aclose()

        self.thread.run(close())


def _success(response: httpx.Response) -> httpx.Response:
    """Return a successful answer; raise any other."""
    if not response.is_success:
        raise_problem(Answered(status=response.status_code, headers=dict(response.headers), body=response.content))
    return response
