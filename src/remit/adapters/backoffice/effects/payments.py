"""Money in and out at the built-in desk: charging and paying back a customer's own payment methods."""

from decimal import Decimal

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.domain.values import JsonObject, Money, minor_digits


def charge(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Take money for a record from a payment method.

    Raises:
        ActFailed: the method is not usable or a gift card does not hold enough.
    """
    verify_usable(method)
    _move_gift_card(books, method, minor=-minor, currency=currency)
    books.record_movement("charge", record, method=method.id, minor=minor, currency=currency)


def pay_back(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Pay money for a record back, never more than was paid for it.

    ⚔ Gift card payments go back to a gift card: on a bank card they would become money.

    Raises:
        ActFailed: that exceeds what was paid and not yet paid back, or the method is not usable.
    """
    verify_usable(method)
    room = books.balance(record, currency)
    if minor > room:
        raise ActFailed(f"At most {from_minor_units(max(room, 0), currency)} can be paid back for this {record.kind}.")
    if not _is_gift_card(method) and minor > (cash := _paid_in_money(books, record, currency)):
        most = from_minor_units(max(cash, 0), currency)
        raise ActFailed(f"At most {most} can be paid back in money; the rest was paid with a gift card.")
    _move_gift_card(books, method, minor=minor, currency=currency)
    books.record_movement("refund", record, method=method.id, minor=-minor, currency=currency)


def pay_all_back(books: Books, record: DeskRecord, currency: str) -> int:
    """Pay everything back to the methods it came from, and return the amount.

    ⚔ Sending it all to one method would turn a gift card into money.

    Raises:
        ActFailed: one of the methods can no longer be used.
    """
    whole = left = books.balance(record, currency)
    paid = [
        (books.own_record("payment_method", method_id), net)
        for method_id, net in books.paid_by_method(record, currency)
        if net > 0
    ]
    for method, net in sorted(paid, key=lambda payment: _is_gift_card(payment[0])):
        minor = min(net, left) if _is_gift_card(method) else min(net, left, _paid_in_money(books, record, currency))
        if minor > 0:
            pay_back(books, record, method, minor=minor, currency=currency)
            left -= minor
    return whole


def settle_difference(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Charge a positive difference, pay back a negative one.

    Raises:
        ActFailed: as `charge` and `pay_back`.
    """
    if minor > 0:
        charge(books, record, method, minor=minor, currency=currency)
    elif minor < 0:
        pay_back(books, record, method, minor=-minor, currency=currency)


def verify_agreed(params: JsonObject, difference: int, currency: str) -> None:
    """Refuse an amount other than the confirmed one: `amount` is paid, `paid_back` comes back.

    Raises:
        ActFailed: it differs; the message names the right amount.
    """
    for name, due, what in (("amount", difference, "due"), ("paid_back", -difference, "that comes back")):
        agreed = in_currency(asked.money(params, name), currency) if name in params else 0
        if agreed != max(due, 0):
            raise ActFailed(f"The amount {what} is {from_minor_units(max(due, 0), currency)}.")


def in_currency(money: Money, currency: str) -> int:
    """Convert an amount to minor units of a record's currency.

    Raises:
        ActFailed: it is another currency.
    """
    if money.currency != currency:
        raise ActFailed(f"This is kept in {currency}, not in {money.currency}.")
    return to_minor_units(money)


def verify_usable(method: DeskRecord) -> None:
    """Verify that a payment method may be used.

    Raises:
        ActFailed: it is expired or removed.
    """
    if method.data.get("status", "active") != "active":
        raise ActFailed("This payment method can no longer be used.")


def _is_gift_card(method: DeskRecord) -> bool:
    return method.data.get("kind") == "gift_card"


def _paid_in_money(books: Books, record: DeskRecord, currency: str) -> int:
    """Return the customer's net payments for a record by anything but gift cards."""
    money = {method.id for method in books.own_records("payment_method") if not _is_gift_card(method)}
    return sum(net for method_id, net in books.paid_by_method(record, currency) if method_id in money)


def _move_gift_card(books: Books, method: DeskRecord, *, minor: int, currency: str) -> None:
    if not _is_gift_card(method):
        return
    held, _, held_currency = str(method.data["balance"]).partition(" ")
    if held_currency != currency:
        raise ActFailed(f"This gift card is not in {currency}.")
    left = int(Decimal(held).scaleb(minor_digits(currency))) + minor
    if left < 0:
        raise ActFailed(f"The gift card holds only {held} {currency}.")
    method.data["balance"] = from_minor_units(left, currency)
    books.save(method)
