"""The officers' queue: take a waiting confirmation, or hand it over with a note."""

from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.confirm.confirmation import (
    ASSIGNMENT_MS,
    reassigned_to_role,
    verify_unassigned,
    with_assignment,
)
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.decision import Permit
from remit.domain.records import AskRecord, Assignment, ConfirmationRecord, PersonRecord
from remit.domain.secrets.find import find_secrets
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Instant, Json, instant_text
from remit.engine.ask.reevaluate import reevaluate_confirmed
from remit.engine.context import DeskContext
from remit.engine.leaks.revoke import revoke_leaked_in_text
from remit.engine.leaks.scan import LeakSource
from remit.engine.notices import invitation_notices
from remit.engine.people.accounts import verify_officer
from remit.engine.transcript.record import draft_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Precondition, Put, RecordMissing, Versioned
from remit.usecases.confirm.answer import open_invitation, verify_asked
from remit.usecases.confirm.queue_rows import eligible_recipients
from remit.usecases.desk.mentions import mentions_of

_TRIES: Final = 5
_MAX_NOTE_LENGTH: Final = 2000
_NOT_TAKEN: Final = marked(
    "Company policy doesn't let that role approve this. Hand it over to a colleague with your role, "
    "or answer it yourself."
)


@struct(frozen=True, kw_only=True)
class HandoverTarget:
    """The recipient of a hand-over: either a role or an officer's id, and a note for the desk."""

    role: str = ""
    person: str = ""
    note: str = ""


async def assign_to_self(desk: DeskContext, officer: PersonRecord, confirmation_id: str) -> Assignment:
    """Assign a waiting confirmation of one's role to oneself; taking it again renews the time.

    Raises:
        Refused: `confirmation.taken` while a colleague has it, `confirmation.wrong_person` for a person who may not
            answer it, `request.not_found`, `confirmation.expired`, `confirmation.replayed`, `task.busy`.
    """
    for _ in range(_TRIES):
        kept, ask = await open_invitation(desk, confirmation_id)
        word = await _word(desk, kept.record, ask.record, officer)
        taking = _taking(desk, word, officer)
        entry = _entry(
            desk,
            Kind.CONFIRMATION_TAKEN,
            ask.record,
            kept.record,
            {"as": word, "person": pseudonym(desk, officer.key)},
            {"by": officer.id},
        )
        try:
            await _keep(desk, kept, with_assignment(kept.record, taking), entry)
        except Conflict:
            continue
        return taking
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def hand_over(
    desk: DeskContext, officer: PersonRecord, confirmation_id: str, to: HandoverTarget
) -> ConfirmationRecord:
    """Hand a waiting confirmation to a colleague with that role, or to another role.

    ⚔ Only to a recipient whose yes counts: four eyes, floors, policies and escalation rules are evaluated as if they
    had confirmed already.

    Raises:
        Refused: as `assign_to_self`; `confirmation.wrong_person` where the recipient may not confirm it,
            `request.malformed`, `request.not_found` for an unknown recipient, `request.conflict` for oneself,
            `words.secret` for a note that carries one.
        Fault: the rules cannot be evaluated; nothing is handed over.
    """
    await revoke_leaked_in_text(desk, to.note, LeakSource(where="hand_over", person=officer.id), caller=officer.id)
    _verify_note(to)
    for _ in range(_TRIES):
        kept, ask = await open_invitation(desk, confirmation_id)
        word = await _word(desk, kept.record, ask.record, officer)
        if to.person:
            changed, preconditions, told = await _to_person(desk, officer, kept.record, ask.record, word, to.person)
        else:
            changed, preconditions, told = await _to_role(desk, kept.record, ask.record, word, to.role)
        gone, come = set(kept.record.who) - set(changed.who), set(changed.who) - set(kept.record.who)
        asked = replace(ask.record, who=tuple(sorted((set(ask.record.who) - gone) | come)))
        entry = _entry(
            desk,
            Kind.CONFIRMATION_HANDED,
            ask.record,
            changed,
            {"from": [word], "to": [f"{OFFICER}{to.role}" if to.role else word], "by": pseudonym(desk, officer.key)},
            {"by": officer.id, "to": to.person or to.role, "note": to.note, "due_at": instant_text(changed.due)},
        )
        try:
            notices = invitation_notices(desk, changed, to=(told,))
            named = await mentions_of(desk, officer, to.note, case=ask.record.case, confirmation=changed.id)
            more = (*((Put(asked, ask.rev, ask.record),) if come else ()), *notices.puts, *named)
            await _keep(desk, kept, changed, entry, preconditions=preconditions, more=more)
        except Conflict:
            continue
        await notices.log_unsent(desk)
        return changed
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def _word(desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, officer: PersonRecord) -> str:
    """Return the confirmer word this officer answers for, provided no colleague has it."""
    verify_officer(officer)
    word = await verify_asked(desk, record, ask, officer)
    if word == CUSTOMER:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "a customer's confirmation cannot be taken")
    verify_unassigned(record, word, person_key=officer.key, now=desk.world.now())
    return word


