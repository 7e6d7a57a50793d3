"""OAuth tokens of receivers: for the receiver's own key alone, once, within its scope, and good for nothing else."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey

from attacks.arena import ISSUER, code_of
from attacks.signals.company import Signals
from conformance.ssf_peer import Peer

SERVER = f"{ISSUER}/ssf/v1"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token(signals: Signals, assertion: str, **more: str) -> httpx.Response:
    """Ask for a token."""
    form = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": assertion, **more}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return signals.arena.room.raw("POST", "/ssf/v1/token", headers=headers, content=urlencode(form).encode(), check=False)


def issued(signals: Signals, name: str = "keyed", **more: str) -> dict[str, Any]:
    """A token of a receiver."""
    answer = token(signals, signals.peer.assertion(name, SERVER), **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.proves("SSF-OWN")
def test_a_token_is_for_the_receivers_own_key_and_an_assertion_counts_once(signals: Signals) -> None:
    assertion = signals.peer.assertion("keyed", SERVER)
    bearer = token(signals, assertion).json()["access_token"]
    assert signals.call("POST", "/ssf/v1/stream", {}, bearer=bearer).status_code == 201
    assert (token(signals, assertion).status_code, code_of(token(signals, assertion))) == (401, "credential.replayed")
    stranger = Peer(key=RSAKey.generate_key(2048, {"kid": "peer-1"}))
    for wrong in (
        stranger.assertion("keyed", SERVER),
        signals.peer.assertion("keyed", ISSUER),
        signals.peer.assertion("keyed", f"{SERVER}/token"),
        signals.peer.assertion("siem", SERVER),
        signals.peer.assertion("keyed", SERVER, sub="keyed-looks"),
        signals.peer.assertion("keyed", SERVER, exp=1),
        "x",
    ):
        assert token(signals, wrong).json()["error"] == "invalid_client"
    assert token(signals, signals.peer.assertion("keyed", SERVER), grant_type="password").json()["error"] == "unsupported_grant_type"


@pytest.mark.proves("SSF-OWN")
def test_a_token_has_no_more_scope_than_its_receiver_and_no_longer_life_than_it_says(signals: Signals) -> None:
    assert token(signals, signals.peer.assertion("keyed-looks", SERVER), scope="ssf.manage").json()["error"] == "invalid_scope"
    assert token(signals, signals.peer.assertion("keyed", SERVER), scope="mandate").json()["error"] == "invalid_scope"
    for found in (issued(signals, "keyed-looks"), issued(signals, scope="ssf.read")):
        assert found["scope"] == "ssf.read"
        assert signals.call("POST", "/ssf/v1/stream", {}, bearer=found["access_token"]).status_code == 403
    manages = issued(signals)
    assert manages["expires_in"] == 600
    assert signals.call("GET", "/ssf/v1/stream", bearer=manages["access_token"]).status_code == 200
    signals.arena.clock.ahead_ms += 601_000
    assert signals.call("GET", "/ssf/v1/stream", bearer=manages["access_token"]).status_code == 401


@pytest.mark.proves("SSF-OWN")
def test_a_receivers_token_is_no_agents_token_and_an_agents_is_no_receivers(signals: Signals) -> None:
    task = signals.arena.task()
    assert signals.call("GET", "/ssf/v1/stream", bearer=task.token).status_code == 401
    bearer = issued(signals)["access_token"]
    refused = signals.arena.send(task, f"/v1/tasks/{task.id}", method="GET", token=bearer)
    assert (refused.status_code, code_of(refused)) == (401, "credential.malformed")
    assert signals.push("x", bearer=bearer).json()["err"] == "authentication_failed"
