"""A challenge is a waiting ask in another form: it is relayed, answered by the person alone, and its token fetches one result once."""

import secrets
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, mandate
from attacks.backchannel import said
from contracts.identity_minting import mint
from remit.client.keys import ProofKey, new_key
from remit.domain.identity import jws
from remit.sandbox import SandboxAgent, SandboxReply
from remit.sandbox.workloads import SandboxTask
from remit.usecases.confirm import transaction

PATH = "/oauth/txn-authorize"
ACCEPT = {"accept-txn-challenge": "?1"}
BODY = {"action": "order.return", "params": SEND_BACK}


class Challenged:
    """An ask that was answered with a challenge, and everything its agent can do with it."""

    def __init__(self, arena: Arena, *, task: SandboxTask | None = None, headers: Mapping[str, str] = ACCEPT) -> None:
        self.arena, self.task = arena, task or arena.task(mandate(max_tasks=5))
        self.key = secrets.token_urlsafe(12)
        self.answer = self.ask(**headers)
        self.body = self.answer.json()
        self.challenge = self.body.get("transaction_challenge", "")

    @property
    def agent(self) -> SandboxAgent:
        return self.task.agent

    def ask(self, body: Mapping[str, Any] = BODY, **headers: str) -> httpx.Response:
        """The same request, with more headers."""
        return self.arena.send(self.task, f"/v1/tasks/{self.task.id}/asks", body, headers={"idempotency-key": self.key, **headers})

    def present(self, challenge: str = "", *, agent: SandboxAgent | None = None, key: ProofKey | None = None) -> httpx.Response:
        """The challenge, presented by an agent."""
        who = agent or self.agent
        return self.arena.form(PATH, {"transaction_challenge": challenge or self.challenge}, agent=who, key=key or who)

    def poll(self, transaction: str, *, agent: SandboxAgent | None = None, key: ProofKey | None = None) -> httpx.Response:
        """A poll at the next moment that is allowed."""
        self.arena.clock.ahead_ms += 5000
        who = agent or self.agent
        return self.arena.form(PATH, {"transaction_authorization_id": transaction}, agent=who, key=key or who)

    def reply(self) -> SandboxReply:
        """The ask, as the sandbox knows it."""
        return self.task.poll(self.body["ask"])

    def confirmed(self) -> str:
        """The token, once Anna has said yes."""
        started = self.present().json()
        self.arena.anna.confirm(self.reply())
        token: str = self.poll(started["transaction_authorization_id"]).json()["access_token"]
        return token


@pytest.mark.proves("TXN-CHALLENGE")
def test_an_ask_that_waits_is_challenged_and_its_token_fetches_the_result_once(arena: Arena) -> None:
    asked = Challenged(arena)
    assert (asked.answer.status_code, asked.body["decision"], asked.body["code"]) == (401, "needs_human", "confirmation.required")
    assert f'transaction_challenge="{asked.challenge}"' in asked.answer.headers["www-authenticate"]
    assert 'error="transaction_authorization_required"' in asked.answer.headers["www-authenticate"]
    token = jws.read(asked.challenge)
    assert (token.header["typ"], token.header["alg"]) == ("txn-authz-challenge+jwt", "ES256")
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["txn"]) == (ISSUER, ISSUER, asked.body["ask"])
    assert claims["authorization_details"] == [{"type": "remit_ask", "action": "order.return", "params": SEND_BACK}]
    started = asked.present().json()
    assert started["interval"] == 5
    assert started["authorization_uri"] == claims["reason_uri"] == f"{ISSUER}/confirm/{arena.anna.invitation(asked.reply())}"
    assert said(asked.poll(started["transaction_authorization_id"])) == (400, "authorization_pending")
    assert arena.performed() == []
    arena.anna.confirm(asked.reply())
    answer = asked.poll(started["transaction_authorization_id"]).json()
    assert (answer["token_type"], answer["authorization_details"]) == ("N_A", claims["authorization_details"])
    issued = jws.read(answer["access_token"])
    assert (issued.header["typ"], issued.claims["txn"], issued.claims["aud"]) == ("txntoken+jwt", claims["txn"], claims["iss"])
    done = asked.ask(**{"txn-token": answer["access_token"]})
    assert (done.status_code, done.json()["outcome"], done.json()["ask"]) == (200, "done", asked.body["ask"])
    assert len(arena.performed("order.return")) == 1


@pytest.mark.proves("TXN-CHALLENGE")
@pytest.mark.parametrize("value", ["?0", "1", "true", '"?1"', "?1, ?1", ""])
def test_an_agent_that_does_not_say_it_can_is_told_as_ever(arena: Arena, value: str) -> None:
    asked = Challenged(arena, headers={"accept-txn-challenge": value})
    assert (asked.answer.status_code, asked.body["decision"]) == (202, "needs_human")


@pytest.mark.proves("TXN-CHALLENGE")
def test_unknown_parameters_of_the_signal_are_ignored(arena: Arena) -> None:
    assert Challenged(arena, headers={"accept-txn-challenge": "?1;later=1"}).answer.status_code == 401


