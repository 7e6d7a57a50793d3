"""Money in and out at the built-in desk: charging and paying back a customer's own payment methods."""

from decimal import Decimal

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, from_minor_units, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.domain.values import JsonObject, Money, minor_digits


def charge(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Take money for a record from a payment method.

    Raises:
        Failed: when the method is not usable or a gift card does not hold enough.
    """
    verify_usable(method)
    _move_gift_card(books, method, minor=-minor, currency=currency)
    books.record_movement("charge", record, method=method.id, minor=minor, currency=currency)


def pay_back(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Give money for a record back, never more than what came in for it.

    ⚔ What was paid with a gift card goes back to a gift card: on a bank card it would be money.

    Raises:
        Failed: when that would be more than was paid and not yet paid back, or the method is not usable.
    """
    verify_usable(method)
    room = books.balance(record, currency)
    if minor > room:
        raise ActFailed(f"At most {from_minor_units(max(room, 0), currency)} can be paid back for this {record.kind}.")
    if not _is_gift_card(method) and minor > (cash := _paid_in_money(books, record, currency)):
        raise ActFailed(
            f"At most {from_minor_units(max(cash, 0), currency)} can be paid back in money; the rest was paid with a gift card."
        )
    _move_gift_card(books, method, minor=minor, currency=currency)
    books.record_movement("refund", record, method=method.id, minor=-minor, currency=currency)


def pay_all_back(books: Books, record: DeskRecord, currency: str) -> int:
    """Give back everything that came in for a record, to the methods it came from; tells how much that was.

    ⚔ Sending it all to one method would turn a gift card into money.

    Raises:
        Failed: when one of the methods can no longer be used.
    """
    whole = left = books.balance(record, currency)
    paid = [
        (books.own_record("payment_method", method_id), net)
        for method_id, net in books.paid_by_method(record, currency)
        if net > 0
    ]
    for method, net in sorted(paid, key=lambda one: _is_gift_card(one[0])):
        minor = min(net, left) if _is_gift_card(method) else min(net, left, _paid_in_money(books, record, currency))
        if minor > 0:
            pay_back(books, record, method, minor=minor, currency=currency)
            left -= minor
    return whole


def settle_difference(books: Books, record: DeskRecord, method: DeskRecord, *, minor: int, currency: str) -> None:
    """Charge a positive difference, pay back a negative one.

    Raises:
        Failed: as `charge` and `pay_back`.
    """
    if minor > 0:
        charge(books, record, method, minor=minor, currency=currency)
    elif minor < 0:
        pay_back(books, record, method, minor=-minor, currency=currency)


def verify_agreed(params: JsonObject, difference: int, currency: str) -> None:
    """Refuse to move another amount than the one that was asked for and confirmed: `amount` is paid, `paid_back` comes back.

    Raises:
        Failed: saying the amount there is.
    """
    for name, due, what in (("amount", difference, "due"), ("paid_back", -difference, "that comes back")):
        agreed = in_currency(asked.money(params, name), currency) if name in params else 0
        if agreed != max(due, 0):
            raise ActFailed(f"The amount {what} is {from_minor_units(max(due, 0), currency)}.")


def in_currency(money: Money, currency: str) -> int:
    """An amount in minor units of the currency a record is kept in.

    Raises:
        Failed: when it is another currency.
    """
    if money.currency != currency:
        raise ActFailed(f"This is kept in {currency}, not in {money.currency}.")
    return to_minor_units(money)


def verify_usable(method: DeskRecord) -> None:
    """Check that a payment method may be used.

    Raises:
        Failed: when it is expired or removed.
    """
    if method.data.get("status", "active") != "active":
        raise ActFailed("This payment method can no longer be used.")


def _is_gift_card(method: DeskRecord) -> bool:
    return method.data.get("kind") == "gift_card"


def _paid_in_money(books: Books, record: DeskRecord, currency: str) -> int:
    """What this customer paid for a record with anything but gift cards, less what went back there."""
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
