"""Attacks found by reading the core path again: what moves while an act waits, and what leaves after it moved."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, code_of, gathered, mandate, open_arena, refund
from attacks.test_guessed_values import CATALOGUE as BANK
from attacks.test_guessed_values import FACTS as BANK_FACTS
from attacks.test_guessed_values import MANDATE as BANK_MANDATE
from attacks.test_p18_sub_agent_widens import CATALOGUE as SHOP
from attacks.test_p18_sub_agent_widens import FACTS as SHOP_FACTS
from attacks.test_p18_sub_agent_widens import hand_on, note
from attacks.test_p18_sub_agent_widens import mandate as branch
from remit.client.errors import Refused
from remit.domain.records import Ceremony
from remit.ports.backoffice import Act, ActResult
from remit.sandbox import Sandbox


def _person(arena: Arena, path: str, body: dict[str, Any]) -> Callable[[], Awaitable[httpx.Response]]:
    """A request of Anna's, to be sent while another one is under way."""
    cookie = arena.anna.cookie
    headers = {"cookie": cookie, "content-type": "application/json"}
    http = arena.room._http
    return lambda: http.post(path, content=json.dumps(body).encode(), headers=headers)


@pytest.mark.proves("SECRETS")
def test_the_name_of_an_unknown_action_does_not_stay_in_an_envelope(arena: Arena) -> None:
    task = arena.task()
    response = arena.ask(task, "Anna Berg of Lindenweg 4", {})
    arena.refused(response, "action.unknown")
    assert arena.entries("ask.decided")[-1]["envelope"]["action"] == ""


@pytest.mark.proves("W-GUESS")
def test_guesses_sent_at_once_or_in_one_ask_are_still_three() -> None:
    with open_arena(catalogue=BANK, policies=None, facts=BANK_FACTS) as arena:
        agent = arena.agent()
        task = agent.open(arena.anna.grant(agent, BANK_MANDATE))
        guesses = [{"birth_date": f"1980-01-{day:02}"} for day in range(1, 11)]
        answers = gathered(arena, [arena.asking(task, "identity.check", one, f"k{place}") for place, one in enumerate(guesses)])
        assert sum(answer.status_code == 200 for answer in answers) <= 3


@pytest.mark.proves("EPOCHS")
def test_an_act_that_waited_is_not_sent_when_its_power_was_taken_away_meanwhile(arena: Arena) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).outcome is None
    narrower = mandate()
    narrower["powers"] = [power for power in narrower["powers"] if power.get("actions") != ["order.return"]]
    arena.anna.narrow(found, narrower)
    arena.helpdesk.set_unavailable(False)
    with arena.unchanged():
        arena.desk.sweep()
    assert reply.again().state == "void"


@pytest.mark.proves("CASE-REREAD")
def test_an_unknown_act_is_not_done_for_a_case_that_was_closed_meanwhile(arena: Arena) -> None:
    _, task = arena.granted()
    reply = task.ask("order.return", SEND_BACK)
    arena.backoffice.fail_next("before")
    assert arena.anna.confirm(reply).outcome == "unknown"
    arena.run(arena.helpdesk.close_natively(task.case))
    with arena.unchanged():
        arena.desk.sweep()
    assert reply.again().outcome == "failed"


@pytest.mark.proves("P18", "TASK-END")
def test_the_end_of_a_task_reaches_every_branch_below_it() -> None:
    with Sandbox(SHOP, facts=SHOP_FACTS) as desk:
        customer = desk.customer("yu")
        top, middle, bottom = (desk.agent(name, operator="courier") for name in ("top", "middle", "bottom"))
        granted = customer.grant(top, branch({"power": "represent"}, note(uses=2), chain=2, chain_operators=["courier"], max_tasks=3))
        task = top.open(granted)
        between = hand_on(top, middle, granted.id, branch(note(uses=1), chain=1, chain_operators=["courier"]))["mandate"]
        last = hand_on(middle, bottom, between, branch(note(uses=1)))["mandate"]
        below = bottom.open(last)
        task.complete()
        assert below.id in {one["envelope"]["task"] for one in desk.transcript() if one["kind"] == "task.ended"}
        assert below.ask("order.note", {"order_id": "W1"}).codes == ["task.ended"]


