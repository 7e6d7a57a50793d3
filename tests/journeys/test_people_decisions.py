"""An officer's decision over the JSON twins: filters, several declined, facts of the moment, macros, mentions, what is on hold."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.adapters.files.catalogue import load_catalogue
from remit.client.errors import Refused
from remit.domain.errors import Refused as RefusedSettings
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxReply, SandboxTask

RULES: list[dict[str, Any]] = [
    {"name": "refunds", "reason": "money leaves the house", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
    | {"then": {"role": "care", "due": "1h"}},
    {"name": "returns", "reason": "goods come back", "actions": ["order.return"], "roles": ["billing"], "due": "30m", "then": "refuse"},
]
MACROS = [{"name": "done", "title": "Refund done", "text": "Hello {agent}, we paid {customer} back ({case})."}]
SHOP: dict[str, Any] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": RULES,
    "macro": MACROS,
}


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(SHOP, facts=FACTS) as sandbox:
        yield sandbox


@pytest.fixture
def olga(desk: Sandbox) -> SandboxPerson:
    return desk.officer("olga", ["billing"], name="Olga Frey")


def refund(task: SandboxTask, amount: str) -> SandboxReply:
    return task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": f"{amount} EUR"})


def shown(person: SandboxPerson, query: str = "") -> list[list[str]]:
    return [one["amounts"] for one in person.get(f"/desk/v1/waiting{query}")["waiting"]]


def about(person: SandboxPerson, reply: SandboxReply) -> Any:  # JSON
    row = next(one for one in person.waiting() if one["ask"] == reply.ask)
    return person.get(f"/desk/v1/confirmations/{row['confirmation']}/about")


def test_a_queue_is_filtered_by_its_address(olga: SandboxPerson, task: SandboxTask) -> None:
    refund(task, "10.00")
    refund(task, "60.00")
    task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]})
    assert shown(olga) == [[], ["10.00 EUR"], ["60.00 EUR"]]
    assert [one["urgency"] for one in olga.waiting()] == ["calm", "calm", "calm"]
    assert shown(olga, "?min=50") == [["60.00 EUR"]]
    assert shown(olga, "?due=1h") == [[]]
    assert shown(olga, "?customer=anna+b") == shown(olga, "?agent=helper") == shown(olga, "?role=billing") == shown(olga)
    assert shown(olga, "?customer=bram") == shown(olga, "?agent=other") == shown(olga, "?role=care") == []
    large = olga.get("/desk/v1/waiting?min=50")["waiting"][0]["confirmation"]
    olga.post(f"/desk/v1/confirmations/{large}/take", {})
    assert shown(olga, "?state=mine") == [["60.00 EUR"]]
    assert len(shown(olga, "?state=free")) == 2
    for wrong in ("?min=much", "?due=never", "?state=odd"):
        with pytest.raises(Refused) as refused:
            olga.get(f"/desk/v1/waiting{wrong}")
        assert refused.value.code == "request.malformed"


def test_several_are_declined_each_with_its_own_result(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    first, second = refund(task, "10.00"), refund(task, "60.00")
    bea = desk.officer("bea", ["billing"], name="Bea Lund")
    rows = {one["ask"]: one["confirmation"] for one in olga.waiting()}
    bea.post(f"/desk/v1/confirmations/{rows[second.ask]}/take", {})
    body = {"confirmations": [rows[first.ask], rows[second.ask], "cnf_unknown", rows[first.ask]]}
    results = olga.post("/desk/v1/decline", body)["results"]
    told = [(one["confirmation"], one.get("state") or one["code"]) for one in results]
    assert told == [(rows[first.ask], "declined"), (rows[second.ask], "confirmation.taken"), ("cnf_unknown", "request.not_found")]
    assert first.again().codes == ("confirmation.declined",)
    assert second.again().needs_human
    for wrong in ({"confirmations": []}, {"confirmations": [f"cnf_{n}" for n in range(51)]}):
        with pytest.raises(Refused) as refused:
            olga.post("/desk/v1/decline", wrong)
        assert refused.value.code == "request.malformed"


def test_beside_a_decision_stand_the_facts_the_reasons_the_case_and_the_agent(
    olga: SandboxPerson, task: SandboxTask, anna: SandboxCustomer
) -> None:
    task.ask("order.read", {"order_id": "W1003"})
    reply = refund(task, "40.00")
    anna.confirm(reply)
    told = about(olga, reply)
    order, card = told["facts"]["records"]
    assert (order["name"], {one["name"]: one["value"] for one in order["values"]}) == (
        "Kettle and desk lamp",
        {"order.status": "delivered", "order.items": ["kettle", "lamp"]},
    )
    assert (card["name"], card["values"], told["facts"]["unreadable"]) == ("Card ending 4242", [], "")
    assert (told["why"]["sent"], told["why"]["rule"], told["why"]["reason"]) == ("rule", "refunds", "money leaves the house")
    assert [(one["as"], one["name"], one["answer"]) for one in told["answers"]] == [("customer", "Anna Berg", "yes")]
    assert told["waits_for"] == ["officer:billing"]
    assert told["case"]["case"] == task.case
    assert (told["agent"]["name"], told["agent"]["blocked"]) == ("Helper", 1)
    assert told["held"] is None
    assert told["macros"][0]["text"] == f"Hello Helper, we paid Anna Berg back ({task.case})."


def test_which_facts_are_shown_stands_in_the_catalogue(anna: SandboxCustomer) -> None:
    del anna
    listed = ["order.status", "order.address", "account.credit"]
    action = {**SHOP["action"]["payment.refund"], "shown_to_officers": listed}
    changed = {**SHOP, "action": {**SHOP["action"], "payment.refund": action}}
    with Sandbox(changed, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop")
        task = agent.open(desk.customer("anna").grant(agent, copy.deepcopy(MANDATE)))
        told = about(desk.officer("olga", ["billing"]), refund(task, "40.00"))["facts"]
        assert [one["name"] for one in told["records"][0]["values"]] == ["order.status", "order.address"]
        assert [(one["name"], one["value"]) for one in told["customer"]] == [("account.credit", "12.50 EUR")]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"action": {"payment.refund": {"shown_to_officers": ["order.colour"]}}}, "no attribute 'order.colour' is declared"),
        (
            {"attribute": {"order.colour": {"title": "colour"}}, "action": {"payment.refund": {"shown_to_officers": ["order.colour"]}}},
            "returns",
        ),
        ({"macro": [{**MACROS[0], "text": "Hello {name}"}]}, "{name} is no placeholder; use {agent}, {case}, {customer}"),
        ({"macro": [MACROS[0], MACROS[0]]}, "is the name of another macro"),
        ({"macro": [{**MACROS[0], "name": "Two words"}]}, "macro[0].name: is not one word"),
        ({"macro": [{**MACROS[0], "text": " "}]}, "macro[0].text: must be a text"),
        ({"macro": [{**MACROS[0], "text": "open {customer"}]}, "has a brace without its partner"),
    ],
)
def test_what_cannot_be_shown_or_filled_in_is_found_at_the_start(changed: dict[str, Any], said: str) -> None:
    data = {**SHOP, **{name: value for name, value in changed.items() if name == "macro"}}
    data["attribute"] = {**SHOP["attribute"], **changed.get("attribute", {})}
    actions = changed.get("action", {})
    data["action"] = {name: {**one, **actions.get(name, {})} for name, one in SHOP["action"].items()}
    with pytest.raises(RefusedSettings) as refused:
        load_catalogue(data, today=None)
    assert refused.value.code == "catalogue.invalid"
    assert said in refused.value.detail


def test_a_colleague_who_is_mentioned_sees_it_until_it_is_marked_as_seen(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    bea, cara = desk.officer("bea", ["billing"], name="Bea Lund"), desk.officer("cara", ["care"], name="Cara Diaz")
    refund(task, "40.00")
    confirmation = olga.waiting()[0]["confirmation"]
    olga.post(f"/desk/v1/confirmations/{confirmation}/hand", {"person": "bea", "note": "Please look, @Bea, and ask @anna or @olga."})
    olga.post(f"/desk/v1/cases/{task.case}/notes", {"text": "@Cara Diaz knows the parcel service."})
    (named,) = bea.get("/desk/v1/mentions")["mentions"]
    assert (named["name"], named["confirmation"], named["case"]) == ("Olga Frey", confirmation, task.case)
    assert [one["confirmation"] for one in cara.get("/desk/v1/mentions")["mentions"]] == [""]
    assert olga.get("/desk/v1/mentions")["mentions"] == []
    assert len(shown(bea, "?state=mentioned")) == 1
    assert bea.waiting()[0]["mentioned"]["name"] == "Olga Frey"
    with pytest.raises(Refused) as refused:
        cara.post(f"/desk/v1/mentions/{named['mention']}", {})
    assert refused.value.code == "request.not_found"
    bea.post(f"/desk/v1/mentions/{named['mention']}", {})
    assert bea.get("/desk/v1/mentions")["mentions"] == []
    assert shown(bea, "?state=mentioned") == []


def test_texts_of_earlier_acts_stand_beside_a_decision() -> None:
    shop = copy.deepcopy(SHOP)
    for action in ("order.return", "payment.refund"):
        shop["action"][action]["params"]["properties"]["why"] = {"title": "Why", "x-free-text": True, "maxLength": 200}
    with Sandbox(shop, facts=FACTS) as desk:
        olga, anna = desk.officer("olga", ["billing"], name="Olga Frey"), desk.customer("anna")
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
        returned = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"], "why": "The kettle leaks."})
        money = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "10.00 EUR", "why": "The lamp flickers."}
        for person in (anna, olga):
            person.confirm(returned)
        olga.decline(task.ask("payment.refund", money))
        assert returned.again().outcome == "done"
        reply = refund(task, "40.00")
        (written,) = about(olga, reply)["written"]
        assert (written["ask"], written["texts"]) == (returned.ask, ["The kettle leaks."])
        page = desk.room.raw("GET", f"/confirm/{olga.invitation(reply)}", cookie=olga.cookie).text
    assert "The kettle leaks." in page
    assert "The lamp flickers." not in page


def test_a_hand_over_stands_beside_the_decision_with_its_note(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    bea = desk.officer("bea", ["billing"], name="Bea Lund")
    reply = refund(task, "40.00")
    olga.post(f"/desk/v1/confirmations/{olga.waiting()[0]['confirmation']}/hand", {"person": "bea", "note": "You know her."})
    (handed,) = about(bea, reply)["handed"]
    assert (handed["name"], handed["to"], handed["note"]) == ("Olga Frey", "Bea Lund", "You know her.")


def test_the_page_says_what_stands_beside_the_decision(desk: Sandbox, olga: SandboxPerson, task: SandboxTask, agent: SandboxAgent) -> None:
    del agent
    reply = refund(task, "40.00")
    page = desk.room.raw(
        "GET", f"/confirm/{next(one for one in olga.waiting() if one['ask'] == reply.ask)['confirmation']}", cookie=olga.cookie
    )
    for said in ("Facts now", "delivered", "money leaves the house", "Kettle and desk lamp", "Reply to the agent", "Refund done"):
        assert said in page.text, said


def test_a_task_on_hold_is_said_above_the_decision_with_who_can_resume_it(
    desk: Sandbox, olga: SandboxPerson, task: SandboxTask, anna: SandboxCustomer
) -> None:
    desk.officer("sam", ["security"], name="Sam Hale")
    reply = refund(task, "40.00")
    path = f"/desk/v1/confirmations/{olga.waiting()[0]['confirmation']}"
    for _ in range(12):
        task.ask("order.read", {"order_id": "W2002"})
    held = olga.get(f"{path}/about")["held"]
    assert (held["signs"], held["people"]) == (["refusals"], ["Sam Hale"])
    page = desk.room.raw("GET", f"/confirm/{path.rpartition('/')[2]}", cookie=olga.cookie).text
    assert "Ask Sam Hale to review it on the page “Security”." in page
    assert 'data-answer="yes"' not in page
    assert 'data-answer="no"' in page
    anna.confirm(reply)
    with pytest.raises(Refused) as refused:
        olga.confirm(reply)
    assert refused.value.code == "task.held"
