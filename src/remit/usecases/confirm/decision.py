"""The decision of an answered confirmation, as the people it asked see it later, and taking a yes back in time."""

from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    ConfirmationAnswer,
    ConfirmationRecord,
    ConfirmationState,
    OutboxState,
    PersonRecord,
)
from remit.domain.structs import struct
from remit.domain.values import JsonObject
from remit.engine.ask.reply import AskReply
from remit.engine.confirm.escalate import advance_due_invitation
from remit.engine.confirm.invite import rendering_in_language
from remit.engine.context import DeskContext
from remit.ports.store import Conflict, LimitReached, Put, RecordMissing, Versioned
from remit.usecases.confirm.answer import record_no

_TRIES: Final = 5
_ACTS: Final = 1_000
NO_ANSWER: Final = "none"
"""The answer of a confirmation that ended without one."""


@struct(frozen=True, kw_only=True)
class ConfirmationDecision:
    """A confirmation that this person has nothing to answer in any more.

    `given` is the answer that decided it, or the person's own while others are asked; None without one. `ask` is the
    one that acts: after a counter-offer, the lesser one. `undoable`: the person's own yes can be taken back.
    """

    confirmation: ConfirmationRecord
    rendering: JsonObject
    ask: AskRecord
    given: ConfirmationAnswer | None
    own: bool
    undoable: bool

    @property
    def answer(self) -> str:
        """Return the answer: yes, less, no, no_and_end, release, strip, or none."""
        return NO_ANSWER if self.given is None else self.given.answer


async def show_decision(
    desk: DeskContext, person: PersonRecord, confirmation_id: str, *, language: str = ""
) -> ConfirmationDecision:
    """Show a decision to one of its confirmers.

    ⚔ The customer it was asked of, and officers who have a role it was asked of; nobody else learns that it exists.

    Raises:
        Refused: `request.not_found`, also for another person's and for one that still waits for this person.
        Fault: `fault.store`.
    """
    try:
        kept = await desk.store.get(ConfirmationRecord, confirmation_id)
        ask = await desk.store.get(AskRecord, kept.record.ask)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such confirmation") from None
    if not await _was_asked(desk, kept.record, person):
        raise Refused(Code.REQUEST_NOT_FOUND, "another person's confirmation")
    if kept.record.state is ConfirmationState.WAITING and desk.world.now() >= kept.record.due:
        kept, ask = await advance_due_invitation(desk, kept)
    record = kept.record
    mine = next((one for one in reversed(record.answers) if one.person == person.id), None)
    if record.state is ConfirmationState.WAITING and mine is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "it waits for an answer")
    given = mine if record.state is ConfirmationState.WAITING else next(reversed(record.answers), None)
    if record.state is ConfirmationState.EXPIRED:
        given = None
    return ConfirmationDecision(
        confirmation=record,
        rendering=rendering_in_language(record, language),
        ask=await _acting(desk, ask.record),
        given=given,
        own=given is not None and given.person == person.id,
        undoable=mine is not None and await _undoable(desk, record, ask.record, mine) is not None,
    )


async def undo_yes(desk: DeskContext, person: PersonRecord, confirmation_id: str, *, language: str = "") -> AskReply:
    """Take back one's own yes while nothing was sent: it becomes a no, with everything that a no means.

    ⚔ Whether the act was sent is decided by its own record: voiding it and sending it move the same revision, so that
    exactly one of them happens. An act that another program carries out cannot be taken back here.

    Raises:
        Refused: `request.not_found` for another person's, `confirmation.replayed` when it is too late, `task.busy`.
        Fault: `fault.store`.

    Source: docs/model/model.md#confirm-answers.
    """
    for _ in range(_TRIES):
        try:
            kept = await desk.store.get(ConfirmationRecord, confirmation_id)
            ask = await desk.store.get(AskRecord, kept.record.ask)
        except RecordMissing:
            raise Refused(Code.REQUEST_NOT_FOUND, "no such confirmation") from None
        mine = next((one for one in reversed(kept.record.answers) if one.person == person.id), None)
        if mine is None or not await _was_asked(desk, kept.record, person):
            raise Refused(Code.REQUEST_NOT_FOUND, "this person said no yes to it")
        acts = await _undoable(desk, kept.record, ask.record, mine)
        if acts is None:
            public = marked("It's too late to undo this.")
            raise Refused(Code.CONFIRMATION_REPLAYED, "the act was sent, or it was decided", public=public)
        voided = tuple(Put(act.record.over(OutboxState.VOID), act.rev, act.record) for act in acts)
        try:
            return await record_no(desk, person, mine.confirms_as, kept, ask, ("no", language), also=voided)
        except (Conflict, LimitReached):
            continue
    raise Refused(Code.TASK_BUSY, "the ask kept changing", retry_after_s=1)


async def _undoable(
    desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, mine: ConfirmationAnswer
) -> list[Versioned[ActRecord]] | None:
    """Return the queued acts to void with a yes that can still be taken back; None where it cannot."""
    if mine.answer != "yes" or record.words or ask.enforcer:
        return None
    if record.state is ConfirmationState.WAITING and ask.state is AskState.WAITING:
        return []
    if record.state is not ConfirmationState.ANSWERED or ask.state is not AskState.PERMITTED:
        return None
    queued = await desk.store.find(ActRecord, "act.task", ask.task, limit=_ACTS)
    return [act for act in queued if act.record.ask == ask.id] or None


async def _was_asked(desk: DeskContext, record: ConfirmationRecord, person: PersonRecord) -> bool:
    """Return whether a confirmation was asked of this person, as the customer or for a role they have now."""
    if person.kind == "customer":
        return CUSTOMER in record.who and person.id == record.customer
    customer = (await desk.store.get(PersonRecord, record.customer)).record
    asked = {*record.who, *(one.confirms_as for one in record.answers if one.person == person.id)}
    return person.key != customer.key and any(f"{OFFICER}{role}" in asked for role in person.roles)


async def _acting(desk: DeskContext, ask: AskRecord) -> AskRecord:
    """Return the ask that acts: this one, or the lesser one that replaced it."""
    if ask.state is not AskState.COUNTERED:
        return ask
    try:
        return (await desk.store.get(AskRecord, ask.countered_by)).record
    except RecordMissing:
        return ask
