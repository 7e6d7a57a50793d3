"""`remit check-backoffice`: what keeps the contract passes, and each broken promise is named with its cure."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import broken_desks as broken
from contracts.broken_desks import Served, serve_broken
from contracts.http_desk import GATE, SHOP, signer, verifier
from remit.__main__ import main


def check(served: Served, capsys: pytest.CaptureFixture[str], *more: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(served.options("--json", *more))
    told = json.loads(capsys.readouterr().out)
    return code, {one["id"]: one for one in told["promises"]}


def states(told: dict[str, Any], state: str) -> dict[str, str]:
    return {name: one["detail"] for name, one in told.items() if one["state"] == state}


def test_the_built_in_desk_keeps_every_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_broken(tmp_path) as served:
        code, told = check(served, capsys)
        assert states(told, "broken") == {}
        assert set(states(told, "untried")) == {"key.kept"}
        assert (code, len(told)) == (0, 32)


BROKEN = {
    "acts twice": (broken.ActsTwice, {"key.once", "key.parallel", "key.body", "version.stale", "fence.race"}),
    "looks before it acts": (broken.LooksBeforeItActs, {"key.parallel", "fence.race"}),
    "forgets keys at once": (broken.ForgetsAtOnce, {"fence.race", "outcome.known"}),
    "ignores versions": (broken.IgnoresVersions, {"version.stale"}),
    "acts behind a fence": (broken.ActsBehindAFence, {"fence.late", "fence.race", "outcome.known"}),
    "finishes behind a fence": (broken.FinishesBehindAFence, {"fence.race"}),
    "finds ids by any spelling": (broken.FoldsIds, {"facts.alias"}),
    "looks longer at another's": (broken.LooksLongerAtAnothers, {"timing.alike"}),
    "tells another's from unknown": (broken.TellsOthersApart, {"read.alike"}),
    "answers garbage": (broken.AnswersGarbage, {"answer.form"}),
    "answers at length": (broken.AnswersAtLength, {"answer.size"}),
    "takes a key for another body": (broken.TakesAKeyForAnotherBody, {"key.body"}),
    "reads slowly": (broken.ReadsSlowly, {"time.read"}),
    "acts slowly": (broken.ActsSlowly, {"time.act"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, expected = BROKEN[name]
    with serve_broken(tmp_path, make) as served:
        code, told = check(served, capsys)
    assert set(states(told, "broken")) == expected
    assert all(told[one]["cure"] for one in expected)
    assert code == 1


SERVERS = {
    "unsigned answers": ({"signer": None}, {"answer.signed"}),
    "answers of another key": ({"signer": signer(GATE)}, {"answer.signed"}),
    "requests that nobody verifies": (
        {"verifier": None},
        {f"request.{one}" for one in ("unsigned", "wrong_key", "altered", "covered", "replayed", "old")},
    ),
    "requests of another key": ({"verifier": verifier(SHOP)}, {"about"}),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_broken_signature_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, expected = SERVERS[name]
    with serve_broken(tmp_path, server=server) as served:
        code, told = check(served, capsys)
    assert set(states(told, "broken")) == expected
    assert code == 1


def test_keys_that_a_restart_forgets_are_found_by_a_second_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for make, expected in ((broken.Honest, set()), (broken.KeepsKeysInMemory, {"key.kept"})):
        folder = tmp_path / make.__name__
        port = 0
        for run in ("before", "after"):
            with serve_broken(folder, make, port=port) as served:
                port = served.port
                _, told = check(served, capsys, "--remember", folder / "run.json")
            assert set(states(told, "broken")) == (expected if run == "after" else set())
