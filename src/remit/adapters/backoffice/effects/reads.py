"""What the built-in desk looks up beyond single records: what there is to choose from."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import ActFailed, Books, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.adapters.backoffice.effects import travel
from remit.domain.values import Json, JsonObject

_LIMIT: Final = 100
"""How many choices one answer lists."""


def list_flight_options(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """The flights a booking can move to, by day, each with what moving there costs."""
    booking = travel.changeable_booking(books, params)
    if not booking.data["changeable"]:
        raise ActFailed("This fare cannot be changed.")
    fare = asked.as_money(booking.data["fare"])
    found = [one for one in books.public_records("flight") if not travel.reason_not_changeable(books, booking, one)]
    options: list[Json] = [
        {
            "id": one.id,
            "departs": one.data["departs"],
            "seats": one.data["seats"],
            "to_pay": from_minor_units(max(travel.price_of(booking, one) - to_minor_units(fare), 0), fare.currency),
        }
        for one in sorted(found, key=lambda one: (one.data["departs"], one.id))[:_LIMIT]
    ]
    return {"booking.options": options}


def list_replacement_products(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """The products in stock that items of an order can be changed or exchanged for, by name."""
    order = books.own_record("order", asked.text(params, "order_id"))
    currency = asked.as_money(order.data["total"]).currency
    found = [
        one
        for one in books.public_records("product")
        if one.data["stock"] > 0 and asked.as_money(one.data["price"]).currency == currency
    ]
    products: list[Json] = [
        {"id": one.id, "title": one.name, "price": one.data["price"], "stock": one.data["stock"]}
        for one in sorted(found, key=lambda one: (one.name, one.id))[:_LIMIT]
    ]
    return {"product.choice": products}


READS: Final = {"booking.options": list_flight_options, "product.choose": list_replacement_products}
