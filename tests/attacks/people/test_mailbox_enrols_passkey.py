"""A mailbox is not a person: a passkey enrolled by a link confirms nothing above routine for 72 hours."""

import json
from copy import deepcopy
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate
from remit.sandbox import SandboxCustomer
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.workloads import REDIRECT, SandboxAgent, SandboxTask

HOUR_MS = 3_600_000
EVERYDAY: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "send back the kettle"},
    "powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status", "order.items"]}],
}


def _enrolled(arena: Arena, how: str) -> tuple[SoftPasskey, str]:
    """One more passkey of Anna's, by a link somebody sent her, and the session it gives."""
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": "anna", "kind": "customer", "how": how})["code"]
    begun = arena.room.call("POST", "/login/v1/enrol", {"code": code})
    key = SoftPasskey(ISSUER)
    done = arena.person("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": key.create(begun["options"])})
    return key, done.headers["set-cookie"].partition(";")[0]


def _linked(arena: Arena) -> tuple[SandboxCustomer, SandboxTask]:
    """Anna, who granted with a passkey that counts, and now comes with one from a mailbox."""
    anna, task = arena.anna, arena.task()
    anna.passkey, anna.cookie = _enrolled(arena, "link")
    return anna, task


def _grant(arena: Arena, anna: SandboxCustomer, wanted: dict[str, Any], *, cut: dict[str, Any] | None = None) -> httpx.Response:
    """Anna's signature under what an agent wants, or under her cut of it."""
    return _signed(arena, anna, arena.agent().push(wanted)[0], cut=cut)


def _pushed_late(arena: Arena, agent: SandboxAgent, wanted: dict[str, Any]) -> str:
    """What an agent wants, pushed when the desk's clock has moved on."""
    form = {
        "response_type": "code",
        "client_id": agent.client_id,
        "redirect_uri": REDIRECT,
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "dpop_jkt": agent.client.key_thumbprint,
        "authorization_details": json.dumps([wanted]),
    }
    return str(arena.form("/oauth/par", form, agent=agent).json()["request_uri"])


def _signed(arena: Arena, anna: SandboxCustomer, request_uri: str, *, cut: dict[str, Any] | None = None) -> httpx.Response:
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = anna.get(path) if cut is None else anna.post(path, {"answer": "cut", "mandate": cut})
    signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": anna.passkey.get(shown["options"])}
    return arena.person("POST", path, signed, cookie=anna.cookie)


@pytest.mark.proves("PASSKEY-YOUNG")
@pytest.mark.parametrize("how", ["link", "recovery"])
def test_a_passkey_from_a_mailbox_confirms_no_payment_for_three_days(arena: Arena, how: str) -> None:
    anna, task = arena.anna, arena.task()
    reply = task.ask("order.return", SEND_BACK)
    anna.passkey, anna.cookie = _enrolled(arena, how)
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    answer = {"answer": "yes", "assertion": anna.passkey.get(anna.get(path)["options"])}
    with arena.unchanged():
        refused = arena.person("POST", path, answer, cookie=anna.cookie)
    assert code_of(refused) == "confirmation.wrong_person"
    assert refused.json()["retry_after_s"] > 71 * 3600
    assert arena.entries("confirmation.answered") == []


ABOVE: list[tuple[str, dict[str, Any]]] = [
    ("a refund", mandate()),
    ("an address", EVERYDAY | {"powers": [*EVERYDAY["powers"], {"power": "receive", "attributes": ["order.*"]}]}),
    ("telling", EVERYDAY | {"powers": [*EVERYDAY["powers"], {"power": "disclose", "attributes": ["identity.name"]}]}),
    (
        "binding",
        EVERYDAY
        | {
            "objective": {"type": "complain", "target": {"order": ["W1"]}},
            "powers": [{"power": "represent"}, {"power": "accept", "actions": ["offer.accept"], "uses": 1}],
        },
    ),
    (
        "the account",
        EVERYDAY | {"objective": {"type": "recover-account"}, "powers": [{"power": "request", "actions": ["account.recover"], "uses": 1}]},
    ),
]


@pytest.mark.proves("PASSKEY-YOUNG")
@pytest.mark.parametrize("how", ["link", "recovery"])
@pytest.mark.parametrize(("what", "wanted"), ABOVE, ids=[what for what, _ in ABOVE])
def test_a_passkey_from_a_mailbox_grants_nothing_above_routine(arena: Arena, how: str, what: str, wanted: dict[str, Any]) -> None:
    anna = arena.desk.customer("anna", how=how)
    refused = _grant(arena, anna, deepcopy(wanted))
    assert code_of(refused) == "confirmation.wrong_person", what
    assert refused.json()["retry_after_s"] > 71 * 3600
    assert arena.entries("mandate.granted") == []
    assert anna.get("/me/v1/mandates")["mandates"] == []


