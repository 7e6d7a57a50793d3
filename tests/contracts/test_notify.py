"""What everything that tells people promises: it changes nothing, never blocks, and a waiter is woken by its own topic."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from remit.adapters.notify.console import ConsoleNotify
from remit.ports.notify import Notify

NOTIFIERS: dict[str, Callable[[], Any]] = {"console": ConsoleNotify}


@pytest.fixture(params=list(NOTIFIERS))
def notify(request: pytest.FixtureRequest) -> Any:
    return NOTIFIERS[request.param]()


async def wait(notify: Notify, topic: str, timeout_s: float = 30) -> bool:
    with notify.subscribe(topic) as changes:
        return await changes.wait(timeout_s)


async def started(*waits: Awaitable[bool]) -> list["asyncio.Task[bool]"]:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.sleep(0)
    return tasks  # type: ignore[return-value]  # coroutines become tasks


def test_whoever_waits_on_a_topic_is_woken_and_nobody_else(notify: Notify) -> None:
    async def run() -> None:
        first, second, other = await started(wait(notify, "ask:1"), wait(notify, "ask:1"), wait(notify, "ask:2"))
        notify.wake("ask:1")
        await asyncio.gather(first, second)
        await asyncio.sleep(0)
        assert not other.done()
        notify.wake("ask:2")
        await other

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_wait_ends_with_its_time_without_an_error(notify: Notify) -> None:
    began = time.monotonic()
    assert asyncio.run(wait(notify, "ask:1", 0.05)) is False
    assert 0.02 < time.monotonic() - began < 10


def test_waking_nobody_is_nothing_and_is_not_kept_for_later(notify: Notify) -> None:
    async def run() -> None:
        notify.wake("ask:1")
        (late,) = await started(wait(notify, "ask:1"))
        await asyncio.sleep(0)
        assert not late.done()
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late

    asyncio.run(asyncio.wait_for(run(), 10))


def test_what_happens_between_subscribing_and_waiting_is_heard_each_time(notify: Notify) -> None:
    async def run() -> None:
        with notify.subscribe("ask:1") as changes:
            for _ in range(2):
                notify.wake("ask:1")
                assert await changes.wait(30) is True
            assert await changes.wait(0.01) is False, "once each"
            notify.wake_all()
            assert await changes.wait(30) is True

    asyncio.run(asyncio.wait_for(run(), 10))


def test_telling_somebody_who_cannot_be_reached_breaks_nothing(notify: Notify) -> None:
    async def run() -> None:
        await notify.tell(person="yu", address="", subject="Something waits", text="Look at your page.", page="https://desk.example/me")
        await notify.incident(kind="agent.human_credential", details={"agent": "a"})

    asyncio.run(run())


def test_the_console_keeps_what_it_told_within_bounds_and_forgets_who_waited() -> None:
    notify = ConsoleNotify()

    async def run() -> None:
        for n in range(1100):
            await notify.tell(person=f"p{n}", address="a@b.example", subject="s", text="t", page="/me")
        await wait(notify, "ask:1", 0)

    asyncio.run(run())
    assert len(notify.told) == 1000
    assert notify.told[-1].person == "p1099"
    assert not notify._waiting


def test_a_notice_is_a_line_of_the_log_with_all_that_it_says(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(
        ConsoleNotify().tell(
            person="zoe",
            address="zoe@old.example",
            subject="Your address was changed",
            text="Tell the desk.",
            page="https://desk.example/me",
        )
    )
    (line,) = caplog.records
    assert (line.name, line.levelname) == ("remit.notices", "WARNING")
    for part in ("zoe at zoe@old.example", "no mail is set up", "Your address was changed", "Tell the desk.", "https://desk.example/me"):
        assert part in line.getMessage()


def test_everybody_is_woken_when_the_process_stops() -> None:
    notify = ConsoleNotify()

    async def run() -> None:
        waits = await started(wait(notify, "ask:1"), wait(notify, "task:2"))
        notify.wake_all()
        await asyncio.gather(*waits)

    asyncio.run(asyncio.wait_for(run(), 10))


def test_the_same_incident_at_once_is_kept_once_and_another_is_kept() -> None:
    notify = ConsoleNotify()

    async def noise() -> None:
        for _ in range(50):
            await notify.incident(kind="human_credential", details={"how": "basic"})
        await notify.incident(kind="human_credential", details={"how": "basic", "person": "yu"})

    asyncio.run(noise())
    assert [details for _, details in notify.incidents] == [{"how": "basic"}, {"how": "basic", "person": "yu"}]
