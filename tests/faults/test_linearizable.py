"""Two nodes at once over one store: whatever overlaps, and wherever connections are cut, there is one order that explains every answer."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import NOW, ORIGIN, agent, entry, mandate, new, person, postgres_store, task
from faults.history import UNKNOWN, Ask, Change, History, Kept, Look, Op, Release, Stand, impossible, spoiled
from postgres_proxy import Proxy
from postgres_tests import postgres_url
from remit.domain.errors import Fault
from remit.ports.store import Commit, Conflict, LimitReached, Precondition, Put, Replayed, ReplayMark, Reserve

KEYS = ("one", "two", "three")
HANDS, STEPS = 6, 35
ROOM = 3
"""Uses of a mandate: so few that each run uses them up."""
ANSWERS: dict[type[BaseException], str] = {Conflict: "conflict", Replayed: "replayed", LimitReached: "no_room", Fault: UNKNOWN}


class BrokenError(Exception):
    """What breaks at a point."""


class Workload:
    """Hands at two nodes that read, take, give back, switch off and on; what they saw is kept."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.history = History()
        self.places: list[tuple[float, float, int]] = []
        self.breaks_at = ""
        self._number = 0

    def point(self, name: str) -> None:
        """Break at a point, once, where that was asked for."""
        if name == self.breaks_at:
            self.breaks_at = ""
            raise BrokenError(name)

    async def begin(self, store: Any) -> None:
        """Make what it is all about."""
        await store.commit(new(person(), agent()))
        for key in KEYS:
            await store.commit(new(mandate(f"m_{key}", root=f"m_{key}"), task(f"t_{key}", mandate_id=f"m_{key}", root=f"m_{key}")))

    async def hand(self, store: Any, proxies: list[Proxy]) -> None:
        """One agent or officer at one node; the proxies are those that trouble comes from."""
        for _ in range(STEPS):
            if proxies and not self.chance.randrange(12):
                self.harm(proxies)
            key = self.chance.choice(KEYS)
            with contextlib.suppress(Fault):  # what was only read, and not answered, tells nothing
                seen = await self.look(store, key)
                await self.act(store, key, *seen)

    async def look(self, store: Any, key: str) -> tuple[int, bool, int]:
        """Read, in one moment, all that is decided on."""

        async def doing() -> tuple[int, bool, int]:
            snapshot = await store.snapshot(task=f"t_{key}", idempotency="")
            kept = snapshot.records["mandate", f"m_{key}"]
            return kept.rev - 1, kept.record.state == "active", snapshot.counters.get((f"m_{key}", "uses"), 0)

        found: tuple[int, bool, int] = await self.history.record(key, Look(), doing)
        return found

    async def act(self, store: Any, key: str, rev: int, active: bool, used: int) -> None:
        """Do one of several things on what was read."""
        del used
        self._number += 1
        name, record, uses = f"m_{key}", mandate(f"m_{key}", root=f"m_{key}"), (f"m_{key}", "uses")
        match self.chance.randrange(10):
            case 0 | 1:
                state = "revoked" if active else "active"
                put = Put(replace(record, state=state), rev + 1, record)
                await self.commit(store, key, Change(rev, state == "active"), Commit(puts=(put,)))
            case 2:
                await self.commit(store, key, Release(), Commit(reserves=(Reserve(*uses, -1, None),)))
            case 3:
                await self.history.record(key, Stand(rev), lambda: store.unchanged([Precondition("mandate", name, rev + 1)]))
            case _:
                if active:
                    mark = f"{key} {self.chance.choice([self._number, self._number // 2])}"
                    asked = Commit(
                        preconditions=(Precondition("mandate", name, rev + 1),),
                        marks=(ReplayMark(mark, NOW + 60_000),),
                        reserves=(Reserve(*uses, 1, ROOM),),
                    )
                    await self.commit(store, key, Ask(rev, ROOM, mark), asked)

    async def commit(self, store: Any, key: str, what: Any, commit: Commit) -> None:
        """Commit with an entry, and keep what was answered."""
        number, start = self._number, len(self.history.ops)

        async def doing() -> str:
            try:
                committed = await store.commit(replace(commit, entries=(entry(number),)))
            except (Conflict, Replayed, LimitReached, Fault) as no:
                return ANSWERS.get(type(no), UNKNOWN)
            self.places.append((start, committed.places[0].index, number))
            return "ok"

        await self.history.record(key, what, doing)

    def harm(self, proxies: list[Proxy]) -> None:
        """Cut a connection before or behind what is written next, or break a node before or behind its commit."""
        match self.chance.randrange(4):
            case 0:
                self.breaks_at = "store.before_commit"
            case 1:
                self.breaks_at = "store.after_commit"
            case 2:
                self.chance.choice(proxies).cut(ORIGIN.encode(), "before")
            case _:
                self.chance.choice(proxies).cut(ORIGIN.encode(), "behind")


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    made = [Proxy(postgres_url()) for _ in range(2)]
    yield made
    for one in made:
        one.close()