@pytest.mark.proves("SESSION-COOKIE")
def test_asking_for_a_sign_in_writes_nothing(arena: Arena) -> None:
    begun = [arena.person("POST", "/login/v1/sign-in", {}).json() for _ in range(3)]
    assert len({one["ceremony"] for one in begun}) == 3
    assert not arena.run(arena.context.store.find(Ceremony, "due.ceremony", ""))
    signed = {"ceremony": begun[0]["ceremony"], "assertion": arena.anna.passkey.get(begun[0]["options"])}
    assert arena.person("POST", "/login/v1/sign-in", signed).is_success
    again = {"ceremony": begun[0]["ceremony"], "assertion": arena.anna.passkey.get(begun[0]["options"])}
    assert arena.person("POST", "/login/v1/sign-in", again).json()["code"] == "confirmation.replayed"
    moved = {"ceremony": begun[1]["ceremony"], "assertion": arena.anna.passkey.get(begun[2]["options"])}
    assert arena.person("POST", "/login/v1/sign-in", moved).is_error
    forged = begun[1]["ceremony"][:-1] + ("A" if begun[1]["ceremony"][-1] != "A" else "B")
    assert arena.person("POST", "/login/v1/sign-in", {**moved, "ceremony": forged}).is_error
    arena.clock.ahead_ms += 700_000
    late = {"ceremony": begun[1]["ceremony"], "assertion": arena.anna.passkey.get(begun[1]["options"])}
    assert arena.person("POST", "/login/v1/sign-in", late).json()["code"] == "confirmation.replayed"


@pytest.mark.proves("NARROWING", "WITHHELD")
def test_what_was_told_is_cut_again_by_a_mandate_that_was_narrowed(arena: Arena) -> None:
    found, task = arena.granted()
    path = f"/v1/tasks/{task.id}/asks"
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    told = arena.send(task, path, body, headers={"idempotency-key": "k"})
    assert told.json()["result"]["order.status"] == "delivered"
    narrower = mandate()
    narrower["powers"][1]["attributes"] = ["order.items"]
    arena.anna.narrow(found, narrower)
    for again in (
        arena.send(task, path, body, headers={"idempotency-key": "k"}),
        arena.send(task, f"/v1/asks/{told.json()['ask']}", method="GET"),
    ):
        assert "delivered" not in again.text
        assert again.json()["result"] == {"order.items": ["i1", "i2"]}


