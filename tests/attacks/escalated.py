"""A desk with an escalation rule, and asks at a set hour."""

import copy
from typing import Any

from attacks.arena import Arena, catalogue, refund
from remit.sandbox import SandboxPerson, SandboxReply, SandboxTask

ALL = '@id("all")\npermit (principal, action, resource);\n'


RULE: dict[str, Any] = {
    "name": "large",
    "reason": "much money at once",
    "actions": ["payment.refund"],
    "at_least": "30.00 EUR",
    "tiers": ["known", "unproved"],
    "roles": ["billing"],
    "due": "1h",
    "then": {"role": "care", "due": "30m"},
}


def desk(*rules: dict[str, Any], policies: str = ALL, fees: bool = False) -> dict[str, Any]:
    """An arena's options: the pack with these rules alone, no waiver, and a refund as a first step."""
    changed: dict[str, Any] = {**copy.deepcopy(catalogue()), "waiver": [], "escalation": list(rules)}
    changed["objective"]["return-item"].pop("after", None)
    if fees:
        refunds = changed["action"]["payment.refund"]
        refunds["params"]["properties"]["fees"] = {"type": "array", "items": {"x-money": True}}
        refunds["title"] += " with {fees}"
    # Nobody is signed out while these tests let hours pass: it is the answer that comes too late.
    return {"catalogue": changed, "policies": policies, "settings": {"terms": {"session_idle_s": 28_800}}}


def at(person: SandboxPerson, reply: SandboxReply) -> str:
    """The address of an invitation at this person's door."""
    return f"{person.base}/confirmations/{person.invitation(reply)}"


def asked(arena: Arena, params: dict[str, Any] | None = None) -> tuple[SandboxTask, SandboxReply]:
    """A refund under a fresh task."""
    task = arena.task()
    return task, task.ask("payment.refund", params or refund("40.00 EUR"))
