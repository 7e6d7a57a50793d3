"""A customer over the JSON twins: enrolling, consenting to less, confirming, lessening, contesting, taking it back."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.people import SandboxCustomer
from remit.sandbox.workloads import SandboxAgent

AGENT = "spiffe://helper.example/shop"


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    return desk.customer("anna", email="anna@mail.example", name="Anna Berg")


@pytest.fixture
def agent(desk: Sandbox) -> SandboxAgent:
    return desk.agent(AGENT, name="Helper")


def mandate(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(MANDATE), **changes}


def code_of(problem: Any) -> str:
    return str(problem.value.code)


def test_what_is_struck_and_lowered_is_what_is_granted(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    cut = mandate()
    del cut["powers"][2]
    cut["powers"][3]["where"]["amount"]["max"] = "60.00 EUR"
    granted = anna.grant(agent, mandate(), cut=cut)
    assert [power["power"] for power in granted.granted["powers"]] == ["represent", "receive", "request", "request", "accept"]
    task = agent.open(granted)
    over = task.ask("payment.refund", {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "60.01 EUR"})
    assert over.codes == ("mandate.limit_exceeded",)


def test_a_cut_that_adds_anything_is_refused(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    wider = mandate()
    wider["powers"][4]["where"]["amount"]["max"] = "500.00 EUR"
    with pytest.raises(Refused) as problem:
        anna.grant(agent, mandate(), cut=wider)
    assert code_of(problem) == "mandate.invalid"


def test_somebody_elses_record_cannot_be_chosen(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    foreign = mandate(objective={**MANDATE["objective"], "target": {"order": ["W2002"]}})
    with pytest.raises(Refused) as problem:
        anna.grant(agent, mandate(), cut=foreign)
    assert code_of(problem) == "params.not_owned"


def test_a_record_of_ones_own_can_be_chosen_instead_of_a_foreign_one(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    asked = mandate(objective={**MANDATE["objective"], "target": {"order": ["W2002"]}})
    own = mandate(objective={**MANDATE["objective"], "target": {"order": ["W1003"]}})
    granted = anna.grant(agent, asked, cut=own)
    assert granted.granted["objective"]["target"] == {"order": ["W1003"]}


def test_the_rendering_signed_names_the_place_of_every_power(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    granted = anna.grant(agent, mandate())
    places = [line["place"] for line in granted.shown["rendering"]["lines"] if line["kind"] == "power"]
    assert places == list(range(len(MANDATE["powers"])))


def test_a_challenge_of_another_cut_signs_nothing(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(mandate())
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    whole = anna.get(path)
    cut = mandate(powers=MANDATE["powers"][:2])
    lesser = anna.post(path, {"answer": "cut", "mandate": cut})
    with pytest.raises(Refused) as problem:
        anna.post(path, {"answer": "grant", "ceremony": whole["ceremony"], "assertion": anna.passkey.get(lesser["options"])})
    assert code_of(problem) == "credential.wrong_key"


def test_declining_grants_nothing_and_is_on_the_record(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(mandate())
    answered = anna.post(f"/me/v1/requests/{request_uri.rpartition(':')[2]}", {"answer": "decline"})
    assert "error=access_denied" in answered["redirect"]
    assert anna.get("/me/v1/mandates")["mandates"] == []
    assert anna.get("/me/v1/history")["entries"][0]["kind"] == "mandate.declined"


def test_yes_no_and_less_each_do_what_they_say(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    task = agent.open(anna.grant(agent, mandate()))
    refund = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
    first = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]})
    lesser = anna.offer_less(first, {"order_id": "W1001", "item_ids": ["i1"]})
    assert (lesser.outcome, first.again().state) == ("done", "countered")
    second = anna.confirm(task.ask("payment.refund", refund))
    assert second.outcome == "done"
    third = anna.decline(task.ask("payment.refund", {**refund, "amount": "30.00 EUR"}))
    assert third.codes == ("confirmation.declined",)


@pytest.mark.parametrize(
    "params",
    [
        {"order_id": "W1001", "item_ids": ["i1", "i2"]},
        {"order_id": "W1003", "item_ids": ["i1"]},
        {"order_id": "W1001", "item_ids": ["i1", "i3"]},
        {"order_id": "W1001", "item_ids": []},
    ],
)
def test_less_is_really_less(anna: SandboxCustomer, agent: SandboxAgent, params: Mapping[str, Any]) -> None:
    task = agent.open(anna.grant(agent, mandate()))
    reply = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]})
    with pytest.raises(Refused) as problem:
        anna.offer_less(reply, params)
    assert code_of(problem) == "params.invalid"


def test_nobody_else_sees_or_answers_a_confirmation(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    bram, olga = desk.customer("bram"), desk.officer("olga", ["billing"])
    task = agent.open(anna.grant(agent, mandate()))
    reply = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]})
    invitation = anna.invitation(reply)
    for other in (bram, olga):
        with pytest.raises(Refused) as problem:
            other.get(f"{other.base}/confirmations/{invitation}")
        assert code_of(problem) == "confirmation.wrong_person"
        with pytest.raises(Refused):
            other.post(f"{other.base}/confirmations/{invitation}", {"answer": "no"})
    assert anna.confirm(reply).outcome == "done"


def test_taking_a_mandate_back_ends_what_runs_and_what_waits(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    granted = anna.grant(agent, mandate())
    task = agent.open(granted)
    task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]})
    assert len(anna.waiting()) == 1
    assert anna.revoke(granted)["tasks"] == [task.id]
    assert anna.waiting() == []
    assert task.ask("order.note", {"order_id": "W1001"}).codes == ("task.ended",)
    assert anna.get("/me/v1/mandates")["mandates"][0]["state"] == "revoked"


def test_nobody_takes_back_or_narrows_somebody_elses_mandate(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    bram = desk.customer("bram")
    granted = anna.grant(agent, mandate())
    for path, body in ((f"/me/v1/mandates/{granted.id}/revoke", {}), (f"/me/v1/mandates/{granted.id}/narrow", granted.granted)):
        with pytest.raises(Refused) as problem:
            bram.post(path, body)
        assert code_of(problem) == "mandate.unknown"


def test_an_entry_is_contested_by_its_own_customer_alone(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    anna.grant(agent, mandate())
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    bram = desk.customer("bram")
    with pytest.raises(Refused) as problem:
        bram.post(f"/me/v1/entries/{entry}/contest", {"text": "not mine"})
    assert code_of(problem) == "request.not_found"
    assert anna.post(f"/me/v1/entries/{entry}/contest", {"text": "I never said that."})["entry"] == entry
    assert anna.get("/me/v1/contests")["contests"][0]["open"] is True


def test_a_second_passkey_is_listed_with_how_it_came(desk: Sandbox, anna: SandboxCustomer) -> None:
    begun = anna.post("/login/v1/enrol", {})
    second = SoftPasskey(desk.room.issuer)
    answered = {"ceremony": begun["ceremony"], "response": second.create(begun["options"]), "assertion": anna.passkey.get(begun["old"])}
    anna.post("/login/v1/enrol", {**answered, "label": "phone"})
    assert [(one["label"], one["how"]) for one in anna.get("/me/v1/passkeys")["passkeys"]] == [
        ("software passkey", "vouched"),
        ("phone", "old_passkey"),
    ]


def test_a_removed_passkey_signs_nobody_in_and_nothing_and_the_last_one_stays(desk: Sandbox, anna: SandboxCustomer) -> None:
    first = anna.get("/me/v1/passkeys")["passkeys"][0]["id"]
    with pytest.raises(Refused) as problem:
        anna.post(f"/me/v1/passkeys/{first}/remove", {})
    assert code_of(problem) == "request.conflict"
    begun = anna.post("/login/v1/enrol", {})
    second = SoftPasskey(desk.room.issuer)
    answered = {"ceremony": begun["ceremony"], "response": second.create(begun["options"]), "assertion": anna.passkey.get(begun["old"])}
    done = desk.room.raw("POST", "/login/v1/enrol", answered, cookie=anna.cookie)
    with pytest.raises(Refused) as problem:
        desk.customer("bram").post(f"/me/v1/passkeys/{first}/remove", {})
    assert code_of(problem) == "request.not_found"
    later = done.headers["set-cookie"].partition(";")[0]
    begun = desk.room.call("POST", f"/me/v1/passkeys/{first}/remove", {}, cookie=later)
    agreed = {"ceremony": begun["ceremony"], "assertion": second.get(begun["options"])}
    assert desk.room.call("POST", f"/me/v1/passkeys/{first}/remove", agreed, cookie=later)["signed_out"] == 1
    changes = desk.officer("sam", ["security"]).get("/security/v1/changes")["changes"]
    assert [one for one in changes if "passkey" in one["envelope"]] == [], "what customers change about their own account is theirs"
    with pytest.raises(Refused) as problem:
        anna.get("/me/v1")
    assert code_of(problem) == "person.not_signed_in"
    begun = desk.room.call("POST", "/login/v1/sign-in", {})
    with pytest.raises(Refused) as problem:
        desk.room.call("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": anna.passkey.get(begun["options"])})
    assert code_of(problem) == "person.not_signed_in"
    assert [one["id"] for one in desk.room.call("GET", "/me/v1/passkeys", cookie=later)["passkeys"]] != [first]


def test_a_passkey_by_link_says_until_when_it_waits(desk: Sandbox) -> None:
    young = desk.customer("bram", how="link")
    assert young.get("/me/v1/passkeys")["passkeys"][0]["waits_until"] is not None


def test_a_mandate_whose_tasks_were_all_opened_and_have_ended_is_exhausted(anna: SandboxCustomer, agent: SandboxAgent) -> None:
    granted = anna.grant(agent, mandate(max_tasks=2))

    def state() -> Any:
        return anna.get("/me/v1/mandates")["mandates"][0]["state"]

    agent.open(granted).complete()
    assert state() == "active"
    task = agent.open(granted)
    task.ask("order.note", {"order_id": "W1001"})
    assert state() == "active"
    task.complete()
    assert state() == "exhausted"
    with pytest.raises(Refused):
        agent.open(granted)
    anna.revoke(granted)
    assert state() == "revoked"
