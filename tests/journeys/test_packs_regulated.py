"""What the regulated pack's actions really do at the built-in desk, and what they refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from journeys.packs_desk import PackDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PackDesk]:
    one = PackDesk(tmp_path, "regulated")
    yield one
    one.database.close()


def dispute(amount: str, transaction: str = "T-1") -> dict[str, str]:
    return {"transaction_id": transaction, "amount": amount, "reason": "not received"}


def test_a_transaction_is_disputed_once_and_up_to_its_amount(desk: PackDesk) -> None:
    assert "640.00 EUR" in desk.no("dispute.file", "lena", **dispute("640.01 EUR"))
    number = desk.done("dispute.file", "lena", **dispute("500.00 EUR"), text="Only the lid came.")["dispute.reference"]
    assert "disputed already" in desk.no("dispute.file", "lena", **dispute("140.00 EUR"))
    assert desk.read("transaction.read", "lena", transaction_id="T-1")["transaction.disputed"] == "500.00 EUR"
    told = {"dispute.status": "filed", "dispute.amount": "500.00 EUR", "dispute.reason": "not received"}
    assert desk.read("dispute.read", "lena", dispute_id=number) == told
    assert desk.record("dispute", number)["text"] == "Only the lid came."
    assert desk.read("dispute.read", "omar", dispute_id=number) == {}


def test_old_and_foreign_transactions_and_other_currencies_are_not_disputed(desk: PackDesk) -> None:
    assert "120 days" in desk.no("dispute.file", "lena", **dispute("75.00 EUR", "T-2"))
    assert "no such transaction" in desk.no("dispute.file", "lena", **dispute("5.00 EUR", "T-3"))
    assert "EUR" in desk.no("dispute.file", "lena", **dispute("5.00 USD"))


def test_a_card_is_blocked_for_good_and_then_replaced(desk: PackDesk) -> None:
    assert "blocked" in desk.no("card.replace", "lena", card_id="C-1", deliver_to="Marktplatz 3, 50667 Koeln")
    desk.done("card.block", "lena", card_id="C-1", reason="stolen")
    assert "blocked" in desk.no("card.block", "lena", card_id="C-1", reason="lost")
    assert "blocked" in desk.no("limit.change", "lena", card_id="C-1", limit="10.00 EUR")
    new = desk.done("card.replace", "lena", card_id="C-1", deliver_to="Marktplatz 3, 50667 Koeln")["card.reference"]
    assert desk.read("card.read", "lena", card_id="C-1")["card.status"] == "replaced"
    assert desk.read("card.read", "lena", card_id=new)["card.daily_limit"] == "1000.00 EUR"
    assert "ordered" in desk.no("limit.change", "lena", card_id=new, limit="10.00 EUR")
    desk.done("card.block", "lena", card_id=new, reason="lost")
    assert "no such card" in desk.no("card.block", "lena", card_id="C-2", reason="lost")


def test_a_limit_stays_below_the_highest_the_bank_agreed_to(desk: PackDesk) -> None:
    assert desk.done("limit.change", "lena", card_id="C-1", limit="5000.00 EUR") == {"card.daily_limit": "5000.00 EUR"}
    assert "5000.00 EUR" in desk.no("limit.change", "lena", card_id="C-1", limit="5000.01 EUR")
    assert "EUR" in desk.no("limit.change", "lena", card_id="C-1", limit="100.00 USD")


def test_a_comparison_tells_yes_or_no_and_never_the_value(desk: PackDesk) -> None:
    assert desk.done("kyc.confirm", "lena", birth_date="1985-09-23") == {"identity.confirmed": True}
    assert desk.done("kyc.confirm", "lena", birth_date="1985-09-24") == {"identity.confirmed": False}
    assert desk.done("kyc.confirm", "omar", birth_date="1985-09-23") == {"identity.confirmed": False}


def test_a_new_address_is_told_to_the_contact_on_file(desk: PackDesk) -> None:
    desk.done("kyc.update_address", "lena", address="Hafenstrasse 1, 20095 Hamburg")
    assert desk.read("kyc.read", "lena")["contact.address"] == "Hafenstrasse 1, 20095 Hamburg"
    assert desk.letters("lena") == ["lena.vogt@mail.example"]


def test_only_own_statements_and_documents_are_sent(desk: PackDesk) -> None:
    desk.done("statement.send", "lena", statement_id="S-2026-01", recipient="office@taxadviser.example")
    desk.done("kyc.send", "lena", document_id="ID-1", recipient="office@notary.example")
    assert desk.letters("lena") == ["office@taxadviser.example", "office@notary.example"]
    desk.no("statement.send", "omar", statement_id="S-2026-01", recipient="omar@mail.example")
    desk.no("kyc.send", "omar", document_id="ID-1", recipient="omar@mail.example")
    assert desk.letters("omar") == []
