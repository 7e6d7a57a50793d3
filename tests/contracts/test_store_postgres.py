"""A store on PostgreSQL with several nodes: as exact as with one, whatever freezes, breaks, is put back or forged beside it."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.postgres_stores import cut_off, sql, two
from contracts.store_plugs import (
    NOW,
    ORIGIN,
    agent,
    desk_of,
    entries,
    entry,
    mandate,
    new,
    opening,
    person,
    postgres_store,
    quiet,
    run,
    sign,
    suspension,
    task,
    together,
    verify,
    verify_committed,
)
from postgres_server import NoServer, start
from postgres_tests import postgres_url, without
from remit.adapters.db import postgres_migrate
from remit.adapters.db.postgres_migrate import SchemaStep
from remit.adapters.store import start_checks
from remit.adapters.store.highwater import HighWater
from remit.adapters.store.migrations import postgres as migrations
from remit.adapters.store.postgres import read as postgres_read
from remit.adapters.store.postgres import schema as postgres_schema
from remit.adapters.store.postgres.load import _PARTS as GROUND
from remit.adapters.store.postgres.load import _statement as ground_statement
from remit.adapters.store.postgres.location import PostgresLocation
from remit.adapters.store.postgres.store import PostgresStore
from remit.adapters.store.postgres.tree import _FETCH, EMPTY
from remit.adapters.store.postgres.write import _PARTS as WRITE
from remit.adapters.store.postgres.write import _statement as write_statement
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import MandateRecord, Suspension
from remit.ports.store import (
    Commit,
    Committed,
    Conflict,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Replayed,
    ReplayMark,
    Reserve,
    Versioned,
)
from remit.proof import merkle
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note


@pytest.mark.proves("NODES", "COUNTERS-EXACT")
def test_counters_and_places_are_exact_with_hands_at_both_nodes(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        async def hand(store: Any, number: int) -> list[Any]:
            done = []
            for step in range(10):
                row = entry(number * 100 + step)
                try:
                    done.append((await store.commit(Commit(reserves=(Reserve("g", "sum", 3, 400),), entries=(row,))), row))
                except LimitReached:
                    continue
            return done

        done = [pair for hands in await asyncio.gather(*[hand((one, other)[n % 2], n) for n in range(16)]) for pair in hands]
        assert (await one.counters("g"))["sum"] == (await other.counters("g"))["sum"] == 3 * len(done) == 399
        assert sorted(committed.places[0].index for committed, _ in done) == list(range(len(done)))
        for committed, row in done:
            verify_committed(committed, [row])
        for store in (one, other):
            proved = await store.prove(list(range(len(done))))
            leaves = [kept.row for kept in await store.entries(limit=1000)]
            verify_committed(proved, leaves)

    two(tmp_path, work)


@pytest.mark.proves("DPOP-REPLAY")
def test_of_one_mark_brought_to_both_nodes_at_once_one_is_first(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        for number in range(50):
            commit = Commit(marks=(ReplayMark(f"proof{number}", NOW + 60_000),))
            results = await together(one.commit(commit), other.commit(commit))
            assert sorted(type(result).__name__ for result in results) == ["Committed", "Replayed"]

    two(tmp_path, work)


@pytest.mark.proves("DPOP-REPLAY")
def test_a_node_whose_clock_has_jumped_does_not_open_the_others_to_replays(tmp_path: Path) -> None:
    now = round(time.time() * 1000)

    async def work(one: Any, other: Any) -> None:
        await one.commit(Commit(marks=(ReplayMark("proof", now + 300_000), ReplayMark("old", now - 300_000))))
        other._writer.tidying.after = 0.0
        await other.commit(Commit(entries=(entry(1, at=now + 86_400_000),)))
        await other.commit(Commit())  # behind the forgetting, which comes after the answer
        await one.commit(Commit(marks=(ReplayMark("old", now),)))  # it is forgotten once its time is over
        with pytest.raises(Replayed):
            await one.commit(Commit(marks=(ReplayMark("proof", now + 900_000),)))

    two(tmp_path, work)


@pytest.mark.proves("EPOCHS")
def test_what_is_revoked_at_one_node_is_revoked_for_the_next_request_at_the_other(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        await one.commit(new(person(), agent(), task()))
        await one.commit(new(mandate(root="m1")))
        for rev in range(1, 100):
            seen = await other.snapshot(task="t1", idempotency="")
            kept = seen.records["mandate", "m1"]
            assert kept.rev == rev
            state = "revoked" if rev % 2 else "active"
            await one.commit(Commit(puts=(Put(replace(kept.record, state=state), rev, kept.record),)))
            assert not await other.unchanged([Precondition("mandate", "m1", rev)])
            assert (await other.get(MandateRecord, "m1")).record.state == state
            with pytest.raises(Conflict):
                await other.commit(Commit(preconditions=(Precondition("mandate", "m1", rev),)))

    two(tmp_path, work)


def test_a_node_that_froze_with_its_turn_holds_nobody_up_for_long(tmp_path: Path) -> None:
    async def work(one: Any, other: Any) -> None:
        frozen = await asyncpg.connect(postgres_url())
        await frozen.execute("select pg_advisory_lock($1)", one._writer._lock)
        one._writer._turns_until = other._writer._turns_until = 2.0**62  # both would wait for their turns
        await asyncio.gather(*[store.commit(entries(number)) for number, store in enumerate((one, other) * 4)])
        assert len(await one.entries()) == 8
        await frozen.close()

    two(tmp_path, work)


@pytest.mark.proves("NODES")
def test_what_another_node_wrote_meanwhile_is_decided_on_again(tmp_path: Path) -> None:
    """⚔ A node that read, froze, and wakes behind another's group writes nothing on what it read."""

    async def work(one: Any, other: Any) -> None:
        await other.commit(new(suspension("s")))
        held.set()
        frozen = asyncio.create_task(one.commit(Commit(puts=(Put(suspension("s", active=False), 1),), entries=(entry(1),))))
        await asyncio.to_thread(reached.wait, 20)
        await other.commit(Commit(puts=(Put(suspension("s"), 1),), entries=(entry(2),)))
        held.clear()
        with pytest.raises(Conflict):
            await frozen
        assert await one.get(Suspension, "s") == Versioned(suspension("s"), 2)
        assert [kept.row.leaf for kept in await one.entries()] == [entry(2).leaf]

    held, reached = Flag(), Flag()

    def freeze(point: str) -> None:
        if point == "store.before_commit" and held.is_set():
            reached.set()
            held.until_clear()

    two(tmp_path, work, on_point=freeze)


