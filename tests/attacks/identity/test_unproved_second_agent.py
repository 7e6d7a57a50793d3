"""Another agent that does not prove itself: it is handed nothing, and the client is not told that its own key is bad."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import ISSUER, code_of
from attacks.sub_agents import Branches, note, open_branches
from attacks.sub_agents import mandate as wanted
from contracts.identity_minting import jwk, mint, write_json
from remit.domain.identity.assertions import AssertionType
from remit.sandbox import SandboxAgent

PART = wanted(note(uses=1))


@pytest.fixture
def at() -> Iterator[Branches]:
    with open_branches() as one:
        yield one


def assertion(agent: SandboxAgent, *, issuer: str = ISSUER, ago_s: float = 0) -> str:
    """An assertion of an agent."""
    return agent.identity.credentials(issuer=issuer, now_s=time.time() - ago_s)["client_assertion"]


def refused_actor(at: Branches, code: str, subject: str, child: SandboxAgent, **more: Any) -> None:
    """The actor_token is refused with this code, and nothing is cut."""
    before = at.kinds()
    answer = at.delegate(at.top, child, subject, PART, **more)
    body = answer.json()
    assert (answer.status_code, body["error"], code_of(answer)) == (400, "invalid_grant", code), body
    assert body["error_description"].startswith("The actor_token was refused: ")
    assert ("actor_client_id" in body["cure"]) is (code == "agent.unknown")
    assert at.kinds() == before


@pytest.mark.proves("CHAIN", "P18")
def test_a_bad_actor_token_is_told_of_the_actor_token_and_nothing_is_cut(at: Branches) -> None:
    subject = at.granted()
    refused_actor(at, "credential.malformed", subject, at.below, actor_token="x.y.z")
    refused_actor(at, "credential.malformed", subject, at.below, actor_token="x")
    refused_actor(at, "credential.expired", subject, at.below, actor_token=assertion(at.below, ago_s=600))
    refused_actor(at, "credential.wrong_audience", subject, at.below, actor_token=assertion(at.below, issuer="https://other.example"))
    head, body, _ = assertion(at.below).split(".")
    refused_actor(at, "credential.wrong_key", subject, at.below, actor_token=f"{head}.{body}.{assertion(at.last).split('.')[2]}")
    at.desk.suspend(agent=at.below)
    refused_actor(at, "agent.suspended", subject, at.below)
    assert at.delegate(at.top, at.last, subject, PART).is_success, "the client's own key was good all the time"


@pytest.mark.proves("CHAIN", "DPOP-REPLAY")
@pytest.mark.usefixtures("process")
def test_an_actor_token_counts_once(at: Branches) -> None:
    subject, once = at.granted(), assertion(at.below)
    assert at.delegate(at.top, at.below, subject, PART, actor_token=once).is_success
    refused_actor(at, "credential.replayed", subject, at.below, actor_token=once)


@pytest.mark.proves("CHAIN", "DPOP-REPLAY")
@pytest.mark.usefixtures("process")
def test_the_clients_own_assertion_is_no_actor_token(at: Branches) -> None:
    """Its operator is named in the grant: it could hand on to itself, with an assertion of its own for that."""
    powers = ({"power": "represent"}, note(uses=5))
    subject = at.customer.grant(at.top, wanted(*powers, chain=1, chain_operators=["owner"], max_tasks=9)).id
    both = assertion(at.top)
    refused_actor(at, "credential.replayed", subject, at.top, actor_token=both, client_assertion=both)
    assert at.delegate(at.top, at.top, subject, PART).is_success


@pytest.mark.proves("CHAIN")
def test_an_unknown_kind_of_actor_token_is_a_malformed_request(at: Branches) -> None:
    subject, before = at.granted(), len(at.kinds())
    for kind in ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:access_token", ""):
        answer = at.delegate(at.top, at.below, subject, PART, actor_token_type=kind)
        body = answer.json()
        assert (answer.status_code, body["error"], code_of(answer)) == (400, "invalid_request", "request.malformed")
        assert "actor_token_type" in body["error_description"]
    assert at.kinds()[before:] == []


WORKLOADS = {
    "fleet": "spiffe://helper.example/fleet/*",
    "single": "spiffe://helper.example/single",
    "other": "spiffe://helper.example/other/*",
}


def svid(sub: str) -> str:
    """A JWT-SVID of a workload."""
    now = int(time.time())
    return mint({"alg": "ES256", "kid": "k1", "typ": "JWT"}, {"sub": sub, "aud": [ISSUER], "iat": now, "exp": now + 300})


def registered(at: Branches, folder: Path) -> None:
    """Workloads whose client id is not their SPIFFE ID."""
    bundle = write_json(folder / "bundle.json", {"keys": [jwk("ES256", kid="k1", use="jwt-svid")], "spiffe_sequence": 1})
    for client_id, actor in WORKLOADS.items():
        described = {"client_id": client_id, "actor": actor, "operator": "courier", "name": client_id, "tier": "known"}
        keys = {"bundle_file": str(bundle), "trust_domain": "helper.example"}
        more = {"method": "spiffe_jwt", "keys": keys, "redirect_uris": ["http://127.0.0.1/callback"]}
        assert at.desk.room.raw("POST", "/sandbox/v1/agents", {**described, **more}).is_success


@pytest.mark.proves("CHAIN", "P18")
def test_a_spiffe_workload_is_an_actor_under_its_own_registration_alone(at: Branches, tmp_path: Path) -> None:
    registered(at, tmp_path)
    subject, kind = at.granted(), AssertionType.JWT_SPIFFE.value
    one, single = "spiffe://helper.example/fleet/b", "spiffe://helper.example/single"

    for sub, client_id in ((one, ""), (one, "single"), (one, "other"), (one, one), (single, "fleet"), (single, "nobody")):
        refused_actor(at, "agent.unknown", subject, at.below, actor_token=svid(sub), actor_token_type=kind, actor_client_id=client_id)
    refused_actor(at, "credential.malformed", subject, at.below, actor_token=svid(one), actor_token_type=kind, actor_client_id="below")

    for sub, given, client_id in ((one, "fleet", "fleet"), (single, "", "single"), (single, "single", "single")):
        answer = at.delegate(at.top, at.below, subject, PART, actor_token=svid(sub), actor_token_type=kind, actor_client_id=given)
        assert answer.is_success, answer.text
        granted = [one for one in at.desk.transcript() if one["envelope"].get("mandate") == answer.json()["mandate"]]
        assert [entry["envelope"]["agent"] for entry in granted] == [client_id]
        assert json.loads(granted[0]["desk"]["signed"])["act"] == {"sub": sub}
