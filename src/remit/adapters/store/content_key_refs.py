"""Under which keys a store's content is sealed: enough of it to tell whether a file of content keys belongs to this store."""

from collections.abc import Collection
from typing import Final

from remit.adapters.store.read_connection import ReadConnection
from remit.ports.vault import NAMED, ContentKeyRef

NEWEST: Final = 20_000
"""Of so many of the last entries every key is looked for: a copy of the keys that is older than the store lacks some of theirs."""
BETWEEN: Final = 1_000
"""So many of the earlier ones are looked at, evenly spread."""


def sealings(connection: ReadConnection) -> Collection[ContentKeyRef]:
    """The keys of the newest entries, and of some from all over the log before them.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    last = connection.execute(
        "select idx from entry order by idx desc limit 1"
    ).fetchone()  # a view's max(idx) goes through all
    size = 0 if last is None else last[0] + 1
    first = max(0, size - NEWEST)
    newest = f"select distinct subject, substr(content, 1, {NAMED:d}) from entry where idx >= ?"  # noqa: S608  # a number of ours
    one = f"select subject, substr(content, 1, {NAMED:d}) from entry where idx = ?"  # noqa: S608  # a number of ours
    found = {ContentKeyRef(*row) for row in connection.execute(newest, (first,))}
    for place in range(0, first, max(1, first // BETWEEN)):
        found.update(ContentKeyRef(*row) for row in connection.execute(one, (place,)))
    return found
