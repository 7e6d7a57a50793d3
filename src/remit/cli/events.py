"""`remit events`: this desk's stream at a transmitter of security events."""

import argparse
import secrets

from remit.cli.output import CommandOutput, ExitCode
from remit.cli.shared import desk_options, settings_of
from remit.domain.events.records import Delivery
from remit.wiring import STREAM_ACTIONS, manage_stream


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = sub.add_parser(
        "events",
        parents=[desk_options()],
        help="Manage your stream at a transmitter of security events",
        description="Ask a transmitter of [[events.transmitters]] about this desk's stream there, with the token of its "
        "manage_token_file (docs/events.md).",
    )
    parser.add_argument("action", choices=STREAM_ACTIONS, metavar="|".join(STREAM_ACTIONS), help="What to do")
    parser.add_argument("name", metavar="NAME", help="The transmitter's name in the settings")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, out: CommandOutput) -> int:
    state = secrets.token_urlsafe(12)
    found = manage_stream(settings_of(args), args.name, args.action, state=state)
    lines = [f"{name}: {value}" for name, value in found.items()]
    delivery = found.get("delivery")
    if args.action == "create" and isinstance(delivery, dict) and delivery.get("method") == Delivery.POLL:
        lines.append(f'Write poll_url = "{delivery.get("endpoint_url")}" into its table, and start the desk again.')
    if args.action == "verify":
        lines.append(f"Asked for a verification event with state {state}; it is noted in the log of the process.")
    out.tell({"stream": dict(found)}, *(lines or ["Done."]))
    return ExitCode.OK
