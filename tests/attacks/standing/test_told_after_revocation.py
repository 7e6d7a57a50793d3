"""Attacks on what is told and answered: a reason after what it names was taken away, an answer whose end broke, other spellings."""

from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, SEND_BACK, Arena, catalogue, mandate, open_arena
from attacks.sub_agents import CATALOGUE as SHOP
from attacks.sub_agents import FACTS as SHOP_FACTS
from attacks.sub_agents import hand_on, note
from attacks.sub_agents import mandate as branch
from remit.client.errors import Unavailable
from remit.domain.confirm.render_ask import line_json
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import lookalike_warning
from remit.domain.errors import Code, Fault
from remit.domain.i18n import ENGLISH
from remit.domain.mandate.parse import read_mandate
from remit.domain.values import Instant
from remit.ports.backoffice import Act, ActOutcome, ActResult
from remit.ports.store import Commit, Committed
from remit.sandbox import Sandbox, SandboxReply, SandboxTask

REASON = "Order W1 was delivered, and 71.50 EUR were paid for it."
BOTH = {"order_id": "W1", "item_ids": ["i1", "i2"]}


def _not_done(arena: Arena, task: SandboxTask) -> SandboxReply:
    """An act that the desk did not do, with a reason that names what its agent may be told then."""

    async def perform(_: Act) -> ActResult:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=REASON)

    arena.backoffice.perform = perform  # type: ignore[method-assign]  # the desk says no, and why
    reply = arena.anna.confirm(task.ask("order.return", SEND_BACK))
    assert reply.body["reason"] == REASON
    return reply


@pytest.mark.proves("NARROWING", "WITHHELD")
def test_a_reason_is_cut_again_by_a_mandate_that_was_narrowed() -> None:
    facts, wanted = deepcopy(FACTS), mandate()
    facts["attributes"]["order"]["W1"]["order.total"] = "71.50 EUR"
    wanted["powers"][1]["attributes"] = ["order.status", "order.total"]
    with open_arena(facts=facts) as arena:
        found, task = arena.granted(wanted)
        reply = _not_done(arena, task)
        entry = arena.recorded("act.performed")["index"]
        whole = arena.send(task, f"/log/receipts/{entry}", method="GET")
        wanted["powers"][1]["attributes"] = ["order.status"]
        arena.anna.narrow(found, wanted)
        told = arena.send(task, f"/v1/asks/{reply.ask}", method="GET")
        assert told.json()["reason"] == REASON.replace("71.50 EUR", "[withheld]")
        assert "71.50" not in told.text
        again = arena.send(task, f"/log/receipts/{entry}", method="GET")
        assert (whole.status_code, again.status_code) == (200, 200)
        assert len(again.content) < len(whole.content), "the receipt still opens what was told"


@pytest.mark.proves("AFTER-END")
def test_after_the_end_no_reason_of_the_desks_is_told(arena: Arena) -> None:
    found, task = arena.granted()
    reply = _not_done(arena, task)
    arena.anna.revoke(found)
    told = arena.send(task, f"/v1/asks/{reply.ask}", method="GET")
    assert told.json()["outcome"] == "failed"
    assert "delivered" not in told.text


@pytest.mark.proves("TASK-END")
def test_a_no_to_all_of_it_ends_the_task_though_its_end_cannot_be_recorded(arena: Arena) -> None:
    task, reply, invitation = arena.waiting()
    real = arena.context.store.commit

    async def commit(one: Commit) -> Committed:
        if any(put.record.KIND == "task" for put in one.puts):
            raise Fault(Code.FAULT_STORE, "the store is gone for a moment")
        return await real(one)

    arena.context.store.commit = commit  # type: ignore[method-assign]  # the answer is recorded, the end is not
    body = {"answer": "no_and_end"}
    assert arena.person("POST", f"/me/v1/confirmations/{invitation}", body, cookie=arena.anna.cookie).json()["code"] == "fault.store"
    arena.context.store.commit = real  # type: ignore[method-assign]
    assert reply.again().state == "declined"
    assert task.ask("order.read", {"order_id": "W1"}).codes == ["task.ended"]
    assert arena.recorded("task.ended")["envelope"]["reason"] == "customer_declined"


