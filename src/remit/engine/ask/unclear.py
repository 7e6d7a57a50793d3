"""Acts whose outcome cannot be found out: handed to an officer, never sent again, nothing released."""

from typing import Final

from remit.domain.ids import timed_id
from remit.domain.records import ActRecord, AskRecord, OutboxState
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Conflict, Put, Versioned
from remit.proof.canonical import canonical

_NOTE: Final = (
    "Remit sent {action} to the desk's system once and got no answer. Whether it was done cannot be found out, and it"
    " is not sent again. Look there, then say what became of it: remit act settle {act} --done, or --failed."
)


async def hand_to_officer(desk: DeskContext, act: Versioned[ActRecord], ask: Versioned[AskRecord] | None) -> None:
    """Take an act out of reconciliation, write an internal note into its case, and tell security.

    Its ask stays unknown and its reservations stay, so that nothing is used twice.

    Source: docs/model/model.md#act-exactly-once.
    """
    action = "" if ask is None else ask.record.action
    puts = [Put(act.record.over(OutboxState.UNCLEAR), act.rev, act.record), Put(_note(desk, act.record, action), 0)]
    try:
        await desk.store.commit(Commit(puts=tuple(puts)))
    except Conflict:
        return  # another node settled it
    details = {"act": act.record.id, "action": action, "case": act.record.case}
    await desk.notify.incident(kind="act_unclear", details=details)


def _note(desk: DeskContext, act: ActRecord, action: str) -> ActRecord:
    text = _NOTE.format(action=action, act=act.id)
    payload = {"do": "note", "public": False, "author": "remit", "text": text}
    now = desk.world.now()
    return ActRecord(
        id=timed_id("act", now, desk.world.random(10)),
        ask="",
        task=act.task,
        case=act.case,
        door="helpdesk",
        payload=canonical(payload).decode(),
        state=OutboxState.QUEUED,
        queued_at=now,
    )
