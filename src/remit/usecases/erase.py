"""Erasing what is on the record about a customer; envelopes are kept. Proposing it, and agreeing, is in `propose`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import OPEN_ASKS, Person, Proposal, TaskState
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.domain.values import forget_objects
from remit.ports.store import Commit, Drop, Kept, Missing, NoRoom, Put
from remit.usecases.emptying import Content, emptied, nothing_stood_since, read_content
from remit.usecases.keep import keep
from remit.usecases.parts import Parts
from remit.usecases.recording import Written, draft, pseudonym, write
from remit.usecases.standing import forget_standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased: how many keys were destroyed and how many working records emptied."""

    customer: str
    keys: int
    records: int


async def erase(parts: Parts, customer: str, *, by: Sequence[str], reason: str, agreed: Kept[Proposal] | None) -> Erasure:
    """Empty the working records about a customer, record it, and destroy their content keys. Two people have agreed before: `agreed` (None: to the rules).

    Envelopes, leaves and proofs stay, so that the log still verifies; the customer's account and passkeys stay too.

    ⚔ Only what is there now is erased. The keys are retired first, so that whatever is sealed from here on has another key, whenever
    these are destroyed; then everything is read, and the commit stands only if nothing of it moved and nothing came that
    stands against it. The proposal goes with that commit: where it does not stand, the same two people can agree again.

    Raises:
        Refused: as `verify_erasable`; `task.busy` when something moved meanwhile.
        Fault: `fault.store`. When it broke after the record, the sweep (or the next start) destroys the keys.

    Source: docs/model/model.md#erasure.
    """
    keys = await parts.vault.retire(customer)
    # Before anything is looked at: what is counted later is noticed.
    unmoved = await nothing_stood_since(parts, customer)
    person, content = await _erasable(parts, customer)
    puts, drops = emptied(content)
    records = len(puts) + len(drops)
    written = await write_erasure(parts, customer, keys, records=records, by=by, reason=reason)
    change = Commit(
        # ⚔ The person moves: whoever sealed something with the old key, and did not come to record it, is told to begin again.
        puts=(Put(person.record, person.rev, person.record), *puts),
        drops=(*([Drop(agreed.record, agreed.rev)] if agreed else ()), *drops),
        reserves=(unmoved,),
        entries=written.rows,
    )
    try:
        await keep(parts, change)
    except NoRoom:
        raise Refused(Code.TASK_BUSY, "something came that stands against it", retry_after_s=1) from None
    # A crash from here on leaves the keys in place, where nobody seals with them: they are destroyed at the next start.
    parts.on_point("erase.recorded")
    forget_objects()
    forget_standings()
    try:
        await complete_erasure(parts, keys)
    except Fault as broken:
        raise Fault(broken.code, f"the erasure is recorded, and is completed by itself: {broken.detail}", cure=broken.cure) from None
    return Erasure(customer=customer, keys=len(keys), records=records)


async def verify_erasable(parts: Parts, customer: str) -> None:
    """Check that nothing stands against it.

    Raises:
        Refused: `request.not_found`; `request.conflict` during a contest, hold, open task or mandate, or retention.
    """
    await _erasable(parts, customer)


async def _erasable(parts: Parts, customer: str) -> tuple[Kept[Person], Content]:
    """What would be erased: the very records that were checked."""
    try:
        person = await parts.store.get(Person, customer)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such customer", public=marked("There is no customer with that id.")) from None
    if person.record.kind != "customer":
        raise Refused(Code.REQUEST_NOT_FOUND, "not a customer", public=marked("There is no customer with that id."))
    content = await read_content(parts, customer)
    if any(one.record.open for one in content.contests):
        raise _stands_against("a contest or hold is open")
    if any(one.record.state is not TaskState.ENDED for one in content.tasks):
        raise _stands_against("a task is open or held")
    if any(one.record.state == "active" for one in content.mandates):
        raise _stands_against("a mandate is active; revoke it first")
    if any(one.record.state in OPEN_ASKS for one in content.asks):
        raise _stands_against("the outcome of an ask is not known yet")
    last = await parts.store.entries(ref=customer, limit=1, newest=True)
    if last and last[0].row.at > parts.world.now() - parts.terms.retention_s * 1000:
        raise _stands_against("the last entry is within the time of retention")
    return person, content


def _stands_against(reason: str) -> Refused:
    return Refused(Code.REQUEST_CONFLICT, f"the content may not be erased now: {reason}", public=f"Not now: {reason}.")


ERASURES: Final = "erasures"
"""Under which reference every erasure's entry is found."""


async def write_erasure(parts: Parts, customer: str, keys: Sequence[str], *, records: int, by: Sequence[str], reason: str) -> Written:
    """The entry of an erasure. It is found among all erasures, by each of its keys, and by the customer.

    Raises:
        Fault: `fault.store`.
    """
    return await write(
        parts,
        draft(
            parts,
            Kind.ENTRY_ERASED,
            envelope={"customer": pseudonym(parts, customer), "keys": list(keys), "records": records},
            desk={"by": list(by), "reason": reason},
            refs=(ERASURES, *(erasure_ref(key) for key in keys), customer),
        ),
    )


async def complete_erasure(parts: Parts, keys: Collection[str]) -> None:
    """Destroy the keys of an erasure that is on the record, and what it overwrote in the store's files. Repeating it is always safe.

    Raises:
        Fault: `fault.store`; `finish_erasures` tries again.
    """
    try:
        await parts.vault.destroy_keys(keys)
    finally:
        await parts.store.fold()
    await parts.vault.finish(keys)


def erasure_ref(key: str) -> str:
    return f"erased:{key}"
