"""What a store keeps in mind of replay marks it forgot, however its clock is set: on every kind of store."""

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import STORES, entry, run
from remit.adapters.store.replay_expiry import KEEP_MS, ElapsedTime
from remit.domain.errors import Code, Fault
from remit.ports.store import Commit, Replayed, ReplayMark

EARLIER = round(time.time() * 1000) - 3_600_000
LATER = EARLIER + 3_600_000
Life = Callable[[Callable[[Any], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture(params=list(STORES))
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """A process with the store open; the next one comes when it is gone."""
    return lambda work: run(STORES[request.param], tmp_path, work)


def entered(at: int) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """A process that records something at a time, and forgets what is over by then."""

    async def work(store: Any) -> None:
        await store.commit(Commit(entries=(entry(0, at=at),)))
        await store.commit(Commit())

    return work


def marked(key: str, until: int) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    return lambda store: store.commit(Commit(marks=(ReplayMark(key, until),)))


@pytest.mark.proves("DPOP-REPLAY")
def test_a_mark_that_ends_before_what_was_forgotten_is_not_taken_also_by_later_processes(life: Life) -> None:
    """⚔ Whoever set the clock back could use what was used, and had run out, once more."""
    life(entered(EARLIER))
    life(marked("proof", EARLIER + 60_000))
    with pytest.raises(Replayed):
        life(marked("proof", EARLIER + 60_000))
    life(entered(LATER))
    for _ in range(2):
        for key in ("proof", "another"):
            with pytest.raises(Fault) as caught:
                life(marked(key, EARLIER + 60_000))
            assert caught.value.code is Code.FAULT_STORE
        life(entered(EARLIER))  # what was forgotten stays so when the clock goes back
    life(marked("proof", LATER + 60_000))
    with pytest.raises(Replayed):
        life(marked("proof", LATER + 60_000))


@pytest.mark.proves("DPOP-REPLAY")
def test_a_clock_that_jumps_while_a_process_runs_makes_nothing_go_that_is_not_over(life: Life) -> None:
    async def work(store: Any) -> None:
        await store.commit(Commit(entries=(entry(0, at=EARLIER),)))
        await store.commit(Commit(marks=(ReplayMark("proof", EARLIER + 60_000),)))
        await store.entries()
        if hasattr(store._writer, "tidying"):
            store._writer.tidying.after = 0.0
        await entered(LATER)(store)
        await store.entries()
        with pytest.raises(Replayed):
            await store.commit(Commit(marks=(ReplayMark("proof", EARLIER + 60_000),)))

    life(work)


def test_time_has_passed_only_as_far_as_the_machine_counted_and_every_clock_agrees() -> None:
    counted = [50.0]
    passed = ElapsedTime(lambda: counted[0])
    assert passed.over(1_000_000) == 1_000_000 - KEEP_MS
    assert passed.over(9_000_000) == 1_000_000 - KEEP_MS, "the clock jumped"
    counted[0] += 30
    assert passed.over(9_030_000) == 1_030_000 - KEEP_MS
    assert passed.over(500_000, at_least=True) == 500_000 - KEEP_MS
    assert passed.over(1_030_000) == 1_030_000 - KEEP_MS, "what is known only to be past tells nothing of the clock"
    assert passed.over(900_000) == 900_000 - KEEP_MS
    assert passed.over(1_030_000) == 900_000 - KEEP_MS, "the earliest clock counts"
