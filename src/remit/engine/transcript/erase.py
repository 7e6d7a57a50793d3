"""Erasing what is on the record about a customer; envelopes are kept. Proposing it, and agreeing, is in `propose`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.records import (
    OPEN_ASKS,
    ActRecord,
    AskRecord,
    Ceremony,
    ConfirmationRecord,
    Contest,
    FileContent,
    FileRecord,
    FileState,
    MandateRecord,
    Message,
    OfferRecord,
    Person,
    Proposal,
    PushedRequest,
    TaskRecord,
    TaskState,
)
from remit.domain.transcript.entry import Kind
from remit.domain.values import forget_objects
from remit.engine.ask.authorization_state import forget_standings
from remit.engine.commit import keep
from remit.engine.context import Parts
from remit.engine.files.store import content_of
from remit.engine.transcript.record import Written, draft, pseudonym, write
from remit.ports.store import Commit, Drop, Kept, Missing, NoRoom, Put, Reserve

_MOST: Final = 100_000
_NOTHING: Final = "{}"
_STOOD: Final = "stood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything the desk works with that says something about one customer, each record with the revision it was read at."""

    mandates: Sequence[Kept[MandateRecord]]
    tasks: Sequence[Kept[TaskRecord]]
    asks: Sequence[Kept[AskRecord]]
    shown: Sequence[Kept[ConfirmationRecord]]
    told: Sequence[Kept[Message]]
    offers: Sequence[Kept[OfferRecord]]
    contests: Sequence[Kept[Contest]]
    acts: Sequence[Kept[ActRecord]]
    """Those whose outcome is not known: what became of the others keeps nothing of what they had to say."""
    files: Sequence[Kept[FileRecord]]
    bytes_of_files: Sequence[Kept[FileContent]]
    """Without themselves: only that they are there, and at which revision."""
    requests: Sequence[Kept[PushedRequest]]
    ceremonies: Sequence[Kept[Ceremony]]


async def read_content(parts: Parts, customer: str) -> Content:
    """Read it all."""
    find = parts.store.find
    return await _content_under(parts, customer, await find(MandateRecord, "mandate.customer", customer, limit=_MOST))


async def read_dead_content(parts: Parts, customer: str) -> Content:
    """Read what stands under no mandate that is active and in no contest that is open."""
    mandates = await parts.store.find(MandateRecord, "mandate.customer", customer, limit=_MOST)
    content = await _content_under(parts, customer, [one for one in mandates if one.record.state != "active"])
    tasks = {one.record.id for one in content.tasks}
    return replace(
        content,
        shown=[one for one in content.shown if one.record.task in tasks],
        contests=[one for one in content.contests if not one.record.open],
    )


async def _content_under(parts: Parts, customer: str, mandates: Sequence[Kept[MandateRecord]]) -> Content:
    find = parts.store.find
    tasks = [task for one in mandates for task in await find(TaskRecord, "task.mandate", one.record.id, limit=_MOST)]
    cases = sorted({one.record.case for one in tasks})
    shown = await find(ConfirmationRecord, "confirmation.customer", customer, limit=_MOST)
    whose, confirmed = {one.record.id for one in tasks}, {one.record.id for one in shown}
    files = [file for one in tasks for file in await find(FileRecord, "file.task", one.record.id, limit=_MOST)]
    kept = [await content_of(parts, one.record) for one in files]
    return Content(
        mandates=mandates,
        tasks=tasks,
        asks=[ask for one in tasks for ask in await find(AskRecord, "ask.task", one.record.id, limit=_MOST)],
        shown=shown,
        told=[message for one in tasks for message in await find(Message, "message.task", one.record.id, limit=_MOST)],
        offers=[offer for one in cases for offer in await find(OfferRecord, "offer.case", one, limit=_MOST)],
        contests=await find(Contest, "contest.customer", customer, limit=_MOST),
        # What follows lives for minutes and is found under nobody's name.
        acts=[
            one
            for index in ("act.queued", "act.sent")
            for one in await find(ActRecord, index, "", limit=_MOST)
            if one.record.task in whose
        ],
        files=files,
        bytes_of_files=[one for one in kept if one is not None],
        requests=[
            one for one in await find(PushedRequest, "due.request", "", limit=_MOST) if one.record.customer == customer
        ],
        ceremonies=[
            one
            for one in await find(Ceremony, "due.ceremony", "", limit=_MOST)
            if ("wire" in one.record.extra and one.record.extra.get("customer") == customer)
            or one.record.subject in confirmed
        ],
    )


