"""Public replies written in the helpdesk itself, past the disclosure firewall: recorded and reported."""

import asyncio
from typing import Final

from remit.domain.errors import Code, Fault
from remit.domain.records import TaskRecord
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.engine.context import DeskContext
from remit.engine.leaks.scan_staff_text import scan_native_notes
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.helpdesk import NativeReply
from remit.ports.store import Commit, LimitReached, Reserve

_SCOPE: Final = "native_replies"
_TOLD: Final = "told"
_PAGE: Final = 100


async def report_native_replies(desk: DeskContext) -> int:
    """Report native replies since the last look, and return how many.

    Each is reported once, over all nodes and restarts: progress is a counter that moves with the entry. ⚔ The note is
    scanned for credentials alone: it enters no entry, notice or inbox.

    Source: docs/model/model.md#native-replies.
    """
    told = (await desk.store.counters(_SCOPE)).get(_TOLD, 0)
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            found = await desk.helpdesk.native_replies(after=told, limit=_PAGE)
    except (Fault, TimeoutError):
        return 0  # the next round asks again
    reported = 0
    for one in found:
        turn = Reserve(_SCOPE, _TOLD, one.place - told, one.place)
        try:
            reported += await _report(desk, one, turn)
        except LimitReached:
            return reported  # another node was faster
        except Fault as fault:
            if fault.code is not Code.FAULT_CASE:
                raise
            return reported  # the helpdesk went down in between: the next round asks again
        told = one.place
    return reported


async def _report(desk: DeskContext, reply: NativeReply, turn: Reserve) -> int:
    tasks = await desk.store.find(TaskRecord, "task.case", reply.case, limit=1, newest=True)
    if not tasks:
        await desk.store.commit(Commit(reserves=(turn,)))  # no agent's case
        return 0
    task = tasks[0].record
    await scan_native_notes(desk, task, since=reply.n)
    written = await seal_entries(desk, _entry(desk, task, reply))
    await desk.store.commit(Commit(reserves=(turn,), entries=written.rows))
    await desk.notify.incident(
        kind="native_public_reply",
        details={"case": task.case, "task": task.id, "note": str(reply.n), "by": reply.author},
    )
    return 1


def _entry(desk: DeskContext, task: TaskRecord, reply: NativeReply) -> EntryDraft:
    return draft_entry(
        desk,
        Kind.MESSAGE_BLOCKED,
        envelope={"task": task.id, "case": task.case, "note": reply.n, "why": "native_public_reply"},
        customer={"case": task.case, "note": reply.n},
        desk={"by": reply.author, "note": reply.n, "written_at": reply.at},
        subject=task.customer,
        refs=(task.id, task.case, task.customer),
    )
