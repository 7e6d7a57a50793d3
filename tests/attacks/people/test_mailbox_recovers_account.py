"""Whoever takes over a mailbox recovers an account that can do nothing, and everybody who should know is told."""

from typing import Any

import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, catalogue, code_of, mandate, open_arena
from attacks.people.accounts import enrolled, recovered, security
from remit.domain.records import PasskeyRecord
from remit.ports.store import Commit, Committed
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.people import SandboxCustomer, SandboxPerson

HOUR_MS = 3_600_000
NEW = "anna@elsewhere.example"


def signed_in(arena: Arena, key: SoftPasskey) -> Any:
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    return arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])})


def resumed(arena: Arena, key: SoftPasskey, cookie: str, base: str = "/me/v1") -> Any:
    begun = arena.person("POST", f"{base}/resume", {}, cookie=cookie).json()
    return arena.person("POST", f"{base}/resume", {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])}, cookie=cookie)


def vouched(sam: SandboxPerson, other: SandboxPerson, person: str = "anna") -> None:
    made = sam.post(f"/security/v1/people/{person}/verified", {"reason": "passport seen"})["proposal"]["proposal"]
    other.post(f"/security/v1/proposals/{made}", {"answer": "yes"})


def told(arena: Arena, subject: str) -> list[str]:
    return [one.address for one in arena.notify.told if one.subject == subject]


@pytest.mark.proves("RECOVERY")
def test_a_recovery_pauses_everything_that_agents_may_do(arena: Arena) -> None:
    granted, task = arena.granted()
    key, cookie = recovered(arena, security(arena))
    with arena.unchanged():
        assert task.ask("order.return", SEND_BACK).codes == ("mandate.inactive",)
        assert task.ask("order.read", {"order_id": "W1"}).codes == ("mandate.inactive",)
    shown = arena.person("GET", "/me/v1/mandates", cookie=cookie).json()["mandates"]
    assert [(one["mandate"], one["paused"]) for one in shown] == [(granted.id, True)]
    assert arena.person("GET", "/me/v1", cookie=cookie).json()["paused"] is True
    assert code_of(resumed(arena, key, cookie)) == "confirmation.wrong_person"
    assert task.ask("order.return", SEND_BACK).codes == ("mandate.inactive",)


@pytest.mark.proves("RECOVERY")
def test_no_task_opens_while_mandates_are_paused(arena: Arena) -> None:
    agent = arena.agent()
    granted = arena.anna.grant(agent, mandate())
    recovered(arena, security(arena))
    assert code_of(arena.exchange(agent, granted.id)) == "mandate.inactive"


@pytest.mark.proves("RECOVERY")
def test_old_passkeys_sessions_and_links_are_dead(arena: Arena) -> None:
    anna, sam = arena.anna, security(arena)
    before = arena.room.control("POST", "/sandbox/v1/people", {"id": "anna", "kind": "customer", "how": "link"})["code"]
    recovered(arena, sam)
    assert code_of(arena.person("GET", "/me/v1", cookie=anna.cookie)) == "person.not_signed_in"
    assert code_of(signed_in(arena, anna.passkey)) == "person.not_signed_in"
    assert code_of(arena.person("POST", "/login/v1/enrol", {"code": before})) == "credential.expired"
    entry = arena.recorded("person.recovered", how="recovery")
    assert entry["desk"] is None or entry["desk"]["person"] == "anna"


@pytest.mark.proves("RECOVERY")
def test_a_waiting_yes_is_neither_the_old_passkeys_nor_the_new_ones(arena: Arena) -> None:
    anna, task = arena.anna, arena.task()
    reply = task.ask("order.return", SEND_BACK)
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    options = anna.get(path)["options"]
    old = {"answer": "yes", "assertion": anna.passkey.get(options)}
    key, cookie = recovered(arena, security(arena))
    with arena.unchanged():
        assert code_of(arena.person("POST", path, old, cookie=cookie)) == "confirmation.wrong_person"
        new = {"answer": "yes", "assertion": key.get(arena.person("GET", path, cookie=cookie).json()["options"])}
        assert code_of(arena.person("POST", path, new, cookie=cookie)) == "confirmation.wrong_person"


