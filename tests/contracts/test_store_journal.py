"""The SQLite store's journal: what is committed counts from its answer on, whether or not it stands in its tables yet."""

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from contracts.store_plugs import NOW, act, entries, entry, new, person, run, sqlite_store, suspension, together, verified
from remit.adapters.db import job_thread
from remit.adapters.log_reader.sqlite import SqliteLog
from remit.adapters.store import highwater
from remit.adapters.store.migrations import MIGRATIONS
from remit.adapters.store.sqlite import journal
from remit.adapters.store.sqlite import tree as log
from remit.adapters.store.sqlite.inspect import inspect_store
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import ActRecord, OutboxState, PersonRecord, RulesRecord, Suspension
from remit.domain.values import Instant
from remit.ports.store import Commit, Conflict, Drop, LimitReached, Put, RecordMissing, Replayed, ReplayMark, Reserve, Versioned

ADMIN = Commit(puts=(Put(person("admin", kind="officer", roles=("admin",)), 0),), entries=(entry(0, refs=("one",)),))
RULES = Commit(puts=(Put(RulesRecord(id="rules", digest="d", by="o", at=NOW), 0),), entries=(entry(1, refs=("one", "two")),))


@pytest.fixture(autouse=True)
def nothing_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is: what waits in the journal is put in place for a reason."""
    monkeypatch.setattr(job_thread, "_IDLE_S", 60)


def in_tables(folder: Path, table: str = "entry") -> int:
    """How many rows stand in a table, as somebody sees it who knows nothing of a journal."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        found: int = raw.execute(f"select count(*) from {table}").fetchone()[0]
        return found


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw, raw:
        assert raw.execute(statement, values).rowcount > 0


