"""Room for three is room for three, however many ask at once; and one key, one answer, one offer are one."""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import FACTS, Arena, catalogue, code_of, gathered, open_arena
from remit.adapters.store.sqlite.store import SqliteStore
from remit.domain.records import IdempotencyRecord
from remit.sandbox import SandboxReply, SandboxTask

ORDERS = [f"S{number}" for number in range(12)]
ADDRESS = "New Street 1, 10100 Town"
PLACED = {"order_id": {"one_of": ORDERS}, "address": {"equals": ADDRESS}}
PAID = {"payment_method_id": {"equals": "pm_1"}}


@pytest.fixture
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["owners"]["order"] |= dict.fromkeys(ORDERS, "anna")
    with open_arena(facts=facts, settings={"terms": {"waiting_per_pair": 100}}) as one:
        yield one


def open_task(arena: Arena, objective: str, *powers: Mapping[str, Any], max_tasks: int = 1) -> list[SandboxTask]:
    """Tasks of one mandate."""
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": objective, "target": {"order": ORDERS}},
        "powers": [{"power": "represent"}, *powers],
        "max_tasks": max_tasks,
    }
    agent = arena.agent()
    mandate = arena.anna.grant(agent, wanted)
    tasks: list[SandboxTask] = []
    for _ in range(max_tasks):
        tasks.append(agent.open(mandate))
        assert tasks[-1].ask("case.comment", {"text": "The cup is broken."}).outcome == "done"
    return tasks


def at_once(arena: Arena, requests: list[tuple[SandboxTask, str, Mapping[str, Any], str]]) -> list[dict[str, Any]]:
    """Many asks on their way at the same time; what each was told."""
    return [response.json() for response in gathered(arena, [arena.asking(*request) for request in requests])]


def counters(arena: Arena, task: SandboxTask, action: str) -> set[int]:
    """What the mandate's counters say of an action."""
    mandate = arena.recorded("task.opened", task=task.id)["envelope"]["mandate"]
    found = arena.run(arena.context.store.counters(mandate))
    return {used for key, used in found.items() if key.endswith(f"/{action}")}


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_ten_parallel_asks_on_room_for_three_uses_give_exactly_three(arena: Arena, tasks: int) -> None:
    opened = open_task(
        arena, "correct-order", {"power": "request", "actions": ["order.change_address"], "uses": 3, "where": PLACED}, max_tasks=tasks
    )
    requests = [
        (opened[number % tasks], "order.change_address", {"order_id": ORDERS[number], "address": ADDRESS}, secrets.token_hex(8))
        for number in range(10)
    ]
    told = at_once(arena, requests)
    assert Counter(one.get("outcome") or one["code"] for one in told) == {"done": 3, "mandate.uses_spent": 7}
    assert len(arena.performed("order.change_address")) == 3
    assert counters(arena, opened[0], "order.change_address") == {3}
    assert opened[0].ask(*("order.change_address", requests[0][2])).codes == ("mandate.uses_spent",)


def test_ten_parallel_asks_on_a_total_of_three_reserve_exactly_three_and_a_no_releases_exactly_its_own() -> None:
    # So many refusals speak against the agent, and the pack's rules would have billing look at what it asks for, too.
    facts = deepcopy(FACTS)
    facts["owners"]["order"] |= dict.fromkeys(ORDERS, "anna")
    with open_arena(catalogue=catalogue() | {"escalation": []}, facts=facts) as arena:
        verify_exact_total(arena)


def verify_exact_total(arena: Arena) -> None:
    (task,) = open_task(
        arena,
        "complain",
        {"power": "request", "actions": ["complaint.file"], "uses": 1},
        {"power": "request", "actions": ["payment.refund"], "where": PAID, "total": {"amount": "36.00 EUR"}},
    )
    assert task.ask("complaint.file", {"kind": "damaged", "text": "The cup is broken."}).outcome == "done"
    refunds = [{"order_id": order, "payment_method_id": "pm_1", "amount": "12.00 EUR"} for order in ORDERS[:10]]
    told = at_once(arena, [(task, "payment.refund", params, secrets.token_hex(8)) for params in refunds])
    assert Counter(one.get("state") or one["code"] for one in told) == {"waiting": 3, "mandate.total_spent": 7}
    waiting = [task.poll(one["ask"]) for one in told if one.get("state") == "waiting"]
    assert arena.anna.decline(waiting[0]).codes == ("confirmation.declined",)
    confirmed = [arena.anna.confirm(one) for one in waiting[1:]]
    assert [one.outcome for one in confirmed] == ["done", "done"]
    assert len(arena.performed("payment.refund")) == 2
    assert [row["total_left"] for row in task.status()["budgets"] if row["action"] == "payment.refund"] == [{"amount": "12.00 EUR"}]


def test_one_idempotency_key_sent_ten_times_at_once_is_one_ask_and_one_act(arena: Arena) -> None:
    (task,) = open_task(arena, "correct-order", {"power": "request", "actions": ["order.change_address"], "uses": 10, "where": PLACED})
    params = {"order_id": "S1", "address": ADDRESS}
    told = at_once(arena, [(task, "order.change_address", params, "one-key")] * 10)
    assert len({one["ask"] for one in told}) == 1
    assert len(arena.performed("order.change_address")) == 1
    assert counters(arena, task, "order.change_address") == {1}
    other = at_once(arena, [(task, "order.change_address", params | {"order_id": "S2"}, "one-key")])
    assert other[0]["code"] == "request.conflict"


