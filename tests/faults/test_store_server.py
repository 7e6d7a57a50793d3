"""The store's server is killed, fails over, fills up, is locked, or is not heard of any more: what was answered stands, and the rest is `fault.store`."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.store_plugs import desk_of, entry, new, postgres_store, suspension, verified
from faults.own_server import OwnServer, filled, own_server, replica, small_disk
from postgres_proxy import Proxy
from postgres_tests import postgres_url
from remit.adapters.db import postgres as connecting
from remit.adapters.log_reader.postgres import PostgresLog
from remit.adapters.store.postgres import store as postgres_module
from remit.domain.errors import Code, Fault
from remit.domain.records import Suspension
from remit.domain.structs import replace
from remit.ports.store import Commit, Put, Reserve


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer is given up sooner than in earnest."""
    monkeypatch.setattr(postgres_module, "ANSWER_S", 0.3)
    monkeypatch.setattr(connecting, "_CONNECT_S", 0.3)


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    made = [Proxy(postgres_url()) for _ in range(2)]
    yield made
    for one in made:
        one.close()


def nodes(folder: Path, urls: list[str], work: Callable[..., Any]) -> Any:
    """Work with a node at each address."""

    async def run() -> Any:
        stores = [postgres_store(folder, node=f"node{number}", url=url) for number, url in enumerate(urls)]
        try:
            return await work(*stores)
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(run())


def wished(number: int) -> Commit:
    """A record, a use and an entry that must stand together."""
    return Commit(puts=new(suspension(f"s{number}")).puts, reserves=(Reserve("g", "uses", 1, None),), entries=(entry(number),))


async def refused(work: Any) -> None:
    with pytest.raises(Fault) as caught:
        await work
    assert caught.value.code is Code.FAULT_STORE


async def verify_whole(store: Any, told: set[int], tried: set[int]) -> None:
    """Everything that was answered stands; whatever stands does so once, with all that belongs to it."""
    stand = [kept.row.leaf for kept in await store.entries(limit=10_000)]
    by_leaf = {entry(number).leaf: number for number in tried}
    found = [by_leaf[leaf] for leaf in stand]
    assert len(set(found)) == len(found)
    assert told <= set(found)
    assert (await store.counters("g"))["uses"] == len(found)
    active = await store.find(Suspension, "suspension.active", "", limit=10_000)
    assert {kept.record.id for kept in active} == {f"s{number}" for number in found}


async def until(work: Callable[[], Any]) -> Any:
    """Try until it is no fault."""
    while True:
        with contextlib.suppress(Fault):
            return await work()
        await asyncio.sleep(0)


async def more(news: "asyncio.Queue[int]") -> None:
    """Come back when a good many more commits were answered."""
    while not news.empty():
        news.get_nowait()
    for _ in range(60):
        await news.get()


@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_a_server_killed_and_started_again_among_the_commits_of_two_nodes_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    told: set[int] = set()
    tried: set[int] = set()

    async def work(server: OwnServer, *stores: Any) -> None:
        over = asyncio.Event()
        news: asyncio.Queue[int] = asyncio.Queue()

        async def hand(number: int, store: Any) -> None:
            for step in range(10_000):
                if over.is_set():
                    return
                tried.add(one := number * 100_000 + step)
                with contextlib.suppress(Fault):
                    await store.commit(wished(one))
                    told.add(one)
                    news.put_nowait(one)
                await asyncio.sleep(0)

        hands = [asyncio.create_task(hand(number, stores[number % 2])) for number in range(6)]
        for _ in range(2):
            await more(news)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await more(news)
        over.set()
        await asyncio.gather(*hands)
        for store in stores:
            await verify_whole(store, told, tried)

    with own_server() as server:
        nodes(tmp_path, [server.url] * 2, lambda *stores: work(server, *stores))
        with contextlib.closing(PostgresLog(server.url, desk_of(tmp_path))) as log:
            verified(log, records=log)


