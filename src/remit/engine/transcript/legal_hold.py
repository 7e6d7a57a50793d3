"""Legal holds on a customer's content, and closing of holds and contests."""

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.records import Contest, PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import erasure_blocker
from remit.engine.transcript.record import prepare_entry, pseudonym
from remit.ports.store import Commit, Precondition, Put, RecordMissing

NO_ENTRY = -1
"""The entry of a hold: a contest of no entry in particular."""


async def legal_hold(desk: DeskContext, *, customer: str, reason: str, by: PersonRecord) -> Contest:
    """Hold everything on the record about a customer, for a dispute or by order.

    Raises:
        Refused: `person.not_allowed`, `request.malformed` without a reason, `request.not_found` for an unknown id,
            `task.busy`.
    """
    _verify_officer(by)
    if not reason.strip():
        raise Refused(Code.REQUEST_MALFORMED, "a hold needs a reason", public=marked("Enter a reason."))
    try:
        kept = await desk.store.get(PersonRecord, customer)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such customer") from None
    made = Contest(
        id=new_id("con", desk.world.random(16)), customer=customer, entry=NO_ENTRY, text=reason, at=desk.world.now()
    )
    written = await prepare_entry(
        desk,
        Kind.CONTEST_RAISED,
        envelope={"contest": made.id, "hold": True, "customer": pseudonym(desk, customer)},
        desk={"by": by.id, "text": reason},
        refs=(customer, made.id),
    )
    preconditions = (Precondition(PersonRecord.KIND, customer, kept.rev),)
    await commit_retryable(
        desk,
        Commit(
            preconditions=preconditions,
            puts=(Put(made, 0),),
            reserves=(erasure_blocker(customer),),
            entries=written.rows,
        ),
    )
    return made


async def close_contest(desk: DeskContext, *, contest: str, outcome: str, by: PersonRecord) -> None:
    """Close a contest or lift a hold; closing a closed one changes nothing.

    Raises:
        Refused: `person.not_allowed`, `request.not_found`, `request.malformed` without an outcome, `task.busy`.
    """
    _verify_officer(by)
    if not outcome.strip():
        raise Refused(Code.REQUEST_MALFORMED, "settling needs an outcome", public=marked("Enter the outcome."))
    try:
        kept = await desk.store.get(Contest, contest)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such contest") from None
    if not kept.record.open:
        return
    written = await prepare_entry(
        desk,
        Kind.CONTEST_SETTLED,
        envelope={"contest": contest, "entry": kept.record.entry, "customer": pseudonym(desk, kept.record.customer)},
        customer=None if kept.record.entry == NO_ENTRY else {"outcome": outcome},
        desk={"by": by.id, "outcome": outcome},
        subject=kept.record.customer,
        refs=(kept.record.customer, contest),
    )
    await commit_retryable(
        desk, Commit(puts=(Put(replace(kept.record, open=False), kept.rev, kept.record),), entries=written.rows)
    )


def _verify_officer(by: PersonRecord) -> None:
    if by.kind != "officer" or by.paused:
        raise Refused(Code.PERSON_NOT_ALLOWED, "only an officer may do that")
