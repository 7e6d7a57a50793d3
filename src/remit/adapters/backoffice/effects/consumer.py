"""Effects for a shop's customers: orders, refunds, addresses, complaints, account recovery."""

from collections.abc import Mapping
from typing import Any, Final

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import orders, payments
from remit.adapters.backoffice.effects import params as asked
from remit.domain.values import Json, JsonObject, minor_digits

GOODWILL: Final = 50
"""Most that a complaint brings back for one order without an officer, in whole units of its currency."""


def cancel_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Cancel an order that has not left the house and pay it back to the methods it was paid with."""
    order = _order(books, params, status="pending", otherwise="cancelled")
    payments.pay_all_back(books, order, orders.currency_of(order))
    order.data["status"] = "cancelled"
    order.data["cancel_reason"] = asked.text(params, "reason")
    for item in order.data["items"]:
        item["state"] = "cancelled"
        orders.return_to_stock(books, item)
    books.save(order)
    return {"order.status": "cancelled"}


def modify_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Swap items of an order that has not left the house for others."""
    order = _order(books, params, status="pending", otherwise="changed")
    for item in _swap(books, order, params, state="ordered"):
        orders.return_to_stock(books, item)
    books.save(order)
    return {"order.status": "pending", "order.total": order.data["total"]}


def exchange_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Swap delivered items for others within the return days: the old ones come back, the new ones go out."""
    order = books.own_record("order", asked.text(params, "order_id"))
    orders.verify_returnable(books, order, otherwise="exchanged")
    _swap(books, order, params, state="to be sent")
    order.data["status"] = "exchange requested"
    books.save(order)
    return {"order.status": "exchange requested", "order.total": order.data["total"]}


def return_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Announce a return of delivered items, within the return days or under an agreed exception."""
    order = books.own_record("order", asked.text(params, "order_id"))
    orders.verify_returnable(books, order, otherwise="sent back")
    for item in orders.items(order, asked.texts(params, "item_ids"), state="ordered"):
        item["state"] = "returning"
    order.data["status"] = "return requested"
    books.save(order)
    return {"order.status": "return requested"}


