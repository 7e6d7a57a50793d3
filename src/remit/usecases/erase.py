"""Erasing what is on the record about a customer: proposed by one person, done by another, envelopes kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from remit.domain.canonical import canonical
from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id
from remit.domain.records import (
    OPEN_ASKS,
    AskRecord,
    ConfirmationRecord,
    Contest,
    MandateRecord,
    Message,
    OfferRecord,
    Person,
    Proposal,
    TaskRecord,
)
from remit.domain.transcript import Kind
from remit.domain.values import Instant, decode, forget_objects
from remit.ports.store import Commit, Conflict, Drop, Expect, Kept, Missing, Put
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.replay_erasures import ERASURES
from remit.usecases.standing import forget_standings

WHAT = "erase"
_ROLES = frozenset({"admin", "security"})
_VALID_MS = 7 * 24 * 60 * 60 * 1000
_MOST = 100_000
_NOTHING = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased: how many keys were destroyed and how many working records emptied."""

    customer: str
    keys: int
    records: int


async def propose_erasure(parts: Parts, *, customer: str, reason: str, by: Person, retention_s: int) -> Proposal:
    """Propose to erase a customer's content. Somebody else must do it, within seven days.

    Raises:
        Refused: `person.not_allowed`, `request.malformed` without a reason, `request.not_found`, `request.conflict` while
            something stands against it.
    """
    _verify_may(by)
    if not reason.strip():
        raise Refused(Code.REQUEST_MALFORMED, "an erasure needs a reason", public="Say why.")
    await verify_erasable(parts, customer, (by,), retention_s)
    now = parts.world.now()
    made = Proposal(
        id=new_id("prop", parts.world.random(16)),
        what=WHAT,
        payload=canonical({"customer": customer, "reason": reason}).decode(),
        by=by.id,
        by_key=by.key,
        at=now,
        expires_at=Instant(now + _VALID_MS),
    )
    await parts.store.commit(Commit(puts=(Put(made, 0),)))
    return made


async def erase(parts: Parts, *, proposal: str, by: Person, retention_s: int) -> Erasure:
    """Erase what another person proposed: empty the working records, record it, then destroy the customer's content keys.

    Envelopes, leaves and proofs stay, so that the log still verifies; the customer's account and passkeys stay too.
    `retention_s` is how long content must be kept after the last entry about the customer.

    Raises:
        Refused: `person.not_allowed` for the proposer, the customer, or who may not; `request.not_found` for an unknown
            or expired proposal; `request.conflict` during a contest, hold, open task or mandate, or retention.
        Fault: `fault.store`; when it broke after the record, the next start destroys the keys.

    Source: 2-model.md §9 (Erasure).
    """
    kept = await _open_proposal(parts, proposal)
    given = decode(kept.record.payload.encode())
    customer = str(given["customer"]) if isinstance(given, Mapping) else ""
    proposer = await _proposer(parts, kept.record)
    _verify_may(by)
    if by.id == proposer.record.id or by.key in {kept.record.by_key, proposer.record.key}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the same person proposed it", public="Somebody else must do what you proposed.")
    person = await verify_erasable(parts, customer, (by, proposer.record), retention_s)
    reason = str(given["reason"]) if isinstance(given, Mapping) else ""
    asked = Commit(expects=(Expect(Person.KIND, proposer.record.id, proposer.rev),), drops=(Drop(kept.record, kept.rev),))
    return await erase_content(parts, person, by=(proposer.record.id, by.id), reason=reason, asked=asked)


