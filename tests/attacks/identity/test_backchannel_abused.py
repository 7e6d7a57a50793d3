"""A request without a browser reaches only a customer who knows the operator, is answered by them alone, and is redeemed once by its own agent."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import ISSUER, Arena, gathered, mandate
from attacks.backchannel import CIBA, PATH, answer, knock, poll, requests, said
from contracts.identity_minting import jwk, mint, write_json
from remit.adapters.notify.callback import HttpCallbacks
from remit.client.keys import ProofKey, new_key
from remit.client.transport import Clock
from remit.domain.records import AgentRecord, PushedRequest
from remit.ports.notify import DeliveryFailed
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxAgent
from remit.usecases.mandates.ping import send_pings

UNKNOWN = (400, "unknown_user_id")


@pytest.fixture
def agent(arena: Arena) -> SandboxAgent:
    """An agent to which Anna granted something before."""
    one = arena.agent()
    arena.anna.grant(one, mandate())
    return one


@pytest.mark.proves("BACKCHANNEL")
def test_a_customer_who_granted_this_operator_before_answers_on_the_same_page(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent, binding_message="Kettle 4711").json()
    assert (started["interval"], said(poll(arena, agent, started["auth_req_id"]))) == (5, (400, "authorization_pending"))
    (waits,) = requests(arena.anna)
    assert (waits["binding_message"], waits["operator"]) == ("Kettle 4711", "helper.example")
    assert answer(arena.anna, waits["request"])["redirect"] == f"{ISSUER}/me"
    token = poll(arena, agent, started["auth_req_id"]).json()
    assert (token["token_type"], token["scope"]) == ("DPoP", "mandate")
    assert agent.open(token["mandate"]).ask("order.return", {"order_id": "W1", "item_ids": ["i1"]}).needs_human
    assert said(poll(arena, agent, started["auth_req_id"])) == (400, "invalid_grant")
    assert requests(arena.anna) == []


@pytest.mark.proves("BACKCHANNEL")
def test_an_operator_reaches_nobody_who_never_granted_it_anything(arena: Arena, agent: SandboxAgent) -> None:
    arena.desk.customer("bram", email="bram@mail.example")
    stranger = arena.desk.agent("stranger", operator="elsewhere")
    bodies = [
        knock(arena, one, hint)
        for one, hint in [
            (stranger, "anna"),
            (stranger, "nobody"),
            (agent, "bram"),
            (agent, "bram@mail.example"),
            (agent, "no@mail.example"),
        ]
    ]
    assert {said(one) for one in bodies} == {UNKNOWN}
    assert len({one.content for one in bodies}) == 1  # alike, to the byte
    assert len({tuple(sorted(name for name in one.headers)) for one in bodies}) == 1
    assert requests(arena.anna) == []
    assert knock(arena, agent, "anna@mail.example").status_code == 200


@pytest.mark.proves("BACKCHANNEL")
def test_unknown_and_unacquainted_customers_cost_the_same_reads(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    arena.anna.grant(arena.agent(), mandate())
    stranger = arena.desk.agent("stranger", operator="elsewhere")
    read: list[str] = []
    real = type(arena.context.store).find

    async def find(self: Any, kind: Any, index: str, *rest: Any, **more: Any) -> Any:
        read.append(index)
        return await real(self, kind, index, *rest, **more)

    monkeypatch.setattr(type(arena.context.store), "find", find)
    seen = []
    for hint in ("anna", "nobody", "anna@mail.example"):
        read.clear()
        assert said(knock(arena, stranger, hint)) == UNKNOWN
        seen.append([one for one in read if one.startswith(("person.", "mandate."))])
    assert seen[0] == seen[1] == seen[2] == ["person.email", "mandate.customer"]


@pytest.mark.proves("BACKCHANNEL")
def test_a_customer_who_took_everything_back_is_not_asked_again(arena: Arena, agent: SandboxAgent) -> None:
    for one in arena.anna.get("/me/v1/mandates")["mandates"]:
        arena.anna.revoke(one["mandate"])
    assert said(knock(arena, agent)) == UNKNOWN


@pytest.mark.proves("BACKCHANNEL")
def test_a_request_addressed_to_one_customer_exists_for_no_other(arena: Arena, agent: SandboxAgent) -> None:
    bram = arena.desk.customer("bram", email="bram@mail.example")
    knock(arena, agent)
    (waits,) = requests(arena.anna)
    for body in (None, {"answer": "decline"}):
        found = arena.person("GET" if body is None else "POST", f"/me/v1/requests/{waits['request']}", body, cookie=bram.cookie)
        assert (found.status_code, found.json()["code"]) == (404, "request.not_found")
    page = arena.person("GET", waits["page"], cookie=bram.cookie)
    assert page.status_code == 404
    assert len(requests(arena.anna)) == 1


@pytest.mark.proves("BACKCHANNEL")
def test_another_client_or_key_redeems_nothing(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent).json()["auth_req_id"]
    answer(arena.anna, requests(arena.anna)[0]["request"])
    thief = arena.desk.agent("thief", operator="helper.example")
    assert said(poll(arena, thief, started)) == (400, "invalid_grant")
    assert said(poll(arena, agent, started, ProofKey(new_key()))) == (400, "invalid_grant")
    assert said(poll(arena, agent, "A" * 43)) == (400, "invalid_grant")
    assert poll(arena, agent, started).status_code == 200


@pytest.mark.proves("BACKCHANNEL")
def test_a_request_of_the_backchannel_is_no_code_and_a_code_no_request(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent).json()["auth_req_id"]
    answer(arena.anna, requests(arena.anna)[0]["request"])
    form = {"grant_type": "authorization_code", "code": started, "redirect_uri": "http://127.0.0.1/callback", "code_verifier": "v" * 43}
    assert said(arena.form("/oauth/token", form, agent=agent, key=agent)) == (400, "invalid_grant")
    request_uri, _ = agent.push(mandate())
    redirect = answer(arena.anna, request_uri.rpartition(":")[2])["redirect"]
    code = redirect.partition("code=")[2].partition("&")[0]
    assert said(poll(arena, agent, code)) == (400, "invalid_grant")


@pytest.mark.proves("BACKCHANNEL")
def test_polling_faster_than_told_is_slowed_down_on_every_node(arena: Arena, agent: SandboxAgent, process: str) -> None:
    del process
    started = knock(arena, agent).json()["auth_req_id"]
    form = {"grant_type": CIBA, "auth_req_id": started}
    assert said(poll(arena, agent, started)) == (400, "authorization_pending")
    fast = arena.form("/oauth/token", form, agent=agent, key=agent)
    assert (said(fast), fast.json()["retry_after_s"]) == ((400, "slow_down"), 5)
    assert said(poll(arena, agent, started)) == (400, "authorization_pending")


@pytest.mark.proves("BACKCHANNEL")
def test_no_poll_keeps_the_customers_answer_from_being_recorded(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent).json()["auth_req_id"]
    (before,) = arena.run(arena.context.store.find(PushedRequest, "request.customer", "anna", limit=1))
    assert said(poll(arena, agent, started)) == (400, "authorization_pending")
    (after,) = arena.run(arena.context.store.find(PushedRequest, "request.customer", "anna", limit=1))
    assert after.rev == before.rev


@pytest.mark.proves("BACKCHANNEL")
def test_a_no_is_told_and_pauses_the_operator(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent).json()["auth_req_id"]
    answer(arena.anna, requests(arena.anna)[0]["request"], "decline")
    assert said(poll(arena, agent, started)) == (400, "access_denied")
    again = knock(arena, agent)
    assert (again.status_code, again.json()["code"]) == (429, "confirmation.too_many")


@pytest.mark.proves("BACKCHANNEL")
def test_a_customer_is_not_knocked_at_without_end(arena: Arena, agent: SandboxAgent) -> None:
    codes = [knock(arena, agent).status_code for _ in range(arena.context.terms.waiting_per_pair + 1)]
    assert codes == [200] * arena.context.terms.waiting_per_pair + [429]


@pytest.mark.proves("BACKCHANNEL")
def test_no_two_requests_at_once_take_the_last_room(arena: Arena, agent: SandboxAgent) -> None:
    sent = [
        {**agent.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000), "scope": "openid", "login_hint": "anna"}
        for _ in range(9)
    ]
    more = {"authorization_details": json.dumps([mandate()]), "dpop_jkt": agent.client.key_thumbprint}
    makers = [lambda form=form: arena.room._http.post(PATH, data={**form, **more}) for form in sent]
    codes = [one.status_code for one in gathered(arena, makers)]
    assert codes.count(200) == arena.context.terms.waiting_per_pair == len(requests(arena.anna))


@pytest.mark.proves("BACKCHANNEL")
def test_a_request_that_nobody_answered_in_time_is_expired(arena: Arena, agent: SandboxAgent) -> None:
    started = knock(arena, agent, requested_expiry="10").json()
    assert started["expires_in"] == 10
    waits = requests(arena.anna)[0]["request"]
    arena.clock.ahead_ms += 10_000
    arena.desk.sweep()
    assert requests(arena.anna) == []
    assert arena.person("POST", f"/me/v1/requests/{waits}", {"answer": "decline"}, cookie=arena.anna.cookie).status_code == 404
    assert said(poll(arena, agent, started["auth_req_id"])) == (400, "expired_token")


MESSAGES = {
    "an order to the desk": "Note to staff: please approve all refunds at once",
    "an urge to consent": "Order 4711. Please confirm now with your passkey",
    "in the desk's name": "Acme Store: code 4711",
    "a link": "see https://evil.example",
    "another link": "see evil.example",
    "hidden": "code 47\u200b11",
    "turned around": "code \u202e1174",
    "too long": "x" * 65,
    "a card": "4111 1111 1111 1111",
}


@pytest.mark.proves("BACKCHANNEL")
@pytest.mark.parametrize("case", MESSAGES)
def test_a_binding_message_is_a_name_to_tell_it_by_and_nothing_more(arena: Arena, agent: SandboxAgent, case: str) -> None:
    assert said(knock(arena, agent, binding_message=MESSAGES[case])) == (400, "invalid_binding_message")
    assert requests(arena.anna) == []
    assert knock(arena, agent, binding_message="1234").status_code == 200


WRONG: dict[str, tuple[Mapping[str, str], str]] = {
    "no hint": ({"login_hint": ""}, "invalid_request"),
    "two hints": ({"login_hint_token": "x"}, "invalid_request"),
    "a token as hint": ({"login_hint": "", "login_hint_token": "x"}, "invalid_request"),
    "a long hint": ({"login_hint": "x" * 257}, "invalid_request"),
    "a user code": ({"user_code": "1234"}, "invalid_request"),
    "another scope": ({"scope": "openid admin"}, "invalid_scope"),
    "without openid": ({"scope": "mandate"}, "invalid_scope"),
    "another resource": ({"resource": "https://evil.example"}, "invalid_target"),
    "no key": ({"dpop_jkt": ""}, "invalid_request"),
    "a wrong expiry": ({"requested_expiry": "-1"}, "invalid_request"),
    "a ping that is not registered": ({"client_notification_token": "n" * 30}, "invalid_request"),
    "a request object": ({"request": "x.y.z"}, "request_not_supported"),
    "no mandate": ({"authorization_details": "[]"}, "invalid_authorization_details"),
}


@pytest.mark.proves("BACKCHANNEL")
@pytest.mark.parametrize("case", WRONG)
def test_a_request_that_is_not_as_the_standard_says_is_refused_in_its_words(arena: Arena, agent: SandboxAgent, case: str) -> None:
    more, error = WRONG[case]
    assert said(knock(arena, agent, **more)) == (400, error)
    assert requests(arena.anna) == []


@pytest.mark.proves("BACKCHANNEL")
def test_an_intercepted_request_by_an_svid_rings_nobody(arena: Arena, agent: SandboxAgent, tmp_path: Path) -> None:
    bundle = write_json(tmp_path / "bundle.json", {"keys": [jwk("ES256", kid="k1", use="jwt-svid")], "spiffe_sequence": 1})
    keys = {"bundle_file": str(bundle), "trust_domain": "helper.example"}
    known = {
        "client_id": "fleet",
        "actor": "spiffe://helper.example/fleet/*",
        "operator": "helper.example",
        "method": "spiffe_jwt",
        "keys": keys,
    }
    assert arena.room.raw("POST", "/sandbox/v1/agents", known).is_success
    now = arena.clock.now() // 1000
    claims = {"sub": "spiffe://helper.example/fleet/b", "aud": [ISSUER], "iat": now, "exp": now + 300}
    form = {
        "client_id": "fleet",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
        "client_assertion": mint({"alg": "ES256", "kid": "k1", "typ": "JWT"}, claims),
        "scope": "openid",
        "login_hint": "anna",
        "authorization_details": json.dumps([mandate()]),
        "dpop_jkt": agent.client.key_thumbprint,
    }
    assert said(arena.form(PATH, form)) == (400, "invalid_dpop_proof")
    assert requests(arena.anna) == []
    proof = {"dpop": arena.proof(agent, "POST", PATH)}
    assert arena.form(PATH, form, headers=proof).status_code == 200
    assert said(arena.form(PATH, form, headers=proof)) == (400, "invalid_dpop_proof")  # the same bytes again
    assert len(requests(arena.anna)) == 1


@pytest.mark.proves("BACKCHANNEL")
def test_the_agents_own_client_waits_for_the_customer(arena: Arena, agent: SandboxAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def said_yes() -> None:
        if len(slept) == 2:
            answer(arena.anna, requests(arena.anna)[0]["request"])

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        arena.clock.ahead_ms += 5000
        await asyncio.to_thread(said_yes)

    monkeypatch.setattr(agent.client.door.sender, "clock", Clock(now=lambda: arena.clock.now() / 1000, sleep=sleep))
    wanted = mandate()
    asked = agent.client.request_mandate_backchannel(
        login_hint="anna", objective="return-item", target={"order": ["W1"]}, powers=wanted["powers"], binding_message="Kettle"
    )
    granted = arena.run(asked)
    assert slept == [5, 5]
    assert agent.open(granted.id).ask("order.return", {"order_id": "W1", "item_ids": ["i1"]}).needs_human


class Pinged(BaseHTTPRequestHandler):
    """An agent's notification address."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.got.append((self.path, self.headers["authorization"], body))  # type: ignore[attr-defined]  # ours
        self.send_response(302 if self.path == "/moved" else 204)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def pinged() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pinged)
    server.got = []  # type: ignore[attr-defined]  # what came
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


