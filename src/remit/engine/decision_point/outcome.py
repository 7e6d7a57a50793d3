"""Outcomes of acts that a caller of the decision point carried out."""

from collections.abc import Mapping

from remit.domain.records import AskRecord
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.transcript.record import PreparedEntries, draft_entry, seal_entries


async def write_outcome(desk: DeskContext, ask: AskRecord, *, outcome: str, reason: str = "") -> PreparedEntries:
    """Seal the entry of an outcome as its caller told it: the desk has seen no result of it."""
    empty: Mapping[str, str] = {}
    told = f"carried out by {ask.enforcer}"
    return await seal_entries(
        desk,
        draft_entry(
            desk,
            Kind.ACT_PERFORMED,
            envelope={"ask": ask.id, "task": ask.task, "action": ask.action, "digest": ask.digest, "outcome": outcome},
            agent={"result": empty, "withheld": 0, "reason": told},
            customer={"result": empty, "reason": told},
            desk={"result": empty, "reason": reason or told, "confirmed_by": list(ask.confirmed_by)},
            subject=ask.customer,
            refs=(ask.id, ask.task, ask.customer),
        ),
    )
