"""An officer takes what waits, so that colleagues see who looks after it, or hands it over with a note."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.confirm.confirmation import TAKEN_MS, handed_to_role, holder, verify_free, with_taking
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.policy.confirmers import OFFICER, Confirmers, verify_confirmer
from remit.domain.policy.confirmers import Person as PersonFacts
from remit.domain.policy.decision import Permit
from remit.domain.policy.escalation import amounts_of
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, Person, Taking, Tier
from remit.domain.secrets.find import find_secrets
from remit.domain.transcript.entry import Draft, Kind
from remit.domain.values import Instant, Json, JsonObject, instant_text
from remit.engine.ask.reevaluate import weigh_confirmed
from remit.engine.ask.reply import params_of
from remit.engine.confirm.invite import shown_in
from remit.engine.context import Parts
from remit.engine.leaks.revoke import end_in_text
from remit.engine.leaks.scan import SeenAt
from remit.engine.notices import about_invitation
from remit.engine.people.accounts import verify_officer
from remit.engine.transcript.record import draft, pseudonym, write
from remit.ports.store import Commit, Conflict, Expect, Kept, Missing, Put
from remit.usecases.confirm.answer import confirmers_of, open_invitation, verify_asked
from remit.usecases.confirm.held_words import words_shown

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


async def may_receive(
    parts: Parts, record: ConfirmationRecord, ask: AskRecord, word: str, people: Iterable[Person]
) -> list[Person]:
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
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            f"with {to} in the place of {word} it would not be permitted",
            public=_NOT_TAKEN,
        )
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
        raise Refused(
            Code.REQUEST_MALFORMED, "a role or a person", public=marked("Say to whom: one role, or one colleague.")
        )
    if len(to.note) > _LONGEST_NOTE:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the note is too long",
            public=said("Write at most {count} characters.", count=_LONGEST_NOTE),
        )
    if find_secrets(to.note):
        raise Refused(Code.WORDS_SECRET, "the note carries a secret")


def _taking(parts: Parts, word: str, person: Person) -> Taking:
    until = Instant(parts.world.now() + TAKEN_MS)
    return Taking(word=word, person=person.id, person_key=person.key, name=person.name or person.id, until=until)


def _entry(  # the parts of one entry
    parts: Parts,
    kind: Kind,
    ask: AskRecord,
    record: ConfirmationRecord,
    envelope: Mapping[str, Json],
    desk: Mapping[str, Json],
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


_PAGE: Final = 200
_COLLEAGUES: Final = 50


async def what_waits(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """Everything that waits for this person's answer: a customer's the oldest first, an officer's the most urgent first."""
    if person.kind != "customer":
        return await waiting_list(parts, person)
    now = parts.world.now()
    found = await parts.store.find(ConfirmationRecord, "confirmation.waiting", person.id, limit=_PAGE)
    return [
        invitation_row(parts, kept.record, (await parts.store.get(AskRecord, kept.record.ask)).record)
        for kept in found
        if now < kept.record.due
    ]


async def waiting_list(parts: Parts, officer: Person) -> list[Mapping[str, Json]]:
    """Everything that waits for a role of this officer, by when it must be answered. What waits for other roles is not among it.

    What a person may not answer, since they are the customer or have answered already, is there with `yours` false.
    """
    now = parts.world.now()
    found: list[tuple[ConfirmationRecord, str]] = []
    colleagues: dict[str, list[Person]] = {}
    for role in officer.roles:
        kept = await parts.store.find(ConfirmationRecord, "confirmation.waiting", f"{OFFICER}{role}", limit=_PAGE)
        found.extend((one.record, role) for one in kept if now < one.record.due)
        colleagues[role] = [
            one.record for one in await parts.store.find(Person, "person.role", role, limit=_COLLEAGUES)
        ]
    found.sort(key=lambda one: one[0].due)
    return [await _row(parts, officer, record, role, colleagues[role]) for record, role in found]


async def _row(
    parts: Parts, officer: Person, record: ConfirmationRecord, role: str, colleagues: Iterable[Person]
) -> Mapping[str, Json]:
    ask = (await parts.store.get(AskRecord, record.ask)).record
    agent, customer = await _agent(parts, ask.client_id), await _person(parts, record.customer)
    word, now = f"{OFFICER}{role}", parts.world.now()
    able = await may_receive(parts, record, ask, word, (*colleagues, officer))
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
        "amounts": list(amounts_of(parts.catalogue.actions.get(ask.action), params_of(ask))),
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
        "words": list(words_shown(parts, ask)) if record.words else [],
    }


def invitation_row(parts: Parts, record: ConfirmationRecord, ask: AskRecord) -> Mapping[str, Json]:
    """What everybody who is asked sees of what waits for them."""
    return {
        "confirmation": record.id,
        "ask": ask.id,
        "action": ask.action,
        "operator": ask.operator,
        "rendering": shown_in(record, parts.catalogue.say.language),
        "who": list(record.who),
        "at": instant_text(record.at),
        "expires_at": instant_text(record.expires_at),
        "page": f"/confirm/{record.id}",
    }


def _reason(parts: Parts, record: ConfirmationRecord) -> str:
    """Why the rule asks, in the reader's language where the rule still says what it said."""
    return next(
        (one.reason for one in parts.catalogue.escalations if one.name == record.rule and one.meant == record.reason),
        record.reason,
    )


def _taken(record: ConfirmationRecord, word: str, officer: Person, now: Instant) -> JsonObject | None:
    held = holder(record, word, now)
    if held is None:
        return None
    return {
        "by": held.person,
        "name": held.name,
        "until": instant_text(held.until),
        "mine": held.person_key == officer.key,
    }


def _roles(parts: Parts, record: ConfirmationRecord, word: str) -> set[str]:
    """The roles it might be handed to; whether the rules take their yes is asked when it is."""
    named = {role for step in record.then for role in step.roles} if word in record.step else set(parts.catalogue.roles)
    return {one for one in named if f"{OFFICER}{one}" not in record.who}


async def _agent(parts: Parts, client_id: str) -> AgentRecord | None:
    try:
        return (await parts.store.get(AgentRecord, client_id)).record
    except Missing:
        return None


async def _person(parts: Parts, person_id: str) -> Person | None:
    try:
        return (await parts.store.get(Person, person_id)).record
    except Missing:
        return None
