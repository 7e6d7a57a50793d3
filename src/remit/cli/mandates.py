"""`remit mandate show|revoke`: show one mandate, or revoke it for the desk."""

import argparse
import json

from remit.cli.output import CommandOutput, ExitCode
from remit.cli.shared import command_seat, common_options, desk_options, settings_of, with_desk
from remit.domain.errors import Code, Refused
from remit.domain.records import MandateRecord, TaskRecord
from remit.domain.values import instant_text
from remit.engine.mandates.revoke import RevocationResult, revoke_mandate
from remit.ports.store import RecordMissing
from remit.usecases.mandates.state import mandate_state
from remit.wiring import Desk


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser("mandate", parents=[common_options()], help="Mandates: show, revoke").add_subparsers(
        dest="what", metavar="show|revoke", required=True
    )
    show = group.add_parser("show", parents=[desk_options()], help="Show a mandate and how it was used")
    show.add_argument("mandate", metavar="MANDATE", help="The id of the mandate")
    show.set_defaults(run=_show)
    revoke = group.add_parser("revoke", parents=[desk_options()], help="Revoke a mandate and end its tasks")
    revoke.add_argument("mandate", metavar="MANDATE", help="The id of the mandate")
    revoke.set_defaults(run=_revoke)


def _show(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> tuple[MandateRecord, str, list[TaskRecord]]:
        try:
            record = (await desk.context.store.get(MandateRecord, args.mandate)).record
        except RecordMissing:
            raise Refused(Code.MANDATE_UNKNOWN, f"there is no mandate {args.mandate}") from None
        tasks = await desk.context.store.find(TaskRecord, "task.mandate", record.id, limit=1000)
        return record, (await mandate_state(desk.context, record)).value, [kept.record for kept in tasks]

    record, state, tasks = with_desk(settings_of(args), work, on_page=True)
    granted = json.loads(record.wire)
    body = {
        "mandate": record.id,
        "state": state,
        "version": record.version,
        "customer": record.customer,
        "agent": record.client_id,
        "operator": record.operator,
        "granted_at": instant_text(record.granted_at),
        "expires_at": instant_text(record.expires_at),
        "authorization_details": [granted],
        "tasks": [{"task": one.id, "state": one.state.value, "reason": one.reason, "case": one.case} for one in tasks],
    }
    out.tell(
        body,
        f"{record.id} is {state} (version {record.version})",
        f"  customer  {record.customer}",
        f"  agent     {record.client_id} of {record.operator}",
        f"  granted   {instant_text(record.granted_at)}, until {instant_text(record.expires_at)}",
        f"  tasks     {len(tasks)} of {record.max_tasks}",
        *(f"    {one.id}  {one.state.value}{f': {one.reason}' if one.reason else ''}" for one in tasks),
        json.dumps(granted, indent=2, ensure_ascii=False),
    )
    return ExitCode.OK


def _revoke(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> RevocationResult:
        return await revoke_mandate(desk.context, args.mandate, customer=None, by=command_seat())

    stopped = with_desk(settings_of(args), work, on_page=True)
    body = {
        "mandate": args.mandate,
        "state": "revoked",
        "tasks": [one.task for one in stopped.tasks],
        "took_ms": stopped.took_ms,
    }
    out.tell(body, f"{args.mandate} is revoked; {len(stopped.tasks)} open tasks ended in {stopped.took_ms} ms.")
    return ExitCode.OK
