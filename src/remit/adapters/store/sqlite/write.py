"""Group commit: all pending commits become one journalled row with one sync, and their answers leave after it.

Runs on the writing thread alone. `commit_evaluator` decides, `journal` writes, `tree` holds the log.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from remit.adapters.db.job_thread import ThreadJob, fail_all
from remit.adapters.store.cache import StateCache
from remit.adapters.store.commit_evaluator import KNOWN, GroupDecision, ReplayMarks, decide_group, unstorable_error
from remit.adapters.store.highwater import HighWater, Point
from remit.adapters.store.replay_expiry import ElapsedTime
from remit.adapters.store.risk_history import encode_risk_history
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.cache_fill import CacheFiller
from remit.adapters.store.sqlite.file import BUSY_MS
from remit.adapters.store.sqlite.journal import Journal, JournalBacklog, JournalGroup
from remit.adapters.store.sqlite.rows import read_state_row
from remit.adapters.store.sqlite.tree import Sign, SqliteTree
from remit.domain.errors import Code, Fault, Refused
from remit.ports.store import Commit, Committed, EntryPlace, ForgedRow

Connect = Callable[[], sqlite3.Connection]
_OF_ONE_JOB = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    ValueError,
    OverflowError,
    ForgedRow,
)
"""Errors of a bad value, or of a damaged or forged record. All others are of the disk or the file and concern the whole group."""

_PATIENCE_MS: Final = 250


class SqliteGroupWriter:
    """Writing side of one store. After a failure it rebuilds its state from the file, once that can be read."""

    def __init__(
        self,
        connect: Connect,
        connection: sqlite3.Connection,
        *,
        sign: Sign,
        high_water: HighWater,
        on_point: Point,
        macs: RowMacs,
    ) -> None:
        self._connect = connect
        self._connection = connection
        self._sign = sign
        self._high_water = high_water
        self._on_point = on_point
        self._macs = macs
        self._passed = ElapsedTime()
        self._journal = Journal(connection, on_point, self._passed)
        self._log = SqliteTree(connection)
        self.held = StateCache()
        """Cached state as last committed; for readers on other threads too."""
        self._filler = CacheFiller(connection, self.held, self._journal, macs)
        self._total = self._stored_total()
        self._sound = True
        self._behind = False

    @property
    def backlog(self) -> JournalBacklog:
        """Committed changes that are not in the tables yet; for readers on other threads too."""
        return self._journal.unsettled

    def settle(self) -> None:
        """Write committed changes into the tables, for those who read them.

        Raises:
            Fault: `fault.store`; committed changes remain in the journal.
        """
        try:
            self._stand()
            self._journal.settle()
        except Exception as broken:
            self._sound = False  # ⚔ the connection may be inside a transaction, where no write is durable
            raise broken if isinstance(broken, Fault) else unstorable_error(broken) from broken
        self._log.settled()

    def purge_wal(self) -> None:
        """Settle the journal and truncate the write-ahead log, which still holds overwritten data in full.

        Raises:
            Fault: `fault.store`, also when another reader prevents the truncation.
        """
        self.settle()
        self._connection.execute(f"pragma busy_timeout = {_PATIENCE_MS}")  # commits wait meanwhile
        try:
            busy, *_ = self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        finally:
            self._connection.execute(f"pragma busy_timeout = {BUSY_MS}")
        if busy:
            raise Fault(
                Code.FAULT_STORE,
                "what was erased is still in the store's log of writes; close other readers (verify-log, doctor, a "
                "backup), it is tried again",
            )

    def apply_when_due(self, *, idle: bool) -> bool:
        """Settle a large backlog, or any while idle; return whether more is left. Also sync the high water when due."""
        try:
            behind = self._high_water.sync_if_due()
        except OSError:
            behind = False  # the next group tries again and reports the fault
        if idle or self._journal.due():
            try:
                self.settle()
            except Fault:
                return False  # the journal holds everything committed; a table read reports the fault
        return behind or bool(self._journal.unsettled.commits)

    def write(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Write a group of commits; a callable among the jobs runs alone, after them."""
        commits = [job for job in jobs if isinstance(job.work, Commit)]
        if commits:
            self._write(commits)
        for job in jobs:
            if not isinstance(job.work, Commit):
                run_job(job)

    def filler(self) -> CacheFiller:
        """Return the cache filler, over durable state.

        Raises:
            Refused: `settings.invalid` or `log.damaged` while the file cannot be opened.
        """
        self._stand()
        return self._filler

    def _write(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Commit a group of jobs together; a refused one leaves nothing behind.

        A value that the file refuses shows only when the whole group is written: then each job is written alone.
        """
        before, written = self._journal, self._journal.written
        try:
            self._stand()
            self._keep_outside()
            if self._journal.due():
                self.settle()  # settling failed before: better refuse commits than grow the journal without end
            decided = self._decide(jobs)
            places = [
                (job, result)
                for job, result in zip(jobs, decided.each, strict=True)
                if not isinstance(result, Exception)
            ]
            if not places:
                return
            group = self._group(decided)
            before, written = self._journal, self._journal.written
            self._journal.write(group, len(places))
            self.held.take(decided.changes)
            self._answer(places)
            self._keep_outside()
        except Exception as broken:  # noqa: BLE001  # after any error no commit may be reported as done, and the thread lives on
            # Before the write nothing of the group holds; after it all of it does, and only the answers are lost.
            self._sound = False
            of_one = isinstance(broken, _OF_ONE_JOB)
            alone = len(jobs) > 1 and of_one and before.written == written
            if not alone:
                known = isinstance(broken, Fault) or not of_one
                fail_all(jobs, broken if known else unstorable_error(broken), Code.FAULT_STORE)
            self._undo()
            if alone:
                for job in jobs:
                    job.error = None  # it may have been refused for another job's change that is not made
                    self._write([job])

    def _decide(self, jobs: Sequence[ThreadJob[Any]]) -> GroupDecision:
        """Decide each job on the committed state and the jobs before it; a refused job keeps its error."""
        commits = [job.work for job in jobs]
        marks = self._filler.look_up(
            list(dict.fromkeys([(put.record.KIND, put.record.id) for commit in commits for put in commit.puts])),
            [mark.key for commit in commits for mark in commit.marks],
        )
        known = ReplayMarks(marks, self._journal.forgotten)
        decided = decide_group(self._filler, known, commits, self._log.size, of_all=(sqlite3.Error,))
        for job, result in zip(jobs, decided.each, strict=True):
            if isinstance(result, Exception):
                job.error = result
        return decided

    def close(self) -> None:
        """Sync the high water, checkpoint the write-ahead log and close the file."""
        # Everything answered is durable already, here and outside.
        with contextlib.suppress(OSError, sqlite3.Error, Fault):
            # ⚔ After a failure the tree may hold entries that were never committed: published, they would make the
            # store look truncated. Settling rebuilds the state from the file first, or fails.
            self.settle()
            if self._log.size:
                self._high_water.sync(self._log.note)
            self._high_water.close()
            self._connection.execute("pragma wal_checkpoint(truncate)")
        self._connection.close()

    def accept(self) -> None:
        """Publish the present head as the high water, now that a recovery is complete."""
        self._stand()
        self._high_water.accept(self._log.note)

    def _group(self, decided: GroupDecision) -> JournalGroup:
        """Build the journal row of a group, with the log's head after it."""
        changes, rows, macs = decided.changes, decided.rows, self._macs
        first = self._log.size
        nodes: Sequence[tuple[int, int, bytes]] = ()
        if rows:
            nodes = self._log.append([row.leaf for row in rows], self._sign)
            self._behind = True  # before the write, so that no error after it can leave the high water behind
        self._total = macs.moved(self._total, decided.before, changes)  # unsound until the journal has them
        put = [(*key, kept.rev, changes.bodies[key]) for key, kept in changes.records.items() if kept is not None]
        gone = [(*key, 0, None) for key, kept in changes.records.items() if kept is None]
        counters = [(*key, used) for key, used in changes.counters.items()]
        trails = [(name, encode_risk_history(trail)) for name, trail in changes.trails.items()]
        return JournalGroup(
            records=[*put, *gone],
            links=list(changes.links.items()),
            dropped=changes.dropped,
            counters=counters,
            marks=changes.marks,
            touches=changes.touches,
            trails={name: body.decode() for name, body in trails},
            entries=[
                (place, row.kind, row.at, row.leaf, row.envelope, row.content, row.subject, row.refs)
                for place, row in enumerate(rows, first)
            ],
            nodes=nodes,
            size=self._log.size,
            root=self._log.root if self._log.size else b"",
            note=self._log.note,
            record_macs=[*macs.records(put), *[b""] * len(gone)],
            counter_macs=macs.counters(counters),
            trail_macs=macs.risk_histories(trails),
            state=macs.state(self._total, self._log.size, self._log.root),
        )

    def _stored_total(self) -> int:
        return self._macs.read_state(read_state_row(self._connection), self._log.size, self._log.root)

    def _answer(self, places: Sequence[tuple[ThreadJob[Any], tuple[int, ...]]]) -> None:
        size, note = self._log.size, self._log.note
        proofs = self._log.proofs([index for job, indexes in places if job.work.proved for index in indexes])
        for job, indexes in places:
            proved = tuple([EntryPlace(index, proofs[index] if job.work.proved else ()) for index in indexes])
            job.result = Committed(proved, size, note)

    def _keep_outside(self) -> None:
        """Bring the high water up to the log before an answer or the next write.

        When it cannot be written, the group just committed loses its answers, and no later one is committed.
        """
        if self._behind:
            self._high_water.write(self._log.note)
            self._behind = False

    def _undo(self) -> None:
        try:
            self._stand()
        except (sqlite3.Error, Refused, Fault):
            return  # the next group tries again, and reports the fault if it still fails

    def _stand(self) -> None:
        """After a failure reopen the connection and rebuild everything remembered of the tree.

        Raises:
            Refused: `settings.invalid` or `log.damaged` while the file cannot be opened.
            Fault: `fault.store` when the sum over its rows is not the one this desk wrote.
        """
        if self._sound:
            return
        self.held.clear()
        self._connection.close()
        self._connection = self._connect()
        self._journal = Journal(self._connection, self._on_point, self._passed)
        self._log = SqliteTree(self._connection)
        self._filler = CacheFiller(self._connection, self.held, self._journal, self._macs)
        self._total = self._stored_total()
        self._sound = True


def run_job(job: ThreadJob[Any]) -> None:
    """Run a job that is no commit; its errors go only to its caller."""
    try:
        job.result = job.work()
    except KNOWN as refused:
        job.error = refused
    except Exception as broken:  # noqa: BLE001  # a failed read must not fail the commits beside it, nor end the thread
        job.error = unstorable_error(broken)
