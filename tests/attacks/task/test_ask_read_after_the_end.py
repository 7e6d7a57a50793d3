"""After a task's end an ask still answers the workload itself, and nobody else; never with what was told."""

from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, SHOP, Arena, code_of
from remit.client.errors import Refused
from remit.client.keys import ProofKey, new_key
from remit.sandbox import SandboxAgent, SandboxTask


@pytest.fixture
def told(arena: Arena) -> tuple[SandboxTask, str]:
    """A task that has ended, and an ask of it that told something; its token has expired."""
    task = arena.task()
    reply = task.ask("order.read", {"order_id": "W1"})
    assert reply.result["order.status"] == "delivered"
    task.complete()
    arena.clock.ahead_ms = 600_000
    return task, reply.ask


def headers(arena: Arena, agent: SandboxAgent, ask: str, *, key: Any = None, ath: str | None = None, method: str = "GET") -> dict[str, str]:
    fields = agent.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    assertion = fields["client_assertion"]
    proof = arena.proof(key or agent, method, f"/v1/asks/{ask}", token=assertion if ath is None else ath)
    return {"client-assertion-type": fields["client_assertion_type"], "client-assertion": assertion, "dpop": proof}


def asked(arena: Arena, ask: str, sent: dict[str, str], query: str = "") -> httpx.Response:
    return arena.room.raw("GET", f"/v1/asks/{ask}{query}", headers=sent, check=False)


