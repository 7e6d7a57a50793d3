"""Erasure of a customer's content; envelopes stay. Proposal and approval are in `usecases/people/dual_control`."""

from collections.abc import Collection, Sequence
from functools import partial
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
    DeskMessage,
    FileContent,
    FileRecord,
    FileState,
    MandateRecord,
    OfferRecord,
    PersonRecord,
    Proposal,
    PushedRequest,
    TaskRecord,
    TaskState,
)
from remit.domain.saved_views import names_customer
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import clear_object_cache
from remit.engine.ask.authorization_state import clear_state_cache
from remit.engine.commit import commit_retryable, retried
from remit.engine.context import DeskContext
from remit.engine.files.store import droppable_content
from remit.engine.mandates.issuable import clear_judged_mandates
from remit.engine.mandates.signed import clear_verified_consents
from remit.engine.transcript.record import PreparedEntries, prepare_entry, pseudonym
from remit.ports.store import Commit, Drop, LimitReached, Put, RecordMissing, Reserve, Versioned

_LIMIT: Final = 100_000
_NOTHING: Final = "{}"
_STOOD: Final = "stood"


@struct(frozen=True, kw_only=True)
class CustomerContent:
    """All working records about one customer, each with the revision it was read at."""

    mandates: Sequence[Versioned[MandateRecord]]
    tasks: Sequence[Versioned[TaskRecord]]
    asks: Sequence[Versioned[AskRecord]]
    shown: Sequence[Versioned[ConfirmationRecord]]
    told: Sequence[Versioned[DeskMessage]]
    offers: Sequence[Versioned[OfferRecord]]
    contests: Sequence[Versioned[Contest]]
    acts: Sequence[Versioned[ActRecord]]
    """Acts with unknown outcome; settled ones keep no payload."""
    files: Sequence[Versioned[FileRecord]]
    bytes_of_files: Sequence[Versioned[FileContent]]
    """Without their bytes: existence and revision only."""
    requests: Sequence[Versioned[PushedRequest]]
    ceremonies: Sequence[Versioned[Ceremony]]


async def read_content(desk: DeskContext, customer: str) -> CustomerContent:
    """Read all of it."""
    find = desk.store.find
    return await _content_under(desk, customer, await find(MandateRecord, "mandate.customer", customer, limit=_LIMIT))


async def read_inactive_content(desk: DeskContext, customer: str) -> CustomerContent:
    """Read the content outside active mandates and open contests."""
    mandates = await desk.store.find(MandateRecord, "mandate.customer", customer, limit=_LIMIT)
    content = await _content_under(desk, customer, [one for one in mandates if one.record.state != "active"])
    tasks = {one.record.id for one in content.tasks}
    return replace(
        content,
        shown=[one for one in content.shown if one.record.task in tasks],
        contests=[one for one in content.contests if not one.record.open],
    )


async def _content_under(
    desk: DeskContext, customer: str, mandates: Sequence[Versioned[MandateRecord]]
) -> CustomerContent:
    find = desk.store.find
    tasks = [task for one in mandates for task in await find(TaskRecord, "task.mandate", one.record.id, limit=_LIMIT)]
    cases = sorted({one.record.case for one in tasks})
    shown = await find(ConfirmationRecord, "confirmation.customer", customer, limit=_LIMIT)
    whose, confirmed = {one.record.id for one in tasks}, {one.record.id for one in shown}
    files = [file for one in tasks for file in await find(FileRecord, "file.task", one.record.id, limit=_LIMIT)]
    kept = [await droppable_content(desk, one.record) for one in files]
    return CustomerContent(
        mandates=mandates,
        tasks=tasks,
        asks=[ask for one in tasks for ask in await find(AskRecord, "ask.task", one.record.id, limit=_LIMIT)],
        shown=shown,
        told=[
            message for one in tasks for message in await find(DeskMessage, "message.task", one.record.id, limit=_LIMIT)
        ],
        offers=[offer for one in cases for offer in await find(OfferRecord, "offer.case", one, limit=_LIMIT)],
        contests=await find(Contest, "contest.customer", customer, limit=_LIMIT),
        # Short-lived records, not indexed by person.
        acts=[
            one
            for index in ("act.queued", "act.sent")
            for one in await find(ActRecord, index, "", limit=_LIMIT)
            if one.record.task in whose
        ],
        files=files,
        bytes_of_files=[one for one in kept if one is not None],
        requests=[
            one for one in await find(PushedRequest, "due.request", "", limit=_LIMIT) if one.record.customer == customer
        ],
        ceremonies=[
            one
            for one in await find(Ceremony, "due.ceremony", "", limit=_LIMIT)
            if ("wire" in one.record.extra and one.record.extra.get("customer") == customer)
            or one.record.subject in confirmed
        ],
    )