class Flag:
    """Something that is so or not, and that can be waited for either way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is = False

    def is_set(self) -> bool:
        return self._is

    def set(self) -> None:
        self._become(True)

    def clear(self) -> None:
        self._become(False)

    def wait(self, timeout: float) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._is, timeout)

    def until_clear(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._is, 20)

    def _become(self, now: bool) -> None:
        with self._changed:
            self._is = now
            self._changed.notify_all()


@pytest.mark.parametrize(("point", "stands"), [("store.before_commit", False), ("store.after_commit", True)])
def test_a_connection_that_is_cut_leaves_all_or_nothing_and_the_next_commit_goes_through(tmp_path: Path, point: str, stands: bool) -> None:
    cut: list[str] = []

    def at(name: str) -> None:
        if name == point and cut:
            cut.clear()
            cut_off(tmp_path)

    async def work(store: Any) -> None:
        await store.commit(new(suspension("first")))
        cut.append("now")
        results = await together(store.commit(Commit(puts=(Put(suspension("s"), 0),), entries=(entry(1),))))
        assert isinstance(results[0], Committed if stands and not isinstance(results[0], Fault) else Fault)
        again = await together(store.commit(new(suspension("s"))))
        assert isinstance(again[0], Conflict if stands else Committed)
        assert len(await store.entries()) == stands

    run(lambda folder, _=None: postgres_store(folder, at), tmp_path, work)


def test_a_server_that_ended_idle_connections_is_not_noticed_by_whoever_asks_next(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(suspension("s")))
        for number in range(3):
            assert await store.get(Suspension, "s") == Versioned(suspension("s"), 1)
            await asyncio.to_thread(cut_off, tmp_path)
            if number:
                await asyncio.sleep(0.05)  # noticed by the driver meanwhile, or not
            assert len(await store.find(Suspension, "suspension.active", "")) == 1
            await asyncio.to_thread(cut_off, tmp_path)
            await store.commit(entries(number))

    run(lambda folder, _=None: postgres_store(folder), tmp_path, work)


FORGED = {
    "a shorter log": "update head set size = size - 1",
    "another root": "update head set root = '\\x00'::bytea || substr(root, 2)",
    "another edge": "update head set edge = '\\x00'::bytea || substr(edge, 2)",
    "an edge cut short": "update head set edge = substr(edge, 1, 31)",
    "a head without a signature": "update head set size = size + 1, note = 'none'",
    "a longer log without a signature of its own": "update head set size = size + 1",
    "the head taken away": "delete from head",
}


@pytest.mark.proves("NODES", "HIGH-WATER")
@pytest.mark.parametrize("name", list(FORGED))
def test_a_head_that_was_changed_beside_the_nodes_is_not_built_on(tmp_path: Path, name: str) -> None:
    """⚔ Whoever can write the database cannot make a node sign a history of their own."""

    async def work(store: Any) -> None:
        await store.commit(entries(0, 1, 2))
        signed = await store.checkpoint()
        await asyncio.to_thread(
            sql,
            (f"{FORGED[name]} where desk = $1", desk_of(tmp_path)),
            ("update head set seq = seq + 1 where desk = $1", desk_of(tmp_path)),
        )
        for _ in range(2):
            with pytest.raises(Fault) as caught:
                await store.commit(entries(3))
            assert caught.value.code is Code.FAULT_STORE
        assert store.published() == signed

    run(lambda folder, _=None: postgres_store(folder), tmp_path, work)


@pytest.mark.proves("NODES", "HIGH-WATER")
def test_a_store_put_back_while_nodes_serve_is_noticed_by_the_next_commit_and_by_the_next_start(tmp_path: Path) -> None:
    """⚔ So is a replica that was promoted before it had everything."""
    desk = desk_of(tmp_path)

    async def work(one: Any, other: Any) -> None:
        await one.commit(entries(0, 1))
        before = (await asyncio.to_thread(sql, ("select desk, seq, size, root, note, edge from head where desk = $1", desk)))[0][0]
        await one.commit(entries(2))
        await other.commit(entries(3))
        await asyncio.to_thread(
            sql,
            ("delete from entry where desk = $1 and idx >= 2", desk),
            ("update head set seq = $2 + 10, size = $3, root = $4, note = $5, edge = $6 where desk = $1", *before.values()),
        )
        for store in (one, other):
            with pytest.raises(Fault):
                await store.commit(entries(9))

    two(tmp_path, work)
    for node in ("one", "other"):
        with pytest.raises(Refused) as caught:
            postgres_store(tmp_path, node=node)
        assert caught.value.code is Code.LOG_OLDER


@pytest.mark.proves("NODES")
@pytest.mark.parametrize("old", [False, True], ids=["a key of their own", "an old checkpoint"])
def test_a_longer_log_that_only_lacks_the_signature_is_not_built_on(tmp_path: Path, old: bool) -> None:
    """⚔ Whoever can write the database can compute a root and its edge, and put a checkpoint of their own key, or an old one, beside it."""
    grown = merkle.EMPTY.append([merkle.leaf_hash(entry(number).leaf) for number in range(4)])
    edge = b"".join(peak for peak in grown.peaks if peak)
    key = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    body = checkpoint_text(Checkpoint(origin=ORIGIN, size=4, root=grown.root()))
    forged = signed_note(body, make_vkey(ORIGIN, key.public_key().public_bytes_raw()), key.sign(body.encode()))

    async def work(store: Any) -> None:
        await store.commit(entries(0, 1, 2))
        statement = "update head set seq = seq + 1, size = 4, root = $2, edge = $3, note = $4 where desk = $1"
        note = await store.checkpoint() if old else forged
        more = entry(3)
        row = ("insert into entry values ($1, 3, $2, $3, $4, '', '', '')", desk_of(tmp_path), more.kind, more.at, more.leaf)
        await asyncio.to_thread(sql, (statement, desk_of(tmp_path), grown.root(), edge, note), row)
        with pytest.raises(Fault, match="the log's checkpoint"):
            await store.commit(entries(4))

    run(lambda folder, _=None: postgres_store(folder), tmp_path, work)


DAMAGE = {
    "an entry changed": "update entry set leaf = '\\x00' where idx = 300 and desk = $1",
    "a record changed": "update entry set envelope = envelope || ' ' where idx = 577 and desk = $1",
    "an entry cut out": "delete from entry where idx = 300 and desk = $1",
    "the end cut off": "delete from entry where idx >= 598 and desk = $1",
    "a kept hash changed": "update node set hash = '\\x00' where level = 1 and idx = 1 and desk = $1",
    "a kept hash lost": "delete from node where level = 1 and idx = 1 and desk = $1",
    "a hash too many": "insert into node values ($1, 1, 2, '\\x00')",
    "the head's root changed": "update head set root = '\\x00' where desk = $1",
    "the head's note emptied": "update head set note = '' where desk = $1",
}


@pytest.mark.proves("LOG-START")
@pytest.mark.parametrize("name", list(DAMAGE))
def test_a_changed_log_stops_every_start(tmp_path: Path, name: str) -> None:
    run(lambda folder, _=None: postgres_store(folder), tmp_path, lambda store: store.commit(entries(*range(600))))
    sql((DAMAGE[name], desk_of(tmp_path)))
    with pytest.raises(Refused) as caught:
        postgres_store(tmp_path)
    assert caught.value.code is Code.LOG_DAMAGED


def test_desks_in_one_database_know_nothing_of_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()

    async def work() -> None:
        one, other = (postgres_store(folder) for folder in folders)
        await one.commit(
            Commit(puts=(Put(suspension("s"), 0),), marks=(ReplayMark("m", NOW),), reserves=(Reserve("g", "k", 1, 1),), entries=(entry(0),))
        )
        with pytest.raises(RecordMissing):
            await other.get(Suspension, "s")
        assert (await other.find(Suspension, "suspension.active", ""), await other.counters("g"), await other.entries()) == ((), {}, ())
        done = await other.commit(Commit(marks=(ReplayMark("m", NOW),), reserves=(Reserve("g", "k", 1, 1),), entries=(entry(5),)))
        assert done.places[0].index == 0
        for store in (one, other):
            await store.close()

    asyncio.run(work())


@pytest.mark.proves("HIGH-WATER")
def test_processes_of_one_folder_keep_their_high_water_apart_and_the_newest_counts(tmp_path: Path) -> None:
    async def work() -> None:
        first, second = postgres_store(tmp_path), postgres_store(tmp_path)
        assert [store._high_water.path.name for store in (first, second)] == ["outside", "outside.2"]
        await first.commit(entries(0))
        await second.commit(entries(1))
        newest = await second.checkpoint()
        assert first.published() == second.published() == newest
        await first.close()
        third = postgres_store(tmp_path)
        assert third._high_water.path.name == "outside"
        for store in (second, third):
            await store.close()

    asyncio.run(work())
    # ⚔ Putting back one place hides nothing: what the other process published counts.
    for name in ("outside", "outside.latest"):
        (tmp_path / name).unlink()
    (tmp_path / "outside.2.latest").write_bytes(sign(9, b"\x01" * 32).encode() + b"\x00")
    with pytest.raises(Refused) as caught:
        postgres_store(tmp_path)
    assert caught.value.code is Code.LOG_OLDER


def test_a_process_that_starts_while_others_write_does_not_take_the_store_for_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is replaced under load: what the others publish after the log was read is no sign of an old store."""
    right = start_checks.verify_store_log

    def while_others_write(*given: Any) -> None:
        right(*given)

        async def work() -> None:
            other = await asyncio.to_thread(undisturbed)
            await other.commit(entries(7, 8))
            await other.close()

        asyncio.run(work())

    def undisturbed() -> Any:
        with monkeypatch.context() as inside:
            inside.setattr(start_checks, "verify_store_log", right)
            return postgres_store(tmp_path)

    run(lambda folder, _=None: postgres_store(folder), tmp_path, lambda store: store.commit(entries(0)))
    monkeypatch.setattr(start_checks, "verify_store_log", while_others_write)
    asyncio.run(postgres_store(tmp_path).close())


