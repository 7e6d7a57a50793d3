"""The modules of the FAPI-CIBA suite, at a desk in this process, whose clock is moved."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from attacks.arena import ISSUER, Arena, mandate, open_arena
from attacks.backchannel import CIBA, PATH, answer, knock, poll, requests, said
from conformance.harness import vector_set
from remit.client.keys import ProofKey
from remit.domain.records import AgentRecord
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxAgent
from remit.usecases.mandates.ping import send_pings

MODULES = vector_set("fapi-ciba")
LISTED = [module["test"] for module in MODULES.read()["modules"]]
PREFIX = "fapi-ciba-id1"
TOKEN = "notify-8d67dc78-7faa-4d41-aabd-67707b374255"


class Met:
    """A desk, and an agent to which Anna granted something before."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.agent = arena.agent()
        arena.anna.grant(self.agent, mandate())

    def started(self, **more: str) -> str:
        answered = knock(self.arena, self.agent, **more)
        assert answered.status_code == 200, answered.text
        return str(answered.json()["auth_req_id"])

    def answered(self, how: str = "grant") -> None:
        answer(self.arena.anna, requests(self.arena.anna)[0]["request"], how)

    def form(self, path: str, agent: SandboxAgent | None, **members: str) -> httpx.Response:
        right = {"scope": "openid", "login_hint": "anna", "authorization_details": json.dumps([mandate()]), "dpop_jkt": "A" * 43}
        own = agent.identity.credentials(issuer=ISSUER, now_s=self.arena.clock.now() / 1000) if agent is not None else {}
        form = {**(right if path == PATH else {}), **own, **members}
        return self.arena.form(path, form, key=None if path == PATH else self.agent)


@pytest.fixture
def met() -> Iterator[Met]:
    with open_arena() as arena:
        yield Met(arena)


def happy(met: Met) -> None:
    for client in (met.agent, met.arena.agent("spiffe://helper.example/second")):
        met.agent = client
        started = met.started()
        assert said(poll(met.arena, client, started)) == (400, "authorization_pending")
        met.answered()
        token = poll(met.arena, client, started)
        assert (token.status_code, token.json()["token_type"]) == (200, "DPoP")


def too_late(met: Met) -> None:
    started = met.started(requested_expiry="10")
    met.arena.clock.ahead_ms += 11_000
    assert said(poll(met.arena, met.agent, started)) == (400, "expired_token")


def discovery(met: Met) -> None:
    told = met.arena.person("GET", "/.well-known/oauth-authorization-server").json()
    assert told["backchannel_authentication_endpoint"] == ISSUER + PATH
    assert set(told["backchannel_token_delivery_modes_supported"]) <= {"poll", "ping"}
    assert CIBA in told["grant_types_supported"]
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]


def binding(met: Met) -> None:
    met.started(binding_message="1234")
    assert requests(met.arena.anna)[0]["binding_message"] == "1234"


def odd_binding(met: Met) -> None:
    odd = "\u4eca\u65e5\u306f https://evil.example/ \u2603 " + "x" * 80
    assert said(knock(met.arena, met.agent, binding_message=odd)) == (400, "invalid_binding_message")


def two_hints(met: Met) -> None:
    assert said(knock(met.arena, met.agent, id_token_hint="e30.e30.e30")) == (400, "invalid_request")


def no_rs256(met: Met) -> None:
    told = met.arena.person("GET", "/.well-known/oauth-authorization-server").json()
    assert "RS256" not in told["token_endpoint_auth_signing_alg_values_supported"]


def issuer_as_audience(met: Met) -> None:
    started = met.started()
    met.answered()
    assert poll(met.arena, met.agent, started).status_code == 200  # every assertion here has the issuer as its audience


def no_proof(met: Met) -> None:
    started = met.started()
    met.answered()
    bare = met.arena.form("/oauth/token", {"grant_type": CIBA, "auth_req_id": started}, agent=met.agent)
    assert said(bare) in {(400, "invalid_dpop_proof"), (400, "invalid_request")}


def scopes(met: Met) -> None:
    for order in ("openid mandate", "mandate openid"):
        met.started(scope=order)


def expiry_as_text(met: Met) -> None:
    assert 0 < knock(met.arena, met.agent, requested_expiry="60").json()["expires_in"] <= 60


def unauthenticated(path: str) -> Callable[[Met], None]:
    def judged(met: Met) -> None:
        members = {"client_id": met.agent.client_id} | ({"grant_type": CIBA, "auth_req_id": "A" * 43} if path != PATH else {})
        assert said(met.form(path, None, **members))[1] in {"invalid_client", "invalid_request"}

    return judged


