"""Authentication of a store's rows under a key outside it: a MAC beside each row, and a sum over all rows.

⚔ A row's MAC stops content that was forged or swapped, when it is read. Rows that were deleted or put back with their
good MAC show in the sum, which is bound to the log's signed head. docs/decisions/0038-rows-carry-macs.md
"""

import hmac
from collections import deque
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NoReturn

from remit.adapters.store.cache import CommitChanges, CommittedRows
from remit.domain.records import Record
from remit.domain.transcript.pseudonyms import Keyed
from remit.ports.store import ForgedRow

MAC_SIZE: Final = 16
_SUM_SIZE: Final = 32
MODULUS: Final = 1 << (8 * _SUM_SIZE)
_MAX_REPORTS: Final = 100
"""Rows reported by one process: whoever changes more is noticed by these."""


_row_key: Final = "{}{}:{}{}:{}{}:".format
"""The key of a row, which no two rows share, whatever follows."""


class RowMacs:
    """MACs of one desk's rows."""

    def __init__(self, key: bytes, keyed: Keyed | None = None) -> None:
        """`key` has 32 bytes and is kept outside the store. By `keyed` rows are compared with what the log says."""
        self.keyed = keyed
        self._row = blake2b(key=key, digest_size=MAC_SIZE, person=b"remit row")
        self._member = blake2b(key=key, digest_size=_SUM_SIZE, person=b"remit member")
        self._state = blake2b(key=key, digest_size=MAC_SIZE, person=b"remit state")
        self._stopped = False
        self._reported: set[str] = set()
        self._reports: deque[str] = deque()

    def record(self, kind: str, record_id: str, rev: int, body: bytes) -> bytes:
        """Return the MAC of a record: of its kind, id, revision and bytes."""
        return self.records(((kind, record_id, rev, body),))[0]

    def counter(self, scope: str, key: str, used: int) -> bytes:
        """Return the MAC of a counter."""
        return self.counters(((scope, key, used),))[0]

    def risk_history(self, subject: str, body: bytes) -> bytes:
        """Return the MAC of a risk history."""
        return self.risk_histories(((subject, body),))[0]

    def records(self, rows: Iterable[tuple[str, str, int, bytes]]) -> list[bytes]:
        """Return the MACs of records."""
        return self._macs([("r", *row) for row in rows])

    def counters(self, rows: Iterable[tuple[str, str, int]]) -> list[bytes]:
        """Return the MACs of counters."""
        return self._macs([("c", *row, b"") for row in rows])

    def risk_histories(self, rows: Iterable[tuple[str, bytes]]) -> list[bytes]:
        """Return the MACs of risk histories."""
        return self._macs([("t", subject, "", 0, body) for subject, body in rows])

    def verify_record(self, kind: str, record_id: str, rev: int, body: bytes, mac: bytes) -> None:
        """Verify a stored record before anything is read from it.

        Raises:
            ForgedRow: it is not what was written under this kind, id and revision.

        Source: docs/model/model.md#rows.
        """
        if not self.holds(mac, "r", kind, record_id, rev, body):
            self.refuse(f"{kind} {record_id}")

    def verify_counter(self, scope: str, key: str, used: int, mac: bytes) -> None:
        """Verify a stored counter.

        Raises:
            ForgedRow: this value was never written.
        """
        if not self.holds(mac, "c", scope, key, used):
            self.refuse(f"counter {key} of {scope}")

    def verify_risk_history(self, subject: str, body: bytes, mac: bytes) -> None:
        """Verify a stored risk history.

        Raises:
            ForgedRow: it was never written.
        """
        if not self.holds(mac, "t", subject, "", 0, body):
            self.refuse(f"risk history of {subject}")

    def verify_link(self, index: tuple[str, str], record: Record) -> None:
        """Verify that a record belongs under the name and key of the index it was found by.

        ⚔ Index rows have no MAC: a record counts only where it says itself that it belongs.

        Raises:
            ForgedRow: it does not.
        """
        if index not in [(link.name, link.key) for link in record.links()]:
            self.refuse(f"{record.KIND} {record.id} under {index[0]}")

    def moved(self, total: int, before: CommittedRows, changes: CommitChanges) -> int:
        """Return the sum over all rows after `changes` to the committed rows `before`."""
        gone: list[tuple[str, str, str, int]] = []
        new: list[tuple[str, str, str, int]] = []
        for key, kept in changes.records.items():
            stored = before.records.get(key)
            if stored is not None:
                gone.append(("r", *key, stored.rev))
            if kept is not None:
                new.append(("r", *key, kept.rev))
        for key, used in changes.counters.items():
            if key in before.counters:
                gone.append(("c", *key, before.counters[key]))
            new.append(("c", *key, used))
        for kind, rev in changes.dropped.items():
            earlier = before.dropped.get(kind, 0)
            if earlier:
                gone.append(("d", kind, "", earlier))
            new.append(("d", kind, "", rev))
        new.extend([("t", subject, "", 0) for subject in changes.trails if before.trails.get(subject) is None])
        return (total + self.total(new) - self.total(gone)) % MODULUS

    def total(self, rows: Iterable[tuple[str, str, str, int]]) -> int:
        """Return the sum over rows, each as its sort, key in two parts, and number.

        Sorts are r (record), c (counter), d (dropped kind) and t (risk history).
        """
        begun, total = self._member.copy, 0
        for sort, a, b, number in rows:
            found = begun()
            found.update(_row_key(sort, len(a), a, len(b), b, number).encode())
            total += int.from_bytes(found.digest(), "little")
        return total % MODULUS

    def state(self, total: int, size: int, root: bytes) -> bytes:
        """Return the stored form of a sum, bound to the log's head it stands beside: part of each commit.

        Raises:
            ForgedRow: rows were deleted or put back; nothing is committed any more.
        """
        if self._stopped:
            raise ForgedRow("a row", "was deleted or put back by something else; this server commits nothing any more")
        raw = total.to_bytes(_SUM_SIZE, "little")
        return raw + self._state_mac(raw, size, root)

    def read_state(self, stored: bytes, size: int, root: bytes) -> int:
        """Return the sum of a stored state.

        Raises:
            ForgedRow: this desk never wrote it beside this head.
        """
        raw, mac = stored[:_SUM_SIZE], stored[_SUM_SIZE:]
        if not hmac.compare_digest(mac, self._state_mac(raw, size, root)):
            self.refuse("the sum over all rows")
        return int.from_bytes(raw, "little")

    def stop(self) -> None:
        """Let no later commit of this process pass: its rows are not those that it wrote."""
        self._stopped = True

    def take_reports(self) -> Sequence[str]:
        """Return the rows refused since the last call, each once, for the desk's security people."""
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def holds(self, mac: bytes, sort: str, a: str, b: str, number: int, body: bytes = b"") -> bool:  # one row
        """Return whether a row's MAC holds; `sort`, `a`, `b` and `number` are as in `total`."""
        try:
            return hmac.compare_digest(mac, self._macs(((sort, a, b, number, body),))[0])
        except TypeError:  # ⚔ text, a number or nothing where bytes were written
            return False

    def _macs(self, rows: Iterable[tuple[str, str, str, int, bytes]]) -> list[bytes]:
        begun = self._row.copy
        macs: list[bytes] = []
        for sort, a, b, number, body in rows:
            found = begun()
            found.update(_row_key(sort, len(a), a, len(b), b, number).encode())
            found.update(body)
            macs.append(found.digest())
        return macs

    def _state_mac(self, raw: bytes, size: int, root: bytes) -> bytes:
        found = self._state.copy()
        found.update(size.to_bytes(8, "big") + raw + root)
        return found.digest()

    def refuse(self, row: str) -> NoReturn:
        """Report a row and refuse to read it.

        Raises:
            ForgedRow: always.
        """
        if row not in self._reported and len(self._reported) < _MAX_REPORTS:
            self._reported.add(row)
            self._reports.append(row)
        raise ForgedRow(row)