@pytest.mark.proves("FAIL-CLOSED", "NODES")
def test_a_replica_promoted_without_the_last_group_is_served_by_no_node_and_the_old_primary_by_all(tmp_path: Path) -> None:
    """⚔ The node that had not seen the last group does not go on from what the replica has either."""

    async def work(primary: OwnServer, second: OwnServer, proxy: Proxy, seeing: Any, other: Any) -> None:
        await seeing.commit(wished(0))
        await other.commit(wished(1))
        await followed(primary.url, second.url)
        await asyncio.to_thread(on, second.url, "alter system set primary_conninfo = ''", "select pg_reload_conf()")
        await deaf(second.url)
        await seeing.commit(wished(2))
        await asyncio.to_thread(second.promote)
        proxy.lead(second.url)
        await refused(seeing.get(Suspension, "s2"))
        for _ in range(2):
            await refused(seeing.commit(wished(3)))
            await refused(other.commit(wished(4)))
        proxy.lead(primary.url)
        await until(lambda: seeing.commit(wished(5)))
        await until(lambda: other.commit(wished(6)))
        await verify_whole(seeing, {0, 1, 2, 5, 6}, set(range(7)))

    with own_server() as primary, replica(primary) as second:
        proxy = Proxy(primary.url)
        try:
            nodes(tmp_path, [proxy.url] * 2, lambda *stores: work(primary, second, proxy, *stores))
        finally:
            proxy.close()


def on(url: str, *statements: str) -> list[Any]:
    """Ask a server beside every node."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(one) for one in statements]
        finally:
            await connection.close()

    return asyncio.run(ask())


async def followed(primary: str, second: str) -> None:
    """Come back when a replica has everything."""
    (end,) = await asyncio.to_thread(on, primary, "select pg_current_wal_lsn()::text")
    while not (await asyncio.to_thread(on, second, f"select pg_last_wal_replay_lsn() >= '{end}'::pg_lsn"))[0]:
        pass


async def deaf(second: str) -> None:
    """Come back when a replica follows nobody any more."""
    while (await asyncio.to_thread(on, second, "select count(*) from pg_stat_wal_receiver"))[0]:
        pass


@pytest.mark.proves("FAIL-CLOSED")
def test_a_server_whose_disk_is_full_takes_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async def work(disk: Path, *stores: Any) -> None:
        await stores[0].commit(wished(0))
        told: list[int] = []
        with filled(disk):
            await refused(filling(stores, told))
        await until(lambda: stores[1].commit(wished(1_000)))
        await until(lambda: stores[0].commit(wished(1_001)))
        assert (await stores[0].counters("g"))["uses"] == 3
        assert len(told) + 3 <= len(await stores[1].entries(limit=1_000)) <= len(told) + 4

    async def filling(stores: Any, told: list[int]) -> None:
        for number in range(1, 400):
            heavy = replace(entry(number), content=bytes(200_000))
            await stores[number % 2].commit(Commit(entries=(heavy,)))
            told.append(number)

    with small_disk(192) as disk, own_server(disk) as server:
        nodes(tmp_path, [server.url] * 2, lambda *stores: work(disk, *stores))


@pytest.mark.proves("FAIL-CLOSED")
def test_a_server_that_takes_no_writes_is_a_fault_and_its_copy_is_not_read_either(tmp_path: Path) -> None:
    async def work(server: OwnServer, store: Any) -> None:
        await store.commit(wished(0))
        await asyncio.to_thread(on, server.url, "alter system set default_transaction_read_only = on", "select pg_reload_conf()")
        while (await asyncio.to_thread(on, server.url, "show default_transaction_read_only"))[0] != "on":
            pass
        await refused(refusing(store))
        await asyncio.to_thread(on, server.url, *WRITABLE)
        await until(lambda: store.commit(wished(1_000)))
        assert (await store.get(Suspension, "s1000")).rev == 1

    async def refusing(store: Any) -> None:
        for number in range(1, 1_000):  # sessions take the new setting over when they are idle next
            await store.commit(wished(number))

    with own_server() as server:
        nodes(tmp_path, [server.url], lambda store: work(server, store))


def test_a_lock_that_somebody_else_holds_is_waited_for_and_costs_nothing_that_was_asked(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        await one.commit(wished(0))
        beside = await asyncpg.connect(postgres_url(), server_settings={"search_path": "remit"})
        async with beside.transaction():
            await beside.execute("select 1 from head where desk = $1 for update", desk_of(tmp_path))
            commits = [asyncio.create_task(store.commit(wished(number))) for number, store in enumerate((one, other) * 2, 1)]
            while not await waits(beside):
                pass
            assert (await one.get(Suspension, "s0")).rev == 1, "reading goes on"
            assert not any(commit.done() for commit in commits)
        await asyncio.gather(*commits)
        await verify_whole(other, set(range(5)), set(range(5)))
        await beside.close()

    nodes(tmp_path, [postgres_url()] * 2, work)


WRITABLE = ("set default_transaction_read_only = off", "alter system reset default_transaction_read_only", "select pg_reload_conf()")


async def waits(beside: Any) -> bool:
    """Whether anybody waits for this session's locks."""
    return bool(await beside.fetchval("select count(*) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"))


