"""Requests without a browser: an agent knocks and polls, a customer answers on the consent page's twin."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from attacks.arena import Arena, mandate
from remit.client.keys import ProofKey
from remit.sandbox import SandboxAgent, SandboxPerson

PATH, CIBA = "/oauth/bc-authorize", "urn:openid:params:grant-type:ciba"


def knock(arena: Arena, agent: SandboxAgent, hint: str = "anna", **more: str) -> httpx.Response:
    """A backchannel request of an agent."""
    form = {
        "scope": "openid",
        "login_hint": hint,
        "authorization_details": json.dumps([mandate()]),
        "dpop_jkt": agent.client.key_thumbprint,
        **more,
    }
    return arena.form(PATH, {name: value for name, value in form.items() if value}, agent=agent)


def poll(arena: Arena, agent: SandboxAgent, auth_req_id: str, key: SandboxAgent | ProofKey | None = None) -> httpx.Response:
    """A poll after a request, at the next moment that is allowed."""
    arena.clock.ahead_ms += 5000
    return arena.form("/oauth/token", {"grant_type": CIBA, "auth_req_id": auth_req_id}, agent=agent, key=key or agent)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("error", ""))


def requests(person: SandboxPerson) -> list[dict[str, Any]]:
    """What agents ask a customer without a browser."""
    found: list[dict[str, Any]] = person.get("/me/v1/waiting")["requests"]
    return found


def answer(person: SandboxPerson, request: str, how: str = "grant") -> Mapping[str, Any]:
    """The customer's answer, on the consent page's twin."""
    path = f"/me/v1/requests/{request}"
    if how != "grant":
        said: Mapping[str, Any] = person.post(path, {"answer": how})
        return said
    shown = person.get(path)
    signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": person.passkey.get(shown["options"])}
    granted: Mapping[str, Any] = person.post(path, signed)
    return granted
