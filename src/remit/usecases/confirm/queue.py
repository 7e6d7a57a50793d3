"""An officer takes what waits, so that colleagues see who looks after it, or hands it over with a note."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.confirm.confirmation import ASSIGNMENT_MS, reassigned_to_role, current_assignment, verify_unassigned, with_assignment
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.policy.confirmers import OFFICER, RequiredConfirmers, verify_confirmer
from remit.domain.policy.confirmers import Confirmer as PersonFacts
from remit.domain.policy.decision import Permit
from remit.domain.policy.escalation import amounts_of
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, PersonRecord, Assignment, Tier
from remit.domain.secrets.find import find_secrets
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Instant, Json, JsonObject, instant_text
from remit.engine.ask.reevaluate import reevaluate_confirmed
from remit.engine.ask.reply import recorded_params
from remit.engine.confirm.invite import rendering_in_language
from remit.engine.context import DeskContext
from remit.engine.leaks.revoke import revoke_leaked_in_text
from remit.engine.leaks.scan import LeakSource
from remit.engine.notices import invitation_notices
from remit.engine.people.accounts import verify_officer
from remit.engine.transcript.record import draft_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Precondition, Versioned, RecordMissing, Put
from remit.usecases.confirm.answer import required_confirmers, open_invitation, verify_asked
from remit.usecases.confirm.held_words import marked_texts

_TRIES: Final = 5
_MAX_NOTE_LENGTH: Final = 2000
_NOT_TAKEN: Final = marked(
    "The desk's rules do not take that role's yes for this. Hand it to a colleague with your role, or answer it yourself."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverTarget:
    """To whom something is handed over: a role, or an officer by id; exactly one of them, and a note for the desk."""

    role: str = ""
    person: str = ""
    note: str = ""


async def assign_to_self(parts: DeskContext, officer: PersonRecord, confirmation_id: str) -> Assignment:
    """Take what waits for one of an officer's roles; taken again, it is theirs for as long again.

    Raises:
        Refused: `confirmation.taken` while a colleague has it, `confirmation.wrong_person` for who may not answer it,
            `request.not_found`, `confirmation.expired`, `confirmation.replayed`, `task.busy`.
    """
    for _ in range(_TRIES):
        kept, ask = await open_invitation(parts, confirmation_id)
        word = await _word(parts, kept.record, ask.record, officer)
        taking = _taking(parts, word, officer)
        entry = _entry(
            parts,
            Kind.CONFIRMATION_TAKEN,
            ask.record,
            kept.record,
            {"as": word, "person": pseudonym(parts, officer.key)},
            {"by": officer.id},
        )
        try:
            await _keep(parts, kept, with_assignment(kept.record, taking), entry)
        except Conflict:
            continue
        return taking
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def hand_over(parts: DeskContext, officer: PersonRecord, confirmation_id: str, to: HandoverTarget) -> ConfirmationRecord:
    """Hand what waits for one of an officer's roles to a colleague with that role, or to another role.

    ⚔ Only to somebody whose yes counts: four eyes, floors, policies and escalation rules are asked as if they had confirmed already.

    Raises:
        Refused: as `assign_to_self`; `confirmation.wrong_person` where the receiver may not confirm it, `request.malformed`,
            `request.not_found` for nobody, `request.conflict` for oneself, `words.secret` for a note that carries one.
        Fault: the rules cannot be asked; nothing is handed over.
    """
    await revoke_leaked_in_text(parts, to.note, LeakSource(where="hand_over", person=officer.id), caller=officer.id)
    _verify_note(to)
    for _ in range(_TRIES):
        kept, ask = await open_invitation(parts, confirmation_id)
        word = await _word(parts, kept.record, ask.record, officer)
        if to.person:
            changed, preconditions, told = await _to_person(parts, officer, kept.record, ask.record, word, to.person)
        else:
            changed, preconditions, told = await _to_role(parts, kept.record, ask.record, word, to.role)
        gone, come = set(kept.record.who) - set(changed.who), set(changed.who) - set(kept.record.who)
        asked = replace(ask.record, who=tuple(sorted((set(ask.record.who) - gone) | come)))
        entry = _entry(
            parts,
            Kind.CONFIRMATION_HANDED,
            ask.record,
            changed,
            {"from": [word], "to": [f"{OFFICER}{to.role}" if to.role else word], "by": pseudonym(parts, officer.key)},
            {"by": officer.id, "to": to.person or to.role, "note": to.note, "due_at": instant_text(changed.due)},
        )
        try:
            notices = invitation_notices(parts, changed, to=(told,))
            more = (*((Put(asked, ask.rev, ask.record),) if come else ()), *notices.puts)
            await _keep(parts, kept, changed, entry, preconditions=preconditions, more=more)
        except Conflict:
            continue
        await notices.recorded(parts)
        return changed
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def eligible_recipients(
    parts: DeskContext, record: ConfirmationRecord, ask: AskRecord, word: str, people: Iterable[PersonRecord]
) -> list[PersonRecord]:
    """Those of some people who may answer for one of those asked: officers with the role, of whom none has answered or is the customer."""
    confirmers = await required_confirmers(parts, record, ask)
    return [one for one in people if _may(confirmers, word, one)]


async def _word(parts: DeskContext, record: ConfirmationRecord, ask: AskRecord, officer: PersonRecord) -> str:
    """For which of those asked this officer answers, and that no colleague has it."""
    verify_officer(officer)
    word = await verify_asked(parts, record, ask, officer)
    if word == CUSTOMER:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "what waits for the customer is nobody's to take")
    verify_unassigned(record, word, person_key=officer.key, now=parts.world.now())
    return word


async def _to_person(
    parts: DeskContext, officer: PersonRecord, record: ConfirmationRecord, ask: AskRecord, word: str, person_id: str
) -> tuple[ConfirmationRecord, tuple[Precondition, ...], str]:
    try:
        kept = await parts.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such officer") from None
    if kept.record.key == officer.key:
        raise Refused(Code.REQUEST_CONFLICT, "handed over to oneself", public=marked("That is you."))
    if not await eligible_recipients(parts, record, ask, word, (kept.record,)):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"{person_id} may not answer for {word}",
            public=marked(
                "That colleague may not answer this: it needs your role, and somebody who has not answered it and is not the customer."
            ),
        )
    changed = with_assignment(record, _taking(parts, word, kept.record))
    return changed, (Precondition(PersonRecord.KIND, kept.record.id, kept.rev),), kept.record.id


async def _to_role(
    parts: DeskContext, record: ConfirmationRecord, ask: AskRecord, word: str, role: str
) -> tuple[ConfirmationRecord, tuple[Precondition, ...], str]:
    if role not in parts.catalogue.roles:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such role")
    changed, to = reassigned_to_role(record, word, role, parts.world.now()), f"{OFFICER}{role}"
    standing, weighed = await reevaluate_confirmed(parts, ask, frozenset(changed.who))
    if not isinstance(weighed.decision, Permit):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"with {to} in the place of {word} it would not be permitted",
            public=_NOT_TAKEN,
        )
    found = [one.record for one in await parts.store.find(PersonRecord, "person.role", role, limit=200)]
    if not await eligible_recipients(parts, changed, ask, to, found):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"nobody with {to} may answer it",
            public=marked("Nobody with that role may answer this. Choose another one."),
        )
    return changed, (*standing.preconditions, *weighed.preconditions), to


def _may(confirmers: RequiredConfirmers, word: str, person: PersonRecord) -> bool:
    if person.kind != "officer" or person.paused:
        return False
    try:
        facts = PersonFacts(key=person.key, roles=frozenset(person.roles))
        return verify_confirmer(replace(confirmers, who=frozenset({*confirmers.given, word})), facts) == word
    except Refused:
        return False


def _verify_note(to: HandoverTarget) -> None:
    if bool(to.role) is bool(to.person):
        raise Refused(
            Code.REQUEST_MALFORMED, "a role or a person", public=marked("Say to whom: one role, or one colleague.")
        )
    if len(to.note) > _MAX_NOTE_LENGTH:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the note is too long",
            public=said("Write at most {count} characters.", count=_MAX_NOTE_LENGTH),
        )
    if find_secrets(to.note):
        raise Refused(Code.WORDS_SECRET, "the note carries a secret")


def _taking(parts: DeskContext, word: str, person: PersonRecord) -> Assignment:
    until = Instant(parts.world.now() + ASSIGNMENT_MS)
    return Assignment(word=word, person=person.id, person_key=person.key, name=person.name or person.id, until=until)


def _entry(  # the parts of one entry
    parts: DeskContext,
    kind: Kind,
    ask: AskRecord,
    record: ConfirmationRecord,
    envelope: Mapping[str, Json],
    desk: Mapping[str, Json],
) -> EntryDraft:
    return draft_entry(
        parts,
        kind,
        envelope={"ask": ask.id, "task": ask.task, "confirmation": record.id, "digest": record.digest, **envelope},
        desk=desk,
        subject=ask.customer,
        # ⚔ Not the ask: its agent's receipt has room for so many entries, and who takes it again and again must not fill it.
        refs=(ask.task,) if kind is Kind.CONFIRMATION_TAKEN else (ask.task, ask.customer),
    )


async def _keep(
    parts: DeskContext,
    kept: Versioned[ConfirmationRecord],
    changed: ConfirmationRecord,
    entry: EntryDraft,
    *,
    preconditions: tuple[Precondition, ...] = (),
    more: tuple[Put, ...] = (),
) -> None:
    written = await seal_entries(parts, entry)
    puts = (Put(changed, kept.rev, kept.record), *more)
    await parts.store.commit(Commit(preconditions=preconditions, puts=puts, entries=written.rows))


_PAGE: Final = 200
_COLLEAGUES: Final = 50


async def pending_confirmations(parts: DeskContext, person: PersonRecord) -> list[Mapping[str, Json]]:
    """Everything that waits for this person's answer: a customer's the oldest first, an officer's the most urgent first."""
    if person.kind != "customer":
        return await officer_queue(parts, person)
    now = parts.world.now()
    found = await parts.store.find(ConfirmationRecord, "confirmation.waiting", person.id, limit=_PAGE)
    return [
        invitation_row(parts, kept.record, (await parts.store.get(AskRecord, kept.record.ask)).record)
        for kept in found
        if now < kept.record.due
    ]


