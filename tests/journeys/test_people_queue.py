"""An officer's queue over the JSON twins: by role and due time, taken and handed over; the card's facts."""

from collections.abc import Iterator
from typing import Any

import pytest

from desks.shop import CATALOGUE, FACTS
from remit.client.errors import Refused
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
SEND_BACK = {"order_id": "W1001", "item_ids": ["i1"]}
RULES: list[dict[str, Any]] = [
    {
        "name": "refunds",
        "reason": "money leaves the house",
        "actions": ["payment.refund"],
        "roles": ["billing"],
        "due": "2h",
        "then": {"role": "care", "due": "1h"},
    },
    {"name": "unlocking", "reason": "a lock is opened", "areas": ["security"], "roles": ["billing"], "due": "1h", "then": "refuse"},
    {"name": "returns", "reason": "goods come back", "actions": ["order.return"], "roles": ["billing"], "due": "30m", "then": "refuse"},
]


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    changed = {**CATALOGUE, "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}}, "escalation": RULES}
    with Sandbox(changed, facts=FACTS) as sandbox:
        yield sandbox


@pytest.fixture
def olga(desk: Sandbox) -> SandboxPerson:
    return desk.officer("olga", ["billing"], name="Olga Frey")


def refused(person: SandboxPerson, path: str, body: dict[str, Any]) -> str:
    with pytest.raises(Refused) as problem:
        person.post(path, body)
    return str(problem.value.code)


def test_each_role_has_its_own_queue_and_the_most_urgent_stands_first(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    task.ask("payment.refund", REFUND)
    task.ask("order.return", SEND_BACK)
    rows = olga.waiting()
    assert [(row["action"], row["role"], row["rule"], row["then"]) for row in rows] == [
        ("order.return", "billing", "returns", []),
        ("payment.refund", "billing", "refunds", ["care"]),
    ]
    first = rows[1]
    assert (first["customer_name"], first["amounts"], first["agent_name"], first["tier"]) == ("Anna Berg", ["40.00 EUR"], "Helper", "known")
    assert (first["case"], first["reason"], first["risk"], first["taken"], first["yours"]) == (
        task.case,
        "money leaves the house",
        0,
        None,
        True,
    )
    assert first["due_at"] < first["expires_at"]
    assert rows[0]["due_at"] == rows[0]["expires_at"] < first["due_at"]
    assert desk.officer("sam", ["security"]).waiting() == desk.officer("cara", ["care"]).waiting() == []


def test_what_the_agent_sees_of_a_rule_is_when_it_ends(olga: SandboxPerson, task: SandboxTask) -> None:
    reply = task.ask("payment.refund", REFUND)
    assert reply.body["expires_at"] == olga.waiting()[0]["expires_at"]
    assert not {"rule", "reason", "due_at", "risk"} & reply.body.keys()
    assert "refunds" not in str(reply.body)


def test_what_is_taken_is_seen_by_colleagues_and_handed_over_with_a_note(desk: Sandbox, olga: SandboxPerson, task: SandboxTask) -> None:
    task.ask("payment.refund", REFUND)
    bea, cara = desk.officer("bea", ["billing"], name="Bea Lund"), desk.officer("cara", ["care"])
    path = f"/desk/v1/confirmations/{olga.waiting()[0]['confirmation']}"
    assert olga.post(f"{path}/take", {})["as"] == "officer:billing"
    taken = bea.waiting()[0]["taken"]
    assert (taken["by"], taken["name"], taken["mine"]) == ("olga", "Olga Frey", False)
    assert [one["id"] for one in olga.waiting()[0]["colleagues"]] == ["bea"]
    assert olga.waiting()[0]["roles"] == ["care"]
    olga.post(f"{path}/hand", {"person": "bea", "note": "You know her."})
    assert bea.waiting()[0]["taken"]["mine"] is True
    handed = bea.post(f"{path}/hand", {"role": "care", "note": "Better yours."})
    assert handed["who"] == ["customer", "officer:care"]
    assert bea.waiting() == []
    assert [row["role"] for row in cara.waiting()] == ["care"]
    entries = [one for one in desk.transcript() if one["kind"] == "confirmation.handed"]
    assert [(one["desk"]["by"], one["desk"]["to"], one["desk"]["note"]) for one in entries] == [
        ("olga", "bea", "You know her."),
        ("bea", "care", "Better yours."),
    ]
    assert "olga" not in str([one["envelope"] for one in entries])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "request.malformed"),
        ({"role": "care", "person": "bea"}, "request.malformed"),
        ({"person": "olga"}, "request.conflict"),
        ({"person": "nobody"}, "request.not_found"),
        ({"person": "sam"}, "confirmation.wrong_person"),
        ({"role": "nobody"}, "request.not_found"),
        ({"role": "security"}, "confirmation.wrong_person"),
        ({"role": "care"}, "confirmation.wrong_person"),
        ({"role": "care", "note": "x" * 2001}, "request.malformed"),
        ({"role": "care", "note": "the key is ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"}, "words.secret"),
    ],
)
def test_it_is_handed_only_to_somebody_who_may_answer_it(
    desk: Sandbox, olga: SandboxPerson, task: SandboxTask, body: dict[str, Any], code: str
) -> None:
    desk.officer("sam", ["security"])
    task.ask("payment.refund", REFUND)
    assert refused(olga, f"/desk/v1/confirmations/{olga.waiting()[0]['confirmation']}/hand", body) == code


