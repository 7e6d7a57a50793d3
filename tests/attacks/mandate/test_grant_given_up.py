"""A grant that its agent gives back is dead at once, with all its branches; whoever else asks for that changes nothing."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate, sha256
from attacks.introspected import NOTHING, grant_token, told
from attacks.sub_agents import CATALOGUE, FACTS, hand_on, note
from attacks.sub_agents import mandate as branch
from contracts.identity_minting import jwk, mint, svid_claims, write_json
from remit.client.errors import Refused
from remit.client.identities import JwtSvidFile
from remit.client.keys import ProofKey, b64url, new_key
from remit.sandbox import Sandbox, SandboxAgent

CALLBACK = "http://127.0.0.1/callback"


def given_up(arena: Arena, agent: SandboxAgent, token: str) -> None:
    answered = arena.form("/oauth/revoke", {"token": token, "token_type_hint": "access_token"}, agent=agent)
    assert (answered.status_code, answered.json()) == (200, {})


def good(arena: Arena, agent: SandboxAgent, token: str) -> bool:
    return bool(arena.form("/oauth/introspect", {"token": token}, agent=agent).json()["active"])


@pytest.mark.proves("GIVEN-UP", "TASK-END")
@pytest.mark.parametrize("by", ["the grant's token", "the mandate's id", "a token that has run out"])
def test_a_grant_that_is_given_back_is_dead_with_its_tasks(arena: Arena, by: str) -> None:
    agent = arena.agent()
    token, mandate_id = grant_token(arena.anna, agent, mandate(max_tasks=3))
    task = agent.open(mandate_id)
    assert task.ask("order.return", SEND_BACK).needs_human
    if by == "a token that has run out":
        arena.clock.ahead_ms = 301_000
    given_up(arena, agent, mandate_id if by == "the mandate's id" else token)
    given_up(arena, agent, token)
    assert [good(arena, agent, one) for one in (token, task.token)] == [False, False]
    with arena.unchanged():
        refused = arena.exchange(agent, mandate_id)
        assert (refused.json()["error"], code_of(refused)) == ("invalid_grant", "mandate.inactive")
        assert code_of(arena.ask(task, "order.return", SEND_BACK)) in {"task.ended", "credential.expired"}
    assert arena.anna.waiting() == []
    (entry,) = arena.entries("mandate.revoked")
    assert {name: entry["envelope"][name] for name in ("mandate", "by_customer", "by_agent")} == {
        "mandate": mandate_id,
        "by_customer": False,
        "by_agent": True,
    }
    assert entry["desk"] == {"by": agent.client_id}
    assert " gave up a permission." in arena.room.raw("GET", "/me/history", cookie=arena.anna.cookie).text


@pytest.mark.proves("GIVEN-UP", "ONE-ANSWER")
def test_another_client_gives_nothing_back(arena: Arena) -> None:
    agent = arena.agent()
    token, mandate_id = grant_token(arena.anna, agent, mandate(max_tasks=3))
    task = agent.open(mandate_id)
    curious = arena.desk.agent("curious", operator="elsewhere")
    with arena.unchanged():
        for one in (token, mandate_id, task.token, "man_" + "a" * 26, "man_", "no.token.atall"):
            given_up(arena, curious, one)
    assert [told(agent, one)["active"] for one in (token, task.token)] == [True, True]
    assert arena.entries("mandate.revoked") == []


@pytest.mark.proves("GIVEN-UP", "P18")
def test_a_branch_is_given_back_by_its_own_agent_and_with_what_it_was_cut_from() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        arena = Arena(desk)
        customer, top = desk.customer("yu"), desk.agent("top", operator="owner")
        below, other = desk.agent("below", operator="courier"), desk.agent("other", operator="courier")
        powers = ({"power": "represent"}, note(uses=9))
        token, above = grant_token(customer, top, branch(*powers, chain=1, chain_operators=["courier"], max_tasks=9))
        cut = [hand_on(top, one, above, branch(note(uses=1), max_tasks=2))["access_token"] for one in (below, other, other)]
        tasks = [one.open(branch_id) for one, branch_id in zip((below, other, other), cut, strict=True)]

        given_up(arena, other, cut[0])
        given_up(arena, below, cut[0])
        assert [told(task.agent, task.token)["active"] for task in tasks] == [False, True, True]
        with pytest.raises(Refused) as refused:
            below.open(cut[0])
        assert refused.value.code == "mandate.inactive"
        assert told(top, token)["active"] is True

        given_up(arena, top, token)
        assert [told(task.agent, task.token) for task in tasks] == [NOTHING] * 3
        revoked = [one["envelope"] for one in desk.transcript() if one["kind"] == "mandate.revoked"]
        assert [one["mandate"] for one in revoked] == [cut[0], above, *cut[1:]]
        assert {(one["by_customer"], one["by_agent"]) for one in revoked} == {(False, True)}


class Instance(SandboxAgent):
    """One of several workloads that share a registration, each with its own SPIFFE ID and its own key."""

    def __init__(self, folder: Path, name: str) -> None:
        self.client_id = "fleet"
        self.key = new_key()
        now_s = int(time.time())
        svid = folder / name
        claims = svid_claims(sub=f"spiffe://helper.example/fleet/{name}", aud=[ISSUER], iat=now_s, exp=now_s + 300)
        svid.write_text(mint({"alg": "ES256", "kid": "ES256"}, claims))
        self.identity = JwtSvidFile(svid, client_id="fleet")  # type: ignore[assignment]  # these agents have another kind of identity


def granted_to(arena: Arena, agent: Instance) -> tuple[str, str]:
    """The grant's token of one instance, and the mandate it names."""
    verifier = "v" * 43
    wanted = {
        "response_type": "code",
        "code_challenge": b64url(bytes.fromhex(sha256(verifier))),
        "code_challenge_method": "S256",
        "dpop_jkt": ProofKey(agent.key).thumbprint,
        "redirect_uri": CALLBACK,
        "authorization_details": json.dumps([mandate(max_tasks=3)]),
    }
    pushed = arena.form("/oauth/par", wanted, agent=agent).json()
    path = f"/me/v1/requests/{pushed['request_uri'].rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = arena.anna.post(
        path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    )
    code = signed["redirect"].partition("code=")[2].partition("&")[0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": CALLBACK}
    body = arena.form("/oauth/token", form, agent=agent, key=agent).json()
    return body["access_token"], body["mandate"]


@pytest.mark.proves("GIVEN-UP", "INTROSPECT-OWN", "CHAIN")
def test_workloads_that_share_a_registration_are_told_of_and_give_back_their_own_alone(arena: Arena, tmp_path: Path) -> None:
    bundle = write_json(tmp_path / "bundle.json", {"keys": [jwk("ES256", kid="ES256", use="jwt-svid")]})
    fleet: dict[str, Any] = {
        "client_id": "fleet",
        "actor": "spiffe://helper.example/fleet/*",
        "operator": "helper.example",
        "method": "spiffe_jwt",
        "keys": {"bundle_file": str(bundle), "trust_domain": "helper.example"},
        "redirect_uris": [CALLBACK],
    }
    arena.room.control("POST", "/sandbox/v1/agents", fleet)
    one, two = Instance(tmp_path, "one"), Instance(tmp_path, "two")
    token, mandate_id = granted_to(arena, one)
    opened = arena.exchange(one, mandate_id).json()["access_token"]

    assert [good(arena, one, token), good(arena, one, opened), good(arena, two, token), good(arena, two, opened)] == [
        True,
        True,
        False,
        False,
    ]
    for asked in (token, opened, mandate_id):
        given_up(arena, two, asked)
    assert [good(arena, one, token), good(arena, one, opened)] == [True, True]
    given_up(arena, one, mandate_id)
    assert [good(arena, one, token), good(arena, one, opened)] == [False, False]
