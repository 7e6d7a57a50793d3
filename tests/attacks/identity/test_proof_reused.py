"""A proof or an assertion counts for one request, also where that one was refused before anything was recorded."""

import json
import random
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from attacks.arena import EXCHANGE, ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from remit.client import calls
from remit.client.keys import ProofKey
from remit.domain.errors import Refused
from remit.engine.agents import replay
from remit.engine.agents.replay import ReplayCache
from remit.sandbox import SandboxTask

READ = {"action": "order.read", "params": {"order_id": "W1"}}
REFUSED_EARLY: Mapping[str, tuple[Any, Mapping[str, str], str]] = {
    "a body that is no JSON": (b"{", {}, "request.malformed"),
    "no idempotency key": (READ, {"idempotency-key": ""}, "request.malformed"),
    "another media type": (READ, {"content-type": "text/plain"}, "request.unsupported_type"),
    "a number beyond all bounds": (b'{"action":"order.read","params":{"order_id":1e1000000}}', {}, "request.malformed"),
}


def refused_early(arena: Arena, early: str) -> tuple[SandboxTask, str, Mapping[str, str]]:
    """A request that is refused before anything is recorded: its task, its path and its proof."""
    body, headers, code = REFUSED_EARLY[early]
    task = arena.task()
    path = f"/v1/tasks/{task.id}/asks"
    proof = {"dpop": arena.proof(task.agent, "POST", path, token=task.token)}
    assert code_of(arena.send(task, path, body, headers={**headers, **proof})) == code
    return task, path, proof


@pytest.mark.proves("DPOP-REPLAY")
@pytest.mark.parametrize("early", REFUSED_EARLY)
def test_the_proof_of_a_refused_request_is_good_for_no_other_body(early: str) -> None:
    with open_arena() as arena:
        task, path, proof = refused_early(arena, early)
        with arena.unchanged():
            stolen = arena.send(task, path, {"action": "order.return", "params": SEND_BACK}, headers=proof)
            arena.refused(stolen, "credential.replayed", on_record=False)
        assert arena.ask(task, "order.return", SEND_BACK).json()["decision"] == "needs_human"


class Breaking:
    """A store that cannot be written while `now`."""

    def __init__(self) -> None:
        self.now = False

    def at(self, point: str) -> None:
        if self.now and point == "store.before_commit":
            raise OSError(28, "No space left on device")


@pytest.mark.proves("DPOP-REPLAY")
def test_a_process_remembers_a_proof_that_the_store_could_not_be_told_of() -> None:
    disk = Breaking()
    with open_arena(on_point=disk.at) as arena:
        task = arena.task()
        path = f"/v1/tasks/{task.id}/asks"
        proof = {"dpop": arena.proof(task.agent, "POST", path, token=task.token)}
        disk.now = True
        assert code_of(arena.send(task, path, b"{", headers=proof)) == "request.malformed"
        disk.now = False
        with arena.unchanged():
            stolen = arena.send(task, path, {"action": "order.return", "params": SEND_BACK}, headers=proof)
            arena.refused(stolen, "credential.replayed", on_record=False)


@pytest.mark.proves("DPOP-REPLAY")
def test_a_process_remembers_an_assertion_that_the_store_could_not_be_told_of() -> None:
    disk = Breaking()
    with open_arena(on_point=disk.at) as arena:
        agent = arena.agent()
        credentials = agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        unknown = {"grant_type": EXCHANGE, "subject_token": "man_x", "subject_token_type": calls.MANDATE_TOKEN, **credentials}
        disk.now = True
        assert arena.form("/oauth/token", unknown, key=agent).json()["error"] == "invalid_grant"
        disk.now = False
        stolen = pushed(arena, credentials)
        assert (stolen.status_code, code_of(stolen)) == (401, "credential.replayed")


@pytest.mark.proves("DPOP-REPLAY")
def test_an_assertion_that_is_allowed_again_and_again_pushes_no_used_proof_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_HALF", 64)
    monkeypatch.setattr(replay, "_SLOTS", 128)
    cache = ReplayCache()
    cache.use_proof("stolen")
    for _ in range(2 * replay._HALF + 1):
        cache.use_assertion("refused for its nonce")
        cache.allow_reuse("refused for its nonce")
    with pytest.raises(Refused, match="used before"):
        cache.use_proof("stolen")


@pytest.mark.proves("DPOP-REPLAY")
def test_used_credentials_are_the_same_as_in_two_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_HALF", 16)
    monkeypatch.setattr(replay, "_SLOTS", 32)
    cache, new, old = ReplayCache(), set[str](), set[str]()
    chosen = random.Random(4)
    for _ in range(20_000):
        key = f"key {chosen.randrange(60)}"
        if chosen.random() < 0.3:
            cache.allow_reuse(key)
            new.discard(key)
            old.discard(key)
            continue
        if key in new or key in old:
            with pytest.raises(Refused):
                cache.use_assertion(key)
            continue
        cache.use_assertion(key)
        new.add(key)
        if cache._new.taken == 0:  # a new generation began
            old, new = new, set()