def test_who_is_not_asked_takes_nothing(desk: Sandbox, olga: SandboxPerson, task: SandboxTask, anna: SandboxCustomer) -> None:
    task.ask("payment.refund", REFUND)
    path = f"/desk/v1/confirmations/{olga.waiting()[0]['confirmation']}/take"
    assert refused(desk.officer("sam", ["security"]), path, {}) == "confirmation.wrong_person"
    assert refused(anna, path, {}) == "person.not_allowed"


def test_the_card_says_how_the_agent_was_verified_who_agreed_and_what_happened(
    desk: Sandbox, olga: SandboxPerson, task: SandboxTask, anna: SandboxCustomer
) -> None:
    task.ask("order.read", {"order_id": "W1003"})
    reply = task.ask("payment.refund", REFUND)
    anna.confirm(reply)
    assert olga.confirm(reply).outcome == "done"
    card = olga.get(f"/desk/v1/cases/{task.case}")
    assert (card["proof"]["how"], card["proof"]["actor"], card["proof"]["tier"]) == (
        "private_key_jwt",
        "spiffe://helper.example/shop",
        "known",
    )
    assert card["proof"]["tier_by"]
    assert card["risk"]["signs"] == ["refusals"]
    assert [(one["as"], one["name"], one["answer"]) for one in card["asks"][0]["answers"]] == [
        ("customer", "Anna Berg", "yes"),
        ("officer:billing", "Olga Frey", "yes"),
    ]
    kinds = [one["kind"] for one in card["timeline"]]
    assert kinds[-1] == "task.opened"
    assert {"ask.decided", "confirmation.answered", "act.performed"} <= set(kinds)
    page = desk.room.raw("GET", f"/desk/cases/{task.case}", cookie=olga.cookie).text
    for said in (
        "Identity",
        "with a registered key",
        "Don't share with the agent",
        "date of birth",
        "Olga Frey (Billing officer) approved the request",
    ):
        assert said in page


def test_who_has_answered_sees_that_the_rest_is_somebody_elses(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    both = desk.officer("ines", ["billing", "security"], name="Ines Roth")
    wanted = {"type": "remit_mandate", "objective": {"type": "unlock"}, "powers": [{"power": "request", "actions": ["account.unlock"]}]}
    reply = agent.open(anna.grant(agent, wanted)).ask("account.unlock", {})
    assert set(reply.who) == {"customer", "officer:billing", "officer:security"}
    assert both.confirm(reply).state == "waiting"
    assert [(row["role"], row["yours"], row["answered"]) for row in both.waiting()] == [("security", False, ["officer:billing"])]
    page = desk.room.raw("GET", "/desk", cookie=both.cookie).text
    assert "Someone else has to answer this" in page
    assert "Review" not in page
