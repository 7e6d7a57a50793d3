"""An officer takes what waits, so that colleagues see who looks after it, or hands it over with a note."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue import CUSTOMER
from remit.domain.confirmers import OFFICER, Confirmers, verify_confirmer
from remit.domain.confirmers import Person as PersonFacts
from remit.domain.decision import Permit
from remit.domain.errors import Code, Refused
from remit.domain.records import AskRecord, ConfirmationRecord, Person, Taking
from remit.domain.secrets import find_secrets
from remit.domain.speech import marked, said
from remit.domain.transcript import Draft, Kind
from remit.domain.values import Instant, Json, instant_text
from remit.domain.waiting import TAKEN_MS, handed_to_role, verify_free, with_taking
from remit.ports.store import Commit, Conflict, Expect, Kept, Missing, Put
from remit.usecases.answer import confirmers_of, open_invitation, verify_asked
from remit.usecases.end_leaked import end_in_text
from remit.usecases.leak_watch import SeenAt
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.tell_person import about_invitation
from remit.usecases.verify_officer import verify_officer
from remit.usecases.weigh_again import weigh_confirmed

_TRIES: Final = 5
_LONGEST_NOTE: Final = 2000
_NOT_TAKEN: Final = marked(
    "The desk's rules do not take that role's yes for this. Hand it to a colleague with your role, or answer it yourself."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """To whom something is handed over: a role, or an officer by id; exactly one of them, and a note for the desk."""

    role: str = ""
    person: str = ""
    note: str = ""


async def take_waiting(parts: Parts, officer: Person, confirmation_id: str) -> Taking:
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
            await _keep(parts, kept, with_taking(kept.record, taking), entry)
        except Conflict:
            continue
        return taking
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def hand_over(parts: Parts, officer: Person, confirmation_id: str, to: To) -> ConfirmationRecord:
    """Hand what waits for one of an officer's roles to a colleague with that role, or to another role.

    ⚔ Only to somebody whose yes counts: four eyes, floors, policies and escalation rules are asked as if they had confirmed already.

    Raises:
        Refused: as `take_waiting`; `confirmation.wrong_person` where the receiver may not confirm it, `request.malformed`,
            `request.not_found` for nobody, `request.conflict` for oneself, `words.secret` for a note that carries one.
        Fault: the rules cannot be asked; nothing is handed over.
    """
    await end_in_text(parts, to.note, SeenAt(where="hand_over", person=officer.id), caller=officer.id)
    _verify_note(to)
    for _ in range(_TRIES):
        kept, ask = await open_invitation(parts, confirmation_id)
        word = await _word(parts, kept.record, ask.record, officer)
        if to.person:
            changed, expects, told = await _to_person(parts, officer, kept.record, ask.record, word, to.person)
        else:
            changed, expects, told = await _to_role(parts, kept.record, ask.record, word, to.role)
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
            notices = about_invitation(parts, changed, to=(told,))
            more = (*((Put(asked, ask.rev, ask.record),) if come else ()), *notices.puts)
            await _keep(parts, kept, changed, entry, expects=expects, more=more)
        except Conflict:
            continue
        await notices.recorded(parts)
        return changed
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def may_receive(parts: Parts, record: ConfirmationRecord, ask: AskRecord, word: str, people: Iterable[Person]) -> list[Person]:
    """Those of some people who may answer for one of those asked: officers with the role, of whom none has answered or is the customer."""
    confirmers = await confirmers_of(parts, record, ask)
    return [one for one in people if _may(confirmers, word, one)]


async def _word(parts: Parts, record: ConfirmationRecord, ask: AskRecord, officer: Person) -> str:
    """For which of those asked this officer answers, and that no colleague has it."""
    verify_officer(officer)
    word = await verify_asked(parts, record, ask, officer)
    if word == CUSTOMER:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "what waits for the customer is nobody's to take")
    verify_free(record, word, person_key=officer.key, now=parts.world.now())
    return word


async def _to_person(
    parts: Parts, officer: Person, record: ConfirmationRecord, ask: AskRecord, word: str, person_id: str
) -> tuple[ConfirmationRecord, tuple[Expect, ...], str]:
    try:
        kept = await parts.store.get(Person, person_id)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such officer") from None
    if kept.record.key == officer.key:
        raise Refused(Code.REQUEST_CONFLICT, "handed over to oneself", public=marked("That is you."))
    if not await may_receive(parts, record, ask, word, (kept.record,)):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"{person_id} may not answer for {word}",
            public=marked(
                "That colleague may not answer this: it needs your role, and somebody who has not answered it and is not the customer."
            ),
        )
    changed = with_taking(record, _taking(parts, word, kept.record))
    return changed, (Expect(Person.KIND, kept.record.id, kept.rev),), kept.record.id


async def _to_role(
    parts: Parts, record: ConfirmationRecord, ask: AskRecord, word: str, role: str
) -> tuple[ConfirmationRecord, tuple[Expect, ...], str]:
    if role not in parts.catalogue.roles:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such role")
    changed, to = handed_to_role(record, word, role, parts.world.now()), f"{OFFICER}{role}"
    standing, weighed = await weigh_confirmed(parts, ask, frozenset(changed.who))
    if not isinstance(weighed.decision, Permit):
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, f"with {to} in the place of {word} it would not be permitted", public=_NOT_TAKEN)
    found = [one.record for one in await parts.store.find(Person, "person.role", role, limit=200)]
    if not await may_receive(parts, changed, ask, to, found):
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"nobody with {to} may answer it",
            public=marked("Nobody with that role may answer this. Choose another one."),
        )
    return changed, (*standing.expects, *weighed.expects), to


def _may(confirmers: Confirmers, word: str, person: Person) -> bool:
    if person.kind != "officer" or person.paused:
        return False
    try:
        facts = PersonFacts(key=person.key, roles=frozenset(person.roles))
        return verify_confirmer(replace(confirmers, who=frozenset({*confirmers.given, word})), facts) == word
    except Refused:
        return False


def _verify_note(to: To) -> None:
    if bool(to.role) is bool(to.person):
        raise Refused(Code.REQUEST_MALFORMED, "a role or a person", public=marked("Say to whom: one role, or one colleague."))
    if len(to.note) > _LONGEST_NOTE:
        raise Refused(Code.REQUEST_MALFORMED, "the note is too long", public=said("Write at most {count} characters.", count=_LONGEST_NOTE))
    if find_secrets(to.note):
        raise Refused(Code.WORDS_SECRET, "the note carries a secret")


def _taking(parts: Parts, word: str, person: Person) -> Taking:
    until = Instant(parts.world.now() + TAKEN_MS)
    return Taking(word=word, person=person.id, person_key=person.key, name=person.name or person.id, until=until)


def _entry(  # the parts of one entry
    parts: Parts, kind: Kind, ask: AskRecord, record: ConfirmationRecord, envelope: Mapping[str, Json], desk: Mapping[str, Json]
) -> Draft:
    return draft(
        parts,
        kind,
        envelope={"ask": ask.id, "task": ask.task, "confirmation": record.id, "digest": record.digest, **envelope},
        desk=desk,
        subject=ask.customer,
        # ⚔ Not the ask: its agent's receipt has room for so many entries, and who takes it again and again must not fill it.
        refs=(ask.task,) if kind is Kind.CONFIRMATION_TAKEN else (ask.task, ask.customer),
    )


async def _keep(
    parts: Parts,
    kept: Kept[ConfirmationRecord],
    changed: ConfirmationRecord,
    entry: Draft,
    *,
    expects: tuple[Expect, ...] = (),
    more: tuple[Put, ...] = (),
) -> None:
    written = await write(parts, entry)
    puts = (Put(changed, kept.rev, kept.record), *more)
    await parts.store.commit(Commit(expects=expects, puts=puts, entries=written.rows))