@pytest.mark.proves("RECOVERY")
def test_the_person_resumes_once_the_passkey_has_waited(arena: Arena) -> None:
    key, _ = recovered(arena, security(arena))
    arena.clock.ahead_ms = 72 * HOUR_MS + 1000
    cookie = signed_in(arena, key).headers["set-cookie"].partition(";")[0]
    assert arena.person("GET", "/me/v1/resume", cookie=cookie).json()["paused"] is True
    assert resumed(arena, key, cookie).json() == {"paused": False}
    assert arena.person("GET", "/me/v1", cookie=cookie).json()["paused"] is False
    assert code_of(arena.person("POST", "/me/v1/resume", {}, cookie=cookie)) == "request.conflict"
    assert arena.recorded("person.changed", change="resumed")
    assert told(arena, "Your permissions were resumed") == ["anna@mail.example"]


@pytest.mark.proves("RECOVERY")
def test_a_challenge_to_resume_is_good_for_one_person_once(arena: Arena) -> None:
    key, cookie = recovered(arena, security(arena))
    begun = arena.person("POST", "/me/v1/resume", {}, cookie=cookie).json()
    bram = arena.desk.customer("bram")
    stolen = {"ceremony": begun["ceremony"], "assertion": key.get(begun["options"])}
    assert code_of(arena.person("POST", "/me/v1/resume", stolen, cookie=bram.cookie)) == "request.conflict"
    sam, kim = security(arena), security(arena, "kim")
    vouched(sam, kim)
    assert code_of(arena.person("POST", "/me/v1/resume", stolen, cookie=cookie)) == "request.conflict"


@pytest.mark.proves("RECOVERY")
def test_officers_who_verified_the_person_resume_two_of_them(arena: Arena) -> None:
    _, task = arena.granted()
    sam, kim = security(arena), security(arena, "kim")
    key, cookie = recovered(arena, sam)
    made = sam.post("/security/v1/people/anna/verified", {"reason": "passport seen"})["proposal"]["proposal"]
    alone = arena.person("POST", f"/security/v1/proposals/{made}", {"answer": "yes"}, cookie=sam.cookie)
    assert code_of(alone) == "person.not_allowed"
    assert task.ask("order.read", {"order_id": "W1"}).codes == ("mandate.inactive",)
    kim.post(f"/security/v1/proposals/{made}", {"answer": "yes"})
    reply = task.ask("order.return", SEND_BACK)
    anna = arena.anna
    anna.passkey, anna.cookie = key, cookie
    assert anna.confirm(reply).outcome == "done"


@pytest.mark.proves("RECOVERY")
def test_what_changed_after_the_person_was_seen_is_not_vouched_for(arena: Arena) -> None:
    sam, kim = security(arena), security(arena, "kim")
    recovered(arena, sam)
    made = sam.post("/security/v1/people/anna/verified", {"reason": "passport seen"})["proposal"]["proposal"]
    arena.clock.ahead_ms += 1000
    _, cookie = recovered(arena, sam)
    late = arena.person("POST", f"/security/v1/proposals/{made}", {"answer": "yes"}, cookie=kim.cookie)
    assert code_of(late) == "request.conflict"
    assert arena.person("GET", "/me/v1", cookie=cookie).json()["paused"] is True


@pytest.mark.proves("RECOVERY")
def test_an_officer_takes_no_colleagues_account_over(arena: Arena) -> None:
    sam, kim = security(arena), security(arena, "kim")
    refused = arena.person("POST", "/security/v1/people/kim/recover", {}, cookie=sam.cookie)
    assert code_of(refused) == "person.not_allowed"
    code = arena.room.control("POST", "/sandbox/v1/people", {"id": "kim", "kind": "officer", "how": "recovery"})["code"]
    key, cookie = enrolled(arena, code)
    assert code_of(arena.person("GET", "/security/v1/agents", cookie=cookie)) == "person.not_allowed"
    assert code_of(arena.person("GET", "/security/v1/agents", cookie=kim.cookie)) == "person.not_signed_in"
    assert code_of(resumed(arena, key, cookie, "/desk/v1")) == "confirmation.wrong_person"


