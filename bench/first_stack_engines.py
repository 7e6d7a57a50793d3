"""Engines that the first stack asks for a decision: Cedar in its own process, or a Cerbos server."""

import json
import threading
from http.client import HTTPConnection
from typing import Any

import cedarpy
from pydantic import BaseModel

POLICIES = "permit (principal, action, resource) when { context.owned };\n" + "".join(
    f'forbid (principal, action == Action::"act{number % 7}", resource) when {{ principal.tier == "unproved" && context.risk >= {50 + number} }};\n'
    for number in range(49)
)


class Wish(BaseModel):
    """The body of an ask."""

    action: str
    params: dict[str, Any]
    words: str | None = None


def by_cedar(wish: Wish, customer: str, *, owned: bool) -> bool:
    """Ask Cedar, in this process, from the policies' text."""
    del customer
    decision = cedarpy.is_authorized(
        {
            "principal": 'Agent::"a"',
            "action": 'Action::"act0"',
            "resource": f'Order::"{wish.params.get("order_id")}"',
            "context": {"owned": owned, "risk": 0},
        },
        POLICIES,
        [{"uid": {"__entity": {"type": "Agent", "id": "a"}}, "attrs": {"tier": "known"}, "parents": []}],
    )
    return decision.decision is cedarpy.Decision.Allow


class ByCerbos:
    """Ask a Cerbos server, by AuthZEN."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kept = threading.local()

    def __call__(self, wish: Wish, customer: str, *, owned: bool) -> bool:
        """Whether it permits; any other answer than a decision breaks the ask."""
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        question = {
            "subject": {"type": "agent", "id": "a", "properties": {"cerbos.roles": ["agent"], "tier": "known"}},
            "action": {"name": wish.action, "properties": wish.params},
            "resource": {
                "type": "order",
                "id": wish.params.get("order_id"),
                "properties": {"owned": owned, "risk": 0, "customer": customer, "serial": 0},
            },
        }
        connection.request(
            "POST", "/access/v1/evaluation", json.dumps(question).encode(), {"Content-Type": "application/json"}
        )
        return json.loads(connection.getresponse().read())["decision"] is True
