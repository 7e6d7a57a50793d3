"""What a desk answers may be anything: an act that was done stays done, is told as done, and is done once."""

import functools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, mandate, open_arena
from remit.domain.values import decode_json
from remit.engine.ask.desk_reason import UNDISCLOSED
from remit.engine.ask.outbox import make_storable
from remit.ports.backoffice import Act, ActOutcome, ActResult

WANTED = mandate(
    objective={"type": "complain", "target": {"order": ["W1"]}, "summary": "late"},
    powers=[
        {"power": "represent"},
        {"power": "receive", "attributes": ["complaint.reference"]},
        {"power": "request", "actions": ["complaint.file"], "uses": 5},
    ],
    never=[],
)
FILED = {"action": "complaint.file", "params": {"kind": "late", "order_id": "W1", "text": "It came late."}}
ODD = {
    "no number": math.nan,
    "half a letter": "\ud800",
    "a zero byte": "a\x00b",
    "a very long text": "x" * 70_000,
    "no JSON": {"a set"},
    "too deep": functools.reduce(lambda inner, _: [inner], range(40), "deep"),
}


@pytest.fixture
def said() -> dict[str, Any]:
    """What the desk answers."""
    return {}


@pytest.fixture
def arena(said: dict[str, Any]) -> Iterator[Arena]:
    with open_arena(perform=lambda *_: said) as one:
        yield one


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize("odd", ODD)
def test_an_act_whose_answer_cannot_be_kept_is_told_as_done_and_done_once(arena: Arena, said: dict[str, Any], odd: str) -> None:
    said["complaint.reference"] = ODD[odd]
    task = arena.task(WANTED)
    path = f"/v1/tasks/{task.id}/asks"
    for _ in range(2):
        answer = arena.send(task, path, FILED, headers={"idempotency-key": "once"})
        assert (answer.status_code, answer.json()["outcome"], answer.json()["result"]) == (200, "done", {})
    assert len(arena.performed("complaint.file")) == 1
    assert [one["envelope"]["outcome"] for one in arena.entries("act.performed")] == ["done"]
    assert ("unreadable_value", {"action": "complaint.file", "names": "complaint.reference"}) in arena.notify.incidents


@pytest.mark.proves("FENCE")
def test_a_number_beyond_what_json_keeps_is_told_as_text(arena: Arena, said: dict[str, Any]) -> None:
    said["complaint.reference"] = 2**53 + 1
    answer = arena.send(task := arena.task(WANTED), f"/v1/tasks/{task.id}/asks", FILED)
    assert answer.json()["result"] == {"complaint.reference": "9007199254740993"}
    assert arena.entries("act.performed")[-1]["agent"]["result"] == {"complaint.reference": "9007199254740993"}


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize(
    ("values", "kept", "unfit"),
    [
        ({"a": 1, "b": (1, 2)}, {"a": 1, "b": [1, 2]}, ()),
        ({"a": 1, "b": math.inf}, {"a": 1}, ("b",)),
        ({"a" * 200: b"x"}, {}, ("a" * 80,)),
        ([1], {}, ("result",)),
        ({f"n{place}": "x" * 60_000 for place in range(20)}, {}, tuple(f"n{place}" for place in range(20))),
    ],
)
def test_what_can_be_kept_is_kept_and_the_rest_is_named(values: Any, kept: Mapping[str, Any], unfit: tuple[str, ...]) -> None:
    storable = make_storable(ActResult(state=ActOutcome.DONE, values=values, reason="\ud800\0" + "r" * 5_000))
    assert (dict(storable.result.values), storable.unfit) == (kept, unfit)
    assert decode_json(storable.text.encode()) == kept
    assert storable.result.reason.startswith("?r")
    assert len(storable.result.reason) <= 2_000


REASON = "Anna Berg, born on 17 April 1988, has no such item (code 4-17)."
"""What a desk's own system may say of a customer when something does not fit."""


@pytest.mark.proves("OUTBOUND", "P12")
@pytest.mark.parametrize("effect", ["read", "write"])
def test_a_desk_that_says_why_not_tells_the_agent_nothing_it_may_not_be_told(arena: Arena, effect: str) -> None:
    async def no(*_: object, **__: object) -> ActResult:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=REASON)

    task = arena.task()
    arena.backoffice.perform = arena.backoffice.read = no  # type: ignore[method-assign,assignment]  # a desk that says a lot
    asked = task.ask("order.read", {"order_id": "W1"}) if effect == "read" else task.ask("order.return", SEND_BACK)
    reply = asked if effect == "read" else arena.anna.confirm(asked)
    assert reply.outcome == "failed"
    for told in (json.dumps(reply.body), arena.send(task, f"/v1/asks/{reply.ask}", method="GET").text):
        assert "has no such item" in told
        assert "1988" not in told
        assert "Anna Berg" not in told
    written = arena.entries("reply.sent" if effect == "read" else "act.performed")[-1]
    assert written["desk"]["reason"] == REASON
    assert "1988" not in written["agent"]["reason"]


@pytest.mark.proves("OUTBOUND", "FAIL-CLOSED")
def test_a_desk_that_says_why_not_is_not_quoted_while_its_facts_cannot_be_read(arena: Arena) -> None:
    async def no(act: Act) -> ActResult:
        del act
        arena.backoffice.set_unavailable(True)
        return ActResult(state=ActOutcome.FAILED, values={}, reason=REASON)

    arena.backoffice.perform = no  # type: ignore[method-assign]  # as above, and then no facts
    reply = arena.anna.confirm(arena.task().ask("order.return", SEND_BACK))
    assert reply.outcome == "failed"
    arena.backoffice.set_unavailable(False)
    told = arena.entries("act.performed")[-1]["agent"]
    assert (told["reason"], reply.again().body["reason"]) == (UNDISCLOSED, UNDISCLOSED)
