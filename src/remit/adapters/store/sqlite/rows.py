"""The state row of a SQLite store, and MACs for the rows of one that an older Remit wrote."""

import sqlite3
from typing import Final

from remit.adapters.store.row_checks import MacMarker, total_of, verify_recent_states, verify_rows
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.tree import SqliteTree

WRITE_STATE: Final = "insert into state (one, body) values (1, ?) on conflict (one) do update set body = excluded.body"


def read_state_row(connection: sqlite3.Connection) -> bytes:
    """Return the stored sum over all rows, empty where rows have no MACs yet."""
    row = connection.execute("select body from state").fetchone()
    return b"" if row is None else bytes(row[0])


def verify_or_adopt(
    connection: sqlite3.Connection, macs: RowMacs, log: SqliteTree, marker: MacMarker, *, recovering: bool
) -> None:
    """Verify all rows of a store beside its verified log; one of an older Remit is given its MACs, once.

    Raises:
        Refused: `log.damaged`.
        sqlite3.Error: the file cannot be read or written.
    """
    stored = read_state_row(connection)
    if stored:
        verify_rows(connection, macs, stored, log.size, log.root)
        if not recovering:
            verify_recent_states(connection, macs, log.size)
        return
    marker.verify_may_adopt(recovering=recovering)
    connection.create_function("record_mac", 4, macs.record)
    connection.create_function("counter_mac", 3, macs.counter)
    connection.create_function("trail_mac", 2, lambda subject, body: macs.risk_history(subject, body.encode()))
    connection.execute("update record set mac = record_mac(kind, id, rev, body)")
    connection.execute("update counter set mac = counter_mac(scope, key, used)")
    connection.execute("update trail set mac = trail_mac(subject, body)")
    connection.execute(WRITE_STATE, (macs.state(total_of(connection, macs), log.size, log.root),))
