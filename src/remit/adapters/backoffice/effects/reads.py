"""What the built-in desk looks up beyond single records: what there is to choose from."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import Books, Failed, from_minor, in_minor
from remit.adapters.backoffice.effects import params as asked
from remit.adapters.backoffice.effects import travel
from remit.domain.values import Json, JsonObject

_MOST: Final = 100
"""How many choices one answer lists."""


def look_at_options(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """The flights a booking can move to, by day, each with what moving there costs."""
    booking = travel.to_be_changed(books, params)
    if not booking.data["changeable"]:
        raise Failed("This fare cannot be changed.")
    fare = asked.as_money(booking.data["fare"])
    found = [one for one in books.everybodys("flight") if not travel.hinders(books, booking, one)]
    options: list[Json] = [
        {
            "id": one.id,
            "departs": one.data["departs"],
            "seats": one.data["seats"],
            "to_pay": from_minor(max(travel.price_of(booking, one) - in_minor(fare), 0), fare.currency),
        }
        for one in sorted(found, key=lambda one: (one.data["departs"], one.id))[:_MOST]
    ]
    return {"booking.options": options}


def look_at_products(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """The products in stock that items of an order can be changed or exchanged for, by name."""
    order = books.own("order", asked.text(params, "order_id"))
    currency = asked.as_money(order.data["total"]).currency
    found = [
        one
        for one in books.everybodys("product")
        if one.data["stock"] > 0 and asked.as_money(one.data["price"]).currency == currency
    ]
    products: list[Json] = [
        {"id": one.id, "title": one.name, "price": one.data["price"], "stock": one.data["stock"]}
        for one in sorted(found, key=lambda one: (one.name, one.id))[:_MOST]
    ]
    return {"product.choice": products}


LOOKS: Final = {"booking.options": look_at_options, "product.choose": look_at_products}
