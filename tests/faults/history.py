"""Recorded histories of operations that overlap, and whether there is an order in which one after the other would have answered the same.

The search is that of Wing and Gong, with Lowe's memory of what was tried. Each key is looked at by itself.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

_MOST: Final = 200_000
UNKNOWN: Final = "unknown"
"""The answer was lost: it may have happened, at any time from its start on, or not at all."""


class Kept(NamedTuple):
    """One key as it should be: a record with its revision, what is used of a counter, and the marks that stand."""

    rev: int = 0
    active: bool = True
    used: int = 0
    marks: frozenset[str] = frozenset()


class Ask(NamedTuple):
    """Take one use, up to a limit, with a mark that counts once, if the record is still at a revision. Answers ok, conflict, replayed or no_room."""

    rev: int
    limit: int
    mark: str

    def on(self, kept: Kept) -> tuple[Kept, Any]:
        """What it does, and what it answers."""
        if kept.rev != self.rev:
            return kept, "conflict"
        if self.mark in kept.marks:
            return kept, "replayed"
        if kept.used + 1 > self.limit:
            return kept, "no_room"
        return kept._replace(used=kept.used + 1, marks=kept.marks | {self.mark}), "ok"


class Change(NamedTuple):
    """Switch the record on or off, if it is still at a revision. Answers ok or conflict."""

    rev: int
    active: bool

    def on(self, kept: Kept) -> tuple[Kept, Any]:
        """What it does, and what it answers."""
        return (kept._replace(rev=kept.rev + 1, active=self.active), "ok") if kept.rev == self.rev else (kept, "conflict")


class Release(NamedTuple):
    """Give one use back, never below none."""

    def on(self, kept: Kept) -> tuple[Kept, Any]:
        """What it does, and what it answers."""
        return kept._replace(used=max(kept.used - 1, 0)), "ok"


class Look(NamedTuple):
    """Read record and counter in one moment."""

    def on(self, kept: Kept) -> tuple[Kept, Any]:
        """What it does, and what it answers."""
        return kept, (kept.rev, kept.active, kept.used)


class Stand(NamedTuple):
    """Ask whether the record is still at a revision."""

    rev: int

    def on(self, kept: Kept) -> tuple[Kept, Any]:
        """What it does, and what it answers."""
        return kept, kept.rev == self.rev


What = Ask | Change | Release | Look | Stand


@dataclass(frozen=True)
class Op:
    """One operation: on what, what it was, what was answered, and when it began and ended."""

    key: str
    what: What
    result: Any
    start: float
    end: float = math.inf


@dataclass
class History:
    """What was done, as those who did it saw it."""

    ops: list[Op] = field(default_factory=list)
    _ticks: Iterator[int] = field(default_factory=itertools.count)

    async def record(self, key: str, what: What, doing: Callable[[], Awaitable[Any]]) -> Any:
        """Do something and keep what came of it."""
        start = next(self._ticks)
        result = await doing()
        self.ops.append(Op(key, what, result, start, math.inf if result == UNKNOWN else next(self._ticks)))
        return result


def impossible(ops: Sequence[Op]) -> list[Op]:
    """The operations on the first key for which there is no order; nothing where there is one for each."""
    by_key: defaultdict[str, list[Op]] = defaultdict(list)
    for op in ops:
        by_key[op.key].append(op)
    return next((one for one in by_key.values() if not _has_order(one)), [])


def _has_order(ops: Sequence[Op]) -> bool:
    """Try orders: next may come whatever began before anything that is left had ended.

    Raises:
        TimeoutError: there are too many to try.
    """
    order = sorted(ops, key=lambda op: op.start)
    answered = frozenset(place for place, op in enumerate(order) if op.result != UNKNOWN)
    tried: set[tuple[frozenset[int], Kept]] = set()
    stack: list[tuple[frozenset[int], Kept]] = [(frozenset(range(len(order))), Kept())]
    while stack:
        left, kept = stack.pop()
        left = frozenset(place for place in left if place in answered or not _is_over(order[place].what, kept))
        if not left & answered:
            return True
        if (left, kept) in tried:
            continue
        tried.add((left, kept))
        if len(tried) > _MOST:
            raise TimeoutError
        first_end = min(order[place].end for place in left)
        # What was answered comes first, and of that what ended first; what may never have happened is tried last.
        for place in sorted(left, key=lambda one: (order[one].end, order[one].start), reverse=True):
            op = order[place]
            after, result = op.what.on(kept)
            if op.start < first_end and (op.result == result or (op.result == UNKNOWN and after != kept)):
                stack.append((left - {place}, after))
    return False


def _is_over(what: What, kept: Kept) -> bool:
    """Whether something of which nobody knows can have no effect any more: revisions never go back."""
    return isinstance(what, Ask | Change) and (kept.rev > what.rev or (isinstance(what, Ask) and what.mark in kept.marks))


def spoiled(op: Op, **changed: Any) -> Op:
    """An operation as it never was."""
    return replace(op, **changed)
