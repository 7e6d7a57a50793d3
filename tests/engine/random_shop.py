"""A shop for random asks: a catalogue with params of every kind, rules, facts, and mandates of which no two need be alike."""

import random
from copy import deepcopy
from typing import Any, Final

from desks.building import MONEY, ORDER, PAYMENT_METHOD, action
from engine.twin_desks import rules_of

LABELS: Final = ("blue ribbon", "red wrapping with a card", "for aunt Clara", "kettle-7Q2x", "MNB2XKLP9WRT")
"""Texts that a customer may sign: a few words, one that could be a password, and the end of what `HALF` begins."""
HALF: Final = "The key begins AKIA4QZ7"
ADDRESSES: Final = ("Lindenweg 4, 20095 Hamburg", "Hafenstrasse 12, 20459 Hamburg")
REMARKS: Final = ("leave it at the door", "ring twice", "hx72-Qp9-Lm4w")
_TEXT: Final[dict[str, Any]] = {"type": "string", "maxLength": 200}

CATALOGUE: Final[dict[str, Any]] = {
    "desk": {"name": "Acme Store", "currency": "EUR"},
    "role": {
        "billing": {"title": "Billing officer", "offers": {"offer.accept": "100.00 EUR"}},
        "security": {"title": "Security officer", "offers": {}},
    },
    "floor": {"security": ["customer", "officer:security"]},
    "resource": {
        "order": {"title": "order"},
        "payment_method": {"title": "payment method"},
        "product": {"title": "product", "public": True},
    },
    "attribute": {
        "order.status": {"title": "status of an order"},
        "order.items": {"title": "items of an order"},
        "order.address": {"title": "address an order goes to", "sensitive": True},
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "identity.matches": {"title": "whether a date of birth is the one on file"},
        "contact.phone": {"title": "telephone number", "sensitive": True},
        "account.credit": {"title": "store credit"},
        "product.price": {"title": "price of a product"},
    },
    "action": {
        "order.read": action(
            "Look at order {order_id}", "receive", "routine", {"order_id": ORDER}, effect="read",
            returns=["order.status", "order.items", "order.address"],
        ),
        "profile.read": action(
            "Look at the customer's profile", "receive", "disclosure", {}, effect="read",
            returns=["identity.birth_date", "contact.phone", "account.credit"],
        ),
        "product.read": action(
            "Look at product {product_id}", "receive", "routine", {"product_id": {"type": "string", "x-resource": "product"}},
            effect="read", returns=["product.price"],
        ),
        "identity.check": action(
            "Compare the birth date {birth_date}", "receive", "disclosure",
            {"birth_date": {"type": "string", "x-attribute": "identity.birth_date"}}, effect="read", returns=["identity.matches"],
        ),
        "order.return": action(
            "Send back items {item_ids} of order {order_id}", "request", "payment",
            {"order_id": ORDER, "item_ids": {"type": "array", "items": {"type": "string"}, "x-part-of": "order_id"}},
            short="Send back items of an order",
        ),
        "order.label": action(
            "Label order {order_id} {label} (remark {remark})", "request", "routine",
            {"order_id": ORDER, "label": _TEXT, "remark": _TEXT}, required=["order_id", "label"], short="Label an order",
        ),
        "order.address": action(
            "Send order {order_id} to {address}", "request", "routine", {"order_id": ORDER, "address": {**_TEXT, "x-recipient": True}},
            short="Send an order to another address",
        ),
        "order.note": action(
            "Add a note to order {order_id}", "request", "routine",
            {"order_id": ORDER, "text": {**_TEXT, "x-free-text": True}}, required=["order_id"],
        ),
        "order.track": action(
            "Track order {order_id} for {days} days ({how})", "request", "routine",
            {"order_id": ORDER, "days": {"type": "integer", "minimum": 1, "maximum": 30}, "how": {"enum": ["mail", "post"]}},
            required=["order_id", "days"], short="Track an order",
        ),
        "order.gift": action(
            "Make order {order_id} a gift {card} {tags}", "request", "routine",
            {
                "order_id": ORDER,
                "card": {"type": "object", "properties": {"name": _TEXT, "city": _TEXT}, "additionalProperties": False},
                "tags": {"type": "array", "items": _TEXT, "maxItems": 4},
            },
            required=["order_id"], short="Make an order a gift",
        ),
        "payment.refund": action(
            "Refund {amount} for order {order_id} to {payment_method_id}", "request", "payment",
            {"order_id": ORDER, "payment_method_id": PAYMENT_METHOD, "amount": MONEY}, reversible=False,
        ),
        "account.unlock": action("Unlock the account", "request", "security", {}),
        "offer.accept": action(
            "Accept offer {offer_id}: a credit of {amount}", "accept", "commitment",
            {"offer_id": {"type": "string"}, "digest": {"type": "string"}, "amount": MONEY, "kind": {"enum": ["goodwill"]}},
            required=["offer_id", "digest"], reversible=False,
        ),
    },
    "objective": {},
}  # fmt: skip
ACTIONS: Final = tuple(CATALOGUE["action"])
CASE_ACTIONS: Final = ("case.open", "case.comment", "case.read", "case.close")
CATALOGUE["objective"] = {
    "care": {"title": "Take care of an order", "target": "order", "actions": [name for name in ACTIONS if name != "account.unlock"]},
    "return-item": {
        "title": "Return something and get the money back",
        "target": "order",
        "actions": ["order.read", "order.return", "payment.refund", "order.note"],
        "after": {"payment.refund": ["order.return"]},
        "done_when": ["payment.refund"],
    },
    "account": {"title": "Get back into the account", "actions": ["account.unlock", "profile.read", "identity.check"]},
}

