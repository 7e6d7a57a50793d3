"""`remit act list|settle`: acts whose outcome nothing shows."""

import argparse

from remit.cli.output import CommandOutput, ExitCode, table
from remit.cli.shared import command_seat, common_options, desk_options, settings_of, with_desk
from remit.usecases.desk.unclear_acts import UnclearAct, list_unclear, settle_unclear
from remit.wiring import Desk

_HEAD = ("act", "action", "customer", "case", "sent at")


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser(
        "act", parents=[common_options()], help="Acts with an unknown outcome: list, settle"
    ).add_subparsers(dest="what", metavar="list|settle", required=True)
    listing = group.add_parser("list", parents=[desk_options()], help="List acts with an unknown outcome")
    listing.set_defaults(run=_list)
    settle = group.add_parser(
        "settle",
        parents=[desk_options()],
        help="Record what you found in the system about an act; nothing is sent",
    )
    settle.add_argument("act", metavar="ID", help="The id of the act")
    found = settle.add_mutually_exclusive_group(required=True)
    found.add_argument("--done", action="store_true", help="The system shows that it was done")
    found.add_argument("--failed", action="store_true", help="The system shows that it was not done")
    settle.add_argument("--as", dest="officer", required=True, metavar="ID", help="The officer who checked")
    settle.set_defaults(run=_settle)


def _list(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> list[UnclearAct]:
        return await list_unclear(desk.context)

    found = [one.row() for one in with_desk(settings_of(args), work)]
    rows = [[str(value) for value in row.values()] for row in found]
    lines = table(_HEAD, rows) if found else ["No act has an unknown outcome."]
    out.tell({"acts": found}, *lines)
    return ExitCode.OK


def _settle(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> None:
        await settle_unclear(desk.context, args.act, done=bool(args.done), officer=args.officer, seat=command_seat())

    with_desk(settings_of(args), work)
    word = "done" if args.done else "failed"
    out.tell({"act": args.act, "outcome": word}, f"{args.act} is recorded as {word}.")
    return ExitCode.OK
