"""Effects for customers of a bank or telecom: disputes, cards, limits, proofs, statements."""

from collections.abc import Mapping
from typing import Any, Final

from remit.adapters.backoffice.books import ActFailed, Books, DeskRecord, to_minor_units
from remit.adapters.backoffice.effects import params as asked
from remit.adapters.backoffice.effects import payments
from remit.domain.values import Json, JsonObject, deep_equal

DISPUTE_DAYS: Final = 120


def file_dispute(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Dispute a booked transaction, whole or in part, within the dispute days.

    ⚔ Only once: disputed in slices, each slice could stay below the limit for an officer.
    """
    transaction = books.own_record("transaction", asked.text(params, "transaction_id"))
    if transaction.data["status"] != "booked":
        raise ActFailed(f"A transaction that is {transaction.data['status']} cannot be disputed.")
    if "disputed" in transaction.data:
        raise ActFailed(f"This transaction is disputed already, over {transaction.data['disputed']}.")
    age = (asked.today(books.now) - asked.day(transaction.data["booked_on"], "The day of booking")).days
    if age > DISPUTE_DAYS:
        raise ActFailed(f"A transaction can be disputed for {DISPUTE_DAYS} days; this one is {age} days old.")
    amount = asked.money(params, "amount")
    whole = asked.as_money(transaction.data["amount"])
    if payments.in_currency(amount, whole.currency) > to_minor_units(whole):
        raise ActFailed(f"At most {whole} of this transaction can be disputed.")
    transaction.data["disputed"] = str(amount)
    books.save(transaction)
    data: dict[str, Any] = {
        "transaction": transaction.id,
        "amount": str(amount),
        "reason": asked.text(params, "reason"),
        "status": "filed",
    }
    if "text" in params:
        data["text"] = asked.text(params, "text")
    dispute = books.add("dispute", f"Dispute of {amount} at {transaction.data['merchant']}", data)
    return {"dispute.reference": dispute.id, "dispute.status": "filed"}


def block_card(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Block a card for good, also one that is still on its way."""
    card = books.own_record("card", asked.text(params, "card_id"))
    if card.data["status"] not in {"active", "ordered"}:
        raise ActFailed(f"A card that is {card.data['status']} cannot be blocked.")
    card.data.update(status="blocked", blocked_for=asked.text(params, "reason"))
    books.save(card)
    return {"card.status": "blocked"}


def replace_card(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send a new card for a blocked one."""
    card = books.own_record("card", asked.text(params, "card_id"))
    if card.data["status"] != "blocked":
        raise ActFailed("Only a blocked card can be replaced.")
    card.data["status"] = "replaced"
    books.save(card)
    kept = {name: card.data[name] for name in ("daily_limit", "highest_limit")}
    deliver_to = asked.text(params, "deliver_to")
    data = {**kept, "status": "ordered", "deliver_to": deliver_to, "last4": "to be embossed"}
    new = books.add("card", card.name, data)
    return {"card.status": "ordered", "card.reference": new.id}


def change_limit(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Change a card's daily limit, up to the highest the bank agreed to."""
    card = books.own_record("card", asked.text(params, "card_id"))
    if card.data["status"] != "active":
        raise ActFailed(f"The limit of a card that is {card.data['status']} cannot be changed.")
    limit = asked.money(params, "limit")
    highest = asked.as_money(card.data["highest_limit"])
    if payments.in_currency(limit, highest.currency) > to_minor_units(highest):
        raise ActFailed(f"The limit of this card can be at most {highest}.")
    card.data["daily_limit"] = str(limit)
    books.save(card)
    return {"card.daily_limit": str(limit)}


def confirm_identity(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Compare a given birth date with the one on file; the result says only whether they agree."""
    agrees = deep_equal(books.attribute("identity.birth_date"), asked.text(params, "birth_date"))
    return {"identity.confirmed": agrees}


def update_address(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Record a new address of the customer, and notify the contact on file."""
    email = books.attribute("contact.email")
    if not isinstance(email, str):
        raise ActFailed("There is no contact on file to notify about the change.")
    books.set_attribute("contact.address", asked.text(params, "address"))
    books.notify(email, "The address of your account was changed. Tell us at once if that was not you.")
    return {}


def send_document(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send one of the customer's identity documents to a recipient."""
    document = books.own_record("document", asked.text(params, "document_id"))
    return _deliver(books, document, asked.text(params, "recipient"))


def send_statement(books: Books, params: JsonObject) -> Mapping[str, Json]:
    """Send a statement to a recipient."""
    statement = books.own_record("statement", asked.text(params, "statement_id"))
    return _deliver(books, statement, asked.text(params, "recipient"))


def _deliver(books: Books, record: DeskRecord, recipient: str) -> Mapping[str, Json]:
    record.data["sent_to"] = [*record.data.get("sent_to", []), recipient]
    books.save(record)
    books.notify(recipient, f"{record.name} is enclosed.")
    return {"delivery.reference": books.act}


EFFECTS: Final = {
    "card.block": block_card,
    "card.replace": replace_card,
    "dispute.file": file_dispute,
    "kyc.confirm": confirm_identity,
    "kyc.send": send_document,
    "kyc.update_address": update_address,
    "limit.change": change_limit,
    "statement.send": send_statement,
}