def emptied(content: Content) -> tuple[list[Put], list[Drop]]:
    """What empties it. Whatever moved since it was read makes the whole commit a conflict."""
    puts: list[Put] = [Put(_empty_ask(one.record), one.rev, one.record) for one in content.asks]
    puts += [Put(_empty_confirmation(one.record), one.rev, one.record) for one in content.shown]
    puts += [
        Put(replace(one.record, wire=_NOTHING, signed=_NOTHING, evidence=""), one.rev, one.record)
        for one in content.mandates
    ]
    puts += [Put(replace(one.record, text="", offer=""), one.rev, one.record) for one in content.told]
    puts += [Put(replace(one.record, terms=_NOTHING), one.rev, one.record) for one in content.offers]
    puts += [Put(replace(one.record, text=""), one.rev, one.record) for one in content.contests]
    # Their task has ended: they are asked after and shut, never carried out.
    puts += [Put(replace(one.record, payload=_NOTHING), one.rev, one.record) for one in content.acts]
    puts += [Put(replace(one.record, wire=_NOTHING), one.rev, one.record) for one in content.requests]
    puts += [Put(_empty_file(one.record), one.rev, one.record) for one in content.files]
    return puts, [
        *(Drop(one.record, one.rev) for one in content.ceremonies),
        *(Drop(one.record, one.rev) for one in content.bytes_of_files),
    ]


def _empty_ask(ask: AskRecord) -> AskRecord:
    return replace(ask, params=_NOTHING, words="", marked="", salt="", public="", result="", reason="", versions={})


def _empty_file(file: FileRecord) -> FileRecord:
    """⚔ One that is still held back waits no more: its bytes go with the rest."""
    state = FileState.DISCARDED if file.state is FileState.HELD else file.state
    return replace(file, name="", removed={}, digest="", whole=False, state=state)


def _empty_confirmation(shown: ConfirmationRecord) -> ConfirmationRecord:
    return replace(shown, rendering=_NOTHING, answers=tuple(replace(one, evidence="") for one in shown.answers))


def stood_against(customer: str) -> Reserve:
    """What every commit carries that makes something which stands against an erasure: a grant, a contest, a hold.

    ⚔ It is counted, so that an erasure under way notices what came after it looked; and two of them are in nobody's way.
    """
    return Reserve(f"erasure {customer}", _STOOD, 1, None)


async def nothing_stood_since(parts: Parts, customer: str) -> Reserve:
    """What an erasure's commit carries: it has no room any more once `stood_against` was counted after this was read."""
    scope = f"erasure {customer}"
    counted = (await parts.store.counters(scope)).get(_STOOD, 0)
    return Reserve(scope, _STOOD, 1, counted + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased: how many keys were destroyed and how many working records emptied."""

    customer: str
    keys: int
    records: int


async def erase(
    parts: Parts, customer: str, *, by: Sequence[str], reason: str, agreed: Kept[Proposal] | None
) -> Erasure:
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
        raise Fault(
            broken.code, f"the erasure is recorded, and is completed by itself: {broken.detail}", cure=broken.cure
        ) from None
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
        raise Refused(
            Code.REQUEST_NOT_FOUND, "no such customer", public=marked("There is no customer with that id.")
        ) from None
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


async def write_erasure(
    parts: Parts, customer: str, keys: Sequence[str], *, records: int, by: Sequence[str], reason: str
) -> Written:
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
    """Return the reference under which the erasure of a key is found."""
    return f"erased:{key}"
