"""Digests, amounts and actor chains of mission-bound authorization, through the functions our doors call."""

from collections.abc import Mapping
from typing import Any

from conformance.harness import vector_set
from remit.domain.errors import Refused
from remit.domain.values import verify_money
from remit.proof.canonical import canonical, digest

INTEGRITY = vector_set("mission-integrity")
FOUND = INTEGRITY.read()
AMOUNTS = FOUND["decimal_amount_fixtures"]
DIGESTS = {f"digest {place} {case['name']}": case for place, case in enumerate(FOUND["vectors"])}


@INTEGRITY.each(DIGESTS)
def test_the_published_digests_are_ours(check: Mapping[str, Any]) -> None:
    value = check["value"] if "value" in check else check["envelope"]
    assert canonical(value).decode() == check["canonical"]
    assert digest(value) == check["digest"]


def test_all_nine_digests_are_there() -> None:
    assert len(DIGESTS) == 9


def money(amount: Any, currency: str = "USD") -> Any:
    """Our own reading of an amount of theirs, which stands beside a currency there and has it behind it here."""
    try:
        return verify_money(None if amount is None else f"{amount} {currency}")
    except Refused:
        return None


@INTEGRITY.each({f"amount valid {amount}": amount for amount in AMOUNTS["valid"]})
def test_valid_amounts_are_read(check: str) -> None:
    assert money(check) is not None


@INTEGRITY.each({f"amount invalid {amount!r}": amount for amount in AMOUNTS["invalid"]})
def test_invalid_amounts_are_refused(check: str) -> None:
    assert money(check) is None


@INTEGRITY.each({f"amount compare {' '.join(row[:2])}": row for row in AMOUNTS["compare"]})
def test_amounts_compare_exactly(check: list[Any]) -> None:
    left, right, expected = money(check[0], "BHD"), money(check[1], "BHD"), check[2]
    assert (left.amount > right.amount) - (left.amount < right.amount) == expected


@INTEGRITY.each({f"ceiling {case['amount_usd']} {case.get('ceiling_currency', 'USD')}": case for case in AMOUNTS["cases"]})
def test_a_ceiling_permits_what_it_permits_there(check: Mapping[str, Any]) -> None:
    found, ceiling = money(check["amount_usd"]), money("500.00", check.get("ceiling_currency", "USD"))
    permitted = found is not None and found.currency == ceiling.currency and found.amount <= ceiling.amount
    assert permitted is check["permit"]