def test_a_key_whose_answer_is_no_longer_held_in_memory_is_still_one_ask_and_one_act(tmp_path: Path) -> None:
    facts = deepcopy(FACTS)
    facts["owners"]["order"] |= dict.fromkeys(ORDERS, "anna")
    with open_arena(facts=facts, store=tmp_path) as arena:
        (task,) = open_task(arena, "correct-order", {"power": "request", "actions": ["order.change_address"], "uses": 10, "where": PLACED})
        params = {"order_id": "S1", "address": ADDRESS}
        (first,) = at_once(arena, [(task, "order.change_address", params, "one-key")])
        store = arena.desk.desk.outside if arena.desk.desk else None
        assert isinstance(store, SqliteStore)
        for half in (store._held.records.passing.new, store._held.records.passing.old):
            for key in [key for key in half if key[0] == IdempotencyRecord.KIND]:
                del half[key]
        told = at_once(arena, [(task, "order.change_address", params, "one-key")] * 3)
        assert {one["ask"] for one in told} == {first["ask"]}
        assert len(arena.performed("order.change_address")) == 1
        assert counters(arena, task, "order.change_address") == {1}


def _answers(arena: Arena, task: SandboxTask, *said: str) -> tuple[SandboxReply, list[httpx.Response]]:
    """Answers to one invitation, all on their way at once, each with a valid signature."""
    reply = task.ask("order.cancel", {"order_id": "S1", "reason": "too late"})
    invitation = arena.anna.invitation(reply)
    path = f"/me/v1/confirmations/{invitation}"
    bodies: list[dict[str, Any]] = []
    for one in said:
        shown = arena.anna.get(path)
        bodies.append({"answer": one, "assertion": arena.anna.passkey.get(shown["options"])} if one == "yes" else {"answer": one})
    with ThreadPoolExecutor(len(said)) as pool:
        return reply, list(pool.map(lambda body: arena.person("POST", path, body, cookie=arena.anna.cookie), bodies))


@pytest.mark.parametrize("said", [("yes", "no"), ("no", "yes"), ("yes", "yes", "yes"), ("no", "no"), ("yes", "no_and_end")])
def test_answers_that_meet_are_one_answer(arena: Arena, said: tuple[str, ...]) -> None:
    (task,) = open_task(arena, "cancel-order", {"power": "request", "actions": ["order.cancel"], "uses": 1})
    reply, responses = _answers(arena, task, *said)
    taken = [response for response in responses if response.is_success]
    assert len(taken) == 1, [response.json() for response in responses]
    assert {code_of(response) for response in responses if response.is_error} <= {
        "confirmation.replayed",
        "task.ended",
        "credential.wrong_key",
    }
    answered = [entry["envelope"]["answer"] for entry in arena.entries("confirmation.answered")]
    assert len(answered) == 1
    done = answered == ["yes"]
    assert task.poll(reply.ask).state == ("done" if done else "declined")
    assert len(arena.performed("order.cancel")) == int(done)
    assert counters(arena, task, "order.cancel") == {int(done)}


def test_ten_parallel_exchanges_of_a_mandate_for_one_task_open_one(arena: Arena) -> None:
    agent = arena.agent()
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "track-order", "target": {"order": ORDERS}},
        "powers": [{"power": "represent"}],
    }
    mandate = arena.anna.grant(agent, wanted)
    with ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(lambda _: arena.exchange(agent, mandate.id), range(10)))
    assert {response.status_code for response in opened} == {200}
    assert len({response.json()["task"] for response in opened}) == 1
    assert len(arena.run(arena.helpdesk.cases())) == 1


def test_one_offer_accepted_five_times_at_once_is_held_for_one_ask_and_used_once(arena: Arena) -> None:
    (task,) = open_task(
        arena,
        "complain",
        {"power": "request", "actions": ["complaint.file"], "uses": 1},
        {"power": "accept", "actions": ["offer.accept"], "uses": 5},
    )
    assert task.ask("complaint.file", {"kind": "damaged", "text": "The cup is broken."}).outcome == "done"
    terms = {"kind": "goodwill credit", "order_id": "S1", "amount": "15.00 EUR"}
    made = arena.desk.officer("olga", ["care"]).post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": terms})
    offer = {"offer_id": made["offer_id"], "digest": made["digest"]}
    told = at_once(arena, [(task, "offer.accept", offer, secrets.token_hex(8)) for _ in range(5)])
    assert Counter(one.get("state") or one["code"] for one in told) == {"waiting": 1, "offer.expired": 4}
    waiting = next(task.poll(one["ask"]) for one in told if one.get("state") == "waiting")
    assert arena.anna.confirm(waiting).outcome == "done"
    assert task.ask("offer.accept", offer).codes == ("offer.expired",)
    assert len(arena.performed("offer.accept")) == 1
