"""What every clock and source of randomness promises."""

import time
from collections.abc import Callable

import pytest

from remit.adapters.world.system import SystemWorld
from remit.ports.world import World

WORLDS: dict[str, Callable[[], World]] = {"system": SystemWorld}


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]()


def test_the_time_is_in_whole_milliseconds_since_1970(world: World) -> None:
    before, now, after = time.time_ns() // 1_000_000, world.now(), time.time_ns() // 1_000_000
    assert isinstance(now, int)
    assert before <= now <= after


def test_ticks_are_seconds_that_never_go_back(world: World) -> None:
    ticks = [world.ticks() for _ in range(1000)]
    assert ticks == sorted(ticks)
    began, clock = world.ticks(), time.monotonic()
    while time.monotonic() - clock < 0.02:
        pass
    assert 0.01 < world.ticks() - began < 10


@pytest.mark.parametrize("size", [0, 1, 16, 32, 64])
def test_random_bytes_are_as_many_as_asked_for_and_do_not_repeat(world: World, size: int) -> None:
    drawn = {world.random(size) for _ in range(100)}
    assert {len(one) for one in drawn} == {size}
    assert len(drawn) == (100 if size >= 16 else len(drawn))


def test_random_bytes_take_every_value(world: World) -> None:
    assert set(world.random(65_536)) == set(range(256))
