"""Records decoded before, by kind, id and revision: a revision never names two contents, not even after a drop (`deciding`)."""

from typing import Final

from remit.adapters.store import records
from remit.domain.records import Record
from remit.ports.store import Kept

_MOST: Final = 20_000
_SHORT: Final = 4096


class Decoded:
    """A bounded number of short records, so that none is decoded twice. Only what is committed may be asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], Record] = {}

    def kept(self, kind: str, record_id: str, rev: int, body: bytes) -> Kept[Record]:
        """A record as it is kept."""
        record = self._known.get((kind, record_id, rev))
        if record is None:
            record = records.decode(kind, body)
            if len(body) <= _SHORT:  # ⚔ what an agent made large is decoded again rather than kept
                if len(self._known) > _MOST:
                    self._known.clear()
                self._known[kind, record_id, rev] = record
        return Kept(record, rev)
