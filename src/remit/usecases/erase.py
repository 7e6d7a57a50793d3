"""Erasing what is on the record about a customer; envelopes are kept. Proposing it, and agreeing, is in `propose`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from remit.domain.errors import Code, Refused
from remit.domain.records import (
    OPEN_ASKS,
    AskRecord,
    ConfirmationRecord,
    Contest,
    MandateRecord,
    Message,
    OfferRecord,
    Person,
    TaskRecord,
)
from remit.domain.transcript import Kind
from remit.domain.values import forget_objects
from remit.ports.store import Commit, Expect, Kept, Missing, Put
from remit.usecases.keep import keep
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.replay_erasures import ERASURES
from remit.usecases.standing import forget_standings

_MOST = 100_000
_NOTHING = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased: how many keys were destroyed and how many working records emptied."""

    customer: str
    keys: int
    records: int


async def erase(parts: Parts, person: Kept[Person], *, by: Sequence[str], reason: str) -> Erasure:
    """Empty the working records about a customer, record it, and destroy their content keys. Two people have agreed before.

    Envelopes, leaves and proofs stay, so that the log still verifies; the customer's account and passkeys stay too.

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
    expects = (Expect(Person.KIND, customer, person.rev),)
    await keep(parts, Commit(expects=expects, puts=tuple(puts), entries=written.rows))
    # A crash here leaves the keys in place; `replay_erasures` destroys them at the next start.
    parts.on_point("erase.recorded")
    destroyed = await parts.vault.destroy_keys(keys)
    forget_objects()
    forget_standings()
    return Erasure(customer=customer, keys=destroyed, records=len(puts))


async def verify_erasable(parts: Parts, customer: str) -> Kept[Person]:
    """Check that nothing stands against it.

    Raises:
        Refused: `request.not_found`; `request.conflict` during a contest, hold, open task or mandate, or retention.
    """
    try:
        person = await parts.store.get(Person, customer)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such customer", public="There is no customer with that id.") from None
    if person.record.kind != "customer":
        raise Refused(Code.REQUEST_NOT_FOUND, "not a customer", public="There is no customer with that id.")
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
    if last and last[0].row.at > parts.world.now() - parts.terms.retention_s * 1000:
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
