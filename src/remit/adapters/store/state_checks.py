"""Comparison of a store's rows with its log, entry by entry: the rows that a changed sum cannot name."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from remit.adapters.store.codec import KINDS, decode_record
from remit.adapters.store.read_connection import ReadConnection
from remit.domain.records import AskRecord, MandateRecord, Record
from remit.domain.transcript.entry import logged_envelope
from remit.domain.transcript.logged_states import COMPARED, LoggedStates
from remit.domain.transcript.pseudonyms import Keyed

NEWEST: Final = 20_000
"""Entries that a start compares rows with."""
_PAGE: Final = 5_000
_MOST: Final = 1_000
_BY_ID: Final = frozenset({"mandate", "task", "agent", "suspension"})
_RECORD: Final = "select id, body from record where kind = ? and id = ?"
_LINKED: Final = "select id from link where name = ? and key = ? order by at limit ?"
_ENTRIES: Final = "select idx, leaf, envelope from entry where idx >= ? order by idx limit ?"
_RECORDS: Final = "select id, body from record where kind = ? and id > ? order by id limit ?"
_LATER: Final = frozenset({"person.family"})
"""Indexes that records of an older Remit lack until they are written again; no decision rests on them."""
_LINKS: Final = "select name, key, at, id from link where kind = ?"
_COUNTERS: Final = "select scope, key, used from counter where (scope, key) > (?, ?) order by scope, key limit ?"


def compare_states(connection: ReadConnection, keyed: Keyed, *, spoken: bool = True) -> Iterator[str]:
    """Yield one line for each row that is not as the log last said, is missing, or is in no entry.

    `spoken` is False for a store whose schema has no index of asks with text yet.

    Raises:
        Refused: `log.damaged` when an entry cannot be read.

    Source: docs/model/model.md#rows.
    """
    states, reserved = LoggedStates(keyed), Counter[tuple[str, str]]()
    for index, leaf, envelope in _entries(connection, 0):
        states.take(index, logged_envelope(envelope, leaf))
    mandates, misplaced = set[str](), list[str]()

    def every_record() -> Iterator[Record]:
        for kind in COMPARED:
            for row, record in _records(connection, kind):
                if row != record.id:
                    misplaced.append(f"{kind} {row}: is the row of {record.id}")
                if isinstance(record, MandateRecord):
                    mandates.add(record.id)
                if isinstance(record, AskRecord):
                    reserved.update({(one.scope, one.key): one.amount for one in record.reserved})
                yield record

    for found in states.compare(every_record()):
        yield f"{found.kind} {found.id}: {found.text}"
    yield from misplaced
    yield from _counters(connection, mandates, reserved)
    yield from _indexes(connection, _LATER if spoken else _LATER | {"ask.spoken"})


def widened_states(connection: ReadConnection, keyed: Keyed, size: int) -> Iterator[str]:
    """Yield one line for each row that allows more than the newest entries say, out of a log of `size` entries.

    It costs a start the same however large the log is: live mandates and tasks, agents, and the desk's own people, as
    far as the newest entries name them.

    Raises:
        Refused: `log.damaged` when an entry cannot be read.

    Source: docs/model/model.md#rows.
    """
    first = max(0, size - NEWEST)
    states = LoggedStates(keyed, whole=not first)
    for index, leaf, envelope in _entries(connection, first):
        states.take(index, logged_envelope(envelope, leaf))
    for found in states.widened(record for _, record in _recent(connection, states)):
        yield f"{found.kind} {found.id}: {found.text}"


def _recent(connection: ReadConnection, states: LoggedStates) -> Iterator[tuple[str, Record]]:
    """Yield the records by whose id entries name them, and the desk's own people with their passkeys."""
    for kind, record_id in states.named():
        if kind in _BY_ID:
            yield from _decoded(kind, connection.execute(_RECORD, (kind, record_id)).fetchall())
    for (officer,) in connection.execute(_LINKED, ("person.kind", "officer", _MOST)).fetchall():
        yield from _decoded("person", connection.execute(_RECORD, ("person", officer)).fetchall())
        for (passkey,) in connection.execute(_LINKED, ("passkey.person", officer, _MOST)).fetchall():
            yield from _decoded("passkey", connection.execute(_RECORD, ("passkey", passkey)).fetchall())


def _decoded(kind: str, rows: Iterable[tuple[str, bytes | str]]) -> Iterator[tuple[str, Record]]:
    """Decode rows; one that cannot be read is named by its MAC."""
    for row, body in rows:
        with contextlib.suppress(msgspec.DecodeError):
            yield row, decode_record(kind, body if isinstance(body, bytes) else body.encode())


def _entries(connection: ReadConnection, first: int) -> Iterator[tuple[int, bytes, bytes]]:
    while rows := connection.execute(_ENTRIES, (first, _PAGE)).fetchall():
        yield from ((index, bytes(leaf), bytes(envelope)) for index, leaf, envelope in rows)
        first = rows[-1][0] + 1


def _records(connection: ReadConnection, kind: str) -> Iterator[tuple[str, Record]]:
    """Read all records of a kind, each with the id of its row."""
    last = ""
    while rows := connection.execute(_RECORDS, (kind, last, _PAGE)).fetchall():
        yield from _decoded(kind, rows)
        last = rows[-1][0]


def _indexes(connection: ReadConnection, later: Collection[str]) -> Iterator[str]:
    """Yield each record that an index hides, or shows under a key that is not its own.

    ⚔ Index rows have no MAC: a record that is hidden from one is not revoked, ended or suspended with the others.
    """
    for kind in KINDS:
        there: dict[str, set[tuple[str, str, int]]] = {}
        for name, key, at, record_id in connection.execute(_LINKS, (kind,)):
            there.setdefault(record_id, set()).add((name, key, at))
        for row, record in _records(connection, kind):
            wanted = {(link.name, link.key, link.at) for link in record.links()}
            found = there.pop(row, set())
            for name in sorted({link[0] for link in wanted - found}.difference(later)):
                yield f"{kind} {row}: is hidden from the index {name}"
            for name in sorted({link[0] for link in found - wanted}):
                yield f"{kind} {row}: is in the index {name} under a key that is not its own"
        for row in there:
            yield f"{kind} {row}: is in an index and is no record"


def _counters(connection: ReadConnection, mandates: set[str], reserved: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Yield the counters of mandates that are not the sum of what the asks reserve."""
    left, last = dict(reserved), ("", "")
    while rows := connection.execute(_COUNTERS, (*last, _PAGE)).fetchall():
        for scope, key, used in rows:
            asked = left.pop((scope, key), 0)
            if scope in mandates and "/" in key and used != asked:
                yield f"counter {key} of {scope}: is {used}; its asks reserve {asked}"
        last = (rows[-1][0], rows[-1][1])
    for (scope, key), asked in left.items():
        if scope in mandates and asked:
            yield f"counter {key} of {scope}: is missing; its asks reserve {asked}"