_POLICIES: Final = """
@id("routine") permit(principal, action in Action::"area:routine", resource);
@id("with-the-customer") permit(principal, action, resource) when { context.confirmed_by.contains("customer") };
@id("trusted-asks") permit(principal, action in Action::"area:disclosure", resource) when { principal.tier == "trusted" };
@id("unproved-looks") forbid(principal, action in Action::"effect:write", resource)
  when { principal.tier == "unproved" } unless { action in Action::"case.*" || context.confirmed_by.contains("customer") };
@id("risk") forbid(principal, action in Action::"effect:write", resource) when { context.risk >= 70 }
  unless { action in Action::"case.*" || context.confirmed_by.contains("officer:security") };
@id("large") forbid(principal, action == Action::"payment.refund", resource)
  when { context.params.amount.amount.greaterThan(decimal("30.00")) } unless { context.confirmed_by.contains("officer:billing") };
"""


def _other() -> dict[str, Any]:
    changed = deepcopy(CATALOGUE)
    changed["attribute"]["order.items"]["sensitive"] = True
    changed["action"]["order.track"]["area"] = "payment"
    del changed["action"]["order.gift"]
    changed["objective"]["care"]["actions"].remove("order.gift")
    changed["action"]["order.label"]["params"]["properties"]["remark"] = {"enum": ["ring twice"]}
    return changed


RULES: Final = (rules_of(CATALOGUE, _POLICIES), rules_of(_other(), _POLICIES.replace("30.00", "5.00")))
"""The rules that a world begins with, and others: an action less, another sensitive attribute, a stricter area and schema."""

SETTINGS: Final[dict[str, Any]] = {"terms": {"hold_at": 95, "end_at": 100, "waiting_per_pair": 20}}
"""Tasks that are refused much go on for a while."""

CUSTOMERS: Final = ("anna", "bram")
FACTS: Final[dict[str, Any]] = {
    "owners": {
        "order": {"W1": "anna", "W2": "anna", "W3": "anna", "B1": "bram"},
        "payment_method": {"pm_1": "anna", "pm_2": "anna", "pm_9": "bram"},
        "product": {"p_lamp": []},
    },
    "attributes": {
        "order": {
            name: {"order.status": "delivered", "order.items": ["kettle", "lamp"], "order.address": ADDRESSES[0]}
            for name in ("W1", "W2", "W3", "B1")
        },
        "product": {"p_lamp": {"product.price": "12.00 EUR"}},
        "customer": {
            name: {"identity.birth_date": "1988-04-17", "contact.phone": "+49 40 5550100", "account.credit": "12.50 EUR", "identity.matches": "yes"}
            for name in CUSTOMERS
        },
    },
    "records": {"order": {"W1": {"name": "Kettle and lamp", "contents": {"i1": "Kettle", "i2": "Lamp"}}}},
}  # fmt: skip
OWN: Final = {"anna": ("W1", "W2", "W3"), "bram": ("B1",)}
METHODS: Final = {"anna": ("pm_1", "pm_2"), "bram": ("pm_9",)}
OPERATORS: Final = ("one.example", "two.example", "three.example")


def some(rng: random.Random, *found: Any, least: int = 0) -> list[Any]:
    """Some of them, in their order."""
    chosen = [one for one in found if rng.random() < 0.7]
    return chosen if len(chosen) >= least else [rng.choice(found)]