def test_a_recovery_leaves_nothing_of_what_other_processes_had_published(tmp_path: Path) -> None:
    async def recover() -> None:
        store = postgres_store(tmp_path, recovering=True)
        await store.commit(entries(7))
        await store.accept()
        await store.close()

    asyncio.run(two_places(tmp_path))
    (tmp_path / "outside.2.latest").write_bytes(sign(9, b"\x01" * 32).encode() + b"\x00")
    asyncio.run(recover())
    asyncio.run(postgres_store(tmp_path).close())
    assert sorted(one.name for one in tmp_path.glob("outside*") if not one.name.endswith(".lock")) == [
        "outside",
        "outside.latest",
        "outside.rows",
    ]


async def two_places(folder: Path) -> None:
    first, second = postgres_store(folder), postgres_store(folder)
    await first.commit(entries(0))
    await second.commit(entries(1))
    for store in (first, second):
        await store.close()


def test_a_server_that_would_lose_what_it_promised_is_refused(tmp_path: Path) -> None:
    url, stop = own_server("-c fsync=off")
    try:
        with pytest.raises(Refused) as caught:
            PostgresStore.open(url, "d", opening(tmp_path / "outside"))
        assert caught.value.code is Code.SETTINGS_INVALID
        assert "fsync" in caught.value.detail
    finally:
        stop()


