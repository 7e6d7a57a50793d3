"""Receivers of messages about incidents, as `remit.toml` names them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.incidents.records import Severity
from remit.settings import DeliverySettings
from settings_made import settings_made

URL = "https://soc.acme.example/in"
SIGNED = {"name": "soc", "url": URL, "secret_file": "secret"}


def read(folder: Path, *tables: Mapping[str, Any]) -> tuple[DeliverySettings, ...]:
    for name in ("secret", "key", "address"):
        (folder / name).write_text("x")
    (folder / "mine.json").write_text(json.dumps({"body": {"a": "{summary}"}}))
    (folder / "bad.json").write_text(json.dumps({"body": "{customer_name}"}))
    (folder / "none.json").write_text("[")
    return settings_made(folder, deliveries=list(tables)).deliveries


def test_without_a_table_nobody_is_told(tmp_path: Path) -> None:
    assert read(tmp_path) == ()


def test_what_is_not_said_is_safe(tmp_path: Path) -> None:
    (one,) = read(tmp_path, SIGNED)
    assert (one.severity, one.customers, one.private_network) == (Severity.LOW, False, False)
    assert one.shape is not None
    pager, chat, siem, file, mine = read(
        tmp_path,
        {"name": "pager", "template": "pagerduty", "url": URL, "key_file": "key", "severity": "high"},
        {"name": "chat", "template": "slack", "url_file": "address"},
        {"name": "siem", "kind": "ocsf", "url": URL, "secret_file": "secret", "customers": True},
        {"name": "file", "kind": "ocsf", "file": "out.jsonl"},
        {**SIGNED, "template": "mine.json"},
    )
    assert (pager.severity, chat.url_file, siem.shape, siem.customers) == (Severity.HIGH, tmp_path / "address", None, True)
    assert file.file == tmp_path / "out.jsonl"
    assert mine.shape is not None
    assert mine.shape.body == {"a": "{summary}"}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Two words"}, "deliveries.name"),
    ({"kind": "syslog"}, "deliveries.kind"),
    ({"url": None}, "deliveries.url"),
    ({"file": "x"}, "deliveries.url"),
    ({"url": "http://soc.acme.example/in"}, "deliveries.url"),
    ({"url": "https://user:pass@soc.acme.example/"}, "deliveries.url"),
    ({"secret_file": None}, "deliveries.secret_file"),
    ({"secret_file": "nowhere"}, "deliveries.secret_file"),
    ({"template": "pagerduty"}, "deliveries.key_file"),
    ({"template": "teams"}, "deliveries.template"),
    ({"template": "bad.json"}, "deliveries.template"),
    ({"template": "none.json"}, "deliveries.template"),
    ({"kind": "ocsf", "template": "slack"}, "deliveries.template"),
    ({"severity": "fatal"}, "deliveries.severity"),
    ({"customers": "no"}, "deliveries.customers"),
    ({"token": "x"}, "deliveries.token"),
]


@pytest.mark.parametrize(("changed", "named"), WRONG)
def test_what_cannot_be_stops_the_start_and_names_the_key(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    table = {key: value for key, value in {**SIGNED, **changed}.items() if value is not None}
    with pytest.raises(Refused, match=named) as caught:
        read(tmp_path, table)
    assert caught.value.code is Code.SETTINGS_INVALID


def test_two_of_one_name_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"deliveries\.name"):
        read(tmp_path, SIGNED, SIGNED)
