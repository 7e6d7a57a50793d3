"""Shared signals on a running server: every check of the OpenID suite's SSF list, and the examples of SSF 1.0 and CAEP 1.0.

The list and the examples are read in place (`REMIT_SHARED`); the peer is `ssf_peer`, on joserfc and httpx alone. Each check is
a row: how it is tried here.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from browser.desk_server import serving
from conformance.harness import SHARED, vector_set
from conformance.ssf_peer import CAEP, SSF, Peer, key_file, peer_served, read_set, secret_file
from desks.shop import CATALOGUE, FACTS
from remit.domain.errors import Refused
from remit.domain.events.security_event import SetRefused, verify_set
from remit.domain.events.subjects import verify_subject
from remit.domain.values import Instant, decode_json
from remit.sandbox import Sandbox
from remit.settings import Settings
from remit.wiring import manage_stream
from settings_made import settings_made

VECTORS = SHARED / "ssf"
MODULES, PRINTED = vector_set("ssf-modules"), vector_set("ssf-examples")
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
OPERATOR = "helper.example"
SHOP = "spiffe://helper.example/shop"
pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="remit: NOT RUN: vectors/ssf is not here; set REMIT_SHARED to the folder with vectors/"
)


@dataclass
class Served:
    """A served desk, its metadata as a receiver finds it, and the peer that is its receiver and its transmitter."""

    issuer: str
    peer: Peer
    token: str
    reader: str
    vendor: str
    metadata: dict[str, Any]
    http: httpx.Client
    settings: Settings

    def call(self, method: str, address: str, body: object = None, *, token: str | None = None, raw: bytes | None = None) -> httpx.Response:
        """One request of the receiver."""
        headers = {"authorization": f"Bearer {self.token if token is None else token}", "content-type": "application/json"}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self.http.request(method, address, headers=headers, content=content)

    @property
    def streams(self) -> str:
        """The configuration endpoint."""
        return str(self.metadata["configuration_endpoint"])

    def create(self, **body: object) -> dict[str, Any]:
        """A new stream, in place of an older one."""
        for one in self.call("GET", self.streams).json():
            assert self.call("DELETE", f"{self.streams}?stream_id={one['stream_id']}").status_code == 204
        answer = self.call("POST", self.streams, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        for name in ("stream_id", "iss", "aud", "events_supported", "events_requested", "events_delivered", "delivery"):
            assert made[name], name
        assert made["iss"] == self.issuer
        return made

    def verify(self, stream: dict[str, Any], state: str) -> None:
        """Ask for a verification."""
        answer = self.call("POST", self.metadata["verification_endpoint"], {"stream_id": stream["stream_id"], "state": state})
        assert answer.status_code == 204, answer.text

    def poll(self, stream: dict[str, Any], **asked: object) -> dict[str, str]:
        """One poll."""
        answer = self.call("POST", stream["delivery"]["endpoint_url"], asked)
        assert answer.status_code == 200, answer.text
        sets: dict[str, str] = answer.json()["sets"]
        return sets

    def read(self, token: str) -> dict[str, Any]:
        """Verify an event by the published keys."""
        return read_set(token, self.http.get(self.metadata["jwks_uri"]).json())

    def verification(self, token: str, stream: dict[str, Any], state: str) -> dict[str, Any]:
        """Verify that an event is the verification of a state."""
        claims = self.read(token)
        assert claims["iss"] == self.issuer
        assert claims["aud"] == stream["aud"]
        assert claims["sub_id"] == {"format": "opaque", "id": stream["stream_id"]}
        assert claims["events"] == {f"{SSF}verification": {"state": state}}
        return claims

    def push(self, token: str) -> httpx.Response:
        """The peer pushes an event to the desk."""
        headers = {"authorization": f"Bearer {self.vendor}", "content-type": "application/secevent+jwt"}
        return self.http.post(f"{self.issuer}/ssf/v1/events", headers=headers, content=token)

    def event(self, kind: str, subject: dict[str, Any], event: dict[str, Any]) -> str:
        """A right event of the peer's."""
        return self.peer.sign(self.peer.set(kind, subject, event, now_s=int(time.time()), audience="https://desk.example"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("ssf")
    with peer_served() as peer:
        (siem, token), (looks, reader) = secret_file(folder / "own", "siem"), secret_file(folder / "own", "looks")
        pushes, vendor = secret_file(folder / "own", "vendor")
        events = {
            "key_files": [key_file(folder / "own")],
            "verification_interval_s": 0,
            "receivers": [
                {
                    "name": "siem",
                    "audience": "https://siem.example",
                    "token_files": [siem],
                    "subject": "iss_sub",
                    "jwks_url": f"{peer.url}/jwks",
                },
                {"name": "looks", "audience": "https://looks.example", "token_files": [looks], "scope": "ssf.read"},
            ],
            "transmitters": [
                {
                    "name": "vendor",
                    "issuer": peer.url,
                    "audience": "https://desk.example",
                    "operator": OPERATOR,
                    "push_token_files": [pushes],
                    "manage_token_file": secret_file(folder / "own", "manage", peer.manage_token)[0],
                }
            ],
        }
        with serving(folder, CATALOGUE, FACTS, events=events) as issuer, httpx.Client(timeout=30) as http:
            metadata = http.get(f"{issuer}/.well-known/ssf-configuration").json()
            tables = {"server": {"issuer": issuer}, "events": events}
            yield Served(issuer, peer, token, reader, vendor, metadata, http, settings_made(folder, **tables))


def happy_path(desk: Served) -> None:
    stream = desk.create(description="mine")
    name = stream["stream_id"]
    assert desk.call("GET", f"{desk.streams}?stream_id={name}").json() == stream
    changed = desk.call("PATCH", desk.streams, {"stream_id": name, "events_requested": [f"{CAEP}session-revoked", "https://x.example/y"]})
    assert changed.status_code == 200
    assert changed.json()["events_delivered"] == [f"{CAEP}session-revoked"]
    assert changed.json()["description"] == "mine"
    replaced = desk.call("PUT", desk.streams, {**stream, "description": "other"})
    assert replaced.status_code == 200
    assert replaced.json() == {**stream, "description": "other"}
    status = desk.call("GET", f"{desk.metadata['status_endpoint']}?stream_id={name}")
    assert status.json() == {"stream_id": name, "status": "enabled"}
    paused = desk.call("POST", desk.metadata["status_endpoint"], {"stream_id": name, "status": "paused", "reason": "a test"})
    assert paused.json() == {"stream_id": name, "status": "paused", "reason": "a test"}
    assert desk.call("DELETE", f"{desk.streams}?stream_id={name}").status_code == 204
    assert desk.call("GET", f"{desk.streams}?stream_id={name}").status_code == 404


def unauthorized(method: str) -> Callable[[Served], None]:
    def check(desk: Served) -> None:
        name = desk.create()["stream_id"]
        body = None if method in {"GET", "DELETE"} else {"stream_id": name}
        answer = desk.call(method, f"{desk.streams}?stream_id={name}" if body is None else desk.streams, body, token="invalid")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")

    return check


def unknown(method: str) -> Callable[[Served], None]:
    def check(desk: Served) -> None:
        desk.create()
        body = None if method in {"GET", "DELETE"} else {"stream_id": "stream_unknown"}
        address = f"{desk.streams}?stream_id=stream_unknown" if body is None else desk.streams
        assert desk.call(method, address, body).status_code == 404

    return check


def broken(method: str) -> Callable[[Served], None]:
    def check(desk: Served) -> None:
        name = desk.create()["stream_id"]
        for raw in (b"{", b"[]", b'"x"', json.dumps({"stream_id": name, "delivery": {"method": "urn:x"}}).encode()):
            assert desk.call(method, desk.streams, raw=raw).status_code == 400
        for wrong in (
            {"events_requested": "all"},
            {"events_requested": [1]},
            {"delivery": {"method": PUSH}},
            {"iss": "https://other.example"},
        ):
            if method == "POST" and "iss" in wrong:
                continue
            assert desk.call(method, desk.streams, {"stream_id": name, **wrong}).status_code == 400, wrong

    return check


def duplicate(desk: Served) -> None:
    desk.create()
    assert desk.call("POST", desk.streams, {}).status_code == 409


def subjects(desk: Served) -> None:
    name = desk.create()["stream_id"]
    body = {"stream_id": name, "subject": {"format": "email", "email": "anna@mail.example"}, "verified": True}
    assert desk.call("POST", desk.metadata["add_subject_endpoint"], body).status_code == 200
    assert desk.call("POST", desk.metadata["remove_subject_endpoint"], body).status_code == 204
    assert desk.call("POST", desk.metadata["add_subject_endpoint"], {"stream_id": name, "subject": {"format": "email"}}).status_code == 400
    assert desk.call("DELETE", f"{desk.streams}?stream_id={name}").status_code == 204


def metadata(desk: Served) -> None:
    found = desk.metadata
    assert found["issuer"] == desk.issuer
    assert found["spec_version"] == "1_0"
    assert found["delivery_methods_supported"] == [PUSH, POLL]
    assert found["default_subjects"] == "ALL"
    for name in (
        "jwks_uri",
        "configuration_endpoint",
        "status_endpoint",
        "verification_endpoint",
        "add_subject_endpoint",
        "remove_subject_endpoint",
    ):
        assert found[name].startswith(f"{desk.issuer}/"), name
    keys = desk.http.get(found["jwks_uri"]).json()["keys"]
    assert [(one["kty"], one["alg"]) for one in keys] == [("RSA", "RS256")]


def short_lived_token(desk: Served) -> str:
    """A token by client credentials, found as RFC 9728 and RFC 8414 have it."""
    assert {"spec_urn": "urn:ietf:rfc:6749"} in desk.metadata["authorization_schemes"]
    resource = desk.http.get(f"{desk.issuer}/.well-known/oauth-protected-resource/ssf/v1").json()
    assert desk.streams.startswith(resource["resource"])
    assert {"ssf.manage", "ssf.read"} <= set(resource["scopes_supported"])
    (server,) = resource["authorization_servers"]
    found = desk.http.get(f"{desk.issuer}/.well-known/oauth-authorization-server{server.removeprefix(desk.issuer)}").json()
    assert found["issuer"] == server
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": desk.peer.assertion("siem", server),
        "scope": "ssf.manage",
    }
    issued = desk.http.post(found["token_endpoint"], data=form).json()
    assert (issued["token_type"], issued["scope"]) == ("Bearer", "ssf.manage")
    assert issued["expires_in"] <= 3600
    return str(issued["access_token"])


def interop(desk: Served) -> None:
    """All event types that are advertised come, each in the form of CAEP 1.0, to a receiver with a short-lived OAuth token."""
    desk = replace(desk, token=short_lived_token(desk))
    stream = desk.create()
    with Sandbox(CATALOGUE, base_url=desk.issuer) as shop:
        customer, agent = shop.customer("anna"), shop.agent(SHOP)
        granted = customer.grant(agent, MANDATE)
        agent.open(granted)
        customer.revoke(granted)
    found: dict[str, Any] = {}
    while set(found) != {f"{CAEP}session-revoked", f"{CAEP}credential-change"}:
        for token in desk.poll(stream, maxEvents=10).values():  # each waits for news
            claims = desk.read(token)
            ((kind, event),) = claims["events"].items()
            found[kind] = event
            assert event["event_timestamp"] <= claims["iat"]
            assert event["reason_admin"]["en"]
            assert claims["sub_id"]["format"] == "complex"
            assert claims["sub_id"]["user"] == {"format": "iss_sub", "iss": desk.issuer, "sub": "anna"}
            assert claims["sub_id"]["application"]["sub"] == SHOP
    assert found[f"{CAEP}credential-change"]["change_type"] == "revoke"
    assert desk.call("DELETE", f"{desk.streams}?stream_id={stream['stream_id']}").status_code == 204


def poll_only(desk: Served) -> None:
    stream = desk.create(delivery={"method": POLL})
    desk.verify(stream, "state-1")
    sets = desk.poll(stream, maxEvents=5, returnImmediately=True)
    ((jti, token),) = sets.items()
    assert desk.verification(token, stream, "state-1")["jti"] == jti
    assert set(desk.poll(stream, maxEvents=5, returnImmediately=True)) == {jti}


def ack_only(desk: Served) -> None:
    stream = desk.create(delivery={"method": POLL})
    desk.verify(stream, "state-1")
    (jti,) = desk.poll(stream, maxEvents=5, returnImmediately=True)
    assert desk.poll(stream, maxEvents=0, returnImmediately=True, ack=[jti]) == {}
    assert desk.poll(stream, maxEvents=5, returnImmediately=True) == {}


def poll_and_ack(desk: Served) -> None:
    stream = desk.create(delivery={"method": POLL})
    desk.verify(stream, "state-1")
    (first,) = desk.poll(stream, maxEvents=5, returnImmediately=True)
    desk.verify(stream, "state-2")
    ((_, token),) = desk.poll(stream, maxEvents=5, returnImmediately=True, ack=[first]).items()
    desk.verification(token, stream, "state-2")


def pushed(header: str) -> Callable[[Served], None]:
    def check(desk: Served) -> None:
        delivery = {"method": PUSH, "endpoint_url": f"{desk.peer.url}/events"}
        stream = desk.create(delivery={**delivery, "authorization_header": header} if header else delivery)
        desk.verify(stream, "state-1")
        headers, token = desk.peer.next()
        assert headers["content-type"] == "application/secevent+jwt"
        assert headers.get("authorization", "") == header
        desk.verification(token, stream, "state-1")

    return check


def managed(*actions: str) -> Callable[[Served], None]:
    """The desk's own command manages its stream at the peer; events of the stream are taken by the served desk."""

    def check(desk: Served) -> None:
        desk.peer.asked.clear()
        desk.peer.answers.clear()
        for action in actions:
            found = manage_stream(desk.settings, "vendor", action, state="from-the-desk")
            if action == "show":
                assert found["status"] == desk.peer.stream["status"]
        assert [one for one in desk.peer.asked if one != ("GET", "/ssf/stream")] == [ASKED[one] for one in actions]
        assert set(desk.peer.answers) == {202}
        assert desk.peer.stream == {}

    return check


ASKED = {
    "create": ("POST", "/ssf/stream"),
    "show": ("GET", "/ssf/status"),
    "update": ("PATCH", "/ssf/stream"),
    "replace": ("PUT", "/ssf/stream"),
    "verify": ("POST", "/ssf/verify"),
    "pause": ("POST", "/ssf/status"),
    "enable": ("POST", "/ssf/status"),
    "delete": ("DELETE", "/ssf/stream"),
}


def taken_events(desk: Served) -> None:
    """Every type of CAEP 1.0 is taken; what each ends is tried in `attacks/signals`."""
    managed("create", "verify", "delete")(desk)
    for kind in CAEP_TYPES:
        token = desk.event(f"{CAEP}{kind}", {"format": "opaque", "id": "unknown"}, {"current_level": "LOW", "principal": "USER"})
        answer = desk.push(token)
        assert (answer.status_code, answer.content) == (202, b""), kind


MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1001"]}, "summary": "send back"},
    "powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}],
}
CAEP_TYPES = (
    "session-revoked",
    "token-claims-change",
    "credential-change",
    "assurance-level-change",
    "device-compliance-change",
    "session-established",
    "session-presented",
    "risk-level-change",
)
CONTROL = "openid-ssf-stream-control"
RECEIVER = "openid-ssf-receiver"
TRANSMITTER = "openid-ssf-transmitter"
CHECKS: dict[str, Callable[[Served], None]] = {
    f"{CONTROL}-happy-path": happy_path,
    f"{CONTROL}-error-create-stream-with-broken-input": broken("POST"),
    f"{CONTROL}-error-create-stream-with-duplicate-config": duplicate,
    f"{CONTROL}-error-create-stream-with-invalid-token": unauthorized("POST"),
    f"{CONTROL}-error-delete-stream-with-invalid-token": unauthorized("DELETE"),
    f"{CONTROL}-error-delete-unknown-stream": unknown("DELETE"),
    f"{CONTROL}-error-read-stream-with-invalid-token": unauthorized("GET"),
    f"{CONTROL}-error-read-unknown-stream": unknown("GET"),
    f"{CONTROL}-error-replace-stream-with-invalid-body": broken("PUT"),
    f"{CONTROL}-error-replace-stream-with-invalid-token": unauthorized("PUT"),
    f"{CONTROL}-error-replace-unknown-stream": unknown("PUT"),
    f"{CONTROL}-error-update-stream-with-invalid-body": broken("PATCH"),
    f"{CONTROL}-error-update-stream-with-invalid-token": unauthorized("PATCH"),
    f"{CONTROL}-error-update-unknown-stream": unknown("PATCH"),
    "openid-ssf-stream-subject-control": subjects,
    f"{TRANSMITTER}-metadata": metadata,
    f"{TRANSMITTER}-stream-caep-interop": interop,
    f"{TRANSMITTER}-stream-verification-ack-only": ack_only,
    f"{TRANSMITTER}-stream-verification-poll-and-ack": poll_and_ack,
    f"{TRANSMITTER}-stream-verification-poll-only": poll_only,
    f"{TRANSMITTER}-stream-verification-error-push-no-auth": pushed(""),
    f"{TRANSMITTER}-stream-verification-push": pushed("Bearer of-the-receiver"),
    f"{RECEIVER}-stream-supported-events": taken_events,
    f"{RECEIVER}-happypath": managed("create", "show", "update", "replace", "delete"),
    f"{RECEIVER}-stream-caep-interop": managed("create", "show", "verify", "delete"),
    f"{RECEIVER}-stream-create-delete": managed("create", "delete"),
    f"{RECEIVER}-stream-status-update": managed("create", "pause", "enable", "delete"),
    f"{RECEIVER}-stream-verification": managed("create", "verify", "delete"),
    f"{RECEIVER}-unsolicited-stream-verification": managed("create", "delete"),
}