@pytest.mark.proves("TXN-CHALLENGE", "P1")
def test_an_agent_does_not_approve_its_own_step_up(arena: Arena) -> None:
    asked = Challenged(arena)
    started = asked.present().json()["transaction_authorization_id"]
    assert said(asked.poll(started)) == (400, "authorization_pending")
    claims, kid = jws.read(asked.challenge).claims, jws.read(asked.challenge).header["kid"]
    own = mint({"alg": "ES256", "typ": "txn-authz-challenge+jwt", "kid": kid}, {**claims, "approved": True})
    assert said(asked.present(own)) == (400, "invalid_grant")
    forged = mint({"alg": "ES256", "typ": "txntoken+jwt", "kid": kid}, claims)
    for token in (forged, asked.challenge, asked.task.token):
        found = asked.ask(**{"txn-token": token})
        assert (found.status_code, found.json()["code"].partition(".")[0]) == (401, "credential")
    assert arena.performed() == []
    assert asked.reply().needs_human


@pytest.mark.proves("TXN-CHALLENGE")
def test_a_challenge_is_presented_once_by_the_workload_and_key_it_was_given_to(arena: Arena) -> None:
    asked = Challenged(arena)
    thief = arena.desk.agent("thief", operator="helper.example")
    assert said(asked.present(agent=thief)) == (400, "invalid_grant")
    assert said(asked.present(key=ProofKey(new_key()))) == (400, "invalid_grant")
    assert said(asked.present("not.a.jwt")) == (400, "invalid_grant")
    assert said(asked.present(asked.task.token)) == (400, "invalid_grant")
    started = asked.present().json()["transaction_authorization_id"]
    assert said(asked.present()) == (400, "invalid_grant")
    arena.anna.confirm(asked.reply())
    assert said(asked.poll(started, agent=thief)) == (400, "invalid_grant")
    assert said(asked.poll(started, key=ProofKey(new_key()))) == (400, "invalid_grant")
    assert said(asked.poll(f"{asked.body['ask']}.{'A' * 43}")) == (400, "invalid_grant")
    assert asked.poll(started).status_code == 200


@pytest.mark.proves("TXN-CHALLENGE")
def test_polling_faster_than_told_is_slowed_down(arena: Arena) -> None:
    asked = Challenged(arena)
    started = asked.present().json()["transaction_authorization_id"]
    assert said(asked.poll(started)) == (400, "authorization_pending")
    form = {"transaction_authorization_id": started}
    assert said(arena.form(PATH, form, agent=asked.agent, key=asked.agent)) == (400, "slow_down")


@pytest.mark.proves("TXN-CHALLENGE")
def test_a_token_serves_its_own_ask_alone_and_once(arena: Arena) -> None:
    asked = Challenged(arena)
    token = asked.confirmed()
    other = Challenged(arena, task=asked.task, headers={})
    wrong = other.ask(**{"txn-token": token})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "credential.wrong_audience")
    fresh = arena.send(asked.task, f"/v1/tasks/{asked.task.id}/asks", BODY, headers={"txn-token": token})
    assert (fresh.status_code, fresh.json()["code"]) == (401, "credential.wrong_audience")
    foreign = Challenged(arena, task=arena.task(agent=arena.desk.agent("other", operator="other.example")), headers={"txn-token": token})
    assert (foreign.answer.status_code, foreign.body["code"]) == (401, "credential.wrong_audience")
    assert asked.ask(**{"txn-token": token}).status_code == 200
    again = asked.ask(**{"txn-token": token})
    assert (again.status_code, again.json()["code"]) == (401, "credential.replayed")
    assert len(arena.performed("order.return")) == 1


@pytest.mark.proves("TXN-CHALLENGE")
def test_a_token_brings_no_other_body_through(arena: Arena) -> None:
    asked = Challenged(arena)
    token = asked.confirmed()
    changed = asked.ask({"action": "order.return", "params": {"order_id": "W1", "item_ids": ["i2"]}}, **{"txn-token": token})
    assert (changed.status_code, changed.json()["code"]) == (409, "request.conflict")
    assert arena.performed("order.return") == [SEND_BACK]


@pytest.mark.proves("TXN-CHALLENGE")
def test_a_no_and_silence_give_no_token(arena: Arena) -> None:
    asked = Challenged(arena)
    started = asked.present().json()["transaction_authorization_id"]
    arena.anna.decline(asked.reply())
    assert said(asked.poll(started)) == (400, "access_denied")
    assert arena.performed() == []


@pytest.mark.proves("TXN-CHALLENGE")
def test_an_expired_challenge_starts_nothing(arena: Arena) -> None:
    asked = Challenged(arena)
    arena.clock.ahead_ms += 11 * 60_000
    assert said(asked.present()) == (400, "expired_token")


@pytest.mark.proves("TXN-CHALLENGE")
def test_a_challenge_too_long_for_a_header_is_told_as_ever(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "_LONGEST", 100)
    assert Challenged(arena).answer.status_code == 202
