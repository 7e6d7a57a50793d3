"""A small desk for sandbox tests: orders that are read, noted, sent back and refunded; two customers."""

from typing import Any

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Acme", "currency": "EUR"},
    "role": {"billing": {"title": "Billing"}, "security": {"title": "Security"}},
    "floor": {"security": ["customer", "officer:security"]},
    "resource": {"order": {"title": "order"}, "payment_method": {"title": "payment method"}},
    "attribute": {
        "order.status": {"title": "status"},
        "order.items": {"title": "items"},
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
    },
    "action": {
        "order.read": {
            "title": "Look at order {order_id}",
            "power": "receive",
            "area": "routine",
            "effect": "read",
            "returns": ["order.status", "order.items"],
            "params": {"properties": {"order_id": {"type": "string", "x-resource": "order"}}, "required": ["order_id"]},
        },
        "identity.read": {
            "title": "Look at the customer",
            "power": "receive",
            "area": "identity",
            "effect": "read",
            "returns": ["identity.birth_date"],
        },
        "order.note": {
            "title": "Note on {order_id}",
            "power": "request",
            "area": "routine",
            "effect": "write",
            "params": {
                "properties": {
                    "order_id": {"type": "string", "x-resource": "order"},
                    "stars": {"type": "number"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["order_id"],
            },
        },
        "order.lock": {
            "title": "Lock {order_id}",
            "power": "request",
            "area": "security",
            "effect": "write",
            "params": {"properties": {"order_id": {"type": "string", "x-resource": "order"}}, "required": ["order_id"]},
        },
        "payment.refund": {
            "title": "Refund {amount} for {order_id} to {payment_method_id}",
            "power": "request",
            "area": "payment",
            "effect": "write",
            "reversible": False,
            "params": {
                "properties": {
                    "order_id": {"type": "string", "x-resource": "order"},
                    "payment_method_id": {"type": "string", "x-resource": "payment_method"},
                    "amount": {"x-money": True},
                },
                "required": ["order_id", "payment_method_id", "amount"],
            },
        },
    },
    "objective": {
        "help": {
            "title": "Help with an order",
            "actions": ["order.read", "identity.read", "order.note", "order.lock", "payment.refund"],
        }
    },
}
FACTS: dict[str, Any] = {
    "owners": {"order": {"W1": "yusuf", "W2": ["mei"]}, "payment_method": {"pm_7": "yusuf"}},
    "attributes": {
        "order": {"W1": {"order.status": "delivered", "order.items": ["kettle"]}},
        "customer": {"yusuf": {"identity.birth_date": "1990-04-05"}},
    },
    "records": {"order": {"W1": {"name": "Order W1, a kettle"}}},
}
SHOP = "spiffe://helper.example/shop"
MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "help", "summary": "the kettle"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.*", "identity.birth_date"]},
        {"power": "request", "actions": ["order.note", "order.lock"]},
        {"power": "request", "actions": ["payment.refund"], "uses": 2, "total": {"amount": "50.00 EUR"}},
    ],
}
REFUND = {"order_id": "W1", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
