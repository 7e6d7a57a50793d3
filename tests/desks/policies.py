"""A small desk, and questions about it, for every test that needs policies."""

from collections.abc import Sequence
from typing import Any

from remit.domain.policy.rulebook import read_catalogue
from remit.ports.policy import PolicyQuestion

TEXT = {"type": "string"}
ORDER = {"type": "string", "x-resource": "order"}


def action(title: str, power: str, area: str, effect: str, properties: dict[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "title": title,
        "power": power,
        "area": area,
        "effect": effect,
        "params": {"properties": properties, "required": list(required)},
        **({"returns": ["order.status"]} if effect == "read" else {}),
    }


DESK = read_catalogue(
    {
        "desk": {"name": "Acme Store", "currency": "EUR"},
        "role": {"billing": {"title": "Billing"}, "security": {"title": "Security"}},
        "resource": {"order": {"title": "order"}, "payment_method": {"title": "payment method"}},
        "attribute": {"order.status": {"title": "status"}},
        "action": {
            "order.read": action("Look at {order_id}", "receive", "routine", "read", {"order_id": ORDER}, ["order_id"]),
            "order.cancel": action("Cancel {order_id}", "request", "routine", "write", {"order_id": ORDER, "reason": TEXT}, ["order_id"]),
            "payment.refund": action(
                "Refund {amount} for {order_id}",
                "request",
                "payment",
                "write",
                {
                    "order_id": ORDER,
                    "amount": {"x-money": True},
                    "count": {"type": "integer"},
                    "rate": {"type": "number"},
                    "gift": {"type": "boolean"},
                    "tags": {"type": "array", "items": TEXT},
                    "to": {"type": "object", "properties": {"city": TEXT, "zip": TEXT}, "required": ["city"]},
                    "extra": {"type": "object", "additionalProperties": True},
                    "note": {"type": ["string", "null"]},
                    "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                },
                ["order_id", "amount"],
            ),
            "offer.take": action("Take an offer", "accept", "commitment", "write", {"offer": TEXT}, ["offer"]),
        },
        "objective": {
            "return-item": {
                "title": "Return something",
                "target": "order",
                "actions": ["order.read", "payment.refund"],
                "done_when": ["payment.refund"],
                "examples": ["send it back"],
            },
        },
    },
    today=None,
)


def question(name: str = "payment.refund", params: dict[str, Any] | None = None, **more: Any) -> PolicyQuestion:
    fields = {
        "action": name,
        "params": {"order_id": "W1", "amount": "40.00 EUR"} if params is None else params,
        "agent": "spiffe://helper.example/shop",
        "operator": "helper.example",
        "tier": "known",
        "customer": "yusuf",
        "objective": "return-item",
        "task": "tsk_1",
        "risk": 0,
        "confirmed_by": frozenset(),
        "confirmation_kind": "none",
        "resources": [("order", "W1")],
        "time_ms": 1_767_787_200_000,
    }
    return PolicyQuestion(**{**fields, **more})
