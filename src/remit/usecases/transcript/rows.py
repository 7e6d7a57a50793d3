"""Rows of the transcript: an ask with its decision, answers and outcome folded in, or another entry by itself."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.people_named import doers
from remit.domain.transcript.search import Found, SearchQuery
from remit.domain.values import Instant, Json, JsonObject, instant_text, object_of
from remit.engine.context import DeskContext
from remit.engine.transcript.record import entry_row
from remit.ports.store import StoredEntry
from remit.usecases.transcript.officers_named import for_auditors, may_look_up, names_officers
from remit.usecases.transcript.search_index import WIDTH, Candidate, RowNames, TranscriptIndex, found_by

PAGE: Final = 20
"""Rows of a page: three screens of a phone."""
MAX_PAGE: Final = 200
_ASK_ENTRIES: Final = 100
_ABOUT: Final = 200
END: Final = 2**53
_ANSWERS: Final = (Kind.CONFIRMATION_ANSWERED, Kind.WORDS_ANSWERED, Kind.CONFIRMATION_EXPIRED)
_OUTCOMES: Final = (Kind.ACT_PERFORMED, Kind.ACT_RECONCILED, Kind.REPLY_SENT)


@struct(frozen=True, kw_only=True)
class RowAnswer:
    """A person's answer: `role` is `customer`, `officer:…`, or "" for silence and withdrawal; `name` "" where unnamed."""

    answer: str
    role: str
    name: str
    at: str


@struct(frozen=True, kw_only=True)
class TranscriptRow:
    """A row of the list. `entry` is its newest place; `state` is its result; `entries` are opened, oldest first."""

    entry: int
    first: int
    at: str
    ask: str
    kind: str
    case: str
    agent: str
    agent_name: str
    operator: str
    customer: str
    customer_name: str
    action: str
    params: JsonObject
    decision: str
    code: str
    outcome: str
    state: str
    answers: Sequence[RowAnswer]
    officers: Sequence[str]
    """Names of the officers who did it, where the desk names them to the reader; for entries that are no ask."""
    about: str
    """Name of the officer whose account it is about, where the desk names officers to the reader; "" for all others."""
    erased: bool
    entries: Sequence[Mapping[str, Json]]


@struct(frozen=True, kw_only=True)
class RowPage:
    """A page of rows. `searched` is the place down to which was looked, 0 where all was; `more` where to go on, or None."""

    rows: Sequence[TranscriptRow]
    size: int
    searched: int
    more: int | None


async def find_rows(
    desk: DeskContext,
    index: TranscriptIndex,
    query: SearchQuery,
    *,
    before: int = END,
    limit: int = PAGE,
    patience_s: float,
) -> RowPage:
    """Return the newest rows below a place that are looked for.

    Where a part of the log has yet to be read, it returns what was found within `patience_s`, and reads on in the
    background.

    Raises:
        Fault: `fault.store`.
    """
    deadline = desk.world.ticks() + patience_s
    rows: list[TranscriptRow] = []
    searched, more = before, None
    async for found in scan_rows(desk, index, query, before=before, deadline=deadline):
        if isinstance(found, int):
            searched = found
        elif len(rows) == limit:
            more = rows[-1].entry
            break
        else:
            rows.append(found)
    size = index.size
    searched = min(searched, size)
    if more is None and searched > 0:
        index.fill(desk)
    return RowPage(rows=rows, size=size, searched=searched, more=more)


async def scan_rows(
    desk: DeskContext, index: TranscriptIndex, query: SearchQuery, *, before: int = END, deadline: float
) -> AsyncIterator[TranscriptRow | int]:
    """Return the rows looked for one by one, the newest first, between them places from which on all was looked through.

    Raises:
        Fault: `fault.store`.
    """
    names = RowNames(desk)
    async for candidate in index.candidates(desk, query, before=before, deadline=deadline):
        if isinstance(candidate, int):
            yield candidate
            continue
        row = await _open_row(desk, candidate, query, names)
        if row is not None:
            yield row


