"""A shop whose customers let agents hand parts of a mandate on to other agents."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from attacks.arena import EXCHANGE, ISSUER
from desks.building import ORDER, action
from remit.client import calls
from remit.client.keys import ProofKey
from remit.sandbox import Sandbox, SandboxAgent, SandboxCustomer

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Shop", "currency": "EUR"},
    "resource": {"order": {"title": "order"}},
    "action": {
        "order.note": action("Write on order {order_id}", "request", "routine", {"order_id": ORDER}),
        "order.stop": action("Stop order {order_id}", "request", "routine", {"order_id": ORDER}),
    },
    "objective": {"help": {"title": "Help with an order", "target": "order", "actions": ["order.note", "order.stop"]}},
}


FACTS: dict[str, Any] = {"owners": {"order": {"W1": "yu"}}, "attributes": {}, "records": {}}


OBJECTIVE = {"type": "help", "target": {"order": ["W1"]}}


TYPE = calls.MANDATE_TOKEN


def mandate(*powers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "remit_mandate", "objective": OBJECTIVE, "powers": list(powers), **more}


def note(**more: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["order.note"], **more}


def hand_on(parent: SandboxAgent, child: SandboxAgent, subject: str, details: dict[str, Any]) -> dict[str, Any]:
    given, part = child.client.introduce(), json.dumps([details])
    body: Any = parent.call(lambda desk: calls.branch(desk, mandate=subject, details=part, other=given)).json()
    return body


class Branches:
    """A desk of Yu, her agent `top`, and agents of three further operators."""

    def __init__(self, desk: Sandbox) -> None:
        self.desk = desk
        self.customer: SandboxCustomer = desk.customer("yu")
        self.top, self.below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        self.last = desk.agent("last", operator="postman")

    def granted(self, chain: int = 2) -> str:
        """A mandate of top's that may be handed on."""
        operators = ["courier", "postman"]
        powers = ({"power": "represent"}, note(uses=5))
        return self.customer.grant(self.top, mandate(*powers, chain=chain, chain_operators=operators, max_tasks=9)).id

    def exchange(self, agent: SandboxAgent, subject: str, **more: str) -> httpx.Response:
        """A token exchange, proved by hand."""
        own = agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        form = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": TYPE, **own, **more}
        proof = ProofKey(agent.key).proof("POST", ISSUER + "/oauth/token", now_s=time.time())
        headers = {"content-type": "application/x-www-form-urlencoded", "dpop": proof}
        return self.desk.room.raw("POST", "/oauth/token", headers=headers, content=urlencode(form).encode(), check=False)

    def delegate(self, agent: SandboxAgent, child: SandboxAgent, subject: str, details: dict[str, Any], **more: str) -> httpx.Response:
        """A branch of an agent's mandate for another one."""
        given = child.identity.credentials(issuer=ISSUER, now_s=time.time())
        form = {
            "requested_token_type": TYPE,
            "actor_token": given["client_assertion"],
            "actor_token_type": given["client_assertion_type"],
            "authorization_details": json.dumps([details]),
            "dpop_jkt": child.client.key_thumbprint,
        }
        return self.exchange(agent, subject, **form | more)

    def kinds(self) -> list[str]:
        """The kinds of all entries."""
        return [one["kind"] for one in self.desk.transcript()]


@contextmanager
def open_branches() -> Iterator[Branches]:
    """A desk with branches."""
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        yield Branches(desk)
