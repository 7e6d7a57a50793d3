"""The index of the transcript's searches: in memory alone, made from the log in the background (docs/decisions/0068)."""

import asyncio
import hashlib
from array import array
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.domain.records import AgentRecord, PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.search import EntryNames, Found, SearchQuery, entry_tokens, named_tokens, officers_of
from remit.domain.values import Json, JsonObject, object_of
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import ERASURES
from remit.engine.transcript.record import entry_row
from remit.ports.store import RecordMissing, StoredEntry
from remit.usecases.transcript.officers_named import names_officers

WIDTH: Final = 128
"""Entries of a segment: what is read at once."""
MAX_SEGMENTS: Final = 2048
"""Segments kept; of a longer log the oldest are read again when they are searched."""
MAX_PLACES: Final = 32_768
"""Places of tokens in one segment: 256 for each entry, on average."""
MAX_WEIGHT: Final = 64 * 2**20
"""Bytes that all segments may take, as `_Segment.weight` reckons them; beyond it the oldest are read again, too."""
_TOKEN_BYTES: Final = 200
_STEP: Final = 16
_REST: Final = 2
"""Time that a background reading rests, in times of what it took."""
_SPAN: Final = 200
NO_PARTS: Final[JsonObject] = {}


@dataclass(slots=True)
class _Row:
    """An ask's entries, or one other entry."""

    entries: list[int]
    seen: set[int]
    first_at: int
    last_at: int
    amounts: tuple[Decimal, ...] = ()


@dataclass(slots=True)
class _Segment:
    """The rows with an entry in one stretch of the log, and the rows that each hashed token is in."""

    start: int
    end: int
    key: bytes
    rows: list[_Row] = field(default_factory=list)
    asks: dict[str, int] = field(default_factory=dict)
    postings: dict[int, "array[int]"] = field(default_factory=dict)
    places: int = 0
    full: set[int] = field(default_factory=set)
    """Rows without room for all their tokens, proposed for every search. ⚔ No writer of many words fills the memory."""
    hashes: dict[str, int] = field(default_factory=dict)
    """Hashes worked out for this segment, while it is read."""

    @property
    def weight(self) -> int:
        """Return about how many bytes its postings take."""
        return _TOKEN_BYTES * len(self.postings) + 2 * self.places

    def hash(self, token: str) -> int:
        """Return a token's hash."""
        found = self.hashes.get(token)
        if found is None:
            found = self.hashes[token] = _hash(self.key, token)
        return found

    def close(self, *, for_good: bool) -> None:
        """Forget the parts that only reading needs. ⚔ No word stays in the clear."""
        self.hashes.clear()
        for row in self.rows if for_good else ():
            row.seen.clear()


@struct(frozen=True)
class Candidate:
    """The entries of a row that a search may find, in the order of the log. ⚔ Nothing is shown before it is opened."""

    entries: tuple[int, ...]


class RowNames:
    """Names of agents and people, looked up once for a page or a segment."""

    def __init__(self, desk: DeskContext) -> None:
        """Look up nothing yet."""
        self._desk = desk
        self.officers = names_officers(desk)
        """Whether an entry is found by its officers. ⚔ Else not even the time of a search tells them."""
        self._agents: dict[str, str] = {}
        self._people: dict[str, tuple[str, str]] = {}
        self._tokens: dict[tuple[str, str], AbstractSet[str]] = {}
        self._titles: dict[str, str] = {}

    def tokens(self, letter: str, text: str) -> AbstractSet[str]:
        """Return the tokens of a name."""
        found = self._tokens.get((letter, text))
        if found is None:
            found = self._tokens[letter, text] = named_tokens(letter, text)
        return found

    async def agent(self, client_id: str) -> str:
        """Return an agent's name, "" for an unknown one."""
        if client_id not in self._agents:
            try:
                name = (await self._desk.store.get(AgentRecord, client_id)).record.name if client_id else ""
            except RecordMissing:
                name = ""
            self._agents[client_id] = name
        return self._agents[client_id]

    async def person(self, person_id: str) -> tuple[str, str]:
        """Return the kind and name of a person, empty for an unknown one."""
        if person_id not in self._people:
            try:
                found = (await self._desk.store.get(PersonRecord, person_id)).record
                self._people[person_id] = (found.kind, found.name)
            except RecordMissing:
                self._people[person_id] = ("", "")
        return self._people[person_id]

    def _title(self, action: str) -> str:
        """Return an action's titles in every language of the desk: a row is found by the same words for all readers."""
        if action not in self._titles:
            catalogues = [self._desk.in_language(one).catalogue for one in self._desk.catalogue.languages]
            found = [one.actions[action].title for one in catalogues if action in one.actions]
            self._titles[action] = " ".join(dict.fromkeys(found))
        return self._titles[action]

    async def of_entry(self, row: Mapping[str, Json], subject: str, *, officers: bool) -> EntryNames:
        """Return the names beside an opened entry; those of `officers` only where the desk names them to the reader."""
        envelope, content = object_of(row["envelope"]), object_of(row["content"])
        named: list[str] = []
        for one in officers_of(content) if officers else ():
            kind, name = await self.person(one)
            if kind == "officer":
                named += [one, name]
        return EntryNames(
            agent=await self.agent(str(envelope.get("agent", ""))),
            customer=(subject, (await self.person(subject))[1]) if subject else (),
            officers=tuple(named),
            title=self._title(str(envelope.get("action", ""))),
        )