@pytest.mark.proves("TASK-END", "WITHHELD")
def test_an_act_during_which_its_task_ended_tells_nothing() -> None:
    action = {
        "title": "Send back {item_ids} of {order_id}",
        "power": "request",
        "area": "routine",
        "effect": "write",
        "returns": ["order.status"],
        "params": {
            "properties": {
                "order_id": {"type": "string", "x-resource": "order"},
                "item_ids": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["order_id", "item_ids"],
        },
    }
    with open_arena(catalogue=catalogue(action={"order.return": action}), policies=None) as arena:
        found, task = arena.granted()
        revoke = _person(arena, f"/me/v1/mandates/{found.id}/revoke", {})
        real = arena.backoffice.perform

        async def perform(act: Act) -> ActResult:
            done = await real(act)
            await revoke()
            return ActResult(state=done.state, values={"order.status": "on its way"})

        arena.backoffice.perform = perform  # type: ignore[method-assign]  # the customer is faster than the desk
        response = arena.ask(task, "order.return", SEND_BACK)
        assert (response.json()["outcome"], response.json()["result"]) == ("done", {})
        assert "on its way" not in response.text


@pytest.mark.proves("CONFIRM-WHO", "WAIVER-MARKED")
def test_offering_less_does_not_let_an_officer_confirm_under_a_waiver_of_their_own() -> None:
    waiver = {
        "action": "payment.refund",
        "limit": {"amount": {"max": "10.00 EUR"}},
        "reason": "goodwill",
        "owner": "olga",
        "ends": date(2099, 1, 1),
    }
    rules = {**catalogue(floor={"payment": ["customer", "officer:billing"]}), "waiver": [waiver]}
    rules["objective"]["return-item"].pop("after", None)
    with open_arena(catalogue=rules, policies=None) as arena:
        task = arena.task()
        reply = task.ask("payment.refund", refund("40.00 EUR"))
        with pytest.raises(Refused) as refused:
            arena.desk.officer("olga", roles=["billing"]).offer_less(reply, refund("9.00 EUR"))
        assert refused.value.code == "confirmation.wrong_person"
        assert arena.performed() == []
        arena.desk.officer("otto", roles=["billing"]).offer_less(reply, refund("9.00 EUR"))
        assert arena.recorded("ask.decided", action="payment.refund")["envelope"]["waiver"] == 0


@pytest.mark.proves("STRICT-PARAMS")
def test_a_challenge_that_is_none_is_not_kept(arena: Arena) -> None:
    agent = arena.agent()
    form = {
        "response_type": "code",
        "code_challenge_method": "S256",
        "code_challenge": "\u00e4" * 43,
        "dpop_jkt": agent.client.key_thumbprint,
        "redirect_uri": "http://127.0.0.1/callback",
        "authorization_details": json.dumps([mandate()]),
    }
    assert code_of(arena.form("/oauth/par", form, agent=agent)) == "request.malformed"


@pytest.mark.proves("FATIGUE")
def test_questions_sent_at_once_are_no_more_than_those_sent_one_by_one(arena: Arena) -> None:
    wanted = mandate()
    wanted["powers"][2]["uses"] = 20
    task = arena.task(wanted)
    answers = gathered(arena, [arena.asking(task, "order.return", SEND_BACK, f"k{number}") for number in range(12)])
    assert {answer.status_code for answer in answers} == {202, 429}
    assert len(arena.anna.waiting()) == 5


@pytest.mark.proves("P18", "TASK-END")
@pytest.mark.parametrize("what", ["agent", "operator"])
def test_a_branch_does_nothing_while_whoever_cut_it_is_suspended(what: str) -> None:
    with Sandbox(SHOP, facts=SHOP_FACTS) as desk:
        customer = desk.customer("yu")
        top, below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        powers = ({"power": "represent"}, note(uses=2))
        granted = customer.grant(top, branch(*powers, chain=1, chain_operators=["courier"], max_tasks=3))
        task = below.open(hand_on(top, below, granted.id, branch(note(uses=1)))["mandate"])
        if what == "agent":
            desk.suspend(agent=top)
        else:
            desk.suspend(operator="owner")
        assert task.ask("order.note", {"order_id": "W1"}).codes == ["agent.suspended"]


@pytest.mark.proves("CONFIRM-LESS", "CONFIRM-WHO")
def test_what_an_officer_offered_needs_the_customer_too_and_not_the_officer_twice() -> None:
    with open_arena(catalogue=catalogue(floor={"payment": ["customer", "officer:billing"]}), policies=None) as arena:
        task = arena.task()
        reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1", "i2"]})
        otto = arena.desk.officer("otto", roles=["billing"])
        less = otto.offer_less(reply, SEND_BACK)
        assert (less.decision, list(less.who)) == ("needs_human", ["customer"])
        with pytest.raises(Refused):
            otto.confirm(less)
        assert arena.performed() == []
        assert arena.anna.confirm(less).outcome == "done"
        assert arena.performed() == [SEND_BACK]
        assert arena.backoffice.performed[0].confirmed_by == ("customer", "officer:billing")
