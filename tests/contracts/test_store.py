"""What every store promises: records, counters, marks and trails stand or fall together, and reads see what stands."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import (
    NOW,
    STORES,
    Opener,
    agent,
    ask,
    ceremony,
    entries,
    entry,
    mandate,
    new,
    person,
    run,
    suspension,
    task,
    together,
)
from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import SubjectKind, SubjectOpened, advance_risk_history, new_risk_history
from remit.domain.records import (
    AgentRecord,
    Ceremony,
    FileContent,
    IdempotencyRecord,
    PersonRecord,
    Suspension,
    TaskRecord,
)
from remit.domain.values import Instant
from remit.ports.store import (
    Commit,
    Committed,
    Conflict,
    Drop,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Replayed,
    ReplayMark,
    Reserve,
    RiskEvent,
    Versioned,
)

Work = Callable[[Any], Coroutine[Any, Any, Any]]
Run = Callable[[Work], Any]


@pytest.fixture(params=list(STORES))
def opener(request: pytest.FixtureRequest) -> Opener:
    return STORES[request.param]


@pytest.fixture
def stand(opener: Opener, tmp_path: Path) -> Run:
    return lambda work: run(opener, tmp_path, work)


def test_a_record_is_read_back_as_it_was_put(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task()))
        for record in (person(), agent(), mandate(), task()):
            assert await store.get(type(record), record.id) == Versioned(record, 1)

    stand(work)


def test_the_bytes_of_a_file_are_read_back_as_they_were_and_are_dropped_for_good(stand: Run) -> None:
    async def work(store: Any) -> None:
        first, second = (FileContent(id=name, sealed=bytes(range(256)) * 3000) for name in "ab")
        await store.commit(new(first))
        kept = await store.get(FileContent, "a")
        assert kept == Versioned(first, 1)
        await store.commit(Commit(drops=(Drop(FileContent(id="a", sealed=b""), kept.rev),)))
        with pytest.raises(RecordMissing):
            await store.get(FileContent, "a")
        await store.commit(new(second))
        kept = await store.get(FileContent, "b")
        assert kept.record == second
        assert kept.rev > 1, "a file that comes after one that was dropped does not begin at one"

    stand(work)


def test_what_is_not_there_is_missing(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(person("x")))
        for kind, record_id in ((PersonRecord, "y"), (AgentRecord, "x")):
            with pytest.raises(RecordMissing):
                await store.get(kind, record_id)

    stand(work)


def test_a_new_record_starts_at_one_and_each_put_adds_one(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(suspension("s")))
        for rev in (1, 2, 3):
            kept = await store.get(Suspension, "s")
            assert kept.rev == rev
            await store.commit(Commit(puts=(Put(replace(kept.record, reason=str(rev)), rev, kept.record),)))

    stand(work)


@pytest.mark.parametrize("rev", [0, 2, -1])
def test_a_put_at_another_revision_is_a_conflict_and_changes_nothing(stand: Run, rev: int) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(suspension("s")))
        with pytest.raises(Conflict) as caught:
            await store.commit(Commit(puts=(Put(suspension("s", active=False), rev),)))
        assert (caught.value.kind, caught.value.record_id) == ("suspension", "s")
        assert await store.get(Suspension, "s") == Versioned(suspension("s"), 1)

    stand(work)


@pytest.mark.parametrize(
    "change", [lambda one: Commit(puts=(Put(one, 1),)), lambda one: Commit(drops=(Drop(one, 1),))], ids=["put", "drop"]
)
def test_what_does_not_exist_cannot_be_replaced_or_dropped(stand: Run, change: Callable[[Any], Commit]) -> None:
    async def work(store: Any) -> None:
        with pytest.raises(Conflict):
            await store.commit(change(suspension("s")))

    stand(work)


@pytest.mark.parametrize(("rev", "holds"), [(1, True), (0, False), (2, False), (-1, False)])
def test_an_expectation_holds_at_its_revision_only(stand: Run, rev: int, holds: bool) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(suspension("s")))
        commit = Commit(preconditions=(Precondition("suspension", "s", rev),), puts=(Put(person(), 0),))
        if holds:
            await store.commit(commit)
            return
        with pytest.raises(Conflict):
            await store.commit(commit)
        with pytest.raises(RecordMissing):
            await store.get(PersonRecord, "c1")

    stand(work)


def test_an_expectation_of_absence_holds_until_the_record_is_there(stand: Run) -> None:
    async def work(store: Any) -> None:
        absent = Commit(preconditions=(Precondition("suspension", "s", 0),))
        await store.commit(absent)
        await store.commit(new(suspension("s")))
        with pytest.raises(Conflict):
            await store.commit(absent)

    stand(work)


def test_a_revision_never_names_two_contents_not_even_after_a_drop(stand: Run) -> None:
    """⚔ A counter-offer is dropped and shown anew under the same id: neither a cache nor an old revision may confuse the two."""

    async def work(store: Any) -> None:
        seen = set()
        for number in range(4):
            await store.commit(new(ceremony("less", at=number, params=str(number))))
            kept = await store.get(Ceremony, "less")
            assert kept.record.extra == {"params": str(number)}
            assert kept.rev not in seen
            for old in seen:
                with pytest.raises(Conflict):
                    await store.commit(Commit(drops=(Drop(kept.record, old),)))
                with pytest.raises(Conflict):
                    await store.commit(Commit(preconditions=(Precondition("ceremony", "less", old),)))
            seen.add(kept.rev)
            if number % 2:
                await store.commit(Commit(puts=(Put(ceremony("less", params="again"), kept.rev, kept.record),)))
                seen.add(kept.rev + 1)
                kept = await store.get(Ceremony, "less")
            await store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))

    stand(work)


def whole(number: int) -> dict[str, Any]:
    """One of everything."""
    return {
        "puts": (Put(suspension(f"s{number}"), 0),),
        "reserves": (Reserve("scope", "key", 1, None),),
        "marks": (ReplayMark(f"mark{number}", NOW + 10**9),),
        "touches": (("t1", NOW + number),),
        "steps": (RiskEvent(SubjectKind.TASK, "t1", SubjectOpened(what="task"), NOW),),
        "entries": (entry(number),),
    }


async def footprint(store: Any, number: int) -> tuple[bool, int, int, int]:
    """How much of `whole(number)` stands: record, counter, entries and the time of last use."""
    snapshot = await store.snapshot(task="t1", idempotency="")
    there = bool(await store.find(Suspension, "suspension.active", "", limit=1000)) and any(
        one.record.id == f"s{number}" for one in await store.find(Suspension, "suspension.active", "", limit=1000)
    )
    return there, (await store.counters("scope")).get("key", 0), len(await store.entries(limit=1000)), snapshot.touched.get("t1", 0)


FAILURES: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "a stale expectation": ({"preconditions": (Precondition("task", "t1", 9),)}, Conflict),
    "a put of what is there": ({"puts": (Put(suspension("s2"), 0), Put(task(), 0))}, Conflict),
    "a drop at another revision": ({"drops": (Drop(task(), 9),)}, Conflict),
    "a mark that stands": ({"marks": (ReplayMark("fresh", NOW + 10**9), ReplayMark("stands", NOW + 10**9))}, Replayed),
    "a mark twice in one commit": ({"marks": (ReplayMark("m", NOW + 10**9), ReplayMark("m", NOW + 10**9))}, Replayed),
    "a full counter": ({"reserves": (Reserve("scope", "key", 1, None), Reserve("scope", "full", 1, 3))}, LimitReached),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_a_commit_that_fails_leaves_nothing_and_takes_nothing_of_the_others_with_it(stand: Run, name: str) -> None:
    changes, error = FAILURES[name]

    async def work(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task()))
        await store.commit(Commit(marks=(ReplayMark("stands", NOW + 10**9),), reserves=(Reserve("scope", "full", 3, 3),)))
        failing = Commit(**{**whole(2), **changes})
        results = await together(store.commit(Commit(**whole(1))), store.commit(failing), store.commit(Commit(**whole(3))))
        assert isinstance(results[0], Committed)
        assert type(results[1]) is error
        assert isinstance(results[2], Committed)
        assert [place.index for result in (results[0], results[2]) for place in result.places] == [0, 1]
        assert await footprint(store, 2) == (False, 2, 2, NOW + 3)
        # What failed can be done afterwards: not even its marks were left.
        await store.commit(Commit(marks=whole(2)["marks"]))

    stand(work)


def test_a_commit_with_a_value_that_cannot_be_kept_is_a_fault_of_its_own_alone(stand: Run) -> None:
    async def work(store: Any) -> None:
        bad = [
            Commit(puts=(Put(suspension("lone \ud800"), 0),)),
            Commit(touches=(("t1", 2**70),)),
            Commit(reserves=(Reserve("s", "k", 2**70, None),)),
            Commit(marks=(ReplayMark("m", 2**70),)),
        ]
        results = await together(*[store.commit(one) for one in bad], store.commit(new(person())))
        assert [one.code for one in results[:-1]] == [Code.FAULT_STORE] * len(bad)
        assert isinstance(results[-1], Committed)
        assert await store.counters("s") == {}

    stand(work)


def test_ten_parallel_asks_on_room_for_three_give_exactly_three(stand: Run) -> None:
    async def work(store: Any) -> None:
        ask = Commit(reserves=(Reserve("grant", "uses", 1, 3),))
        results = await together(*[store.commit(ask) for _ in range(10)])
        assert sum(isinstance(one, Committed) for one in results) == 3
        assert sum(isinstance(one, LimitReached) for one in results) == 7
        assert await store.counters("grant") == {"uses": 3}

    stand(work)


def test_counters_are_exact_with_thirty_two_hands_on_them(stand: Run) -> None:
    async def work(store: Any) -> None:
        async def hand(number: int) -> int:
            held = 0
            for step in range(12):
                try:
                    await store.commit(Commit(reserves=(Reserve("g", "sum", 7 + number, 900), Reserve("g", "count", 1, None))))
                    held += 7 + number
                except LimitReached:
                    continue
                if step % 3 == 0:
                    await store.commit(Commit(reserves=(Reserve("g", "sum", -(7 + number), None),)))
                    held -= 7 + number
            return held

        held = await asyncio.gather(*[hand(number) for number in range(32)])
        counters = await store.counters("g")
        assert counters["sum"] == sum(held) <= 900
        assert counters["count"] > 0

    stand(work)


def test_a_reservation_beyond_its_limit_has_no_room_even_in_an_empty_counter(stand: Run) -> None:
    async def work(store: Any) -> None:
        for amount, limit in ((4, 3), (1, 0), (1, -5)):
            with pytest.raises(LimitReached) as caught:
                await store.commit(Commit(reserves=(Reserve("g", "k", amount, limit),)))
            assert (caught.value.scope, caught.value.key) == ("g", "k")
        await store.commit(Commit(reserves=(Reserve("g", "k", 3, 3),)))
        assert await store.counters("g") == {"k": 3}

    stand(work)


def test_releases_never_go_below_zero_and_need_no_room(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(Commit(reserves=(Reserve("g", "new", -5, None), Reserve("g", "k", 2, 2))))
        await store.commit(Commit(reserves=(Reserve("g", "k", -9, 1),)))
        assert await store.counters("g") == {"new": 0, "k": 0}

    stand(work)


def test_a_counter_never_wraps_or_loses_small_amounts(stand: Run) -> None:
    async def work(store: Any) -> None:
        for _ in range(2):
            await together(store.commit(Commit(reserves=(Reserve("g", "k", 2**61, None),))))
        before = (await store.counters("g"))["k"]
        results = await together(*[store.commit(Commit(reserves=(Reserve("g", "k", 2**61, None),))) for _ in range(3)])
        used = (await store.counters("g"))["k"]
        assert used == before + 2**61 * sum(isinstance(one, Committed) for one in results)
        assert all(isinstance(one, (Committed, LimitReached)) for one in results)

    stand(work)


def test_room_released_in_the_same_commit_can_be_taken(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(Commit(reserves=(Reserve("g", "k", 3, 3),)))
        await store.commit(Commit(reserves=(Reserve("g", "k", -3, None), Reserve("g", "k", 2, 3))))
        assert await store.counters("g") == {"k": 2}

    stand(work)


def test_of_many_who_bring_the_same_mark_one_is_first(stand: Run) -> None:
    async def work(store: Any) -> None:
        commit = Commit(marks=(ReplayMark("proof", NOW + 60_000),))
        results = await together(*[store.commit(commit) for _ in range(20)])
        assert sorted(type(one).__name__ for one in results) == ["Committed"] + ["Replayed"] * 19

    stand(work)


def test_a_mark_stands_at_least_until_its_time_whatever_else_is_recorded(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(Commit(marks=(ReplayMark("proof", NOW + 300_000),)))
        for later in range(0, 300_001, 50_000):
            await store.commit(Commit(entries=(entry(later),)))
            with pytest.raises(Replayed):
                await store.commit(Commit(marks=(ReplayMark("proof", NOW + 900_000),)))

    stand(work)


def test_the_time_of_last_use_never_goes_back(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task()))
        for at in (5, 9, 7, 1):
            await store.commit(Commit(touches=(("t1", at),)))
        assert (await store.snapshot(task="t1", idempotency="")).touched == {"t1": 9}

    stand(work)


def test_trails_are_advanced_inside_the_transaction_so_that_no_step_is_lost(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task()))
        step = RiskEvent(SubjectKind.OPERATOR, "op", SubjectOpened(what="task"), NOW)
        await together(*[store.commit(Commit(steps=(step,))) for _ in range(16)])
        trail = new_risk_history(SubjectKind.OPERATOR, "op")
        for _ in range(16):
            trail = advance_risk_history(trail, step.event, step.at)
        assert (await store.snapshot(task="t1", idempotency="")).trails == (trail,)

    stand(work)


def test_an_ask_stands_on_the_trails_of_what_it_names_among_the_tasks_targets(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task(targets=("order:W1", "order:W2"))))
        steps = [RiskEvent(SubjectKind.TARGET, of, SubjectOpened(what="task"), NOW) for of in ("order:W2", "order:W3")]
        await store.commit(Commit(steps=tuple(steps)))
        trail = advance_risk_history(new_risk_history(SubjectKind.TARGET, "order:W2"), steps[0].event, NOW)
        assert (await store.snapshot(task="t1", idempotency="", about=("order:W2", "order:W3"))).trails == (trail,)
        assert (await store.snapshot(task="t1", idempotency="", about=("order:W1",))).trails == ()

    stand(work)


def test_a_page_is_in_order_within_its_bounds_and_can_be_had_newest_first(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(new(*[ceremony(f"c{place}", at=at) for place, at in enumerate([30, 10, 20, 20, 50])]))

        async def page(**bounds: Any) -> list[str]:
            return [one.record.id for one in await store.find(Ceremony, "due.ceremony", "", **bounds)]

        assert await page() == ["c1", "c2", "c3", "c0", "c4"]
        assert await page(newest=True) == ["c4", "c0", "c3", "c2", "c1"]
        assert await page(low=20, high=30) == ["c2", "c3", "c0"]
        assert await page(limit=2) == ["c1", "c2"]
        assert await page(newest=True, limit=2) == ["c4", "c0"]
        assert await page(high=9) == await page(low=51) == await page(limit=0) == []
        assert await page(low=-(2**70), high=2**70) == await page()
        assert not await store.find(Ceremony, "due.ceremony", "other")
        assert not await store.find(Suspension, "due.ceremony", "")

    stand(work)


def test_a_snapshot_holds_everything_an_ask_is_decided_on(stand: Run) -> None:
    async def work(store: Any) -> None:
        await store.commit(
            new(
                person(),
                agent(),
                mandate(),
                mandate("m2", parent="m1"),
                mandate("m3", parent="m2"),
                task(mandate_id="m3"),
                suspension("operator:op"),
                suspension("customer:c1"),
                suspension("objective:return-item"),
                suspension("operator:other"),
                IdempotencyRecord(id="key", ask="ask1", body="b"),
                ask("ask1"),
            )
        )
        reserves = tuple(Reserve(scope, "k", place + 1, None) for place, scope in enumerate(["m1", "m2", "m3", "t1", "m4"]))
        await store.commit(Commit(reserves=reserves))
        snapshot = await store.snapshot(task="t1", idempotency="key")
        assert {name for _, name in snapshot.records} == {
            *("t1", "m1", "m2", "m3", "a1", "c1", "operator:op", "customer:c1", "objective:return-item", "key", "ask1")
        }
        assert snapshot.records["mandate", "m2"] == Versioned(mandate("m2", parent="m1"), 1)
        # A sub-agent's act charges every ancestor: the counters of the whole chain are there.
        assert snapshot.counters == {("m1", "k"): 1, ("m2", "k"): 2, ("m3", "k"): 3, ("t1", "k"): 4}
        assert ("ask", "ask1") not in (await store.snapshot(task="t1", idempotency="")).records

    stand(work)


def test_a_snapshot_of_an_unknown_task_or_mandate_is_missing_and_a_circle_of_mandates_a_fault(stand: Run) -> None:
    async def work(store: Any) -> None:
        for unknown in ("t1", ""):
            with pytest.raises(RecordMissing):
                await store.snapshot(task=unknown, idempotency="")
        await store.commit(new(task()))
        with pytest.raises(RecordMissing):
            await store.snapshot(task="t1", idempotency="")
        await store.commit(new(mandate("m1", parent="m2"), mandate("m2", parent="m1")))
        with pytest.raises(Fault) as caught:
            await store.snapshot(task="t1", idempotency="")
        assert caught.value.code is Code.FAULT_STORE

    stand(work)


def test_a_snapshot_is_of_one_moment(stand: Run) -> None:
    """Two records and a counter always move together; no snapshot may see one moved and another not."""

    async def work(store: Any) -> None:
        await store.commit(new(person(name="0"), agent(), mandate(), task()))

        async def move() -> None:
            for number in range(1, 40):
                kept = await store.get(PersonRecord, "c1")
                other = await store.get(TaskRecord, "t1")
                await store.commit(
                    Commit(
                        puts=(
                            Put(replace(kept.record, name=str(number)), kept.rev, kept.record),
                            Put(replace(other.record, ends_at=Instant(number)), other.rev, other.record),
                        ),
                        reserves=(Reserve("t1", "k", 1, None),),
                    )
                )

        async def look() -> None:
            for _ in range(60):
                snapshot = await store.snapshot(task="t1", idempotency="")
                revs = {snapshot.records["person", "c1"].rev, snapshot.records["task", "t1"].rev, snapshot.counters.get(("t1", "k"), 0) + 1}
                assert len(revs) == 1

        await asyncio.gather(move(), look(), look())

    stand(work)


def test_a_read_that_starts_after_a_commit_returned_sees_it(stand: Run) -> None:
    async def work(store: Any) -> None:
        for number in range(50):
            await store.commit(new(suspension(f"s{number}")))
            assert (await store.get(Suspension, f"s{number}")).rev == 1

    stand(work)


def test_everything_is_there_again_after_closing_and_opening(opener: Opener, tmp_path: Path) -> None:
    async def fill(store: Any) -> None:
        await store.commit(new(person(), agent(), mandate(), task()))
        await store.commit(Commit(**whole(1)))

    async def look(store: Any) -> None:
        assert await footprint(store, 1) == (True, 1, 1, NOW + 1)
        with pytest.raises(Replayed):
            await store.commit(Commit(marks=whole(1)["marks"]))

    run(opener, tmp_path, fill)
    run(opener, tmp_path, look)


class Gate:
    """Stops the writing side at one point until it is let through."""

    def __init__(self, point: str) -> None:
        self._point = point
        self.reached = threading.Event()
        self.through = threading.Event()
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if name == self._point:
            self.reached.set()
            assert self.through.wait(20)


@pytest.mark.parametrize("point", ["store.before_commit", "store.after_commit"])
def test_no_answer_leaves_before_the_sync(opener: Opener, tmp_path: Path, point: str) -> None:
    gate = Gate(point)

    async def work(store: Any) -> None:
        commit = asyncio.ensure_future(store.commit(new(suspension("s"))))
        await asyncio.to_thread(gate.reached.wait, 20)
        there = bool(await store.find(Suspension, "suspension.active", ""))
        assert not there or point == "store.after_commit"  # reads see only what is durable
        assert not commit.done()
        gate.through.set()
        await commit
        assert (await store.get(Suspension, "s")).rev == 1

    run(opener, tmp_path, work, gate)


def test_what_waits_together_is_synced_together(opener: Opener, tmp_path: Path) -> None:
    gate = Gate("store.before_commit")

    async def work(store: Any) -> None:
        first = asyncio.ensure_future(store.commit(entries(0)))
        await asyncio.to_thread(gate.reached.wait, 20)
        rest = [asyncio.ensure_future(store.commit(entries(number))) for number in range(1, 101)]
        await asyncio.sleep(0)
        gate.through.set()
        committed = [await one for one in (first, *rest)]
        assert gate.passed.count("store.after_commit") == 2
        assert [one.size for one in committed] == [1] + [101] * 100
        assert len({one.checkpoint for one in committed}) == 2

    run(opener, tmp_path, work, gate)


def test_a_caller_who_stops_waiting_undoes_nothing(opener: Opener, tmp_path: Path) -> None:
    gate = Gate("store.before_commit")

    async def work(store: Any) -> None:
        commits = [asyncio.ensure_future(store.commit(new(suspension(name)))) for name in ("one", "one", "two")]
        await asyncio.to_thread(gate.reached.wait, 20)
        for one in commits:
            one.cancel()
        await asyncio.gather(*commits, return_exceptions=True)
        assert all(one.cancelled() for one in commits)
        gate.through.set()
        await store.commit(Commit())
        assert {one.record.id for one in await store.find(Suspension, "suspension.active", "")} == {"one", "two"}

    run(opener, tmp_path, work, gate)


def test_closing_lets_pending_commits_finish_and_refuses_what_comes_later(opener: Opener, tmp_path: Path) -> None:
    gate = Gate("store.before_commit")

    async def work(store: Any) -> None:
        commits = [asyncio.ensure_future(store.commit(entries(number))) for number in range(40)]
        await asyncio.to_thread(gate.reached.wait, 20)
        closing = asyncio.ensure_future(store.close())
        await asyncio.sleep(0)
        gate.through.set()
        await closing
        assert sorted(place.index for one in await asyncio.gather(*commits) for place in one.places) == list(range(40))
        for late in (store.commit(Commit()), store.get(PersonRecord, "c1")):
            with pytest.raises(Fault) as caught:
                await late
            assert caught.value.code is Code.FAULT_STORE
        await store.close()

    run(opener, tmp_path, work, gate)
    assert len(run(opener, tmp_path, lambda store: store.entries())) == 40