@pytest.mark.proves("RECOVERY")
def test_a_recovered_officer_confirms_nothing_before_they_are_resumed() -> None:
    raised = catalogue(floor={"payment": ["customer", "officer:billing"]})
    with open_arena(catalogue=raised) as arena:
        task = arena.task()
        olga = arena.desk.officer("olga", roles=["billing"])
        path = f"/desk/v1/confirmations/{olga.invitation(task.ask('order.return', SEND_BACK))}"
        code = arena.room.control("POST", "/sandbox/v1/people", {"id": "olga", "kind": "officer", "how": "recovery"})["code"]
        key, cookie = enrolled(arena, code)
        assert code_of(arena.person("GET", path, cookie=cookie)) == "person.not_allowed"
        assert code_of(arena.person("POST", path, {"answer": "no"}, cookie=cookie)) == "person.not_allowed"
        assert code_of(arena.person("POST", f"{path}/less", {"params": SEND_BACK}, cookie=cookie)) == "person.not_allowed"
        vouched(security(arena), security(arena, "kim"), "olga")
        options = arena.person("GET", path, cookie=cookie).json()["options"]
        assert arena.person("POST", path, {"answer": "yes", "assertion": key.get(options)}, cookie=cookie).json()["state"] == "waiting"


@pytest.mark.proves("RECOVERY")
def test_a_recovered_officer_is_shown_nothing_before_they_are_resumed() -> None:
    raised = catalogue(floor={"payment": ["customer", "officer:billing"]})
    with open_arena(catalogue=raised) as arena:
        task = arena.task()
        olga = arena.desk.officer("olga", roles=["audit", "billing"])
        invitation = olga.invitation(task.ask("order.return", SEND_BACK))
        places = ("/desk/v1/waiting", "/me/v1/waiting", f"/confirm/{invitation}", "/log/receipts/1")
        assert all(arena.person("GET", place, cookie=olga.cookie).is_success for place in places)
        code = arena.room.control("POST", "/sandbox/v1/people", {"id": "olga", "kind": "officer", "how": "recovery"})["code"]
        _, cookie = enrolled(arena, code)
        for place in places:
            answered = arena.person("GET", place, cookie=cookie)
            assert answered.is_error, place
            assert "W1" not in answered.text


@pytest.mark.proves("RECOVERY")
def test_a_link_ends_with_a_recovery_however_many_others_there_are(arena: Arena) -> None:
    assert arena.anna.id == "anna"
    for n in range(1001):
        arena.room.control("POST", "/sandbox/v1/people", {"id": f"p{n}", "kind": "customer", "how": "link"})
    before = arena.room.control("POST", "/sandbox/v1/people", {"id": "anna", "kind": "customer", "how": "link"})["code"]
    recovered(arena, security(arena))
    assert code_of(arena.person("POST", "/login/v1/enrol", {"code": before})) == "credential.expired"


@pytest.mark.proves("RECOVERY", "PASSKEY-ADD")
def test_a_stolen_passkey_adds_no_more_than_a_recovery_can_end(arena: Arena) -> None:
    anna = arena.anna
    answers = []
    for _ in range(50):
        begun = arena.person("POST", "/login/v1/enrol", {}, cookie=anna.cookie).json()
        new = SoftPasskey(ISSUER)
        body = {"ceremony": begun["ceremony"], "response": new.create(begun["options"]), "assertion": anna.passkey.get(begun["old"])}
        answers.append(code_of(arena.person("POST", "/login/v1/enrol", body)))
    assert answers == [""] * 49 + ["request.conflict"]
    recovered(arena, security(arena))
    assert code_of(signed_in(arena, new)) == code_of(signed_in(arena, anna.passkey)) == "person.not_signed_in"


@pytest.mark.proves("RECOVERY")
def test_who_signs_in_again_and_again_with_a_stolen_passkey_holds_no_recovery_up(arena: Arena) -> None:
    anna, real, http = arena.anna, arena.context.store.commit, arena.room._http
    tries: list[str] = []

    async def commit(work: Commit) -> Committed:
        if len(tries) < 3 and any(isinstance(put.record, PasskeyRecord) and put.record.revoked for put in work.puts):
            begun = (await http.post("/login/v1/sign-in", json={})).json()
            body = {"ceremony": begun["ceremony"], "assertion": anna.passkey.get(begun["options"])}
            tries.append((await http.post("/login/v1/sign-in", json=body)).headers["set-cookie"].partition(";")[0])
        return await real(work)

    sam = security(arena)
    arena.context.store.commit = commit  # type: ignore[method-assign]  # the thief is quicker than the recovery
    recovered(arena, sam)
    assert len(tries) == 3
    for cookie in (anna.cookie, *tries):
        assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert [one["envelope"]["how"] for one in arena.entries("person.recovered")] == ["recovery"]