def test_a_server_that_does_not_answer_is_a_fault_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        PostgresStore.open(
            f"postgresql://remit:secret@/postgres?host={tmp_path}",
            "d",
            opening(tmp_path / "o"),
        )
    assert caught.value.code is Code.FAULT_STORE
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(("beside", "starts"), [(migrations.NEWEST, True), (migrations.NEWEST + 1, False)])
def test_an_older_program_serves_beside_a_newer_schema_that_names_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: int, starts: bool
) -> None:
    asyncio.run(postgres_store(tmp_path).close())  # the schema is there, whichever test comes first

    async def newer(*_: Any) -> tuple[int, int]:
        return migrations.NEWEST + 1, beside

    monkeypatch.setattr(postgres_migrate, "schema_version", newer)
    if starts:
        asyncio.run(postgres_store(tmp_path).close())
        return
    with pytest.raises(Refused) as caught:
        postgres_store(tmp_path)
    assert caught.value.code is Code.SETTINGS_INVALID


def test_a_newer_program_does_not_bring_the_schema_forward_by_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(postgres_store(tmp_path).close())  # the schema is there, whichever test comes first
    steps = (*migrations.STEPS, SchemaStep(migrations.NEWEST + 1, migrations.NEWEST, ""))
    monkeypatch.setattr(postgres_schema, "STEPS", steps)
    with pytest.raises(Refused) as caught:
        postgres_store(tmp_path)
    assert "remit migrate" in caught.value.cure


