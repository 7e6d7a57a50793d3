"""Writing in groups: all commits that wait become one transaction with one sync, and their answers leave after it.

Runs on the writing thread alone. What one commit changes is decided in `deciding`, written in `journal`, the tree in `log`.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from remit.adapters.db.job_thread import ThreadJob, fail_all
from remit.adapters.store import risk_history as trails
from remit.adapters.store.cache import CommitChanges, StateCache
from remit.adapters.store.commit_evaluator import KNOWN, GroupDecision, ReplayMarks, decide_group, unstorable_error
from remit.adapters.store.highwater import HighWater, Point
from remit.adapters.store.replay_expiry import ElapsedTime
from remit.adapters.store.sqlite.cache_fill import CacheFiller
from remit.adapters.store.sqlite.file import BUSY_MS
from remit.adapters.store.sqlite.journal import Journal, JournalBacklog, JournalGroup
from remit.adapters.store.sqlite.tree import Sign, SqliteTree
from remit.domain.errors import Code, Fault, Refused
from remit.ports.store import Commit, Committed, EntryPlace, EntryRow

Connect = Callable[[], sqlite3.Connection]
_OF_ONE_JOB = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    ValueError,
    OverflowError,
)
"""What is said of a bad value, or of a damaged record. Everything else is the disk or the file, and concerns the whole group."""

_PATIENCE_MS: Final = 250


class SqliteGroupWriter:
    """The writing side of one store. After a failure it stands on what the file says, or on nothing until it can be read."""

    def __init__(
        self, connect: Connect, connection: sqlite3.Connection, *, sign: Sign, high_water: HighWater, on_point: Point
    ) -> None:
        self._connect = connect
        self._connection = connection
        self._sign = sign
        self._high_water = high_water
        self._on_point = on_point
        self._passed = ElapsedTime()
        self._journal = Journal(connection, on_point, self._passed)
        self._log = SqliteTree(connection)
        self.held = StateCache()
        """What is held in memory, as last committed; for readers on other threads too."""
        self._filler = CacheFiller(connection, self.held, self._journal)
        self._sound = True
        self._behind = False

    @property
    def backlog(self) -> JournalBacklog:
        """What is committed and not in the tables yet; for readers on other threads too."""
        return self._journal.unsettled

    def settle(self) -> None:
        """Put in the tables what is committed, for those who read them.

        Raises:
            Fault: `fault.store`; what is committed stands.
        """
        try:
            self._stand()
            self._journal.settle()
        except Exception as broken:
            self._sound = (
                False  # ⚔ the connection may even stand inside a transaction, where nothing that is written is durable
            )
            raise broken if isinstance(broken, Fault) else unstorable_error(broken) from broken
        self._log.settled()

    def purge_wal(self) -> None:
        """Put in the tables what is committed, and empty the file's log of writes, where what they overwrote stands in full.

        Raises:
            Fault: `fault.store`, also when somebody who reads the file kept it from being emptied.
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
                "what was erased is still in the store's log of writes; close other readers (verify-log, doctor, a backup), it is tried again",
            )

    def apply_when_due(self, *, idle: bool) -> bool:
        """Put in the tables what is committed, when it is much or nothing else is to do; returns whether more is left for then.

        The high water is made durable too, a second after it last was.
        """
        behind = False
        with contextlib.suppress(OSError):  # the next group tries again, and its commits are told the fault
            behind = self._high_water.sync_if_due()
        if idle or self._journal.due():
            try:
                self.settle()
            except Fault:
                return False  # what is committed stands in the journal; who needs the tables is told the fault
        return behind or bool(self._journal.unsettled.commits)

    def write(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Write a group of commits; a callable among the jobs is run alone, after them."""
        commits = [job for job in jobs if isinstance(job.work, Commit)]
        if commits:
            self._write(commits)
        for job in jobs:
            if not isinstance(job.work, Commit):
                _run(job)

    def filler(self) -> CacheFiller:
        """What answers from memory and file, standing on what is durable.

        Raises:
            Refused: `settings.invalid` or `log.damaged` while the file cannot be opened.
        """
        self._stand()
        return self._filler

    def _write(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Commit a group of jobs together; one that is refused leaves nothing behind.

        A value that the file refuses is found only when the whole group is written: then each job is written alone.
        """
        before, written = self._journal, self._journal.written
        try:
            self._stand()
            self._keep_outside()
            if self._journal.due():
                self.settle()  # it could not be done before: better no more commits than a journal without end
            decided = self._decide(jobs)
            places = [(job, one) for job, one in zip(jobs, decided.each, strict=True) if not isinstance(one, Exception)]
            if not places:
                return
            group = self._group(decided.changes, decided.rows)
            before, written = self._journal, self._journal.written
            self._journal.write(group, len(places))
            self.held.take(decided.changes)
            self._answer(places)
            self._keep_outside()
        except Exception as broken:  # noqa: BLE001  # whatever broke, nobody may be told that it holds, and the thread must live on
            # Before it is written nothing of the group stands; after it all of it does, and only the answers are lost.
            self._sound = False
            alone = len(jobs) > 1 and isinstance(broken, _OF_ONE_JOB) and before.written == written
            if not alone:
                fail_all(
                    jobs, unstorable_error(broken) if isinstance(broken, _OF_ONE_JOB) else broken, Code.FAULT_STORE
                )
            self._undo()
            if alone:
                for job in jobs:
                    job.error = None  # it may have been refused for what another changed that will not stand
                    self._write([job])

    def _decide(self, jobs: Sequence[ThreadJob[Any]]) -> GroupDecision:
        """Decide each job on what stands and on the jobs before it; what is said of one that is refused stands with it."""
        commits = [cast("Commit", job.work) for job in jobs]
        marks = self._filler.look_up(
            [(put.record.KIND, put.record.id) for commit in commits for put in commit.puts],
            [mark.key for commit in commits for mark in commit.marks],
        )
        known = ReplayMarks(marks, self._journal.forgotten)
        decided = decide_group(self._filler, known, commits, self._log.size, of_all=(sqlite3.Error,))
        for job, one in zip(jobs, decided.each, strict=True):
            if isinstance(one, Exception):
                job.error = one
        return decided

    def close(self) -> None:
        """Make the high water durable, fold the log of writes back into the file and close it."""
        with contextlib.suppress(
            OSError, sqlite3.Error, Fault
        ):  # what was answered is durable already, here and outside
            # ⚔ After a failure the tree may hold entries that never stood: kept outside, they would make the store look cut off.
            # Settling stands on what is durable first, or says that it cannot.
            self.settle()
            if self._log.size:
                self._high_water.sync(self._log.note)
            self._high_water.close()
            self._connection.execute("pragma wal_checkpoint(truncate)")
        self._connection.close()

    def accept(self) -> None:
        """Take the present head as the high water, now that a recovery is complete."""
        self._stand()
        self._high_water.accept(self._log.note)

    def _group(self, changes: CommitChanges, rows: Sequence[EntryRow]) -> JournalGroup:
        """What a group changes, as it is written, with the log's head after it."""
        first = self._log.size
        nodes: Sequence[tuple[int, int, bytes]] = ()
        if rows:
            nodes = self._log.append([row.leaf for row in rows], self._sign)
            self._behind = (
                True  # before it is written, so that nothing which breaks after it can leave the high water behind
            )
        return JournalGroup(
            records=[
                (*key, 0 if kept is None else kept.rev, None if kept is None else changes.bodies[key])
                for key, kept in changes.records.items()
            ],
            links=list(changes.links.items()),
            dropped=changes.dropped,
            counters=[(*key, used) for key, used in changes.counters.items()],
            marks=changes.marks,
            touches=changes.touches,
            trails={name: trails.encode_risk_history_text(trail) for name, trail in changes.trails.items()},
            entries=[(place, *row) for place, row in enumerate(rows, first)],
            nodes=nodes,
            size=self._log.size,
            root=self._log.root if self._log.size else b"",
            note=self._log.note,
        )

    def _answer(self, places: Sequence[tuple[ThreadJob[Any], tuple[int, ...]]]) -> None:
        for job, indexes in places:
            proofs = cast("Commit", job.work).proved
            proved = tuple([EntryPlace(index, self._log.proof(index) if proofs else ()) for index in indexes])
            job.result = Committed(proved, self._log.size, self._log.note)

    def _keep_outside(self) -> None:
        """Bring the high water up to the log before anything is answered, or written on top of it.

        When it cannot be written, the group that stands already loses its answers, and no later one is committed.
        """
        if self._behind:
            self._high_water.write(self._log.note)
            self._behind = False

    def _undo(self) -> None:
        try:
            self._stand()
        except (sqlite3.Error, Refused, Fault):
            return  # the next group tries again, and is told the fault if it still cannot

    def _stand(self) -> None:
        """Stand on what is durable. After a failure the connection and everything remembered of the tree are made anew.

        Raises:
            Refused: `settings.invalid` or `log.damaged` while the file cannot be opened.
        """
        if self._sound:
            return
        self.held.clear()
        self._connection.close()
        self._connection = self._connect()
        self._journal = Journal(self._connection, self._on_point, self._passed)
        self._log = SqliteTree(self._connection)
        self._filler = CacheFiller(self._connection, self.held, self._journal)
        self._sound = True


def _run(job: ThreadJob[Any]) -> None:
    """Run a job that is no commit; what it says is no, to the one who asked alone."""
    try:
        job.result = cast("Callable[[], object]", job.work)()
    except KNOWN as no:
        job.error = no
    except Exception as broken:  # noqa: BLE001  # what breaks one read must not take the commits beside it with it: they stand
        job.error = unstorable_error(broken)
