"""`remit demo`: a desk in a sandbox, hostile and honest agents, and a console. It lives in remit.sandbox.demo."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from remit.cli.output import AdvisedError, CommandOutput
from remit.cli.shared import LAST_PORT, common_options, whole_number
from remit.domain.errors import Code, Refused
from remit.sandbox.demo import commands
from remit.sandbox.demo.folder import PEOPLE, DemoFolder, DemoStopped
from remit.sandbox.demo.run import DemoOptions, command_line, run
from remit.sandbox.demo.screen import Screen

_FOLDER = ".demo"
_SMOKE_FOLDER = ".demo-smoke"
"""A check leaves the desk alone that somebody looks around in."""


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    demo = sub.add_parser(
        "demo",
        parents=[common_options()],
        help="Run honest and hostile agents against a sample desk, then look around",
        description="Create a sample desk, run agents against it as separate processes, compare the books, and leave the"
        " desk running. A later run serves the same desk again.",
        epilog="Exit code 1 when any attack got through, or honest work was not done.",
    )
    demo.add_argument("--smoke", action="store_true", help="Stop after the table")
    again = demo.add_mutually_exclusive_group()
    again.add_argument("--fresh", action="store_true", help="Start anew, even if the last run left a desk")
    again.add_argument("--keep", action="store_true", help="Serve the desk of the last run, or fail if there is none")
    demo.add_argument(
        "--port",
        type=whole_number(0, LAST_PORT),
        metavar="N",
        help="The port (default: 8080 or the next free one; 0: any)",
    )
    demo.add_argument(
        "--dir", metavar="DIR", help=f"The folder for the data (default: {_FOLDER}; {_SMOKE_FOLDER} with --smoke)"
    )
    beside = demo.add_mutually_exclusive_group()
    beside.add_argument(
        "--ask",
        action="store_true",
        help="Beside a running demo: let an agent ask, and wait for the answer",
    )
    demo.add_argument(
        "--for",
        dest="aim",
        choices=commands.AIMS,
        help="With --ask: who decides: the customer (default), or an officer about a request, a message or a file",
    )
    choices = sorted(commands.PEOPLE)
    beside.add_argument(
        "--act-as", choices=choices, help="Beside a running demo: decide as this person, without a browser"
    )
    beside.add_argument("--links", action="store_true", help="Beside a running demo: print new one-time links")
    beside.add_argument("--stop", action="store_true", help="Stop the running demo")
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace, out: CommandOutput) -> int:
    folder = DemoFolder(Path(args.dir or (_SMOKE_FOLDER if args.smoke else _FOLDER)))
    again = f"{command_line()} demo" + (f" --dir {args.dir}" if args.dir else "")
    stream = out.stderr if out.as_json else out.stdout
    screen = Screen(stream, coloured=stream.isatty() and not os.environ.get("NO_COLOR"))
    if args.aim and not args.ask:
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, "--for says what --ask asks for"), "Add --ask.")
    try:
        if args.ask or args.act_as or args.links or args.stop:
            code, report = _beside(args, folder, screen, again)
            if out.as_json:
                out.tell(report)
            return code
        return run(
            DemoOptions(
                folder=folder,
                screen=screen,
                again=again,
                port=args.port,
                smoke=args.smoke,
                keep=args.keep,
                fresh=args.fresh or args.smoke,
                report=lambda told: out.tell(told) if out.as_json else None,
            )
        )
    except DemoStopped as stopped:
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, stopped.line), stopped.cure) from None


def _beside(args: argparse.Namespace, folder: DemoFolder, screen: Screen, again: str) -> tuple[int, dict[str, Any]]:
    """Run a command beside a running demo; return exit code and report."""
    if args.ask:
        return commands.ask(folder, screen, again, args.aim or "customer")
    if args.links:
        return commands.more_links(folder, screen, again)
    if args.stop:
        return commands.halt(folder, screen)
    _verify_played(folder)
    return commands.act_as(folder, screen, again, args.act_as, lambda question: _read(question, screen))


def _verify_played(folder: DemoFolder) -> None:
    """Verify that no demo is still starting: none of its people exists yet."""
    if folder.is_held() and not folder.kept(PEOPLE).get("people"):
        raise DemoStopped("the demo is still starting.", "Wait until it has printed its links.")


def _read(question: str, screen: Screen) -> str:
    """Read a line from the terminal; "" at the end of the input."""
    screen.out.write(question)
    screen.out.flush()
    return sys.stdin.readline()
