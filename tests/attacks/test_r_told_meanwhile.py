"""What was taken away while the desk acted, while the case was read, or while a message waited, is told no more."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, mandate, open_arena
from remit.domain.transcript.entry import Section
from remit.ports.backoffice import Act, ActResult
from remit.ports.helpdesk import CaseView
from remit.sandbox import SandboxMandate, SandboxTask

RETURN: dict[str, Any] = {
    "title": "Send back {item_ids} of {order_id}",
    "power": "request",
    "area": "routine",
    "effect": "write",
    "returns": ["order.status", "order.shipping_address"],
    "params": {
        "properties": {
            "order_id": {"type": "string", "x-resource": "order"},
            "item_ids": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["order_id", "item_ids"],
    },
}
ANSWER = {"order.status": "returned", "order.shipping_address": "Lindenweg 4"}


def wide() -> dict[str, Any]:
    wanted = mandate()
    wanted["powers"][1]["attributes"] = ["order.status", "order.items", "order.shipping_address"]
    return wanted


def narrowed() -> dict[str, Any]:
    wanted = mandate()
    wanted["powers"][1]["attributes"] = ["order.status"]
    return wanted


class Meanwhile:
    """Something a person does through their own door, once, while somebody else is being answered."""

    def __init__(self, arena: Arena, granted: SandboxMandate, what: str) -> None:
        self._arena = arena
        self._cookie = arena.anna.cookie
        self._path = f"/me/v1/mandates/{granted.id}/{'narrow' if what == 'narrow' else 'revoke'}"
        self._body = json.dumps(narrowed() if what == "narrow" else {}).encode()
        self.done = False

    async def do(self) -> None:
        if not self.done:
            self.done = True
            headers = {"cookie": self._cookie, "content-type": "application/json"}
            answered = await self._arena.room._http.post(self._path, content=self._body, headers=headers)  # inside the loop
            assert answered.status_code == 200


def while_the_case_is_read(arena: Arena, granted: SandboxMandate, what: str) -> Meanwhile:
    meanwhile, real = Meanwhile(arena, granted, what), arena.helpdesk.read

    async def read(case: str) -> CaseView:
        found = await real(case)
        await meanwhile.do()
        return found

    arena.helpdesk.read = read  # type: ignore[method-assign]  # a helpdesk that is slow in answering
    return meanwhile


def acting(arena: Arena, then: Callable[[SandboxMandate, SandboxTask], Any], *, takes_s: float = 1.0) -> dict[str, Any]:
    """Ask for an act that tells something and takes so long; `then` is awaited once the desk has done it, before it answers."""
    granted, task = arena.granted(wide())
    real = arena.backoffice.perform

    ticks = arena.context.world.ticks
    late_s = [0.0]
    arena.context.world.ticks = lambda: ticks() + late_s[0]  # type: ignore[method-assign]  # a desk that takes its time

    async def perform(act: Act) -> ActResult:
        done = await real(act)
        late_s[0] = takes_s
        await then(granted, task)
        return ActResult(state=done.state, values=ANSWER)

    arena.backoffice.perform = perform  # type: ignore[method-assign]  # a desk that is slow in answering
    response = arena.ask(task, "order.return", SEND_BACK)
    assert response.json()["outcome"] == "done"
    assert arena.performed() == [SEND_BACK]  # it was permitted, sent and done: that is told
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
def shop() -> Any:
    """A shop whose return tells how the order stands and where it goes, neither of which is sensitive there."""
    rules = catalogue()
    rules["action"]["order.return"] = RETURN
    rules["attribute"]["order.shipping_address"] = {"title": "address"}
    with open_arena(catalogue=rules, policies=None) as arena:
        yield arena


@pytest.mark.proves("STANDING-AGAIN", "WITHHELD")
def test_what_was_narrowed_away_while_the_desk_acted_is_not_told(shop: Arena) -> None:
    body = acting(shop, lambda granted, _task: Meanwhile(shop, granted, "narrow").do())
    assert body["result"] == {"order.status": "returned"}
    assert "Lindenweg" not in json.dumps(body)
    assert all(Section.AGENT.value not in entry["sections"] for entry in body["receipt"]["entries"])


@pytest.mark.proves("STANDING-AGAIN", "WITHHELD")
def test_what_was_narrowed_away_while_the_desk_acted_quickly_is_not_told(shop: Arena) -> None:
    body = acting(shop, lambda granted, _task: Meanwhile(shop, granted, "narrow").do(), takes_s=0.0)
    assert body["result"] == {"order.status": "returned"}


@pytest.mark.proves("STANDING-AGAIN", "CASE-REREAD")
def test_a_case_that_was_closed_while_the_desk_acted_tells_nothing(shop: Arena) -> None:
    body = acting(shop, lambda _granted, task: shop.helpdesk.close_natively(task.case))
    assert body.get("result", {}) == {}
    assert "returned" not in json.dumps(body)
    assert "Lindenweg" not in json.dumps(body)


@pytest.mark.proves("STANDING-AGAIN")
def test_a_mandate_revoked_while_the_case_is_read_after_the_act_tells_nothing(shop: Arena) -> None:
    async def then(granted: SandboxMandate, _task: SandboxTask) -> None:
        while_the_case_is_read(shop, granted, "revoke")

    body = acting(shop, then)
    assert body.get("result", {}) == {}
    assert "Lindenweg" not in json.dumps(body)


@pytest.mark.proves("STANDING-AGAIN")
def test_an_act_that_nothing_happened_to_tells_what_it_returns(shop: Arena) -> None:
    async def then(_granted: SandboxMandate, _task: SandboxTask) -> None:
        return

    assert acting(shop, then)["result"] == ANSWER


@pytest.mark.proves("STANDING-AGAIN")
@pytest.mark.parametrize("what", ["revoke", "narrow"])
def test_an_earlier_answer_is_not_told_when_something_moves_while_the_case_is_read(shop: Arena, what: str) -> None:
    granted, task = shop.granted(wide())
    ask = task.ask("order.read", {"order_id": "W1"})
    assert "order.shipping_address" in ask.result
    meanwhile = while_the_case_is_read(shop, granted, what)
    answered = shop.send(task, f"/v1/asks/{ask.ask}", method="GET")
    assert meanwhile.done
    assert answered.json().get("result", {}) == {}
    assert "Lindenweg" not in answered.text


@pytest.mark.proves("STANDING-AGAIN")
def test_a_message_is_not_delivered_when_its_mandate_is_revoked_while_the_case_is_read(shop: Arena) -> None:
    granted, task = shop.granted()
    shop.desk.officer("olga", roles=["billing"]).post(f"/desk/v1/cases/{task.case}/reply", {"text": "We look into it."})
    meanwhile = while_the_case_is_read(shop, granted, "revoke")
    answered = shop.send(task, f"/v1/tasks/{task.id}/inbox", method="GET")
    assert meanwhile.done
    assert (answered.status_code, answered.json()["code"]) == (401, "task.ended")
    assert "We look into it" not in answered.text


@pytest.mark.proves("STANDING-AGAIN", "OUTBOUND")
@pytest.mark.parametrize("before", [True, False])
def test_a_message_is_cut_to_what_may_be_told_when_it_is_delivered(shop: Arena, before: bool) -> None:
    granted, task = shop.granted(wide())
    olga = shop.desk.officer("olga", roles=["billing"])
    text = "It was delivered to Lindenweg 4, 20095 Hamburg."
    olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": text})
    assert task.inbox()[0]["text"] == text
    if before:
        shop.anna.narrow(granted, narrowed())
    else:
        while_the_case_is_read(shop, granted, "narrow")
    message = task.inbox()[0]
    assert "Lindenweg" not in message["text"]
    assert message["text"].startswith("It was delivered to ")
    assert message["withheld"] == 1


@pytest.mark.proves("OUTBOUND")
def test_a_message_that_must_be_held_again_waits_for_the_facts(shop: Arena) -> None:
    granted, task = shop.granted(wide())
    shop.desk.officer("olga", roles=["billing"]).post(
        f"/desk/v1/cases/{task.case}/reply", {"text": "It goes to Lindenweg 4, 20095 Hamburg."}
    )
    shop.anna.narrow(granted, narrowed())
    shop.backoffice.set_unavailable(True)
    answered = shop.send(task, f"/v1/tasks/{task.id}/inbox", method="GET")
    assert (answered.status_code, answered.json()["code"]) == (503, "fault.backoffice")
    shop.backoffice.set_unavailable(False)
    assert "Lindenweg" not in task.inbox()[0]["text"]