def other_client_id(path: str) -> Callable[[Met], None]:
    def judged(met: Met) -> None:
        members = {"client_id": "another"} | ({"grant_type": CIBA, "auth_req_id": "A" * 43} if path != PATH else {})
        assert said(met.form(path, met.agent, **members))[1] in {"invalid_client", "invalid_request"}

    return judged


def others_request(met: Met) -> None:
    started = met.started()
    met.answered()
    other = met.arena.agent("spiffe://helper.example/second")
    assert said(poll(met.arena, other, started)) == (400, "invalid_grant")


def polled_often(met: Met) -> None:
    started = met.started()
    poll(met.arena, met.agent, started)
    form = {"grant_type": CIBA, "auth_req_id": started}
    again = met.arena.form("/oauth/token", form, agent=met.agent, key=ProofKey(met.agent.key))
    assert said(again) in {(400, "authorization_pending"), (400, "slow_down")}


def pinged(status: int, body: bytes = b"", **headers: str) -> Callable[[Met], None]:
    def judged(met: Met) -> None:
        got: list[str] = []
        with ping_server(got, status, body, headers) as address:
            kept = met.arena.run(met.arena.context.store.get(AgentRecord, met.agent.client_id))
            changed = replace(kept.record, notification_uri=f"{address}/cb")
            met.arena.run(met.arena.context.store.commit(Commit(puts=(Put(changed, kept.rev, kept.record),))))
            started = met.started(client_notification_token=TOKEN)
            met.answered()
            met.arena.run(send_pings(met.arena.context))
        assert set(got) == {"/cb"}, "pinged, and sent nowhere else"
        assert poll(met.arena, met.agent, started).status_code == 200

    return judged


class ping_server:  # noqa: N801  # used as a function
    """A client's notification endpoint, which answers in one way."""

    def __init__(self, got: list[str], status: int, body: bytes, headers: dict[str, str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                got.append(self.path)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def declined(met: Met) -> None:
    started = met.started()
    met.answered("decline")
    assert said(poll(met.arena, met.agent, started)) == (400, "access_denied")


RUN: dict[str, Callable[[Met], None]] = {
    "": happy,
    "-auth-req-id-expired": too_late,
    "-discovery-end-point-verification": discovery,
    "-ensure-authorization-request-with-binding-message-succeeds": binding,
    "-ensure-authorization-request-with-multiple-hints-fails": two_hints,
    "-ensure-authorization-request-with-potentially-bad-binding-message": odd_binding,
    "-ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails": no_rs256,
    "-ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails": no_rs256,
    "-ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds": issuer_as_audience,
    "-ensure-mtls-holder-of-key-required": no_proof,
    "-ensure-other-scope-order-succeeds": scopes,
    "-ensure-requested-expiry-as-string-succeeds": expiry_as_text,
    "-ensure-without-client-assertion-in-backchannel-authorization-request": unauthenticated(PATH),
    "-ensure-without-client-assertion-in-token-endpoint-request": unauthenticated("/oauth/token"),
    "-ensure-wrong-auth-req-id-in-token-endpoint-request": others_request,
    "-ensure-wrong-client-id-in-backchannel-authorization-request": other_client_id(PATH),
    "-ensure-wrong-client-id-in-token-endpoint-request": other_client_id("/oauth/token"),
    "-multiple-call-to-token-endpoint": polled_often,
    "-ping-backchannel-notification-endpoint-response-401": pinged(401),
    "-ping-backchannel-notification-endpoint-response-403": pinged(403),
    "-ping-backchannel-notification-endpoint-response-has-body": pinged(200, b'{"a": 1}'),
    "-ping-backchannel-notification-endpoint-return-redirect-request": pinged(301, location="/elsewhere"),
    "-user-rejects-authentication": declined,
}
NOT_RUN = [name for name in LISTED if name.removeprefix(PREFIX) not in RUN]


@MODULES.each({PREFIX + name: judge for name, judge in RUN.items()} | dict.fromkeys(NOT_RUN))
def test_the_modules_of_the_suite_come_out_as_their_authors_expect(met: Met, check: Callable[[Met], None]) -> None:
    check(met)


def test_every_module_is_judged_once() -> None:
    assert {PREFIX + name for name in RUN} <= set(LISTED)
    assert len(LISTED) == 43
