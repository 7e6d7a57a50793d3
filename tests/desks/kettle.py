"""A small desk for sandbox tests: orders that are read, noted, sent back and refunded; two customers."""

from typing import Any

from desks.building import MONEY, ORDER, PAYMENT_METHOD, action

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
        "order.read": action(
            "Look at order {order_id}", "receive", "routine", {"order_id": ORDER}, effect="read", returns=["order.status", "order.items"]
        ),
        "identity.read": action("Look at the customer", "receive", "identity", effect="read", returns=["identity.birth_date"]),
        "order.note": action(
            "Note on {order_id}",
            "request",
            "routine",
            {"order_id": ORDER, "stars": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string"}}},
            required=["order_id"],
        ),
        "order.lock": action("Lock {order_id}", "request", "security", {"order_id": ORDER}),
        "payment.refund": action(
            "Refund {amount} for {order_id} to {payment_method_id}",
            "request",
            "payment",
            {"order_id": ORDER, "payment_method_id": PAYMENT_METHOD, "amount": MONEY},
            reversible=False,
        ),
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
