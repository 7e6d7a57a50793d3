"""A token of ours, copied into a message: whoever holds it now, it is worth nothing any more.

Source: docs/model/model.md#leaks.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, code_of
from remit.client import calls
from remit.domain.transcript.entry import Kind

READ = {"order_id": "W1"}
Placed = Callable[[str], dict[str, Any]]


def _halves(token: str) -> tuple[str, str]:
    """A token in two: each fits a param."""
    return token[: len(token) // 2], token[len(token) // 2 :]


PLACES: dict[str, Placed] = {
    "words": lambda token: {"words": f"My header is DPoP {token}."},
    "glued": lambda token: {"words": f"authorization=DPoP.{token}."},
    "params": lambda token: {"params": {**READ, "note": {"of": [token]}}},
    "an amount": lambda token: {"action": "payment.refund", "params": {**READ, "payment_method_id": "pm_7", "amount": token}},
    "cut over params": lambda token: {"action": "order.return", "params": {"order_id": _halves(token)[0], "item_ids": [_halves(token)[1]]}},
    "cut over lines of a param": lambda token: {"params": {"order_id": f"{_halves(token)[0]}\n{_halves(token)[1]}"}},
    "cut over words and params": lambda token: {"words": _halves(token)[0], "params": {"order_id": _halves(token)[1]}},
    "cut around an amount": lambda token: {
        "action": "payment.refund",
        "params": {"order_id": _halves(token)[0], "amount": "5.00 EUR", "payment_method_id": _halves(token)[1]},
    },
    "a name in params": lambda token: {"params": {**READ, token: 1}},
    "a file": lambda token: {
        "attachments": [
            {"name": "http.log", "media_type": "text/plain", "data_b64": base64.b64encode(f"> DPoP {token}\n".encode()).decode()}
        ]
    },
}


def _body(place: str, token: str) -> dict[str, Any]:
    return {"action": "order.read", "params": READ} | PLACES[place](token)


@pytest.mark.proves("LEAK")
@pytest.mark.parametrize("place", PLACES)
def test_a_token_in_a_message_ends_its_task_before_the_ask_is_decided(arena: Arena, place: str) -> None:
    _, reply, _ = arena.waiting()
    task = arena.task()
    other = task.ask("order.return", SEND_BACK)
    assert other.needs_human
    response = arena.send(task, f"/v1/tasks/{task.id}/asks", _body(place, task.token))
    assert code_of(response) == "task.ended"
    assert code_of(arena.ask(task, "order.read", READ)) == "task.ended"
    assert other.again().state == "void"
    assert reply.again().needs_human  # of another task
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "leak"
    entry = arena.recorded("leak.found", task=task.id)
    assert (entry["envelope"]["what"], entry["envelope"]["where"], entry["desk"]["sent_in"]) == ("token", "ask", task.id)
    assert [dict(details)["task"] for kind, details in arena.notify.incidents if kind == "leak"] == [task.id]
    assert "anna" in {one.person for one in arena.notify.told if one.subject == "We ended an agent's task"}
    assert task.token not in str(arena.entries())
    assert task.token.rpartition(".")[2] not in str(arena.entries())


@pytest.mark.proves("LEAK")
def test_another_agents_token_ends_the_task_it_is_for_and_not_the_one_it_was_sent_in(arena: Arena) -> None:
    robbed, thief = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    response = arena.ask(thief, "order.read", READ, words=f"I found this: {robbed.token}")
    assert code_of(response) == "words.secret"
    assert code_of(arena.ask(robbed, "order.read", READ)) == "task.ended"
    assert arena.ask(thief, "order.read", READ).status_code == 200
    assert arena.recorded("leak.found", task=robbed.id)["desk"]["sent_by"] == "spiffe://elsewhere.example/x"
    arena.ask(thief, "order.read", READ, words=f"Once more: {robbed.token}")
    assert len(arena.entries("leak.found")) == 1


@pytest.mark.proves("LEAK")
def test_a_token_that_has_run_out_still_says_what_was_copied(arena: Arena) -> None:
    task = arena.task()
    arena.clock.ahead_ms += 400_000
    fresh = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN).json()["access_token"]
    response = arena.send(task, f"/v1/tasks/{task.id}/asks", _body("words", task.token), token=fresh)
    assert code_of(response) == "task.ended"
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "leak"


@pytest.mark.proves("LEAK")
def test_what_only_looks_like_a_token_of_ours_ends_nothing(arena: Arena) -> None:
    """⚔ Else whoever knows the id of a task could end it."""
    task = arena.task()
    head, claims, signature = task.token.split(".")
    forged = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert code_of(arena.ask(task, "order.read", READ, words=f"Look: {head}.{claims}.{forged}")) == "words.secret"
    assert arena.ask(task, "order.read", READ).status_code == 200
    assert arena.entries(Kind.LEAK_FOUND.value) == []


@pytest.mark.proves("LEAK")
def test_many_that_begin_like_tokens_are_looked_through_in_no_time(arena: Arena) -> None:
    task = arena.task()
    for text in ("eyJ" * 200_000, "eyJ." * 150_000, f"{'eyJ' * 40}.{'a' * 100}." * 2_000):
        raw = json.dumps({"action": "order.read", "params": READ, "words": text}).encode()
        began = time.monotonic()
        assert arena.ask_bytes(task, raw).is_error
        assert time.monotonic() - began < 10.0
    assert arena.entries("leak.found") == []
