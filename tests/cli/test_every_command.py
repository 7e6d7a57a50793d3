"""The whole command line, command by command: `--json` everywhere, help for every option, one JSON object on standard output."""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cli.running import Run
from remit.cli.main import make_parser, subcommands

MINE = "{desk}"
NEW = "{new}"

RUNS: dict[tuple[str, ...], Sequence[Sequence[str]]] = {
    ("act", "list"): [["--config", MINE]],
    ("act", "settle"): [["ask_x", "--done", "--as", "olga", "--config", MINE]],
    ("agent", "add"): [["--client-id", "https://a.example/a", "--public", "--redirect-uri", "https://a.example/b", "--config", MINE]],
    ("agent", "list"): [["--config", MINE]],
    ("agent", "suspend"): [["https://nobody.example/a", "--reason", "x", "--config", MINE]],
    ("canary", "add"): [["--name", "x", "--place", "y", "--config", MINE]],
    ("canary", "list"): [["--config", MINE]],
    ("canary", "remove"): [["can_x", "--config", MINE]],
    ("check",): [["--config", MINE], ["--config", "/nowhere"]],
    ("check-backoffice",): [["--config", MINE]],
    ("codes",): [[], ["mandate.unknown"], ["nothing.such"], ["--markdown"]],
    ("completion",): [["bash"], ["zsh"], ["fish"], ["tcsh"]],
    ("demo",): [["--dir", NEW, "--links"], ["--dir", NEW, "--ask"], ["--dir", NEW, "--act-as", "officer"], ["--dir", NEW, "--stop"]],
    ("desk", "key"): [["--config", MINE]],
    ("desk", "move"): [["--config", MINE]],
    ("desk", "openapi"): [[]],
    ("desk", "serve"): [["--config", MINE]],
    ("doctor",): [["--config", MINE]],
    ("events",): [["show", "nobody", "--config", MINE]],
    ("export",): [[NEW, "--config", MINE]],
    ("import", "openapi"): [["/nowhere.yaml", "--into", NEW]],
    ("init",): [[NEW], ["--pack", "consumr", NEW]],
    ("join",): [["--from", "/nowhere", "--config", MINE]],
    ("mandate", "revoke"): [["man_x", "--config", MINE]],
    ("mandate", "show"): [["man_x", "--config", MINE]],
    ("migrate",): [["--config", MINE]],
    ("person", "add"): [["carla", "--kind", "customer", "--config", MINE]],
    ("person", "contact"): [["anna", "--email", "a@b.example", "--config", MINE]],
    ("person", "invite"): [["anna", "--config", MINE], ["nobody", "--config", MINE]],
    ("person", "list"): [["--config", MINE]],
    ("person", "recover"): [["anna", "--config", MINE]],
    ("person", "unlink"): [["anna", "--config", MINE]],
    ("policy", "approve"): [["--as", "admin", "--config", MINE]],
    ("policy", "propose"): [["--as", "admin", "--config", MINE]],
    ("policy", "schema"): [["--config", MINE]],
    ("policy", "test"): [["--config", MINE]],
    ("policy", "tighten"): [["--as", "admin", "--config", MINE]],
    ("recover",): [["--config", MINE]],
    ("report",): [["--config", MINE], ["--since", "never", "--config", MINE]],
    ("rotate-keys",): [["--config", MINE]],
    ("serve",): [["--workers", "2", "--config", MINE]],
    ("verify",): [["/nowhere.json", "--config", MINE]],
    ("verify-log",): [["--config", MINE], ["--log", "/nowhere", "--key", "x"]],
}
"""What each command is run with: at least once, well or badly written. A command that is not here fails the test."""


def leaves(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    below = subcommands(parser)
    if not below:
        yield path, parser
    for name, sub in below.items():
        yield from leaves(sub, (*path, name))


LEAVES = dict(leaves(make_parser()))


def test_every_command_is_run_here() -> None:
    assert sorted(LEAVES) == sorted(RUNS)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_takes_json_and_explains_each_option(path: tuple[str, ...]) -> None:
    for action in LEAVES[path]._actions:
        assert action.help, f"{' '.join(path)} {action.option_strings or action.metavar or action.dest} has no help"
    assert "--json" in {one for action in LEAVES[path]._actions for one in action.option_strings}


@pytest.mark.parametrize("path", RUNS, ids=" ".join)
def test_every_command_prints_one_json_object_whether_it_works_or_not(
    remit: Run, made: Path, tmp_path: Path, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, given in enumerate(RUNS[path]):
        desk = Path(shutil.copytree(made, tmp_path / f"desk{number}"))
        argv = [one.format(desk=desk, new=tmp_path / f"new{number}") for one in given]
        told = remit(*path, "--json", *argv)
        body = json.loads(told.out)
        assert isinstance(body, dict)
        assert "Traceback" not in told.err
        plain_desk = Path(shutil.copytree(made, tmp_path / f"plain{number}"))
        plain = remit(*path, *[one.format(desk=plain_desk, new=tmp_path / f"other{number}") for one in given])
        assert plain.code == told.code, (plain, told)
        if "error" in body:
            assert set(body["error"]) == {"code", "message", "detail", "cure"}
            assert all(body["error"].values())
            assert plain.err.startswith(f"remit: {body['error']['code']}: ")
            assert " Cure: " in plain.err


def test_json_may_stand_anywhere_after_the_name(remit: Run, desk: Path) -> None:
    for argv in (("--json", "agent", "list"), ("agent", "--json", "list"), ("agent", "list", "--json")):
        assert remit(*argv, "--config", desk).json == {"agents": []}


def test_what_names_no_command_is_json_too(remit: Run) -> None:
    assert remit("--json", "--version").json["version"]
    for argv in (("--json",), ("--json", "nothing"), ("serve", "--json", "--nothing")):
        ran = remit(*argv)
        assert (ran.code, ran.json["error"]["code"]) == (2, "request.malformed")
