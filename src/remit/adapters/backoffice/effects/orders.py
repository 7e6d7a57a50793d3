"""Orders at the built-in desk: items, prices, stock."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, to_minor_units
from remit.adapters.backoffice.effects import params

RETURN_DAYS: Final = 30
ARRIVED: Final = frozenset({"delivered", "exchange requested", "return requested"})
"""States of an order whose items can go back; each item has its own state."""


def verify_returnable(books: Books, order: DeskRecord, *, otherwise: str) -> None:
    """Verify that items of an order can still go back.

    ⚔ An exchange gives money back too, so it has the same end as a return.

    Raises:
        ActFailed: it was not delivered, or the return days are over and no exception was agreed.
    """
    if order.data["status"] not in ARRIVED:
        raise ActFailed(f"An order that is {order.data['status']} cannot be {otherwise}.")
    last = params.day(order.data["delivered_on"], "The delivery day") + timedelta(days=RETURN_DAYS)
    if params.today(books.now) > last and "late return" not in order.data.get("exceptions", []):
        raise ActFailed(f"The return days of this order ended on {last.isoformat()}.")


def items(order: DeskRecord, item_ids: tuple[str, ...], *, state: str) -> list[dict[str, Any]]:
    """Fetch items of an order, to be changed in place.

    Raises:
        ActFailed: one is missing, named twice, or not in that state.
    """
    if len(set(item_ids)) != len(item_ids):
        raise ActFailed("An item is named twice.")
    by_id = {item["id"]: dict(item) for item in order.data["items"]}
    for item_id in item_ids:
        if item_id not in by_id:
            raise ActFailed(f"The order has no item {item_id}.")
        if by_id[item_id]["state"] != state:
            raise ActFailed(f"Item {item_id} is {by_id[item_id]['state']} already.")
    order.data["items"] = list(by_id.values())
    return [by_id[item_id] for item_id in item_ids]


def total_price(some: Iterable[Mapping[str, Any]], *states: str) -> int:
    """Add up the prices of items, in minor units; with states, of those in one of them."""
    return sum(to_minor_units(params.as_money(item["price"])) for item in some if not states or item["state"] in states)


def currency_of(order: DeskRecord) -> str:
    """Return an order's currency."""
    return params.as_money(order.data["total"]).currency


def take_from_stock(books: Books, product_id: str) -> DeskRecord:
    """Take one piece of a product from stock.

    Raises:
        ActFailed: it is not sold, or sold out.
    """
    product = books.public_record("product", product_id)
    if product.data["stock"] < 1:
        raise ActFailed(f"{product.name} is sold out.")
    product.data["stock"] -= 1
    books.save(product)
    return product


def return_to_stock(books: Books, item: Mapping[str, Any]) -> None:
    """Put an item that never left the house back into stock, unless its product is discontinued."""
    try:
        product = books.public_record("product", str(item.get("product")))
    except ActFailed:
        return
    product.data["stock"] += 1
    books.save(product)