def refund(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Pay back money for an order to one of the customer's own payment methods.

    ⚔ For returned items. For a complaint about the order a little more, over all refunds together, however they are
    cut; beyond that only with an officer's agreement, and never for replaced items.
    """
    order = books.own_record("order", asked.text(params, "order_id"))
    if order.data["status"] == "pending":
        raise ActFailed("This order has not left the house; cancel it instead.")
    method = books.own_record("payment_method", asked.text(params, "payment_method_id"))
    amount = asked.money(params, "amount")
    minor = payments.in_currency(amount, orders.currency_of(order))
    _verify_owed(books, order, minor, amount.currency)
    payments.pay_back(books, order, method, minor=minor, currency=amount.currency)
    order.data["refunded"] = from_minor_units(_refunded(order) + minor, amount.currency)
    books.save(order)
    return {"refund.amount": str(amount), "refund.reference": books.act}


def change_order_address(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send a pending order to another address."""
    order = _order(books, params, status="pending", otherwise="sent elsewhere")
    order.data["shipping_address"] = asked.text(params, "address")
    books.save(order)
    return {"order.status": "pending"}


def change_order_method(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Pay a pending order with another of the customer's payment methods."""
    order = _order(books, params, status="pending", otherwise="paid in another way")
    method_id = asked.text(params, "payment_method_id")
    if method_id == order.data["payment_method"]:
        raise ActFailed("The order is paid with this method already.")
    currency = orders.currency_of(order)
    paid = payments.pay_all_back(books, order, currency)
    payments.verify_agreed(params, paid, currency)
    # Fetched only now: it may itself have been paid back to, and a gift card's old balance would overwrite the new one.
    method = books.own_record("payment_method", method_id)
    if paid > 0:
        payments.charge(books, order, method, minor=paid, currency=currency)
    order.data["payment_method"] = method.id
    books.save(order)
    return {"order.status": "pending"}


def change_default_address(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Change the address of the customer's future orders, and notify the contact on file."""
    address = asked.text(params, "address")
    books.set_attribute("contact.address", address)
    books.notify(_contact(books, "email"), "The default address of your account was changed.")
    return {}


def file_complaint(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Record a complaint, about an order or about the house."""
    data: dict[str, Any] = {
        "kind": asked.text(params, "kind"),
        "text": asked.text(params, "text"),
        "status": "open",
        "case": books.case,
    }
    if "order_id" in params:
        data["order"] = books.own_record("order", asked.text(params, "order_id")).id
    complaint = books.add("complaint", f"Complaint ({data['kind']})", data)
    return {"complaint.reference": complaint.id, "complaint.status": "open"}


def recover_account(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Start account recovery: a link goes to the contact on file, never to the requester."""
    contact = asked.text(params, "contact")
    recipient = _contact(books, contact)
    books.set_attribute("account.state", "recovering")
    books.notify(
        recipient, "A recovery of your account was started. Open the link in this message only if you asked for it."
    )
    return {"account.state": "recovering"}


def _order(books: Books, params: JsonObject, *, status: str, otherwise: str) -> DeskRecord:
    order = books.own_record("order", asked.text(params, "order_id"))
    if order.data["status"] != status:
        raise ActFailed(f"An order that is {order.data['status']} cannot be {otherwise}.")
    return order


def _swap(books: Books, order: DeskRecord, params: JsonObject, *, state: str) -> list[dict[str, Any]]:
    """Swap items for other products, settle the agreed difference of price, and return the former items."""
    item_ids, product_ids = asked.texts(params, "item_ids"), asked.texts(params, "new_product_ids")
    if len(item_ids) != len(product_ids):
        raise ActFailed("Name one new product for each item.")
    currency = orders.currency_of(order)
    difference = 0
    before: list[dict[str, Any]] = []
    for item, product_id in zip(orders.items(order, item_ids, state="ordered"), product_ids, strict=True):
        product = orders.take_from_stock(books, product_id)
        difference += payments.in_currency(asked.as_money(product.data["price"]), currency) - to_minor_units(
            asked.as_money(item["price"])
        )
        before.append({**item})
        item.update(product=product.id, title=product.name, price=product.data["price"], state=state)
    payments.verify_agreed(params, difference, currency)
    method = books.own_record("payment_method", asked.text(params, "payment_method_id"))
    payments.settle_difference(books, order, method, minor=difference, currency=currency)
    order.data["total"] = from_minor_units(orders.total_price(order.data["items"]), currency)
    return before


def _is_about(complaint: DeskRecord, order: DeskRecord, case: str) -> bool:
    """Whether a complaint is about an order: it names it, or names none and was made in the same case."""
    return bool(complaint.data["order"] == order.id if "order" in complaint.data else complaint.data["case"] == case)


def _verify_owed(books: Books, order: DeskRecord, minor: int, currency: str) -> None:
    """Verify that there is a reason to pay this much back."""
    items = order.data["items"]
    complained = any(_is_about(complaint, order, books.case) for complaint in books.own_records("complaint"))
    kept = to_minor_units(asked.as_money(order.data["total"])) - orders.total_price(items, "replaced")
    coming = orders.total_price(items, "returning")
    goodwill = GOODWILL * 10 ** minor_digits(currency) if complained else 0
    owed = kept if complained and books.officer_agreed else min(coming + goodwill, kept)
    room = max(owed - _refunded(order), 0)
    if minor > room:
        if complained:
            why = "without an officer of the house"
        else:
            why = "for what comes back; for more, complain about the order first"
        raise ActFailed(f"At most {from_minor_units(room, currency)} can be paid back {why}.")


def _refunded(order: DeskRecord) -> int:
    return to_minor_units(asked.as_money(order.data["refunded"])) if "refunded" in order.data else 0


def _contact(books: Books, kind: str) -> str:
    value = books.attribute(f"contact.{kind}")
    if not isinstance(value, str) or not value:
        raise ActFailed(f"There is no {kind} on file for this customer.")
    return value


EFFECTS: Final = {
    "account.recover": recover_account,
    "complaint.file": file_complaint,
    "order.cancel": cancel_order,
    "order.change_address": change_order_address,
    "order.change_payment_method": change_order_method,
    "order.exchange": exchange_order,
    "order.modify": modify_order,
    "order.return": return_order,
    "payment.refund": refund,
    "profile.change_address": change_default_address,
}
