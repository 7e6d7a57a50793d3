"""Effect of accepting an officer's offer.

Remit has checked the offer (recorded terms, digest, expiry, case); the desk performs its terms, once.
"""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import ActFailed, Books, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import orders, payments
from remit.adapters.backoffice.effects import params as asked
from remit.domain.values import Json, JsonObject
from remit.proof.canonical import digest

_ENVELOPE: Final = frozenset({"digest", "offer_id"})
EXCEPTIONS: Final = frozenset({"late return"})


def accept(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Perform the terms of an offer: goodwill credit, a replacement, or an exception from a rule of the house."""
    terms = {name: value for name, value in params.items() if name not in _ENVELOPE}
    if digest(terms) != asked.text(params, "digest"):
        raise ActFailed("These are not the terms of the offer.")
    books.use_offer(asked.text(params, "offer_id"))
    match asked.text(params, "kind"):
        case "goodwill credit":
            return _credit(books, params)
        case "replacement":
            return _replace(books, params)
        case "exception":
            return _except(books, params)
        case other:
            raise ActFailed(f"There are no offers of the kind {other}.")


def _credit(books: Books, params: JsonObject) -> Mapping[str, Json]:
    amount = asked.money(params, "amount")
    order = books.own_record("order", asked.text(params, "order_id"))
    payments.in_currency(amount, orders.currency_of(order))
    held = books.attribute("account.credit")
    before = to_minor_units(asked.as_money(held)) if held is not None else 0
    if held is not None and asked.as_money(held).currency != amount.currency:
        raise ActFailed("The customer's credit is kept in another currency.")
    now = from_minor_units(before + to_minor_units(amount), amount.currency)
    books.set_attribute("account.credit", now)
    order.data["goodwill"] = str(amount)
    books.save(order)
    return {"account.credit": now}


def _replace(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send items again, free of charge. ⚔ Replaced items cannot be returned for money as well."""
    order = books.own_record("order", asked.text(params, "order_id"))
    replaced = orders.items(order, asked.texts(params, "item_ids"), state="ordered")
    items = [{**item, "state": "to be sent"} for item in replaced]
    for item in replaced:
        orders.take_from_stock(books, str(item["product"]))
        item["state"] = "replaced"
    books.save(order)
    total = from_minor_units(orders.total_price(items), orders.currency_of(order))
    data = {name: order.data[name] for name in ("shipping_address", "payment_method")}
    data |= {"total": total, "items": items, "status": "replacement", "replaces": order.id}
    sent = books.add("order", f"Replacement for {order.name}", data)
    return {"order.status": "replacement", "replacement.reference": sent.id}


def _except(books: Books, params: JsonObject) -> Mapping[str, Json]:
    order = books.own_record("order", asked.text(params, "order_id"))
    exception = asked.text(params, "exception")
    if exception not in EXCEPTIONS:
        raise ActFailed(f"There is no exception {exception}.")
    order.data["exceptions"] = sorted({*order.data.get("exceptions", []), exception})
    books.save(order)
    return {}


EFFECTS: Final = {"offer.accept": accept}