@pytest.mark.proves("CONFIRM-LESS", "FATIGUE")
def test_less_takes_the_place_of_what_waits_and_is_no_further_question() -> None:
    with open_arena(catalogue=catalogue(floor={"payment": ["customer", "officer:billing"]}), policies=None) as arena:
        wanted = mandate()
        wanted["powers"][2]["uses"] = 20
        task = arena.task(wanted)
        replies = [task.ask("order.return", BOTH) for _ in range(5)]
        assert task.ask("order.return", BOTH).codes == ["confirmation.too_many"]
        less = arena.desk.officer("otto", roles=["billing"]).offer_less(replies[0], SEND_BACK)
        assert (less.decision, list(less.who)) == ("needs_human", ["customer"])
        assert len(arena.anna.waiting()) == 5


@pytest.mark.proves("P18", "TASK-END")
def test_a_branch_is_dead_with_the_task_above_though_ending_it_fails() -> None:
    with Sandbox(SHOP, facts=SHOP_FACTS) as desk:
        customer = desk.customer("yu")
        top, bottom = desk.agent("top", operator="courier"), desk.agent("bottom", operator="courier")
        wanted = branch({"power": "represent"}, note(uses=5), chain=1, chain_operators=["courier"], max_tasks=3)
        granted = customer.grant(top, wanted)
        task = top.open(granted)
        handed = hand_on(top, bottom, granted.id, branch(note(uses=3)))["mandate"]
        below = bottom.open(handed)
        assert desk.desk is not None
        store = desk.desk.context.store
        real, seen = store.commit, []

        async def commit(one: Commit) -> Committed:
            if seen and any(put.record.KIND == "task" for put in one.puts):
                raise Fault(Code.FAULT_STORE, "the store is gone for a moment")
            seen.extend(put for put in one.puts if put.record.KIND == "task")
            return await real(one)

        store.commit = commit  # type: ignore[method-assign]  # the task above ends, the one below is not ended with it
        with pytest.raises(Unavailable):
            task.complete()
        store.commit = real  # type: ignore[method-assign]
        assert seen
        assert below.ask("order.note", {"order_id": "W1"}).codes == ["task.ended"]


def _with_text() -> dict[str, Any]:
    """The pack's catalogue, whose offers have a text."""
    rules = catalogue()
    rules["action"]["offer.accept"]["params"]["properties"]["note"] = {"title": "Note", "x-free-text": True}
    rules["objective"]["return-item"]["actions"].append("offer.accept")
    return rules


@pytest.mark.proves("OUTBOUND", "OFFERS")
def test_a_text_in_an_offers_terms_tells_no_more_than_a_reply() -> None:
    with open_arena(catalogue=_with_text(), policies=None) as arena:
        found, task = arena.granted()
        olga = arena.desk.officer("olga", roles=["billing"])
        path, terms = f"/desk/v1/cases/{task.case}/offers", {"kind": "goodwill credit", "order_id": "W1", "amount": "5.00 EUR"}
        offer = {"action": "offer.accept", "terms": {**terms, "note": "For Anna, born on 17 April 1988."}}
        assert arena.person("POST", path, offer, cookie=olga.cookie).json()["code"] == "reply.withheld"
        assert task.inbox() == []
        offer["terms"] = {**terms, "note": "Since the order status was delivered late."}
        with arena.unchanged():
            assert arena.person("POST", path, offer, cookie=olga.cookie).is_success
        assert [one["offer"]["terms"]["amount"] for one in task.inbox()] == ["5.00 EUR"]
        narrower = mandate()
        narrower["powers"][1]["attributes"] = ["order.items"]
        arena.anna.narrow(found, narrower)
        told = arena.send(task, f"/v1/tasks/{task.id}/inbox", method="GET")
        assert "delivered" not in told.text
        assert told.json()["messages"][0]["withheld"] == 1


SPELLED = [
    "She was born on the 17th of April, 1988.",
    "Born 17.04.88.",
    "Geboren am 17. April 1988.",
    "Her credit is €1,250.",
    "Her credit is 1.250,00 EUR.",
    "It went to Lindenweg 4.",
    "The other one is Bjo\u0308rn Mu\u0308ller.",
    "The other one is Bjoern Mueller.",
    "Call 040 1234567.",
    "Write to anna [at] mail.example",
    "The policy is AB 12 3456.",
]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", SPELLED)
def test_what_may_not_be_told_is_found_however_it_is_spelled(text: str) -> None:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"] |= {
        "account.credit": "1250.00 EUR",
        "account.state": "AB-12-3456",
        "booking.passengers": ["Bj\u00f6rn M\u00fcller"],
        "contact.phone": "+49 40 1234567",
    }
    with open_arena(facts=facts) as arena:
        task = arena.task()
        olga = arena.desk.officer("olga", roles=["billing"])
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie)
        assert answer.json()["code"] == "reply.withheld"
        assert task.inbox() == []


