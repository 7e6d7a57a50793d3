"""Whether a process lives, and whether it should be given requests: each reason not to, with its code and a cure."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import Arena, open_arena
from remit.adapters.store.highwater import probe_writable
from remit.domain.errors import Code, Fault
from remit.domain.records import RulesRecord
from remit.entrypoints.ops.health import Health
from remit.ports.store import Commit, Put


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def health(arena: Arena) -> Health:
    assert arena.desk.desk is not None
    return arena.desk.desk.health


def ready(arena: Arena) -> httpx.Response:
    return arena.room.raw("GET", "/readyz", check=False)


def adopt(arena: Arena, digest: str) -> None:
    rules = RulesRecord(id="rules", digest=digest, at=arena.clock.now(), by="ann")  # type: ignore[arg-type]
    arena.run(arena.context.store.commit(Commit(puts=(Put(rules, 0),))))


async def never(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


async def down(*_: Any, **__: Any) -> Any:
    raise Fault(Code.FAULT_STORE, "planted")


def _long_ago(arena: Arena) -> None:
    ticks = arena.context.world.ticks
    arena.context.world.ticks = lambda: ticks() + 121  # type: ignore[method-assign]


REASONS: dict[str, tuple[Callable[[Arena], object], str]] = {
    "a stop has begun": (lambda arena: arena.desk.desk and arena.desk.desk.stopping(), "fault.stopping"),
    "the rounds do not go well": (_long_ago, "fault.jobs"),
    "the rounds never began": (lambda arena: health(arena)._went_well_s.clear(), "fault.jobs"),
    "the checkpoint outside cannot be written": (lambda arena: setattr(health(arena), "outside_writable", False), "fault.store"),
    "the store says no": (lambda arena: setattr(arena.context.store.inner, "checkpoint", down), "fault.store"),  # type: ignore[attr-defined]
    "the store says nothing": (lambda arena: setattr(arena.context.store.inner, "get", never), "fault.store"),  # type: ignore[attr-defined]
    "the store says no, and so the rounds do not go well": (
        lambda arena: (_long_ago(arena), setattr(arena.context.store.inner, "checkpoint", down)),  # type: ignore[attr-defined]
        "fault.store",
    ),
    "other rules are in force": (lambda arena: adopt(arena, "sha-256:other"), "fault.policy"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_process_that_should_be_given_no_requests_says_why_and_what_helps(
    arena: Arena, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remit.entrypoints.ops.health.READ_S", 0.05)
    arena.run(arena.desk.desk.jobs.stop())  # type: ignore[union-attr]
    assert ready(arena).json() == {"status": "ready", "rules": arena.context.rules_digest}
    spoil, code = REASONS[reason]
    spoil(arena)
    answer = ready(arena)
    assert (answer.status_code, answer.headers["content-type"], answer.headers["retry-after"]) == (503, "application/problem+json", "5")
    said = answer.json()
    assert (said["code"], said["type"]) == (code, f"urn:remit:problem:{code}")
    assert said["detail"].endswith(".")
    assert said["cure"].endswith(".")
    assert "planted" not in answer.text
    assert arena.room.raw("GET", "/healthz").json() == {"status": "ok"}


def test_a_process_is_ready_with_the_rules_that_are_in_force(arena: Arena) -> None:
    adopt(arena, arena.context.rules_digest)
    assert ready(arena).status_code == 200


def test_a_process_is_ready_again_when_what_was_in_the_way_is_gone(arena: Arena) -> None:
    arena.run(arena.desk.desk.jobs.stop())  # type: ignore[union-attr]  # its own look may come between
    health(arena).outside_writable = False
    assert ready(arena).status_code == 503
    arena.run(arena.desk.desk.jobs._looking.run())  # type: ignore[union-attr]
    assert ready(arena).status_code == 200


def test_what_comes_is_still_answered_while_a_stop_is_announced(arena: Arena) -> None:
    task = arena.task()
    assert arena.desk.desk is not None
    arena.desk.desk.stopping()
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"


def test_asking_whether_a_process_is_ready_writes_nothing(arena: Arena) -> None:
    """⚔ Anybody may ask, as often as they like."""
    wrote: list[Commit] = []
    arena.context.store.inner.commit = wrote.append  # type: ignore[attr-defined]
    assert arena.desk.desk is not None
    arena.run(arena.desk.desk.jobs.stop())  # a round tries the place too, by a file of its own
    place = arena.desk.desk.settings.high_water.parent
    before = {file.name: file.stat().st_mtime_ns for file in place.iterdir()}
    for _ in range(5):
        ready(arena)
    assert wrote == []
    assert {name: at for name, at in before.items() if name.startswith("high-water")} == {
        file.name: file.stat().st_mtime_ns for file in place.iterdir() if file.name.startswith("high-water")
    }


def test_trying_the_place_outside_leaves_nothing_and_tells_what_is_wrong(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    place.write_text("kept")
    probe_writable(place)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("checkpoint", "kept")]
    with pytest.raises(OSError, match="No such file"):
        probe_writable(tmp_path / "gone" / "checkpoint")


def test_two_answers_name_two_requests_and_no_caller_names_one(arena: Arena) -> None:
    given = {"x-request-id": "planted", "x-correlation-id": "planted"}
    answers = [arena.room.raw("GET", path, headers=given, check=False) for path in ("/healthz", "/readyz", "/no/such", "/v1/tasks/x", "/")]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 12 and "planted" not in one for one in ids)
