"""A desk that asks for its nonce takes no proof that was made in advance, and an honest agent notices nothing."""

from collections.abc import Iterator

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, SHOP, Arena, open_arena
from remit.client.keys import ProofKey, new_key
from remit.sandbox.workloads import SandboxTask

MINUTE_MS = 60_000


@pytest.fixture
def strict() -> Iterator[Arena]:
    with open_arena(settings={"dpop": {"nonce": True}}) as arena:
        yield arena


def proved(arena: Arena, task: SandboxTask, nonce: str | None) -> httpx.Response:
    """One ask, proved by hand with a nonce."""
    path = f"/v1/tasks/{task.id}/asks"
    proof = ProofKey(task.agent.key).proof("POST", ISSUER + path, now_s=arena.clock.now() / 1000, token=task.token, nonce=nonce)
    return arena.send(task, path, {"action": "order.return", "params": SEND_BACK}, headers={"dpop": proof})


@pytest.mark.proves("DPOP-REPLAY")
def test_a_proof_without_this_desks_nonce_is_told_it_and_does_nothing(strict: Arena) -> None:
    task = strict.task()
    for nonce in (None, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ü"):
        with strict.unchanged():
            said = proved(strict, task, nonce)
            assert (said.status_code, said.json()["code"]) == (401, "credential.nonce")
            assert 'error="use_dpop_nonce"' in said.headers["www-authenticate"]
            assert said.json()["cure"]
    assert proved(strict, task, said.headers["dpop-nonce"]).json()["decision"] == "needs_human"


@pytest.mark.proves("DPOP-REPLAY")
def test_a_nonce_is_good_for_a_minute_or_two_and_a_proof_in_advance_for_no_longer(strict: Arena) -> None:
    task = strict.task()
    first = proved(strict, task, None).headers["dpop-nonce"]
    strict.clock.ahead_ms += MINUTE_MS
    assert proved(strict, task, first).json()["decision"] == "needs_human"
    strict.clock.ahead_ms += MINUTE_MS
    said = proved(strict, task, first)
    assert said.json()["code"] == "credential.nonce"
    assert said.headers["dpop-nonce"] != first


@pytest.mark.proves("DPOP-REPLAY")
def test_another_desks_nonce_is_none(strict: Arena) -> None:
    with open_arena(settings={"dpop": {"nonce": True}}) as other:
        theirs = proved(other, other.task(), None).headers["dpop-nonce"]
    assert proved(strict, strict.task(), theirs).json()["code"] == "credential.nonce"


@pytest.mark.proves("DPOP-REPLAY")
def test_a_receipts_door_asks_an_agent_for_it_and_tells_it(strict: Arena) -> None:
    task = strict.task()

    def fetched(nonce: str | None) -> httpx.Response:
        path = "/log/receipts/10000"
        proof = ProofKey(task.agent.key).proof("GET", ISSUER + path, now_s=strict.clock.now() / 1000, token=task.token, nonce=nonce)
        return strict.send(task, path, method="GET", headers={"dpop": proof, "content-type": ""})

    said = fetched(None)
    assert said.json()["code"] == "credential.nonce"
    assert fetched(said.headers["dpop-nonce"]).json()["code"] == "request.not_found"


@pytest.mark.proves("DPOP-REPLAY")
def test_the_token_endpoint_asks_for_it_too(strict: Arena) -> None:
    agent = strict.agent(SHOP)
    said = strict.form("/oauth/token", {"grant_type": "authorization_code", "code": "x"}, agent=agent, key=agent)
    assert (said.status_code, said.json()["error"]) == (400, "use_dpop_nonce")
    assert said.headers["dpop-nonce"]


@pytest.mark.proves("DPOP-REPLAY")
def test_whoever_holds_no_key_learns_nothing_by_it(strict: Arena) -> None:
    task = strict.task()
    path = f"/v1/tasks/{task.id}/asks"
    nonce = proved(strict, task, None).headers["dpop-nonce"]
    stolen = ProofKey(new_key()).proof("POST", ISSUER + path, now_s=strict.clock.now() / 1000, token=task.token, nonce=nonce)
    said = strict.send(task, path, {"action": "order.return", "params": SEND_BACK}, headers={"dpop": stolen})
    assert said.json()["code"] == "credential.wrong_key"


@pytest.mark.proves("DPOP-REPLAY")
def test_an_agent_of_the_client_notices_nothing(strict: Arena) -> None:
    task = strict.task()
    assert strict.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("DPOP-REPLAY")
def test_a_desk_that_asks_for_none_says_none() -> None:
    with open_arena() as arena:
        said = proved(arena, arena.task(), None)
        assert said.json()["decision"] == "needs_human"
        assert "dpop-nonce" not in said.headers


@pytest.mark.proves("DPOP-REPLAY")
def test_people_are_told_none(strict: Arena) -> None:
    assert "dpop-nonce" not in strict.person("GET", "/me").headers