async def _open_row(
    desk: DeskContext, candidate: Candidate, query: SearchQuery, names: RowNames, *, whole: bool = False
) -> TranscriptRow | None:
    """Open the entries of a row; None where their present content does not match, or its row is in a later segment.

    ⚔ Erased content is gone from here on, and officers' names that the reader may not have find nothing.
    """
    named = names_officers(desk)
    kept = await _entries(desk, candidate)
    opened = [await entry_row(desk, one) for one in kept]
    # ⚔ Matched on what it opens to now: the index may be of before an erasure.
    if not query.is_empty and not query.matches(await _found(kept, opened, names, officers=named)):
        return None
    opened = [for_auditors(desk, one) for one in opened]
    row = await _fold(kept, opened, names, named=named)
    return None if not whole and row.state in _OPEN and await _goes_on(desk, row) else row


async def _found(
    kept: Sequence[StoredEntry],
    opened: Sequence[Mapping[str, Json]],
    names: RowNames,
    *,
    officers: bool,
) -> Found:
    """Return the index of the opened entries of a row together."""
    parts = [await found_by(one, row, names, officers=officers) for one, row in zip(kept, opened, strict=True)]
    return Found(
        tokens=frozenset(token for part in parts for token in part.tokens),
        amounts=tuple(one for part in parts for one in part.amounts),
        first_at=min(one.row.at for one in kept),
        last_at=max(one.row.at for one in kept),
    )


async def _goes_on(desk: DeskContext, row: TranscriptRow) -> bool:
    """Return whether an ask has entries in a later segment, where its row is then."""
    newest = await desk.store.entries(ref=row.ask, limit=1, newest=True) if row.ask else ()
    return bool(newest) and newest[0].index // WIDTH > row.entry // WIDTH


async def _entries(desk: DeskContext, candidate: Candidate) -> Sequence[StoredEntry]:
    """Read the entries of a row: mostly neighbours in the log."""
    places = candidate.entries[-_ASK_ENTRIES:]
    found: dict[int, StoredEntry] = {}
    for place in places:
        if place not in found:
            reach = max((one for one in places if place <= one < place + 8), default=place)
            found.update({one.index: one for one in await desk.store.entries(low=place, limit=reach - place + 1)})
    return [found[place] for place in places if place in found]


async def _fold(
    kept: Sequence[StoredEntry],
    opened: Sequence[Mapping[str, Json]],
    names: RowNames,
    *,
    named: bool,
) -> TranscriptRow:
    envelope = _merged(opened)
    ask = str(envelope.get("ask", ""))
    asked = next((one for row in opened if (one := object_of(object_of(row["content"]).get("ask")))), _NOTHING)
    subject = kept[-1].row.subject
    erased = all(row["erased"] is True for row in opened)
    customer = "" if erased else subject
    answers = [await _answer(row, names, named=named) for row in opened if str(row["kind"]) in _ANSWERS]
    outcome = _last(opened, _OUTCOMES, "outcome")
    decision = _last(opened, (Kind.ASK_DECIDED,), "decision")
    agent = str(envelope.get("agent", ""))
    return TranscriptRow(
        entry=kept[-1].index,
        first=kept[0].index,
        at=instant_text(Instant(kept[-1].row.at)),
        ask=ask,
        kind=str(opened[0]["kind"]) if ask else str(opened[-1]["kind"]),
        case=str(envelope.get("case", "")),
        agent=agent,
        agent_name=await names.agent(agent),
        operator=str(envelope.get("operator", "")),
        customer=customer,
        customer_name=(await names.person(customer))[1] if customer else "",
        action=str(envelope.get("action", "")),
        params=object_of(asked.get("params")),
        decision=decision,
        code=_last(opened, (Kind.ASK_DECIDED,), "code"),
        outcome=outcome,
        state=_state(decision, answers, outcome),
        answers=answers,
        officers=await _officers(opened, names) if named and not ask else (),
        about=await _officer(str(object_of(opened[-1]["content"]).get("person", "")), names) if named else "",
        erased=erased,
        entries=opened,
    )


