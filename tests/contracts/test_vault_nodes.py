"""Content keys that many nodes share: what one of them retires or destroys, no other uses again, held up or cut off as it may be."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import postgres_tests
from contracts.store_plugs import postgres_store
from contracts.vault_plugs import postgres_vault
from postgres_proxy import Proxy
from postgres_tests import end_connections, nobody_gets_in, postgres_url, rows_of
from remit.adapters.db import postgres as connecting
from remit.adapters.vault.postgres.lease import GONE_S, LEASE_S
from remit.adapters.vault.postgres.vault import PostgresVault
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Fault, Refused
from remit.ports.vault import ContentErased, ContentKeyRef

QUICK = 0.002
NEVER = 3_600.0


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


async def until(so: Callable[[], bool], clock: Clock | None = None) -> None:
    """Let everything else go on until something is so, and time too where it is given."""
    while not so():
        if clock is not None:
            clock.at += GONE_S / 2
        await asyncio.sleep(0)  # what it waits for happens on the server


async def ends(task: "asyncio.Task[Any]") -> bool:
    """Whether something ends by itself. What may not is given a while to do so, and shown wrong sooner."""
    done, _ = await asyncio.wait({task}, timeout=0.3)
    return bool(done)


@contextmanager
def nodes(folder: Path, *changed: dict[str, Any]) -> Iterator[list[PostgresVault]]:
    with ExitStack() as stack:
        made = [postgres_vault(folder, **one) for one in changed]
        for one in made:
            stack.callback(one.close)
        yield made


def on_the_server(statement: str, *values: Any, database: str = "keys") -> Any:
    return postgres_tests.on_the_server(postgres_url(database), statement, *values)


def aside(work: Any) -> Any:
    """Run something to its end on a thread of its own, whatever runs here."""
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return told[0]


async def erased(vault: PostgresVault, subject: str = "c1") -> None:
    assert await vault.destroy_keys(await vault.retire(subject))


@pytest.mark.proves("ERASED")
def test_what_one_node_erased_another_neither_opens_nor_seals_with(tmp_path: Path) -> None:
    """⚔ Two hundred times, each with the key in the memory of both."""

    async def work(one: PostgresVault, other: PostgresVault) -> None:
        for _ in range(200):
            old = await one.seal("c1", b"old")
            assert (await other.seal("c1", b"old"))[:8] == old[:8]
            assert await other.unseal("c1", old) == b"old"
            retired = await one.retire("c1")
            newer = await other.seal("c1", b"newer")
            assert newer[:8] != old[:8]
            assert await other.unseal("c1", old) == b"old", "it is not destroyed yet"
            await one.destroy_keys(retired)
            with pytest.raises(ContentErased):
                await other.unseal("c1", old)
            assert await other.unseal("c1", newer) == await one.unseal("c1", newer) == b"newer"

    with nodes(tmp_path, {"beat_s": QUICK}, {"beat_s": QUICK}) as (one, other):
        asyncio.run(work(one, other))


@pytest.mark.proves("ERASED")
def test_whoever_retires_keys_waits_for_a_node_that_does_not_answer_until_it_uses_nothing_any_more(tmp_path: Path) -> None:
    """⚔ The other node never looks: only the end of its lease is left."""
    clock = Clock()

    async def work(one: PostgresVault, silent: PostgresVault) -> None:
        old = await silent.seal("c1", b"old")
        retiring = asyncio.create_task(one.retire("c1"))
        await until(lambda: bool(on_the_server("select 1 from remit_keys.retired where desk = $1", rows_of(tmp_path))))
        clock.at += LEASE_S - 0.1
        assert (await silent.seal("c1", b"beside"))[:8] == old[:8]
        assert not await ends(retiring), "it is used meanwhile, and so nobody is told that it is not"
        await until(retiring.done, clock)
        await retiring
        assert (await silent.seal("c1", b"newer"))[:8] != old[:8]

    with nodes(tmp_path, {"clock": clock}, {"clock": clock, "beat_s": NEVER}) as (one, silent):
        asyncio.run(work(one, silent))


class HeldUp(SystemWorld):
    """A world in which something happens while somebody has a key in hand."""

    def __init__(self) -> None:
        self.meanwhile: list[Any] = []

    def random(self, size: int) -> bytes:
        if self.meanwhile:
            aside(self.meanwhile.pop())
        return super().random(size)


@pytest.mark.proves("ERASED")
def test_a_node_that_was_held_up_with_a_key_in_its_hand_seals_nothing_with_it(tmp_path: Path) -> None:
    world = HeldUp()
    with nodes(tmp_path, {}) as (one,):
        other = PostgresVault(postgres_url("keys"), rows_of(tmp_path), world, beat_s=QUICK)
        try:
            old = asyncio.run(other.seal("c1", b"old"))
            world.meanwhile.append(one.retire("c1"))
            assert asyncio.run(other.seal("c1", b"newer"))[:8] != old[:8]
            assert not world.meanwhile
        finally:
            other.close()


@pytest.mark.proves("ERASED")
def test_a_key_that_was_read_before_it_was_retired_and_comes_in_after_it_is_not_remembered(tmp_path: Path) -> None:
    """⚔ The server's answer is under way all the while."""

    async def work(one: PostgresVault, other: PostgresVault, proxy: Proxy) -> None:
        await other.seal("somebody", b"x")
        old = await one.seal("held-up", b"old")
        proxy.hold(b"held-up")
        sealing = asyncio.create_task(other.seal("held-up", b"newer"))
        await until(lambda: proxy.times == 1)
        await one.retire("held-up")
        proxy.go_on()
        assert (await sealing)[:8] != old[:8]
        assert (await other.seal("held-up", b"newer"))[:8] != old[:8]

    proxy = Proxy(postgres_url("keys"))
    with nodes(tmp_path, {}) as (one,):
        other = PostgresVault(proxy.url, rows_of(tmp_path), SystemWorld(), beat_s=QUICK)
        try:
            asyncio.run(work(one, other, proxy))
        finally:
            other.close()
            proxy.close()


