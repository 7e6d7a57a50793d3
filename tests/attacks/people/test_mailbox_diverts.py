"""A passkey from a mailbox, or of a customer whom one admin made up, sends goods, access or data elsewhere."""

from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest

from attacks.arena import Arena, code_of, open_arena
from attacks.people.accounts import enrolled, security
from attacks.words.holding import path
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import PersonRecord
from remit.sandbox import SandboxCustomer
from remit.usecases.people.admit import admit, issue_invitation

ELSEWHERE: Final = {"order_id": "W1", "address": "Hafenstrasse 1, 20359 Hamburg"}
DIVERT: Final[dict[str, Any]] = {
    "type": "remit_mandate",
    "objective": {"type": "correct-order", "target": {"order": ["W1"]}},
    "powers": [{"power": "represent"}, {"power": "request", "actions": ["order.change_address"], "uses": 2}],
}
PINNED: Final[dict[str, Any]] = DIVERT | {
    "powers": [DIVERT["powers"][0], DIVERT["powers"][1] | {"where": {"address": {"equals": ELSEWHERE["address"]}}}]
}


def young(arena: Arena) -> SandboxCustomer:
    return arena.desk.customer("anna", how="link")


def signed_yes(anna: SandboxCustomer, reply: Any) -> dict[str, Any]:
    return {"answer": "yes", "assertion": anna.passkey.get(anna.get(path(anna, reply))["options"])}


@pytest.mark.proves("PASSKEY-YOUNG")
def test_a_passkey_from_a_mailbox_confirms_no_new_address_of_an_order(arena: Arena) -> None:
    task = arena.task(DIVERT)
    reply = task.ask("order.change_address", ELSEWHERE)
    assert reply.needs_human
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": "anna", "kind": "customer", "how": "link"})["code"]
    anna = arena.anna
    anna.passkey, anna.cookie = enrolled(arena, code)
    with arena.unchanged():
        refused = arena.person("POST", path(anna, reply), signed_yes(anna, reply), cookie=anna.cookie)
    assert code_of(refused) == "confirmation.wrong_person"
    assert refused.json()["retry_after_s"] > 71 * 3600


@pytest.mark.proves("PASSKEY-YOUNG")
@pytest.mark.parametrize("wanted", [DIVERT, PINNED], ids=["to be confirmed", "pinned in the mandate"])
def test_a_passkey_from_a_mailbox_grants_no_agent_to_change_where_goods_go(arena: Arena, wanted: dict[str, Any]) -> None:
    anna, agent = young(arena), arena.agent()
    where = f"/me/v1/requests/{agent.push(deepcopy(wanted))[0].rpartition(':')[2]}"
    shown = anna.get(where)
    signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": anna.passkey.get(shown["options"])}
    assert code_of(arena.person("POST", where, signed, cookie=anna.cookie)) == "confirmation.wrong_person"
    assert arena.entries("mandate.granted") == []


@pytest.mark.proves("PASSKEY-YOUNG", "CONTACT")
def test_a_customer_whom_one_admin_makes_is_told_where_the_backoffice_knows_them() -> None:
    with open_arena() as arena:
        made = security(arena).post("/security/v1/people", {"id": "anna", "kind": "customer", "email": "mine@evil.example"})
        enrolled(arena, made["link"].partition("code=")[2])
        told = [one for one in arena.notify.told if one.person == "anna" and "passkey" in one.subject]
        assert {one.address for one in told} == {"mine@evil.example", "anna@mail.example"}


@pytest.mark.proves("PASSKEY-YOUNG")
def test_one_person_vouches_for_no_customer_of_a_desk_that_is_reached_from_outside() -> None:
    with open_arena() as arena:
        outside = replace(arena.context, terms=replace(arena.context.terms, loopback=False))
        person = PersonRecord(id="anna", kind="customer", key="anna", name="Anna", email="", roles=(), created_at=arena.clock.now())
        arena.run(admit(outside, person, by="shell"))
        made = arena.run(issue_invitation(outside, "anna", how=Enrolment.VOUCHED, ttl_s=60, by="shell"))
        assert made.how is Enrolment.LINK
        assert arena.recorded("person.changed", change="invited")["envelope"]["how"] == "link"