@pytest.mark.proves("PASSKEY-YOUNG")
def test_a_passkey_added_by_a_young_one_grants_no_more_than_it(arena: Arena) -> None:
    anna = arena.desk.customer("anna", how="link")
    begun = arena.person("POST", "/login/v1/enrol", {}, cookie=anna.cookie).json()
    second = SoftPasskey(ISSUER)
    added = {"ceremony": begun["ceremony"], "response": second.create(begun["options"]), "assertion": anna.passkey.get(begun["old"])}
    assert arena.person("POST", "/login/v1/enrol", added).is_success
    anna.passkey = second
    assert code_of(_grant(arena, anna, mandate())) == "confirmation.wrong_person"


@pytest.mark.proves("PASSKEY-YOUNG")
def test_a_young_passkey_grants_everyday_things_and_what_is_left_of_more(arena: Arena) -> None:
    anna = arena.desk.customer("anna", how="link")
    agent = arena.agent()
    task = agent.open(anna.grant(agent, deepcopy(EVERYDAY)))
    assert task.ask("order.read", {"order_id": "W1"}).result["order.status"] == "delivered"
    left = mandate()
    left["powers"] = left["powers"][:2]
    assert _grant(arena, anna, mandate(), cut=left).is_success
    granted = anna.get("/me/v1/mandates")["mandates"]
    assert [[power["power"] for power in one["authorization_details"][0]["powers"]] for one in granted] == [["represent", "receive"]] * 2


@pytest.mark.proves("PASSKEY-YOUNG", "PASSKEY-ADD")
def test_a_young_passkey_cannot_launder_itself_by_adding_another(arena: Arena) -> None:
    anna, task = _linked(arena)
    begun = arena.person("POST", "/login/v1/enrol", {}, cookie=anna.cookie).json()
    second = SoftPasskey(ISSUER)
    added = {"ceremony": begun["ceremony"], "response": second.create(begun["options"]), "assertion": anna.passkey.get(begun["old"])}
    assert arena.person("POST", "/login/v1/enrol", added).is_success
    reply = task.ask("order.return", SEND_BACK)
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    answer = {"answer": "yes", "assertion": second.get(anna.get(path)["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=anna.cookie)) == "confirmation.wrong_person"


@pytest.mark.proves("PASSKEY-YOUNG")
def test_after_three_days_it_counts(arena: Arena) -> None:
    anna = arena.desk.customer("anna", how="link")
    key, agent = anna.passkey, arena.agent()
    arena.clock.ahead_ms = 72 * HOUR_MS + 1000
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    done = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])})
    anna.cookie = done.headers["set-cookie"].partition(";")[0]
    added = arena.person("POST", "/login/v1/enrol", {}, cookie=anna.cookie).json()
    second = SoftPasskey(ISSUER)
    body = {"ceremony": added["ceremony"], "response": second.create(added["options"]), "assertion": key.get(added["old"])}
    assert arena.person("POST", "/login/v1/enrol", body).is_success
    anna.passkey = second
    assert _signed(arena, anna, _pushed_late(arena, agent, mandate())).is_success


@pytest.mark.proves("ENROL-ONCE")
def test_an_enrolment_link_works_once(arena: Arena) -> None:
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": "cleo", "kind": "customer"})["code"]
    begun = [arena.room.call("POST", "/login/v1/enrol", {"code": code}) for _ in range(2)]
    keys = [SoftPasskey(ISSUER), SoftPasskey(ISSUER)]
    bodies = [{"ceremony": one["ceremony"], "response": key.create(one["options"])} for one, key in zip(begun, keys, strict=True)]
    assert arena.person("POST", "/login/v1/enrol", bodies[0]).is_success
    assert code_of(arena.person("POST", "/login/v1/enrol", bodies[1])) == "credential.expired"
    assert code_of(arena.person("POST", "/login/v1/enrol", {"code": code})) == "credential.expired"


@pytest.mark.proves("PASSKEY-ADD", "ENROL-ONCE")
@pytest.mark.parametrize("first", ["link", "vouched"])
def test_a_link_sent_before_the_first_passkey_adds_none_beside_it(arena: Arena, first: str) -> None:
    person = {"id": "cleo", "kind": "customer"}
    lies = arena.room.control("POST", "/sandbox/v1/people", {**person, "how": "link"})["code"]
    used = arena.room.control("POST", "/sandbox/v1/people", {**person, "how": first})["code"]
    begun = [arena.room.call("POST", "/login/v1/enrol", {"code": code}) for code in (used, lies)]
    bodies = [{"ceremony": one["ceremony"], "response": SoftPasskey(ISSUER).create(one["options"])} for one in begun]
    assert arena.person("POST", "/login/v1/enrol", bodies[0]).is_success
    assert code_of(arena.person("POST", "/login/v1/enrol", bodies[1])) == "credential.expired"
    assert code_of(arena.person("POST", "/login/v1/enrol", {"code": lies})) == "credential.expired"
