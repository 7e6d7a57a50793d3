"""What a review of several nodes found, tried: lost histories, slow nodes, locked accounts, long readers."""

import asyncio
import time
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
import pytest

from contracts.postgres_stores import cut_off, sql, two
from contracts.store_plugs import NOW, desk_of, entries, entry, new, opening, postgres_store, quiet, suspension, verify
from postgres_tests import postgres_url
from remit.adapters.store.postgres import schema as postgres_tidy
from remit.adapters.store.postgres import tree as postgres_tree
from remit.adapters.store.postgres.load import LOST
from remit.adapters.store.postgres.store import PostgresStore
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import Suspension
from remit.ports.store import Commit, Put, ReplayMark


@pytest.mark.proves("NODES")
def test_a_standby_promoted_too_early_is_noticed_also_when_another_node_has_grown_past_what_was_lost(tmp_path: Path) -> None:
    """⚔ The shorter log is longer again by the time this node looks: it must still be the one it knew."""
    desk = desk_of(tmp_path)

    async def work(one: Any, other: Any) -> None:
        await one.commit(entries(0, 1))
        await other.commit(entries(2))
        before = (await asyncio.to_thread(sql, ("select desk, seq, size, root, note, edge, state from head where desk = $1", desk)))[0][0]
        await one.commit(
            Commit(puts=(Put(suspension("operator:x", active=False), 0),), entries=entries(3, 4).entries)
        )  # lost with the old primary
        await one.get(Suspension, "operator:x")
        await asyncio.to_thread(
            sql,
            ("delete from entry where desk = $1 and idx >= 3", desk),
            ("delete from record where desk = $1", desk),
            ("delete from link where desk = $1", desk),
            ("update head set seq = $2, size = $3, root = $4, note = $5, edge = $6, state = $7 where desk = $1", *before.values()),
        )
        await other.commit(Commit(puts=(Put(suspension("operator:x", active=True), 0),), entries=entries(5, 6, 7).entries))
        seen = await one.get(Suspension, "operator:x")
        with pytest.raises(Fault):
            await one.commit(entries(9))
        assert seen.record.active, "a revision of the lost history was remembered for one of this history"

    two(tmp_path, work)


@pytest.mark.proves("NODES")
def test_a_standby_that_lacks_only_what_brought_no_entries_is_noticed_too(tmp_path: Path) -> None:
    """⚔ Marks, sessions and `sent` are kept by commits without entries: `seq` alone tells that they are gone."""
    desk = desk_of(tmp_path)

    async def work(one: Any, _other: Any) -> None:
        await one.commit(entries(0))
        before = (await asyncio.to_thread(sql, ("select seq from head where desk = $1", desk)))[0][0]["seq"]
        await one.commit(Commit(marks=(ReplayMark("proof", NOW),)))
        await asyncio.to_thread(sql, ("delete from mark where desk = $1", desk), ("update head set seq = $2 where desk = $1", desk, before))
        with pytest.raises(Fault):
            await one.commit(Commit(marks=(ReplayMark("proof", NOW),)))

    two(tmp_path, work)


def test_a_node_starts_while_another_process_of_its_machine_writes(tmp_path: Path) -> None:
    """Its store is read at one moment, the high water beside it a little later: what was written in between is no sign of an old store."""

    async def work() -> None:
        one = postgres_store(tmp_path)
        loop = asyncio.get_running_loop()
        told: list[int] = []

        def slow(note: str) -> Any:
            if not told:
                told.append(1)
                asyncio.run_coroutine_threadsafe(one.commit(entries(1)), loop).result(10)
            return verify(note)

        def start() -> PostgresStore:
            return PostgresStore.open(postgres_url(), desk_of(tmp_path), opening(tmp_path / "outside", verify=slow))

        try:
            await one.commit(entries(0))
            await (await asyncio.to_thread(start)).close()
        finally:
            await one.close()

    asyncio.run(work())


@pytest.mark.proves("NODES")
def test_a_busy_node_does_not_keep_a_slower_one_from_ever_writing(tmp_path: Path) -> None:
    """⚔ Whoever makes the head move at a node near the server (a refused request is enough) must not stop the others."""

    def far(point: str) -> None:
        if point == "store.before_commit":
            time.sleep(0.02)

    async def work() -> None:
        far_away = postgres_store(tmp_path, far, node="far")
        near = postgres_store(tmp_path, node="near")
        stop = False

        async def busy() -> None:
            number = 0
            while not stop:
                number += 1
                await near.commit(Commit(marks=(ReplayMark(f"m{number}", NOW),)))

        task = asyncio.create_task(busy())
        faults = 0
        for number in range(3):
            try:
                await far_away.commit(entries(number))
            except Fault:
                faults += 1
        stop = True
        await task
        await far_away.close()
        await near.close()
        assert not faults

    asyncio.run(work())