def _told_lines(rendering: dict[str, Any]) -> str:
    return "\n".join(text for line in rendering["lines"] for text in (line["text"], *line["details"]))


@pytest.mark.proves("CONFIRM-SIGNED")
@pytest.mark.parametrize("address", ["\u0410\u0440\u0440\u04cf\u0435 Store, Box 7", "\uff41nna@mail.example"])
def test_a_recipient_that_only_looks_like_another_is_told_to_whoever_signs(address: str) -> None:
    rules = catalogue()
    rules["objective"]["return-item"]["actions"].append("order.change_address")
    with open_arena(catalogue=rules, policies=None) as arena:
        wanted = mandate()
        wanted["powers"].append({"power": "request", "actions": ["order.change_address"]})
        task = arena.task(wanted)
        reply = task.ask("order.change_address", {"order_id": "W1", "address": address})
        shown = arena.anna.get(f"/me/v1/confirmations/{arena.anna.invitation(reply)}")["rendering"]
        assert "aren't what they look like" in _told_lines(shown)
        wanted["powers"][-1]["where"] = {"address": {"equals": address}}
        granted = render_mandate(read_mandate(wanted, arena.context.catalogue, now=Instant(arena.clock.now())), arena.context.catalogue, {})
        assert "aren't what they look like" in _told_lines({"lines": [line_json(line) for line in granted.lines]})


@pytest.mark.proves("CONFIRM-SIGNED")
@pytest.mark.parametrize(
    "address", ["M\u00fcllerstra\u00dfe 4, K\u00f6ln", "\u0443\u043b\u0438\u0446\u0430 \u041b\u0435\u043d\u0438\u043d\u0430 5"]
)
def test_an_address_in_its_own_letters_is_no_warning(address: str) -> None:
    assert lookalike_warning(address, ENGLISH) == ()


@pytest.mark.proves("WORDS")
@pytest.mark.parametrize("said", ["and for W-10043 too", "and for W 10043", "then w_10043 as well"])
def test_another_order_is_found_with_its_letters_set_apart(said: str) -> None:
    facts, wanted = deepcopy(FACTS), mandate()
    facts["owners"]["order"]["W10042"] = "anna"
    wanted["objective"]["target"] = {"order": ["W10042"]}
    with open_arena(facts=facts) as arena:
        task = arena.task(wanted)
        asked = {"order_id": "W10042", "item_ids": ["i1"]}
        assert task.ask("order.return", asked, words=f"I want to send back i1 of W10042, {said}.").codes == ["words.contradicts"]
        for honest in ("I want to send back i1 of W-10042.", "I want to send back i1 of W10042, it came at 5 pm 12 days ago."):
            assert task.ask("order.return", asked, words=honest).needs_human


@pytest.mark.proves("WITHHELD", "P12")
@pytest.mark.parametrize("effect", ["read", "write"])
def test_an_attribute_inside_the_value_of_another_is_cut_like_itself(arena: Arena, effect: str) -> None:
    inside = [{"text": "delivered", "order.shipping_address": "Lindenweg 4", "more": {"identity.birth_date": "1988-04-17"}}]

    async def does(*_: object, **__: object) -> ActResult:
        return ActResult(state=ActOutcome.DONE, values={"order.status": inside})

    task = arena.task()
    arena.backoffice.perform = arena.backoffice.read = does  # type: ignore[method-assign,assignment]  # a desk that nests
    asked = task.ask("order.read", {"order_id": "W1"}) if effect == "read" else task.ask("order.return", SEND_BACK)
    reply = asked if effect == "read" else arena.anna.confirm(asked)
    assert (reply.result, reply.withheld) == ({"order.status": [{"text": "delivered", "more": {}}]}, 2)
    written = arena.entries("reply.sent" if effect == "read" else "act.performed")[-1]["agent"]
    assert "1988" not in str(written)
    assert "Lindenweg" not in str((written, reply.body))
