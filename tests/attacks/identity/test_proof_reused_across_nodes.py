"""What proved a request that one node refused is used up at every other one: over two nodes of one desk."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import EXCHANGE, ISSUER, code_of
from faults.nodes import Job, Nodes, begin, change
from remit.client import calls
from remit.client.keys import ProofKey
from remit.domain.identity.assertions import AssertionType
from remit.sandbox import SandboxAgent

DESCRIBED = {"type": "remit_mandate", "objective": {"type": "track-order", "target": {"order": ["P0"]}}, "powers": [{"power": "represent"}]}


class Two:
    """Two nodes of one desk, an agent with a mandate, and what is sent by hand to the node that is spoken to."""

    def __init__(self, desk: Nodes, job: Job) -> None:
        self.desk = desk
        self.task = job.correcting
        self.agent: SandboxAgent = self.task.agent
        self.key = ProofKey(self.agent.key)
        self.mandate = job.customer.grant(self.agent, {**DESCRIBED, "chain": 1, "chain_operators": ["shop.example"], "max_tasks": 9}).id
        self.below = desk.agent("spiffe://shop.example/below")

    def credentials(self, agent: SandboxAgent | None = None) -> dict[str, str]:
        """A fresh client assertion."""
        return dict((agent or self.agent).identity.credentials(issuer=ISSUER, now_s=time.time()))

    def proof(self, path: str, method: str = "POST", token: str | None = None) -> str:
        """A fresh proof by the agent's key."""
        return self.key.proof(method, ISSUER + path, now_s=time.time(), token=token)

    def form(self, path: str, form: Mapping[str, str], proof: str = "") -> httpx.Response:
        """One request to an OAuth endpoint."""
        headers = {"content-type": "application/x-www-form-urlencoded"} | ({"dpop": proof} if proof else {})
        return self.desk.room.raw("POST", path, headers=headers, content=urlencode(form).encode(), check=False)

    def exchange(self, proof: str, credentials: Mapping[str, str], subject: str = "", **more: str) -> httpx.Response:
        """A token exchange."""
        form = {"grant_type": EXCHANGE, "subject_token": subject or self.mandate, "subject_token_type": calls.MANDATE_TOKEN, **more}
        return self.form("/oauth/token", {**form, **credentials}, proof)

    def push(self, proof: str, credentials: Mapping[str, str], **more: str) -> httpx.Response:
        """A pushed request."""
        form = {"response_type": "code", "code_challenge": "A" * 43, "code_challenge_method": "S256", **more}
        form |= {"redirect_uri": "http://127.0.0.1/callback", "authorization_details": json.dumps([DESCRIBED])}
        return self.form("/oauth/par", {**form, **credentials}, proof)

    def branch(self, actor_token: str, **more: str) -> httpx.Response:
        """A part of the mandate for the other agent."""
        named = {"actor_token": actor_token, "actor_token_type": AssertionType.JWT_BEARER.value, "dpop_jkt": self.key.thumbprint}
        form = {"requested_token_type": calls.MANDATE_TOKEN, "authorization_details": json.dumps([DESCRIBED]), **named, **more}
        return self.exchange(self.proof("/oauth/token"), self.credentials(), **form)

    def ask(self, proof: str) -> httpx.Response:
        """An ask to change an address."""
        action, params = change()
        headers = {"authorization": f"DPoP {self.task.token}", "dpop": proof, "content-type": "application/json"}
        body = json.dumps({"action": action, "params": params}).encode()
        path = f"/v1/tasks/{self.task.id}/asks"
        return self.desk.room.raw("POST", path, headers={**headers, "idempotency-key": secrets.token_urlsafe(9)}, content=body, check=False)


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    with Nodes() as desk:
        yield Two(desk, begin(desk))


@pytest.fixture(autouse=True)
def at_the_first(two: Two) -> None:
    two.desk.turn(0)


