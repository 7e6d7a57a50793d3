"""A small shop: its catalogue, its facts, and what a helper asks a customer for."""

from typing import Any

from desks.building import MONEY, ORDER, PAYMENT_METHOD, action

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Acme Store", "currency": "EUR"},
    "role": {"billing": {"title": "Billing officer"}, "security": {"title": "Security officer"}},
    "floor": {"security": ["customer", "officer:security"]},
    "resource": {"order": {"title": "order"}, "payment_method": {"title": "payment method"}},
    "attribute": {
        "order.status": {"title": "status of an order"},
        "order.items": {"title": "items of an order"},
        "order.address": {"title": "address an order goes to", "sensitive": True},
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "contact.phone": {"title": "telephone number", "sensitive": True},
        "account.credit": {"title": "store credit"},
    },
    "action": {
        "order.read": action(
            "Look at order {order_id}",
            "receive",
            "routine",
            {"order_id": ORDER},
            effect="read",
            returns=["order.status", "order.items", "order.address"],
        ),
        "order.return": action(
            "Send back items {item_ids} of order {order_id}",
            "request",
            "payment",
            {"order_id": ORDER, "item_ids": {"type": "array", "items": {"type": "string"}, "x-part-of": "order_id"}},
            short="Send back items of an order",
        ),
        "order.note": action("Add a note to order {order_id}", "request", "routine", {"order_id": ORDER}),
        "payment.refund": action(
            "Refund {amount} for order {order_id} to {payment_method_id}",
            "request",
            "payment",
            {"order_id": ORDER, "payment_method_id": PAYMENT_METHOD, "amount": MONEY},
            reversible=False,
        ),
        "account.unlock": action("Unlock the account", "request", "security", {}),
        "offer.accept": action(
            "Accept offer {offer_id}: a credit of {amount}",
            "accept",
            "commitment",
            {
                "offer_id": {"type": "string"},
                "digest": {"type": "string"},
                "amount": MONEY,
                "item_ids": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                "kind": {"enum": ["goodwill", "exception"]},
            },
            required=["offer_id", "digest"],
            reversible=False,
        ),
    },
    "objective": {
        "unlock": {"title": "Get back into the account", "actions": ["account.unlock"]},
        "return-item": {
            "title": "Return something and get the money back",
            "target": "order",
            "actions": ["order.read", "order.return", "order.note", "payment.refund", "offer.accept"],
        },
    },
}

FACTS: dict[str, Any] = {
    "owners": {
        "order": {"W1001": "anna", "W1003": "anna", "W2002": "bram"},
        "payment_method": {"pm_7": "anna", "pm_8": "anna"},
        "customer": {"anna": "anna"},
    },
    "attributes": {
        "order": {
            "W1001": {"order.status": "delivered", "order.items": ["kettle", "lamp"], "order.address": "Lindenweg 4, 20095 Hamburg"},
            "W1003": {"order.status": "pending", "order.items": ["kettle"], "order.address": "Lindenweg 4, 20095 Hamburg"},
        },
        "customer": {
            "anna": {"identity.birth_date": "1988-04-17", "contact.phone": "+49 40 5550100", "account.credit": "12.50 EUR"},
        },
    },
    "records": {
        "order": {
            "W1001": {"name": "Kettle and desk lamp", "contents": {"i1": "Kettle", "i2": "Desk lamp"}},
            "W1003": {"name": "Kettle"},
            "W2002": {"name": "Ring for Bram", "contents": {"i1": "Ring"}},
        },
        "payment_method": {"pm_7": {"name": "Card ending 4242"}, "pm_8": {"name": "Gift card"}},
    },
}

MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1001"]}, "summary": "send back the leaking kettle and get the money back"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status", "order.items"]},
        {"power": "receive", "attributes": ["order.address"]},
        {"power": "request", "actions": ["order.return"], "uses": 1, "where": {"item_ids": {"subset_of": ["i1", "i2"]}}},
        {
            "power": "request",
            "actions": ["payment.refund"],
            "uses": 3,
            "where": {"payment_method_id": {"one_of": ["pm_7", "pm_8"]}, "amount": {"max": "129.90 EUR"}},
            "total": {"amount": "129.90 EUR"},
        },
        {"power": "accept", "actions": ["offer.accept"], "uses": 1, "where": {"amount": {"max": "20.00 EUR"}}},
    ],
    "never": [{"power": "receive", "attributes": ["identity.*", "contact.*"]}],
}
