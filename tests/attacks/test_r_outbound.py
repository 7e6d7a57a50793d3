"""What leaves through the desk's own people: an officer's text, and where a ticket's mail would go.

Source: docs/model/model.md#outbound.
"""

from copy import deepcopy

import pytest

from attacks.arena import FACTS, Arena, mandate, open_arena

UNSENT = [
    "She was born on 17 April 1988.",
    "It went to LINDENWEG 4, 20095 hamburg.",
    "Use sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc for it.",
    "The code for her login is 493817: one-time code 493817.",
    "Look at https://acme.example/track?id=7",
]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", UNSENT)
def test_what_an_agent_may_not_be_told_no_officer_tells_it(arena: Arena, text: str) -> None:
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    with arena.unchanged():
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie)
        assert answer.json()["code"] == "reply.withheld"
    assert task.inbox() == []
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("OUTBOUND")
def test_an_officers_text_that_cannot_be_held_against_the_facts_is_not_sent(arena: Arena) -> None:
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    arena.backoffice.set_unavailable(True)
    with arena.unchanged():
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": "We look into it."}, cookie=olga.cookie)
        assert answer.json()["code"] == "fault.backoffice"
    arena.backoffice.set_unavailable(False)
    assert task.inbox() == []
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("PUBLIC-TEXT")
def test_the_helpdesks_own_mail_reaches_nobody_but_remit(arena: Arena) -> None:
    task = arena.task()
    case = arena.run(arena.helpdesk.read(task.case))
    assert case.requester == arena.context.terms.requester
    people = {"mail.example", task.agent.client_id, task.agent.operator, "anna"}
    assert not any(one in case.requester for one in people)


def _two_orders(*, sensitive: bool) -> tuple[dict[str, object], dict[str, object]]:
    """Facts with another order of Anna's that goes elsewhere, and a mandate for the first with its address in it."""
    facts, wanted = deepcopy(FACTS), mandate()
    facts["attributes"]["order"]["W2"] = {
        "order.status": "pending",
        "order.shipping_address": "Geheimgasse 9, 10115 Berlin",
        "order.total": "71.50 EUR",
        "order.items": ["i7"],
    }
    wanted["powers"][1]["attributes"] += ["order.shipping_address"] if sensitive else ["order.total"]
    return facts, wanted


@pytest.mark.proves("OUTBOUND", "MANDATE-TARGET")
def test_what_is_covered_of_the_target_is_not_told_of_the_customers_other_records() -> None:
    facts, wanted = _two_orders(sensitive=False)
    with open_arena(facts=facts) as arena:
        task = arena.task(wanted)
        olga = arena.desk.officer("olga", roles=["billing"])
        path = f"/desk/v1/cases/{task.case}/reply"
        told = arena.person("POST", path, {"text": "The other one was 71.50 EUR."}, cookie=olga.cookie)
        assert told.json()["code"] == "reply.withheld"
        # How its own order stands, and words that are said of many things, it may be told.
        assert arena.person("POST", path, {"text": "It was delivered, the refund is pending."}, cookie=olga.cookie).is_success
        assert [message["text"] for message in task.inbox()] == ["It was delivered, the refund is pending."]


@pytest.mark.proves("OUTBOUND", "MANDATE-TARGET")
def test_a_yes_to_telling_one_value_is_none_to_telling_another() -> None:
    facts, wanted = _two_orders(sensitive=True)
    with open_arena(facts=facts) as arena:
        task = arena.task(wanted)
        olga = arena.desk.officer("olga", roles=["billing"])
        path = f"/desk/v1/cases/{task.case}/reply"
        read = task.ask("order.read", {"order_id": "W1"})
        assert read.who == ("customer",)
        assert arena.anna.confirm(read).result["order.shipping_address"] == "Lindenweg 4, 20095 Hamburg"
        assert arena.person("POST", path, {"text": "It went to Lindenweg 4, 20095 Hamburg."}, cookie=olga.cookie).is_success
        other = arena.person("POST", path, {"text": "The other went to Geheimgasse 9, 10115 Berlin."}, cookie=olga.cookie)
        assert other.json()["code"] == "reply.withheld"
        assert len(task.inbox()) == 1
