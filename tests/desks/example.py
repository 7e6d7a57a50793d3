"""One small desk that domain tests share: a store with orders, refunds, profiles and offers."""

from copy import deepcopy
from datetime import date
from typing import Any

from desks.building import MONEY, ORDER, PAYMENT_METHOD, action
from remit.domain.catalogue.model import Catalogue
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant

NOW = Instant(1_790_000_000_000)
TODAY = date(2026, 11, 25)


_DESK: dict[str, Any] = {
    "desk": {"name": "Acme Store", "currency": "EUR"},
    "role": {"billing": {"title": "Billing officer"}, "security": {"title": "Security officer"}},
    "floor": {"security": ["customer", "officer:security"]},
    "resource": {
        "order": {"title": "order"},
        "payment_method": {"title": "payment method"},
        "product": {"title": "product", "public": True},
    },
    "attribute": {
        "order.status": {"title": "order status"},
        "order.items": {"title": "items of an order"},
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "identity.email": {"title": "e-mail address"},
    },
    "action": {
        "order.read": action(
            "Look at order {order_id}", "receive", "routine", {"order_id": ORDER}, effect="read", returns=["order.status", "order.items"]
        ),
        "profile.read": action(
            "Look at the profile", "receive", "routine", effect="read", returns=["identity.birth_date", "identity.email"]
        ),
        "product.read": action(
            "Look at product {product_id}", "receive", "routine", {"product_id": {"x-resource": "product"}}, effect="read"
        ),
        "order.return": action(
            "Send back items of order {order_id}: {item_ids}",
            "request",
            "payment",
            {"order_id": ORDER, "item_ids": {"type": "array", "items": {"type": "string"}}},
        ),
        "payment.refund": action(
            "Refund {amount} for order {order_id} to {payment_method_id}",
            "request",
            "payment",
            {"order_id": ORDER, "payment_method_id": PAYMENT_METHOD, "amount": MONEY},
            reversible=False,
        ),
        "order.ship": action(
            "Send order {order_id} to {address}, told to {contacts}",
            "request",
            "routine",
            {
                "order_id": ORDER,
                "address": {
                    "type": "object",
                    "properties": {"city": {"x-recipient": True}, "zip": {"type": "string"}},
                    "required": ["city"],
                },
                "contacts": {"type": "array", "x-recipient": True},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"id": {"type": "string"}, "quantity": {"type": "integer"}, "price": {"type": "number"}},
                    },
                },
                "ship_on": {"type": "string"},
                "email": {"x-attribute": "identity.email"},
                "note": {"x-free-text": True},
                "gift": {"type": "boolean"},
            },
            required=["order_id"],
        ),
        "password.reset": {"title": "Reset the password", "power": "request", "area": "security", "effect": "write"},
        "profile.tell": action(
            "Tell the profile to {recipient}",
            "request",
            "disclosure",
            {"recipient": {"x-recipient": True}},
            returns=["identity.birth_date"],
        ),
        "offer.take": action("Take the offer of {amount}", "accept", "commitment", {"amount": MONEY}),
    },
    "objective": {
        "return-item": {
            "title": "Return something and get the money back",
            "target": "order",
            "actions": ["order.*", "payment.refund", "offer.take", "profile.read", "product.read"],
            "after": {"payment.refund": ["order.return"]},
            "done_when": ["payment.refund"],
            "examples": ["I'd like to send the shoes back"],
        },
        "account-help": {"title": "Help with the account", "actions": ["profile.*", "password.reset"]},
    },
    "waiver": [
        {
            "action": "payment.refund",
            "limit": {"amount": {"max": "10.00 EUR"}},
            "reason": "small goodwill refunds",
            "owner": "head of support",
            "ends": date(2027, 3, 31),
        }
    ],
}

_MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W123"]}, "summary": "send back the kettle"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.*"]},
        {
            "power": "request",
            "actions": ["order.return"],
            "uses": 1,
            "where": {"order_id": {"equals": "W123"}, "item_ids": {"subset_of": ["i1", "i2"]}},
        },
        {
            "power": "request",
            "actions": ["payment.refund"],
            "uses": 2,
            "where": {"order_id": {"equals": "W123"}, "payment_method_id": {"equals": "pm_7"}, "amount": {"max": "50.00 EUR"}},
            "total": {"amount": "50.00 EUR"},
        },
    ],
    "never": [{"power": "accept"}, {"power": "receive", "attributes": ["identity.*"]}],
    "expires_at": "2026-12-01T00:00:00Z",
    "max_tasks": 1,
    "chain": 0,
}


def desk_data() -> dict[str, Any]:
    """The desk's data, to change at will."""
    return deepcopy(_DESK)


def desk() -> Catalogue:
    """The desk's catalogue."""
    return read_catalogue(desk_data(), today=TODAY)


def mandate_data(**changed: Any) -> dict[str, Any]:
    """The mandate of docs/model/model.md#mandate, with members changed."""
    return {**deepcopy(_MANDATE), **changed}


def mandate(catalogue: Catalogue, **changed: Any) -> Mandate:
    """The same, read."""
    return read_mandate(mandate_data(**changed), catalogue, now=NOW)
