"""`remit canary add|list|remove`: planted values that only an excessive reader finds."""

import argparse
import sys
from collections.abc import Mapping

from remit.cli.output import CommandOutput, ExitCode, table
from remit.cli.shared import command_seat, common_options, desk_options, settings_of, with_desk
from remit.domain.records import CanaryRecord
from remit.domain.secrets.canaries import CanaryKind
from remit.domain.values import Json
from remit.usecases.canaries import NewCanary, canary_row, list_canaries, plant_canary, remove_canary
from remit.wiring import Desk


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser("canary", parents=[common_options()], help="Canaries: add, list, remove").add_subparsers(
        dest="what", metavar="add|list|remove", required=True
    )
    add = group.add_parser("add", parents=[desk_options()], help="Plant a canary")
    choices = [one.value for one in CanaryKind]
    add.add_argument(
        "--kind", default=CanaryKind.TOKEN.value, choices=choices, help="The form of the decoy value (default: token)"
    )
    add.add_argument("--name", required=True, metavar="TEXT", help="The name of the canary")
    add.add_argument(
        "--place",
        required=True,
        metavar="TEXT",
        help="Where you put it, to know later what was read",
    )
    add.add_argument(
        "--value-from-stdin",
        action="store_true",
        help="Read the value from standard input, one line",
    )
    add.set_defaults(run=_add)
    listing = group.add_parser("list", parents=[desk_options()], help="List canaries, without their values")
    listing.set_defaults(run=_list)
    remove = group.add_parser("remove", parents=[desk_options()], help="Remove a canary")
    remove.add_argument("canary", metavar="ID", help="The id of the canary")
    remove.set_defaults(run=_remove)


def _add(args: argparse.Namespace, out: CommandOutput) -> int:
    value = sys.stdin.readline().strip() if args.value_from_stdin else ""
    new = NewCanary(kind=args.kind, name=args.name, place=args.place, value=value)

    async def work(desk: Desk) -> tuple[CanaryRecord, str]:
        return await plant_canary(desk.context, new, by=command_seat())

    record, planted = with_desk(settings_of(args), work, on_page=True)
    out.tell(
        {**canary_row(record), "value": planted},
        f"{record.name} is ready ({record.id}). Put this value into: {record.place}",
        planted,
        "This is the only time it is shown: Remit keeps a keyed digest only.",
    )
    return ExitCode.OK


def _list(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> list[Mapping[str, Json]]:
        return await list_canaries(desk.context)

    found = with_desk(settings_of(args), work, on_page=True)
    rows = [tuple(str(one[name]) for name in ("id", "kind", "name", "place", "by", "at")) for one in found]
    lines = (
        table(("id", "kind", "name", "place", "by", "planted"), rows)
        if rows
        else ["No canary is planted yet: `remit canary add`."]
    )
    out.tell({"canaries": [dict(one) for one in found]}, *lines)
    return ExitCode.OK


def _remove(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> CanaryRecord:
        return await remove_canary(desk.context, args.canary, by=command_seat())

    record = with_desk(settings_of(args), work, on_page=True)
    out.tell({"removed": record.id}, f"{record.name} is removed ({record.id}).")
    return ExitCode.OK