def test_proofs_asked_for_while_the_writer_forgets_hashes_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `prove` has found in memory may be gone once the rest is fetched."""
    monkeypatch.setattr(postgres_tree, "_CACHE", 1)

    async def work(one: Any, other: Any) -> None:
        tree = one._writer.tree
        await other.commit(entries(*range(7)))
        await one.commit(entries(7))
        fetch = tree.fetch

        async def held(connection: Any, wanted: Any) -> Any:
            fetched = await fetch(connection, wanted)
            await one.commit(entries(100 + len(tree._cache)))
            return fetched

        monkeypatch.setattr(tree, "fetch", held)
        await one.prove([0])

    two(tmp_path, work)


@pytest.mark.proves("NODES")
def test_a_store_that_lets_nobody_in_any_more_is_a_fault_and_no_refusal(tmp_path: Path) -> None:
    """A refusal is an answer to who asked, and acts are voided by it: an account that was locked is none."""
    name = f"app{abs(hash(str(tmp_path))) % 10**9}"

    async def admin(*statements: str) -> None:
        connection = await asyncpg.connect(postgres_url())
        try:
            for one in statements:
                await connection.execute(one)
        finally:
            await connection.close()

    async def work() -> None:
        first = await asyncio.to_thread(postgres_store, tmp_path)
        await first.close()
        await admin(f"create role {name} login superuser")
        url = postgres_url().replace("://remit@", f"://{name}@")
        store = await asyncio.to_thread(lambda: PostgresStore.open(url, desk_of(tmp_path), opening(tmp_path / "outside", on_point=quiet)))
        await store.commit(entries(0))
        await admin(f"alter role {name} nologin")
        try:
            with pytest.raises(Fault):
                await store.get(Suspension, "operator:x")
            await store.commit(entries(1))
        finally:
            await store.close()
            await admin(f"drop role {name}")

    asyncio.run(work())


def test_while_somebody_reads_the_log_for_long_room_for_more_entries_costs_the_writers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads it for hours: making a partition must neither wait for it with every group nor make all others wait."""
    monkeypatch.setattr(postgres_tidy, "AHEAD", (1 << 20) * (2 + abs(hash(str(tmp_path))) % 1000))

    async def work(one: Any, other: Any) -> None:
        reader = await asyncpg.connect(postgres_url())
        try:
            await reader.execute("begin; select 1 from remit.entry limit 1")
            took = []
            for number in range(4):
                began = time.monotonic()
                await (one, other)[number % 2].commit(entries(number))
                took.append(time.monotonic() - began)
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await one.commit(entries(10))
            took.append(time.monotonic() - began)
            assert max(took[1:]) < 0.3
        finally:
            await reader.close()

    two(tmp_path, work)


def test_erasures_fold_while_another_node_does(tmp_path: Path) -> None:
    """VACUUM waits for VACUUM, and takes as long as the tables are large: neither may break an erasure that is on the record."""

    async def work(one: Any, _other: Any) -> None:
        await one.commit(entries(0))
        reader = await asyncpg.connect(postgres_url())
        try:
            await reader.execute("begin; lock table remit.record in share update exclusive mode")  # as VACUUM holds it
            await one.purge_wal()
        finally:
            await reader.close()

    two(tmp_path, work)


_TABLES = ("record", "link", "dropped", "counter", "mark", "touch", "trail", "entry", "ref", "node", "head")


class Copy:
    """The rows of a desk as they were, to be put back in their place."""

    def __init__(self, folder: Path) -> None:
        self._desk = desk_of(folder)
        self._name = f"copy_{token_hex(6)}"
        sql(*((f"create table {self._name}_{one} as select * from {one} where desk = $1", self._desk) for one in _TABLES))

    def put_back(self) -> None:
        """Put them back."""
        for one in _TABLES:
            sql((f"delete from {one} where desk = $1", self._desk), (f"insert into {one} select * from {self._name}_{one}",))

    def drop(self) -> None:
        """Leave nothing behind."""
        sql(*((f"drop table {self._name}_{one}",) for one in _TABLES))


def not_looking(*nodes: Any) -> None:
    """Have nodes see nothing but what they are asked for: each looks at the head by itself each second, and a busy machine takes longer than that.

    Whoever looks while something is lost says so to all of them, and then it is told for that reason, or too early.
    """

    async def nothing() -> None:
        pass

    for store in nodes:
        store._writer.refresh_head = nothing


async def refused(work: Any) -> None:
    with pytest.raises(Fault) as caught:
        await work
    assert caught.value.code is Code.FAULT_STORE


