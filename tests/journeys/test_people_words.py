"""What people read: records by their names, acts in plain words, nothing that only a program understands."""

import copy
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.domain.policy.confirmers import Enrolment
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxTask
from remit.usecases.people import admit

OLD = "—"
REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RETURN = {"order_id": "W1001", "item_ids": ["i1", "i2"]}


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"] |= {"care": {"title": "Care", "offers": {"offer.accept": "100.00 EUR"}}}
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "1000.00 EUR"}
    catalogue["action"]["offer.accept"]["title"] = "Accept offer {offer_id} ({kind}) of {amount}"
    catalogue["action"]["offer.accept"]["params"]["properties"]["kind"] = {"enum": ["goodwill_credit", "late_return"]}
    with Sandbox(catalogue, facts=FACTS) as sandbox:
        yield sandbox


def read(desk: Sandbox, path: str, person: SandboxPerson) -> str:
    """What stands on a page, without its markup."""
    answered = desk.room.raw("GET", path, cookie=person.cookie, check=False)
    assert answered.status_code == 200, answered.text
    shown = re.sub(r"<script.*?</script>", "", answered.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", shown)))


def consent_page(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, wanted: dict[str, Any]) -> str:
    return read(desk, f"/oauth/authorize?request_uri={agent.push(wanted)[0]}", anna)


def test_consent_names_what_it_is_about_in_plain_words(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    shown = consent_page(desk, anna, agent, copy.deepcopy(MANDATE))
    for said in (
        "Only for order W1001 (“Kettle and desk lamp”)",
        "Send back items of an order, once",
        "item_ids: only these: i1 (Kettle), i2 (“Desk lamp”)",
        "payment_method_id: one of pm_7 (“Card ending 4242”), pm_8 (“Gift card”)",
    ):
        assert said in shown


def test_the_signed_words_of_a_mandate_are_those_of_the_page(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    signed = anna.get(f"/me/v1/requests/{request_uri.rpartition(':')[2]}")["rendering"]["lines"]
    shown = read(desk, f"/oauth/authorize?request_uri={request_uri}", anna)
    for line in signed:
        if line["kind"] == "power":
            assert all(text in shown for text in (line["text"], *line["details"]))
    mandate = anna.grant(agent, copy.deepcopy(MANDATE))
    assert "i1 (Kettle)" in read(desk, f"/me/mandates/{mandate.id}", anna)


def test_what_is_not_the_customers_own_is_named_nowhere(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    desk.replace_facts({**FACTS, "owners": {**FACTS["owners"], "payment_method": {"pm_7": "bram", "pm_8": "anna"}}})
    asked = copy.deepcopy(MANDATE)
    shown = consent_page(desk, anna, agent, asked)
    assert "one of pm_7, pm_8 (“Gift card”)" in shown
    asked["objective"]["target"]["order"] = ["W2002"]
    assert "Ring" not in consent_page(desk, anna, agent, asked)
    task = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    task.ask("order.return", {"order_id": "W2002", "item_ids": ["i1"]})
    task.ask("payment.refund", REFUND)
    told = read(desk, "/me", anna)
    assert "Send back items i1 of order W2002" in told
    assert "Ring" not in told
    assert "4242" not in told


def test_what_is_confirmed_and_what_was_done_is_told_with_names(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("order.return", RETURN)
    act = "Send back items “Kettle”, “Desk lamp” of order “Kettle and desk lamp”"
    with_ids = "Send back items i1 (Kettle), i2 (“Desk lamp”) of order W1001 (“Kettle and desk lamp”)"
    shown = read(desk, f"/confirm/{anna.invitation(reply)}", anna)
    assert f"{act}?" in shown
    assert shown.count("i2 (“Desk lamp”)") == 2, "among the params, and where it can be left out"
    assert anna.confirm(reply).outcome == "done"
    refund = task.ask("payment.refund", REFUND)
    assert f"Earlier under this permission: {with_ids}" in read(desk, f"/confirm/{anna.invitation(refund)}", anna)
    for path in ("/me", "/me/history"):
        told = read(desk, path, anna)
        assert f" · {act} · done" in told
        assert " asks to refund €40.00 for order “Kettle and desk lamp” to “Card ending 4242” · waiting for you" in told
    assert act in read(desk, f"/desk/cases/{task.case}", desk.officer("olga", ["billing"]))


def test_the_history_is_told_without_names_while_the_desk_cannot_be_reached(
    desk: Sandbox, anna: SandboxCustomer, task: SandboxTask
) -> None:
    anna.confirm(task.ask("order.return", RETURN))
    assert desk.desk is not None
    assert isinstance(desk.desk.backoffice, SandboxBackoffice)
    desk.desk.backoffice.set_unavailable(True)
    assert " · Send back items i1, i2 of order W1001 · done" in read(desk, "/me", anna)


def test_an_offer_is_told_by_its_terms_and_its_number_is_no_secret(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    asked = copy.deepcopy(MANDATE)
    asked["powers"] = asked["powers"][:2]
    task = agent.open(anna.grant(agent, asked))
    olga = desk.officer("olga", ["billing"])
    terms = {"amount": "15.00 EUR", "kind": "goodwill_credit"}
    made = olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": terms})
    refused = task.ask("offer.accept", {"offer_id": made["offer_id"], "digest": made["digest"]})
    assert refused.codes == ("mandate.power_missing",)
    for shown in (read(desk, "/me", anna), read(desk, f"/desk/cases/{task.case}", olga)):
        assert f"Accept offer {made['offer_id']} " in shown
        assert "removed]" not in shown
        assert OLD not in shown
        assert "Amount: €15.00, Kind: Goodwill credit" in shown


def test_the_card_of_a_case_tells_the_widest_limit_and_choices_in_words(desk: Sandbox, task: SandboxTask) -> None:
    shown = read(desk, f"/desk/cases/{task.case}", desk.officer("olga", ["billing", "care"]))
    assert "Your role can offer up to €1,000.00." in shown
    assert "Goodwill credit" in shown
    assert "Late return" in shown
    assert "_" not in shown.partition("Make an offer")[2].partition("Send offer")[0]


def test_a_customer_reads_of_a_one_time_link_and_auditors_alone_of_roles(desk: Sandbox, anna: SandboxCustomer) -> None:
    assert desk.desk is not None
    desk.room.thread.run(admit.issue_invitation(desk.desk.context, "anna", how=Enrolment.VOUCHED, ttl_s=600, by="admin"))
    sam, lee, ada = desk.officer("sam", ["security"]), desk.officer("lee", ["security"]), desk.officer("ada", ["audit"])
    sam.post("/security/v1/people", {"id": "nia", "kind": "officer", "name": "Nia"})
    proposal = sam.post("/security/v1/people/nia/roles", {"roles": ["billing"], "reason": "joined"})["proposal"]["proposal"]
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    told = read(desk, "/me", anna)
    assert "A one-time link to add a passkey was created." in told
    assert "role" not in told
    assert "A team member's roles were changed. Now: Billing officer" in read(desk, "/audit", ada)
