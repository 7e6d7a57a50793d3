"""What a person, or a page or tool of theirs, may rely on at the doors of the JSON twins."""

from collections.abc import Iterator
from typing import Any

import cbor2
import pytest

from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.client.keys import load_key, new_key
from remit.proof.canonical import b64url, unb64url
from remit.sandbox import Sandbox
from remit.sandbox.passkey import SoftPasskey


@pytest.fixture(scope="module")
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        yield made


def sent(desk: Sandbox, path: str, body: dict[str, Any] | None, cookie: str, method: str = "POST") -> tuple[int, dict[str, Any]]:
    answer = desk.room.raw(method, path, body, cookie=cookie, check=False)
    return answer.status_code, answer.json()


def test_members_that_nobody_looks_at_are_refused_and_nothing_is_done(desk: Sandbox) -> None:
    customer, agent, audit = desk.customer("yusuf"), desk.agent(SHOP), desk.officer("aud", ["audit"])
    billing = desk.officer("bill", ["billing"])
    mandate = customer.grant(agent, MANDATE)
    task = agent.open(mandate)
    for path, cookie in (
        (f"/me/v1/mandates/{mandate.id}/revoke", customer.cookie),
        ("/login/v1/sign-out", customer.cookie),
        (f"/desk/v1/cases/{task.case}/close", billing.cookie),
        ("/audit/v1/verify", audit.cookie),
    ):
        status, body = sent(desk, path, {"reason": "x"}, cookie)
        assert (status, body["code"]) == (400, "request.malformed"), path
    assert task.status()["state"] == "open"
    assert sent(desk, f"/me/v1/mandates/{mandate.id}/revoke", {}, customer.cookie)[0] == 200


def test_a_request_that_needs_no_body_may_have_none(desk: Sandbox) -> None:
    customer, agent, audit = desk.customer("yusuf"), desk.agent(SHOP), desk.officer("aud", ["audit"])
    mandate = customer.grant(agent, MANDATE)
    assert sent(desk, f"/me/v1/mandates/{mandate.id}/revoke", None, customer.cookie)[1]["state"] == "revoked"
    assert sent(desk, "/audit/v1/verify", None, audit.cookie)[1]["verified"] is True
    # One that needs a body says so.
    assert sent(desk, f"/me/v1/mandates/{mandate.id}/narrow", None, customer.cookie)[1]["code"] == "request.malformed"


def test_nobody_is_asked_for_a_proof_at_a_persons_door(desk: Sandbox) -> None:
    for path in ("/me/v1/mandates", "/desk/v1/waiting", "/log/receipts/0"):
        answer = desk.room.raw("GET", path, check=False)
        assert (answer.status_code, answer.json()["code"]) == (401, "person.not_signed_in")
        assert answer.headers["www-authenticate"].startswith("Cookie ")
    unsigned = desk.room.raw("POST", "/login/v1/enrol", {"code": "x"}, check=False)
    assert unsigned.status_code == 401
    assert "DPoP" not in unsigned.headers["www-authenticate"]


def test_a_person_is_told_a_persons_cure(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    reply = agent.open(customer.grant(agent, MANDATE)).ask("payment.refund", REFUND)
    unsigned = sent(desk, f"/me/v1/confirmations/{customer.invitation(reply)}", {"answer": "yes"}, customer.cookie)[1]
    assert (unsigned["code"], unsigned["cure"]) == ("credential.missing", "Confirm with your passkey to continue.")
    link = sent(desk, "/login/v1/enrol", {"code": "x"}, "")[1]
    assert (link["code"], link["cure"]) == ("credential.expired", "Ask support for a new link.")
    assert sent(desk, "/me/v1/nowhere", None, customer.cookie, "GET")[1]["cure"]


@pytest.mark.parametrize(
    "key", [b"", b"\x80", b"\x81\x01", b"\x01", b"\xa0", b"\xa1\x01\x02", b"\x9b\x00\x00\x00\x7f\xff\xff\xff\xff", b"\xc2\x41\x01"]
)
def test_a_passkey_whose_key_is_none_is_told_so(desk: Sandbox, key: bytes) -> None:
    code = desk.room.control("POST", "/sandbox/v1/people", {"id": "zoe", "kind": "customer"})["code"]
    begun = desk.room.call("POST", "/login/v1/enrol", {"code": code})
    passkey = SoftPasskey(desk.room.issuer)
    made = passkey.create(begun["options"])
    identifier = cbor2.loads(unb64url(made["response"]["attestationObject"]))["authData"][37:71]
    data = passkey._authenticator_data(0x45) + identifier + key
    made["response"]["attestationObject"] = b64url(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}))
    status, body = sent(desk, "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": made, "label": "x"}, "")
    assert (status, body["code"]) == (401, "credential.malformed")
    assert body["cure"]


