"""A stream that the settings fix: pushed without the receiver's doing, with its token, and changed by nobody else; and one that falls behind."""

from pathlib import Path

import pytest

from attacks.arena import open_arena
from attacks.signals.company import Signals
from conformance.ssf_peer import CAEP, key_file, peer_served, read_set, secret_file
from remit.engine.events.outgoing import MAX_WAITING


@pytest.mark.proves("SSF-SENT", "SSF-OWN")
def test_a_stream_of_the_settings_is_pushed_with_its_token_and_cannot_be_moved(tmp_path: Path) -> None:
    own = tmp_path / "own"
    push_file, push = secret_file(own, "push")
    token_file, token = secret_file(own, "token")
    with peer_served() as peer:
        receiver = {
            "name": "siem",
            "audience": "siem",
            "push_url": f"{peer.url}/in",
            "push_token_file": push_file,
            "token_files": [token_file],
        }
        events = {"key_files": [key_file(own)], "receivers": [receiver]}
        with open_arena(settings={"events": events}) as arena:
            desk = arena.desk.desk
            assert desk is not None
            arena.run(desk.jobs.round(patience_s=0))
            granted, _ = arena.granted()
            arena.anna.revoke(granted)
            arena.run(desk.jobs.round(patience_s=0))
            headers, pushed = peer.next()
            assert headers["authorization"] == f"Bearer {push}"
            claims = read_set(pushed, arena.room.raw("GET", "/ssf/v1/jwks.json").json())
            assert next(iter(claims["events"])) == f"{CAEP}credential-change"
            assert claims["sub_id"]["user"]["format"] == "opaque"
            bearer = {"authorization": f"Bearer {token}"}
            (stream,) = arena.room.raw("GET", "/ssf/v1/stream", headers=bearer).json()
            assert push not in str(stream)
            moved = {"stream_id": stream["stream_id"], "delivery": {"method": "urn:ietf:rfc:8936"}}
            assert arena.room.raw("PATCH", "/ssf/v1/stream", moved, headers=bearer, check=False).status_code == 403
            gone = arena.room.raw("DELETE", f"/ssf/v1/stream?stream_id={stream['stream_id']}", headers=bearer, check=False)
            assert gone.status_code == 403


@pytest.mark.proves("SSF-SENT")
def test_events_beyond_the_room_wait_in_the_log_and_come_later(signals: Signals) -> None:
    stream = signals.created(events_requested=[f"{CAEP}session-revoked"])
    ended = MAX_WAITING + 5
    for _ in range(ended):
        signals.arena.desk.suspend(customer="anna")  # each is an entry of its own
    seen: list[str] = []
    for _ in range(6):
        signals.round()
        sets = signals.polled(stream, maxEvents=100)
        seen += sets
        signals.polled(stream, maxEvents=0, ack=list(sets))
    assert len(seen) == len(set(seen)) == ended