def test_many_first_uses_on_two_nodes_make_one_key(tmp_path: Path) -> None:
    async def work(both: list[PostgresVault]) -> None:
        for number in range(20):
            subject = f"c{number}"
            sealed = await asyncio.gather(*[vault.seal(subject, b"x") for vault in both * 4])
            assert len({one[:8] for one in sealed}) == 1
            assert [await vault.unseal(subject, sealed[0]) for vault in both] == [b"x", b"x"]

    with nodes(tmp_path, {}, {}) as both:
        asyncio.run(work(both))


def test_a_node_that_has_left_holds_nobody_up(tmp_path: Path) -> None:
    clock = Clock()
    with nodes(tmp_path, {"clock": clock}) as (one,):
        with nodes(tmp_path, {"clock": clock}) as (other,):
            asyncio.run(other.seal("c1", b"x"))
        asyncio.run(erased(one))


def test_a_destruction_that_broke_half_way_is_waited_for_when_it_is_tried_again(tmp_path: Path) -> None:
    """⚔ Whoever destroyed the key died before anybody else knew."""
    clock = Clock()

    async def work(one: PostgresVault, silent: PostgresVault) -> None:
        old = await silent.seal("c1", b"old")
        on_the_server("update remit_keys.key set key = null, in_use = false where desk = $1", rows_of(tmp_path))
        on_the_server("update remit_keys.epoch set n = n + 1 where desk = $1", rows_of(tmp_path))
        again = asyncio.create_task(one.destroy_keys([old[:8].hex()]))
        assert not await ends(again)
        assert await silent.unseal("c1", old) == b"old"
        await until(again.done, clock)
        assert await again == 0
        with pytest.raises(ContentErased):
            await silent.unseal("c1", old)

    with nodes(tmp_path, {"clock": clock}, {"clock": clock, "beat_s": NEVER}) as (one, silent):
        asyncio.run(work(one, silent))


@pytest.mark.proves("FAIL-CLOSED")
def test_a_node_cut_off_from_the_keys_uses_none_after_its_lease_and_goes_on_when_they_are_back(tmp_path: Path) -> None:
    clock = Clock()
    database = f"keys_{os.getpid()}"
    vault = PostgresVault(postgres_url(database), rows_of(tmp_path), SystemWorld(), clock=clock)
    try:
        sealed = asyncio.run(vault.seal("c1", b"x"))
        with nobody_gets_in(postgres_url(database)):
            assert asyncio.run(vault.seal("c1", b"x"))[:8] == sealed[:8]
            clock.at += LEASE_S
            for use in (vault.seal("c1", b"x"), vault.unseal("c1", sealed), vault.seal("c2", b"x"), vault.retire("c1")):
                with pytest.raises(Fault) as caught:
                    asyncio.run(use)
                assert caught.value.code is Code.FAULT_STORE
        assert asyncio.run(vault.unseal("c1", sealed)) == b"x"
        asyncio.run(erased(vault))
    finally:
        vault.close()


@pytest.mark.proves("FAIL-CLOSED")
def test_all_who_wait_for_keys_that_are_not_heard_of_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """⚔ Each would try for as long again as the one before, and nobody be told anything any more."""
    monkeypatch.setattr(connecting, "_CONNECT_S", 0.5)
    monkeypatch.setattr(connecting, "_DOWN_S", 0.4)
    proxy = Proxy(postgres_url("keys"))
    vault = PostgresVault(proxy.url, rows_of(tmp_path), SystemWorld())

    async def work() -> None:
        proxy.lose()
        before = proxy.taken
        waiting = [asyncio.ensure_future(vault.seal(f"c{number}", b"x")) for number in range(40)]
        while proxy.taken - before < 5 and not all(one.done() for one in waiting):  # noqa: ASYNC110  # no longer, where each tries for itself
            await asyncio.sleep(0.01)
        assert proxy.taken - before < 5
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert {one.code for one in told if isinstance(one, Fault)} == {Code.FAULT_STORE}
        assert sum(isinstance(one, Fault) for one in told) == 40
        proxy.heal()
        while True:  # nobody tries again at once
            with contextlib.suppress(Fault):
                assert await vault.unseal("c1", await vault.seal("c1", b"x")) == b"x"
                break
            await asyncio.sleep(0)

    try:
        asyncio.run(work())
    finally:
        vault.close()
        proxy.close()


