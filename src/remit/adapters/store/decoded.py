"""Records decoded before, each with the very bytes it was decoded from."""

from typing import Final

from remit.adapters.store import records
from remit.domain.records import Record
from remit.ports.store import Kept

_MOST: Final = 8_000
_SHORT: Final = 4096


class Decoded:
    """A bounded number of short records, so that none is decoded twice.

    ⚔ A revision alone names a record only as long as the store is the one it was: behind a copy that was put back, or a standby that was
    promoted too early, it comes to name another.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], tuple[bytes, Record]] = {}

    def kept(self, kind: str, record_id: str, rev: int, body: bytes) -> Kept[Record]:
        """A record as it is kept."""
        known = self._known.get((kind, record_id, rev))
        if known is not None and known[0] == body:
            return Kept(known[1], rev)
        record = records.decode(kind, body)
        if len(body) <= _SHORT:  # ⚔ what an agent made large is decoded again rather than kept
            if len(self._known) > _MOST:
                self._known.clear()
            self._known[kind, record_id, rev] = (body, record)
        return Kept(record, rev)
