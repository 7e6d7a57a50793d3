"""What the service desk pack's actions really do at the built-in desk, and what they refuse."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journeys.packs_desk import PackDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PackDesk]:
    one = PackDesk(tmp_path, "service-desk")
    yield one
    one.database.close()


def in_days(desk: PackDesk, days: int) -> str:
    return (datetime.fromtimestamp(desk.world.at / 1000, tz=UTC).date() + timedelta(days=days)).isoformat()


def test_a_reset_link_goes_to_the_contact_on_file_and_is_in_no_answer(desk: PackDesk) -> None:
    assert desk.done("password.reset", "jdoe", account_id="jdoe") == {"account.status": "active"}
    assert desk.record("account", "jdoe")["sessions"] == 0
    assert desk.letters("jdoe") == ["+49 40 5550142"]
    assert "no such account" in desk.no("password.reset", "jdoe", account_id="msato")
    assert desk.letters("msato") == []


def test_an_account_is_unlocked_only_when_it_locked_itself(desk: PackDesk) -> None:
    assert desk.done("account.unlock", "jdoe", account_id="jdoe") == {"account.status": "active"}
    assert "active" in desk.no("account.unlock", "jdoe", account_id="jdoe")


def test_a_second_factor_is_set_up_beside_the_old_one_and_its_owner_is_told(desk: PackDesk) -> None:
    assert "locked" in desk.no("mfa.change", "jdoe", account_id="jdoe", method="passkey")
    assert "already" in desk.no("mfa.change", "msato", account_id="msato", method="passkey")
    assert desk.done("mfa.change", "msato", account_id="msato", method="hardware key") == {"account.mfa_enrolment": "hardware key"}
    assert desk.read("account.read", "msato", account_id="msato")["account.mfa_methods"] == ["passkey"]
    assert desk.letters("msato") == ["+49 40 5550177"]


def test_a_second_factor_never_lands_on_somebody_elses_device(desk: PackDesk) -> None:
    assert "no such device" in desk.no("mfa.change", "msato", account_id="msato", method="hardware key", device_id="D-100")
    desk.done("mfa.change", "msato", account_id="msato", method="hardware key", device_id="D-101")


def test_a_second_factor_moves_to_a_new_device_of_the_same_kind(desk: PackDesk) -> None:
    desk.done("account.unlock", "jdoe", account_id="jdoe")
    again = {"account_id": "jdoe", "method": "authenticator app"}
    assert "name the device" in desk.no("mfa.change", "jdoe", **again)
    desk.done("mfa.change", "jdoe", **again, device_id="D-102")
    assert "being set up already" in desk.no("mfa.change", "jdoe", **again, device_id="D-102")
    desk.done("mfa.change", "jdoe", account_id="jdoe", method="passkey")
    assert len(desk.letters("jdoe")) == 3


def test_access_is_given_at_a_level_and_until_a_day_the_application_allows(desk: PackDesk) -> None:
    ask = {"application_id": "payroll", "reason": "month end"}
    assert "no level" in desk.no("access.request", "jdoe", **ask, level="admin", ends=in_days(desk, 10))
    for days in (0, -1, 31):
        assert "between 1 and 30" in desk.no("access.request", "jdoe", **ask, level="reader", ends=in_days(desk, days))
    assert "no calendar day" in desk.no("access.request", "jdoe", **ask, level="reader", ends="2030-02-30")
    number = desk.done("access.request", "jdoe", **ask, level="reader", ends=in_days(desk, 30))["access.reference"]
    assert desk.read("access.read", "jdoe", access_id=number) == {
        "access.level": "reader",
        "access.ends": in_days(desk, 30),
        "access.status": "active",
    }
    assert desk.read("access.read", "msato", access_id=number) == {}
    assert "already" in desk.no("access.request", "jdoe", **ask, level="reader", ends=in_days(desk, 20))


def test_a_stolen_device_is_wiped_and_replaced_once(desk: PackDesk) -> None:
    done = desk.done("device.replace", "jdoe", device_id="D-100", reason="stolen", ship_to="Office Hamburg")
    assert desk.read("device.read", "jdoe", device_id="D-100")["device.status"] == "wiped"
    assert desk.read("device.read", "jdoe", device_id=done["device.reference"])["device.status"] == "ordered"
    assert "wiped" in desk.no("device.replace", "jdoe", device_id="D-100", reason="lost", ship_to="Office Hamburg")
    assert "no such device" in desk.no("device.replace", "jdoe", device_id="D-101", reason="lost", ship_to="Elsewhere")


def test_devices_end_with_the_stock(desk: PackDesk) -> None:
    first, second = (
        desk.done("device.request", "jdoe", model_id="monitor-27", ship_to="Office Hamburg")["device.reference"] for _ in range(2)
    )
    assert first != second
    assert "not in stock" in desk.no("device.request", "jdoe", model_id="monitor-27", ship_to="Office Hamburg")
    assert desk.read("model.read", "jdoe", model_id="monitor-27") == {"model.stock": 0}
