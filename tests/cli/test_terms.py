"""The terms of a desk: what they may be, and which of them its rules stand on."""

import pytest

from remit.domain.errors import Code, Refused
from remit.settings_terms import NUMBERS, deciding, terms_of


@pytest.mark.parametrize(
    "table",
    [
        {"hold_at": 0},
        {"hold_at": 101},
        {"token_ttl_s": True},
        {"token_ttl_s": "300"},
        {"erase_after_days": -1},
        {"erase_after_days": 364, "retention_days": 365},
    ],
    ids=str,
)
def test_a_term_out_of_its_bounds_stops_the_start_and_is_named(table: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        terms_of(table)
    assert caught.value.code is Code.SETTINGS_INVALID
    assert f"terms.{next(iter(table))}" in caught.value.detail


def test_what_is_not_said_has_its_number() -> None:
    assert terms_of({}) == NUMBERS
    assert terms_of({"erase_after_days": 365, "retention_days": 365})["erase_after_days"] == 365


def test_rules_that_do_not_erase_by_time_are_those_they_were_before_it_could_be_and_those_that_do_are_others() -> None:
    """Every other number stands in them, also one that is 0."""
    assert set(deciding(terms_of({}))) == set(NUMBERS) - {"erase_after_days", "session_idle_s"}
    assert deciding(terms_of({"erase_after_days": 365}))["erase_after_days"] == 365
