"""`remit check-backoffice`: what keeps the contract passes, and each broken promise is named with its cure."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts import broken_desks as broken
from contracts.broken_desks import Served, serve_broken
from contracts.desk_plugs import PLUGS, act, run
from contracts.http_desk import GATE, SHOP, signer, verifier
from remit.__main__ import main
from remit.adapters.backoffice.conformance import suite
from remit.adapters.backoffice.conformance.probe import Probe
from remit.adapters.backoffice.conformance.promises import BrokenPromiseError, NotTriedError, State
from remit.adapters.backoffice.conformance.trial import Trial, settled
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.world.system import SystemWorld
from remit.ports.backoffice import Act, ActOutcome, ActResult
from remit.settings import BackofficeSettings
from remit.settings.decode import decode
from remit.wiring import conformance as wired


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
        assert (code, len(told)) == (0, 33)


@pytest.mark.parametrize("name", sorted(PLUGS))
def test_every_plug_keeps_the_promises_of_the_port(name: str, tmp_path: Path) -> None:
    probe = decode(Probe, tomllib.loads(broken.PROBE.replace('"W1", "W4"', '"W1"')))
    found: dict[str, str] = {}

    async def try_all(trial: Trial) -> None:
        for promise, check_promise in (*suite.RECORDS, *suite.ACTS):
            try:
                await check_promise(trial)
            except (BrokenPromiseError, NotTriedError) as problem:
                found[promise.id] = str(problem)

    with PLUGS[name](tmp_path) as desk:
        run(try_all(Trial(client=lambda _: desk.plug, world=SystemWorld(), probe=probe)))
    assert set(found) == {"key.kept"}, found


BROKEN = {
    "acts twice": (broken.ActsTwice, {"key.once", "key.parallel", "key.body", "version.stale"}),
    "breaks on a repeated key": (broken.BreaksOnARepeatedKey, {"key.once", "key.body"}),
    "looks before it acts": (broken.LooksBeforeItActs, {"key.parallel"}),
    "forgets keys at once": (broken.ForgetsAtOnce, {"fence.race", "outcome.known"}),
    "ignores versions": (broken.IgnoresVersions, {"version.stale"}),
    "acts behind a fence": (broken.ActsBehindAFence, {"fence.late"}),
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
KEYLESS = {broken.ActsTwice, broken.BreaksOnARepeatedKey, broken.LooksBeforeItActs, broken.ActsBehindAFence}
SOMETIMES = {"key.parallel", "fence.race"}
"""Promises that those of `KEYLESS` break too, where requests happen to meet."""


@pytest.mark.proves("BACKOFFICE-CHECKED")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, expected = BROKEN[name]
    with serve_broken(tmp_path, make) as served:
        code, told = check(served, capsys)
    found = set(states(told, "broken"))
    assert expected <= found <= expected | (SOMETIMES if make in KEYLESS else set())
    assert all(told[one]["cure"] for one in expected)
    assert code == 1


REQUESTS = {f"request.{one}" for one in ("unsigned", "wrong_key", "altered", "covered", "replayed", "old")}
SERVERS = {
    "unsigned answers": ({"signer": None}, {"answer.signed"}),
    "answers of another key": ({"signer": signer(GATE)}, {"answer.signed"}),
    "requests that nobody verifies": ({"verifier": None}, REQUESTS),
    "requests of another key": ({"verifier": verifier(SHOP)}, {"request.accepted"}),
}


@pytest.mark.proves("BACKOFFICE-CHECKED")
@pytest.mark.parametrize("name", SERVERS)
def test_a_broken_signature_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, expected = SERVERS[name]
    with serve_broken(tmp_path, server=server) as served:
        code, told = check(served, capsys)
    assert set(states(told, "broken")) == expected
    assert code == 1


@pytest.mark.proves("BACKOFFICE-CHECKED")
def test_keys_that_a_restart_forgets_are_found_by_a_second_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for make, expected in ((broken.Honest, set()), (broken.KeepsKeysInMemory, {"key.kept"})):
        folder = tmp_path / make.__name__
        port = 0
        for when in ("before", "after"):
            with serve_broken(folder, make, port=port) as served:
                port = served.port
                _, told = check(served, capsys, "--remember", folder / "run.json")
            assert set(states(told, "broken")) == (expected if when == "after" else set())


def test_with_mutual_tls_nothing_of_signatures_is_tried(tmp_path: Path) -> None:
    with serve_broken(tmp_path, server={"signer": None, "verifier": None}) as served:
        tested = replace(wired.tested_by_key(served.key, served.url, ()), settings=BackofficeSettings(url=served.url, signed=False))
        found = wired.check_backoffice(tested, wired.read_probe(served.probe), remember=None, on_step=lambda *_: None)
    untried = {one.promise.id for one in found if one.state is State.UNTRIED}
    assert untried == {"key.kept", "answer.signed", *REQUESTS}
    assert [one.promise.id for one in found if one.state is State.BROKEN] == []


def test_a_backoffice_that_is_busy_with_a_key_is_asked_again() -> None:
    asked = []

    async def busy_once(one: Act) -> ActResult:
        asked.append(one.key)
        if len(asked) == 1:
            raise ExchangeFault(Problem.BUSY, "busy")
        return ActResult(state=ActOutcome.DONE, values={})

    assert run(settled(busy_once, act())).state is ActOutcome.DONE
    assert asked == ["k1", "k1"]