async def erase_content(parts: Parts, person: Kept[Person], *, by: Sequence[str], reason: str, asked: Commit) -> Erasure:
    """Empty the working records about a customer, record it, and destroy their content keys. Two people have agreed before.

    `asked` is what stands or goes with the erasure: the proposal it follows.

    Raises:
        Refused: `task.busy`.
        Fault: `fault.store`; when it broke after the record, the next start destroys the keys.

    Source: 2-model.md §9 (Erasure).
    """
    customer = person.record.id
    keys = await parts.vault.keys(customer)
    puts = await _emptied(parts, customer)
    written = await write(
        parts,
        draft(
            parts,
            Kind.ENTRY_ERASED,
            envelope={"customer": pseudonym(parts, customer), "keys": list(keys), "records": len(puts)},
            desk={"by": list(by), "reason": reason},
            refs=(ERASURES, customer),
        ),
    )
    expects = (*asked.expects, Expect(Person.KIND, customer, person.rev))
    try:
        await parts.store.commit(Commit(expects=expects, puts=tuple(puts), drops=asked.drops, entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
    # A crash here leaves the keys in place; `replay_erasures` destroys them at the next start.
    parts.on_point("erase.recorded")
    destroyed = await parts.vault.destroy_keys(keys)
    forget_objects()
    forget_standings()
    return Erasure(customer=customer, keys=destroyed, records=len(puts))


def _verify_may(by: Person) -> None:
    if by.kind != "officer" or by.paused or not _ROLES & set(by.roles):
        raise Refused(Code.PERSON_NOT_ALLOWED, "erasing takes the role admin or security")


async def _open_proposal(parts: Parts, proposal: str) -> Kept[Proposal]:
    try:
        kept = await parts.store.get(Proposal, proposal)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such proposal") from None
    if kept.record.what != WHAT or parts.world.now() >= kept.record.expires_at:
        raise Refused(Code.REQUEST_NOT_FOUND, "no open proposal of an erasure")
    return kept


async def _proposer(parts: Parts, proposal: Proposal) -> Kept[Person]:
    """Who proposed it, as they are now: a role lost since then counts for nothing."""
    try:
        kept = await parts.store.get(Person, proposal.by)
    except Missing:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the proposer is gone") from None
    _verify_may(kept.record)
    return kept


async def verify_erasable(parts: Parts, customer: str, by: Sequence[Person], retention_s: int) -> Kept[Person]:
    """Check that nothing stands against it.

    Raises:
        Refused: `request.not_found`, `person.not_allowed`, `request.conflict`.
    """
    try:
        person = await parts.store.get(Person, customer)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such customer") from None
    if person.record.kind != "customer":
        raise Refused(Code.REQUEST_NOT_FOUND, "not a customer")
    if any(person.record.key == one.key for one in by):
        raise Refused(Code.PERSON_NOT_ALLOWED, "an officer may not erase their own record as a customer")
    contests = await parts.store.find(Contest, "contest.customer", customer, limit=_MOST)
    if any(one.record.open for one in contests):
        raise _stands_against("a contest or hold is open")
    if await parts.store.find(TaskRecord, "task.live_customer", customer, limit=1):
        raise _stands_against("a task is open or held")
    if await parts.store.find(MandateRecord, "mandate.live_customer", customer, limit=1):
        raise _stands_against("a mandate is active; revoke it first")
    if any(one.record.state in OPEN_ASKS for one in await _asks(parts, customer)):
        raise _stands_against("the outcome of an ask is not known yet")
    last = await parts.store.entries(ref=customer, limit=1, newest=True)
    if last and last[0].row.at > parts.world.now() - retention_s * 1000:
        raise _stands_against("the last entry is within the time of retention")
    return person


async def _emptied(parts: Parts, customer: str) -> list[Put]:
    """The working records about a customer, emptied of everything that is not an id, a state or a digest."""
    asks = await _asks(parts, customer)
    shown = await parts.store.find(ConfirmationRecord, "confirmation.customer", customer, limit=_MOST)
    mandates = await parts.store.find(MandateRecord, "mandate.customer", customer, limit=_MOST)
    puts = [
        Put(replace(one.record, params=_NOTHING, words="", salt="", result="", reason="", versions={}), one.rev, one.record) for one in asks
    ]
    puts += [Put(replace(one.record, rendering=_NOTHING), one.rev, one.record) for one in shown]
    puts += [Put(replace(one.record, wire=_NOTHING, signed=_NOTHING, evidence=""), one.rev, one.record) for one in mandates]
    cases: set[str] = set()
    for mandate in mandates:
        for task in await parts.store.find(TaskRecord, "task.mandate", mandate.record.id, limit=_MOST):
            cases.add(task.record.case)
            told = await parts.store.find(Message, "message.task", task.record.id, limit=_MOST)
            puts += [Put(replace(one.record, text=""), one.rev, one.record) for one in told]
    for case in sorted(cases):
        offers = await parts.store.find(OfferRecord, "offer.case", case, limit=_MOST)
        puts += [Put(replace(one.record, terms=_NOTHING), one.rev, one.record) for one in offers]
    return puts


async def _asks(parts: Parts, customer: str) -> list[Kept[AskRecord]]:
    """Every ask that was ever made in a customer's name."""
    found: list[Kept[AskRecord]] = []
    for mandate in await parts.store.find(MandateRecord, "mandate.customer", customer, limit=_MOST):
        for task in await parts.store.find(TaskRecord, "task.mandate", mandate.record.id, limit=_MOST):
            found.extend(await parts.store.find(AskRecord, "ask.task", task.record.id, limit=_MOST))
    return found


def _stands_against(reason: str) -> Refused:
    return Refused(Code.REQUEST_CONFLICT, f"the content may not be erased now: {reason}", public=f"Not now: {reason}.")
