"""A watched store is the store it watches: every method is handed on as it was called, and each commit is told of once."""

import asyncio
import inspect
from typing import Any

import pytest

from remit.adapters.store.instrumented import InstrumentedStore
from remit.adapters.tracing.off import NoTracing
from remit.domain.errors import Code, Fault
from remit.domain.records import Suspension
from remit.ports.store import Commit, Committed, Conflict, LimitReached, Replayed, Store

METHODS = sorted(name for name, one in vars(Store).items() if inspect.isfunction(one) and not name.startswith("_"))


class Recorded:
    """A store that answers every call with what was called."""

    def __init__(self, no: BaseException | None = None) -> None:
        self._no = no

    def __getattr__(self, name: str) -> Any:
        async def called(*args: Any, **named: Any) -> Any:
            if self._no is not None:
                raise self._no
            return name, args, named

        return called


def watched(store: object, told: list[Any] | None = None) -> InstrumentedStore:
    ticks = iter(range(0, 1000, 2))
    kept = [] if told is None else told
    return InstrumentedStore(store, ticks=lambda: float(next(ticks)), told=lambda *one: kept.append(one), tracing=NoTracing())  # type: ignore[arg-type]


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "checkpoint": ((), {}),
    "close": ((), {}),
    "commit": ((Commit(),), {}),
    "counters": (("scope",), {}),
    "entries": ((), {"ref": "r", "low": 3, "before": 9, "limit": 4, "newest": True}),
    "find": ((Suspension, "index", "key"), {"low": 1, "high": 2, "limit": 3, "newest": True}),
    "get": ((Suspension, "id"), {}),
    "leaves": ((1, 2), {}),
    "prove": (((1, 2),), {}),
    "purge_wal": ((), {}),
    "snapshot": ((), {"task": "t", "idempotency": "i", "about": ("a",), "sure": False}),
    "tile": ((1, 2, 3), {}),
    "unchanged": (((),), {}),
}


def test_every_method_of_the_port_is_tried_here() -> None:
    assert sorted(CALLS) == METHODS


@pytest.mark.parametrize("name", METHODS)
def test_a_call_is_handed_on_whole_and_its_answer_comes_back(name: str) -> None:
    args, named = CALLS[name]
    store = watched(Recorded())
    if name == "commit":
        store.inner.commit = _committed  # type: ignore[method-assign]
        assert asyncio.run(store.commit(Commit())) == Committed((), 7, "note")
        return
    assert asyncio.run(getattr(store, name)(*args, **named)) == (name, args, named)
    assert set(inspect.signature(getattr(InstrumentedStore, name)).parameters) == set(inspect.signature(getattr(Store, name)).parameters)


async def _committed(_commit: Commit) -> Committed:
    return Committed((), 7, "note")


def test_a_commit_that_stands_is_told_of_with_what_it_brought_and_how_long_it_took() -> None:
    told: list[Any] = []
    store = watched(Recorded(), told)
    store.inner.commit = _committed  # type: ignore[method-assign]
    commit = Commit()
    asyncio.run(store.commit(commit))
    assert told == [(commit, Committed((), 7, "note"), "ok", 2.0)]


@pytest.mark.parametrize(
    ("no", "how"),
    [
        (Conflict("task", "t"), "conflict"),
        (Replayed(), "replayed"),
        (LimitReached("s", "k"), "no_room"),
        (Fault(Code.FAULT_STORE), "fault"),
    ],
)
def test_one_that_does_not_stand_is_told_of_with_the_reason_and_raises_as_before(no: BaseException, how: str) -> None:
    told: list[Any] = []
    with pytest.raises(type(no)) as raised:
        asyncio.run(watched(Recorded(no), told).commit(Commit()))
    assert raised.value is no
    assert [(one[1], one[2]) for one in told] == [(None, how)]
