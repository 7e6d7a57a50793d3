"""Each command loads its own module alone, and is found whether or not it is named first."""

import subprocess
import sys

import pytest

from remit.cli import main
from remit.cli.main import make_parser


def commands(*argv: str) -> list[str]:
    [sub] = [one for one in make_parser(argv)._actions if one.dest == "command"]
    return list(sub.choices or ())


@pytest.mark.parametrize("module", main._GROUPS)
def test_a_module_has_the_commands_that_it_is_listed_with(module: str) -> None:
    for command in main._GROUPS[module]:
        assert commands(command) == list(main._GROUPS[module])
        assert commands("--json", command, "--help") == list(main._GROUPS[module])


@pytest.mark.parametrize("argv", [(), ("--help",), ("--help", "serve"), ("--json", "-h", "doctor"), ("sreve",), ("",)])
def test_all_commands_are_there_where_none_is_named(argv: tuple[str, ...]) -> None:
    assert commands(*argv) == [command for module in main._GROUPS.values() for command in module]


def test_a_server_holds_no_demo_and_no_client() -> None:
    code = "import sys; from remit.cli.main import load; load(['serve']); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unused = ("remit.client", "remit.sandbox.demo", "remit.cli.doctor", "joserfc")
    assert [name for name in run.stdout.split() if name.startswith(unused)] == []
    assert "remit.cli.serve" in run.stdout.split()
