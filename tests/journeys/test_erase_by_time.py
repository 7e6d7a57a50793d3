"""Erasing by itself whom nothing was recorded about for long: only who is due, never against what stands, never by a clock that nobody shares."""

import logging
from pathlib import Path
from typing import Any, cast

import pytest

from contracts.store_plugs import mandate, new, person
from journeys.erasing import contents, fill
from journeys.kept_desk import START, Clock, kept_desk, note_about, run
from remit.domain.records import AskRecord, Contest
from remit.domain.transcript.entry import Kind, Section
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import ERASURES
from remit.engine.transcript.record import draft_entry, open_entry, seal_entries
from remit.ports.store import Commit
from remit.usecases.transcript.retention import BY, RetentionJob

DAY_MS = 86_400_000
TERM_DAYS = 100
DUE = Instant(START + TERM_DAYS * DAY_MS)


class Ticking(Clock):
    """A clock that stands, beside ticks that are moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.ticked = 0.0

    def ticks(self) -> float:
        return self.ticked


@pytest.fixture(params=["", "one"], ids=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> DeskContext:
    desk = kept_desk(tmp_path / "desk", clock=Ticking(), node=request.param)
    cast("Any", desk.terms).erase_after_s = TERM_DAYS * DAY_MS // 1000
    return desk


def clock_of(desk: DeskContext) -> Ticking:
    return cast("Ticking", desk.world)


async def task_opened(desk: DeskContext) -> None:
    """An agent proved itself for a task at this moment."""
    written = await seal_entries(desk, draft_entry(desk, Kind.TASK_OPENED, envelope={"task": "t9"}))
    await desk.store.commit(Commit(entries=written.rows))


async def rounds(desk: DeskContext, times: int = 3) -> int:
    erasing = RetentionJob()
    return sum([await erasing.round(desk) for _ in range(times)])


async def is_kept(desk: DeskContext, customer: str) -> bool:
    return all(await contents(desk, customer))


@pytest.mark.proves("ERASED")
def test_who_is_due_is_erased_as_by_two_people_and_nobody_else(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = Instant(DUE - 1)
        await task_opened(desk)
        await note_about(desk, "c2", "they were here a moment ago")
        assert await rounds(desk) == 0, "it is the last day"
        clock_of(desk).at = DUE
        assert await rounds(desk) == 1
        assert not any((await contents(desk, "c1"))[:3])
        assert (await desk.store.get(AskRecord, "ask1")).record.words == ""
        assert await is_kept(desk, "c2")
        (kept,) = await desk.store.entries(ref=ERASURES)
        opened = await open_entry(desk, kept.row)
        assert opened.sections[Section.DESK].body == {"by": [BY], "reason": "nothing was recorded for 100 days"}

    run(desk, work)


def test_who_was_erased_is_not_erased_again_before_something_is_recorded(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = DUE
        await task_opened(desk)
        assert await rounds(desk) == 2, "both customers"
        clock_of(desk).at = Instant(DUE + TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await rounds(desk) == 0
        await note_about(desk, "c1", "they came back")
        clock_of(desk).at = Instant(DUE + 2 * TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await rounds(desk) == 1

    run(desk, work)


@pytest.mark.proves("ERASED")
@pytest.mark.parametrize("standing", ["mandate", "contest", "retention"])
def test_whatever_stands_against_an_erasure_stands_against_this_one_and_keeps_nobody_else_from_it(desk: DeskContext, standing: str) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        if standing == "mandate":
            await desk.store.commit(new(mandate("m2", root="m2")))
        elif standing == "contest":
            await desk.store.commit(new(Contest(id="con1", customer="c1", entry=0, text="no", at=START)))
        else:
            cast("Any", desk.terms).retention_s = TERM_DAYS * DAY_MS // 1000 + 1
        clock_of(desk).at = DUE
        await task_opened(desk)
        keys = await desk.vault.keys("c1")
        assert await rounds(desk) == (0 if standing == "retention" else 1)
        assert await is_kept(desk, "c1")
        assert await desk.vault.retired() == ()
        assert await desk.vault.keys("c1") == keys

    run(desk, work)


@pytest.mark.proves("ERASED", "FAIL-CLOSED")
def test_a_clock_that_no_agent_shares_erases_nobody(desk: DeskContext, caplog: pytest.LogCaptureFixture) -> None:
    """⚔ A clock goes ten years ahead: everybody would be due."""

    async def work(desk: DeskContext) -> None:
        await fill(desk)
        await task_opened(desk)
        clock_of(desk).at = Instant(START + 3650 * DAY_MS)
        await note_about(desk, "c2", "the desk itself records with this clock")
        erasing = RetentionJob()
        with caplog.at_level(logging.WARNING, "remit"):
            assert await erasing.round(desk) == 0
        assert [one.__dict__["event"] for one in caplog.records] == ["erasure.waits"]
        assert await is_kept(desk, "c1")
        await task_opened(desk)
        assert await erasing.round(desk) == 0, "it rests for an hour"
        clock_of(desk).ticked += 3600
        assert await erasing.round(desk) == 1

    run(desk, work)


def test_without_a_term_nothing_is_even_looked_at(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        await fill(desk)
        clock_of(desk).at = DUE
        await task_opened(desk)
        cast("Any", desk.terms).erase_after_s = 0
        assert await rounds(desk) == 0
        assert await is_kept(desk, "c1")

    run(desk, work)


def test_all_are_met_however_many_came_at_one_moment_and_then_there_is_an_hours_rest(desk: DeskContext) -> None:
    async def work(desk: DeskContext) -> None:
        names = [f"many{number}" for number in range(23)]
        await desk.store.commit(new(*map(person, names)))
        for name in names:
            await note_about(desk, name, "something")
        clock_of(desk).at = DUE
        await task_opened(desk)
        erasing = RetentionJob()
        assert sum([await erasing.round(desk) for _ in range(12)]) == 23
        await desk.store.commit(new(person("late")))
        await note_about(desk, "late", "something")
        clock_of(desk).at = Instant(DUE + TERM_DAYS * DAY_MS)
        await task_opened(desk)
        assert await erasing.round(desk) == 0
        clock_of(desk).ticked += 3600
        assert sum([await erasing.round(desk) for _ in range(12)]) == 1

    run(desk, work)
