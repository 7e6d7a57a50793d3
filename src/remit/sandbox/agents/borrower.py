"""An agent with its user's own signed-in session, which it uses instead of its own credential."""

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

from remit.client import Json
from remit.client.errors import Refused
from remit.sandbox.agents.harness import Stage, play

_SECONDS: Final = 10


async def part(stage: Stage) -> None:
    """Ask as the person; then check whether the session still opens the person's own page."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="return-item",
            target={"order": ["W1002"]},
            summary="send back the desk lamp",
            powers=[{"power": "represent"}, {"power": "request", "actions": ["order.return"], "uses": 1}],
        )
        async with mandate.task() as task:
            cookie = (await stage.hear("session"))["cookie"]
            ask: Json = {"action": "order.return", "params": {"order_id": "W1002", "item_ids": ["i1"]}}
            path = f"/v1/tasks/{task.id}/asks"
            await _send(stage, "ask", "ask with the customer's own session", path, {"Cookie": cookie}, ask)
            bearer = {"Authorization": f"Bearer {cookie.partition('=')[2]}"}
            await _send(stage, "bearer", "the same session as a bearer token", path, bearer, ask)
            await _send(stage, "page", "open the customer's page with it", "/me/v1/waiting", {"Cookie": cookie}, None)


async def _send(stage: Stage, step: str, tried: str, path: str, headers: Mapping[str, str], body: Json) -> None:
    """Send one request with the borrowed session, over plain HTTP: the client would never send it."""
    status, answered = await asyncio.to_thread(_http, f"{stage.desk}{path}", headers, body)
    if status < 300:  # noqa: PLR2004  # HTTP's own bound of success
        stage.report_breach(step, tried, answered)
        return
    answer = answered if isinstance(answered, dict) else {}
    code, title, detail, cure = (str(answer.get(name, "")) for name in ("code", "title", "detail", "cure"))
    stage.refused(step, tried, Refused(code, title=title, detail=detail, cure=cure, status=status))


def _http(url: str, headers: Mapping[str, str], body: Json) -> tuple[int, Json]:
    data = None if body is None else json.dumps(body).encode()
    sent = {**headers, "Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(16)}
    request = urllib.request.Request(url, data=data, headers=sent)  # noqa: S310  # the desk's own address, checked by the client before
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
            return int(answer.status), json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


if __name__ == "__main__":
    play(part)