def _limits(rng: random.Random, most: int = 8) -> dict[str, Any]:
    return {"uses": rng.randint(1, most)} if rng.random() < 0.4 else {}


def _powers(rng: random.Random, customer: str, label: str) -> list[dict[str, Any]]:
    method = rng.choice(METHODS[customer])
    total = rng.choice(["20.00 EUR", "60.00 EUR"])
    return [
        {"power": "represent", **_limits(rng, 5)},
        {"power": "receive", "attributes": some(rng, "order.status", "order.items", "account.*", least=1), **_limits(rng)},
        {"power": "receive", "attributes": ["order.address"], **_limits(rng, 3)},
        {"power": "receive", "actions": some(rng, "product.read", "order.read", "identity.check", "profile.read", least=1)},
        {"power": "disclose", "attributes": ["identity.birth_date"], **_limits(rng, 3)},
        {"power": "request", "actions": ["order.label"], "where": rng.choice([
            {"label": {"one_of": some(rng, *LABELS, least=1)}}, {"label": {"equals": label}},
            {"label": {"equals": label}, "remark": {"one_of": list(REMARKS)}}, {"order_id": {"equals": OWN[customer][0]}},
        ]), **_limits(rng)},
        {"power": "request", "actions": ["order.label", "order.note"], **_limits(rng)},
        {"power": "request", "actions": ["order.address"], "where": {"address": {"one_of": list(ADDRESSES)}}},
        {"power": "request", "actions": ["order.gift"], "where": rng.choice([
            {"tags": {"subset_of": [*LABELS[:3], REMARKS[2]]}}, {"card.name": {"one_of": ["aunt Clara", LABELS[3]]}},
        ])},
        {"power": "request", "actions": ["order.gift", "order.track"]},
        {"power": "request", "actions": ["order.return"], "where": {"item_ids": {"subset_of": ["i1", "i2"]}}, **_limits(rng, 4)},
        {"power": "request", "actions": ["payment.refund"], "where": {
            "payment_method_id": {"equals": method}, "amount": {"max": "40.00 EUR"},
        }, "total": {"amount": total}, **_limits(rng)},
        {"power": "accept", "actions": ["offer.accept"], **_limits(rng, 2)},
    ]  # fmt: skip


_NEVER: Final[tuple[dict[str, Any], ...]] = (
    {"power": "receive", "attributes": ["identity.*", "contact.*"]},
    {"power": "receive", "actions": ["profile.read"]},
    {"power": "accept"},
    {"power": "request", "actions": ["payment.refund"], "where": {"amount": {"min": "25.00 EUR"}}},
    {"power": "request", "actions": ["order.label"], "where": {"label": {"equals": LABELS[0]}}},
    {"power": "disclose", "attributes": ["identity.birth_date"]},
)
_INSIDE: Final = {
    "return-item": {"order.read", "order.return", "payment.refund", "order.note"},
    "account": {"account.unlock", "profile.read", "identity.check"},
}


def mandate(rng: random.Random, customer: str, label: str) -> dict[str, Any]:
    """A mandate of a customer, who signs this label where they sign one."""
    objective = rng.choices(["care", "return-item", "account"], [6, 1, 1])[0]
    target = {} if objective == "account" else {"target": {"order": some(rng, *OWN[customer], least=1)}}
    powers = some(rng, *_powers(rng, customer, label), least=1)
    if objective in _INSIDE:
        powers = [one for one in powers if _INSIDE[objective].issuperset(one.get("actions", ()))]
        powers.extend([{"power": "request", "actions": ["account.unlock"]}] if objective == "account" else [])
    chain = {"chain": rng.randint(1, 2), "chain_operators": list(OPERATORS)} if rng.random() < 0.4 else {}
    never = [one for one in _NEVER if rng.random() < 0.12]
    made = {"type": "remit_mandate", "objective": {"type": objective, "summary": "help with it", **target}, "max_tasks": 9, **chain}
    return {**made, "powers": powers or [{"power": "represent"}], "never": never}


def narrower(rng: random.Random, granted: dict[str, Any]) -> dict[str, Any]:
    """Less than a mandate allows: powers left out, or counted."""
    less = deepcopy(granted)
    less["powers"] = some(rng, *less["powers"], least=1)
    for power in less["powers"]:
        if rng.random() < 0.2:
            power["uses"] = min(power.get("uses", 3), 3)
    if rng.random() < 0.3:
        less["never"] = [*less.get("never", ()), rng.choice(_NEVER[:3])]
    return less
