"""The whole command line: its commands and their exit codes."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, Final, NoReturn

from remit import __version__
from remit.cli.output import AdvisedError, CommandOutput, ExitCode, system_error
from remit.domain.errors import Code, Fault, Refused
from remit.domain.text.nearest import did_you_mean

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
    "completion": ("completion",),
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

    def __init__(self, *given: Any, **options: Any) -> None:  # noqa: ANN401  # argparse's own
        super().__init__(*given, **options)
        for action in self._actions:
            if isinstance(action, argparse._HelpAction):  # noqa: SLF001  # argparse has no other way
                action.help = "Show this help"

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message, self.prog)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuse a value that is none of the choices, naming the nearest one."""
        known = [str(one) for one in action.choices or ()]
        if known and str(value) not in known:
            near = did_you_mean(str(value), known) or f" (choose from {', '.join(known)})"
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{near}")


class _Version(argparse.Action):
    """Print the version, as JSON where the command line asks for it."""

    def __init__(self, option_strings: Sequence[str], dest: str, argv: Sequence[str] = (), **options: Any) -> None:  # noqa: ANN401  # argparse's own
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)
        self._argv = argv

    def __call__(self, parser: argparse.ArgumentParser, *_given: object) -> NoReturn:
        """Print it and leave."""
        CommandOutput(as_json="--json" in self._argv).tell({"version": __version__}, f"remit {__version__}")
        parser.exit()


def load(argv: Sequence[str]) -> tuple[ModuleType, ...]:
    """Load the module of the command that a command line names; all of them where it names none, or asks for help before."""
    command = next((word for word in argv if not word.startswith("-") or word in _HELP), "")
    named = [module for module, commands in _GROUPS.items() if command in commands]
    return tuple([importlib.import_module(f"remit.cli.{module}") for module in named or _GROUPS])


def make_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the parser of `remit`, with the command that a command line names; with all where it names none."""
    parser = _Parser(
        prog="remit",
        description="A gate between customers' AI agents and your support desk.",
        epilog="Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 something broke, 4 damage found, 130 interrupted.",
    )
    parser.add_argument("--version", action=_Version, argv=argv, help="Print the version")
    parser.add_argument("--json", action="store_true", help="Print the result as one JSON object")
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
        return _wrong(wrong, argv)
    if unknown:
        # `parse_args` would report it for `remit` itself, whose --help does not list the command's options.
        reached = parser_at(parser, argv)
        near = did_you_mean(unknown[0].partition("=")[0], options_of(reached)) if unknown[0].startswith("-") else ""
        return _wrong(_UsageError(f"unrecognized arguments: {' '.join(unknown)}{near}", reached.prog), argv)
    if args.command is None:
        if "--json" in argv:
            return _wrong(_UsageError("no command is given", parser.prog), argv)
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    return args


def subcommands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return a parser's subcommands, by name."""
    found = (one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001  # argparse has no other way
    return {name: sub for choices in found for name, sub in choices.items()}


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options that a parser shows in its --help, in their long form where they have one."""
    return [one.option_strings[-1] for one in parser._actions if one.option_strings and one.help != argparse.SUPPRESS]  # noqa: SLF001  # as above


def parser_at(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the innermost subcommand that a command line names."""
    for word in argv:
        parser = subcommands(parser).get(word, parser)
    return parser


def _wrong(wrong: _UsageError, argv: Sequence[str]) -> int:
    CommandOutput(as_json="--json" in argv).error(
        Refused(Code.REQUEST_MALFORMED, wrong.message), f"`{wrong.command} --help` shows how it is written."
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