@pytest.mark.proves("AFTER-END")
def test_the_workload_itself_learns_state_outcome_and_receipt_and_no_attribute(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    task, ask = told
    assert code_of(arena.send(task, f"/v1/asks/{ask}", method="GET")) == "credential.expired"
    answered = asked(arena, ask, headers(arena, arena.agent(), ask), "?wait=1")
    body = answered.json()
    assert (answered.status_code, body["outcome"], body["result"]) == (200, "done", {})
    assert body["receipt"]["entries"]
    assert "delivered" not in answered.text


@pytest.mark.proves("AFTER-END")
def test_the_client_looks_back_at_its_own_asks_alone(arena: Arena) -> None:
    task = arena.task()
    done, held = task.ask("order.read", {"order_id": "W1"}), task.ask("order.return", SEND_BACK)
    task.complete()
    looked = arena.run(arena.agent().client.look_back(done.ask))
    assert (looked.ask, looked.outcome, looked.result) == (done.ask, "done", {})
    for agent, ask, code in (
        (arena.agent(), held.ask, "task.ended"),
        (arena.agent("spiffe://helper.example/second"), done.ask, "request.not_found"),
    ):
        with pytest.raises(Refused) as refused:
            arena.run(agent.client.look_back(ask))
        assert refused.value.code == code


@pytest.mark.proves("AFTER-END")
def test_a_live_task_is_told_no_more_this_way(arena: Arena) -> None:
    task = arena.task()
    reply = task.ask("order.read", {"order_id": "W1"})
    answered = asked(arena, reply.ask, headers(arena, arena.agent(), reply.ask))
    assert (answered.json()["outcome"], answered.json()["result"]) == ("done", {})
    assert "delivered" not in answered.text
    waiting = task.ask("order.return", SEND_BACK)
    assert asked(arena, waiting.ask, headers(arena, arena.agent(), waiting.ask)).json()["decision"] == "needs_human"


@pytest.mark.proves("AFTER-END")
def test_another_agent_or_key_gets_what_an_unknown_ask_gets(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    _, ask = told
    second = arena.agent("spiffe://helper.example/second")
    foreign = asked(arena, ask, headers(arena, second, ask))
    other_key = asked(arena, ask, headers(arena, arena.agent(), ask, key=ProofKey(new_key())))
    unknown = "ask_" + "A" * (len(ask) - 4)
    nothing = asked(arena, unknown, headers(arena, arena.agent(), unknown))
    shapeless = asked(arena, "task_x", headers(arena, arena.agent(), "task_x"))
    assert {code_of(one) for one in (foreign, other_key, nothing, shapeless)} == {"request.not_found"}
    assert foreign.json()["detail"] == nothing.json()["detail"] == other_key.json()["detail"]


@pytest.mark.proves("AFTER-END")
@pytest.mark.usefixtures("process")
def test_assertion_and_proof_serve_only_together_and_once(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    _, ask = told
    agent = arena.agent()
    first = headers(arena, agent, ask)
    other = headers(arena, agent, ask)
    mixed = {**headers(arena, agent, ask), "dpop": other["dpop"]}
    assert code_of(asked(arena, ask, mixed)) == "credential.wrong_audience"
    assert asked(arena, ask, first).is_success
    assert code_of(asked(arena, ask, first)) == "credential.replayed"
    again = {**first, "dpop": arena.proof(agent, "GET", f"/v1/asks/{ask}", token=first["client-assertion"])}
    assert code_of(asked(arena, ask, again)) == "credential.replayed"
    assert code_of(asked(arena, ask, {**other, "dpop": headers(arena, agent, ask, method="POST")["dpop"]})) == "credential.wrong_audience"


@pytest.mark.proves("AFTER-END")
@pytest.mark.parametrize("missing", ["client-assertion", "client-assertion-type", "dpop"])
def test_half_a_credential_proves_nothing(arena: Arena, told: tuple[SandboxTask, str], missing: str) -> None:
    _, ask = told
    sent = headers(arena, arena.agent(), ask)
    del sent[missing]
    assert code_of(asked(arena, ask, sent)) in {"request.malformed", "credential.missing"}


@pytest.mark.proves("AFTER-END")
def test_doubled_headers_and_a_token_beside_are_refused(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    task, ask = told
    for name in ("client-assertion", "client-assertion-type", "dpop"):
        sent = headers(arena, arena.agent(), ask)
        doubled = arena.pairs("GET", f"/v1/asks/{ask}", [*sent.items(), (name, sent[name])])
        assert code_of(doubled) in {"request.malformed", "credential.missing"}
    sent = headers(arena, arena.agent(), ask)
    assert code_of(asked(arena, ask, {**sent, "authorization": f"DPoP {task.token}"})) == "request.malformed"


@pytest.mark.proves("AFTER-END")
def test_a_signature_of_a_proxys_beside_the_assertion_changes_nothing(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    _, ask = told
    signed = {"signature-input": 'sig=("@method");created=1', "signature": "sig=:AA==:"}
    assert asked(arena, ask, headers(arena, arena.agent(), ask) | signed).json()["outcome"] == "done"
    sent = headers(arena, arena.agent(), ask) | signed
    del sent["dpop"]
    assert code_of(asked(arena, ask, sent)) == "credential.missing"


@pytest.mark.proves("AFTER-END")
def test_a_persons_session_is_ended_here_like_at_every_agents_door(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    _, ask = told
    sent = headers(arena, arena.agent(), ask)
    anna = arena.anna
    session = anna.cookie.partition("=")[2]
    assert code_of(asked(arena, ask, {**sent, "client-assertion": session})) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=anna.cookie)) == "person.not_signed_in"


@pytest.mark.proves("AFTER-END")
@pytest.mark.parametrize("missing", ["client-assertion", "client-assertion-type", "dpop"])
def test_half_a_credential_hides_no_persons_session(arena: Arena, told: tuple[SandboxTask, str], missing: str) -> None:
    _, ask = told
    sent = {**headers(arena, arena.agent(), ask), "cookie": arena.anna.cookie}
    del sent[missing]
    assert code_of(asked(arena, ask, sent)) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=arena.anna.cookie)) == "person.not_signed_in"


@pytest.mark.proves("AFTER-END")
def test_a_suspended_agent_is_told_nothing(arena: Arena, told: tuple[SandboxTask, str]) -> None:
    _, ask = told
    sent = headers(arena, arena.agent(), ask)
    arena.room.control("POST", "/sandbox/v1/suspend", {"what": "agent", "name": SHOP})
    assert code_of(asked(arena, ask, sent)) == "agent.suspended"