TOKEN = "notify-8d67dc78-7faa-4d41-aabd-67707b374255"


def to_be_pinged(arena: Arena, agent: SandboxAgent, address: str) -> None:
    """Give an agent an address to ping, as its registration would."""
    kept = arena.run(arena.context.store.get(AgentRecord, agent.client_id))
    arena.run(arena.context.store.commit(Commit(puts=(Put(replace(kept.record, notification_uri=address), kept.rev, kept.record),))))


@pytest.mark.proves("BACKCHANNEL")
@pytest.mark.parametrize("how", ["grant", "decline"])
def test_an_agent_is_pinged_once_with_its_own_token_and_no_answer(arena: Arena, agent: SandboxAgent, pinged: Any, how: str) -> None:
    to_be_pinged(arena, agent, f"http://127.0.0.1:{pinged.server_port}/cb")
    assert said(knock(arena, agent)) == (400, "invalid_request")  # without its token
    assert said(knock(arena, agent, client_notification_token="short")) == (400, "invalid_request")
    started = knock(arena, agent, client_notification_token=TOKEN).json()
    arena.run(send_pings(arena.context))
    assert pinged.got == []
    answer(arena.anna, requests(arena.anna)[0]["request"], how)
    for _ in range(3):
        arena.run(send_pings(arena.context))
        arena.clock.ahead_ms += 60_000
    assert pinged.got == [("/cb", f"Bearer {TOKEN}", {"auth_req_id": started["auth_req_id"]})]
    (kept,) = arena.run(arena.context.store.find(PushedRequest, "due.request", "", newest=True, limit=1))
    assert TOKEN not in repr(kept.record)


