"""What the SQLite store holds in memory: never more than it may, never another truth than the file's, and no fate shared."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import (
    ROWS,
    agent,
    ceremony,
    entries,
    mandate,
    new,
    person,
    run,
    sqlite_store,
    suspension,
    task,
    together,
    verify,
)
from remit.adapters.store.cache import LIMIT, NOT_CACHED, RecordCache, SizedCache
from remit.adapters.store.codec import DecodeCache, encode_record
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import MandateRecord
from remit.domain.values import Instant
from remit.ports.store import Commit, Committed, Drop, Put, ReplayMark, Reserve, Versioned


class Gate:
    """Holds the writing thread once at one point, so that what comes meanwhile makes one group."""

    def __init__(self) -> None:
        self.reached, self.through = threading.Event(), threading.Event()

    def __call__(self, name: str) -> None:
        if name == "store.before_commit" and not self.reached.is_set():
            self.reached.set()
            assert self.through.wait(20)


class Disk:
    """A disk that can be lost while a store is on it, and found again."""

    def __init__(self) -> None:
        self.lost = False

    def __call__(self, name: str) -> None:
        if self.lost and name == "store.before_commit":
            raise sqlite3.OperationalError("disk I/O error")

    def lose(self, store: Any) -> None:
        """Nothing can be written or opened any more."""
        self.lost = True
        store._writer._connect = lambda: (_ for _ in ()).throw(Refused(Code.SETTINGS_INVALID, "the disk is gone"))

    def find(self, store: Any, connect: Callable[[], sqlite3.Connection]) -> None:
        """Everything is as it was."""
        self.lost = False
        store._writer._connect = connect


async def in_one_group(store: Any, gate: Gate, *works: Callable[[], Any]) -> list[Any]:
    """Have everything wait behind one commit, so that it is answered together."""
    first = asyncio.ensure_future(store.commit(entries(0)))
    await asyncio.to_thread(gate.reached.wait, 20)
    group = asyncio.ensure_future(together(*[work() for work in works]))
    await asyncio.sleep(0)
    gate.through.set()
    await first
    return await group


def test_a_read_that_breaks_takes_no_commit_of_its_group_with_it(tmp_path: Path) -> None:
    gate = Gate()

    async def work(store: Any) -> None:
        told = await in_one_group(
            store,
            gate,
            lambda: store.commit(new(suspension("s"))),
            lambda: store.snapshot(task="\ud800", idempotency=""),
            lambda: store.commit(entries(1)),
        )
        assert [type(one) for one in told] == [Committed, Fault, Committed]

    run(sqlite_store, tmp_path, work, gate)


def test_nobody_is_refused_for_what_a_commit_that_cannot_be_written_would_have_changed(tmp_path: Path) -> None:
    gate = Gate()
    bad = (("t1", 2**70),)

    async def work(store: Any) -> None:
        told = await in_one_group(
            store,
            gate,
            lambda: store.commit(Commit(puts=(Put(suspension("s"), 0),), touches=bad)),
            lambda: store.commit(Commit(puts=(Put(suspension("s"), 0),))),
            lambda: store.commit(Commit(marks=(ReplayMark("m", 1),), touches=bad)),
            lambda: store.commit(Commit(marks=(ReplayMark("m", 1),))),
        )
        assert [type(one) for one in told] == [Fault, Committed, Fault, Committed]

    run(sqlite_store, tmp_path, work, gate)


def test_a_damaged_record_is_a_fault_for_who_writes_it_and_for_nobody_beside(tmp_path: Path) -> None:
    run(sqlite_store, tmp_path, lambda store: store.commit(new(suspension("damaged"), suspension("whole"))))
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as file:
        mac = ROWS.record("suspension", "damaged", 1, b"{")
        file.execute("update record set body = ?, mac = ? where id = 'damaged'", (b"{", mac))
        file.commit()
    gate = Gate()

    async def work(store: Any) -> None:
        told = await in_one_group(
            store,
            gate,
            lambda: store.commit(Commit(puts=(Put(suspension("damaged", active=False), 1),))),
            lambda: store.commit(Commit(puts=(Put(suspension("whole", active=False), 1),))),
        )
        assert [type(one) for one in told] == [Fault, Committed]

    run(sqlite_store, tmp_path, work, gate)


def test_what_never_stood_is_not_kept_outside_by_a_store_that_closes_after_its_file_was_lost(tmp_path: Path) -> None:
    disk = Disk()

    async def work(store: Any) -> None:
        await store.commit(entries(0))
        disk.lose(store)
        with pytest.raises(Fault):
            await store.commit(entries(1))

    run(sqlite_store, tmp_path, work, disk)
    # The disk is back: the store is exactly what was published.
    assert run(sqlite_store, tmp_path, lambda store: store.commit(entries(2))).size == 2


def test_a_commit_that_broke_after_it_stood_is_kept_outside_before_anything_else_is_answered(tmp_path: Path) -> None:
    broken = False

    def on_point(name: str) -> None:
        if broken and name == "store.after_commit":
            raise RuntimeError

    async def work(store: Any) -> None:
        nonlocal broken
        broken = True
        with pytest.raises(Fault):
            await store.commit(entries(0))
        broken = False
        await store.commit(new(suspension("s")))  # no entry of its own
        assert verify(store.published()).size == 1

    run(sqlite_store, tmp_path, work, on_point)


def test_a_task_is_found_whole_however_much_is_forgotten_while_it_is_read(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        store._held.records = SizedCache(16)
        await store.commit(new(person(), agent(), mandate()))
        names = ["t" * number for number in range(1, 61)]
        for name in names:
            await store.commit(new(task(name, operator=f"operator {len(name) % 7}", objective=f"objective {len(name) % 11}")))
        for place in range(400):
            name = names[place * place % 59]
            assert (await store.snapshot(task=name, idempotency="")).records["task", name].record.id == name

    run(sqlite_store, tmp_path, work)


def test_what_every_ask_leaves_pushes_out_nothing_that_asks_stand_on() -> None:
    records = RecordCache()
    records.put(("task", "t"), None)
    for number in range(3 * LIMIT):
        records.put(("ask", f"a{number}"), None, 100)
    assert records.get(("task", "t")) is None  # known not to be there, which is something that is held
    assert records.get(("ask", f"a{3 * LIMIT - 1}")) is None
    assert records.get(("ask", "a0")) is NOT_CACHED
    for number in range(3 * LIMIT):
        records.put(("act", f"act{number}"), None, 100)
    assert records.get(("ask", f"a{3 * LIMIT - 1}")) is None


def test_a_former_value_is_not_held_beside_a_newer_one() -> None:
    held: SizedCache[str, str] = SizedCache(2)
    held.put("a", "the former words")
    held.put("b", "")
    held.put("c", "")  # one more than fits: a new generation begins
    assert held.get("a") == "the former words"
    held.put("a", "erased")
    assert held.get("a") == "erased"
    assert "the former words" not in repr((held.new, held.old))


def test_what_was_decoded_is_bounded_by_its_bytes() -> None:
    decoded = DecodeCache()
    for number in range(3000):
        one = ceremony(f"c{number}", words="x" * 2000)
        assert decoded.kept("ceremony", one.id, 1, encode_record(one)).record == one
    known = [body for half in (decoded._known.new, decoded._known.old) for (_, body, _), _ in half.values()]
    assert 1 <= sum(map(len, known)) < 2 * 1024 * 1024 + 8192


def test_a_task_that_was_made_this_moment_is_known_whole_as_the_file_tells_it_later(tmp_path: Path) -> None:
    """Nothing counts under it yet; what does later is told, too."""
    found: dict[str, Any] = {}

    async def work(store: Any) -> None:
        await store.commit(new(mandate(), agent(), person(), task("t1")))
        await store.snapshot(task="t1", idempotency="")  # reads what all tasks of the mandate stand on
        await store.commit(new(task("t2")))
        found["new"] = store._held.snapshot("t2", "", (), sure=True)
        await store.commit(Commit(reserves=(Reserve("t2", "k", 3, None), Reserve("m1", "k", 2, None)), touches=(("t2", Instant(7)),)))
        found["used"] = store._held.snapshot("t2", "", (), sure=True)

    async def again(store: Any) -> None:
        assert await store.snapshot(task="t2", idempotency="") == found["used"]

    run(sqlite_store, tmp_path, work)
    assert (found["new"].counters, found["new"].touched, found["new"].trails) == ({}, {}, ())
    assert found["used"].counters == {("t2", "k"): 3, ("m1", "k"): 2}
    run(sqlite_store, tmp_path, again)


def test_what_is_held_is_bounded_by_its_bytes_too_and_what_was_forgotten_is_read_again(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        held = store._held.records = SizedCache(1000, 20_000)
        large = [ceremony(f"c{number}", words="x" * 5000) for number in range(40)]
        for one in large:
            await store.commit(new(one))
        known = [one for one in large if held.get(("ceremony", one.id)) is not NOT_CACHED]
        assert 1 <= len(known) <= 8
        for one in large:
            kept = await store.get(type(one), one.id)
            assert (kept.record, kept.rev) == (one, 1)
            await store.commit(Commit(puts=(Put(one, 1),)))  # the revision is known, held or not
        decoded = store._reader._decoded._known
        assert not any(len(body) > 4096 for known in (decoded.new, decoded.old) for (_, body, _), _ in known.values())

    run(sqlite_store, tmp_path, work)


def test_the_newest_few_are_told_from_memory_and_from_the_file_where_something_was_taken_away(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        made = [mandate(f"m{number}", granted_at=Instant(number)) for number in range(6)]
        await store.commit(new(*made[:5]))

        async def newest(limit: int = 3) -> list[str]:
            found = await store.find(MandateRecord, "mandate.customer", "c1", limit=limit, newest=True)
            return [one.record.id for one in found]

        assert await newest() == ["m4", "m3", "m2"]
        await store.commit(new(made[5]))
        assert await newest(1) == ["m5"]
        await store.find(MandateRecord, "mandate.customer", "c1")  # now all of them are in their table, and the drops are not
        await store.commit(Commit(drops=(Drop(made[5], 1), Drop(made[4], 1), Drop(made[3], 1))))
        assert await newest() == ["m2", "m1", "m0"]
        assert await newest(0) == []

    run(sqlite_store, tmp_path, work)


def test_a_file_that_was_gone_for_a_while_is_asked_again(tmp_path: Path) -> None:
    disk = Disk()

    async def work(store: Any) -> None:
        await store.commit(Commit(puts=(Put(mandate("m1"), 0),), reserves=(Reserve("scope", "k", 3, None),)))
        connect = store._writer._connect
        for asked in (
            lambda: store.find(MandateRecord, "mandate.customer", "c1", limit=1, newest=True),
            lambda: store.counters("scope"),
        ):
            disk.lose(store)
            with pytest.raises(Fault):
                await store.commit(Commit(reserves=(Reserve("scope", "k", 1, None),)))
            disk.find(store, connect)
            assert await asked() in ({"k": 3}, (Versioned(mandate("m1"), 1),))

    run(sqlite_store, tmp_path, work, disk)