def forget(arena: Arena) -> None:
    """Be as another node, that has seen nothing of what this one was sent."""
    arena.context.replay_cache._new, arena.context.replay_cache._old = replay._Hashes(replay._SLOTS), replay._Hashes(1)


@pytest.mark.proves("DPOP-REPLAY")
@pytest.mark.parametrize("early", REFUSED_EARLY)
def test_the_proof_of_a_refused_request_is_spent_at_every_node(early: str) -> None:
    """⚔ What one process remembers, another has not seen: here it forgets everything, as another node would know nothing."""
    with open_arena() as arena:
        task, path, proof = refused_early(arena, early)
        forget(arena)
        with arena.unchanged():
            stolen = arena.send(task, path, {"action": "order.return", "params": SEND_BACK}, headers=proof)
            arena.refused(stolen, "credential.replayed", on_record=False)


@pytest.mark.proves("DPOP-REPLAY")
def test_the_assertion_of_a_refused_exchange_is_spent_at_every_node() -> None:
    with open_arena() as arena:
        agent = arena.agent()
        credentials = agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        unknown = {"grant_type": EXCHANGE, "subject_token": "man_x", "subject_token_type": calls.MANDATE_TOKEN, **credentials}
        assert arena.form("/oauth/token", unknown, key=agent).json()["error"] == "invalid_grant"
        forget(arena)
        stolen = pushed(arena, credentials)
        assert (stolen.status_code, code_of(stolen)) == (401, "credential.replayed")


def pushed(arena: Arena, credentials: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
    """A pushed request bound to a key of whoever sends it."""
    key = ProofKey()
    form = {
        "response_type": "code",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "dpop_jkt": key.thumbprint,
        "redirect_uri": "http://127.0.0.1/callback",
        "authorization_details": json.dumps([mandate()]),
    }
    return arena.form("/oauth/par", {**form, **credentials}, headers=headers)


@pytest.mark.proves("DPOP-REPLAY")
def test_the_assertion_of_a_refused_exchange_pushes_nothing_for_somebody_elses_key() -> None:
    with open_arena() as arena:
        agent = arena.agent()
        credentials = agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        unknown = {"grant_type": EXCHANGE, "subject_token": "man_x", "subject_token_type": calls.MANDATE_TOKEN, **credentials}
        refused = arena.form("/oauth/token", unknown, key=agent)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        stolen = pushed(arena, credentials)
        assert (stolen.status_code, code_of(stolen)) == (401, "credential.replayed")
        assert pushed(arena, agent.identity.credentials(issuer=ISSUER, now_s=time.time())).status_code == 201


@pytest.mark.proves("DPOP-REPLAY")
def test_whoever_could_not_know_the_nonce_may_send_the_same_assertion_again() -> None:
    with open_arena(settings={"dpop": {"nonce": True}}) as arena:
        agent = arena.agent()
        granted = arena.anna.grant(agent, mandate())
        credentials = agent.identity.credentials(issuer=ISSUER, now_s=time.time())
        form = {"grant_type": EXCHANGE, "subject_token": granted.id, "subject_token_type": calls.MANDATE_TOKEN, **credentials}
        told = arena.form("/oauth/token", form, key=agent)
        assert told.json()["error"] == "use_dpop_nonce"
        proof = ProofKey(agent.key).proof("POST", f"{ISSUER}/oauth/token", now_s=time.time(), nonce=told.headers["dpop-nonce"])
        assert arena.form("/oauth/token", form, headers={"dpop": proof}).status_code == 200
        assert code_of(arena.form("/oauth/token", form, headers={"dpop": proof})) == "credential.replayed"


@pytest.mark.proves("DPOP-REPLAY")
def test_what_is_remembered_stays_bounded_and_the_newest_of_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_HALF", 8)
    monkeypatch.setattr(replay, "_SLOTS", 16)
    known = ReplayCache()
    for number in range(100):
        known.use_proof(f"key {number}")
        with pytest.raises(Refused) as refused:
            known.use_proof(f"key {number}")
        assert refused.value.code == "credential.replayed"
        assert sum(slot != 0 for half in (known._new, known._old) for slot in half._slots) <= 16
    for number in range(93, 100):
        with pytest.raises(Refused):
            known.use_proof(f"key {number}")
    known.allow_reuse("key 99")
    known.use_proof("key 99")
    for number in range(93, 100):
        with pytest.raises(Refused):
            known.use_proof(f"key {number}")
