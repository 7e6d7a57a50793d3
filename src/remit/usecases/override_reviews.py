"""Reviews of overridden replies: a second person agrees or objects, once, on the record."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.records import OverrideReview, PersonRecord, ReviewState
from remit.domain.secrets.find import find_secrets, redact
from remit.domain.structs import replace
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.people.names import name_of
from remit.engine.transcript.record import draft_entry, entry_row, seal_entries
from remit.ports.store import Commit, Conflict, Precondition, Put, RecordMissing
from remit.usecases.transcript.officers_named import names_officers

ANSWERS: Final[Mapping[str, ReviewState]] = {"agree": ReviewState.AGREED, "object": ReviewState.OBJECTED}
_PAGE: Final = 100
_MAX_NOTE_LENGTH: Final = 500
_ANOTHER: Final = marked("Another person must review this.")


async def list_override_reviews(desk: DeskContext, *, reader: str = "") -> list[Mapping[str, Json]]:
    """List the overridden replies that a second person should look at, oldest first; erased ones without their text.

    ⚔ Where the desk does not name officers to security, only those of the `reader` are named.
    """
    found = await desk.store.find(OverrideReview, "override.open", "", limit=_PAGE)
    return [await _row(desk, one.record, reader) for one in found]


async def count_override_reviews(desk: DeskContext) -> int:
    """Count the overridden replies that a second person should look at."""
    return len(await desk.store.find(OverrideReview, "override.open", "", limit=_PAGE))


async def _row(desk: DeskContext, review: OverrideReview, reader: str) -> Mapping[str, Json]:
    by = review.by if review.by == reader or names_officers(desk, "security") else ""
    row: dict[str, Json] = {
        "id": review.id,
        "case": review.case,
        "by": by,
        "by_name": await name_of(desk, PersonRecord, by) if by else "",
        "at": instant_text(review.at),
        "state": review.state.value,
    }
    told: Mapping[str, Json] = {}
    for entry in await desk.store.entries(ref=review.id, limit=1):
        content = (await entry_row(desk, entry))["content"]
        told = content if isinstance(content, Mapping) else {}
    return {
        **row,
        "attributes": told.get("attributes", []),
        "reason": told.get("reason", ""),
        "text": told.get("text", ""),
        "erased": not told,
    }


async def review_override(
    desk: DeskContext, person: PersonRecord, review_id: str, answer: str, note: str
) -> OverrideReview:
    """Record a second person's answer; an objection is an incident.

    ⚔ Neither the officer whose reply it was, by another account of theirs, nor the customer whose case it is.

    Raises:
        Refused: `request.malformed`, `request.not_found` (also once it was answered), `person.not_allowed`,
            `task.busy`.
        Fault: `fault.store`.

    Source: docs/model/model.md#override.
    """
    state = ANSWERS.get(answer)
    if state is None or len(note) > _MAX_NOTE_LENGTH:
        public = marked("Answer “agree” or “object”, with a note of at most 500 characters.")
        raise Refused(Code.REQUEST_MALFORMED, "neither agree nor object", public=public)
    try:
        kept = await desk.store.get(OverrideReview, review_id)
    except RecordMissing:
        kept = None
    if kept is None or kept.record.state is not ReviewState.OPEN:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such review is open")
    review = kept.record
    customer = await desk.store.get(PersonRecord, review.customer)
    author = await desk.store.get(PersonRecord, review.by)
    if person.key in {review.by_key, author.record.key, customer.record.key}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the same person", public=_ANOTHER)
    reviewer = await desk.store.get(PersonRecord, person.id)
    done = replace(review, state=state, reviewed_by=person.id, reviewed_at=desk.world.now())
    draft = draft_entry(
        desk,
        Kind.REPLY_REVIEWED,
        envelope={"case": review.case, "answer": answer},
        desk={"by": person.id, "sent_by": review.by, "answer": answer, "note": redact(note, find_secrets(note))},
        subject=review.customer,
        refs=(review.id, review.case),
    )
    standing = Precondition(PersonRecord.KIND, person.id, reviewer.rev)
    answered = Commit(preconditions=(standing,), puts=(Put(done, kept.rev, review),))
    try:
        await _commit(desk, done, draft, answered)
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it was answered meanwhile", retry_after_s=1) from None
    if state is ReviewState.OBJECTED:
        await desk.notify.incident(
            kind="override_objected", details={"case": review.case, "by": review.by, "reviewed_by": person.id}
        )
    return done


async def _commit(desk: DeskContext, review: OverrideReview, draft: EntryDraft, answered: Commit) -> None:
    """Commit an answer with its entry; an objection opens an incident with it, or joins one: all of it, or nothing."""
    if review.state is not ReviewState.OBJECTED:
        written = await seal_entries(desk, draft)
        await desk.store.commit(replace(answered, entries=written.rows))
        return
    cause = IncidentCause(kind=IncidentKind.OVERRIDE_OBJECTED, customer=review.customer, case=review.case)
    await commit_with_incident(desk, cause, draft, answered)


def review_row(review: OverrideReview) -> Mapping[str, Json]:
    """Return an answered review."""
    return {
        "id": review.id,
        "case": review.case,
        "by": review.by,
        "state": review.state.value,
        "reviewed_by": review.reviewed_by,
    }
