"""`remit check-backoffice`: a desk's own backoffice in a process of its own, and lines, cures and exit codes for people."""

from pathlib import Path

import pytest

from cli.running import Run, Serve, far, refused

PROBE = """
customer = "anna"
kind = "order"
id = "W1001"
foreign = "W1002"
unknown = "W9999"
attributes = ["contact.email"]

[read]
action = "order.read"
params = { order_id = "{id}" }

[write]
action = "order.change_address"
ids = ["W1003"]
params = { order_id = "{id}", address = "Elm 1, 10115 Berlin" }
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    file = tmp_path / "probe.toml"
    file.write_text(PROBE)
    return file


def test_a_served_desk_keeps_its_promises_and_its_keys(desk: Path, remit: Run, serve: Serve, probe: Path, tmp_path: Path) -> None:
    far(desk)
    options = ("check-backoffice", "--config", desk, "--probe", probe, "--remember", tmp_path / "run.json")
    serving = serve(desk, command=("desk", "serve"))
    first = remit(*options, "--json")
    assert [one for one in first.json["promises"] if one["state"] == "broken"] == []
    assert (first.code, first.json["ok"]) == (0, True)
    assert serving.stop() == 0
    serving = serve(desk, command=("desk", "serve"))
    said = remit(*options)
    assert said.out.splitlines()[-1] == "33 of 33 promises are kept, 0 are not, 0 were not tried."
    assert serving.stop() == 0


def test_without_test_data_only_what_needs_none_is_tried(desk: Path, remit: Run, serve: Serve) -> None:
    far(desk)
    serving = serve(desk, command=("desk", "serve"))
    ran = remit("check-backoffice", "--config", desk, "--json")
    states = {one["id"]: (one["state"], one["detail"]) for one in ran.json["promises"]}
    assert states["request.replayed"][0] == "kept"
    assert states["key.once"][0] == "untried"
    assert "--probe" in states["key.once"][1]
    assert ran.code == 0
    assert serving.stop() == 0


def test_a_desk_that_signs_with_another_key_is_told_so_in_one_line(desk: Path, remit: Run, serve: Serve, tmp_path: Path) -> None:
    far(desk)
    pem = tmp_path / "other.pem"
    pem.write_text(remit("desk", "key", "--json", "--config", desk).json["pem"])
    serving = serve(desk, command=("desk", "serve"))
    ran = remit("check-backoffice", "--config", desk, "--answer-key", pem)
    line = next(one for one in ran.out.splitlines() if one.startswith("NOT KEPT"))
    assert "answer.signed" in line
    assert "Cure: " in line
    assert ran.code == 1
    assert serving.stop() == 0


def test_a_backoffice_that_does_not_answer_is_a_fault(desk: Path, remit: Run) -> None:
    far(desk)
    refused(remit("check-backoffice", "--config", desk), "fault.backoffice", "/v1/about", exit_code=3)


def test_files_and_addresses_that_cannot_be_used_are_said_in_one_line(desk: Path, remit: Run, probe: Path) -> None:
    far(desk)
    options = ("check-backoffice", "--config", desk, "--probe", probe)
    refused(remit("check-backoffice", "http://shop.example/remit", "--config", desk), "request.malformed", "https")
    refused(remit("check-backoffice", "--key", probe), "request.malformed", "no address")
    refused(remit("check-backoffice", "http://127.0.0.1:1", "--key", probe), "settings.invalid", "Ed25519")
    refused(remit(*options, "--answer-key", probe), "settings.invalid", "Ed25519")
    probe.write_text(PROBE.replace('unknown = "W9999"\n', ""))
    refused(remit(*options), "settings.invalid", "unknown")
    probe.write_text("customer =")
    refused(remit(*options), "settings.invalid", "probe.toml")
    refused(remit("check-backoffice", "--config", desk, "--probe", probe.with_name("none.toml")), "settings.invalid", "none.toml")


def test_a_file_of_another_run_is_not_read(desk: Path, remit: Run, tmp_path: Path) -> None:
    far(desk)
    file = tmp_path / "run.json"
    file.write_text('{"url": "http://127.0.0.1:1", "acts": []}')
    refused(remit("check-backoffice", "--config", desk, "--remember", file), "settings.invalid", "against")
    file.write_text("{}")
    refused(remit("check-backoffice", "--config", desk, "--remember", file), "settings.invalid", "run.json")
