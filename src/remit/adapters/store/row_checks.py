"""Comparison of all rows of a store with the sum over them, and the marker outside it that says that rows have MACs."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from remit.adapters.db.sqlite_errors import DISK_CURE, describe_error
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.row_macs import MODULUS, RowMacs
from remit.adapters.store.state_checks import compare_states, widened_states
from remit.domain.errors import Code, Refused
from remit.ports.store import FORGED_ROWS_CURE, ForgedRow

NO_RECORD: Final = "log.lost"
"""Kind of the row in which a node on PostgreSQL reports a loss: no record, and never trusted."""
_PAGE: Final = 10_000
_SUMMED: Final = (
    ("r", "record", ("kind", "id"), "rev"),
    ("c", "counter", ("scope", "key"), "used"),
    ("d", "dropped", ("kind",), "rev"),
    ("t", "trail", ("subject",), "0"),
)
"""Sort of the summand, table, key and number of the rows in the sum."""
_MARKER: Final = ".rows"
_NAMED: Final = 5
_SHORTEST: Final = 2


def total_of(connection: ReadConnection, macs: RowMacs) -> int:
    """Return the sum over all rows of a store, without reading what is in them.

    Raises:
        sqlite3.Error: they cannot be read.
    """
    total = 0
    for sort, table, keys, number in _SUMMED:
        total += macs.total((sort, *_pair(row), row[-1]) for row in _each(connection, table, keys, number))
    return total % MODULUS


def _pair(row: Sequence[str]) -> tuple[str, str]:
    """Return a row's key as two texts."""
    return (row[0], row[1] if len(row) > _SHORTEST else "")


def _each(connection: ReadConnection, table: str, keys: tuple[str, ...], columns: str) -> Iterator[Sequence[Any]]:
    """Read all rows of a table by pages, in the order of their keys."""
    names = ", ".join(keys)
    first = f"select {names}, {columns} from {table} order by {names} limit {_PAGE}"  # noqa: S608  # our own names
    beyond = f"({names}) > ({', '.join('?' * len(keys))})"
    later = f"select {names}, {columns} from {table} where {beyond} order by {names} limit {_PAGE}"  # noqa: S608  # our own names
    rows = connection.execute(first).fetchall()
    while rows:
        yield from (row for row in rows if row[0] != NO_RECORD)
        rows = connection.execute(later, tuple(rows[-1][: len(keys)])).fetchall() if len(rows) == _PAGE else []


def verify_rows(connection: ReadConnection, macs: RowMacs, stored: bytes, size: int, root: bytes) -> int:
    """Verify that exactly the rows are there that belong beside the log's head; return their sum.

    ⚔ A row that was deleted, added, or put back at an earlier revision with its good MAC shows here alone.

    Raises:
        Refused: `log.damaged`, naming the rows whose MAC does not hold.

    Source: docs/model/model.md#rows.
    """
    total = total_of(connection, macs)
    try:
        known = macs.read_state(stored, size, root)
    except ForgedRow as forged:
        raise rows_changed(connection, macs, forged.detail) from None
    if known != total:
        raise rows_changed(connection, macs, "rows were deleted, added or put back to an earlier state")
    return total


def verify_recent_states(connection: ReadConnection, macs: RowMacs, size: int) -> None:
    """Verify that no row allows more than the newest entries of the log say, also one with a good MAC.

    Raises:
        Refused: `log.damaged`, naming the rows.

    Source: docs/model/model.md#rows.
    """
    if macs.keyed is None:
        return
    found = list(itertools.islice(widened_states(connection, macs.keyed, size), _NAMED))
    if found:
        raise Refused(
            Code.LOG_DAMAGED,
            f"rows allow more than the log says: {'; '.join(found)}",
            cure=FORGED_ROWS_CURE,
        )


def rows_changed(connection: ReadConnection, macs: RowMacs, why: str) -> Refused:
    """Return the refusal of a store whose rows were changed beside Remit, with some of them by name."""
    named = list(itertools.islice(forged_rows(connection, macs), _NAMED))
    if not named and macs.keyed is not None:  # rows with good MACs: the log knows which of them are not the last ones
        with contextlib.suppress(Refused):
            named = list(itertools.islice(compare_states(connection, macs.keyed), _NAMED))
    which = f" (among them {', '.join(named)})" if named else ""
    return Refused(
        Code.LOG_DAMAGED, f"the store's rows are not those that this server wrote: {why}{which}", cure=FORGED_ROWS_CURE
    )


def forged_rows(connection: ReadConnection, macs: RowMacs) -> Iterator[str]:
    """Yield the name of each row whose MAC does not hold, after reading all of it."""
    for kind, record_id, rev, body, mac in _each(connection, "record", ("kind", "id"), "rev, body, mac"):
        if not macs.holds(mac, "r", kind, record_id, rev, body):
            yield f"{kind} {record_id}"
    for scope, key, used, mac in _each(connection, "counter", ("scope", "key"), "used, mac"):
        if not macs.holds(mac, "c", scope, key, used):
            yield f"counter {key} of {scope}"
    for subject, body, mac in _each(connection, "trail", ("subject",), "body, mac"):
        if not macs.holds(mac, "t", subject, "", 0, body.encode() if isinstance(body, str) else body):
            yield f"risk history of {subject}"


def inspect_rows(
    connection: ReadConnection, macs: RowMacs, stored: bytes, size: int, root: bytes, *, whole: bool
) -> int:
    """Verify all rows of a store, `whole` with everything in them, and return their number.

    Raises:
        Refused: `log.damaged`, naming the rows whose MAC does not hold.
    """
    verify_rows(connection, macs, stored, size, root)
    if whole and next(forged_rows(connection, macs), None) is not None:
        raise rows_changed(connection, macs, "some were changed in place")
    tables = ("record", "counter", "trail")
    return sum(int(connection.execute(f"select count(*) from {table}").fetchone()[0]) for table in tables)  # noqa: S608  # our own names


class MacMarker:
    """A file beside the high-water checkpoint: from then on, rows without MACs are an attack and no older store."""

    def __init__(self, high_water: Path) -> None:
        """Keep it beside `high_water`."""
        self._path = high_water.with_name(high_water.name + _MARKER)

    def exists(self) -> bool:
        """Whether the store's rows were ever given MACs."""
        return self._path.exists()

    def verify_may_adopt(self, *, recovering: bool) -> None:
        """Verify that rows without MACs may be given theirs.

        Raises:
            Refused: `log.damaged` when the rows of this store had MACs before; a recovery goes on from an older copy.

        Source: docs/model/model.md#rows.
        """
        if self.exists() and not recovering:
            raise Refused(
                Code.LOG_DAMAGED,
                "the store's rows have no MACs, but had them: they were taken out, or this is a copy of before the "
                "upgrade",
                cure="Put back a newer copy. For a copy of before the upgrade, which your own people put there, run "
                "`remit recover`.",
            )

    def write(self) -> None:
        """Note that the rows have MACs.

        Raises:
            Refused: `settings.invalid` when it cannot be written.
        """
        if self.exists():
            return
        try:
            self._path.touch(mode=0o600)
        except OSError as problem:
            raise Refused(
                Code.SETTINGS_INVALID,
                f"log.high_water: {self._path} cannot be written: {describe_error(problem)}",
                cure=DISK_CURE,
            ) from None
