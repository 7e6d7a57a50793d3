"""P1: the agent answers its own confirmation, with what it has or what it could steal."""

import pytest

from attacks.arena import ISSUER, Arena, catalogue, code_of, open_arena
from remit.sandbox.passkey import SoftPasskey


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_an_agents_own_credential_opens_no_persons_door(arena: Arena) -> None:
    task, _, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    headers = {"authorization": f"DPoP {task.token}", "dpop": arena.proof(task.agent, "POST", path, token=task.token)}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, {"answer": "yes"}, headers=headers)) == "person.not_signed_in"
        assert code_of(arena.person("GET", path, headers=headers)) == "person.not_signed_in"
    assert arena.entries("confirmation.answered") == []


@pytest.mark.proves("P1", "CONFIRM-SIGNED")
def test_a_stolen_session_without_the_passkey_confirms_nothing(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    own = SoftPasskey(ISSUER)
    with arena.unchanged():
        unsigned = arena.person("POST", path, {"answer": "yes"}, cookie=arena.anna.cookie)
        strange = arena.person("POST", path, {"answer": "yes", "assertion": own.get(shown["options"])}, cookie=arena.anna.cookie)
    assert (code_of(unsigned), code_of(strange)) == ("credential.missing", "confirmation.wrong_person")
    assert reply.again().needs_human
    assert arena.entries("confirmation.answered") == []


@pytest.mark.proves("P1", "CONFIRM-SIGNED")
def test_a_signature_by_another_key_under_the_customers_passkey_id_does_not_verify(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    forged = SoftPasskey(ISSUER).get(shown["options"])
    forged["id"] = forged["rawId"] = arena.anna.passkey.get(shown["options"])["id"]
    with arena.unchanged():
        assert (
            code_of(arena.person("POST", path, {"answer": "yes", "assertion": forged}, cookie=arena.anna.cookie)) == "credential.wrong_key"
        )
    assert reply.again().needs_human


@pytest.mark.proves("P1", "PASSKEY-ADD")
def test_a_stolen_session_adds_no_passkey_of_its_own(arena: Arena) -> None:
    arena.waiting()
    before = len(arena.entries("person.enrolled"))
    begun = arena.person("POST", "/login/v1/enrol", {}, cookie=arena.anna.cookie).json()
    own = SoftPasskey(ISSUER)
    bare = {"ceremony": begun["ceremony"], "response": own.create(begun["options"])}
    assert code_of(arena.person("POST", "/login/v1/enrol", bare)) == "credential.missing"
    signed = bare | {"assertion": own.get(begun["old"])}
    assert code_of(arena.person("POST", "/login/v1/enrol", signed)) == "confirmation.wrong_person"
    assert len(arena.anna.get("/me/v1/passkeys")["passkeys"]) == 1
    assert len(arena.entries("person.enrolled")) == before


@pytest.mark.proves("PASSKEY-ADD")
def test_the_person_adds_a_passkey_with_an_old_one(arena: Arena) -> None:
    begun = arena.person("POST", "/login/v1/enrol", {}, cookie=arena.anna.cookie).json()
    signed = {
        "ceremony": begun["ceremony"],
        "response": SoftPasskey(ISSUER).create(begun["options"]),
        "assertion": arena.anna.passkey.get(begun["old"]),
    }
    assert arena.person("POST", "/login/v1/enrol", signed).is_success
    assert code_of(arena.person("POST", "/login/v1/enrol", signed)) == "confirmation.replayed"
    assert len(arena.anna.get("/me/v1/passkeys")["passkeys"]) == 2


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_another_customer_can_neither_see_nor_answer_it(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    bram = arena.desk.customer("bram")
    path = f"/me/v1/confirmations/{invitation}"
    with arena.unchanged():
        assert code_of(arena.person("GET", path, cookie=bram.cookie)) == "confirmation.wrong_person"
        assert code_of(arena.person("POST", path, {"answer": "no"}, cookie=bram.cookie)) == "confirmation.wrong_person"
    assert reply.again().needs_human


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_one_person_is_not_two_even_with_every_role(arena: Arena) -> None:
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "recover-account"},
        "powers": [{"power": "represent"}, {"power": "request", "actions": ["account.recover"]}],
    }
    reply = arena.task(wanted).ask("account.recover", {"contact": "email"})
    assert set(reply.who) == {"customer", "officer:security"}
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    with arena.unchanged():
        first = arena.anna.confirm(reply)
        assert first.needs_human
    again = {"answer": "yes", "assertion": arena.anna.passkey.get({"challenge": "AAAA"})}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, again, cookie=arena.anna.cookie)) == "confirmation.wrong_person"
    assert arena.desk.officer("ann", roles=["security"]).confirm(reply).outcome == "done"
    assert arena.performed("account.recover") == [{"contact": "email"}]


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_an_officer_with_both_roles_is_still_one_person() -> None:
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "recover-account"},
        "powers": [{"power": "represent"}, {"power": "request", "actions": ["account.recover"]}],
    }
    everything = '@id("all")\npermit (principal, action, resource);'
    with open_arena(
        catalogue=catalogue(floor={"security": ["customer", "officer:security", "officer:care"]}), policies=everything
    ) as arena:
        reply = arena.task(wanted).ask("account.recover", {"contact": "email"})
        assert set(reply.who) == {"customer", "officer:security", "officer:care"}
        assert arena.anna.confirm(reply).needs_human
        both = arena.desk.officer("ann", roles=["security", "care"])
        path = f"/desk/v1/confirmations/{both.invitation(reply)}"
        with arena.unchanged():
            assert both.confirm(reply).needs_human
            again = {"answer": "yes", "assertion": both.passkey.get({"challenge": "AAAA"})}
            assert code_of(arena.person("POST", path, again, cookie=both.cookie)) == "confirmation.wrong_person"
            assert code_of(arena.person("GET", path, cookie=both.cookie)) == "confirmation.wrong_person"
        assert arena.desk.officer("ben", roles=["security"]).confirm(reply).outcome == "done"
