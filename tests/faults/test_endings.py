"""Every rule that ends a task: by the very next request, at whichever door it comes, nothing of the task is alive. Orphans are 0."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from attacks.arena import FACTS, Arena, code_of, open_arena
from remit.client import calls
from remit.domain.records import OPEN_ASKS, ActRecord, AskRecord, ConfirmationRecord, MandateRecord, TaskRecord, open_asks_key
from remit.domain.values import Instant, instant_text
from remit.engine.mandates.revoke import revoke_mandate
from remit.sandbox import SandboxAgent, SandboxMandate, SandboxReply, SandboxTask

ORDERS: Final = ("W1", "W2", "W3")
DEAD: Final = {
    "agent.suspended",
    "confirmation.expired",
    "confirmation.replayed",
    "grant.invalid",
    "mandate.expired",
    "mandate.inactive",
    "mandate.unknown",
    "oauth.invalid_grant",
    "task.ended",
}
CANCEL: Final[dict[str, Any]] = {
    "type": "remit_mandate",
    "objective": {"type": "cancel-order", "target": {"order": list(ORDERS)}, "summary": "cancel what was not sent"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status"]},
        {"power": "request", "actions": ["order.cancel"], "uses": 5},
    ],
}


def cancel(order: str) -> dict[str, str]:
    return {"order_id": order, "reason": "too late"}


@dataclass(frozen=True, slots=True)
class Engaged:
    """A task in the middle of its life: something was told, a confirmation waits, a confirmed act is queued, uses are reserved."""

    mandate: SandboxMandate
    task: SandboxTask
    told: str
    waiting: SandboxReply
    invitation: str
    assertion: dict[str, Any]
    queued: SandboxReply

    @property
    def agent(self) -> SandboxAgent:
        return self.task.agent


def engage(arena: Arena, agent: SandboxAgent, *, soon: bool = False, idle: bool = False) -> Engaged:
    mandate = arena.anna.grant(agent, CANCEL | ({"expires_at": instant_text(Instant(arena.clock.now() + 290_000))} if soon else {}))
    task = agent.open(mandate)
    told = look(arena, task).json()
    assert told["result"] == {"order.status": "delivered"}
    queued = task.ask("order.cancel", cancel("W3"))
    if not idle:  # while an act waits for the desk, its task is not idle
        arena.helpdesk.set_unavailable(True)
        arena.anna.confirm(queued)
        arena.helpdesk.set_unavailable(False)
        queued = task.poll(queued.ask)
        assert (queued.state, queued.outcome) == ("permitted", None)
    waiting = task.ask("order.cancel", cancel("W2"))
    invitation = arena.anna.invitation(waiting)
    shown = arena.anna.get(f"/me/v1/confirmations/{invitation}")
    assert reserved(arena, mandate) == 2
    return Engaged(mandate, task, told["ask"], waiting, invitation, arena.anna.passkey.get(shown["options"]), queued)


def look(arena: Arena, task: SandboxTask) -> httpx.Response:
    """Look at an order, always under the same idempotency key."""
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    return arena.send(task, f"/v1/tasks/{task.id}/asks", body, headers={"idempotency-key": "the-read"})


def reserved(arena: Arena, mandate: SandboxMandate) -> int:
    """How many uses of cancelling are taken or reserved."""
    counters = arena.run(arena.context.store.counters(mandate.id))
    return max(used for key, used in counters.items() if key.endswith("/order.cancel"))


# Every door a credential of the task, or a person about it, can knock at.

Door = Callable[[Arena, Engaged], httpx.Response]


def _confirm(arena: Arena, one: Engaged) -> httpx.Response:
    answer = {"answer": "yes", "assertion": one.assertion}
    return arena.person("POST", f"/me/v1/confirmations/{one.invitation}", answer, cookie=arena.anna.cookie)


DOORS: Final[dict[str, Door]] = {
    "ask to read": lambda arena, one: arena.ask(one.task, "order.read", {"order_id": "W1"}),
    "ask to write": lambda arena, one: arena.ask(one.task, "case.comment", {"text": "The cup is broken."}),
    "ask for what needs a person": lambda arena, one: arena.ask(one.task, "order.cancel", cancel("W1")),
    "ask again": lambda arena, one: look(arena, one.task),
    "inbox": lambda arena, one: arena.send(one.task, f"/v1/tasks/{one.task.id}/inbox", method="GET"),
    "renew": lambda arena, one: arena.exchange(one.agent, one.task.id, kind=calls.TASK_TOKEN),
    "confirm": _confirm,
}


# Every rule that ends tasks. Each ends all the tasks it is given.

Ending = Callable[[Arena, list[Engaged]], object]


def _each(end: Callable[[Arena, Engaged], object]) -> Ending:
    return lambda arena, all_of_them: [end(arena, one) for one in all_of_them]


def _reach(arena: Arena, one: Engaged) -> None:
    assert arena.anna.confirm(one.task.ask("order.cancel", cancel("W1"))).outcome == "done"


def _later(arena: Arena, _all: list[Engaged]) -> None:
    """Not so much later that the credentials would have expired by themselves, where the rule is about something else."""
    arena.clock.ahead_ms += 295_000


def _misbehave(arena: Arena, all_of_them: list[Engaged]) -> None:
    for one in all_of_them:
        for number in range(40):
            if code_of(arena.ask(one.task, "order.cancel", cancel(f"X{number}"))) == "task.ended":
                break


def _merge(arena: Arena, one: Engaged) -> None:
    other = f"other than {one.task.case}"
    arena.run(arena.helpdesk.open(case=other, key=other, requester="somebody@mail.example", subject="Another", text=""))
    arena.run(arena.helpdesk.merge(one.task.case, other))


def _hand_over(arena: Arena, one: Engaged) -> None:
    arena.run(arena.helpdesk.reassign(one.task.case, "ann"))
    assert one.task.ask("order.read", {"order_id": "W1"}).result, "an officer who takes up a case ends nothing"
    arena.run(arena.helpdesk.reassign(one.task.case, "bea"))


ENDINGS: Final[dict[str, tuple[Ending, str]]] = {
    "agent closes the case": (_each(lambda _arena, one: one.task.ask("case.close", {})), "case_closed"),
    "agent completes": (_each(lambda _arena, one: one.task.complete()), "completed"),
    "agent revokes its token": (
        _each(lambda arena, one: arena.form("/oauth/revoke", {"token": one.task.token}, agent=one.agent)),
        "revoked",
    ),
    "agent suspended": (lambda arena, all_of_them: arena.desk.suspend(agent=all_of_them[0].agent), "agent_suspended"),
    "case closed at the desk": (_each(lambda arena, one: arena.run(arena.helpdesk.close_natively(one.task.case))), "case_closed"),
    "case handed over at the desk": (_each(_hand_over), "case_reassigned"),
    "case merged at the desk": (_each(_merge), "case_merged"),
    "case reopened at the desk": (
        _each(
            lambda arena, one: (
                arena.run(arena.helpdesk.close_natively(one.task.case)),
                arena.run(arena.helpdesk.reopen_natively(one.task.case)),
            )
        ),
        "case_closed",
    ),
    "customer declines and ends": (_each(lambda arena, one: arena.anna.decline(one.waiting, end=True)), "customer_declined"),
    "customer revokes": (_each(lambda arena, one: arena.anna.revoke(one.mandate)), "revoked"),
    "customer suspended": (lambda arena, _all: arena.desk.suspend(customer="anna"), "customer_suspended"),
    "desk revokes": (
        _each(lambda arena, one: arena.run(revoke_mandate(arena.context, one.mandate.id, customer=None, by="ann"))),
        "desk_revoked",
    ),
    "end of life": (_later, "end_of_life"),
    "idle": (_later, "idle"),
    "mandate expires": (_later, "mandate_expired"),
    "objective reached": (_each(_reach), "objective_reached"),
    "objective suspended": (lambda arena, _all: arena.desk.suspend(objective="cancel-order"), "objective_suspended"),
    "operator suspended": (lambda arena, _all: arena.desk.suspend(operator="helper.example"), "operator_suspended"),
    "requester changed at the desk": (
        _each(lambda arena, one: arena.run(arena.helpdesk.change_requester(one.task.case, "mallory@mail.example"))),
        "case_reassigned",
    ),
    "too much risk": (_misbehave, "risk"),
}
EXPIRED: Final = {"end of life": {"credential.expired"}, "mandate expires": {"credential.expired"}}
"""A credential lives no longer than its task and mandate may."""
DONE: Final = {"objective reached": 1}
SETTINGS: Final[dict[str, dict[str, dict[str, int]]]] = {
    "end of life": {"terms": {"task_life_s": 240}},
    "idle": {"terms": {"task_idle_s": 240, "confirmation_ttl_s": 200}},
    "too much risk": {"terms": {"hold_at": 100, "end_at": 60}},
}


@pytest.fixture
def arena(ending: str) -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["owners"]["order"] |= dict.fromkeys(ORDERS, "anna")
    settings = deepcopy(SETTINGS.get(ending, {}))
    settings.setdefault("terms", {})["waiting_per_pair"] = 100
    with open_arena(facts=facts, settings=settings) as one:
        yield one


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_task_ends_nothing_of_it_is_alive_at_the_very_next_request_at_any_door(arena: Arena, ending: str) -> None:
    end, reason = ENDINGS[ending]
    agent = arena.agent()
    engaged = [engage(arena, agent, soon=ending == "mandate expires", idle=ending == "idle") for _ in DOORS]
    end(arena, engaged)
    performed = len(arena.backoffice.performed)
    for first, one in zip(DOORS, engaged, strict=True):
        # Each door is the first one to be knocked at once: no other request has told Remit of the end before.
        for name in (first, *(name for name in DOORS if name != first)):
            response = DOORS[name](arena, one)
            assert response.is_error, f"{name} is open after: {ending}; {response.json()}"
            assert code_of(response) in DEAD | EXPIRED.get(ending, set()), f"{name}: {response.json()}"
            assert "result" not in response.json()
    arena.desk.sweep()
    arena.desk.sweep()
    assert len(arena.backoffice.performed) == performed, "something acted after the end"
    for one in engaged:
        assert orphans(arena, one) == []
        assert reserved(arena, one.mandate) == DONE.get(ending, 0), "what was reserved is released"
        assert arena.recorded("task.ended", task=one.task.id)["envelope"]["reason"] == reason


def orphans(arena: Arena, one: Engaged) -> list[object]:
    """What is left alive of a task: the task itself, confirmations, acts, asks, or an answer with attributes. There must be nothing."""
    task = one.task.id

    async def find() -> list[object]:
        store = arena.context.store
        left: list[object] = [kept.record for kept in (await store.find(ConfirmationRecord, "confirmation.task", task))]
        left += [kept.record for kept in await store.find(ActRecord, "act.task", task)]
        left += [kept.record for kept in await store.find(AskRecord, "ask.task", open_asks_key(task))]
        left += [kept.record for kept in await store.find(AskRecord, "ask.task", task) if kept.record.state in OPEN_ASKS]
        left += [kept.record for kept in await store.find(TaskRecord, "task.live_mandate", one.mandate.id)]
        left += [kept.record for kept in await store.find(MandateRecord, "mandate.live_parent", one.mandate.id)]
        return left

    return arena.run(find())


@pytest.mark.parametrize("ending", ["agent completes", "case closed at the desk", "customer revokes"])
def test_after_the_end_an_ask_still_tells_its_state_and_outcome_but_no_attribute(arena: Arena, ending: str) -> None:
    one = engage(arena, arena.agent())
    ENDINGS[ending][0](arena, [one])
    told, queued, waiting = (one.task.poll(ask) for ask in (one.told, one.queued.ask, one.waiting.ask))
    assert (told.state, told.outcome, told.result) == ("done", "done", {})
    assert (queued.state, queued.outcome, waiting.state) == ("void", None, "void")
    assert one.task.status()["state"] == "ended"
