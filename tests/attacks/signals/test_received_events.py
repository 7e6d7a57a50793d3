"""Events that say what their transmitter may not say: nothing ends by them, and they are counted."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from attacks.arena import SHOP, code_of
from attacks.signals.company import Signals, signals_opened
from conformance.ssf_peer import Peer
from desks.shop import CATALOGUE, FACTS
from remit.proof.canonical import b64url
from remit.sandbox import SandboxTask
from visiting import TERMS, Visitor, documents, opened


def asked(signals: Signals, task: SandboxTask) -> str:
    """The code with which a read of a task is refused, "" where it works."""
    return code_of(signals.arena.ask(task, "order.read", {"order_id": "W1"}))


def counted(signals: Signals) -> dict[str, int]:
    """Noise counted so far."""
    return dict(signals.arena.context.noise._counts)


@pytest.fixture
def task(signals: Signals) -> SandboxTask:
    made = signals.arena.task()
    assert asked(signals, made) == ""
    return made


def mandate_of(signals: Signals, task: SandboxTask) -> str:
    """The mandate of a task."""
    return str(signals.arena.recorded("task.opened", task=task.id)["envelope"]["mandate"])


@pytest.mark.proves("SSF-ENDS")
def test_a_revoked_session_ends_mandate_task_and_sign_in_by_the_next_request(signals: Signals, task: SandboxTask) -> None:
    cookie = signals.signed_in()
    assert signals.send("session-revoked", signals.anna).status_code == 202
    assert asked(signals, task) == "task.ended"
    assert code_of(signals.arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert code_of(signals.arena.exchange(task.agent, mandate_of(signals, task))) in {"grant.invalid", "mandate.inactive"}
    told = signals.arena.recorded("event.received", transmitter="login", event="session-revoked")
    assert told["envelope"]["effect"] == "grants"
    assert told["desk"]["issuer"] == f"{signals.peer.url}/login"
    assert signals.arena.recorded("mandate.revoked")["desk"]["by"] == "events:login"


@pytest.mark.proves("SSF-ENDS")
@pytest.mark.parametrize(
    ("kind", "event", "ends", "signs_out"),
    [
        ("credential-change", {"change_type": "revoke", "credential_type": "password"}, True, True),
        ("credential-change", {"change_type": "update", "credential_type": "password"}, True, True),
        ("credential-change", {"change_type": "create", "credential_type": "fido2-roaming"}, False, False),
        ("risk-level-change", {"principal": "USER", "current_level": "HIGH"}, True, True),
        ("risk-level-change", {"principal": "USER", "current_level": "MEDIUM"}, False, False),
        ("token-claims-change", {"claims": {"groups": []}}, False, True),
        ("assurance-level-change", {"change_direction": "decrease", "namespace": "x", "current_level": "1"}, False, True),
        ("device-compliance-change", {"previous_status": "compliant", "current_status": "not-compliant"}, False, True),
        ("session-established", {}, False, False),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)
def test_each_type_ends_what_its_meaning_demands(
    signals: Signals, task: SandboxTask, kind: str, event: dict[str, Any], ends: bool, signs_out: bool
) -> None:
    cookie = signals.signed_in()
    assert signals.send(kind, signals.anna, event).status_code == 202
    assert asked(signals, task) == ("task.ended" if ends else "")
    gone = code_of(signals.arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert gone is signs_out


def hs256(one: Peer, claims: dict[str, Any]) -> str:
    """A token under the public key taken as a secret, made by hand: no library does it."""
    head = b64url(json.dumps({"alg": "HS256", "kid": "peer-1", "typ": "secevent+jwt"}).encode())
    unsigned = f"{head}.{b64url(json.dumps(claims).encode())}"
    return f"{unsigned}.{b64url(hmac.digest(one.key.as_pem(private=False), unsigned.encode(), 'sha256'))}"


ERRS = {"invalid_request", "invalid_key", "invalid_issuer", "invalid_audience"}


@pytest.mark.proves("SSF-ENDS", "VISITOR-TOKENS")
def test_a_revoked_session_ends_the_tokens_of_an_assistant_without_a_key(tmp_path: Path) -> None:
    shop = {"catalogue": opened(CATALOGUE), "policies": None, "facts": FACTS, "settings": TERMS}
    with documents() as docs, signals_opened(tmp_path, **shop) as signals:
        visitor = Visitor(signals.arena.room, docs.publish()).connect(signals.arena.anna, "return-item", ["W1001"])
        assert visitor.ask("order.read", {"order_id": "W1001"}).is_success
        assert signals.send("session-revoked", signals.anna).status_code == 202
        assert code_of(visitor.ask("order.read", {"order_id": "W1001"})) == "task.ended"
        assert visitor.refresh().json()["error"] == "invalid_grant"


FORGED: dict[str, Callable[[Peer, dict[str, Any]], str]] = {
    "no algorithm": lambda _, claims: ".".join(
        (*(b64url(json.dumps(part).encode()) for part in ({"alg": "none", "typ": "secevent+jwt"}, claims)), "")
    ),
    "a key of another": lambda one, claims: one.sign(claims, key=RSAKey.generate_key(2048, {"kid": "peer-1"})),
    "a key that nobody published": lambda one, claims: one.sign(claims, key=RSAKey.generate_key(2048), kid="stranger"),
    "the public key as a secret": hs256,
    "an algorithm that was not agreed": lambda one, claims: one.sign(claims, alg="PS256"),
    "a token of another type": lambda one, claims: one.sign(claims, typ="JWT"),
    "a logout token": lambda one, claims: one.sign(claims, typ="logout+jwt"),
    "no type": lambda one, claims: one.sign(claims, typ=None),
    "an expiry": lambda one, claims: one.sign({**claims, "exp": claims["iat"] + 60}),
    "a sub": lambda one, claims: one.sign({**claims, "sub": "s-anna"}),
    "another issuer": lambda one, claims: one.sign({**claims, "iss": f"{one.url}/vendor"}),
    "another audience": lambda one, claims: one.sign({**claims, "aud": ["https://elsewhere.example"]}),
    "no audience": lambda one, claims: one.sign({name: value for name, value in claims.items() if name != "aud"}),
    "two events": lambda one, claims: one.sign({**claims, "events": {**claims["events"], "https://x.example/y": {}}}),
    "no event": lambda one, claims: one.sign({**claims, "events": {}}),
    "no jti": lambda one, claims: one.sign({name: value for name, value in claims.items() if name != "jti"}),
    "no subject": lambda one, claims: one.sign({name: value for name, value in claims.items() if name != "sub_id"}),
    "a subject without its parts": lambda one, claims: one.sign({**claims, "sub_id": {"format": "iss_sub", "sub": "s-anna"}}),
    "a time to come": lambda one, claims: one.sign({**claims, "iat": claims["iat"] + 3600}),
    "a time long gone": lambda one, claims: one.sign({**claims, "iat": claims["iat"] - 8 * 86400}),
    "more than an event": lambda one, claims: one.sign({**claims, "txn": "x" * 16384}),
    "nothing": lambda *_: "",
}


@pytest.mark.proves("SSF-FORGED")
def test_a_forged_event_ends_nothing_and_is_counted(signals: Signals, task: SandboxTask) -> None:
    entries, passed = len(signals.arena.entries()), []
    for defect, forge in FORGED.items():
        claims = signals.claims("session-revoked", signals.anna, iss=f"{signals.peer.url}/login")
        before = sum(counted(signals).values())
        answer = signals.push(forge(signals.peer, claims))
        told = answer.json() if answer.status_code == 400 else {}
        right = set(told) == {"err", "description"} and told["err"] in ERRS and sum(counted(signals).values()) == before + 1
        if not right and answer.status_code != 413:
            passed.append((defect, answer.status_code, told))
    assert passed == []
    assert len(signals.arena.entries()) == entries
    assert asked(signals, task) == ""


@pytest.mark.proves("SSF-FORGED")
def test_a_push_needs_the_transmitters_own_token(signals: Signals, task: SandboxTask) -> None:
    token = signals.peer.sign(signals.claims("session-revoked", signals.anna, iss=f"{signals.peer.url}/login"))
    for bearer in ("x" * 43, signals.tokens["siem"]):
        refused = signals.push(token, bearer=bearer)
        assert (refused.status_code, refused.json()["err"]) == (400, "authentication_failed")
    assert signals.push(token, by="vendor").json()["err"] == "invalid_issuer"
    assert signals.push(token, media_type="application/json").json()["err"] == "invalid_request"
    assert asked(signals, task) == ""


def test_the_bytes_of_a_proved_push_are_charged_to_no_address(tmp_path: Path) -> None:
    limits = {"client_per_s": 1000, "client_burst": 1000, "peer_bytes_per_s": 65536, "peer_bytes_burst": 65536}
    with signals_opened(tmp_path, settings={"limits": limits}) as signals:
        held = signals.arena.context.world.ticks()
        signals.arena.context.world.ticks = lambda: held  # type: ignore[method-assign]  # nothing is given back
        token = signals.peer.sign(signals.claims("session-revoked", signals.anna, {"pad": "x" * 6000}, iss=f"{signals.peer.url}/login"))
        assert [signals.push(token).status_code for _ in range(20)] == [202] * 20


@pytest.mark.proves("SSF-ONCE")
def test_a_replayed_event_ends_nothing_again(signals: Signals, task: SandboxTask) -> None:
    token = signals.peer.sign(signals.claims("session-revoked", signals.anna, iss=f"{signals.peer.url}/login"))
    assert signals.push(token).status_code == 202
    assert asked(signals, task) == "task.ended"
    signals.arena.anna.sign_in()
    again = signals.arena.task()
    before = counted(signals).get("credential.replayed", 0)
    assert signals.push(token).status_code == 202
    assert asked(signals, again) == ""
    assert counted(signals)["credential.replayed"] == before + 1
    signals.arena.clock.ahead_ms += 6 * 24 * 3600 * 1000
    assert signals.push(token).status_code == 202
    assert len(signals.arena.entries("event.received")) == 1
    signals.arena.clock.ahead_ms += 2 * 24 * 3600 * 1000
    assert signals.push(token).json()["err"] == "invalid_request"
    assert len(signals.arena.entries("event.received")) == 1


KINDS = ("session-revoked", "credential-change", "risk-level-change")
STRANGERS: list[dict[str, Any]] = [
    {"format": "iss_sub", "iss": "https://evil.example", "sub": "s-anna"},
    {"format": "email", "email": "anna@mail.example"},
    {"format": "opaque", "id": "anna"},
    {"format": "account", "uri": "acct:anna@acme.example"},
    {"format": "complex", "user": {"format": "iss_sub", "iss": "https://evil.example", "sub": "s-anna"}},
    {"format": "complex", "application": {"format": "opaque", "id": SHOP}},
    {"format": "uri", "uri": SHOP},
    {"format": "catalog_item", "catalog_id": "c0384"},
]


@pytest.mark.proves("SSF-SCOPE")
def test_only_a_login_at_the_companys_provider_names_a_customer(signals: Signals, task: SandboxTask) -> None:
    for subject in STRANGERS:
        assert signals.send("session-revoked", subject).status_code == 202
    assert signals.arena.entries("event.received") == []
    assert asked(signals, task) == ""


@pytest.mark.proves("SSF-SCOPE")
def test_an_operators_transmitter_says_nothing_of_people_or_of_another_operators_agents(signals: Signals, task: SandboxTask) -> None:
    event = {"change_type": "revoke", "credential_type": "x509", "principal": "USER", "current_level": "HIGH"}
    agent = {"format": "complex", "application": {"format": "uri", "uri": SHOP}, "user": signals.anna}
    for subject in (
        signals.anna,
        agent,
        {"format": "uri", "uri": SHOP},
        {"format": "opaque", "id": task.id},
        {"format": "complex", "session": {"format": "opaque", "id": mandate_of(signals, task)}},
        {"format": "complex", "tenant": {"format": "opaque", "id": "helper.example"}},
    ):
        for kind in KINDS:
            assert signals.send(kind, subject, event, by="rival").status_code == 202
            assert asked(signals, task) == ""
    for kind in KINDS:
        assert signals.send(kind, signals.anna, event, by="vendor").status_code == 202
        assert asked(signals, task) == ""


@pytest.mark.proves("SSF-SCOPE")
def test_a_transmitter_of_people_says_nothing_of_agents(signals: Signals, task: SandboxTask) -> None:
    event = {"change_type": "revoke", "credential_type": "x509"}
    for subject in ({"format": "uri", "uri": SHOP}, {"format": "complex", "tenant": {"format": "opaque", "id": "helper.example"}}):
        assert signals.send("credential-change", subject, event).status_code == 202
    assert asked(signals, task) == ""


@pytest.mark.proves("SSF-ENDS")
def test_an_operators_own_word_ends_its_task_and_suspends_its_agent(signals: Signals, task: SandboxTask) -> None:
    session = {"format": "complex", "session": {"format": "opaque", "id": task.id}}
    assert signals.send("session-revoked", session, by="vendor").status_code == 202
    assert asked(signals, task) == "task.ended"
    again = signals.arena.task()
    assert signals.send(
        "credential-change", {"format": "uri", "uri": SHOP}, {"change_type": "update", "credential_type": "x509"}, by="vendor"
    ).is_success
    assert asked(signals, again) == ""
    assert signals.send(
        "credential-change", {"format": "uri", "uri": SHOP}, {"change_type": "revoke", "credential_type": "x509"}, by="vendor"
    ).is_success
    assert asked(signals, again) in {"task.ended", "agent.suspended"}
    assert signals.arena.recorded("agent.suspended")["desk"]["by"] == "events:vendor"
