"""Records decoded before, each with the very bytes it was decoded from."""

from typing import Final

from remit.adapters.store.recent import UNKNOWN, Recent
from remit.adapters.store.records import decode
from remit.domain.records import Record
from remit.ports.store import Kept

_MOST: Final = 4096
_MOST_BYTES: Final = 1024 * 1024
"""Of bodies, in each of two generations; what was decoded from them takes about as much again."""
_SHORT: Final = 4096


class Decoded:
    """Short records that were read lately, so that none is decoded twice: bounded by their bytes.

    ⚔ A revision alone names a record only as long as the store is the one it was: behind a copy that was put back, or a standby that was
    promoted too early, it comes to name another.
    """

    def __init__(self) -> None:
        self._known: Recent[tuple[str, str], tuple[int, bytes, Record]] = Recent(_MOST, _MOST_BYTES)

    def kept(self, kind: str, record_id: str, rev: int, body: bytes) -> Kept[Record]:
        """A record as it is kept."""
        known = self._known.use((kind, record_id))
        if known is not UNKNOWN and known[:2] == (rev, body):
            return Kept(known[2], rev)
        record = decode(kind, body)
        if len(body) <= _SHORT:  # ⚔ what an agent made large is decoded again rather than kept
            self._known.put((kind, record_id), (rev, body, record), len(body))
        return Kept(record, rev)