def test_with_two_sessions_at_once_nobody_is_signed_in(desk: Sandbox) -> None:
    customer, other = desk.customer("yusuf"), desk.customer("mei")
    assert sent(desk, "/me/v1", None, customer.cookie, "GET")[1]["id"] == "yusuf"
    assert sent(desk, "/me/v1", None, f"{customer.cookie}; {customer.cookie}", "GET")[1]["id"] == "yusuf"
    for cookie in (f"{customer.cookie}; {other.cookie}", f"remit_session=x; {customer.cookie}"):
        assert sent(desk, "/me/v1", None, cookie, "GET")[1]["code"] == "person.not_signed_in"


def test_an_objective_that_is_not_there_is_not_called_suspended(desk: Sandbox) -> None:
    security = desk.officer("sec", ["security"])
    status, body = sent(desk, "/security/v1/suspend", {"objective": "hepl", "reason": "fraud"}, security.cookie)
    assert (status, body["code"]) == (422, "objective.unknown")
    assert security.get("/security/v1/suspensions")["suspensions"] == []


@pytest.mark.parametrize(("what", "name"), [("objective", "help"), ("operator", "helper.example"), ("customer", "mei"), ("agent", SHOP)])
def test_only_what_is_suspended_can_be_proposed_to_resume(desk: Sandbox, what: str, name: str) -> None:
    desk.agent(SHOP)
    security, admin = desk.officer("sec", ["security"]), desk.officer("adm", ["admin"])
    body = {what: name, "reason": "over"}
    assert sent(desk, "/security/v1/resume", body, security.cookie)[1]["code"] == "request.not_found"
    security.post("/security/v1/suspend", body)
    first, second = (security.post("/security/v1/resume", body)["proposal"]["proposal"] for _ in range(2))
    admin.post(f"/security/v1/proposals/{first}", {"answer": "yes"})
    assert sent(desk, f"/security/v1/proposals/{second}", {"answer": "yes"}, admin.cookie)[1]["code"] == "request.not_found"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)//",
        "data:text/html,x",
        "http://shop.example/done",
        "https://shop.example/done#part",
        "https://user@shop.example/done",
        "https://",
        "//shop.example/done",
        "/done",
        "https://shop.example\\@evil.example/",
        "https://shop.example/done\n",
        "https://\u0441hop.example/done",
        "",
    ],
)
def test_no_agent_is_registered_with_an_address_a_code_must_not_go_to(desk: Sandbox, address: str) -> None:
    security = desk.officer("sec", ["security"])
    status, body = sent(desk, "/security/v1/agents", described("bad", address), security.cookie)
    assert (status, body["code"]) == (400, "request.malformed")
    assert "redirect_uri" in body["detail"]


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "bad\x1b[31m"},
        {"actor": "bad\x1b[31m"},
        {"actor": "b\u0430d"},
        {"operator": "shop.example\x1b[31m"},
        {"operator": "shop\u202e.example"},
        {"operator": "Please refund the order"},
        {"operator": "x" * 256},
        {"name": "Helper\r\nTrusted by the desk"},
    ],
)
def test_no_agent_is_registered_under_names_that_speak_or_hide(desk: Sandbox, changed: dict[str, str]) -> None:
    security = desk.officer("sec", ["security"])
    status, body = sent(desk, "/security/v1/agents", described("bad") | changed, security.cookie)
    assert (status, body["code"]) == (400, "request.malformed")
    good = described("cancel-everything") | {"operator": "cancel-my-order.example"}
    assert sent(desk, "/security/v1/agents", good, security.cookie)[0] in {201, 409}


def test_addresses_a_code_may_go_to_are_registered(desk: Sandbox) -> None:
    security = desk.officer("sec", ["security"])
    good = [
        "https://shop.example",
        "https://shop.example:8443/a/b?x=1",
        "http://127.0.0.1/callback",
        "http://[::1]:8000/cb",
        "http://localhost/cb",
        "com.example.app:/done",
    ]
    assert sent(desk, "/security/v1/agents", described("good", *good), security.cookie)[1]["redirect_uris"] == good


def described(client_id: str, *addresses: str) -> dict[str, Any]:
    key = load_key(new_key()).as_dict(private=False) | {"kid": "k", "use": "sig", "alg": "ES256"}
    return {"client_id": client_id, "operator": "shop.example", "keys": {"jwks": {"keys": [key]}}, "redirect_uris": list(addresses)}


def test_what_may_be_left_out_of_a_suspension_may_be_null(desk: Sandbox) -> None:
    security = desk.officer("sec", ["security"])
    others = {"agent": None, "customer": None, "objective": None}
    status, body = sent(desk, "/security/v1/suspend", {"operator": "other.example", **others, "reason": "fraud"}, security.cookie)
    assert (status, body["what"], body["name"]) == (200, "operator", "other.example")
    assert sent(desk, "/security/v1/suspend", {**others, "operator": None, "reason": "fraud"}, security.cookie)[0] == 400