async def officer_queue(parts: DeskContext, officer: PersonRecord) -> list[Mapping[str, Json]]:
    """Everything that waits for a role of this officer, by when it must be answered. What waits for other roles is not among it.

    What a person may not answer, since they are the customer or have answered already, is there with `yours` false.
    """
    now = parts.world.now()
    found: list[tuple[ConfirmationRecord, str]] = []
    colleagues: dict[str, list[PersonRecord]] = {}
    for role in officer.roles:
        kept = await parts.store.find(ConfirmationRecord, "confirmation.waiting", f"{OFFICER}{role}", limit=_PAGE)
        found.extend((one.record, role) for one in kept if now < one.record.due)
        colleagues[role] = [
            one.record for one in await parts.store.find(PersonRecord, "person.role", role, limit=_COLLEAGUES)
        ]
    found.sort(key=lambda one: one[0].due)
    return [await _row(parts, officer, record, role, colleagues[role]) for record, role in found]


async def _row(
    parts: DeskContext, officer: PersonRecord, record: ConfirmationRecord, role: str, colleagues: Iterable[PersonRecord]
) -> Mapping[str, Json]:
    ask = (await parts.store.get(AskRecord, record.ask)).record
    agent, customer = await _agent(parts, ask.client_id), await _person(parts, record.customer)
    word, now = f"{OFFICER}{role}", parts.world.now()
    able = await eligible_recipients(parts, record, ask, word, (*colleagues, officer))
    yours = any(one.id == officer.id for one in able)
    return {
        **invitation_row(parts, record, ask),
        "role": role,
        "case": ask.case,
        "customer": record.customer,
        "customer_name": customer.name if customer is not None else record.customer,
        "agent": ask.client_id,
        "agent_name": agent.name if agent is not None else ask.client_id,
        "tier": (agent.tier if agent is not None else Tier.UNPROVED).value,
        "amounts": list(amounts_of(parts.catalogue.actions.get(ask.action), recorded_params(ask))),
        "risk": record.risk,
        "signs": list(record.signs),
        "rule": record.rule,
        "reason": _reason(parts, record) if word in record.step else "",
        "due_at": instant_text(record.due),
        "then": list(record.then[0].roles) if record.then and word in record.step else [],
        "answered": sorted({one.confirms_as for one in record.answers}),
        "yours": yours,
        "taken": _taken(record, word, officer, now),
        "colleagues": [{"id": one.id, "name": one.name} for one in able if one.key != officer.key],
        "roles": [] if record.words else sorted(_roles(parts, record, word)),
        "words": list(marked_texts(parts, ask)) if record.words else [],
    }