class TranscriptIndex:
    """One process's index: segments of the log by number, the newest read first.

    Tokens are hashed under a key of this process. ⚔ It only proposes rows: whether one is found is decided on what its
    entries open to at that moment, so that erased content is found by nothing that remains here.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._segments: dict[int, _Segment] = {}
        self._turn = asyncio.Lock()
        self._key = b""
        self._erasure = -1
        self._size = 0
        self._filling: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Return the log's size at the last search."""
        return self._size

    async def refresh(self, desk: DeskContext) -> int:
        """Return the log's size; after an erasure, or where the log is another one, the index begins anew.

        Raises:
            Fault: `fault.store`.
        """
        newest = await desk.store.entries(limit=1, newest=True)
        size = newest[0].index + 1 if newest else 0
        erased = await desk.store.entries(ref=ERASURES, limit=1, newest=True)
        erasure = erased[0].index if erased else -1
        if erasure != self._erasure or size < self._size or not self._key:
            self._segments.clear()
            self._key = desk.world.random(16)
        self._erasure, self._size = erasure, size
        return size

    async def candidates(
        self, desk: DeskContext, query: SearchQuery, *, before: int, deadline: float
    ) -> AsyncIterator[Candidate | int]:
        """Return the rows below place `before` that may be found, the newest first, and where each segment ends.

        A number says that everything from that place on was looked through. It ends at the log's beginning, or where a
        segment but the first would have to be read after `deadline` (ticks).

        Raises:
            Fault: `fault.store`.
        """
        size = await self.refresh(desk)
        top, is_first = min(before, size), True
        for number in range((top - 1) // WIDTH, -1, -1) if top else ():
            if not is_first and desk.world.ticks() > deadline and not self._is_read(number, size):
                return
            is_first = False
            segment = await self._segment(desk, number, size)
            for row in self._look(segment, query):
                newest = row.entries[-1]
                if segment.start <= newest < top:
                    yield Candidate(tuple(row.entries))
            yield segment.start

    def fill(self, desk: DeskContext) -> None:
        """Read the rest of the log in the background, as much as is kept."""
        if self._filling is None or self._filling.done():
            self._filling = asyncio.get_running_loop().create_task(self._fill(desk))

    async def stop(self) -> None:
        """Stop reading in the background."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    async def _fill(self, desk: DeskContext) -> None:
        size = self._size
        try:
            for number in list(range((size - 1) // WIDTH, -1, -1))[:MAX_SEGMENTS] if size else []:
                if not self._is_read(number, size):
                    begun, kept = desk.world.ticks(), len(self._segments)
                    await self._segment(desk, number, size)
                    if len(self._segments) <= kept:
                        return  # there is no more room
                    await asyncio.sleep(_REST * (desk.world.ticks() - begun))
        except (Fault, Refused):
            return  # the next search meets it, and says so

    def _is_heavy(self) -> bool:
        return sum(one.weight for one in self._segments.values()) > MAX_WEIGHT

    def _is_read(self, number: int, size: int) -> bool:
        segment = self._segments.get(number)
        return segment is not None and segment.end >= min((number + 1) * WIDTH, size)

    @staticmethod
    def _look(segment: _Segment, query: SearchQuery) -> list[_Row]:
        """Return the rows of a segment that may be found, the newest first."""
        chosen: Iterable[int] = range(len(segment.rows))
        for term in query.terms:
            found = {row for token in term for row in segment.postings.get(_hash(segment.key, token), ())}
            found |= segment.full
            chosen = [row for row in chosen if row in found]
        rows = [segment.rows[row] for row in chosen]
        return sorted(
            (one for one in rows if query.fits(one.first_at, one.last_at) and query.costs(one.amounts)),
            key=_newest,
            reverse=True,
        )

    async def _segment(self, desk: DeskContext, number: int, size: int) -> _Segment:
        """Return a segment, read as far as the log goes; others have their turn after each step."""
        async with self._turn:
            start, end = number * WIDTH, min((number + 1) * WIDTH, size)
            segment = self._segments.get(number) or _Segment(start, start, self._key)
            names = RowNames(desk)
            while segment.end < end:
                found = await desk.store.entries(low=segment.end, limit=min(_STEP, end - segment.end))
                if not found:
                    break
                for one in found:
                    await self._add(desk, segment, one, names)
                    segment.end = one.index + 1
                await asyncio.sleep(0)
            segment.close(for_good=segment.end == start + WIDTH)
            if segment.key == self._key:  # ⚔ else an erasure came meanwhile: nothing of before is kept
                self._keep(number, segment)
            return segment

    def _keep(self, number: int, segment: _Segment) -> None:
        self._segments[number] = segment
        while len(self._segments) > MAX_SEGMENTS or (self._is_heavy() and len(self._segments) > 1):
            del self._segments[min(one for one in self._segments if one != number)]

    async def _add(self, desk: DeskContext, segment: _Segment, entry: StoredEntry, names: RowNames) -> None:
        row = await entry_row(desk, entry)
        ask = str(object_of(row["envelope"]).get("ask", ""))
        place = segment.asks.get(ask) if ask else None
        if place is None:
            place = len(segment.rows)
            segment.rows.append(_Row([], set(), entry.row.at, entry.row.at))
            if ask:
                segment.asks[ask] = place
            if ask and not _is_first(row):
                for earlier in await _earlier(desk, ask, segment.start):
                    await self._enter(segment, place, earlier, await entry_row(desk, earlier), names)
        await self._enter(segment, place, entry, row, names)

    @staticmethod
    async def _enter(
        segment: _Segment,
        place: int,
        entry: StoredEntry,
        row: Mapping[str, Json],
        names: RowNames,
    ) -> None:
        found = await found_by(entry, row, names, officers=names.officers)
        kept = segment.rows[place]
        kept.entries.append(entry.index)
        kept.first_at, kept.last_at = min(kept.first_at, entry.row.at), max(kept.last_at, entry.row.at)
        if found.amounts:
            kept.amounts = tuple(dict.fromkeys((*kept.amounts, *found.amounts)))
        new = {segment.hash(token) for token in found.tokens} - kept.seen
        if segment.places + len(new) > MAX_PLACES:
            segment.full.add(place)
            return
        kept.seen |= new
        segment.places += len(new)
        for token in new:
            segment.postings.setdefault(token, array("H")).append(place)


def _hash(key: bytes, token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=7, key=key).digest())


async def found_by(entry: StoredEntry, row: Mapping[str, Json], names: RowNames, *, officers: bool) -> Found:
    """Return the index of an opened entry."""
    known = await names.of_entry(row, entry.row.subject, officers=officers)
    tokens, amounts = entry_tokens(row, known, names.tokens)
    return Found(tokens=tokens, amounts=amounts, first_at=entry.row.at, last_at=entry.row.at)


def _is_first(row: Mapping[str, Json]) -> bool:
    """Return whether an entry is the first of its ask: a decision after no answer, about no held words."""
    envelope = object_of(row["envelope"])
    return row["kind"] == Kind.ASK_DECIDED and not envelope.get("confirmed_by") and "words" not in envelope


async def _earlier(desk: DeskContext, ask: str, before: int) -> Sequence[StoredEntry]:
    """Return the entries of an ask before a place, in the order of the log."""
    first = await desk.store.entries(ref=ask, limit=1)
    if not first or first[0].index >= before:
        return ()
    opened = await entry_row(desk, first[0])
    task = str(object_of(opened["envelope"]).get("task", ""))
    near = await desk.store.entries(ref=task, low=first[0].index, limit=_SPAN) if task else first
    rows = [(one, await entry_row(desk, one)) for one in near if one.index < before]
    return [one for one, row in rows if object_of(row["envelope"]).get("ask") == ask]


def _newest(row: _Row) -> int:
    return row.entries[-1]