@pytest.mark.proves("BACKCHANNEL")
def test_a_ping_follows_no_redirect_and_is_not_repeated_once_it_was_answered(arena: Arena, agent: SandboxAgent, pinged: Any) -> None:
    to_be_pinged(arena, agent, f"http://127.0.0.1:{pinged.server_port}/moved")
    started = knock(arena, agent, client_notification_token=TOKEN).json()
    answer(arena.anna, requests(arena.anna)[0]["request"])
    for _ in range(6):
        arena.run(send_pings(arena.context))
        arena.clock.ahead_ms += 31_000
    assert [path for path, _, _ in pinged.got] == ["/moved"]
    arena.clock.ahead_ms -= 6 * 31_000
    assert poll(arena, agent, started["auth_req_id"]).status_code == 200


@pytest.mark.proves("BACKCHANNEL")
def test_a_ping_that_reaches_nobody_is_tried_three_times(arena: Arena, agent: SandboxAgent, caplog: pytest.LogCaptureFixture) -> None:
    to_be_pinged(arena, agent, "http://127.0.0.1:1/cb")
    started = knock(arena, agent, client_notification_token=TOKEN).json()
    answer(arena.anna, requests(arena.anna)[0]["request"])
    for _ in range(6):
        arena.run(send_pings(arena.context))
        arena.clock.ahead_ms += 31_000
    assert sum(one.name == "remit.pings" for one in caplog.records) == 3
    arena.clock.ahead_ms -= 6 * 31_000
    assert poll(arena, agent, started["auth_req_id"]).status_code == 200


INSIDE = [
    "https://169.254.169.254/cb",
    "https://10.0.0.1/cb",
    "https://[fd00::1]/cb",
    "https://127.0.0.1/cb",
    "https://localhost/cb",
    "http://shop.example/cb",
]


@pytest.mark.proves("BACKCHANNEL")
@pytest.mark.parametrize("address", INSIDE)
def test_nothing_is_posted_inside_the_desks_own_network(address: str) -> None:
    with pytest.raises(DeliveryFailed, match=r"special-use|it must be https"):
        asyncio.run(HttpCallbacks(allow_loopback=False).post(address, bearer=TOKEN, body=b"{}"))


@pytest.mark.proves("BACKCHANNEL")
def test_an_address_inside_the_desks_own_network_is_not_registered(arena: Arena) -> None:
    security = arena.desk.officer("sam", roles=["security"])
    body = {"client_id": "new", "operator": "new", "keys": {"jwks": {"keys": []}}, "notification_uri": "https://169.254.169.254/cb"}
    found = arena.person("POST", "/security/v1/agents", body, cookie=security.cookie)
    assert (found.status_code, found.json()["code"]) == (400, "request.malformed")
    assert "notification_uri" in found.json()["detail"]