def invitation_row(parts: DeskContext, record: ConfirmationRecord, ask: AskRecord) -> Mapping[str, Json]:
    """What everybody who is asked sees of what waits for them."""
    return {
        "confirmation": record.id,
        "ask": ask.id,
        "action": ask.action,
        "operator": ask.operator,
        "rendering": rendering_in_language(record, parts.catalogue.say.language),
        "who": list(record.who),
        "at": instant_text(record.at),
        "expires_at": instant_text(record.expires_at),
        "page": f"/confirm/{record.id}",
    }


def _reason(parts: DeskContext, record: ConfirmationRecord) -> str:
    """Why the rule asks, in the reader's language where the rule still says what it said."""
    return next(
        (one.reason for one in parts.catalogue.escalations if one.name == record.rule and one.meant == record.reason),
        record.reason,
    )


def _taken(record: ConfirmationRecord, word: str, officer: PersonRecord, now: Instant) -> JsonObject | None:
    held = current_assignment(record, word, now)
    if held is None:
        return None
    return {
        "by": held.person,
        "name": held.name,
        "until": instant_text(held.until),
        "mine": held.person_key == officer.key,
    }


def _roles(parts: DeskContext, record: ConfirmationRecord, word: str) -> set[str]:
    """The roles it might be handed to; whether the rules take their yes is asked when it is."""
    named = {role for step in record.then for role in step.roles} if word in record.step else set(parts.catalogue.roles)
    return {one for one in named if f"{OFFICER}{one}" not in record.who}


async def _agent(parts: DeskContext, client_id: str) -> AgentRecord | None:
    try:
        return (await parts.store.get(AgentRecord, client_id)).record
    except RecordMissing:
        return None


async def _person(parts: DeskContext, person_id: str) -> PersonRecord | None:
    try:
        return (await parts.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        return None
