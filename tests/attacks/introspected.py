"""Introspection of tokens, by the agent they were issued to or by another one."""

from typing import Any

from remit.client import calls
from remit.sandbox import SandboxAgent, SandboxCustomer

NOTHING = {"active": False}


def grant_token(customer: SandboxCustomer, agent: SandboxAgent, wanted: dict[str, Any]) -> tuple[str, str]:
    """The token a redeemed code brings, and the mandate it names."""
    request_uri, state = agent.push(wanted)
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = customer.get(path)
    signed = customer.post(path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": customer.passkey.get(shown["options"])})
    granted = agent.redeem(signed["redirect"], state)
    return granted["access_token"], granted["mandate"]


def told(agent: SandboxAgent, token: str) -> dict[str, Any]:
    """What introspection answers an agent."""
    form = {"token": token}
    call = calls.Call(method="POST", url="http://localhost/oauth/introspect", side=calls.Side.AUTHORIZATION, form=form, authenticates=True)
    body: dict[str, Any] = agent.call(lambda _: call).json()  # type: ignore[assignment]  # the desk's own JSON
    return body