def run(folder: Path, proxies: list[Proxy], seed: int, *, trouble: bool) -> tuple[Workload, list[int]]:
    """A workload, and the entries that stand at its end, in their order."""

    async def running() -> tuple[Workload, list[int]]:
        work = Workload(seed)
        stores = [postgres_store(folder, work.point, node=f"node{number}", url=proxy.url) for number, proxy in enumerate(proxies)]
        try:
            await work.begin(stores[0])
            await asyncio.gather(*(work.hand(stores[number % 2], proxies if trouble else []) for number in range(HANDS)))
            work.breaks_at = ""
            for proxy in proxies:
                proxy.cut(b"", "")
            for store in stores:
                for key in KEYS:
                    while True:
                        with contextlib.suppress(Fault):
                            await work.look(store, key)
                            break
            leaves = {entry(number).leaf: number for number in range(work._number + 1)}
            return work, [leaves[kept.row.leaf] for kept in await stores[0].entries(limit=10_000)]
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(running())


@pytest.mark.proves("NODES", "EPOCHS", "COUNTERS-EXACT", "DPOP-REPLAY")
@pytest.mark.parametrize("trouble", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_two_nodes_answered_there_is_one_order_in_which_it_is_right(
    tmp_path: Path, proxies: list[Proxy], seed: int, trouble: bool
) -> None:
    work, stand = run(tmp_path, proxies, seed, trouble=trouble)
    ops = work.history.ops
    assert impossible(ops) == []
    answers = {op.result for op in ops if isinstance(op.what, Ask | Change | Release)}
    used_up = set() if trouble else {"no_room"}  # where connections are cut, the run may end before the room does
    assert {"ok", "conflict"} | used_up <= answers, "the run was no idle one"
    assert (UNKNOWN in answers) == trouble
    assert len(set(stand)) == len(stand), "nothing stands twice"
    assert {stand[place] for _, place, _ in work.places} == {number for _, _, number in work.places}, (
        "each entry is where it was said to be"
    )


# The checker itself.


def at(key: str, what: Any, result: Any, start: float, end: float) -> Op:
    return Op(key, what, result, start, end)


GOOD = [
    at("k", Look(), (0, True, 0), 0, 1),
    at("k", Ask(0, 1, "a"), "ok", 2, 5),
    at("k", Ask(0, 1, "b"), "no_room", 3, 6),
    at("k", Look(), (0, True, 1), 4, 7),
    at("k", Change(0, active=False), "ok", 8, 9),
    at("k", Ask(0, 9, "c"), "conflict", 10, 11),
    at("k", Stand(0), False, 12, 13),
    at("other", Look(), (0, True, 0), 12, 13),
]
BAD = {
    "a use was lost": [*GOOD, at("k", Look(), (1, False, 0), 14, 15)],
    "a use was counted twice": [*GOOD, at("k", Look(), (1, False, 2), 14, 15)],
    "asked behind a revocation": [*GOOD, at("k", Ask(0, 9, "d"), "ok", 14, 15)],
    "an old head was read": [*GOOD, at("k", Look(), (0, True, 1), 14, 15)],
    "two changes of one revision": [*GOOD, at("k", Change(0, active=True), "ok", 8, 9)],
    "a mark counted twice": [at("k", Ask(0, 9, "a"), "ok", 0, 3), at("k", Ask(0, 9, "a"), "ok", 1, 2)],
    "a limit was passed": [at("k", Ask(0, 1, "a"), "ok", 0, 3), at("k", Ask(0, 1, "b"), "ok", 1, 2)],
    "two looks that contradict each other": [
        at("k", Change(0, active=False), UNKNOWN, 0, float("inf")),
        at("k", Look(), (1, False, 0), 1, 2),
        at("k", Look(), (0, True, 0), 3, 4),
    ],
    "what was refused was done all the same": [at("k", Ask(5, 9, "a"), "conflict", 0, 1), at("k", Look(), (0, True, 1), 2, 3)],
}


def test_a_history_that_can_be_explained_is() -> None:
    assert impossible(GOOD) == []
    lost = [at("k", Change(0, active=False), UNKNOWN, 0, float("inf")), at("k", Look(), (0, True, 0), 1, 2)]
    assert impossible(lost) == impossible([*lost, at("k", Look(), (1, False, 0), 3, 4)]) == []
    assert Kept() == Kept(0, True, 0, frozenset())


@pytest.mark.parametrize("name", list(BAD))
def test_a_history_that_cannot_be_explained_is_found(name: str) -> None:
    assert impossible(BAD[name]) != []


@pytest.mark.parametrize("wrong", [Look, Ask])
def test_one_wrong_answer_in_a_real_history_is_found(tmp_path: Path, proxies: list[Proxy], wrong: type) -> None:
    work, _ = run(tmp_path, proxies, 7, trouble=False)
    ops = work.history.ops
    places = [place for place, op in enumerate(ops) if place > len(ops) // 2 and isinstance(op.what, wrong) and op.result != "no_room"]

    def is_found(place: int) -> bool:
        op = ops[place]
        result = (op.result[0], op.result[1], op.result[2] + 9) if isinstance(op.what, Look) else {"ok": "conflict"}.get(op.result, "ok")
        return impossible([*ops[:place], spoiled(op, result=result), *ops[place + 1 :]]) != []

    assert any(map(is_found, places[:20]))  # one alone may be such that nothing after it tells