def test_a_deadlock_with_somebody_else_is_solved_and_costs_nothing_that_was_asked(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(wished(0))
        beside = await asyncpg.connect(postgres_url(), server_settings={"search_path": "remit"})
        with contextlib.suppress(asyncpg.DeadlockDetectedError):
            async with beside.transaction():
                await beside.execute("select 1 from record where desk = $1 and id = 's0' for update", desk_of(tmp_path))
                kept = await store.get(Suspension, "s0")
                committing = asyncio.create_task(store.commit(Commit(puts=(Put(kept.record, kept.rev, kept.record),), entries=(entry(1),))))
                while not await waits(beside):
                    pass
                await beside.execute("select 1 from head where desk = $1 for update", desk_of(tmp_path))
        await committing
        assert (await store.get(Suspension, "s0")).rev == 2
        assert len(await store.entries()) == 2
        await beside.close()

    nodes(tmp_path, [postgres_url()], work)


@pytest.mark.parametrize("ways", [("asks", "answers"), ("asks",), ("answers",)], ids="+".join)
@pytest.mark.proves("FAIL-CLOSED", "NODES")
@pytest.mark.usefixtures("soon")
def test_a_node_that_is_cut_off_without_a_word_holds_nobody_up_and_what_it_had_sent_stands_once(
    tmp_path: Path, proxies: list[Proxy], ways: tuple[str, ...]
) -> None:
    async def work(away: Any, other: Any) -> None:
        await away.commit(wished(0))
        assert (await away.get(Suspension, "s0")).rev == 1
        proxies[0].lose(*ways)
        lost = asyncio.create_task(away.commit(wished(1)))
        await other.commit(wished(2))
        await refused(lost)
        await refused(away.get(Suspension, "s0"))
        proxies[0].heal()
        await until(lambda: away.commit(wished(3)))
        await verify_whole(other, {0, 2, 3}, {0, 1, 2, 3})

    nodes(tmp_path, [proxy.url for proxy in proxies], work)


@pytest.mark.proves("FAIL-CLOSED")
def test_all_who_ask_a_node_that_hears_nothing_of_its_server_are_told_and_none_waits_for_those_before(
    tmp_path: Path, proxies: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """⚔ Four at a time would try for as long as a connection may take: the hundredth would never be told anything."""

    async def work(away: Any) -> None:
        await away.commit(wished(0))
        await asyncio.gather(*[away.get(Suspension, "s0") for _ in range(8)])
        monkeypatch.setattr(connecting, "_CONNECT_S", 0.5)
        monkeypatch.setattr(connecting, "_DOWN_S", 0.4)
        proxies[0].lose()
        before = proxies[0].taken
        asking = [*(refused(away.get(Suspension, "s0")) for _ in range(100)), *(refused(away.commit(wished(1))) for _ in range(9))]
        waiting = [asyncio.ensure_future(one) for one in asking]
        while proxies[0].taken - before < 20 and not all(one.done() for one in waiting):  # noqa: ASYNC110  # no longer, where each tries for itself
            await asyncio.sleep(0.01)
        assert proxies[0].taken - before < 20
        await asyncio.gather(*waiting)
        proxies[0].heal()
        await until(lambda: away.get(Suspension, "s0"))
        await until(lambda: away.commit(wished(2)))

    nodes(tmp_path, [proxies[0].url], work)


@pytest.mark.proves("FAIL-CLOSED")
@pytest.mark.parametrize("where", ["before", "behind"])
def test_a_connection_that_is_lost_while_it_is_made_is_told_as_a_fault_of_the_store(
    tmp_path: Path, proxies: list[Proxy], where: str
) -> None:
    async def work(away: Any) -> None:
        proxies[0].cut(b"force_generic_plan", where)
        await refused(away.get(Suspension, "s0"))
        assert proxies[0].times == 1
        await away.commit(wished(0))

    nodes(tmp_path, [proxies[0].url], work)


@pytest.mark.proves("FAIL-CLOSED")
def test_a_node_cut_off_from_its_server_says_so_at_once_while_the_other_goes_on(tmp_path: Path, proxies: list[Proxy]) -> None:
    async def work(away: Any, other: Any) -> None:
        await away.commit(wished(0))
        proxies[0].sever()
        await refused(away.commit(wished(1)))
        await refused(away.get(Suspension, "s0"))
        await other.commit(wished(2))
        proxies[0].heal()
        await away.commit(wished(3))
        assert (await away.get(Suspension, "s2")).rev == 1
        await verify_whole(away, {0, 2, 3}, {0, 1, 2, 3})

    nodes(tmp_path, [proxy.url for proxy in proxies], work)
