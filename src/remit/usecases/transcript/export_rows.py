"""Export of found rows as CSV or JSON lines, on the record, one row after the other."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.search import SearchQuery
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.transcript.record import keyed_digest, prepare_entry, pseudonym
from remit.ports.store import Commit
from remit.proof.canonical import canonical
from remit.usecases.transcript.rows import TranscriptRow, scan_rows
from remit.usecases.transcript.search_index import TranscriptIndex

FORMATS: Final = ("csv", "jsonl")
COLUMNS: Final = (
    "entry", "first_entry", "at", "kind", "state", "decision", "code", "agent", "agent_name", "operator", "customer",
    "customer_name", "action", "params", "answers", "officers", "outcome", "case", "ask", "entries",
)  # fmt: skip
_PLAIN_FILTERS: Final = frozenset({"from", "to", "kind", "decision", "code", "min", "max", "agent", "operator"})
"""Filters that stand in the entry as they are; the others may name people, and are a digest there."""
_FORMULA: Final = re.compile("[\\s\ufeff\u200b-\u200f]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_INSIDE: Final = re.compile('([;,\t|"]\\s*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')
"""A sign of a formula behind what is a separator elsewhere: a cell is split there where the list separator is another."""
_PIECE: Final = 16_384
_CHECK_EVERY: Final = 50
_MOST: Final = 2


@struct(frozen=True, kw_only=True)
class ExportRequest:
    """An export: its format, the query, and the filters it was made of."""

    format: str
    query: SearchQuery
    filters: Mapping[str, str]


class Exports:
    """The exports of one process that are under way: few, since each opens every entry it gives out."""

    def __init__(self) -> None:
        """None is under way."""
        self._going = 0

    def begin(self) -> None:
        """Count one more.

        Raises:
            Refused: `request.rate_limited`.
        """
        if self._going >= _MOST:
            public = marked("Other exports are still running. Try again in a minute.")
            raise Refused(Code.REQUEST_RATE_LIMITED, "too many exports are running", public=public, retry_after_s=30)
        self._going += 1

    def end(self) -> None:
        """Count one less."""
        self._going -= 1


async def record_export(desk: DeskContext, officer: PersonRecord, wanted: ExportRequest) -> int:
    """Record an export before its first row leaves, and return the place of that entry.

    ⚔ Filters that may name a customer stand there as a keyed digest: they would outlive an erasure.

    Raises:
        Fault: `fault.store`; nothing is then given out.
    """
    plain: dict[str, Json] = {name: one for name, one in sorted(wanted.filters.items()) if name in _PLAIN_FILTERS}
    written = await prepare_entry(
        desk,
        Kind.TRANSCRIPT_EXPORTED,
        envelope={
            "format": wanted.format,
            "filters": keyed_digest(desk, canonical(dict(sorted(wanted.filters.items()))).decode()),
            "by": pseudonym(desk, officer.key),
        },
        desk={"by": officer.id, **({"filters": plain} if plain else {})},
        refs=(officer.id,),
    )
    return (await desk.store.commit(Commit(entries=written.rows, proved=False))).places[-1].index


async def export_rows(
    desk: DeskContext,
    index: TranscriptIndex,
    wanted: ExportRequest,
    *,
    before: int,
    describe: Callable[[TranscriptRow], str],
    may_read: Callable[[], Awaitable[object]],
) -> AsyncIterator[bytes]:
    """Return the rows that are looked for below a place, in pieces; `describe` says a row in a sentence.

    ⚔ `may_read` is called again and again: a session that ends, or a role that is taken away, ends the export.

    Raises:
        Refused: what `may_read` raises.
        Fault: `fault.store`.
    """
    encode = _csv_row if wanted.format == "csv" else _json_row
    piece = bytearray(b"" if wanted.format == "jsonl" else "\ufeff".encode() + _line(("sentence", *COLUMNS)))
    count = 0
    async for row in scan_rows(desk, index, wanted.query, before=before, deadline=float("inf")):
        if isinstance(row, int):
            await may_read()
            continue
        count += 1
        if count % _CHECK_EVERY == 0:
            await may_read()
        piece += encode(row, describe(row))
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def row_json(row: TranscriptRow) -> dict[str, object]:
    """Return a row as JSON."""
    return {**asdict(row), "params": row.params, "entries": list(row.entries)}


def _json_row(row: TranscriptRow, sentence: str) -> bytes:
    return json.dumps({"sentence": sentence, **row_json(row)}, ensure_ascii=False, default=_number).encode() + b"\n"


def _number(value: object) -> object:
    """Return a decimal as its digits: JSON's numbers lose them in other programs."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) else str(value)


def _csv_row(row: TranscriptRow, sentence: str) -> bytes:
    answers = "; ".join(f"{one.answer} {one.role} {one.name}".strip() for one in row.answers)
    values: Mapping[str, object] = {
        **asdict(row),
        "first_entry": row.first,
        "params": json.dumps(row.params, ensure_ascii=False, default=_number, sort_keys=True) if row.params else "",
        "answers": answers,
        "officers": "; ".join(row.officers),
        "entries": " ".join(str(one["entry"]) for one in row.entries),
    }
    return _line((sentence, *(str(values[name]) for name in COLUMNS)))


def _line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([safe_cell(one) for one in cells])
    return written.getvalue().encode()


def safe_cell(text: str) -> str:
    """Return a cell's text that no spreadsheet computes.

    ⚔ A text that begins with a sign of a formula, also behind spaces, gets an apostrophe before it: what an agent wrote
    must not run where an auditor opens the file. So does such a sign behind a separator or a quote within the text: a
    spreadsheet whose list separator is `;` begins a cell there.

    Source: OWASP CSV Injection.
    """
    text = _INSIDE.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text
