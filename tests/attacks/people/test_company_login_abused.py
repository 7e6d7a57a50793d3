"""The company's login as a way in: an answer meant for another browser, an old session, a role nobody mapped, somebody who was let go."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from attacks.arena import Arena, code_of
from attacks.people.company import HTML, Company, cookie_of, known, refusal
from provider.loopback import unsigned
from remit.domain.errors import Refused
from remit.domain.records import PersonRecord, SessionRecord
from remit.sandbox.passkey import SoftPasskey
from remit.usecases.people.company_login import unlink_login

HOUR_MS = 3_600_000


# signing in


@pytest.mark.proves("LOGIN-BOUND")
def test_an_answer_meant_for_another_browser_signs_nobody_in(company: Company) -> None:
    known(company)
    address, mine = company.start()
    brought = company.provider.sign_in(address, "s-mallory", customer="anna")
    _, victims = company.start()
    assert refusal(company.back(brought, "")) == "login.invalid"
    assert refusal(company.back(brought, victims)) == "login.invalid"
    assert refusal(company.back({**brought, "state": ""}, victims)) == "login.invalid"
    assert refusal(company.back(brought, f"{mine}; {victims}")) == "login.invalid"
    moved = mine.replace(mine.rpartition(".")[2], "L2Rlc2s") if mine.rpartition(".")[2] else f"{mine}L2Rlc2s"
    assert refusal(company.back(brought, moved)) == "login.invalid"
    assert all(path != "/token" for _, path, _, _ in company.provider.seen)
    assert company.back(brought, mine).status_code == 303


@pytest.mark.proves("LOGIN-BOUND")
def test_another_browsers_code_in_ones_own_answer_proves_nobody(company: Company) -> None:
    known(company)
    theirs, _ = company.start()
    stolen = company.provider.sign_in(theirs, "s-anna", customer="anna")
    address, mine = company.start()
    own = company.provider.sign_in(address, "s-mallory")
    assert refusal(company.back({**own, "code": stolen["code"]}, mine)) == "login.invalid"


@pytest.mark.proves("LOGIN-BOUND")
@pytest.mark.parametrize("iss", ["https://other.example", None])
def test_the_answer_of_another_provider_is_not_taken_for_this_ones(company: Company, iss: str | None) -> None:
    known(company)
    address, cookie = company.start()
    brought = company.provider.sign_in(address, customer="anna") | ({"iss": iss} if iss else {})
    if iss is None:
        del brought["iss"]
    assert refusal(company.back(brought, cookie)) == "login.invalid"


@pytest.mark.proves("LOGIN-ONCE")
def test_an_answer_counts_once_also_where_the_provider_takes_its_code_again(company: Company) -> None:
    known(company)
    company.provider.forgets_codes = False
    address, cookie = company.start()
    brought = company.provider.sign_in(address, customer="anna")
    assert company.back(brought, cookie).status_code == 303
    assert refusal(company.back(brought, cookie)) == "login.invalid"


@pytest.mark.proves("LOGIN-ONCE")
def test_an_answer_that_comes_too_late_is_none(company: Company) -> None:
    known(company)
    address, cookie = company.start()
    brought = company.provider.sign_in(address, customer="anna")
    company.arena.clock.ahead_ms += 601_000
    assert refusal(company.back(brought, cookie)) == "login.invalid"


@pytest.mark.proves("LOGIN-BOUND")
def test_to_be_sent_there_writes_nothing_and_shows_no_secret(company: Company) -> None:
    address, cookie = company.start(next="/me")
    assert not company.arena.run(company.arena.context.store.find(SessionRecord, "due.session", ""))
    said = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert said.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert cookie.partition("=")[2] not in address
    for elsewhere in ("https://bad.example/", "//bad.example", "/login", "/me\\@bad.example"):
        address, cookie = company.start(next=elsewhere)
        known_once = company.arena.run(company.arena.context.store.find(PersonRecord, "person.kind", "customer"))
        if not known_once:
            known(company)
        done = company.back(company.provider.sign_in(address, customer="anna"), cookie)
        assert done.headers["location"].startswith("/enrol?next=%2Fme")


@pytest.mark.proves("LOGIN-FIXATION")
def test_a_session_from_before_is_not_the_one_after(company: Company) -> None:
    known(company)
    first = company.signed_in(customer="anna")
    done = company.enter(customer="anna", old=first)
    second = cookie_of(done, "remit_session")
    assert second != first
    assert company.whom(second)["id"] == "anna"
    assert code_of(company.arena.person("GET", "/me/v1", cookie=first)) == "person.not_signed_in"
    planted = "remit_session=rs_" + "A" * 43
    fresh = cookie_of(company.enter(customer="anna", old=planted), "remit_session")
    assert fresh != planted
    assert code_of(company.arena.person("GET", "/me/v1", cookie=planted)) == "person.not_signed_in"


@pytest.mark.proves("LOGIN-FIXATION")
def test_signing_in_with_a_passkey_ends_the_browsers_session_from_before(arena: Arena) -> None:
    first = arena.anna.cookie
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    body = {"ceremony": begun["ceremony"], "assertion": arena.anna.passkey.get(begun["options"])}
    assert arena.person("POST", "/login/v1/sign-in", body, cookie=first).is_success
    assert code_of(arena.person("GET", "/me/v1", cookie=first)) == "person.not_signed_in"


@pytest.mark.proves("LOGIN-BOUND")
def test_a_forged_token_signs_nobody_in(company: Company) -> None:
    known(company)
    company.provider.token_of = unsigned
    assert refusal(company.enter(customer="anna")) == "login.invalid"
    company.provider.token_of = None
    company.provider.claims = {"nonce": None}
    assert refusal(company.enter(customer="anna")) == "login.invalid"


# who it is


@pytest.mark.proves("LOGIN-ROLES")
def test_only_mapped_claims_give_roles(company: Company) -> None:
    for groups in (
        ["admin", "security", "billing"],
        "admin",
        ["DESK-BILLING"],
        [["desk-billing"]],
        {"desk-billing": True},
        "desk-billing,x",
    ):
        assert refusal(company.enter("s-olga", groups=groups)) == "login.unknown"
    for claims in ({"roles": ["desk-billing"]}, {"role": "desk-billing"}, {"Groups": ["desk-billing"]}):
        assert refusal(company.enter("s-olga", **claims)) == "login.unknown"
    cookie = company.signed_in("s-olga", groups=["desk-billing", "admin", "everybody"])
    assert company.whom(cookie, "/desk/v1")["roles"] == ["billing"]
    entry = company.arena.recorded("person.changed", change="added")
    assert entry["envelope"]["roles"] == ["billing"]
    assert entry["envelope"]["how"] == "login"


@pytest.mark.proves("LOGIN-ROLES")
def test_what_the_provider_no_longer_says_is_gone_with_the_next_sign_in_in_every_session(company: Company) -> None:
    first = company.signed_in("s-olga", groups=["desk-billing", "desk-security"])
    assert company.arena.person("GET", "/security/v1/agents", cookie=first).is_success
    company.signed_in("s-olga", groups=["desk-billing"])
    assert code_of(company.arena.person("GET", "/security/v1/agents", cookie=first)) == "person.not_allowed"
    entry = company.arena.recorded("person.changed", change="roles")
    assert entry["envelope"]["roles"] == ["billing"]
    company.signed_in("s-olga")
    assert company.whom(first, "/desk/v1")["roles"] == []


@pytest.mark.proves("LOGIN-ROLES")
def test_roles_are_lost_whichever_account_somebody_comes_as(company: Company) -> None:
    known(company)
    first = company.signed_in("s-anna", customer="anna", groups=["desk-billing"])
    assert company.whom(first, "/desk/v1")["kind"] == "officer"
    again = company.signed_in("s-anna", customer="anna", wish={"as": "customer"})
    assert company.whom(again)["id"] == "anna"
    assert company.whom(first, "/desk/v1")["roles"] == []


@pytest.mark.proves("LOGIN-ROLES")
def test_two_people_give_no_role_beside_those_of_the_provider(company: Company) -> None:
    company.signed_in("s-olga", groups=["desk-billing"])
    olga = company.arena.run(company.arena.context.store.find(PersonRecord, "person.role", "billing"))[0].record
    sam = company.arena.desk.officer("sam", ["security"])
    refused = company.arena.person("POST", f"/security/v1/people/{olga.id}/roles", {"roles": ["admin"]}, cookie=sam.cookie)
    assert code_of(refused) == "request.conflict"


@pytest.mark.proves("LOGIN-ONE-PERSON")
def test_an_officer_who_is_the_customer_is_one_person(company: Company) -> None:
    anna = company.arena.anna
    task = company.arena.task()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    officer = company.signed_in("s-anna", customer="anna", groups=["desk-billing"])
    people = company.arena.run(company.arena.context.store.find(PersonRecord, "person.kind", "officer"))
    customer = company.arena.run(company.arena.context.store.get(PersonRecord, "anna")).record
    assert [one.record.key for one in people] == [customer.key]
    assert customer.login == people[0].record.login != ""
    assert company.whom(officer, "/desk/v1")["kind"] == "officer"
    shown = company.arena.person("GET", f"/desk/v1/confirmations/{anna.invitation(reply)}", cookie=officer)
    assert shown.is_error


@pytest.mark.proves("LOGIN-ONE-PERSON")
def test_an_account_belongs_to_one_login(company: Company) -> None:
    known(company)
    mine = company.signed_in("s-anna", customer="anna")
    assert refusal(company.enter("s-mallory", customer="anna")) == "login.unknown"
    assert refusal(company.enter("s-anna", customer="bram")) == "login.unknown"
    assert refusal(company.enter("s-anna")) == "login.unknown"
    assert company.whom(mine)["id"] == "anna"


@pytest.mark.parametrize("changed", [{"oidc": {"officer_claim": "employee"}}])
@pytest.mark.proves("LOGIN-ONE-PERSON", "LOGIN-ROLES")
def test_no_claim_takes_over_or_strips_an_officer_of_the_desks_own(company: Company, changed: dict[str, Any]) -> None:
    assert changed == {}
    sam = company.arena.desk.officer("sam", ["security"])
    nils = company.arena.desk.officer("nils")
    assert refusal(company.enter("s-mallory", employee="sam", groups=["desk-billing"])) == "login.unknown"
    assert company.whom(sam.cookie, "/desk/v1")["roles"] == ["security"]
    cookie = company.signed_in("s-nils", employee="nils", groups=["desk-billing"])
    assert company.whom(cookie, "/desk/v1") | {"id": "nils", "roles": ["billing"]} == company.whom(cookie, "/desk/v1")
    assert code_of(company.arena.person("GET", "/desk/v1", cookie=nils.cookie)) == "person.not_signed_in"
    moved = company.signed_in("s-nils", employee="sam", groups=["desk-billing"])
    assert company.whom(moved, "/desk/v1") | {"id": "nils", "roles": []} == company.whom(moved, "/desk/v1")


@pytest.mark.proves("LOGIN-ENDS")
def test_without_the_provider_its_sessions_are_over(company: Company) -> None:
    known(company)
    cookie = company.signed_in("s-anna", customer="anna")
    object.__setattr__(company.arena.context, "logins", None)  # as after a start without the table
    assert code_of(company.arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("LOGIN-ONE-PERSON")
def test_an_account_taken_off_a_login_loses_its_roles_and_sessions_and_stays_one_person(company: Company) -> None:
    known(company)
    officer = company.signed_in("s-anna", customer="anna", groups=["desk-billing"])
    mine = company.whom(officer, "/desk/v1")["id"]
    key = company.arena.run(company.arena.context.store.get(PersonRecord, mine)).record.key
    free = company.arena.run(unlink_login(company.arena.context, mine, by="the operator"))
    assert (free.login, free.roles, free.key) == ("", (), key)
    assert code_of(company.arena.person("GET", "/desk/v1", cookie=officer)) == "person.not_signed_in"
    company.arena.run(unlink_login(company.arena.context, "anna", by="the operator"))
    fresh = company.signed_in("s-other", customer="anna")
    assert company.whom(fresh)["id"] == "anna"
    assert company.arena.recorded("person.changed", change="unlinked")["envelope"]["how"] == "login"
    for gone in ("nobody", mine):
        with pytest.raises(Refused):
            company.arena.run(unlink_login(company.arena.context, gone, by="the operator"))


@pytest.mark.proves("LOGIN-ONE-PERSON")
@pytest.mark.parametrize("claimed", ["ann a", "officer:billing", "", "an\u202ena", 7, ["anna"], "nobody"])
def test_no_customer_is_made_or_found_by_an_id_that_is_none(company: Company, claimed: Any) -> None:
    known(company)
    assert refusal(company.enter("s-new", customer=claimed)) == "login.unknown"


@pytest.mark.proves("LOGIN-ONE-PERSON")
def test_no_customer_comes_in_as_an_officer_of_that_id(company: Company) -> None:
    sam = company.arena.desk.officer("sam", ["security"])
    assert refusal(company.enter("s-sam", customer="sam")) == "login.unknown"
    assert company.whom(sam.cookie, "/desk/v1")["roles"] == ["security"]


@pytest.mark.parametrize("changed", [{"oidc": {"customers": "create"}}])
@pytest.mark.proves("LOGIN-ONE-PERSON")
def test_customers_are_made_where_the_settings_say_so(company: Company, changed: dict[str, Any]) -> None:
    assert changed == {}
    claims = {"name": "Anna Berg", "email": "anna@mail.example", "email_verified": True, "customer": "anna"}
    cookie = company.signed_in("s-anna", **claims)
    assert company.whom(cookie) | {"id": "anna", "name": "Anna Berg", "email": "anna@mail.example"} == company.whom(cookie)
    other = company.signed_in("s-bram", customer="bram", email="bram@mail.example", email_verified="true")
    assert company.whom(other)["email"] == ""


# how strongly


@pytest.mark.parametrize("changed", [{"oidc": {"acr_values": ["gold", "silver"], "max_age_s": 60}}])
@pytest.mark.proves("LOGIN-STRENGTH")
def test_what_was_asked_for_counts_only_when_the_token_says_it(company: Company, changed: dict[str, Any]) -> None:
    assert changed == {}
    known(company)
    now = company.arena.clock.now() // 1000
    for claims in ({}, {"acr": "bronze"}, {"acr": "gold", "auth_time": now - 120}, {"acr": "gold", "auth_time": None}):
        company.provider.claims = claims
        assert refusal(company.enter(customer="anna")) == "login.weak"
    company.provider.claims = {"acr": "silver", "auth_time": now - 30}
    assert company.enter(customer="anna").status_code == 303


# passkeys


@pytest.mark.proves("LOGIN-VOUCHES")
@pytest.mark.parametrize(
    ("claims", "waits"), [({"acr": "gold"}, False), ({"acr": "silver"}, True), ({}, True), ({"acr": "gold", "ago": 400}, True)]
)
def test_a_first_passkey_counts_at_once_only_where_the_login_vouches(company: Company, claims: dict[str, Any], waits: bool) -> None:
    known(company)
    said = dict(claims)
    if "ago" in said:
        said["auth_time"] = company.arena.clock.now() // 1000 - said.pop("ago")
    cookie = company.signed_in(customer="anna", **said)
    _, done = company.makes_passkey(cookie)
    after = cookie_of(done, "remit_session")
    assert company.whom(after)["id"] == "anna"
    listed = company.arena.person("GET", "/me/v1/passkeys", cookie=after).json()["passkeys"]
    assert [bool(one["waits_until"]) for one in listed] == [waits]
    assert code_of(company.arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("LOGIN-VOUCHES")
def test_a_login_that_vouched_too_long_ago_does_not_vouch(company: Company) -> None:
    known(company)
    cookie = company.signed_in(customer="anna", acr="gold")
    company.arena.clock.ahead_ms += 331_000
    _, done = company.makes_passkey(cookie)
    listed = company.arena.person("GET", "/me/v1/passkeys", cookie=cookie_of(done, "remit_session")).json()["passkeys"]
    assert listed[0]["waits_until"]


@pytest.mark.proves("LOGIN-VOUCHES")
def test_a_login_adds_no_passkey_beside_the_first_one(company: Company) -> None:
    known(company)
    cookie = company.signed_in(customer="anna", acr="gold")
    begun = [company.arena.room.call("POST", "/login/v1/enrol", {}, cookie=cookie) for _ in range(2)]
    keys = [SoftPasskey(company.arena.room.issuer) for _ in begun]
    bodies = [{"ceremony": one["ceremony"], "response": key.create(one["options"])} for one, key in zip(begun, keys, strict=True)]
    elsewhere = company.arena.person("POST", "/login/v1/enrol", bodies[0])
    assert code_of(elsewhere) == "person.not_signed_in"
    first = company.arena.person("POST", "/login/v1/enrol", bodies[0], cookie=cookie)
    assert first.is_success
    again = company.signed_in(customer="anna", acr="gold")
    for held in (cookie, again, cookie_of(first, "remit_session")):
        assert company.arena.person("POST", "/login/v1/enrol", bodies[1], cookie=held).is_error
    _, refused = company.makes_passkey(again)
    assert code_of(refused) == "credential.missing"


@pytest.mark.proves("LOGIN-VOUCHES")
def test_a_login_alone_says_yes_to_nothing(company: Company) -> None:
    anna = company.arena.anna
    task = company.arena.task()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    cookie = company.signed_in(customer="anna", acr="gold")
    path = f"/me/v1/confirmations/{anna.invitation(reply)}"
    assert company.arena.person("GET", path, cookie=cookie).is_success
    with company.arena.unchanged():
        assert code_of(company.arena.person("POST", path, {"answer": "yes"}, cookie=cookie)) == "credential.missing"


@pytest.mark.proves("LOGIN-VOUCHES")
def test_a_recovery_ends_sessions_of_the_companys_login(company: Company) -> None:
    assert company.arena.anna
    cookie = company.signed_in(customer="anna")
    body = {"id": "anna", "kind": "customer", "how": "recovery"}
    code = company.arena.room.control("POST", "/sandbox/v1/people", body)["code"]
    begun = company.arena.room.call("POST", "/login/v1/enrol", {"code": code})
    response = SoftPasskey(company.arena.room.issuer).create(begun["options"])
    assert company.arena.person("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": response}).is_success
    assert code_of(company.arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


# the end


@pytest.mark.proves("LOGIN-ENDS")
def test_who_gets_roles_from_the_provider_signs_in_there_alone(company: Company) -> None:
    cookie = company.signed_in("s-olga", groups=["desk-billing"], acr="gold")
    passkey, done = company.makes_passkey(cookie)
    assert company.whom(cookie_of(done, "remit_session"), "/desk/v1")["roles"] == ["billing"]
    begun = company.arena.room.call("POST", "/login/v1/sign-in", {})
    refused = company.arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": passkey.get(begun["options"])})
    assert code_of(refused) == "person.not_allowed"
    olga = company.arena.run(company.arena.context.store.find(PersonRecord, "person.role", "billing"))[0].record
    body = {"id": olga.id, "kind": "officer", "how": "link"}
    code = company.arena.room.control("POST", "/sandbox/v1/people", body)["code"]
    begun = company.arena.room.call("POST", "/login/v1/enrol", {"code": code})
    made = SoftPasskey(company.arena.room.issuer).create(begun["options"])
    linked = company.arena.person("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": made})
    assert code_of(company.arena.person("GET", "/desk/v1", cookie=cookie_of(linked, "remit_session"))) == "person.not_signed_in"


@pytest.mark.parametrize("changed", [{"people": {"passkey_login": False}}])
@pytest.mark.proves("LOGIN-ENDS")
def test_without_a_passkey_login_a_passkey_lets_nobody_in(company: Company, changed: dict[str, Any]) -> None:
    assert changed == {}
    anna = company.arena.anna
    assert code_of(company.arena.person("GET", "/me/v1", cookie=anna.cookie)) == "person.not_signed_in"
    begun = company.arena.room.call("POST", "/login/v1/sign-in", {})
    refused = company.arena.person(
        "POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": anna.passkey.get(begun["options"])}
    )
    assert code_of(refused) == "person.not_allowed"
    assert "Sign in with a passkey" not in company.arena.person("GET", "/login").text


@pytest.mark.proves("LOGIN-ENDS")
@pytest.mark.parametrize("by", ["sid", "sub", "both"])
def test_the_providers_word_ends_sessions_at_once(company: Company, by: str) -> None:
    known(company)
    known(company, "bram")
    here = company.signed_in("s-anna", customer="anna", sid="there-1")
    _, done = company.makes_passkey(here)
    here = cookie_of(done, "remit_session")
    other = company.signed_in("s-anna", customer="anna", sid="there-2")
    bram = company.signed_in("s-bram", customer="bram", sid="there-3")
    named = {"sid": {"sid": "there-1"}, "sub": {"sub": "s-anna"}, "both": {"sid": "there-1", "sub": "s-anna"}}[by]
    token = company.provider.logout_token(**named)
    ended = company.logs_out(token)
    assert (ended.status_code, ended.headers["cache-control"]) == (200, "no-store")
    assert code_of(company.arena.person("GET", "/me/v1", cookie=here)) == "person.not_signed_in"
    assert company.arena.person("GET", "/me/v1", cookie=other).is_success is (by != "sub")
    assert company.whom(bram)["id"] == "bram"
    fresh = company.signed_in("s-anna", customer="anna", sid="there-1")
    again = company.logs_out(token)
    assert (again.status_code, code_of(again)) == (400, "login.invalid")
    assert company.whom(fresh)["id"] == "anna"


@pytest.mark.proves("LOGIN-ENDS")
def test_a_logout_that_proves_nothing_ends_nothing(company: Company) -> None:
    known(company)
    cookie = company.signed_in("s-anna", customer="anna", sid="there-1")
    good = {"sid": "there-1"}
    for token in (
        company.provider.logout_token(nonce="n", **good),
        company.provider.logout_token(iss="https://other.example", **good),
        company.provider.logout_token(events=None, **good),
        "",
        "a.b.c",
    ):
        assert company.logs_out(token).status_code == 400
    assert company.logs_out(company.provider.logout_token(sid="there-1", sub="s-bram")).json() == {"ended": 0}
    assert company.whom(cookie)["id"] == "anna"


@pytest.mark.parametrize("changed", [{"limits": {"peer_per_s": 1, "peer_burst": 5}}])
@pytest.mark.proves("LOGIN-ENDS", "LIMITS")
def test_many_sign_outs_are_heard_and_many_forgeries_are_not_read(company: Company, changed: dict[str, Any]) -> None:
    assert changed.keys() == {"limits"}
    seconds = [1000.0]
    company.arena.context.world.ticks = lambda: seconds[0]  # type: ignore[method-assign]  # only the clock is held
    for _ in range(12):
        assert company.logs_out(company.provider.logout_token(sub="s-anna")).json() == {"ended": 0}
    answers = [company.logs_out("a.b.c").status_code for _ in range(8)]
    assert answers == [400] * 5 + [429] * 3


@pytest.mark.proves("SESSION-ENDS")
def test_signing_out_everywhere_ends_every_session_of_all_accounts(company: Company) -> None:
    known(company)
    officer = company.signed_in("s-anna", customer="anna", groups=["desk-billing"])
    customer = company.signed_in("s-anna", customer="anna", wish={"as": "customer"})
    phone = company.signed_in("s-anna", customer="anna", wish={"as": "customer"})
    bram = company.arena.desk.customer("bram")
    done = company.arena.person("POST", "/login/v1/sign-out-everywhere", {}, cookie=customer)
    assert done.json()["redirect"].startswith(f"{company.provider.issuer}/end?")
    assert "Max-Age=0" in done.headers["set-cookie"]
    for cookie, base in ((customer, "/me/v1"), (phone, "/me/v1"), (officer, "/desk/v1")):
        assert code_of(company.arena.person("GET", base, cookie=cookie)) == "person.not_signed_in"
    assert company.whom(bram.cookie)["id"] == "bram"


@pytest.mark.proves("SESSION-ENDS")
def test_a_session_that_nobody_uses_is_over(arena: Arena) -> None:
    cookie = arena.anna.cookie
    for _ in range(4):
        arena.clock.ahead_ms += HOUR_MS - 60_000
        assert arena.person("GET", "/me/v1", cookie=cookie).is_success
    arena.clock.ahead_ms += HOUR_MS
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("SESSION-ENDS")
def test_a_session_ends_also_for_who_uses_it_all_the_time(arena: Arena) -> None:
    cookie = arena.anna.cookie
    for _ in range(16):
        arena.clock.ahead_ms += HOUR_MS // 2 - 1000
        assert arena.person("GET", "/me/v1", cookie=cookie).is_success
    arena.clock.ahead_ms += 20_000
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("SESSION-COOKIE")
def test_over_https_the_session_has_a_name_that_only_this_host_can_set(arena: Arena) -> None:
    cookie = arena.anna.cookie
    object.__setattr__(
        arena.context, "terms", replace(arena.context.terms, issuer="https://desk.example")
    )  # the desk's own address, no rule
    host = cookie.replace("remit_session=", "__Host-remit_session=")
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert arena.person("GET", "/me/v1", cookie=host).is_success
    gone = arena.person("POST", "/login/v1/sign-out", {}, cookie=host).headers["set-cookie"]
    assert gone == "__Host-remit_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.proves("P15")
def test_a_token_of_the_companys_login_in_an_agents_hands_is_a_persons(company: Company) -> None:
    task = company.arena.task()
    token = company.provider.logout_token(events=None, sub="s-anna")
    refused = company.arena.send(
        task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {}}, headers={"authorization": f"Bearer {token}"}
    )
    assert code_of(refused) == "agent.human_credential"


@pytest.mark.proves("LOGIN-BOUND")
def test_a_provider_that_is_down_is_told_in_plain_words_and_passkeys_go_on(company: Company) -> None:
    company.provider.answers["/.well-known/openid-configuration"] = (503, b"")
    told = company.arena.person("GET", "/login/oidc", headers=HTML)
    assert told.status_code == 503
    assert "The company&#39;s login isn&#39;t responding" in told.text
    assert company.whom(company.arena.anna.cookie)["id"] == "anna"
    page = company.arena.person("GET", "/login").text
    assert "Sign in with Acme" in page
    assert "Sign in with a passkey" in page


@pytest.mark.proves("LOGIN-BOUND")
def test_without_a_provider_there_is_no_such_door(arena: Arena) -> None:
    for path in ("/login/oidc", "/login/oidc/callback"):
        assert arena.person("GET", path, headers=HTML).status_code == 404
    sent = {"content-type": "application/x-www-form-urlencoded"}
    gone = arena.room.raw("POST", "/oidc/back-channel-logout", headers=sent, content=b"logout_token=x", check=False)
    assert code_of(gone) == "request.not_found"
    assert "Sign in with a passkey" in arena.person("GET", "/login").text


@pytest.mark.proves("LOGIN-ENDS")
@pytest.mark.parametrize("name", ["sign-out", "sign-out-everywhere"])
def test_who_signs_out_is_led_to_the_providers_sign_out_too(company: Company, name: str) -> None:
    known(company)
    here = company.signed_in("s-anna", customer="anna")
    left = company.arena.person("POST", f"/login/v1/{name}", {}, cookie=here)
    assert (left.status_code, left.headers["cache-control"]) == (200, "no-store")
    assert left.json()["redirect"].startswith(f"{company.provider.issuer}/end?")
    assert "remit_session=;" in left.headers["set-cookie"]
    assert code_of(company.arena.person("GET", "/me/v1", cookie=here)) == "person.not_signed_in"