def build_erasure(content: CustomerContent) -> tuple[list[Put], list[Drop]]:
    """Return the puts and drops that erase it; any record moved since reading is a conflict."""
    puts: list[Put] = [Put(_empty_ask(one.record), one.rev, one.record) for one in content.asks]
    puts += [Put(_empty_confirmation(one.record), one.rev, one.record) for one in content.shown]
    puts += [
        Put(replace(one.record, wire=_NOTHING, signed=_NOTHING, evidence=""), one.rev, one.record)
        for one in content.mandates
    ]
    puts += [Put(replace(one.record, text="", offer=""), one.rev, one.record) for one in content.told]
    puts += [Put(replace(one.record, terms=_NOTHING), one.rev, one.record) for one in content.offers]
    puts += [Put(replace(one.record, text=""), one.rev, one.record) for one in content.contests]
    # Their task has ended: they are reconciled and fenced, never carried out.
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
    """⚔ Empty a file; a held one stops waiting, as its bytes go with the rest."""
    state = FileState.DISCARDED if file.state is FileState.HELD else file.state
    return replace(file, name="", removed={}, digest="", whole=False, state=state)


def _empty_confirmation(shown: ConfirmationRecord) -> ConfirmationRecord:
    return replace(shown, rendering=_NOTHING, answers=tuple(replace(one, evidence="") for one in shown.answers))


def erasure_blocker(customer: str) -> Reserve:
    """Return the counter change of commits that block an erasure: a grant, a contest, a hold.

    ⚔ Counted, so that an erasure under way notices later blockers; two blockers do not conflict.
    """
    return Reserve(f"erasure {customer}", _STOOD, 1, None)


async def erasure_guard(desk: DeskContext, customer: str) -> Reserve:
    """Return the reservation of an erasure's commit, exhausted by any `erasure_blocker` counted after this read."""
    scope = f"erasure {customer}"
    counted = (await desk.store.counters(scope)).get(_STOOD, 0)
    return Reserve(scope, _STOOD, 1, counted + 1)


@struct(frozen=True, kw_only=True)
class Erasure:
    """The result of an erasure: destroyed keys and emptied records."""

    customer: str
    keys: int
    records: int


async def erase_customer(
    desk: DeskContext, customer: str, *, by: Sequence[str], reason: str, agreed: Versioned[Proposal] | None
) -> Erasure:
    """Erase a customer's working records and content keys, on the record, as two people `agreed` (None: the rules).

    Envelopes, leaves and proofs stay, so that the log still verifies; the customer's account and passkeys stay too.

    ⚔ Only present content is erased. The keys are retired first, so that content sealed from here on has another key,
    whenever these are destroyed; then everything is read, and the commit holds only if nothing of it moved and no
    blocker came. The proposal goes with that commit: if it fails, the same two people can agree again.

    Raises:
        Refused: as `verify_erasable`; `task.busy` when something moved meanwhile.
        Fault: `fault.store`. When it broke after the record, the sweep (or the next start) destroys the keys.

    Source: docs/model/model.md#erasure.
    """
    keys = await desk.vault.retire(customer)
    # Read before anything is checked: later blockers are noticed.
    unmoved = await erasure_guard(desk, customer)
    person, content = await _erasable(desk, customer)
    puts, drops = build_erasure(content)
    records = len(puts) + len(drops)
    await _drop_views(desk, person.record)
    written = await write_erasure(desk, customer, keys, records=records, by=by, reason=reason)
    change = Commit(
        # ⚔ The person record moves: concurrent sealers with the old key must begin again.
        puts=(Put(person.record, person.rev, person.record), *puts),
        drops=(*([Drop(agreed.record, agreed.rev)] if agreed else ()), *drops),
        reserves=(unmoved,),
        entries=written.rows,
    )
    try:
        await commit_retryable(desk, change)
    except LimitReached:
        raise Refused(Code.TASK_BUSY, "a blocker came meanwhile", retry_after_s=1) from None
    # A crash from here on leaves the retired keys in place, unused for sealing; repaired by the next start, which
    # destroys them.
    desk.on_point("erase.recorded")
    clear_object_cache()
    clear_state_cache()
    clear_judged_mandates()
    clear_verified_consents()
    try:
        await complete_erasure(desk, keys)
    except Fault as broken:
        raise Fault(
            broken.code, f"the erasure is recorded, and is completed by itself: {broken.detail}", cure=broken.cure
        ) from None
    return Erasure(customer=customer, keys=len(keys), records=records)


