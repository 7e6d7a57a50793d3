"""The whole command line: its commands and their exit codes."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Final, NoReturn

from remit import __version__
from remit.cli.output import AdvisedError, CommandOutput, ExitCode, system_error
from remit.domain.errors import Code, Fault, Refused

_LOG = logging.getLogger("remit.cli")
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "init": ("init", "check"),
    "serve": ("serve", "migrate"),
    "desk": ("desk",),
    "check_backoffice": ("check-backoffice",),
    "importing": ("import",),
    "join": ("join",),
    "demo": ("demo",),
    "agents": ("agent",),
    "people": ("person",),
    "mandates": ("mandate",),
    "acts": ("act",),
    "canaries": ("canary",),
    "events": ("events",),
    "policies": ("policy",),
    "verify": ("verify", "verify-log"),
    "export": ("export",),
    "report": ("report",),
    "doctor": ("doctor",),
    "recover": ("recover", "rotate-keys"),
    "codes": ("codes",),
}
"""The commands, by the module that is loaded for them: a desk that serves holds no demo, no doctor and no client."""


_HELP: Final = frozenset({"-h", "--help"})


class _UsageError(Exception):
    """A wrongly written command, with the command whose --help explains it."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message, command)
        self.message = message
        self.command = command


class _Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others, instead of a page of usage. Its subcommands are of the same class."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message, self.prog)


def load(argv: Sequence[str]) -> tuple[ModuleType, ...]:
    """Load the module of the command that a command line names; all of them where it names none, or asks for help before."""
    command = next((word for word in argv if not word.startswith("-") or word in _HELP), "")
    named = [module for module, commands in _GROUPS.items() if command in commands]
    return tuple([importlib.import_module(f"remit.cli.{module}") for module in named or _GROUPS])


def make_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the parser of `remit`, with the command that a command line names; with all where it names none."""
    parser = _Parser(
        prog="remit",
        description="A gate in front of a support desk for AI agents that speak for customers.",
        epilog="Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 something broke, 4 damage found.",
    )
    parser.add_argument("--version", action="version", version=f"remit {__version__}")
    parser.add_argument(
        "--json", action="store_true", help="tell the result as one JSON object, before a command or after it"
    )
    sub = parser.add_subparsers(dest="command", metavar="COMMAND")
    for group in load(argv):
        group.add_parser(sub)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. No refusal or fault ends in a traceback."""
    args = _read(argv)
    if isinstance(args, int):
        return args
    out = CommandOutput(as_json=bool(args.json))
    try:
        return int(args.run(args, out))
    except KeyboardInterrupt:
        out.note("remit: stopped before it was done; run it again.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; nothing more can be said to them, not even at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as broken:  # noqa: BLE001  # the last place there is: people get one line, never a traceback
        return _failed(broken, out)


def _read(argv: Sequence[str]) -> argparse.Namespace | int:
    """Parse the arguments; return the exit code instead where there is nothing to run."""
    parser = make_parser(argv)
    try:
        args, unknown = parser.parse_known_args(argv)
    except SystemExit as ended:
        return int(ended.code or 0)
    except _UsageError as wrong:
        return _wrong(wrong.message, wrong.command, argv)
    if unknown:
        # `parse_args` would report it for `remit` itself, whose --help does not list the command's options.
        command = f"{parser.prog} {args.command or ''}".rstrip()
        return _wrong(f"unrecognized arguments: {' '.join(unknown)}", command, argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    return args


def _wrong(message: str, command: str, argv: Sequence[str]) -> int:
    CommandOutput(as_json="--json" in argv).error(
        Refused(Code.REQUEST_MALFORMED, message), f"`{command} --help` shows how it is written."
    )
    return ExitCode.USAGE


def _failed(broken: Exception, out: CommandOutput) -> int:
    match broken:
        case AdvisedError():
            return out.error(broken.error, broken.cure)
        case Refused() | Fault():
            return out.error(broken)
        case OSError():
            return out.error(system_error(broken))
        case _:
            _LOG.debug("unexpected", exc_info=broken, extra={"event": "command.broken"})
            cure = "This is a mistake in Remit: report this line and the command that was run."
            return out.error(Fault(Code.FAULT_INTERNAL, f"{type(broken).__name__}: {broken}"), cure)