_NOTHING: Final[JsonObject] = {}
_OPEN: Final = frozenset({"", "needs_human", "permit", "unknown"})
_DECLINES: Final = frozenset({"no", "no_and_end"})


def _state(decision: str, answers: Sequence[RowAnswer], outcome: str) -> str:
    """Return the result of an ask: its outcome, else how it was answered, else how it was decided."""
    if outcome:
        return outcome
    last = answers[-1].answer if answers else ""
    if last == "silence":
        return "expired"
    if last == "withdrawn" or last in _DECLINES:
        return "withdrawn" if last == "withdrawn" else "declined"
    return decision


async def _answer(row: Mapping[str, Json], names: RowNames, *, named: bool) -> RowAnswer:
    envelope = object_of(row["envelope"])
    answer, role = str(envelope.get("answer", "silence")), str(envelope.get("as", ""))
    by = object_of(row["content"]).get("by") if named or role == "customer" else ""
    name = (await names.person(by))[1] if isinstance(by, str) and by else ""
    return RowAnswer(answer=answer, role=role, name=name, at=str(row["at"]))


async def _officers(opened: Sequence[Mapping[str, Json]], names: RowNames) -> Sequence[str]:
    found = [await _officer(one, names) for row in opened for one in doers(object_of(row["content"]))]
    return tuple(dict.fromkeys(filter(None, found)))


async def _officer(person: str, names: RowNames) -> str:
    """Return the name of an officer; "" for anyone else."""
    kind, name = await names.person(person) if person else ("", "")
    return (name or person) if kind == "officer" else ""


def _merged(opened: Sequence[Mapping[str, Json]]) -> JsonObject:
    """Return the members of a row's envelopes; those of the first come first."""
    merged: dict[str, Json] = {}
    for row in reversed(opened):
        merged.update(object_of(row["envelope"]))
    return merged


def _last(opened: Sequence[Mapping[str, Json]], kinds: Sequence[Kind], name: str) -> str:
    found = [object_of(row["envelope"]) for row in opened if str(row["kind"]) in kinds]
    return str(found[-1].get(name) or "") if found else ""


async def rows_about(desk: DeskContext, ref: str, *, before: int = END) -> RowPage:
    """Return the newest rows below a place whose entries can be looked up by an id, erased ones too.

    Raises:
        Fault: `fault.store`.
    """
    kept = await desk.store.entries(ref=ref, limit=_ABOUT, newest=True) if await may_look_up(desk, ref) else ()
    kept = [one for one in kept if one.index < before]
    return await _page(desk, kept, limit=PAGE, ascending=False)


async def rows_from(desk: DeskContext, low: int, *, ref: str = "") -> RowPage:
    """Return the rows with an entry from a place on, the oldest first.

    Raises:
        Fault: `fault.store`.
    """
    kept = await desk.store.entries(ref=ref, low=low, limit=PAGE + 1) if await may_look_up(desk, ref) else ()
    return await _page(desk, kept, limit=PAGE, ascending=True)


async def _page(desk: DeskContext, kept: Sequence[StoredEntry], *, limit: int, ascending: bool) -> RowPage:
    """Fold entries in the order given; the row of an ask stands where its first one stands."""
    groups: dict[str, list[int]] = {}
    for one in kept:
        envelope = object_of((await entry_row(desk, one))["envelope"])
        groups.setdefault(str(envelope.get("ask", "")) or f"#{one.index}", []).append(one.index)
    names, rows = RowNames(desk), []
    chosen = list(groups.values())
    for places in chosen[:limit]:
        row = await _open_row(desk, Candidate(tuple(sorted(places))), SearchQuery(), names, whole=True)
        if row is not None:
            rows.append(row)
    newest = await desk.store.entries(limit=1, newest=True)
    size = newest[0].index + 1 if newest else 0
    more = None
    if len(chosen) > limit:
        more = min(chosen[limit]) if ascending else max(chosen[limit]) + 1
    return RowPage(rows=rows, size=size, searched=0, more=more)
