"""Effects for travellers: bookings and baggage."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.adapters.backoffice.effects import payments
from remit.domain.values import Json, JsonObject

MAX_BAGS: Final = 5


def change_booking(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Move a booking to another flight; the confirmed difference must be the actual one."""
    booking = changeable_booking(books, params)
    if not booking.data["changeable"]:
        raise ActFailed("This fare cannot be changed.")
    flight = books.public_record("flight", asked.text(params, "flight_id"))
    if hindrance := reason_not_changeable(books, booking, flight):
        raise ActFailed(hindrance)
    travellers = len(booking.data["passengers"])
    fare = asked.as_money(booking.data["fare"])
    price = price_of(booking, flight)
    difference = price - to_minor_units(fare)
    # A cheaper flight gives nothing back; the paid fare still counts.
    payments.verify_agreed(params, max(difference, 0), fare.currency)
    if difference > 0:
        method = books.own_record("payment_method", asked.text(params, "payment_method_id"))
        payments.charge(books, booking, method, minor=difference, currency=fare.currency)
        booking.data["fare"] = from_minor_units(price, fare.currency)
    _free_seats(books, booking)
    flight.data["seats"] -= travellers
    books.save(flight)
    booking.data.update(flight=flight.id, departs=flight.data["departs"])
    books.save(booking)
    departs = flight.data["departs"]
    return {"booking.status": booking.data["status"], "booking.flight": flight.id, "booking.departs": departs}


def cancel_booking(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Cancel a booking; a refundable fare goes back to the methods it was paid with."""
    booking = changeable_booking(books, params)
    if booking.data["refundable"]:
        payments.pay_all_back(books, booking, asked.as_money(booking.data["fare"]).currency)
    _free_seats(books, booking)
    booking.data["status"] = "cancelled"
    books.save(booking)
    return {"booking.status": "cancelled"}


def add_baggage(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Add bags to a booking at the desk's price."""
    booking = changeable_booking(books, params)
    bags = asked.number(params, "bags")
    held = booking.data.get("bags", 0)
    if bags < 1 or held + bags > MAX_BAGS:
        raise ActFailed(f"A booking holds at most {MAX_BAGS} bags; this one has {held}.")
    price = asked.as_money(booking.data["bag_price"])
    due = to_minor_units(price) * bags
    payments.verify_agreed(params, due, price.currency)
    method = books.own_record("payment_method", asked.text(params, "payment_method_id"))
    payments.charge(books, booking, method, minor=due, currency=price.currency)
    booking.data["bags"] = held + bags
    books.save(booking)
    return {"booking.bags": held + bags}


def reason_not_changeable(books: Books, booking: DeskRecord, flight: DeskRecord) -> str:
    """Explain in plain words why a booking cannot move to a flight; "" when it can."""
    travellers = len(booking.data["passengers"])
    if flight.id == booking.data["flight"]:
        return f"The booking is on {flight.name} already."
    if (flight.data["from"], flight.data["to"]) != (booking.data["from"], booking.data["to"]):
        return "A booking can only move to a flight between the same places."
    if asked.day(flight.data["departs"], "The day of departure") <= asked.today(books.now):
        return f"It is too late to book {flight.name}."
    if asked.as_money(flight.data["price"]).currency != asked.as_money(booking.data["fare"]).currency:
        return f"{flight.name} is sold in another currency than the booking."
    return f"{flight.name} does not have {travellers} free seats." if flight.data["seats"] < travellers else ""


def price_of(booking: DeskRecord, flight: DeskRecord) -> int:
    """Return a flight's price for all travellers of a booking, in minor units."""
    return to_minor_units(asked.as_money(flight.data["price"])) * len(booking.data["passengers"])


def changeable_booking(books: Books, params: JsonObject) -> DeskRecord:
    """Fetch a booking of the customer that can still be changed.

    Raises:
        ActFailed: it is not confirmed, or leaves today or left before.
    """
    booking = books.own_record("booking", asked.text(params, "booking_id"))
    if booking.data["status"] != "confirmed":
        raise ActFailed(f"A booking that is {booking.data['status']} cannot be changed.")
    if asked.day(booking.data["departs"], "The day of departure") <= asked.today(books.now):
        raise ActFailed("It is too late to change this booking.")
    return booking


def _free_seats(books: Books, booking: DeskRecord) -> None:
    """Release the seats of a booking."""
    flight = books.public_record("flight", str(booking.data["flight"]))
    flight.data["seats"] += len(booking.data["passengers"])
    books.save(flight)


EFFECTS: Final = {"baggage.add": add_baggage, "booking.cancel": cancel_booking, "booking.change": change_booking}