async def _to_person(
    desk: DeskContext, officer: PersonRecord, record: ConfirmationRecord, ask: AskRecord, word: str, person_id: str
) -> tuple[ConfirmationRecord, tuple[Precondition, ...], str]:
    try:
        kept = await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such officer") from None
    if kept.record.key == officer.key:
        raise Refused(
            Code.REQUEST_CONFLICT, "handed over to oneself", public=marked("You can't hand this over to yourself.")
        )
    if not await eligible_recipients(desk, record, ask, word, (kept.record,)):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"{person_id} may not answer for {word}",
            public=marked(
                "That colleague can't answer this. It needs someone with your role who hasn't answered yet and "
                "isn't the customer."
            ),
        )
    changed = with_assignment(record, _taking(desk, word, kept.record))
    return changed, (Precondition(PersonRecord.KIND, kept.record.id, kept.rev),), kept.record.id


async def _to_role(
    desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, word: str, role: str
) -> tuple[ConfirmationRecord, tuple[Precondition, ...], str]:
    if role not in desk.catalogue.roles:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such role")
    changed, to = reassigned_to_role(record, word, role, desk.world.now()), f"{OFFICER}{role}"
    state, evaluation = await reevaluate_confirmed(desk, ask, frozenset(changed.who))
    if not isinstance(evaluation.decision, Permit):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON, f"with {to} instead of {word} it would not be permitted", public=_NOT_TAKEN
        )
    found = [one.record for one in await desk.store.find(PersonRecord, "person.role", role, limit=200)]
    if not await eligible_recipients(desk, changed, ask, to, found):
        public = marked("No one with that role can answer this. Choose another role.")
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, f"nobody with {to} may answer it", public=public)
    return changed, (*state.preconditions, *evaluation.preconditions), to


def _verify_note(to: HandoverTarget) -> None:
    if bool(to.role) is bool(to.person):
        raise Refused(Code.REQUEST_MALFORMED, "a role or a person", public=marked("Choose one role or one colleague."))
    if len(to.note) > _MAX_NOTE_LENGTH:
        public = said("Enter at most {count} characters.", count=_MAX_NOTE_LENGTH)
        raise Refused(Code.REQUEST_MALFORMED, "the note is too long", public=public)
    if find_secrets(to.note):
        raise Refused(Code.WORDS_SECRET, "the note carries a secret")


def _taking(desk: DeskContext, word: str, person: PersonRecord) -> Assignment:
    until = Instant(desk.world.now() + ASSIGNMENT_MS)
    return Assignment(word=word, person=person.id, person_key=person.key, name=person.name or person.id, until=until)


def _entry(
    context: DeskContext,
    kind: Kind,
    ask: AskRecord,
    record: ConfirmationRecord,
    envelope: Mapping[str, Json],
    desk: Mapping[str, Json],
) -> EntryDraft:
    return draft_entry(
        context,
        kind,
        envelope={"ask": ask.id, "task": ask.task, "confirmation": record.id, "digest": record.digest, **envelope},
        desk=desk,
        subject=ask.customer,
        # ⚔ Not the ask: its agent's receipt has limited room, which repeated taking must not fill.
        refs=(ask.task,) if kind is Kind.CONFIRMATION_TAKEN else (ask.task, ask.customer),
    )


async def _keep(
    desk: DeskContext,
    kept: Versioned[ConfirmationRecord],
    changed: ConfirmationRecord,
    entry: EntryDraft,
    *,
    preconditions: tuple[Precondition, ...] = (),
    more: tuple[Put, ...] = (),
) -> None:
    written = await seal_entries(desk, entry)
    puts = (Put(changed, kept.rev, kept.record), *more)
    await desk.store.commit(Commit(preconditions=preconditions, puts=puts, entries=written.rows))
