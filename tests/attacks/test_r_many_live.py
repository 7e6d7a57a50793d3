"""However many tasks live, a round looks only at those that can have ended, and each of those comes to its turn."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import Arena
from remit.domain.records import TaskRecord, TaskState
from remit.domain.values import Instant
from remit.ports.store import Commit, Put
from remit.usecases.background.sweep import sweep_due
from remit.usecases.tasks.expiry import TaskExpiryQueue

IDLE_MS = 900_000


class Still:
    """A clock that stands until it is moved."""

    def __init__(self, arena: Arena) -> None:
        self.at = Instant(time.time_ns() // 1_000_000)
        arena.context.world.now = lambda: self.at  # type: ignore[method-assign]  # only the desk's clock is stopped

    def move(self, by_ms: int) -> None:
        """Move it on."""
        self.at = Instant(self.at + by_ms)


@pytest.fixture
def clock(arena: Arena) -> Still:
    return Still(arena)


def over(arena: Arena, live: TaskExpiryQueue) -> Sequence[str]:
    """Who may be over in a round."""

    async def look() -> Sequence[str]:
        return [kept.record.id async for kept in live.due(arena.context)]

    return arena.run(look())


def used(arena: Arena, task: str, clock: Still) -> None:
    arena.run(arena.context.store.commit(Commit(touches=((task, clock.at),))))


def ended(arena: Arena) -> set[Any]:
    return {one["envelope"]["task"] for one in arena.entries("task.ended")}


def become(arena: Arena, task: str, state: TaskState) -> None:
    kept = arena.run(arena.context.store.get(TaskRecord, task))
    arena.run(arena.context.store.commit(Commit(puts=(Put(replace(kept.record, state=state), kept.rev, kept.record),))))


@pytest.mark.proves("TASK-END")
def test_a_task_may_be_over_so_long_after_its_last_use_and_not_before(arena: Arena, clock: Still) -> None:
    task, live = arena.task().id, TaskExpiryQueue()
    clock.move(IDLE_MS - 1_000)
    assert over(arena, live) == []
    used(arena, task, clock)
    clock.move(1_000)
    assert over(arena, live) == []  # it is old enough, and was used a second ago
    clock.move(IDLE_MS - 1_001)
    assert over(arena, live) == []
    clock.move(1)
    assert over(arena, live) == [task]
    assert over(arena, live) == [task]  # nobody ended it: it comes again
    used(arena, task, clock)
    assert over(arena, live) == []


@pytest.mark.proves("TASK-END")
def test_many_rounds_end_every_idle_task_however_few_one_looks_at(arena: Arena, clock: Still) -> None:
    tasks = {arena.task().id for _ in range(5)}  # all at one moment: no page of them ends between two
    live = TaskExpiryQueue(2)
    clock.move(IDLE_MS)
    for least in (2, 4, 5):
        arena.run(sweep_due(arena.context, live))
        assert len(ended(arena)) == least
    assert ended(arena) == tasks


@pytest.mark.proves("TASK-END")
def test_a_round_that_was_cut_short_leaves_the_rest_to_the_next(arena: Arena, clock: Still) -> None:
    tasks = {arena.task().id for _ in range(3)}
    live = TaskExpiryQueue()
    clock.move(IDLE_MS)

    async def cut_short() -> None:
        looking = live.due(arena.context)
        async for _ in looking:
            break
        await looking.aclose()  # type: ignore[attr-defined]  # it is a generator

    arena.run(cut_short())
    arena.run(sweep_due(arena.context, live))
    assert ended(arena) == tasks


@pytest.mark.proves("TASK-END")
def test_a_task_that_was_held_is_idle_soon_after_it_is_resumed(arena: Arena, clock: Still) -> None:
    task, live = arena.task().id, TaskExpiryQueue()
    become(arena, task, TaskState.HELD)
    clock.move(IDLE_MS)
    arena.run(sweep_due(arena.context, live))
    assert ended(arena) == set()
    become(arena, task, TaskState.OPEN)
    clock.move(10_000)
    arena.run(sweep_due(arena.context, live))
    assert arena.run(arena.context.store.get(TaskRecord, task)).record.reason == "idle"


@pytest.mark.proves("TASK-END")
def test_a_task_whose_life_is_over_ends_though_it_was_just_used(arena: Arena, clock: Still) -> None:
    task, live = arena.task().id, TaskExpiryQueue()
    life_ms = arena.context.terms.task_life_s * 1000
    for ahead in (life_ms - 1_000, 1_000):
        clock.move(ahead)
        used(arena, task, clock)
        arena.run(sweep_due(arena.context, live))
    assert ended(arena) == {task}
    assert arena.run(arena.context.store.get(TaskRecord, task)).record.reason == "end_of_life"
