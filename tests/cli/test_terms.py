"""The terms of a desk: what they may be, and which of them its rules stand on."""

from pathlib import Path

import pytest

from remit.domain.errors import Code, Refused
from remit.settings.terms import TermsTable, deciding
from settings_made import settings_made


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
def test_a_term_out_of_its_bounds_stops_the_start_and_is_named(tmp_path: Path, table: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        settings_made(tmp_path, terms=table)
    assert caught.value.code is Code.SETTINGS_INVALID
    assert f"terms.{next(iter(table))}" in caught.value.detail


def test_what_is_not_said_has_its_number(tmp_path: Path) -> None:
    assert settings_made(tmp_path).terms == TermsTable()
    assert settings_made(tmp_path, terms={"erase_after_days": 365, "retention_days": 365}).terms.erase_after_days == 365


def test_rules_that_do_not_erase_by_time_are_those_they_were_before_it_could_be_and_those_that_do_are_others() -> None:
    """Every other number stands in them, also one that is 0."""
    assert set(deciding(TermsTable())) == {*TermsTable.__struct_fields__} - {
        "erase_after_days",
        "grant_age_s",
        "offers_per_day",
        "override_review_percent",
        "session_idle_s",
    }
    assert deciding(TermsTable(override_review_percent=50))["override_review_percent"] == 50
    assert deciding(TermsTable(erase_after_days=365))["erase_after_days"] == 365
