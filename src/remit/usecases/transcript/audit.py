"""Auditors' actions on the transcript: browse, receipts, verification, and settling contests."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import Contest, PersonRecord
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.receipt import EntryWithProof, Holder, build_tlog_proof
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.engine.leaks.scan_staff_text import redact_staff_text
from remit.engine.notices import notices_for
from remit.engine.transcript.record import entry_row, open_entry, prepare_entry, pseudonym
from remit.ports.store import Commit, Conflict, EntryRow, Put, RecordMissing, StoredEntry
from remit.proof.tiles import Bundle, Tile, encode_bundle
from remit.usecases.transcript.officers_named import may_look_up
from remit.usecases.transcript.report import no_progress
from remit.usecases.transcript.search_index import RowNames
from remit.usecases.transcript.verify import LogReport, verify_log

_PAGE: Final = 200
_DIGITS: Final = 15
_MAX_LENGTH: Final = 4000


async def browse_entries(desk: DeskContext, *, low: int, ref: str, newest: bool) -> list[Mapping[str, Json]]:
    """Return entries of the transcript as the desk may read them: the envelope and its own section."""
    if not await may_look_up(desk, ref):
        return []
    found = await desk.store.entries(ref=ref, low=low, limit=_PAGE, newest=newest)
    return [await entry_row(desk, one) for one in found]


async def receipt_for(desk: DeskContext, person: PersonRecord, entry_id: str) -> str:
    """Return an entry's receipt as C2SP tlog-proof, opened for a party: its customer, or an auditor of the desk.

    Raises:
        Refused: `request.not_found`, the same for an unknown entry and for a person who is no party.

    Source: docs/model/model.md#log; C2SP tlog-proof.
    """
    entry = await find_entry(desk, entry_id)
    if person.kind == "customer" and entry.row.subject == person.id:
        holder = Holder.CUSTOMER
    elif person.kind == "officer" and not person.paused and {"audit", "admin"} & set(person.roles):
        holder = Holder.DESK
    else:
        raise Refused(Code.REQUEST_NOT_FOUND, "no party to this entry")
    committed = await desk.store.prove((entry.index,))
    proved = EntryWithProof(
        index=entry.index, opened=await open_entry(desk, entry.row), proof=committed.places[0].proof
    )
    return build_tlog_proof(holder=holder, entry=proved, checkpoint=committed.checkpoint)


async def find_entry(desk: DeskContext, entry_id: str, *, ref: str = "") -> StoredEntry:
    """Return an entry by its place; with `ref`, only one that can be looked up by this id.

    Raises:
        Refused: `request.not_found`.
    """
    if not entry_id.isascii() or not entry_id.isdecimal() or len(entry_id) > _DIGITS:
        raise Refused(Code.REQUEST_NOT_FOUND, "not an entry")
    index = int(entry_id)
    found = await desk.store.entries(ref=ref, low=index, limit=1)
    if not found or found[0].index != index:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such entry")
    return found[0]


async def verify_now(desk: DeskContext) -> LogReport:
    """Verify the whole log against its newest checkpoint: every entry, record and tile.

    Raises:
        Refused: `log.damaged`, `request.not_found` while the log is empty.
        Fault: `fault.store`.
    """
    note = await desk.store.checkpoint()
    if not note:
        raise Refused(Code.REQUEST_NOT_FOUND, "the log is empty")
    size = int(note.split("\n")[1])
    log = await _copy(desk, note, size)
    return await asyncio.to_thread(
        verify_log,
        log,
        records=log,
        vkey=desk.signer.log_key(),
        high_water=None,
        earlier=(),
        verify_ed25519=desk.verify_ed25519,
        ticks=desk.world.ticks,
        progress=no_progress,
    )


@struct(frozen=True)
class _LogCopy:
    """A log as read once, for verifying it in one go."""

    keeps_leaf_hashes: ClassVar[bool] = True
    note: str
    tiles: Mapping[tuple[int, int], bytes]
    bundles: Mapping[int, bytes]
    envelopes: Mapping[int, Sequence[bytes]]

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint."""
        return self.note

    def tile(self, tile: Tile) -> bytes:
        """Return the bytes of one tile of hashes."""
        return self.tiles[tile.level, tile.index]

    def bundle(self, bundle: Bundle) -> bytes:
        """Return the bytes of one entry bundle."""
        return self.bundles[bundle.index]

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """Return the envelope records of a bundle's entries."""
        return self.envelopes[bundle.index]


async def _copy(desk: DeskContext, note: str, size: int) -> _LogCopy:
    width = 256
    tiles: dict[tuple[int, int], bytes] = {}
    bundles: dict[int, bytes] = {}
    envelopes: dict[int, Sequence[bytes]] = {}
    try:
        for index in range(-(-size // width)):
            here = min(width, size - index * width)
            bundles[index] = encode_bundle(await desk.store.leaves(index, here))
            rows: list[EntryRow] = [one.row for one in await desk.store.entries(low=index * width, limit=here)]
            envelopes[index] = [row.envelope for row in rows]
        level, row = 0, size
        while row:
            for index in range(-(-row // width)):
                tiles[level, index] = await desk.store.tile(level, index, min(width, row - index * width))
            level, row = level + 1, row // width
    except RecordMissing:
        raise Refused(Code.LOG_DAMAGED, "the log lacks a part its checkpoint covers") from None
    return _LogCopy(note, tiles, bundles, envelopes)


async def open_contests(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the open contests, oldest first."""
    names = RowNames(desk)
    return [
        {
            "contest": one.record.id,
            "customer": one.record.customer,
            "customer_name": (await names.person(one.record.customer))[1],
            "entry": one.record.entry,
            "text": one.record.text,
            "at": instant_text(one.record.at),
        }
        for one in await desk.store.find(Contest, "contest.open", "", limit=_PAGE)
    ]


async def settle_contest(desk: DeskContext, officer: PersonRecord, contest_id: str, text: str) -> Contest:
    """Settle a contest with an answer to the customer, on the record.

    Raises:
        Refused: `request.not_found`, `request.malformed`, `person.not_allowed` in one's own case.
    """
    if not text.strip() or len(text) > _MAX_LENGTH:
        public = marked("Enter how it was settled, in at most 4000 characters.")
        raise Refused(Code.REQUEST_MALFORMED, "say how it was settled", public=public)
    try:
        kept = await desk.store.get(Contest, contest_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such contest") from None
    if not kept.record.open:
        raise Refused(Code.REQUEST_NOT_FOUND, "settled already")
    customer = (await desk.store.get(PersonRecord, kept.record.customer)).record
    if customer.key == officer.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "an officer cannot settle their own contest")
    text = await redact_staff_text(desk, text, where="contest", by=officer)
    settled = replace(kept.record, open=False)
    written = await prepare_entry(
        desk,
        Kind.CONTEST_SETTLED,
        envelope={"contest": settled.id, "entry": settled.entry, "customer": pseudonym(desk, customer.id)},
        customer={"answer": text},
        desk={"by": officer.id, "answer": text},
        subject=customer.id,
        refs=(customer.id, settled.id),
    )
    notices = notices_for(
        desk,
        customer,
        (customer.email,),
        subject=marked("Your dispute was answered"),
        text=marked("We answered your dispute. Sign in and open your history to read the answer."),
    )
    try:
        await desk.store.commit(Commit(puts=(Put(settled, kept.rev, kept.record), *notices.puts), entries=written.rows))
    except Conflict:
        raise Refused(Code.REQUEST_NOT_FOUND, "settled meanwhile") from None
    await notices.log_unsent(desk)
    return settled
