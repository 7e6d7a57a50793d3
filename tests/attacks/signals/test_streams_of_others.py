"""Receivers that want more than their own: another's stream, an address inside, a flood of verifications."""

from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, code_of
from attacks.signals.company import OPERATOR, Signals
from conformance.ssf_peer import CAEP, SSF, read_set

PUSH = "urn:ietf:rfc:8935"
POLL = "urn:ietf:rfc:8936"


def jwks(signals: Signals) -> dict[str, Any]:
    """The keys by which the desk's events are verified."""
    found: dict[str, Any] = signals.arena.room.raw("GET", "/ssf/v1/jwks.json").json()
    return found


def told(signals: Signals, stream: dict[str, Any], *, by: str = "siem") -> list[dict[str, Any]]:
    """The claims of all events that wait for a receiver, in order."""
    signals.round()
    return [read_set(token, jwks(signals)) for token in signals.polled(stream, by=by).values()]


@pytest.mark.proves("SSF-SENT")
def test_the_end_of_a_mandate_is_told_once_and_stays_until_it_is_acknowledged(signals: Signals) -> None:
    stream = signals.created()
    granted, task = signals.arena.granted()
    signals.arena.anna.revoke(granted)
    found = told(signals, stream)
    kinds = [next(iter(one["events"])).removeprefix(CAEP) for one in found]
    assert kinds == ["credential-change", "session-revoked"]
    assert {one["aud"] for one in found} == {"siem.acme.example"}
    change = found[0]["events"][f"{CAEP}credential-change"]
    assert (change["change_type"], change["credential_type"]) == ("revoke", "urn:remit:credential-type:mandate")
    assert change["initiating_entity"] == "user"
    assert found[1]["sub_id"]["session"] == {"format": "opaque", "id": task.id}
    assert found[1]["sub_id"]["user"] == {"format": "iss_sub", "iss": ISSUER, "sub": "anna"}
    assert told(signals, stream) == found
    signals.polled(stream, maxEvents=0, ack=[found[0]["jti"]])
    assert told(signals, stream) == found[1:]
    signals.polled(stream, maxEvents=0, setErrs={found[1]["jti"]: {"err": "invalid_key", "description": "?"}})
    assert told(signals, stream) == []


@pytest.mark.proves("SSF-CUT")
def test_an_operator_hears_of_its_own_agents_alone_and_of_people_by_a_pseudonym(signals: Signals) -> None:
    streams = {name: signals.created(by=name) for name in ("siem", "helper", "other")}
    granted, _ = signals.arena.granted()
    signals.arena.anna.revoke(granted)
    signals.arena.desk.suspend(customer="anna")
    assert told(signals, streams["other"], by="other") == []
    own = told(signals, streams["helper"], by="helper")
    assert [one["sub_id"]["tenant"]["id"] for one in own] == [OPERATOR, OPERATOR]
    assert {one["sub_id"]["user"]["format"] for one in own} == {"opaque"}
    assert "anna" not in str(own).lower()
    assert len(told(signals, streams["siem"])) == 3


@pytest.mark.proves("SSF-OWN")
def test_another_receivers_stream_answers_as_none(signals: Signals) -> None:
    stream, own = signals.created(), signals.created(by="helper")
    name = stream["stream_id"]
    subject = {"format": "opaque", "id": "x"}
    for method, path, body in (
        ("GET", f"/ssf/v1/stream?stream_id={name}", None),
        ("PATCH", "/ssf/v1/stream", {"stream_id": name, "description": "mine"}),
        ("PUT", "/ssf/v1/stream", {"stream_id": name}),
        ("DELETE", f"/ssf/v1/stream?stream_id={name}", None),
        ("GET", f"/ssf/v1/status?stream_id={name}", None),
        ("POST", "/ssf/v1/status", {"stream_id": name, "status": "disabled"}),
        ("POST", "/ssf/v1/subjects/add", {"stream_id": name, "subject": subject}),
        ("POST", "/ssf/v1/subjects/remove", {"stream_id": name, "subject": subject}),
        ("POST", "/ssf/v1/verify", {"stream_id": name}),
        ("POST", f"/ssf/v1/poll/{name}", {"returnImmediately": True}),
    ):
        answer = signals.call(method, path, body, by="helper")
        assert (answer.status_code, code_of(answer)) == (404, "request.not_found"), (method, path)
    granted, _ = signals.arena.granted()
    signals.arena.anna.revoke(granted)
    jti = told(signals, stream)[0]["jti"]
    signals.polled(own, by="helper", maxEvents=0, ack=[jti])  # another's event is not acknowledged by it
    assert told(signals, stream)[0]["jti"] == jti


@pytest.mark.proves("SSF-OWN")
def test_a_receiver_proves_itself_and_a_reader_changes_nothing(signals: Signals) -> None:
    for bearer in ("x" * 43, signals.tokens["login"]):
        answer = signals.call("POST", "/ssf/v1/stream", {}, bearer=bearer)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="ssf", error="invalid_token"'
    bare = signals.arena.room.raw("POST", "/ssf/v1/stream", {}, check=False)
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Bearer realm="ssf"')
    query = signals.arena.room.raw("GET", f"/ssf/v1/stream?access_token={signals.tokens['siem']}", check=False)
    assert query.status_code == 401
    reads = signals.call("GET", "/ssf/v1/stream", by="looks")
    assert (reads.status_code, reads.json()) == (200, [])
    refused = signals.call("POST", "/ssf/v1/stream", {}, by="looks")
    assert refused.status_code == 403
    assert 'error="insufficient_scope", scope="ssf.manage"' in refused.headers["www-authenticate"]