def test_a_lost_connection_is_no_fault_where_nothing_was_to_be_changed(tmp_path: Path) -> None:
    with nodes(tmp_path, {}) as (vault,):
        for number in range(3):
            sealed = asyncio.run(vault.seal(f"c{number}", b"x"))
            end_connections(postgres_url("keys"), "remit keys")
            assert asyncio.run(vault.keys(f"c{number}")) == (sealed[:8].hex(),)


def test_two_desks_in_one_database_know_nothing_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with nodes(tmp_path, {}) as (one,), nodes(tmp_path / "a", {}) as (other,):
        sealed = asyncio.run(one.seal("c1", b"x"))
        key = sealed[:8].hex()
        with pytest.raises(Fault) as caught:
            asyncio.run(other.unseal("c1", sealed))
        assert caught.value.code is Code.FAULT_STORE
        assert asyncio.run(other.destroy_keys([key])) == 0
        assert asyncio.run(other.retire("c1")) == asyncio.run(other.keys("c1")) == ()
        assert asyncio.run(one.unseal("c1", sealed)) == b"x"


def test_keys_that_a_store_needs_and_are_not_there_are_told_and_destroyed_ones_are_not(tmp_path: Path) -> None:
    with nodes(tmp_path, {}) as (vault,):
        here, gone = (ContentKeyRef(one, asyncio.run(vault.seal(one, b"x"))[:8]) for one in ("c1", "c\ud800\x00"))
        asyncio.run(vault.destroy_keys([gone.key.hex()]))
        lost = [ContentKeyRef("c1", b"\x01" * 8), ContentKeyRef("c3", here.key)]
        assert list(vault.missing_keys([here, gone])) == []
        assert sorted(vault.missing_keys([here, *lost, gone])) == sorted(lost)


def test_a_damaged_key_is_a_fault(tmp_path: Path) -> None:
    with nodes(tmp_path, {}) as (vault,):
        sealed = asyncio.run(vault.seal("c1", b"x"))
        on_the_server("update remit_keys.key set key = 'short' where desk = $1", rows_of(tmp_path))
        asyncio.run(vault.retire("nobody"))
        with nodes(tmp_path, {}) as (other,):
            for use in (other.unseal("c1", sealed), other.seal("c1", b"x")):
                with pytest.raises(Fault) as caught:
                    asyncio.run(use)
                assert caught.value.code is Code.FAULT_STORE


@pytest.mark.proves("ERASED")
def test_keys_are_not_kept_where_a_store_is(tmp_path: Path) -> None:
    """⚔ A backup of that database would hold both."""
    asyncio.run(postgres_store(tmp_path).close())
    with pytest.raises(Refused) as caught:
        PostgresVault(postgres_url(), rows_of(tmp_path), SystemWorld())
    assert caught.value.code is Code.SETTINGS_INVALID
    assert "create database" in caught.value.cure
    assert on_the_server("select to_regclass('remit_keys.key')", database="") == [(None,)]


@pytest.mark.proves("ERASED")
def test_a_store_that_came_beside_the_keys_is_noticed_before_anything_is_served(tmp_path: Path) -> None:
    database = f"both_{os.getpid()}"
    vault = PostgresVault(postgres_url(database), rows_of(tmp_path), SystemWorld())
    try:
        on_the_server("create schema remit", database=database)
        on_the_server("create table remit.head (desk text)", database=database)
        with pytest.raises(Refused) as caught:
            vault.missing_keys([])
        assert caught.value.code is Code.SETTINGS_INVALID
    finally:
        vault.close()


def test_keys_that_a_newer_program_keeps_are_left_alone(tmp_path: Path) -> None:
    database = f"newer_{os.getpid()}"
    PostgresVault(postgres_url(database), rows_of(tmp_path), SystemWorld()).close()
    on_the_server("update remit_keys.schema set version = 9, beside = 9", database=database)
    with pytest.raises(Refused) as caught:
        PostgresVault(postgres_url(database), rows_of(tmp_path), SystemWorld())
    assert caught.value.code is Code.SETTINGS_INVALID
    on_the_server("update remit_keys.schema set version = 9, beside = 1", database=database)
    PostgresVault(postgres_url(database), rows_of(tmp_path), SystemWorld()).close()
