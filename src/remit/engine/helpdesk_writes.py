"""Outbox records that write into a task's case at the helpdesk."""

from remit.domain.ids import timed_id
from remit.domain.records import NEVER, ActRecord, OutboxState
from remit.domain.values import Instant, JsonObject
from remit.engine.context import DeskContext
from remit.proof.canonical import canonical


def helpdesk_write(
    desk: DeskContext, payload: JsonObject, *, task: str, case: str, at: Instant, sent: bool = False, epochs: str = ""
) -> ActRecord:
    """Build the record of a write, queued, or `sent` by the commit that enters it.

    `epochs` are those of the permit that an agent's own write rests on.

    Source: docs/model/model.md#act-exactly-once.
    """
    return ActRecord(
        id=timed_id("act", at, desk.world.random(10)),
        ask="",
        task=task,
        case=case,
        door="helpdesk",
        payload=canonical(payload).decode(),
        state=OutboxState.SENT if sent else OutboxState.QUEUED,
        queued_at=at,
        sent_at=at if sent else NEVER,
        tries=1 if sent else 0,
        epochs=epochs,
    )


def helpdesk_note(
    desk: DeskContext, *, task: str, case: str, author: str = "remit", public: bool = False, text: str
) -> ActRecord:
    """Build the record of a note: Remit's own and internal where nothing else is said."""
    payload: JsonObject = {"do": "note", "public": public, "author": author, "text": text}
    return helpdesk_write(desk, payload, task=task, case=case, at=desk.world.now())
