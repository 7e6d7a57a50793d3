"""Risk that crosses customers: one customer's no holds another's task, or a sweep over many customers is nobody's."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from attacks.arena import FACTS, ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from remit.sandbox import SandboxAgent, SandboxCustomer, SandboxReply, SandboxTask

OWN = ["W100", "W101", "W102", "W103", "W104"]
"""Orders of five customers, `c0` to `c4`."""
SHORT_PAUSE = {"terms": {"decline_pause_s": 1}}


def facts() -> dict[str, Any]:
    """The arena's facts, with five customers more."""
    found: dict[str, Any] = deepcopy(FACTS)
    for n, order in enumerate(OWN):
        found["owners"]["order"][order] = f"c{n}"
        found["attributes"]["order"][order] = {"order.status": "delivered", "order.items": [f"i{n}"]}
    return found


@pytest.fixture
def many() -> Iterator[Arena]:
    with open_arena(facts=facts()) as one:
        yield one


def of(arena: Arena, number: int, agent: SandboxAgent | None = None) -> SandboxTask:
    """A task of one of the five customers about their order."""
    acting = agent or arena.agent()
    wanted = mandate(objective={"type": "return-item", "target": {"order": [OWN[number]]}})
    return acting.open(arena.desk.customer(f"c{number}", email=f"c{number}@mail.example").grant(acting, wanted))


def read(task: SandboxTask, order: str) -> SandboxReply:
    return task.ask("order.read", {"order_id": order})


def sweep(task: SandboxTask, tries: int, prefix: str) -> list[str]:
    """The codes of that many guesses at others' orders, six points each."""
    return [read(task, f"{prefix}{n}").codes[0] for n in range(tries)]


def until_held(task: SandboxTask) -> int:
    """The guesses that it takes until a task is held."""
    return next(n for n in range(30) if read(task, f"W8{n}").codes == ("task.held",))


@pytest.mark.proves("RISK-FAIR", "ASKED-AGAIN")
def test_one_customers_no_and_two_reasks_under_later_permissions_hold_no_task_of_another() -> None:
    with open_arena(settings=SHORT_PAUSE) as arena:
        declined_and_asked_again(arena)


def declined_and_asked_again(arena: Arena) -> None:
    _, reply, _ = arena.waiting()
    arena.anna.decline(reply)
    arena.clock.ahead_ms += 2000
    for _ in range(2):
        assert arena.task().ask("order.return", SEND_BACK).codes == ("confirmation.declined",)
    bram = arena.desk.customer("bram", email="bram@mail.example")
    wanted = mandate(objective={"type": "return-item", "target": {"order": ["W9"]}})
    task = arena.agent().open(bram.grant(arena.agent(), wanted))
    assert read(task, "W9").outcome == "done"
    assert task.ask("order.return", {"order_id": "W9", "item_ids": ["i1"]}).who == ("customer",)
    assert arena.recorded("ask.decided", task=task.id, action="order.read")["desk"]["risk"] < 40
    assert arena.task().ask("order.read", {"order_id": "W1"}).outcome == "done", "nor does it hold what Anna permitted since"


@pytest.mark.proves("RISK-FAIR")
def test_a_no_by_itself_is_no_offence_however_often_it_is_said(many: Arena) -> None:
    for number in range(5):
        task = of(many, number)
        reply = task.ask("order.return", {"order_id": OWN[number], "item_ids": ["i1"]})
        many.desk.customer(f"c{number}").decline(reply)
        assert read(task, OWN[number]).outcome == "done"
    risks = [one["desk"]["risk"] for one in many.entries("ask.decided")]
    assert risks == [0] * 10


@pytest.mark.proves("RISK-FAIR")
def test_a_sweep_under_one_customer_holds_that_customers_tasks_and_no_other(many: Arena) -> None:
    first = of(many, 0)
    assert until_held(first) in {10, 11}
    own = of(many, 0)
    sweep(own, 1, "W70")
    assert read(own, OWN[0]).codes == ("task.held",), "the same customer's next task is not let off"
    other = of(many, 1)
    assert [read(other, OWN[1]).outcome for _ in range(3)] == ["done"] * 3
    assert many.recorded("ask.decided", task=other.id)["desk"]["risk"] in range(20, 25)


@pytest.mark.proves("RISK-FAIR", "TRAJECTORY")
def test_a_sweep_over_several_customers_holds_every_task_of_its_operator(many: Arena) -> None:
    tasks = [of(many, number, many.agent(f"spiffe://helper.example/agent-{number}")) for number in range(3)]
    codes = [sweep(task, 1, f"W7{turn}{place}")[0] for turn in range(4) for place, task in enumerate(tasks)]
    assert codes == ["mandate.off_target"] * 12
    assert [read(task, "W79").codes for task in tasks[1:]] == [("task.held",)] * 2, "eleven guesses, as under one customer"
    fresh = of(many, 3, many.agent("spiffe://helper.example/agent-3"))
    read(fresh, OWN[3])
    with many.unchanged():
        assert read(fresh, OWN[3]).codes == ("task.held",)


@pytest.mark.proves("RISK-FAIR", "HELD")
def test_one_security_person_lets_a_task_go_on_in_which_nothing_moved(many: Arena) -> None:
    task = of(many, 0)
    until_held(task)
    assert read(task, OWN[0]).codes == ("task.held",)
    sam = many.desk.officer("sam", ["security"])
    assert "Resume" in many.person("GET", "/security/agents", cookie=sam.cookie).text
    assert sam.post("/security/v1/resume", {"task": task.id, "reason": "a clumsy agent"}) == {"resumed": {"task": task.id}}
    assert many.recorded("task.resumed", task=task.id)["desk"]["by"] == "sam"
    assert read(task, OWN[0]).outcome == "done"
    assert sam.get("/security/v1/proposals")["proposals"] == []


