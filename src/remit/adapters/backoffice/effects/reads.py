"""Reads of the built-in desk beyond single records: lists of choices."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import ActFailed, Books, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.adapters.backoffice.effects import travel
from remit.domain.values import Json, JsonObject

_LIMIT: Final = 100
"""Most choices in one answer."""


def list_flight_options(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """List the flights a booking can move to, by day, each with its price difference."""
    booking = travel.changeable_booking(books, params)
    if not booking.data["changeable"]:
        raise ActFailed("This fare cannot be changed.")
    fare = asked.as_money(booking.data["fare"])
    found = [
        flight for flight in books.public_records("flight") if not travel.reason_not_changeable(books, booking, flight)
    ]
    options: list[Json] = [
        {
            "id": flight.id,
            "departs": flight.data["departs"],
            "seats": flight.data["seats"],
            "to_pay": from_minor_units(max(travel.price_of(booking, flight) - to_minor_units(fare), 0), fare.currency),
        }
        for flight in sorted(found, key=lambda flight: (flight.data["departs"], flight.id))[:_LIMIT]
    ]
    return {"booking.options": options}


def list_replacement_products(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """List the products in stock for which items of an order can be exchanged, by name."""
    order = books.own_record("order", asked.text(params, "order_id"))
    currency = asked.as_money(order.data["total"]).currency
    found = [
        product
        for product in books.public_records("product")
        if product.data["stock"] > 0 and asked.as_money(product.data["price"]).currency == currency
    ]
    products: list[Json] = [
        {"id": product.id, "title": product.name, "price": product.data["price"], "stock": product.data["stock"]}
        for product in sorted(found, key=lambda product: (product.name, product.id))[:_LIMIT]
    ]
    return {"product.choice": products}


READS: Final = {"booking.options": list_flight_options, "product.choose": list_replacement_products}
