"""Waivers: what lowers a floor is one action, within a limit, until a day, and somebody answers for it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from desks.shop import CATALOGUE
from remit.domain.errors import Code, Refused
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.policy.waivers import find_waiver, is_waiver_owner, read_waiver

DESK = read_catalogue(CATALOGUE, today=None)
ENDS = date(2026, 12, 31)
WAIVER: dict[str, Any] = {
    "action": "payment.refund",
    "limit": {"amount": {"max": "20.00 EUR"}},
    "reason": "Small refunds.",
    "owner": "olga",
    "ends": ENDS,
}


def refused(**members: Any) -> str:
    with pytest.raises(Refused) as no:
        read_waiver({**WAIVER, **members}, DESK.actions, key="waiver[0]", today=date(2026, 11, 30))
    assert no.value.code is Code.CATALOGUE_INVALID
    return no.value.detail


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"action": "payment.refnd"}, "payment.refund"),
        ({"action": "payment.*"}, "no action 'payment.*' is declared"),
        ({"action": "case.close"}, "no action 'case.close' is declared"),
        ({"limit": {}}, "waiver[0].limit: is empty"),
        ({"limit": {"price": {"max": "5.00 EUR"}}}, "waiver[0].limit"),
        ({"limit": {"amount": {"max": "a lot"}}}, "waiver[0].limit"),
        ({"ends": date(2026, 11, 29)}, "waiver[0].ends: has passed"),
        ({"owner": " -- "}, "waiver[0].owner: names no one"),
        ({"reason": ""}, "waiver[0].reason"),
        ({"until": ENDS}, "until"),
    ],
)
def test_a_floor_is_never_lowered_for_everything_or_for_good(members: dict[str, Any], said: str) -> None:
    assert said in refused(**members)


@pytest.mark.parametrize(
    ("action", "amount", "day", "place"),
    [
        ("payment.refund", "20.00 EUR", ENDS, 0),
        ("payment.refund", "20.01 EUR", ENDS, None),
        ("payment.refund", "20.00 USD", ENDS, None),
        ("payment.refund", None, ENDS, None),
        ("payment.refund", "20.00 EUR", date(2027, 1, 1), None),
        ("offer.accept", "20.00 EUR", ENDS, None),
    ],
)
def test_a_waiver_applies_to_its_action_within_its_limit_to_its_last_day(
    action: str, amount: str | None, day: date, place: int | None
) -> None:
    """⚔ Beside its limit a waiver would take the customer's confirmation away."""
    waiver = read_waiver(WAIVER, DESK.actions, key="waiver[0]", today=ENDS)
    desk = replace(DESK, waivers=(waiver,))
    params = {} if amount is None else {"amount": amount}
    assert find_waiver(desk, desk.actions[action], params, day=day) == place
    assert find_waiver(DESK, desk.actions[action], params, day=day) is None


@pytest.mark.parametrize(
    ("owner", "names", "is_owner"),
    [
        ("Olga Frey", ["olga", "olga.frey@desk.example", "OLGA-FREY"], True),
        ("olga, otto", ["otto"], True),
        ("Olga and Otto", ["olga"], True),
        ("officer:billing (Olga)", ["OLGA"], True),
        ("olga", ["", "--"], False),
        ("olga", ["otto"], False),
        ("Olga Frey", ["frey"], False),
    ],
)
def test_an_owner_is_the_same_person_however_they_are_written(owner: str, names: list[str], *, is_owner: bool) -> None:
    """⚔ Four eyes are two people: who wrote the waiver does not confirm under it as another spelling."""
    assert is_waiver_owner(owner, names) is is_owner
