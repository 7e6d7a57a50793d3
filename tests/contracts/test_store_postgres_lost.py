"""A store on PostgreSQL that lost what it had kept, as a replica that is promoted too early does: no node goes on from it, and none reads it."""

import asyncio
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from contracts.postgres_stores import cut_off, sql, two
from contracts.store_plugs import desk_of, entries, entry, new, postgres_store, suspension
from remit.adapters.store.postgres.load import LOST
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import Suspension
from remit.ports.store import Commit

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
        statement = "insert into record (desk, kind, id, rev, body) values ($1, $2, $3, 1, $4)"
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
