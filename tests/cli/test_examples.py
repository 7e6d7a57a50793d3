"""The examples in front of real systems of record: their rules hold, and their mappings fit their documents."""

from pathlib import Path

import pytest

from cli.running import Run
from example_desk import EXAMPLES, make_example_desk

MAPPED = sorted(path.parent.name for path in EXAMPLES.glob("*/openapi.yaml"))


def test_there_are_some() -> None:
    assert "pretix" in MAPPED


@pytest.mark.parametrize("name", MAPPED)
def test_a_desk_of_the_example_has_rules_in_force_whose_cases_hold(remit: Run, tmp_path: Path, name: str) -> None:
    desk = tmp_path / "desk"
    make_example_desk(name, desk, url="http://127.0.0.1:9")
    checked = remit("check", "--json", "--config", desk)
    assert checked.code == 0, checked.err
    assert checked.json["ok"] is True
    assert checked.json["cases"] >= 4