def test_a_step_is_made_whole_or_not_at_all_while_a_node_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a database of its own: the others share theirs."""
    url, stop = own_server()
    steps = (*migrations.STEPS, SchemaStep(migrations.NEWEST + 1, migrations.NEWEST, "create table more (one integer)"))
    broken = (
        *migrations.STEPS,
        SchemaStep(migrations.NEWEST + 1, migrations.NEWEST, "create table more (one integer); create table more (one integer)"),
    )
    place = PostgresLocation(url, "d")

    def opened() -> PostgresStore:
        return PostgresStore.open(url, "d", opening(tmp_path / "outside"))

    async def work() -> None:
        old = opened()
        await old.commit(entries(0))
        monkeypatch.setattr(postgres_schema, "STEPS", broken)
        with pytest.raises(Fault):
            await asyncio.to_thread(place.migrate)
        monkeypatch.setattr(postgres_schema, "STEPS", steps)
        assert await asyncio.to_thread(place.migrate) == (migrations.NEWEST, migrations.NEWEST + 1)
        assert await asyncio.to_thread(place.migrate) == (migrations.NEWEST + 1, migrations.NEWEST + 1)
        new_one = opened()
        assert (await new_one.commit(entries(1))).places[0].index == 1
        assert (await old.commit(entries(2))).places[0].index == 2
        for store in (old, new_one):
            await store.close()

    try:
        asyncio.run(work())
    finally:
        stop()


def own_server(options: str = "") -> Any:
    try:
        return start(options)
    except NoServer as none:
        without(none)


def hot_statements() -> dict[str, str]:
    return {
        "ground": ground_statement(tuple(GROUND)),
        "write": write_statement(tuple(WRITE)),
        "fetch": _FETCH,
        "one": postgres_read._ONE,
        "revs": postgres_read._REVS,
        "snapshot": postgres_read._SNAPSHOT,
        "find": postgres_read._FINDING[False],
        "find newest": postgres_read._FINDING[True],
        "entries by ref": postgres_read._ENTRY[True, False],
        "entries": postgres_read._ENTRY[False, True],
    }


ROWS = 3_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk with many rows of every sort, in a database that knows nothing of how many."""
    folder = tmp_path_factory.mktemp("crowded")
    asyncio.run(postgres_store(folder).close())
    numbers = f"generate_series(1, {ROWS}) n"
    sql(
        *[
            (f"insert into {table} select $1, {values} from {numbers}", desk_of(folder))
            for table, values in {
                "record": "'task', 't' || n, 1, '{}'::bytea, ''::bytea",
                "link": "'index', 'key', n, 'task', 't' || n",
                "dropped": "'kind' || n, n",
                "counter": "'scope' || n, 'key', 1, ''::bytea",
                "mark": "'mark' || n, n",
                "touch": "'t' || n, n",
                "trail": "'task:t' || n, '{}'::bytea, ''::bytea",
                "entry": "n, 'kind', n, 'leaf'::bytea, 'envelope'::bytea, 'content'::bytea, 'c'",
                "ref": "'ref' || (n % 10), n",
                "node": "1, n, 'hash'::bytea",
            }.items()
        ]
    )
    return folder


