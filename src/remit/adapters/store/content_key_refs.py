"""Names of the keys that seal a store's content: enough to tell whether a content key file fits this store."""

from collections.abc import Collection
from typing import Final

from remit.adapters.store.read_connection import ReadConnection
from remit.ports.vault import NAMED, ContentKeyRef

NEWEST: Final = 20_000
"""Number of last entries searched for every key: an old copy of the keys lacks some of them."""
BETWEEN: Final = 1_000
"""Number of earlier entries sampled, evenly spread."""


def sealings(connection: ReadConnection) -> Collection[ContentKeyRef]:
    """Return the keys of the newest entries, and of a sample of all others.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    # A view's max(idx) would scan everything.
    last = connection.execute("select idx from entry order by idx desc limit 1").fetchone()
    size = 0 if last is None else last[0] + 1
    first = max(0, size - NEWEST)
    newest = f"select distinct subject, substr(content, 1, {NAMED:d}) from entry where idx >= ?"  # noqa: S608  # a number
    sample = f"select subject, substr(content, 1, {NAMED:d}) from entry where idx = ?"  # noqa: S608  # a number
    found = {ContentKeyRef(*row) for row in connection.execute(newest, (first,))}
    for place in range(0, first, max(1, first // BETWEEN)):
        found.update(ContentKeyRef(*row) for row in connection.execute(sample, (place,)))
    return found
