"""What the built-in desk does for a shop's customers: orders, refunds, addresses, complaints, account recovery."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from remit.adapters.backoffice.books import Books, DeskRecord, Failed, from_minor, in_minor
from remit.adapters.backoffice.effects import asked, payments
from remit.domain.values import Json, JsonObject

RETURN_DAYS: Final = 30


def cancel_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Cancel an order that has not left the house and pay back what was paid, to where it came from."""
    order = _order(books, params, status="pending", otherwise="cancelled")
    payments.pay_all_back(books, order, _currency(order))
    order.data["status"] = "cancelled"
    order.data["cancel_reason"] = asked.text(params, "reason")
    for item in order.data["items"]:
        item["state"] = "cancelled"
    books.save(order)
    return {"order.status": "cancelled"}


def modify_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Swap items of an order that has not left the house for others."""
    order = _order(books, params, status="pending", otherwise="changed")
    _swap(books, order, params, state="ordered")
    books.save(order)
    return {"order.status": "pending", "order.total": order.data["total"]}


def exchange_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Swap delivered items for others: the old ones come back, the new ones go out."""
    order = _order(books, params, status="delivered", otherwise="exchanged")
    _swap(books, order, params, state="to be sent")
    order.data["status"] = "exchange requested"
    books.save(order)
    return {"order.status": "exchange requested", "order.total": order.data["total"]}


def return_order(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Announce that delivered items come back, within the return days or under an agreed exception."""
    order = books.own("order", asked.text(params, "order_id"))
    if order.data["status"] not in {"delivered", "return requested"}:
        raise Failed(f"An order that is {order.data['status']} cannot be sent back.")
    last = asked.day(order.data["delivered_on"], "The delivery day") + timedelta(days=RETURN_DAYS)
    if asked.today(books.now) > last and "late_return" not in order.data.get("exceptions", []):
        raise Failed(f"The return days of this order ended on {last.isoformat()}.")
    for item in _items(order, asked.texts(params, "item_ids"), state="ordered"):
        item["state"] = "returning"
    order.data["status"] = "return requested"
    books.save(order)
    return {"order.status": "return requested"}


def refund(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Pay back money for an order to one of the customer's own payment methods."""
    order = books.own("order", asked.text(params, "order_id"))
    if order.data["status"] == "pending":
        raise Failed("This order has not left the house; cancel it instead.")
    method = books.own("payment_method", asked.text(params, "payment_method_id"))
    amount = asked.money(params, "amount")
    minor = payments.in_currency(amount, _currency(order))
    payments.pay_back(books, order, method, minor=minor, currency=amount.currency)
    order.data["refunded"] = from_minor(_refunded(order) + minor, amount.currency)
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
    method = books.own("payment_method", asked.text(params, "payment_method_id"))
    if method.id == order.data["payment_method"]:
        raise Failed("The order is paid with this method already.")
    currency = _currency(order)
    paid = payments.pay_all_back(books, order, currency)
    if paid > 0:
        payments.charge(books, order, method, minor=paid, currency=currency)
    order.data["payment_method"] = method.id
    books.save(order)
    return {"order.status": "pending"}


def change_default_address(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Change where the customer's orders go from now on; the old address is told."""
    address = asked.text(params, "address")
    books.set_attribute("contact.address", address)
    books.notify(_contact(books, "email"), "The default address of your account was changed.")
    return {}


def file_complaint(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Write down a complaint, about an order or about the house."""
    data: dict[str, Any] = {"kind": asked.text(params, "kind"), "text": asked.text(params, "text"), "status": "open", "case": books.case}
    if "order_id" in params:
        data["order"] = books.own("order", asked.text(params, "order_id")).id
    complaint = books.add("complaint", f"Complaint ({data['kind']})", data)
    return {"complaint.reference": complaint.id, "complaint.status": "open"}


def recover_account(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Start account recovery: a link goes to the contact on file, never to whoever asks."""
    contact = asked.text(params, "contact")
    recipient = _contact(books, contact)
    books.set_attribute("account.state", "recovering")
    books.notify(recipient, "A recovery of your account was started. Open the link in this message only if you asked for it.")
    return {"account.state": "recovering"}


def _order(books: Books, params: JsonObject, *, status: str, otherwise: str) -> DeskRecord:
    order = books.own("order", asked.text(params, "order_id"))
    if order.data["status"] != status:
        raise Failed(f"An order that is {order.data['status']} cannot be {otherwise}.")
    return order


def _items(order: DeskRecord, item_ids: tuple[str, ...], *, state: str) -> list[dict[str, Any]]:
    if len(set(item_ids)) != len(item_ids):
        raise Failed("An item is named twice.")
    by_id = {item["id"]: dict(item) for item in order.data["items"]}
    for item_id in item_ids:
        if item_id not in by_id:
            raise Failed(f"The order has no item {item_id}.")
        if by_id[item_id]["state"] != state:
            raise Failed(f"Item {item_id} is {by_id[item_id]['state']} already.")
    order.data["items"] = list(by_id.values())
    return [by_id[item_id] for item_id in item_ids]


def _swap(books: Books, order: DeskRecord, params: JsonObject, *, state: str) -> None:
    """Put other products in the place of items, and settle the difference of price."""
    item_ids, product_ids = asked.texts(params, "item_ids"), asked.texts(params, "new_product_ids")
    if len(item_ids) != len(product_ids):
        raise Failed("Name one new product for each item.")
    currency = _currency(order)
    difference = 0
    for item, product_id in zip(_items(order, item_ids, state="ordered"), product_ids, strict=True):
        product = books.public("product", product_id)
        if product.data["stock"] < 1:
            raise Failed(f"{product.name} is sold out.")
        product.data["stock"] -= 1
        books.save(product)
        difference += payments.in_currency(asked.as_money(product.data["price"]), currency) - in_minor(asked.as_money(item["price"]))
        item.update(product=product.id, title=product.name, price=product.data["price"], state=state)
    method = books.own("payment_method", asked.text(params, "payment_method_id"))
    payments.settle_difference(books, order, method, minor=difference, currency=currency)
    order.data["total"] = from_minor(sum(in_minor(asked.as_money(item["price"])) for item in order.data["items"]), currency)


def _currency(order: DeskRecord) -> str:
    return asked.as_money(order.data["total"]).currency


def _refunded(order: DeskRecord) -> int:
    return in_minor(asked.as_money(order.data["refunded"])) if "refunded" in order.data else 0


def _contact(books: Books, kind: str) -> str:
    value = books.attribute(f"contact.{kind}")
    if not isinstance(value, str) or not value:
        raise Failed(f"The desk has no {kind} of this customer.")
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
