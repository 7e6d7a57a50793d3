"""Caches of tasks, mandates and asks change no answer: a desk that clears them before each request gives and stores the same bytes.

`make differ CASES=20000 SEED=1` tries more asks, and others. A failure names the seed of its world: with `CASES=1` that world is tried alone.
"""

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.random_asks import RandomAsks
from engine.random_shop import FACTS, RULES, SETTINGS
from engine.twin_desks import DifferenceError, Twins, drawn_from_the_world, make_template

CASES = int(os.environ.get("TESTS_CASES", "300"))
SEED = int(os.environ.get("TESTS_SEED", "1"))
_STEPS = 100
"""Steps of a world: most are asks."""
_COMPARED = 25
"""Steps after which the stores are compared; answers always are."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    logging.disable()  # thousands of notices, twice
    folder = tmp_path_factory.mktemp("twins") / "desk"
    with drawn_from_the_world():
        make_template(folder, RULES[0], FACTS, SETTINGS)
        yield folder
    logging.disable(logging.NOTSET)


def _world(seed: int, template: Path) -> RandomAsks:
    """Make the steps of one world, comparing as it goes."""
    twins = Twins(seed, template, RULES[0], FACTS, SETTINGS)
    done: list[str] = []
    try:
        world = RandomAsks(twins, seed)
        for number in range(1, _STEPS + 1):
            done.append(world.step())
            if not number % _COMPARED:
                twins.compare()
        twins.compare_files()
    except DifferenceError as found:
        found.add_note(f"seed {seed}, step {len(done) + 1}; the steps before: {' '.join(done[-_COMPARED:])}")
        raise
    finally:
        twins.close()
    return world


@pytest.mark.proves("REMEMBERED")
def test_a_desk_that_forgets_before_each_ask_does_the_same_to_the_byte(template: Path) -> None:
    seed, asks, began = SEED, 0, time.monotonic()
    seen: Counter[str] = Counter()
    while asks < CASES:
        world = _world(seed, template)
        seed, asks = seed + 1, asks + world.asks
        seen += world.seen
    told = f"{asks} asks in {seed - SEED} worlds, {time.monotonic() - began:.0f} s\n"
    sys.stdout.write(told + "".join(f"{count:7} {what}\n" for what, count in seen.most_common()))
    assert {"permit", "needs_human", "refuse"} <= {what.split()[1] for what in seen}
