"""A brief job of the only request in flight runs on the event loop, and nothing else of the job thread's promises changes."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import entries, opening
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.db import job_thread
from remit.adapters.db.job_thread import STREAK, JobThread, ThreadJob
from remit.adapters.store.sqlite.store import SqliteStore
from remit.domain.errors import Code, Fault

WARM = 30
"""More jobs than it takes to learn that the disk is quick."""
SLOW_S = 0.05
"""Here, where other work delays jobs."""


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job_thread.SLOW_S == 0.001
    monkeypatch.setattr(job_thread, "SLOW_S", SLOW_S)


def looped(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on an event loop."""

    @wraps(test)
    def run(**given: Any) -> None:
        asyncio.run(test(**given))

    return run


class Jobs:
    """A job thread whose jobs are callables, and where each of them ran."""

    def __init__(self, alone: Callable[[], bool] = lambda: True, rest: Any = None) -> None:
        self.loop = threading.get_ident()
        self.inside = 0
        self.most_inside = 0
        self.thread = JobThread("test", self.run, fault=Code.FAULT_STORE, rest=rest, alone=alone)

    def run(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        for job in jobs:
            job.result = job.work()  # type: ignore[operator]
        self.inside -= 1

    async def here(self) -> bool:
        """Whether a brief job runs on the loop."""
        return bool(await self.thread.submit(threading.get_ident, brief=True) == self.loop)

    async def warm(self) -> None:
        for _ in range(WARM):
            await self.here()


async def closed(jobs: Jobs) -> None:
    await asyncio.to_thread(jobs.thread.close)


@looped
async def test_alone_a_brief_job_runs_on_the_loop_and_every_other_on_the_thread() -> None:
    jobs = Jobs()
    await jobs.warm()
    assert any([await jobs.here() for _ in range(4)])
    assert await jobs.thread.submit(threading.get_ident) != jobs.loop
    await closed(jobs)


@looped
async def test_with_two_in_flight_every_job_goes_to_the_thread() -> None:
    jobs = Jobs(alone=lambda: False)
    await jobs.warm()
    assert not any([await jobs.here() for _ in range(WARM)])
    await closed(jobs)


@looped
async def test_after_a_slow_disk_jobs_stay_on_the_thread_until_it_is_quick_again() -> None:
    jobs = Jobs()
    await jobs.warm()
    for _ in range(2):  # wherever the first of them runs, the next is not on the loop
        await jobs.thread.submit(lambda: threading.Event().wait(3 * SLOW_S), brief=True)
    assert not any([await jobs.here() for _ in range(4)])
    await jobs.warm()
    assert any([await jobs.here() for _ in range(STREAK)])
    await closed(jobs)


@looped
async def test_a_job_on_the_loop_never_overtakes_one_before_it_nor_waits_for_the_thread() -> None:
    jobs, order, hold, begun = Jobs(), [], threading.Event(), threading.Event()
    await jobs.warm()
    before = jobs.thread.submit(lambda: (begun.set(), hold.wait(10), order.append("before")))
    await asyncio.to_thread(begun.wait)
    after = jobs.thread.submit(lambda: order.append("after"), brief=True)
    for _ in range(5):
        await asyncio.sleep(0)  # the loop goes on
    assert order == []
    hold.set()
    await asyncio.gather(before, after)
    assert order == ["before", "after"]
    await closed(jobs)


@looped
async def test_a_job_never_waits_on_the_loop_for_what_the_thread_does_after_its_jobs() -> None:
    hold, begun, armed, alone = threading.Event(), threading.Event(), threading.Event(), threading.Event()

    def rest(*, idle: bool) -> bool:
        if armed.is_set():
            begun.set()
            hold.wait(3)
        return idle and False

    jobs = Jobs(alone.is_set, rest)
    await jobs.warm()
    armed.set()
    await jobs.thread.submit(lambda: None)
    await asyncio.to_thread(begun.wait)
    armed.clear()
    alone.set()
    waiting = jobs.thread.submit(threading.get_ident, brief=True)
    for _ in range(50):
        await asyncio.sleep(0)  # the loop goes on
    assert not waiting.done()
    hold.set()
    assert await waiting != jobs.loop
    await closed(jobs)


@looped
async def test_what_is_due_after_jobs_is_done_on_the_thread_in_time() -> None:
    threads, idled = set[int](), threading.Event()

    def rest(*, idle: bool) -> bool:
        threads.add(threading.get_ident())
        if idle:
            idled.set()
        return not idle

    jobs = Jobs(rest=rest)
    await jobs.warm()
    here = [await jobs.here() for _ in range(4 * STREAK)]
    assert any(here)
    assert all(sum(here[at : at + STREAK + 1]) <= STREAK for at in range(len(here) - STREAK))
    idled.clear()
    while not await jobs.here():
        pass
    assert await asyncio.to_thread(idled.wait, 5)
    assert jobs.loop not in threads
    await closed(jobs)


@looped
async def test_two_jobs_are_never_run_at_once_wherever_they_run() -> None:
    turns = iter(range(10**9))
    jobs = Jobs(alone=lambda: next(turns) % 3 != 0)
    await jobs.warm()

    async def many(brief: bool) -> None:
        for _ in range(200):
            await jobs.thread.submit(lambda: threading.Event().wait(0), brief=brief)

    await asyncio.gather(*(many(number % 2 == 0) for number in range(4)))
    assert jobs.most_inside == 1
    await closed(jobs)


@looped
async def test_an_error_on_the_loop_goes_to_its_caller_and_a_closed_thread_takes_nothing() -> None:
    def broken() -> None:
        raise OSError("no")

    jobs = Jobs()
    await jobs.warm()
    for _ in range(4):
        with pytest.raises(Fault, match="OSError: no"):
            await jobs.thread.submit(broken, brief=True)
    await closed(jobs)
    with pytest.raises(Fault, match="it is closed"):
        jobs.thread.submit(broken, brief=True)


@looped
async def test_a_commit_on_the_loop_is_durable_before_its_answer(tmp_path: Path) -> None:
    """⚔ A copy of the file and its log of writes, taken before the answer is given, has the commit."""
    loop, where, copies = threading.get_ident(), [], 0
    path = tmp_path / "store.sqlite"

    def point(name: str) -> None:
        if name == "store.after_commit":
            where.append(threading.get_ident() == loop)

    store = SqliteStore.open(path, opening(tmp_path / "high", on_point=point, alone=lambda: True))
    for number in range(3 * WARM):
        committed = await store.commit(entries(number))
        assert committed.size == number + 1
        if where[-1] and copies < 3:
            copies += 1
            kept = tmp_path / f"copy{copies}.sqlite"
            for end in ("", "-wal"):
                shutil.copy(f"{path}{end}", f"{kept}{end}")
            with sqlite3.connect(kept) as copy:
                rows = copy.execute("select count(*) from journal").fetchone()[0]
                size = (copy.execute("select size from head").fetchone() or (0,))[0]
                assert rows + size >= number + 1
            copy.close()
    assert copies
    await store.close()


@looped
async def test_the_desk_reads_on_the_loop_and_writes_on_its_thread(tmp_path: Path) -> None:
    """⚔ Another process may hold the file's write lock for seconds: a write on the loop would stop everything."""
    loop = threading.get_ident()
    desk = DeskDatabase(tmp_path / "desk.sqlite", alone=lambda: True)
    read = [await desk.read(lambda _: threading.get_ident(), fault=Code.FAULT_BACKOFFICE) for _ in range(WARM)]
    written = [await desk.write(lambda _: threading.get_ident(), fault=Code.FAULT_BACKOFFICE) for _ in range(WARM)]
    assert loop in read
    assert loop not in written
    await asyncio.to_thread(desk.close)
