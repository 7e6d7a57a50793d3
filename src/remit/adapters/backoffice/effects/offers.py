"""What the built-in desk does when a customer's agent accepts an offer an officer made.

Remit has checked the offer (recorded terms, digest, expiry, case); the desk performs its terms, once.
"""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import Books, Failed, from_minor, in_minor
from remit.adapters.backoffice.effects import asked
from remit.domain.canonical import digest
from remit.domain.values import Json, JsonObject

_ENVELOPE: Final = frozenset({"digest", "offer_id"})
EXCEPTIONS: Final = frozenset({"late_return"})


def accept(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Perform the terms of an offer: goodwill credit, a replacement, or an exception from a rule of the house."""
    terms = {name: value for name, value in params.items() if name not in _ENVELOPE}
    if digest(terms) != asked.text(params, "digest"):
        raise Failed("These are not the terms of the offer.")
    books.use_offer(asked.text(params, "offer_id"))
    match asked.text(params, "kind"):
        case "goodwill_credit":
            return _credit(books, params)
        case "replacement":
            return _replace(books, params)
        case "exception":
            return _except(books, params)
        case other:
            raise Failed(f"The desk does not know offers of the kind {other}.")


def _credit(books: Books, params: JsonObject) -> Mapping[str, Json]:
    amount = asked.money(params, "amount")
    order = books.own("order", asked.text(params, "order_id"))
    held = books.attribute("account.credit")
    before = in_minor(asked.as_money(held)) if held is not None else 0
    if held is not None and asked.as_money(held).currency != amount.currency:
        raise Failed("The customer's credit is kept in another currency.")
    now = from_minor(before + in_minor(amount), amount.currency)
    books.set_attribute("account.credit", now)
    order.data["goodwill"] = str(amount)
    books.save(order)
    return {"account.credit": now}


def _replace(books: Books, params: JsonObject) -> Mapping[str, Json]:
    order = books.own("order", asked.text(params, "order_id"))
    wanted = asked.texts(params, "item_ids")
    by_id = {item["id"]: item for item in order.data["items"]}
    if not set(wanted) <= by_id.keys() or len(set(wanted)) != len(wanted):
        raise Failed("The order does not have these items.")
    items = [{**by_id[item_id], "state": "to be sent"} for item_id in wanted]
    data = {**{name: order.data[name] for name in ("shipping_address", "payment_method", "total")}, "items": items}
    sent = books.add("order", f"Replacement for {order.name}", {**data, "status": "replacement", "replaces": order.id})
    return {"order.status": "replacement", "replacement.reference": sent.id}


def _except(books: Books, params: JsonObject) -> Mapping[str, Json]:
    order = books.own("order", asked.text(params, "order_id"))
    what = asked.text(params, "exception")
    if what not in EXCEPTIONS:
        raise Failed(f"The desk does not know the exception {what}.")
    order.data["exceptions"] = sorted({*order.data.get("exceptions", []), what})
    books.save(order)
    return {}


EFFECTS: Final = {"offer.accept": accept}
