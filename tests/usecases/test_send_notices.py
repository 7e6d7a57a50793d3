"""When a notice is tried again: a carrier that is away rests, a letter that is put off waits longer each time, and neither is forgotten."""

import asyncio
from collections.abc import Iterator

import pytest

from attacks.arena import Arena, open_arena
from attacks.test_r_notices import Post
from remit.adapters.notify.memory import MemoryCarrier
from remit.domain.records import NEVER, NoticeRecord, PersonRecord
from remit.engine.notices import notices_for
from remit.ports.notify import DeliveryObstacle, Letter
from remit.ports.store import Commit


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


class Ticking:
    """A desk whose clocks both stand where a test puts them."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.post = Post(arena)
        self.now_s = 1000.0
        began_ms = arena.clock.now()
        world = arena.context.world
        world.ticks = lambda: self.now_s  # type: ignore[method-assign]
        world.now = lambda: began_ms + round((self.now_s - 1000) * 1000)  # type: ignore[method-assign,assignment,return-value]

    def after(self, seconds: float) -> int:
        """How many letters were tried once so many seconds are over."""
        self.now_s += seconds
        before = len(self.post.told)
        self.post.round()
        return len(self.post.told) - before

    def tell(self, person: str = "anna", address: str = "anna@mail.example") -> None:
        """One more notice."""
        parts = self.arena.context
        told = PersonRecord(id=person, kind="customer", key=person, name=person, email=address, roles=(), created_at=NEVER)
        notices = notices_for(parts, told, (address,), subject="A passkey was added", text="If it was not you, tell the desk.")
        self.arena.run(parts.store.commit(Commit(puts=notices.puts)))


def test_a_carrier_that_is_away_is_tried_once_for_all_that_waits_and_less_and_less_often(arena: Arena) -> None:
    desk = Ticking(arena)
    desk.post.carriers[0].before.extend([DeliveryObstacle.CARRIER] * 7)
    for _ in range(5):
        desk.tell()
    assert desk.after(0) == 1, "one try tells"
    for rest_s in (2, 5, 15, 30, 60, 60):
        assert desk.after(rest_s - 1) == 0
        assert desk.after(1.5) == 1
    assert desk.after(61) == 5, "it answers again: all that waited is sent"
    assert len(desk.post.carriers[0].taken) == 5
    assert arena.run(arena.context.store.find(NoticeRecord, "notice.waiting", "")) == ()


def test_a_letter_that_is_put_off_waits_longer_each_time_and_holds_up_no_other(arena: Arena) -> None:
    desk = Ticking(arena)
    desk.post.carriers[0].before.extend([DeliveryObstacle.LETTER] * 3)
    desk.tell()
    assert desk.after(0) == 1
    assert desk.after(29) == 0
    assert desk.after(2) == 1
    assert desk.after(58) == 0
    assert desk.after(3) == 1
    desk.tell("bram", "bram@mail.example")
    assert desk.after(1) == 1
    assert [one.person for one in desk.post.carriers[0].taken] == ["bram"]
    assert desk.after(120) == 1
    assert [one.person for one in desk.post.carriers[0].taken] == ["bram", "anna"]


def test_what_nobody_takes_is_given_up_after_three_days_and_told(arena: Arena, caplog: pytest.LogCaptureFixture) -> None:
    desk = Ticking(arena)
    desk.post.carriers[0].before.extend([DeliveryObstacle.LETTER] * 1000)
    desk.tell()
    for _ in range(80):
        desk.after(3600)
    events = [getattr(one, "event", "") for one in caplog.records]
    assert events.count("notice.undelivered") == 1
    assert 60 < events.count("notice.put_off") < 80
    assert desk.post.told[-1] == ("smtp", "failed")
    assert arena.run(arena.context.store.find(NoticeRecord, "notice.waiting", "")) == ()


def test_who_has_no_address_is_told_by_the_carrier_that_needs_none_and_the_log_says_so(
    arena: Arena, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Ticking(arena)
    desk.post = Post(arena, MemoryCarrier("smtp"), MemoryCarrier("webhook", needs_address=False))
    desk.tell("zoe", "")
    desk.after(0)
    assert desk.post.told == [("smtp", "unaddressed"), ("webhook", "sent")]
    assert "notice.unaddressed" in [getattr(one, "event", "") for one in caplog.records]


def test_a_carrier_that_is_slow_holds_up_no_other_and_not_all_that_waits(arena: Arena) -> None:
    slow, quick = Slow("smtp"), MemoryCarrier("webhook", needs_address=False)
    desk = Ticking(arena)
    desk.post = Post(arena, slow, quick)
    for _ in range(4):
        desk.tell()

    async def work() -> tuple[int, int]:
        slow.gate, slow.three = asyncio.Event(), asyncio.Event()
        sending = asyncio.create_task(desk.post.sending.round(arena.context))
        await slow.three.wait()
        seen = (len(slow.taken), len(quick.taken))
        slow.gate.set()
        await sending
        return seen

    assert arena.run(asyncio.wait_for(work(), 30)) == (1, 4)
    assert len(slow.taken) == 4


class Slow(MemoryCarrier):
    """A carrier that takes the first letter, and the others once its gate is open; it tells when three wait."""

    gate: asyncio.Event
    three: asyncio.Event
    waiting = 0

    async def carry(self, letter: Letter) -> None:
        if self.taken:
            self.waiting += 1
            if self.waiting == 3:
                self.three.set()
            await self.gate.wait()
        await super().carry(letter)


def test_an_answer_that_nobody_thought_of_is_as_if_nobody_answered(arena: Arena) -> None:
    class Odd(MemoryCarrier):
        async def carry(self, letter: object) -> None:
            raise ZeroDivisionError(letter)

    desk = Ticking(arena)
    desk.post = Post(arena, Odd("smtp"))
    desk.tell()
    assert desk.after(0) == 1
    assert desk.post.told == [("smtp", "put_off")]


def test_a_notice_of_a_carrier_that_the_settings_name_no_more_is_told_as_undelivered(arena: Arena) -> None:
    desk = Ticking(arena)
    desk.tell()
    desk.post = Post(arena, MemoryCarrier("webhook", needs_address=False))
    desk.after(0)
    assert desk.post.told == [("smtp", "failed")]