@pytest.mark.parametrize("name", list(hot_statements()))
def test_no_statement_goes_through_more_rows_than_it_is_asked_for(crowded: Path, name: str) -> None:
    """Whatever statistics say, or do not say yet: an ask costs the same beside ten rows and ten million."""
    statement = hot_statements()[name]
    given = {
        "ground": [ROWS - 7, ["task"] * 9, [f"t{n}" for n in range(9)], ["kind7"], ["mark7"], ["scope7"], ["key"], ["t7"], ["task:t7"]],
        "write": written(),
        "fetch": [[7, 8], [1, 1], [7, 8]],
        "one": ["task", "t7"],
        "revs": [["task"] * 9, [f"t{n}" for n in range(9)]],
        "snapshot": [["task"] * 9, [f"t{n}" for n in range(9)], ["scope7"], ["task:t7"], "t7"],
        "find": ["index", "key", "task", 0, 2**62, 3],
        "find newest": ["index", "key", "task", 0, 2**62, 3],
        "entries by ref": [0, 3, 2**62, "ref7"],
        "entries": [0, 3, 2**62],
    }[name]

    async def explain() -> Any:
        outside = HighWater(crowded / "unused", verify, quiet)  # as it serves, without what a start looks at
        store = PostgresStore(postgres_url(), desk_of(crowded), opening(crowded / "outside"), high_water=outside, head=EMPTY)
        connection = await store._connect()
        try:
            async with connection.transaction():
                raw = await connection.fetchval(f"explain (analyze, format json) {statement}", desk_of(crowded), *given)
                return json.loads(raw)[0]["Plan"]
        finally:
            await connection.close(timeout=1)
            await store.close()

    nodes = list(walk(asyncio.run(explain())))
    assert max(node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0) for node in nodes) <= 20
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in nodes) <= 60
    assert {node["Node Type"] for node in nodes} & {"Seq Scan", "Bitmap Heap Scan"} == set() or name == "write"


def written() -> list[Any]:
    """A group with a row of every sort, which does not stand: the head is at another place."""
    one = {"text": "new", "bigint": 1, "integer": 1, "bytea": b"new"}
    return [-7, -6, 0, b"", "", b"", b"", *[[one[kind]] for types, _ in WRITE.values() for kind in types]]


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from walk(below)
