"""A mailbox is not a person: a passkey enrolled by a link confirms nothing above routine for 72 hours."""

import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate
from remit.sandbox import SandboxCustomer
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.workloads import SandboxTask

HOUR_MS = 3_600_000


def _linked(arena: Arena, how: str = "link") -> tuple[SandboxCustomer, SandboxTask]:
    anna = arena.desk.customer("anna", how=how)
    agent = arena.agent()
    return anna, agent.open(anna.grant(agent, mandate()))


@pytest.mark.proves("PASSKEY-YOUNG")
@pytest.mark.parametrize("how", ["link", "recovery"])
def test_a_passkey_from_a_mailbox_confirms_no_payment_for_three_days(arena: Arena, how: str) -> None:
    anna, task = _linked(arena, how)
    reply = task.ask("order.return", SEND_BACK)
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    answer = {"answer": "yes", "assertion": anna.passkey.get(anna.get(path)["options"])}
    with arena.unchanged():
        refused = arena.person("POST", path, answer, cookie=anna.cookie)
    assert code_of(refused) == "confirmation.wrong_person"
    assert refused.json()["retry_after_s"] > 71 * 3600
    assert arena.entries("confirmation.answered") == []


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
    key = anna.passkey
    arena.clock.ahead_ms = 72 * HOUR_MS + 1000
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    done = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])})
    anna.cookie = done.headers["set-cookie"].partition(";")[0]
    added = arena.person("POST", "/login/v1/enrol", {}, cookie=anna.cookie).json()
    second = SoftPasskey(ISSUER)
    body = {"ceremony": added["ceremony"], "response": second.create(added["options"]), "assertion": key.get(added["old"])}
    assert arena.person("POST", "/login/v1/enrol", body).is_success


@pytest.mark.proves("ENROL-ONCE")
def test_an_enrolment_link_works_once(arena: Arena) -> None:
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": "cleo", "kind": "customer"})["code"]
    begun = [arena.room.call("POST", "/login/v1/enrol", {"code": code}) for _ in range(2)]
    keys = [SoftPasskey(ISSUER), SoftPasskey(ISSUER)]
    bodies = [{"ceremony": one["ceremony"], "response": key.create(one["options"])} for one, key in zip(begun, keys, strict=True)]
    assert arena.person("POST", "/login/v1/enrol", bodies[0]).is_success
    assert code_of(arena.person("POST", "/login/v1/enrol", bodies[1])) == "credential.expired"
    assert code_of(arena.person("POST", "/login/v1/enrol", {"code": code})) == "credential.expired"