def killed_copy(folder: Path, to: Path) -> Path:
    """The files as a process leaves them that is killed right now."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    return to


def busy(folder: Path, *commits: Commit, then: Callable[[Any], Any]) -> Any:
    """Commit one after the other and do something while nothing of it stands in the tables."""

    async def work(store: Any) -> Any:
        for one in commits:
            await store.commit(one)
        assert in_tables(folder, "journal")
        return await then(store)

    return run(sqlite_store, folder, work)


def killed_desk(tmp_path: Path) -> Path:
    """The files of a desk that was killed with two groups in its journal and nothing in its tables."""
    folder = tmp_path / "store"
    folder.mkdir()

    async def kill(_store: Any) -> None:
        assert not in_tables(folder)
        killed_copy(folder, tmp_path / "copy")

    busy(folder, ADMIN, RULES, then=kill)
    return tmp_path / "copy"


def test_what_is_committed_is_in_a_copy_of_the_files_and_only_later_in_its_tables(tmp_path: Path) -> None:
    copy, folder = killed_desk(tmp_path), tmp_path / "store"
    assert (in_tables(folder), in_tables(folder, "journal")) == (2, 0)

    async def afterwards(store: Any) -> None:
        assert (await store.get(PersonRecord, "admin")).rev == 1
        assert [one.record.id for one in await store.find(PersonRecord, "person.role", "admin")] == ["admin"]
        assert [one.index for one in await store.entries(ref="one")] == [0, 1]
        assert (await store.commit(entries(2))).size == 3

    run(sqlite_store, copy, afterwards)
    assert in_tables(copy, "journal") == 0


def test_what_an_older_program_left_of_acts_that_are_over_is_emptied_in_its_journal_too(tmp_path: Path) -> None:
    kept = {state: act(state.value, "", state, text="private") for state in (OutboxState.DONE, OutboxState.VOID, OutboxState.QUEUED)}
    (tmp_path / "store").mkdir()

    async def kill(_store: Any) -> None:
        killed_copy(tmp_path / "store", tmp_path / "copy")

    busy(tmp_path / "store", new(*kept.values()), then=kill)
    (tmp_path / "copy" / "outside.rows").unlink()
    with closing(sqlite3.connect(tmp_path / "copy" / "store.sqlite")) as raw:
        for table in ("record", "counter", "trail"):
            raw.execute(f"alter table {table} drop column mac")
        raw.execute("drop table state")
        groups = [(msgspec.msgpack.encode(msgspec.msgpack.decode(body)[:12]), n) for n, body in raw.execute("select n, body from journal")]
        raw.executemany("update journal set body = ? where n = ?", groups)
        raw.commit()
        raw.execute("pragma user_version = 3")

    async def afterwards(store: Any) -> None:
        for state, was in kept.items():
            expected = was if state is OutboxState.QUEUED else was.over(state)
            assert await store.get(ActRecord, was.id) == Versioned(expected, 1)
        assert [one.record.id for one in await store.find(ActRecord, "act.queued", "")] == ["queued"]

    run(sqlite_store, tmp_path / "copy", afterwards)
    assert in_tables(tmp_path / "copy", "journal") == 0


def test_folding_leaves_nothing_of_what_was_overwritten_unless_somebody_reads(tmp_path: Path) -> None:
    said, emptied = suspension("said"), suspension("emptied")

    def left() -> bool:
        return any(b'"said"' in one.read_bytes() for one in tmp_path.glob("store.sqlite*"))

    async def work(store: Any) -> None:
        await store.commit(new(said))
        await store.commit(Commit(drops=(Drop(said, 1),), puts=(Put(emptied, 0),)))
        assert left()
        with closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)) as reader:
            reader.execute("begin")
            reader.execute("select * from record").fetchall()
            with pytest.raises(Fault) as caught:
                await store.purge_wal()
            assert caught.value.code is Code.FAULT_STORE
            await store.commit(entries(0))
        await store.purge_wal()
        assert not left()
        assert (await store.commit(entries(1))).size == 2
        await store.purge_wal()
        await store.purge_wal()

    run(sqlite_store, tmp_path, work)


def test_whoever_looks_meanwhile_sees_it(tmp_path: Path) -> None:
    async def looks(store: Any) -> None:
        seen = inspect_store(tmp_path / "store.sqlite")
        assert (seen.entries, seen.rules, seen.admins, seen.version) == (2, "d", 1, MIGRATIONS[-1][0])
        with SqliteLog(tmp_path / "store.sqlite") as log:
            note = log.checkpoint()
            assert verified(log, records=log, high_water=store.published()).entries == 2
        assert note == store.published()
        assert not in_tables(tmp_path)

    busy(tmp_path, ADMIN, RULES, then=looks)
    assert inspect_store(tmp_path / "store.sqlite").entries == 2


def test_what_was_changed_and_dropped_meanwhile_is_seen_so(tmp_path: Path) -> None:
    run(sqlite_store, tmp_path, lambda store: store.commit(ADMIN))
    dropped = Commit(drops=(Drop(person("admin", kind="officer", roles=("admin",)), 1),))
    moved = Commit(puts=(Put(person("other", kind="officer", roles=("admin",)), 0),), entries=(entry(1),))

    async def looks(store: Any) -> None:
        assert inspect_store(tmp_path / "store.sqlite").admins == 1
        with pytest.raises(RecordMissing):
            await store.get(PersonRecord, "admin")
        assert (await store.get(PersonRecord, "other")).rev == 2  # above every revision a person was dropped at

    busy(tmp_path, dropped, moved, then=looks)


def test_what_only_the_journal_holds_is_held_against_later_commits(tmp_path: Path) -> None:
    """Also when memory has forgotten it: revisions, marks, counters and last uses are those of the journal."""
    first = Commit(
        puts=(Put(suspension("s"), 0),), marks=(ReplayMark("m", NOW + 10**9),), reserves=(Reserve("g", "k", 2, 3),), touches=(("t", 9),)
    )

    async def forgets(store: Any) -> None:
        store._held.clear()
        no = await together(
            store.commit(Commit(puts=(Put(suspension("s"), 0),))),
            store.commit(Commit(marks=(ReplayMark("m", NOW + 10**9),))),
            store.commit(Commit(reserves=(Reserve("g", "k", 2, 3),))),
        )
        assert [type(one) for one in no] == [Conflict, Replayed, LimitReached]
        await store.commit(Commit(puts=(Put(suspension("s", active=False), 1), Put(suspension("other"), 0)), touches=(("t", 5),)))
        store._held.clear()
        assert (await store.get(Suspension, "s")).rev == 2
        assert [one.record.id for one in await store.find(Suspension, "suspension.active", "")] == ["other"]
        assert await store.counters("g") == {"k": 2}

    busy(tmp_path, first, then=forgets)
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        assert raw.execute("select at from touch where id = 't'").fetchone() == (9,)


def test_many_commits_and_idle_time_put_it_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(store: Any) -> None:
        for number in range(70):
            await store.commit(entries(number))
        assert (in_tables(tmp_path), in_tables(tmp_path, "journal")) == (64, 6)
        monkeypatch.setattr(job_thread, "_IDLE_S", 0.01)
        await store.commit(entries(70))
        deadline = time.monotonic() + 20
        while in_tables(tmp_path, "journal") and time.monotonic() < deadline:  # noqa: ASYNC110  # nothing tells when it is done, since nobody has to wait for it
            await asyncio.sleep(0.02)
        assert (in_tables(tmp_path), in_tables(tmp_path, "journal")) == (71, 0)

    run(sqlite_store, tmp_path, work)


def test_a_disk_that_only_takes_the_journal_stops_the_store_before_it_grows_without_end(tmp_path: Path) -> None:
    full = False

    def point(name: str) -> None:
        if full and name == "store.before_settled":
            raise sqlite3.OperationalError("database or disk is full")

    async def work(store: Any) -> None:
        nonlocal full
        full = True
        answers = [await together(store.commit(entries(number))) for number in range(200)]
        stood = sum(not isinstance(one, Exception) for (one,) in answers)
        assert 64 <= stood < 200
        assert all(isinstance(one, Fault) and one.code is Code.FAULT_STORE for (one,) in answers[stood:])
        with pytest.raises(Fault):
            await store.entries()
        full = False
        assert (await store.commit(entries(999))).size == stood + 1
        assert len(await store.entries(limit=1000)) == stood + 1

    run(sqlite_store, tmp_path, work, point)


def test_another_process_that_moved_the_head_stops_the_log(tmp_path: Path) -> None:
    """⚔ Two sequencers never sign two histories: a group is written only on the head it was decided on."""

    async def moved(store: Any) -> None:
        await store.commit(entries(0))
        await store.entries()
        change(tmp_path, "update head set root = ?", b"\x01" * 32)
        with pytest.raises(Fault, match="another process") as caught:
            await store.commit(entries(1))
        assert caught.value.code is Code.FAULT_STORE
        assert not in_tables(tmp_path, "journal")

    run(sqlite_store, tmp_path, moved)


def test_two_processes_that_stand_on_one_head_do_not_both_go_on(tmp_path: Path) -> None:
    """⚔ Nor does one put in place, and clear away, what the other has answered: the lock beside the file is not all that keeps them apart."""

    async def moved(first: Any) -> None:
        for number in range(3):
            await first.commit(entries(number))
        await first.entries()
        (tmp_path / "store.sqlite.lock").unlink()
        second = sqlite_store(tmp_path)
        try:
            await first.commit(Commit(puts=(Put(suspension("of-first"), 0),)))
            with pytest.raises(Fault, match="another process") as caught:
                await second.commit(Commit(puts=(Put(suspension("of-second"), 0),)))
            assert caught.value.code is Code.FAULT_STORE
            assert in_tables(tmp_path) == 3
        finally:
            await second.close()
        assert (await first.get(Suspension, "of-first")).rev == 1

    run(sqlite_store, tmp_path, moved)


def test_what_is_committed_behind_a_settle_is_synced_again(tmp_path: Path) -> None:
    """⚔ Settling asks the disk for nothing; who is answered after it must have been."""

    async def work(store: Any) -> None:
        for number in range(2):
            await store.commit(entries(number))
            assert len(await store.entries()) == number + 1
            assert not in_tables(tmp_path, "journal")
            assert store._writer._connection.execute("pragma synchronous").fetchone() == (2,)

    run(sqlite_store, tmp_path, work)


def test_a_settle_that_the_disk_never_took_is_done_again(tmp_path: Path) -> None:
    """What was journalled was synced before it: a machine that stops then loses the settle alone."""
    (tmp_path / "store").mkdir()
    log_of_writes = tmp_path / "copy" / "store.sqlite-wal"

    async def work(store: Any) -> None:
        await store.commit(ADMIN)
        await store.commit(RULES)
        before = (tmp_path / "store" / "store.sqlite-wal").stat().st_size
        assert len(await store.entries()) == 2
        assert not in_tables(tmp_path / "store", "journal")
        killed_copy(tmp_path / "store", tmp_path / "copy")
        with log_of_writes.open("r+b") as written:
            assert written.seek(0, 2) > before
            written.truncate(before)
        assert in_tables(tmp_path / "copy", "journal") == 2
        assert not in_tables(tmp_path / "copy")

    run(sqlite_store, tmp_path / "store", work)

    async def again(store: Any) -> None:
        assert len(await store.entries()) == 2
        assert (await store.get(PersonRecord, "admin")).record.kind == "officer"

    run(sqlite_store, tmp_path / "copy", again)


@pytest.mark.parametrize("broken", [MemoryError(), OSError("no"), sqlite3.OperationalError("disk I/O error"), ValueError("no")])
def test_a_settle_that_breaks_in_whatever_way_leaves_a_store_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    """⚔ Also when its transaction cannot even be rolled back: what is answered later must not be written inside it."""
    breaks = False

    def point(name: str) -> None:
        if breaks and name == "store.before_settled":
            raise broken

    async def work(store: Any) -> None:
        nonlocal breaks
        await store.commit(entries(0))
        breaks = True
        with monkeypatch.context() as patched:
            patched.setattr(journal, "_roll_back", lambda _: None)
            with pytest.raises(Fault) as caught:
                await store.entries()
            assert caught.value.code is Code.FAULT_STORE
        breaks = False
        assert len(await store.entries()) == 1
        breaks = True
        monkeypatch.setattr(job_thread, "_IDLE_S", 0.01)
        with contextlib.suppress(Fault):
            await store.commit(entries(1))
        await asyncio.sleep(0.1)  # now it broke while nobody waited
        breaks = False
        size = (await store.commit(entries(2))).size
        killed_copy(tmp_path / "store", tmp_path / "copy")
        assert len(await store.entries()) == size

    (tmp_path / "store").mkdir()
    run(sqlite_store, tmp_path / "store", work, point)
    for folder in ("store", "copy"):
        run(sqlite_store, tmp_path / folder, lambda store: store.commit(entries(9)))
        assert in_tables(tmp_path / folder) >= 3


def test_nothing_is_journalled_inside_a_transaction_that_stands_open(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(0))
        store._writer._connection.execute("begin immediate")
        with pytest.raises(Fault):
            await store.commit(entries(1))
        assert (await store.commit(entries(2))).size == 2

    run(sqlite_store, tmp_path, work)


def beyond(rows: list[tuple[int, bytes]]) -> list[tuple[int, Any]]:
    group = msgspec.msgpack.decode(rows[1][1])
    group[5] = {"t": 2**63 + 5}
    return [rows[0], (2, msgspec.msgpack.encode(group))]


FORGED: dict[str, Callable[[list[tuple[int, bytes]]], list[tuple[int, Any]]]] = {
    "a row stands twice": lambda rows: [*rows, (3, rows[1][1])],
    "a number is beyond any column": beyond,
    "a row is text": lambda rows: [(1, "abc"), rows[1]],
    "a row is a number": lambda rows: [(1, 7), rows[1]],
    "a text is none": lambda rows: [(1, b"\x9c\x91\x94\xa1\xff\xa1a\x01\xc0" + b"\x90" * 10), rows[1]],
    "the first row is gone": lambda rows: rows[1:],
    "a row between is gone": lambda rows: [rows[0], (3, rows[1][1])],
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_journal_stops_the_start_and_changes_nothing(tmp_path: Path, how: str) -> None:
    copy = killed_desk(tmp_path)
    with closing(sqlite3.connect(copy / "store.sqlite")) as raw, raw:
        rows = FORGED[how](raw.execute("select n, body from journal order by n").fetchall())
        raw.execute("delete from journal")
        raw.executemany("insert into journal values (?, ?)", rows)
    with pytest.raises(Refused) as caught:
        sqlite_store(copy)
    assert caught.value.code is Code.LOG_DAMAGED
    assert (in_tables(copy), in_tables(copy, "journal")) == (0, len(rows))


def test_what_a_reader_remembers_of_the_tree_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_CACHE", 50)

    async def work(store: Any) -> None:
        for first in range(0, 1024, 256):
            await store.commit(entries(*range(first, first + 256)))
        for first in range(0, 1024, 64):
            await store.prove(range(first, first + 64))
            assert len(store._reader._log._cache) <= 50

    run(sqlite_store, tmp_path, work)


def test_what_is_committed_before_the_first_entry_is_seen_too(tmp_path: Path) -> None:
    async def looks(_store: Any) -> None:
        assert inspect_store(tmp_path / "store.sqlite").admins == 1

    busy(tmp_path, Commit(puts=ADMIN.puts), then=looks)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x90", b"not what was written"])
def test_a_damaged_journal_stops_the_start_and_changes_nothing(tmp_path: Path, body: bytes) -> None:
    copy = killed_desk(tmp_path)
    change(copy, "update journal set body = ? where n = 2", body)
    for look_at in (sqlite_store, lambda folder: inspect_store(folder / "store.sqlite"), lambda folder: SqliteLog(folder / "store.sqlite")):
        with pytest.raises(Refused) as caught:
            look_at(copy)
        assert caught.value.code is Code.LOG_DAMAGED
    assert (in_tables(copy), in_tables(copy, "journal")) == (0, 2)


def test_a_journal_whose_end_is_cut_off_stops_the_start_and_changes_nothing(tmp_path: Path) -> None:
    copy = killed_desk(tmp_path)
    change(copy, "delete from journal where n = 2")
    with pytest.raises(Refused) as caught:
        sqlite_store(copy)
    assert caught.value.code is Code.LOG_OLDER
    assert (in_tables(copy), in_tables(copy, "journal")) == (0, 1)


def test_a_number_no_column_takes_is_its_own_commits_fault(tmp_path: Path) -> None:
    """It would be found only when it is put in place, after its answer."""
    beyond = 2**63

    async def work(store: Any) -> None:
        answers = await together(
            store.commit(entries(0)),
            store.commit(Commit(marks=(ReplayMark("m", beyond),))),
            store.commit(Commit(touches=(("t", beyond),))),
            store.commit(Commit(entries=(entry(1, at=beyond),))),
            store.commit(Commit(puts=(Put(Suspension(id="s", active=True, reason="r", by="o", at=Instant(beyond)), 0),))),
            store.commit(entries(2)),
        )
        assert [isinstance(one, Fault) for one in answers] == [False, True, True, True, True, False]
        assert len(await store.entries()) == 2

    run(sqlite_store, tmp_path, work)


def test_what_was_journalled_does_not_linger_in_the_file(tmp_path: Path) -> None:
    """⚔ A record that was overwritten, as by an erasure, is not to be found in pages that the journal left behind."""
    secret = "a-reason-nobody-else-has"
    written = Commit(puts=(Put(Suspension(id="s", active=True, reason=secret * 400, by="o", at=NOW), 0),))
    run(sqlite_store, tmp_path, lambda store: store.commit(written))
    assert secret.encode() in (tmp_path / "store.sqlite").read_bytes()
    run(sqlite_store, tmp_path, lambda store: store.commit(Commit(puts=(Put(suspension("s"), 1),))))
    assert secret.encode() not in (tmp_path / "store.sqlite").read_bytes()


def test_the_newest_checkpoint_is_made_durable_within_a_second_also_when_nothing_more_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """⚔ A power cut after a quiet hour must not take the last second's high water with it."""
    now = 1000.0
    monkeypatch.setattr(highwater, "time", SimpleNamespace(monotonic=lambda: now))

    async def work(store: Any) -> None:
        nonlocal now
        before = (tmp_path / "outside").read_text()
        now += 0.4
        note = (await store.commit(entries(0))).checkpoint
        assert (tmp_path / "outside").read_text() == before
        assert store.published() == note
        assert await store._writer_thread.do(lambda: store._writer.apply_when_due(idle=True))  # it is not due yet, and asked for again
        assert (tmp_path / "outside").read_text() == before
        now += 0.7
        assert not await store._writer_thread.do(lambda: store._writer.apply_when_due(idle=True))
        assert (tmp_path / "outside").read_text() == note

    run(sqlite_store, tmp_path, work)