async def _drop_views(desk: DeskContext, customer: PersonRecord) -> None:
    """Drop the officers' saved views that name a customer.

    ⚔ Ahead of the erasure and by themselves: an officer who saves views meanwhile must not hold it off.

    Raises:
        Refused: `task.busy`.
    """
    names = (customer.id, customer.name, customer.email)

    async def drop(officer: str) -> None:
        kept = await desk.store.get(PersonRecord, officer)
        views = tuple(one for one in kept.record.views if not names_customer(one, *names))
        await desk.store.commit(Commit(puts=(Put(replace(kept.record, views=views), kept.rev, kept.record),)))

    for officer in await desk.store.find(PersonRecord, "person.kind", "officer", limit=_LIMIT):
        if any(names_customer(one, *names) for one in officer.record.views):
            await retried(partial(drop, officer.record.id))


async def verify_erasable(desk: DeskContext, customer: str) -> None:
    """Verify that nothing blocks the erasure.

    Raises:
        Refused: `request.not_found`; `request.conflict` during a contest, hold, open task or mandate, or retention.
    """
    await _erasable(desk, customer)


async def _erasable(desk: DeskContext, customer: str) -> tuple[Versioned[PersonRecord], CustomerContent]:
    """Return the content to erase: the very records that were checked."""
    try:
        person = await desk.store.get(PersonRecord, customer)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such customer", public=marked("No customer has this id.")) from None
    if person.record.kind != "customer":
        raise Refused(Code.REQUEST_NOT_FOUND, "not a customer", public=marked("No customer has this id."))
    content = await read_content(desk, customer)
    if any(one.record.open for one in content.contests):
        raise _blocker("a contest or hold is open")
    if any(one.record.state is not TaskState.ENDED for one in content.tasks):
        raise _blocker("a task is open or held")
    if any(one.record.state == "active" for one in content.mandates):
        raise _blocker("a mandate is active; revoke it first")
    if any(one.record.state in OPEN_ASKS for one in content.asks):
        raise _blocker("the outcome of an ask is not known yet")
    last = await desk.store.entries(ref=customer, limit=1, newest=True)
    if last and last[0].row.at > desk.world.now() - desk.terms.retention_s * 1000:
        raise _blocker("the last entry is within the time of retention")
    return person, content


def _blocker(reason: str) -> Refused:
    return Refused(Code.REQUEST_CONFLICT, f"the content may not be erased now: {reason}", public=f"Not now: {reason}.")


ERASURES: Final = "erasures"
"""Reference of every erasure's entry."""


async def write_erasure(
    desk: DeskContext, customer: str, keys: Sequence[str], *, records: int, by: Sequence[str], reason: str
) -> PreparedEntries:
    """Prepare the entry of an erasure, indexed among all erasures, by each of its keys, and by the customer.

    Raises:
        Fault: `fault.store`.
    """
    return await prepare_entry(
        desk,
        Kind.ENTRY_ERASED,
        envelope={"customer": pseudonym(desk, customer), "keys": list(keys), "records": records},
        desk={"by": list(by), "reason": reason},
        refs=(ERASURES, *(erasure_ref(key) for key in keys), customer),
    )


async def complete_erasure(desk: DeskContext, keys: Collection[str]) -> None:
    """Destroy the keys of a recorded erasure and its overwritten store pages; always safe to repeat.

    Raises:
        Fault: `fault.store`; `finish_erasures` tries again.
    """
    try:
        await desk.vault.destroy_keys(keys)
    finally:
        await desk.store.purge_wal()
    await desk.vault.finish(keys)


def erasure_ref(key: str) -> str:
    """Return the reference under which the erasure of a key is found."""
    return f"erased:{key}"