INSIDE = [
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/events",
    "https://[fd00::1]/events",
    "https://192.168.1.1/",
    "http://siem.acme.example/",
    "https://user:pass@siem.acme.example/",
    "https://siem.acme.example/#x",
    "file:///etc/passwd",
    "gopher://siem.acme.example/",
    "https://0.0.0.0/",
    "https://[::ffff:10.0.0.1]/",
    "",
]


@pytest.mark.proves("SSF-SSRF")
def test_events_are_pushed_to_no_address_inside(signals: Signals) -> None:
    stream = signals.created()
    for address in INSIDE:
        delivery = {"method": PUSH, "endpoint_url": address}
        other = signals.call("POST", "/ssf/v1/stream", {"delivery": delivery}, by="helper")
        moved = signals.call("PATCH", "/ssf/v1/stream", {"stream_id": stream["stream_id"], "delivery": delivery})
        assert [(one.status_code, code_of(one)) for one in (other, moved)] == [(400, "request.malformed")] * 2, address
    header = {"method": PUSH, "endpoint_url": "https://siem.acme.example/", "authorization_header": "Bearer x\r\nhost: inside"}
    assert signals.call("POST", "/ssf/v1/stream", {"delivery": header}, by="helper").status_code == 400


@pytest.mark.proves("SSF-SSRF")
def test_a_push_follows_no_redirect(signals: Signals) -> None:
    delivery = {"method": PUSH, "endpoint_url": f"{signals.peer.url}/events", "authorization_header": "Bearer of-the-siem"}
    stream = signals.created(delivery=delivery)
    assert "of-the-siem" not in str(stream)
    signals.peer.replies.append((307, b""))
    assert signals.call("POST", "/ssf/v1/verify", {"stream_id": stream["stream_id"], "state": "s1"}).status_code == 204
    signals.round()
    assert signals.peer.pushes.empty()
    signals.arena.clock.ahead_ms += 10_000
    signals.round()
    headers, token = signals.peer.next()
    assert headers["authorization"] == "Bearer of-the-siem"
    assert headers["content-type"] == "application/secevent+jwt"
    assert read_set(token, jwks(signals))["events"] == {f"{SSF}verification": {"state": "s1"}}


@pytest.mark.proves("SSF-FLOOD")
def test_verifications_come_at_their_interval_and_never_fill_a_stream(signals: Signals) -> None:
    stream = signals.created()
    ask: dict[str, Any] = {"stream_id": stream["stream_id"], "state": "s"}
    answers = [signals.call("POST", "/ssf/v1/verify", ask) for _ in range(20)]
    assert [one.status_code for one in answers] == [204, *[429] * 19]
    assert int(answers[1].headers["retry-after"]) <= stream["min_verification_interval"]
    for _ in range(220):
        signals.arena.clock.ahead_ms += stream["min_verification_interval"] * 1000
        last: httpx.Response = signals.call("POST", "/ssf/v1/verify", ask)
    assert last.status_code == 429
    assert len(signals.polled(stream, maxEvents=100)) == 100


@pytest.mark.proves("SSF-SENT")
def test_an_event_stays_over_failures_and_is_sent_again_as_the_same_one(signals: Signals) -> None:
    delivery = {"method": PUSH, "endpoint_url": f"{signals.peer.url}/events"}
    signals.created(delivery=delivery)
    signals.peer.replies += [(500, b""), (400, b'{"err":"authentication_failed","description":"?"}')]
    granted, _ = signals.arena.granted()
    signals.arena.anna.revoke(granted)
    for _ in range(3):
        signals.round()
        signals.arena.clock.ahead_ms += 40_000
    first, second = (read_set(signals.peer.next()[1], jwks(signals)) for _ in range(2))
    assert next(iter(first["events"])) == f"{CAEP}credential-change"
    assert next(iter(second["events"])) == f"{CAEP}session-revoked"
    signals.round()
    assert signals.peer.pushes.empty()


@pytest.mark.proves("SSF-SENT")
def test_events_wait_in_the_log_for_a_paused_stream_and_are_none_of_a_disabled_one(signals: Signals) -> None:
    stream = signals.created()

    def set_to(status: str) -> None:
        body = {"stream_id": stream["stream_id"], "status": status, "reason": "a test"}
        assert signals.call("POST", "/ssf/v1/status", body).json()["status"] == status

    def ended() -> None:
        granted, _ = signals.arena.granted()
        signals.arena.anna.revoke(granted)

    set_to("paused")
    ended()
    assert told(signals, stream) == []
    set_to("enabled")
    kinds = [next(iter(one["events"])).rpartition("/")[2] for one in told(signals, stream)]
    assert sorted(kinds) == ["credential-change", "session-revoked", "stream-updated", "stream-updated"]
    set_to("disabled")
    ended()
    assert told(signals, stream) == []
    set_to("enabled")
    assert [one["events"] for one in told(signals, stream)] == [{f"{SSF}stream-updated": {"status": "enabled", "reason": "a test"}}]
