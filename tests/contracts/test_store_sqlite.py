"""What the SQLite store does when its disk or its file fails, and how it holds and brings forward its file."""

import asyncio
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import ROWS, ask, entries, entry, new, person, run, sqlite_store, suspension, together, verify
from remit.adapters.store import codec
from remit.adapters.store.migrations import MIGRATIONS
from remit.adapters.store.sqlite.read import FINDING
from remit.domain import mentions as mention_kinds
from remit.domain import records as kinds
from remit.domain.errors import Code, Fault, Refused
from remit.domain.events import records as event_kinds
from remit.domain.incidents import records as incident_kinds
from remit.domain.records import AskRecord, AskState, Suspension
from remit.ports.store import Commit, Committed, Put, ReplayMark


def refused(call: Callable[[], Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


class Breaking:
    """Breaks once (or for as long as it is told) at one point of the writing path."""

    def __init__(self, point: str, broken: Exception) -> None:
        self.point, self.broken, self.on = point, broken, False

    def __call__(self, name: str) -> None:
        if self.on and name == self.point:
            raise self.broken


BROKEN: list[Exception] = [
    sqlite3.OperationalError("disk I/O error"),
    sqlite3.DatabaseError("database disk image is malformed"),
    OSError(28, "No space left on device"),
    Refused(Code.RECEIPT_INVALID, "the signer will not sign"),
    RuntimeError("something nobody thought of"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[type(one).__name__ for one in BROKEN])
@pytest.mark.parametrize(
    ("point", "stands"), [("store.before_commit", False), ("store.after_commit", True), ("checkpoint.half_written", True)]
)
def test_a_failure_is_a_fault_for_everybody_and_the_store_goes_on(tmp_path: Path, point: str, stands: bool, broken: Exception) -> None:
    disk = Breaking(point, broken)

    async def work(store: Any) -> None:
        await store.commit(entries(0))
        disk.on = True
        results = await together(
            store.commit(Commit(puts=(Put(suspension("s"), 0),), entries=(entry(1),))), store.commit(Commit(entries=(entry(2),)))
        )
        assert [getattr(one, "code", one) for one in results] == [Code.FAULT_STORE] * 2
        disk.on = False
        there = await store.find(Suspension, "suspension.active", "")
        assert bool(there) is stands  # all or nothing, and a read tells which
        assert len(await store.entries()) == (3 if stands else 1)
        committed = await store.commit(entries(7))
        assert committed.places[0].index == (3 if stands else 1)
        assert verify(committed.checkpoint).size == committed.size

    run(sqlite_store, tmp_path, work, disk)
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(8)))


def test_while_the_place_outside_cannot_be_written_nothing_more_is_committed(tmp_path: Path) -> None:
    disk = Breaking("checkpoint.half_written", OSError(28, "No space left on device"))

    async def work(store: Any) -> None:
        await store.commit(entries(0))
        disk.on = True
        for number in (1, 2, 3):
            with pytest.raises(Fault):
                await store.commit(entries(number))
        # The first stood before its checkpoint could not be kept outside; on top of it nothing was written.
        assert len(await store.entries()) == 2
        disk.on = False
        assert (await store.commit(entries(4))).places[0].index == 2

    run(sqlite_store, tmp_path, work, disk)


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """A disk that is really full: the kernel refuses to write past this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_really_full_at_the_commit_is_a_fault_and_nothing_of_the_group_holds(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(0))
        large = suspension("x" * 2_000_000)
        with no_file_grows_beyond(500_000):
            results = await together(store.commit(new(large)), store.commit(entries(1)))
            assert [type(one) for one in results] in ([Fault, Fault], [Fault, Committed])
        assert not await store.find(Suspension, "suspension.active", "")
        assert isinstance(await store.commit(new(large)), Committed)
        size = (await store.commit(entries(2))).size
        assert size == len(await store.entries())

    run(sqlite_store, tmp_path, work)
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(3)))


def test_a_database_that_may_not_grow_is_a_fault_for_the_whole_group(tmp_path: Path) -> None:
    """SQLITE_FULL inside one job rolls the whole transaction back: no other job of the group may be told that it holds."""
    gate, reached = threading.Event(), threading.Event()

    def wait_once(name: str) -> None:
        if name == "store.before_commit" and not reached.is_set():
            reached.set()
            assert gate.wait(20)

    async def work(store: Any) -> None:
        first = asyncio.ensure_future(store.commit(entries(0)))
        await asyncio.to_thread(reached.wait, 20)
        group = [store.commit(one) for one in (entries(1), new(suspension("x" * 500_000)), entries(2))]
        pending = asyncio.ensure_future(together(*group))
        await asyncio.sleep(0)
        store._writer._connection.execute("pragma max_page_count = 60")
        gate.set()
        await first
        assert [type(one) for one in await pending] == [Fault] * 3
        assert len(await store.entries()) == 1
        assert (await store.commit(entries(3))).size == 2

    run(sqlite_store, tmp_path, work, wait_once)


def test_a_store_whose_file_has_gone_bad_stays_closed_and_says_so_each_time(tmp_path: Path) -> None:
    disk = Breaking("store.before_commit", sqlite3.OperationalError("disk I/O error"))

    async def work(store: Any) -> None:
        await store.commit(entries(0))
        store._writer._connect = lambda: (_ for _ in ()).throw(Refused(Code.SETTINGS_INVALID, "the disk is gone"))
        disk.on = True
        for number in (1, 2):
            with pytest.raises(Fault) as caught:
                await store.commit(entries(number))
            assert caught.value.code is Code.FAULT_STORE
            disk.on = False
        with pytest.raises(Fault) as caught:
            await store.entries()
        assert caught.value.code is Code.FAULT_STORE

    run(sqlite_store, tmp_path, work, disk)

    async def afterwards(store: Any) -> None:
        assert len(await store.entries()) == 1

    run(sqlite_store, tmp_path, afterwards)


def test_a_damaged_trail_is_a_fault_and_not_a_clean_slate(tmp_path: Path) -> None:
    from_contract = Commit(puts=(Put(person(), 0),))

    async def work(store: Any) -> None:
        await store.commit(from_contract)
        await store.purge_wal()
        with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
            mac = ROWS.record("suspension", "bad", 1, b"{not json")
            raw.execute("insert into record values ('suspension', 'bad', 1, ?, ?)", (b"{not json", mac))
            raw.commit()
        with pytest.raises(Fault):
            await store.get(Suspension, "bad")
        results = await together(store.commit(Commit(puts=(Put(suspension("bad"), 1),))), store.commit(entries(1)))
        assert [type(one) for one in results] == [Fault, Committed]

    run(sqlite_store, tmp_path, work)


def test_the_file_is_synced_at_every_commit_and_for_its_owner_alone(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        connection = store._writer._connection
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        assert connection.execute("pragma synchronous").fetchone() == (2,)
        await store.commit(entries(0))
        open_to_others = await asyncio.to_thread(
            lambda: [path.name for path in tmp_path.iterdir() if stat.S_IMODE(path.stat().st_mode) & 0o077]
        )
        assert not open_to_others

    run(sqlite_store, tmp_path, work)


ELSEWHERE = """
import sys
from pathlib import Path
from contracts.store_plugs import sqlite_store
from remit.domain.errors import Refused
try:
    sqlite_store(Path(sys.argv[1]))
except Refused as no:
    print(no.code.value)
"""


def test_a_second_process_is_refused_under_any_name_of_the_file(tmp_path: Path) -> None:
    for name in ("real", "alias"):
        (tmp_path / name).mkdir()
    for name in ("store.sqlite", "outside", "outside.latest"):
        (tmp_path / "alias" / name).symlink_to(tmp_path / "real" / name)

    def elsewhere() -> str:
        paths = os.pathsep.join(one for one in sys.path if one)
        command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "alias")]
        return subprocess.run(command, env={"PYTHONPATH": paths}, capture_output=True, check=True, text=True).stdout.strip()

    async def work(_store: Any) -> None:
        assert refused(lambda: sqlite_store(tmp_path / "alias")).code is Code.SETTINGS_INVALID
        assert await asyncio.to_thread(elsewhere) == Code.SETTINGS_INVALID

    run(sqlite_store, tmp_path / "real", work)
    run(sqlite_store, tmp_path / "alias", lambda store: store.commit(entries(0)))


def test_a_store_that_is_refused_lets_go_of_its_file(tmp_path: Path) -> None:
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(0)))
    (tmp_path / "outside").rename(tmp_path / "kept")
    (tmp_path / "outside.latest").rename(tmp_path / "kept.latest")
    refused(lambda: sqlite_store(tmp_path))
    (tmp_path / "kept").rename(tmp_path / "outside")
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(1)))


def test_a_newer_schema_is_refused_with_the_file_untouched(tmp_path: Path) -> None:
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(0)))
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        raw.execute(f"pragma user_version = {MIGRATIONS[-1][0] + 1}")
    assert refused(lambda: sqlite_store(tmp_path)).code is Code.SETTINGS_INVALID


def test_another_programs_database_is_refused_and_not_written_to(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        raw.execute("create table part (name text)")
    assert refused(lambda: sqlite_store(tmp_path)).code is Code.SETTINGS_INVALID
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as raw:
        assert raw.execute("select name from sqlite_schema").fetchall() == [("part",)]


def test_what_is_no_database_or_in_no_folder_is_refused(tmp_path: Path) -> None:
    assert refused(lambda: sqlite_store(tmp_path / "nowhere")).code is Code.SETTINGS_INVALID
    (tmp_path / "store.sqlite").write_bytes(b"no database at all, but long enough to be one" * 100)
    assert refused(lambda: sqlite_store(tmp_path)).code is Code.LOG_DAMAGED
    os.truncate(tmp_path / "store.sqlite", 0)
    run(sqlite_store, tmp_path, lambda store: store.commit(entries(0)))


ASKS = (
    ask("said", words="hello"),
    ask("silent"),
    ask("refused", words="hello", state=AskState.REFUSED),
    ask("waits", words="hello", words_state="held", state=AskState.WAITING),
    ask("unreleased", words="hello", words_state="held", state=AskState.EXPIRED),
)


def test_every_schema_from_the_first_is_brought_forward_with_its_contents(tmp_path: Path) -> None:
    """A file of each released schema, filled by its own statements, opens here and goes on."""
    for version, _ in MIGRATIONS:
        folder = tmp_path / str(version)
        folder.mkdir()
        with closing(sqlite3.connect(folder / "store.sqlite", isolation_level=None)) as raw:
            for number, script in MIGRATIONS:
                if number <= version:
                    raw.executescript(script)
            raw.execute(f"pragma user_version = {version}")
            raw.execute(
                "insert into record (kind, id, rev, body) values ('suspension', 's', 4, ?)", (codec.encode_record(suspension("s")),)
            )
            raw.execute("insert into link values ('suspension.active', '', ?, 'suspension', 's')", (suspension("s").at,))
            for ask in ASKS:
                raw.execute("insert into record (kind, id, rev, body) values ('ask', ?, 1, ?)", (ask.id, codec.encode_record(ask)))
                links = [one for one in ask.links() if version >= 6 or one.name != "ask.spoken"]
                raw.executemany("insert into link values (?, ?, ?, 'ask', ?)", [(one.name, one.key, one.at, ask.id) for one in links])
            raw.execute("insert into counter (scope, key, used) values ('g', 'k', 2)")
            raw.execute("insert into mark values ('m', ?)", (2**40,))

        async def work(store: Any) -> None:
            kept = (await store.find(Suspension, "suspension.active", ""))[0]
            assert (kept.record, kept.rev) == (suspension("s"), 4)
            assert [one.record.id for one in await store.find(AskRecord, "ask.spoken", "t1")] == ["said", "waits"]
            assert await store.counters("g") == {"k": 2}
            results = await together(store.commit(Commit(marks=(ReplayMark("m", 1),))), store.commit(entries(0)))
            assert [type(one).__name__ for one in results] == ["Replayed", "Committed"]

        run(sqlite_store, folder, work)
        with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
            assert raw.execute("pragma user_version").fetchone() == (MIGRATIONS[-1][0],)


def test_migrations_are_numbered_in_order_from_one() -> None:
    assert [number for number, _ in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_every_kind_of_record_can_be_kept() -> None:
    there = (*vars(kinds).values(), *vars(event_kinds).values(), *vars(incident_kinds).values(), *vars(mention_kinds).values())
    known = {one for one in there if isinstance(one, type) and hasattr(one, "KIND") and one is not kinds.Record}
    assert {kind.KIND for kind in known} == set(codec._DECODERS)


def test_a_record_of_an_older_program_takes_defaults_and_of_a_newer_one_loses_nothing_it_needs() -> None:
    body = codec.encode_record(suspension("s"))
    assert codec.decode_record("suspension", body[:-1] + b',"newer":[1,2]}') == suspension("s")
    older = codec.encode_record(person())
    for name in ("paused", "contact_changed_at"):
        assert any(field.name == name for field in fields(kinds.PersonRecord))
    assert codec.decode_record("person", older.replace(b',"paused":false', b"").replace(b',"contact_changed_at":0', b"")) == person()


@pytest.mark.parametrize("newest", [False, True])
def test_what_is_found_by_an_index_comes_in_its_order_without_sorting_all_of_the_same_moment(tmp_path: Path, *, newest: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "plan.sqlite")) as connection:
        for _, migration in MIGRATIONS:
            connection.executescript(migration)
        plan = [row[-1] for row in connection.execute(f"explain query plan {FINDING[newest, True]}", ("a", "b", 0, 1, "person", 10))]
    assert not [step for step in plan if "TEMP B-TREE" in step or "SCAN" in step], plan