@pytest.mark.proves("NODES", "HIGH-WATER")
def test_a_history_that_grew_over_what_was_lost_is_noticed_by_whoever_had_seen_that(tmp_path: Path) -> None:
    """⚔ The other node had not seen the last group: it goes on from what is left, and soon its log is the longer one."""

    async def work(one: Any, other: Any) -> None:
        not_looking(one, other)
        await one.commit(entries(0, 1))
        await other.commit(Commit())
        copy = await asyncio.to_thread(Copy, tmp_path)
        await one.commit(entries(2))
        await asyncio.to_thread(copy.put_back)
        await asyncio.to_thread(copy.drop)
        for number in range(3, 3 + grown):
            await other.commit(entries(number))
        published = one.published()
        await refused(one.commit(entries(9)))
        assert one.published() == published

    for grown in (1, 2, 5, 60):
        folder = tmp_path / str(grown)
        folder.mkdir()
        tmp_path = folder
        two(folder, work)


@pytest.mark.proves("NODES")
def test_a_node_that_never_saw_what_was_lost_stops_once_another_has_missed_it(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        not_looking(one, other)
        await one.commit(entries(0, 1))
        await other.commit(Commit())
        copy = await asyncio.to_thread(Copy, tmp_path)
        await one.commit(entries(2))
        await asyncio.to_thread(copy.put_back)
        await asyncio.to_thread(copy.drop)
        await other.commit(entries(3))
        await refused(one.commit(entries(4)))
        for _ in range(2):
            await refused(other.commit(entries(5)))
        await refused(other.get(Suspension, "s"))

    two(tmp_path, work)


@pytest.mark.proves("NODES")
def test_nothing_is_read_from_a_store_that_lost_something_until_it_is_put_back(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        look = one._writer.refresh_head
        not_looking(one, other)
        await other.commit(Commit())
        await one.commit(new(suspension("before")))
        old = await asyncio.to_thread(Copy, tmp_path)
        await one.commit(Commit(puts=new(suspension("s")).puts, entries=(entry(0),)))
        whole = await asyncio.to_thread(Copy, tmp_path)
        assert (await one.get(Suspension, "s")).rev == 1
        await asyncio.to_thread(old.put_back)
        await refused(one.commit(entries(4)))
        await refused(one.get(Suspension, "before"))
        await refused(one.checkpoint())
        await asyncio.to_thread(whole.put_back)
        await look()
        assert (await one.get(Suspension, "s")).rev == 1
        await one.commit(entries(1))
        await other.commit(entries(2))
        for copy in (old, whole):
            await asyncio.to_thread(copy.drop)

    two(tmp_path, work)


@pytest.mark.proves("NODES")
def test_a_server_that_lacks_the_last_group_is_not_read_over_a_new_connection(tmp_path: Path) -> None:
    """⚔ A failing over ends every connection: before anything is committed, somebody asks whether a mandate was taken back."""

    async def work(one: Any, other: Any) -> None:
        not_looking(one, other)
        await other.commit(Commit())
        await one.commit(entries(0))
        copy = await asyncio.to_thread(Copy, tmp_path)
        await one.commit(Commit(puts=new(suspension("s")).puts, entries=(entry(1),)))
        assert (await one.get(Suspension, "s")).record.active
        await asyncio.to_thread(copy.put_back)
        await asyncio.to_thread(copy.drop)
        await asyncio.to_thread(cut_off, tmp_path)
        await refused(one.get(Suspension, "s"))

    two(tmp_path, work)


@pytest.mark.proves("NODES")
@pytest.mark.parametrize("note", [b"none", b""], ids=["no checkpoint", "nothing"])
def test_only_a_checkpoint_that_the_log_signed_says_that_something_is_missed(tmp_path: Path, note: bytes) -> None:
    async def work(one: Any, other: Any) -> None:
        await one.commit(entries(0))
        statement = "insert into record (desk, kind, id, rev, body, mac) values ($1, $2, $3, 1, $4, '')"
        await asyncio.to_thread(sql, (statement, desk_of(tmp_path), *LOST, note))
        for store in (one, other):
            await store.commit(entries(1))

    two(tmp_path, work)


def test_a_recovery_goes_on_from_what_is_left_and_every_node_with_it(tmp_path: Path) -> None:
    async def lose(one: Any, other: Any) -> None:
        not_looking(one, other)
        await one.commit(entries(0, 1))
        copy = await asyncio.to_thread(Copy, tmp_path)
        await one.commit(entries(2))
        await asyncio.to_thread(copy.put_back)
        await asyncio.to_thread(copy.drop)
        await refused(one.commit(entries(3)))
        await refused(other.commit(entries(4)))

    async def recover() -> None:
        store = postgres_store(tmp_path, recovering=True, node="one")
        await store.commit(entries(5))
        await store.accept()
        await store.close()

    async def go_on(one: Any, other: Any) -> None:
        for store in (one, other):
            await store.commit(entries(6))
        assert len(await one.entries()) == 5

    two(tmp_path, lose)
    with pytest.raises(Refused) as caught:
        postgres_store(tmp_path, node="one")
    assert caught.value.code is Code.LOG_OLDER
    asyncio.run(recover())
    two(tmp_path, go_on)
