"""Reading a sandbox's whole transcript, trusting only what the client's own verifier proves."""

from datetime import UTC, datetime
from typing import Any, Final

from remit.client.errors import ReceiptInvalid
from remit.client.receipts import VerifiedEntry, verify
from remit.sandbox.backend import Room

_SECTIONS: Final = ("agent", "customer", "desk")


class TranscriptReader:
    """Reads from one log again and again. The key is fetched once, before anything is read."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._key: str = room.raw("GET", "/log/key").text.strip()
        self._told: list[VerifiedEntry] = []

    def read(self) -> list[dict[str, Any]]:
        """Return every entry, opened and verified.

        Raises:
            ReceiptInvalid: when an entry is not in the signed log, one is missing, or one has changed since an earlier
                read.
        """
        found: list[VerifiedEntry] = []
        size = 1
        while len(found) < size:
            page = self._room.control("GET", f"/sandbox/v1/transcript?low={len(found)}")["receipt"]
            if page is None:
                break
            verified = verify(page, self._key)
            if [one.index for one in verified.entries] != list(range(len(found), len(found) + len(verified.entries))):
                raise ReceiptInvalid("an entry of the log was left out")
            found.extend(verified.entries)
            size = verified.size
        if found[: len(self._told)] != self._told:
            raise ReceiptInvalid("the log is not what it was when it was last read")
        self._told = found
        return [_entry(one) for one in found]


def _entry(verified: VerifiedEntry) -> dict[str, Any]:
    opened = {name: verified.sections.get(name) for name in _SECTIONS}
    at = datetime.fromtimestamp(verified.at / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"index": verified.index, "kind": verified.kind, "at": at, "envelope": verified.envelope, **opened}