def listed() -> list[str]:
    """The checks of the list."""
    if not VECTORS.is_dir():
        return []
    return [one["test"] for one in json.loads((VECTORS / "oidf-ssf-modules.json").read_text(encoding="utf-8"))["modules"]]


def test_every_check_of_the_list_has_a_row_and_no_other() -> None:
    assert len(listed()) == 29
    assert sorted(listed()) == sorted(CHECKS)


@MODULES.each(dict(sorted(CHECKS.items())))
def test_a_check_of_the_suite(served: Served, check: Callable[[Served], None]) -> None:
    check(served)


def examples() -> list[tuple[str, dict[str, Any]]]:
    """The example tokens of both specifications."""
    if not VECTORS.is_dir():
        return []
    found = json.loads((VECTORS / "example-sets.json").read_text(encoding="utf-8"))
    return [(f"{kind} {number} {one['title']}", one["json"]) for kind in ("ssf", "caep") for number, one in enumerate(found[kind])]


@PRINTED.each(dict(examples()), "claims")
def test_an_example_is_read_as_it_stands(served: Served, claims: dict[str, Any]) -> None:
    """As it stands, it is an event at its own time; signed by our peer and of this moment, the running desk takes it."""
    decoded = decode_json(json.dumps(claims).encode())
    assert isinstance(decoded, dict)
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    if claims["iat"] < 2**40:
        event = verify_set(decoded, issuer=claims["iss"], audience=audience, now=Instant(claims["iat"] * 1000))
        assert event.jti == claims["jti"]
        with pytest.raises(SetRefused):
            verify_set(decoded, issuer=claims["iss"], audience="another", now=Instant(claims["iat"] * 1000))
    try:
        verify_subject(decoded["sub_id"])
    except Refused as refused:
        pytest.fail(refused.detail)
    now = {**claims, "iss": served.peer.url, "aud": ["https://desk.example", "x"], "iat": int(time.time())}
    assert served.push(served.peer.sign(now)).status_code == 202