@pytest.mark.proves("RECOVERY")
def test_what_was_queued_before_a_recovery_is_not_sent_after_it(arena: Arena) -> None:
    task = arena.task()
    reply = task.ask("order.return", SEND_BACK)
    arena.helpdesk.set_unavailable(True)
    arena.anna.confirm(reply)
    recovered(arena, security(arena))
    arena.helpdesk.set_unavailable(False)
    arena.room.control("POST", "/sandbox/v1/sweep", {})
    assert arena.performed() == []


@pytest.mark.proves("RECOVERY")
def test_nobody_vouches_for_themselves(arena: Arena) -> None:
    sam = security(arena)
    refused = arena.person("POST", "/security/v1/people/sam/verified", {"reason": "it is me"}, cookie=sam.cookie)
    assert code_of(refused) == "person.not_allowed"


@pytest.mark.proves("CONTACT")
def test_the_old_address_is_told_of_the_new_one_and_of_what_follows(arena: Arena) -> None:
    sam = security(arena)
    assert arena.anna.id == "anna"
    sam.post("/security/v1/people/anna/contact", {"email": NEW, "reason": "asked by telephone"})
    assert told(arena, "Your address was changed") == [NEW, "anna@mail.example"]
    sam.post("/security/v1/people/anna/contact", {"email": "third@evil.example"})
    assert sorted(told(arena, "Your address was changed")[2:]) == ["anna@elsewhere.example", "anna@mail.example", "third@evil.example"]
    recovered(arena, sam)
    for subject in ("A passkey recovery was started", "A passkey was added"):
        assert told(arena, subject)[-2:] == ["third@evil.example", "anna@mail.example"]


@pytest.mark.proves("CONTACT")
def test_after_a_change_of_contact_no_passkey_confirms_a_payment_for_three_days(arena: Arena) -> None:
    anna, task, sam = arena.anna, arena.task(), security(arena)
    sam.post("/security/v1/people/anna/contact", {"email": NEW})
    reply = task.ask("order.return", SEND_BACK)
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    answer = {"answer": "yes", "assertion": anna.passkey.get(anna.get(path)["options"])}
    with arena.unchanged():
        refused = arena.person("POST", path, answer, cookie=anna.cookie)
    assert code_of(refused) == "confirmation.wrong_person"
    assert refused.json()["retry_after_s"] > 71 * 3600
    assert anna.get("/me/v1/passkeys")["passkeys"][0]["waits_until"] is not None
    vouched(sam, security(arena, "kim"))
    assert anna.confirm(reply).outcome == "done"


@pytest.mark.proves("CONTACT")
@pytest.mark.parametrize("email", ["", "anna", "a@b\r\nbcc: evil@x.example", "a b@c.example", "a@b@c.example", f"{'a' * 65}@b.example"])
def test_what_is_no_address_is_refused(arena: Arena, email: str) -> None:
    anna, sam = arena.anna, security(arena)
    refused = arena.person("POST", "/security/v1/people/anna/contact", {"email": email}, cookie=sam.cookie)
    assert code_of(refused) == "request.malformed"
    assert anna.get("/me/v1")["email"] == "anna@mail.example"


@pytest.mark.proves("CONTACT")
def test_only_security_people_recover_vouch_or_change_an_address(arena: Arena) -> None:
    anna: SandboxCustomer = arena.anna
    for cookie in (anna.cookie, arena.desk.officer("olga", roles=["billing"]).cookie):
        for what, body in (("recover", {}), ("verified", {"reason": "x"}), ("contact", {"email": NEW})):
            assert code_of(arena.person("POST", f"/security/v1/people/anna/{what}", body, cookie=cookie)) == "person.not_allowed"