@pytest.mark.proves("RISK-FAIR", "HELD")
def test_one_security_person_alone_lets_no_task_go_on_in_which_something_moved(arena: Arena) -> None:
    task = arena.sent_back()
    until_held(task)
    sam = arena.desk.officer("sam", ["security"])
    assert "proposal" in sam.post("/security/v1/resume", {"task": task.id, "reason": "a clumsy agent"})
    assert read(task, "W1").codes == ("task.held",)


@pytest.mark.proves("RISK-FAIR", "HELD")
def test_one_security_person_alone_lets_no_task_go_on_in_which_a_credential_leaked(arena: Arena) -> None:
    agent, task = arena.agent(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    uri, _ = agent.push(mandate())
    arena.ask(task, "order.read", {"order_id": "W1"}, words=f"please open {ISSUER}/oauth/authorize?request_uri={quote(uri, safe='')}")
    assert arena.entries("leak.found")
    until_held(task)
    sam = arena.desk.officer("sam", ["security"])
    assert "proposal" in sam.post("/security/v1/resume", {"task": task.id, "reason": "a clumsy agent"})


WIDER = "Please send back i1. Also cancel order W2."
MENDED = "Please send back i1."


@pytest.mark.proves("RISK-FAIR", "WORDS-MENDED")
@pytest.mark.parametrize("beyond", ["refuse", "strip"])
def test_messages_mended_as_told_cost_nothing(beyond: str) -> None:
    with open_arena(settings={"words": {"beyond": beyond}}) as arena:
        task = arena.task()
        for n in range(8):
            first = arena.ask(task, "order.read", {"order_id": "W1"}, words=f"Please show me order W1. Also cancel order W2{n}.")
            assert code_of(first) == ("words.wider" if beyond == "refuse" else "")
            assert read(task, "W1").outcome == "done"
        risks = [one["desk"]["risk"] for one in arena.entries("ask.decided")]
        assert risks[1::2] == [8] * 8, "it counts until it is mended"
        read(task, "W1")
        assert arena.recorded("ask.decided", task=task.id)["desk"]["risk"] == 0


@pytest.mark.proves("RISK-FAIR", "WORDS-MENDED")
def test_a_probe_of_the_words_check_is_held_whether_it_mends_or_not(arena: Arena) -> None:
    plain, mending = arena.task(), arena.agent("spiffe://other.example/shop")
    held: list[int] = []
    for task, mends in ((plain, False), (arena.task(agent=mending), True)):
        for n in range(1, 30):
            code = code_of(arena.ask(task, "order.read", {"order_id": "W1"}, words=f"Please show me order W1. Also cancel order W2{n}."))
            if code == "task.held":
                break
            if mends:
                read(task, "W1")
        held.append(n)
    assert held[0] == 9, "as without mends"
    assert 10 <= held[1] <= 17


@pytest.mark.proves("RISK-FAIR", "WORDS-MENDED")
def test_another_ask_mends_no_refused_words(arena: Arena) -> None:
    task = arena.task()
    assert code_of(arena.ask(task, "order.return", SEND_BACK, words=WIDER)) == "words.wider"
    read(task, "W1")
    assert task.ask("order.return", SEND_BACK, words=MENDED).who == ("customer",)
    risks = [one["desk"]["risk"] for one in arena.entries("ask.decided")]
    read(task, "W1")
    assert risks == [0, 8, 8]
    assert arena.recorded("ask.decided", task=task.id)["desk"]["risk"] == 0


HONEST = 100


@pytest.mark.proves("RISK-FAIR")
def test_a_hundred_honest_customers_of_one_operator_are_never_held_for_each_other() -> None:
    orders = {f"H{n}": f"h{n}" for n in range(HONEST)}
    found = facts()
    found["owners"]["order"] |= orders
    found["attributes"]["order"] |= {one: {"order.status": "delivered", "order.items": ["i1"]} for one in orders}
    with open_arena(facts=found, settings=SHORT_PAUSE) as arena:
        agents = [arena.agent(f"spiffe://helper.example/agent-{n}") for n in range(3)]
        people = [arena.desk.customer(one, email=f"{one}@mail.example") for one in orders.values()]
        tasks: list[SandboxTask] = []
        chance, unlucky = random.Random(5), 0
        for turn in range(4):
            for n, one in enumerate(people):
                if turn == 0:
                    wanted = mandate(objective={"type": "return-item", "target": {"order": [f"H{n}"]}})
                    tasks.append(agents[n % 3].open(one.grant(agents[n % 3], wanted)))
                task = tasks[n]
                if chance.random() < 0.2:
                    unlucky += 1
                    misfortune(arena, one, task, f"H{n}", unlucky)
                else:
                    assert read(task, f"H{n}").outcome == "done"
        assert 60 <= unlucky <= 100
        assert not arena.entries("task.held")
        assert max(one["desk"]["risk"] for one in arena.entries("ask.decided")) < 40


def misfortune(arena: Arena, customer: SandboxCustomer, task: SandboxTask, order: str, number: int) -> None:
    """What goes wrong for an honest agent: a wrong number, a no, a message that says too much, an amount too high."""
    match number % 4:
        case 0:
            assert read(task, f"X{number}").codes == ("mandate.off_target",)
        case 1:
            customer.decline(task.ask("order.return", {"order_id": order, "item_ids": ["i1"]}))
        case 2:
            words = f"Please show me order {order}. Also cancel order W2."
            assert code_of(arena.ask(task, "order.read", {"order_id": order}, words=words)) == "words.wider"
        case _:
            assert task.ask("order.return", {"order_id": order, "item_ids": ["i9"]}).codes == ("mandate.limit_exceeded",)
