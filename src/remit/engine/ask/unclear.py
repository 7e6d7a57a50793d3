"""Acts whose outcome cannot be found out: handed to an officer, never sent again, nothing released."""

from typing import Final

from remit.domain.records import ActRecord, AskRecord, OutboxState
from remit.engine.context import DeskContext
from remit.engine.helpdesk_writes import helpdesk_note
from remit.ports.store import Commit, Conflict, Put, Versioned

_NOTE: Final = (
    "Remit sent {action} to the company's system once and got no answer. Remit cannot find out whether it was done and"
    " does not send it again. Check there, then enter the outcome: remit act settle {act} --done, or --failed."
)


async def hand_to_officer(desk: DeskContext, act: Versioned[ActRecord], ask: Versioned[AskRecord] | None) -> None:
    """Take an act out of reconciliation, write an internal note into its case, and tell security.

    Its ask stays unknown and its reservations stay, so that nothing is used twice.

    Source: docs/model/model.md#act-exactly-once.
    """
    action = "" if ask is None else ask.record.action
    record = act.record
    note = helpdesk_note(desk, task=record.task, case=record.case, text=_NOTE.format(action=action, act=record.id))
    try:
        await desk.store.commit(Commit(puts=(Put(record.over(OutboxState.UNCLEAR), act.rev, record), Put(note, 0))))
    except Conflict:
        return  # another node settled it
    details = {"act": record.id, "action": action, "case": record.case}
    await desk.notify.incident(kind="act_unclear", details=details)
