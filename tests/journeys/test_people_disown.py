"""A customer says "this wasn't me": what it ends, what it leaves, and who is told."""

import copy
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer
from remit.sandbox.workloads import SandboxAgent, SandboxTask

COMMENT = ("case.comment", {"text": "The kettle leaks."})


def entry_of(anna: SandboxCustomer, kind: str) -> int:
    return next(int(one["entry"]) for one in anna.get("/me/v1/history")["entries"] if one["kind"] == kind)


def disown(anna: SandboxCustomer, entry: int, text: str = "") -> Any:
    return anna.post(f"/me/v1/entries/{entry}/disown", {"text": text})


def code_of(problem: Any) -> str:
    return str(problem.value.code)


@pytest.mark.proves("DISOWNED")
def test_everything_of_that_agent_ends_at_once_and_of_no_other(
    desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, task: SandboxTask
) -> None:
    second = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    other = desk.agent("spiffe://other.example/bot", name="Other")
    theirs = other.open(anna.grant(other, copy.deepcopy(MANDATE)))
    bram = desk.customer("bram")
    elsewhere = {**copy.deepcopy(MANDATE), "objective": {**MANDATE["objective"], "target": {"order": ["W2002"]}}}
    for power in elsewhere["powers"]:
        if "order_id" in power.get("where", {}):
            power["where"]["order_id"] = {"equals": "W2002"}
    of_bram = agent.open(bram.grant(agent, elsewhere))
    task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]})
    assert len(anna.waiting()) == 1

    done = disown(anna, entry_of(anna, "ask.decided"), "I never asked for this.")

    assert (done["agents"], sorted(done["tasks"])) == ([agent.client_id], sorted([task.id, second.id]))
    assert len(done["mandates"]) == 2
    assert anna.waiting() == []
    assert task.ask(*COMMENT).codes == second.ask(*COMMENT).codes == ("task.ended",)
    assert theirs.ask(*COMMENT).decision == "permit"
    assert of_bram.ask(*COMMENT).decision == "permit"


@pytest.mark.proves("DISOWNED")
def test_security_is_told_and_the_customer_gets_an_answer(
    desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, task: SandboxTask
) -> None:
    entry = entry_of(anna, "task.opened")
    done = disown(anna, entry)
    sam, ada = desk.officer("sam", ["security"]), desk.officer("ada", ["audit"])
    told = next(one for one in sam.get("/security/v1/events")["events"] if one["kind"] == "agent.disowned")
    assert (told["envelope"]["agent"], told["envelope"]["tasks"], told["content"]["customer"]) == (agent.client_id, [task.id], "anna")
    assert "anna" not in str(told["envelope"])
    assert [(one["contest"], one["entry"], one["text"]) for one in ada.get("/audit/v1/contests")["contests"]] == [
        (done["contest"], entry, "This was not me.")
    ]
    pages = desk.room.raw("GET", "/me", cookie=anna.cookie).text
    assert "as unauthorized. Every permission you gave it has ended." in pages
    request, _ = agent.push(copy.deepcopy(MANDATE))
    consent = desk.room.raw("GET", f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}", cookie=anna.cookie).text
    assert "you reported that something this agent did wasn" in consent
    ada.post(f"/audit/v1/contests/{done['contest']}", {"text": "We looked at it with you."})
    consent = desk.room.raw("GET", f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}", cookie=anna.cookie).text
    assert "you reported that something this agent did wasn" not in consent


@pytest.mark.proves("DISOWNED")
def test_nobody_disowns_for_somebody_else_or_what_no_agent_did(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    bram = desk.customer("bram")
    with pytest.raises(Refused) as problem:
        disown(bram, entry_of(anna, "task.opened"))
    assert code_of(problem) == "request.not_found"
    enrolled = entry_of(anna, "person.enrolled")
    with pytest.raises(Refused) as problem:
        disown(anna, enrolled)
    assert code_of(problem) == "request.not_found"
    assert task.ask(*COMMENT).decision == "permit"


def test_a_report_can_be_repeated_only_while_it_ends_something(anna: SandboxCustomer, agent: SandboxAgent, task: SandboxTask) -> None:
    entry = entry_of(anna, "task.opened")
    disown(anna, entry)
    with pytest.raises(Refused) as problem:
        disown(anna, entry)
    assert code_of(problem) == "request.conflict"
    again = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    assert disown(anna, entry)["tasks"] == [again.id]
    assert [one["kind"] for one in anna.get("/me/v1/history")["entries"]].count("agent.disowned") == 2
    assert task.ask(*COMMENT).codes == again.ask(*COMMENT).codes == ("task.ended",)


@pytest.mark.proves("DISOWNED")
def test_what_a_sub_agent_did_ends_the_agent_that_handed_it_on_as_well(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    courier = desk.agent("spiffe://courier.example/van", name="Courier")
    chain = {"chain": 1, "chain_operators": [courier.operator], "max_tasks": 2}
    granted = anna.grant(agent, {**copy.deepcopy(MANDATE), **chain})
    above = agent.open(granted)
    below = courier.open(agent.hand_on(granted, courier, {**copy.deepcopy(MANDATE), "max_tasks": 1}))
    assert below.ask(*COMMENT).decision == "permit"

    done = disown(anna, entry_of(anna, "ask.decided"))

    assert done["agents"] == [courier.client_id, agent.client_id]
    assert sorted(done["tasks"]) == sorted([above.id, below.id])
    assert above.ask(*COMMENT).codes == ("task.ended",)
    assert below.ask(*COMMENT).codes == ("task.ended",)
