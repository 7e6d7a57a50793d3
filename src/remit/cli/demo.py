"""`remit demo`: a desk in a sandbox, hostile and honest agents, and a console. It lives in remit.sandbox.demo."""

import argparse
import os
import sys
from pathlib import Path

from remit.cli.output import AdvisedError, CommandOutput
from remit.cli.shared import LAST_PORT, common_options, whole_number
from remit.domain.errors import Code, Refused
from remit.sandbox.demo import commands
from remit.sandbox.demo.folder import PEOPLE, DemoFolder, DemoStopped
from remit.sandbox.demo.run import DemoOptions, command_line, run
from remit.sandbox.demo.screen import Screen

_FOLDER = ".demo"


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    demo = sub.add_parser(
        "demo",
        parents=[common_options()],
        help="see honest and hostile agents at an invented desk, then look around in it",
        description="Make an invented desk, run agents against it as separate processes, compare the books, and leave the console running.",
        epilog="Exit code 1 when any attack got through, or honest work was not done.",
    )
    demo.add_argument("--smoke", action="store_true", help="end after the table")
    demo.add_argument("--keep", action="store_true", help="serve the desk of the last run again, without agents")
    demo.add_argument(
        "--port",
        type=whole_number(0, LAST_PORT),
        metavar="N",
        help="the desk's port (default: 8080 or the next free one; 0: any)",
    )
    demo.add_argument(
        "--dir", default=_FOLDER, metavar="DIR", help=f"where the demo keeps its data (default: {_FOLDER})"
    )
    beside = demo.add_mutually_exclusive_group()
    beside.add_argument(
        "--ask",
        action="store_true",
        help="beside a running demo: have an agent ask for a refund, and wait for the answer",
    )
    choices = sorted(commands.PEOPLE)
    beside.add_argument("--act-as", choices=choices, help="beside a running demo: answer what waits, without a browser")
    beside.add_argument("--links", action="store_true", help="beside a running demo: make new one-time login links")
    beside.add_argument("--stop", action="store_true", help="stop the demo that runs")
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace, out: CommandOutput) -> int:
    folder = DemoFolder(Path(args.dir))
    again = f"{command_line()} demo" + ("" if args.dir == _FOLDER else f" --dir {args.dir}")
    stream = out.stderr if out.as_json else out.stdout
    screen = Screen(stream, coloured=stream.isatty() and not os.environ.get("NO_COLOR"))
    try:
        if args.ask:
            return commands.ask(folder, screen, again)
        if args.act_as:
            _verify_played(folder)
            return commands.act_as(folder, screen, again, args.act_as, _read)
        if args.links:
            return commands.more_links(folder, screen, again)
        if args.stop:
            return commands.halt(folder, screen)
        return run(
            DemoOptions(
                folder=folder,
                screen=screen,
                again=again,
                port=args.port,
                smoke=args.smoke,
                keep=args.keep,
                report=lambda told: out.tell(told) if out.as_json else None,
            )
        )
    except DemoStopped as stopped:
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, stopped.line), stopped.cure) from None


def _verify_played(folder: DemoFolder) -> None:
    """Verify that no demo is still starting: none of its people exists yet."""
    if folder.is_held() and not folder.kept(PEOPLE).get("people"):
        raise DemoStopped("the demo is still starting: nobody is there yet.", "Wait until it has printed its links.")


def _read(question: str) -> str:
    """Read a line from the terminal; "" at the end of the input."""
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline()
