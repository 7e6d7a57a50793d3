"""`remit report`: what it tells, for which period and frameworks, beside a running server, and when it tells nothing."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

from cli.running import Run, Serve, refused
from packaged import FRAMEWORKS


def test_a_fresh_desk_has_exercised_nothing(remit: Run, desk: Path) -> None:
    ran = remit("report", "--json", "--config", desk)
    assert ran.code == 0
    assert ran.json["log"]["entries"] == ran.json["counted"]["entries"] == ran.json["counted"]["set_up"] > 0
    assert {each["state"] for one in ran.json["frameworks"] for each in one["controls"]} == {"not exercised"}
    shown = remit("report", "--config", desk)
    assert " exercised\n" not in shown.out.replace("not exercised", "-")
    assert "decisions on requests: 0 (" in shown.out
    assert "Nothing is said about" in shown.out
    assert "shown by" not in shown.out


def test_what_happened_is_told_with_the_entries_to_look_at(remit: Run, desk: Path) -> None:
    _agent(remit, desk)
    assert remit("agent", "suspend", "a1", "--reason", "odd", "--config", desk).code == 0
    told = remit("report", "--json", "--config", desk, "--framework", "owasp-asi").json
    (entry,) = next(one["entries"] for one in told["figures"] if one["fact"] == "agent.suspended")
    assert entry == told["log"]["entries"] - 1
    (framework,) = told["frameworks"]
    assert [each["id"] for each in framework["controls"] if each["state"] == "exercised"] == ["ASI10"]
    shown = remit("report", "--config", desk, "--framework", "owasp-asi").out
    assert f"shown by: stops of an agent, operator, customer or purpose: 1 (entry {entry})" in shown
    assert "NHI" not in shown


def test_a_period_counts_what_lies_in_it(remit: Run, desk: Path) -> None:
    whole = remit("report", "--json", "--config", desk).json
    for option, value, counted in (("--since", "2000-01-01", True), ("--until", "2000-01-01", False), ("--since", "2999-01-01", False)):
        told = remit("report", "--json", "--config", desk, option, value).json
        assert told["counted"]["entries"] == (whole["counted"]["entries"] if counted else 0)
        assert told["log"] == whole["log"]
        assert told["period"][option.removeprefix("--")] == f"{value}T00:00:00.000Z"


def test_the_document_names_exactly_the_controls_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    for one in FRAMEWORKS:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{one.name}`")]
        speaks, silent = row.split(" | ")[1:]
        for cell, listed in ((speaks, one.controls), (silent, one.silent)):
            named = re.split(r"[,;|] ?", cell.replace("layers ", "").removesuffix(" |"))
            assert [name for name in named if not name.startswith("every other")] == [each.id for each in listed]


def test_it_is_told_while_the_desk_is_served(remit: Run, desk: Path, serve: Serve) -> None:
    serving = serve(desk)
    assert remit("report", "--json", "--config", desk).json["counted"]["entries"] > 0
    assert serving.stop() == 0


def test_what_cannot_be_told_is_one_line_with_a_cure(remit: Run, desk: Path, tmp_path: Path) -> None:
    refused(remit("report", "--config", desk, "--since", "yesterday"), "request.malformed", "since must be a day")
    refused(remit("report", "--config", desk, "--since", "2026-11-26", "--until", "2026-11-25"), "request.malformed", "before until")
    refused(remit("report", "--config", tmp_path / "nowhere"), "settings.invalid", "there is no")
    assert remit("report", "--config", desk, "--framework", "iso-42001").code == 2
    for file in (desk / "high-water").iterdir():
        file.unlink()
    refused(remit("report", "--config", desk), "settings.invalid", "log.high_water: there is no")


def test_a_changed_log_and_an_older_copy_tell_nothing(remit: Run, desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk / "data", tmp_path / "older")
    _agent(remit, desk)
    assert remit("report", "--config", desk).code == 0
    newer = tmp_path / "newer"
    shutil.copytree(desk / "data", newer)
    with sqlite3.connect(desk / "data" / "store.sqlite") as connection:
        connection.execute("update entry set envelope = cast(replace(cast(envelope as text), 'known', 'trust') as blob)")
    connection.close()
    refused(remit("report", "--config", desk), "log.damaged", "is not what was logged", exit_code=4)
    shutil.rmtree(desk / "data")
    shutil.copytree(tmp_path / "older", desk / "data")
    refused(remit("report", "--config", desk), "log.older", "when that checkpoint was signed", exit_code=4)
    assert remit("report", "--json", "--config", desk).json["error"]["code"] == "log.older"


def test_an_older_copy_that_was_written_to_tells_nothing_however_long_it_has_grown(remit: Run, desk: Path, tmp_path: Path) -> None:
    """⚔ What was suspended in the lost entries would else be counted as if it had never been."""
    older = Path(shutil.copytree(desk, tmp_path / "older"))
    _agent(remit, desk)
    for who in ("anna", "bram"):
        assert remit("person", "invite", who, "--config", older).code == 0
    shutil.copy(older / "data" / "store.sqlite", desk / "data" / "store.sqlite")
    refused(remit("report", "--config", desk), "log.damaged", "changed or forked", exit_code=4)


def _agent(remit: Run, desk: Path) -> None:
    keys = desk / "a.jwks.json"
    keys.write_text(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                                          "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "kid": "k"}]}))  # fmt: skip
    assert remit("agent", "add", "--config", desk, "--client-id", "a1", "--operator", "o", "--jwks", keys).code == 0
