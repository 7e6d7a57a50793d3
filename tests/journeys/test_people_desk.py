"""An officer over the JSON twins: the card of a case, a reply that cannot leak, offers, and who may do none of it."""

import copy
from typing import Any

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxTask

SECRET = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


@pytest.fixture
def olga(desk: Sandbox) -> SandboxPerson:
    return desk.officer("olga", ["billing"], name="Olga Frey")


def test_the_card_says_of_whom_and_what_may_and_may_not_be_told(olga: SandboxPerson, task: SandboxTask) -> None:
    row = olga.get("/desk/v1/cases")["cases"][0]
    card = olga.get(f"/desk/v1/cases/{row['case']}")
    assert (row["case"], card["customer_name"], card["operator"], card["tier"]) == (task.case, "Anna Berg", "helper.example", "known")
    assert [one["name"] for one in card["told"]] == ["order.address", "order.items", "order.status"]
    assert {"identity.birth_date", "contact.phone", "account.credit"} <= {one["name"] for one in card["not_told"]}
    assert [line["place"] for line in card["may"]["lines"] if line["kind"] == "power"] == [0, 1, 2, 3, 4, 5]
    assert card["open"] is True


def test_a_reply_reaches_the_inbox_the_ticket_and_the_record(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    sent = olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": "Your order W1001 was delivered; please send the kettle back."})
    assert (sent["n"], sent["kind"], sent["withheld"]) == (1, "reply", 0)
    assert [(one["n"], one["text"]) for one in task.inbox()] == [(1, sent["text"])]
    notes = olga.get(f"/desk/v1/cases/{task.case}")["notes"]
    assert [(one["author"], one["public"]) for one in notes] == [("officer:olga", True)]
    entry = next(one for one in desk.transcript() if one["kind"] == "reply.sent")
    assert entry["agent"]["text"] == sent["text"]
    assert entry["desk"]["by"] == "olga"


@pytest.mark.parametrize(
    ("text", "why", "name"),
    [
        ("She was born on 17 April 1988.", "attribute", "identity.birth_date"),
        ("Born 17.04.1988, as on file.", "attribute", "identity.birth_date"),
        ("Call her on +49 (40) 555-0100.", "attribute", "contact.phone"),
        ("It goes to LINDENWEG 4, 20095 hamburg.", "attribute", "order.address"),
        ("There are 12.50 EUR of credit left.", "attribute", "account.credit"),
        (f"Use the key {SECRET} for it.", "secret", ""),
        ("Look at https://acme.example/track?id=7", "link", ""),
    ],
)
def test_what_the_agent_may_not_be_told_is_not_sent(
    olga: SandboxPerson, desk: Sandbox, task: SandboxTask, text: str, why: str, name: str
) -> None:
    answered = desk.room.raw("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie, check=False)
    told = answered.json()
    assert (answered.status_code, told["code"]) == (422, "reply.withheld")
    held = [one for one in told["held"] if one["why"] == why or (why == "attribute" and one["why"] == "secret")]
    assert held
    assert not name or name in {one["name"] for one in told["held"]} or held[0]["why"] == "secret"
    assert "[withheld]" in told["left"]
    assert task.inbox() == []
    assert olga.get(f"/desk/v1/cases/{task.case}")["notes"] == []


def test_the_marked_parts_can_be_left_out(olga: SandboxPerson, task: SandboxTask) -> None:
    text = "Delivered. It went to Lindenweg 4, 20095 Hamburg."
    sent = olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": text, "withhold": True})
    assert (sent["text"], sent["withheld"]) == ("Delivered. It went to [withheld].", 1)
    assert [one["withheld"] for one in task.inbox()] == [1]


def test_a_sensitive_value_can_be_told_once_the_customer_agreed_to_tell_it(
    anna: SandboxCustomer, olga: SandboxPerson, task: SandboxTask
) -> None:
    text = {"text": "It goes to Lindenweg 4, 20095 Hamburg."}
    assert olga.post(f"/desk/v1/cases/{task.case}/check", text)["held"] != []
    assert anna.confirm(task.ask("order.read", {"order_id": "W1001"})).outcome == "done"
    assert olga.post(f"/desk/v1/cases/{task.case}/check", text)["held"] == []


def test_facts_that_cannot_be_read_let_nothing_out(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    assert desk.desk is not None
    backoffice: Any = desk.desk.backoffice
    backoffice.set_unavailable(True)
    answered = desk.room.raw("POST", f"/desk/v1/cases/{task.case}/reply", {"text": "Hello."}, cookie=olga.cookie, check=False)
    assert answered.json()["code"] == "fault.backoffice"
    backoffice.set_unavailable(False)
    assert task.inbox() == []


def test_nothing_reaches_an_agent_whose_task_has_ended(olga: SandboxPerson, task: SandboxTask) -> None:
    task.complete()
    with pytest.raises(Refused) as problem:
        olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": "Hello."})
    assert problem.value.code == "task.ended"
    olga.post(f"/desk/v1/cases/{task.case}/notes", {"text": "Seen."})
    assert [one["public"] for one in olga.get(f"/desk/v1/cases/{task.case}")["notes"]] == [False]


def test_an_offer_is_accepted_by_id_and_digest_once_within_the_mandate(
    anna: SandboxCustomer, olga: SandboxPerson, task: SandboxTask
) -> None:
    made = olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": {"amount": "15.00 EUR"}})
    told = task.inbox()[0]["offer"]
    assert (told["offer_id"], told["digest"], told["terms"]) == (made["offer_id"], made["digest"], {"amount": "15.00 EUR"})
    wanted = {"offer_id": told["offer_id"], "digest": told["digest"]}
    assert task.ask("offer.accept", {**wanted, "amount": "19.00 EUR"}).codes == ("offer.unknown",)
    reply = task.ask("offer.accept", wanted)
    assert reply.who == ("customer",)
    shown = anna.get(f"/me/v1/confirmations/{anna.invitation(reply)}")
    assert any("€15.00" in line["text"] for line in shown["rendering"]["lines"])
    assert anna.confirm(reply).outcome == "done"
    assert olga.get(f"/desk/v1/cases/{task.case}")["offers"][0]["state"] == "used"
    over = olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": {"amount": "25.00 EUR"}})
    assert task.ask("offer.accept", {"offer_id": over["offer_id"], "digest": over["digest"]}).codes == ("mandate.limit_exceeded",)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "payment.refund", "terms": {"amount": "5.00 EUR"}}, "request.malformed"),
        ({"action": "offer.accept", "terms": {}}, "request.malformed"),
        ({"action": "offer.accept", "terms": {"amount": "5"}}, "params.invalid"),
        ({"action": "offer.accept", "terms": {"amount": "5.00 EUR", "digest": "x"}}, "request.malformed"),
        ({"action": "offer.accept", "terms": {"amount": "5.00 EUR"}, "ttl_s": 0}, "request.malformed"),
    ],
)
def test_an_offer_that_fits_no_action_is_not_made(olga: SandboxPerson, task: SandboxTask, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as problem:
        olga.post(f"/desk/v1/cases/{task.case}/offers", body)
    assert problem.value.code == code
    assert task.inbox() == []


def test_closing_the_case_ends_the_task(olga: SandboxPerson, task: SandboxTask) -> None:
    assert olga.post(f"/desk/v1/cases/{task.case}/close", {})["tasks"] == [task.id]
    assert task.ask("order.note", {"order_id": "W1001"}).codes == ("task.ended",)
    assert olga.get(f"/desk/v1/cases/{task.case}")["open"] is False


def test_a_secret_gets_into_no_internal_note_either(olga: SandboxPerson, task: SandboxTask) -> None:
    with pytest.raises(Refused) as problem:
        olga.post(f"/desk/v1/cases/{task.case}/notes", {"text": f"their key is {SECRET}"})
    assert problem.value.code == "words.secret"


def test_customers_and_officers_without_a_desk_role_see_no_case(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    auditor = desk.officer("ada", ["audit"])
    for person in (anna, auditor):
        for path in ("/desk/v1/cases", f"/desk/v1/cases/{task.case}"):
            with pytest.raises(Refused) as problem:
                person.get(path)
            assert problem.value.code == "person.not_allowed"
        with pytest.raises(Refused) as problem:
            person.post(f"/desk/v1/cases/{task.case}/reply", {"text": "Hello."})
        assert problem.value.code == "person.not_allowed"


@pytest.mark.proves("OFFERS")
def test_an_officer_offers_within_the_limits_of_their_roles_and_sees_them() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    catalogue["role"]["guard"] = {"title": "Guard", "offers": {}}
    with Sandbox(catalogue, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(desk.customer("anna", name="Anna Berg").grant(agent, copy.deepcopy(MANDATE)))
        olga, gus = desk.officer("olga", ["billing"]), desk.officer("gus", ["guard"])
        path = f"/desk/v1/cases/{task.case}/offers"
        for officer, amount, said in (
            (olga, "10.01 EUR", "offer up to 10.00 EUR in one case"),
            (olga, "1.00 USD", "offer up to"),
            (gus, "1.00 EUR", "can't make this offer"),
        ):
            with pytest.raises(Refused) as problem:
                officer.post(path, {"action": "offer.accept", "terms": {"amount": amount}})
            assert problem.value.code == "person.not_allowed"
            assert said in str(problem.value)
        assert task.inbox() == []
        assert not [one for one in desk.transcript() if one["kind"] == "offer.made"]
        olga.post(path, {"action": "offer.accept", "terms": {"amount": "10.00 EUR"}})
        assert [one["kind"] for one in task.inbox()] == ["offer"]


def test_an_offer_that_could_never_be_carried_out_is_not_made() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["action"]["offer.accept"]["offer_required"] = ["kind"]
    with Sandbox(catalogue, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        customer = desk.customer("anna", name="Anna Berg")
        task = agent.open(customer.grant(agent, copy.deepcopy(MANDATE)))
        olga = desk.officer("olga", ["billing"])
        path = f"/desk/v1/cases/{task.case}/offers"
        with pytest.raises(Refused) as problem:
            olga.post(path, {"action": "offer.accept", "terms": {"amount": "5.00 EUR"}})
        assert problem.value.code == "params.invalid"
        assert "'kind'" in str(problem.value)
        assert problem.value.cure
        assert task.inbox() == []
        made = olga.post(path, {"action": "offer.accept", "terms": {"amount": "5.00 EUR", "kind": "goodwill"}})
        reply = task.ask("offer.accept", {"offer_id": made["offer_id"], "digest": made["digest"]})
        shown = customer.get(f"/me/v1/confirmations/{customer.invitation(reply)}")
        with pytest.raises(Refused) as problem:
            customer.post(f"/me/v1/confirmations/{customer.invitation(reply)}/less", {"params": {**shown["params"], "amount": "4.00 EUR"}})
        assert problem.value.code == "params.invalid"
        assert customer.confirm(reply).outcome == "done"
