"""Public replies written in the helpdesk itself: drafts of an officer that Remit checks and sends, or incidents.

Source: docs/model/model.md#native-replies.
"""

import asyncio
from typing import Final

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.records import PersonRecord, TaskRecord
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.engine.ask.outbox import dispatch_act
from remit.engine.context import DeskContext
from remit.engine.helpdesk_writes import helpdesk_note
from remit.engine.incidents import commit_with_incident
from remit.engine.leaks.scan_staff_text import scan_native_notes
from remit.engine.people.accounts import desk_officer
from remit.engine.transcript.record import draft_entry
from remit.ports.helpdesk import CaseNote, NativeReply
from remit.ports.store import Commit, LimitReached, Put, Reserve
from remit.usecases.reply_to_agent import DraftReply, reply_to_agent

_SCOPE: Final = "native_replies"
_TOLD: Final = "told"
_PAGE: Final = 100
_UNREAD_MS: Final = 900_000
"""Age of a reply from which on the others wait no longer for a case that cannot be read."""
_SENT: Final = "Remit sent this reply to the agent."
_KEPT: Final = "Remit did not send this reply to the agent: {reason} Write it anew on {page}"


async def take_native_replies(desk: DeskContext) -> int:
    """Take up native replies since the last look, and return how many.

    Each is taken once, over all nodes and restarts: progress is a counter that moves with what is recorded of it.

    Source: docs/model/model.md#native-replies.
    """
    told = (await desk.store.counters(_SCOPE)).get(_TOLD, 0)
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            found = await desk.helpdesk.native_replies(after=told, limit=_PAGE)
    except (Fault, TimeoutError):
        return 0  # the next round asks again
    taken = 0
    for one in found:
        turn = Reserve(_SCOPE, _TOLD, one.place - told, one.place)
        try:
            taken += await _take(desk, one, turn)
        except LimitReached:
            return taken  # another node was faster
        except Fault as fault:
            if fault.code is not Code.FAULT_CASE:
                raise
            return taken  # the helpdesk went down in between: the next round asks again
        told = one.place
    return taken


async def _take(desk: DeskContext, reply: NativeReply, turn: Reserve) -> int:
    tasks = await desk.store.find(TaskRecord, "task.case", reply.case, limit=1, newest=True)
    if not tasks:
        await desk.store.commit(Commit(reserves=(turn,)))  # no agent's case
        return 0
    task = tasks[0].record
    try:
        await _take_up(desk, task, reply, turn)
    except Fault as fault:
        # ⚔ The helpdesk answers, and this case stays unreadable: it must not hold back the replies in all others.
        if fault.code is not Code.FAULT_CASE or desk.world.now() < reply.at + _UNREAD_MS:
            raise
        await _report(desk, task, reply, turn)
    return 1


async def _take_up(desk: DeskContext, task: TaskRecord, reply: NativeReply, turn: Reserve) -> None:
    notes = await scan_native_notes(desk, task, since=reply.n)
    officer = await _author(desk, reply, task)
    note = next((one for one in notes if one.n == reply.n and one.native and one.public), None)
    if officer is None or note is None:
        await _report(desk, task, reply, turn)
    else:
        await _send(desk, task, reply, note, officer, turn)


async def _author(desk: DeskContext, reply: NativeReply, task: TaskRecord) -> PersonRecord | None:
    """Return the one officer with the author's address, who may answer in this case.

    ⚔ An address that several people have, or nobody, speaks for no officer; a customer is not their own desk.
    """
    found = await desk.store.find(PersonRecord, "person.email", reply.address.lower(), limit=2)
    officers = [kept.record for kept in found if kept.record.kind == "officer"]
    if len(found) != 1 or len(officers) != 1:
        return None
    try:
        desk_officer(desk, officers[0])
    except Refused:
        return None
    customer = await desk.store.get(PersonRecord, task.customer)
    return None if customer.record.key == officers[0].key else officers[0]


async def _send(
    desk: DeskContext, task: TaskRecord, reply: NativeReply, note: CaseNote, officer: PersonRecord, turn: Reserve
) -> None:
    """Send a draft as its officer's reply, or say in the case why it was not sent. ⚔ A draft binds nobody."""
    try:
        await reply_to_agent(desk, officer, reply.case, note.text, withhold=False, draft=DraftReply(turn, _SENT))
    except Refused as refused:
        if refused.code is Code.TASK_BUSY:
            return  # the next round takes it up again
        if refused.code in {Code.TASK_ENDED, Code.REQUEST_NOT_FOUND}:
            await _report(desk, task, reply, turn)
            return
        await _send_back(desk, task, turn, reason=str(refused.public or MEANINGS[refused.code].title))


async def _send_back(desk: DeskContext, task: TaskRecord, turn: Reserve, *, reason: str) -> None:
    """Note in the case why a draft was not sent. ⚔ The reason repeats nothing of the draft."""
    page = f"{desk.terms.issuer}/desk/cases/{task.case}"
    note = helpdesk_note(desk, task=task.id, case=task.case, text=_KEPT.format(reason=reason, page=page))
    await desk.store.commit(Commit(puts=(Put(note, 0),), reserves=(turn,)))
    try:
        await dispatch_act(desk, note.id)
    except Fault:
        return  # it stays in the outbox


async def _report(desk: DeskContext, task: TaskRecord, reply: NativeReply, turn: Reserve) -> None:
    cause = IncidentCause(
        kind=IncidentKind.NATIVE_REPLY,
        agent=task.client_id,
        operator=task.operator,
        customer=task.customer,
        case=task.case,
        task=task.id,
    )
    await commit_with_incident(desk, cause, _entry(desk, task, reply), Commit(reserves=(turn,)))
    await desk.notify.incident(
        kind="native_public_reply",
        details={"case": task.case, "task": task.id, "note": str(reply.n), "by": reply.author},
    )


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