REFUSED: dict[str, tuple[str, Callable[[Two, str], httpx.Response], str]] = {
    "an exchange of what nobody granted": ("token", lambda two, proof: two.exchange(proof, two.credentials(), "man_x"), "grant.invalid"),
    "an exchange without a grant type": (
        "token",
        lambda two, proof: two.form("/oauth/token", two.credentials(), proof),
        "request.malformed",
    ),
    "a wish that nobody fulfils": (
        "token",
        lambda two, proof: two.exchange(proof, two.credentials(), audience="https://elsewhere.example"),
        "request.malformed",
    ),
    "a used assertion": ("token", lambda two, proof: two.exchange(proof, used(two)), "credential.replayed"),
    "a pushed request that is malformed": (
        "par",
        lambda two, proof: two.push(proof, two.credentials(), request_uri="urn:x"),
        "request.malformed",
    ),
    "a pushed request for another kind of answer": (
        "par",
        lambda two, proof: two.push(proof, two.credentials(), response_mode="fragment"),
        "request.malformed",
    ),
}


def used(two: Two) -> dict[str, str]:
    """An assertion that only the other node has seen."""
    credentials = two.credentials()
    two.desk.turn(1)
    assert two.exchange(two.proof("/oauth/token"), credentials).is_success
    two.desk.turn(0)
    return credentials


@pytest.mark.proves("DPOP-REPLAY", "NODES")
@pytest.mark.parametrize("name", list(REFUSED))
def test_the_proof_of_a_request_that_one_node_refused_is_good_for_nothing_at_another(two: Two, name: str) -> None:
    """⚔ Whoever finds it has an assertion of the same agent for it, or waits for one."""
    path, send, code = REFUSED[name]
    proof = two.proof(f"/oauth/{path}")
    refused = send(two, proof)
    assert (refused.is_error, code_of(refused)) == (True, code)
    two.desk.turn(1)
    again = two.exchange(proof, two.credentials()) if path == "token" else two.push(proof, two.credentials())
    assert (again.json()["error"], code_of(again)) == ("invalid_dpop_proof", "credential.replayed")


@pytest.mark.proves("DPOP-REPLAY", "NODES")
def test_the_assertion_beside_a_used_proof_is_good_for_nothing_at_another_node(two: Two) -> None:
    proof, fresh = two.proof("/oauth/token"), two.credentials()
    assert two.exchange(proof, two.credentials()).is_success
    assert code_of(two.exchange(proof, fresh)) == "credential.replayed"
    two.desk.turn(1)
    stolen = two.push("", fresh, dpop_jkt=ProofKey().thumbprint)
    assert (stolen.json()["error"], code_of(stolen)) == ("invalid_client", "credential.replayed")


@pytest.mark.proves("DPOP-REPLAY", "NODES", "CHAIN")
def test_the_actor_token_of_a_branch_that_one_node_refused_is_good_for_nothing_at_another(two: Two) -> None:
    """⚔ Whoever asked for the branch holds it, and would come as the other agent."""
    actor = two.credentials(two.below)
    wide = [{**DESCRIBED, "chain": 1, "chain_operators": ["shop.example"]}]
    assert code_of(two.branch(actor["client_assertion"], authorization_details=json.dumps(wide))) == "mandate.invalid"
    two.desk.turn(1)
    stolen = two.push("", actor, dpop_jkt=ProofKey().thumbprint)
    assert (stolen.json()["error"], code_of(stolen)) == ("invalid_client", "credential.replayed")


@pytest.mark.proves("DPOP-REPLAY", "NODES")
def test_the_proof_of_an_ask_that_one_node_refused_is_good_for_nothing_at_another(two: Two) -> None:
    path = f"/v1/tasks/{two.task.id}/asks"
    proof = two.proof(path, token=two.task.token)
    headers: dict[str, Any] = {"authorization": f"DPoP {two.task.token}", "dpop": proof, "content-type": "application/json"}
    assert code_of(two.desk.room.raw("POST", path, headers=headers, content=b"{", check=False)) == "request.malformed"
    two.desk.turn(1)
    assert code_of(two.ask(proof)) == "credential.replayed"
