"""Another agent that does not prove itself: it is handed nothing, and the client is not told that its own key is bad."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from attacks.arena import ISSUER, code_of
from attacks.test_p18_sub_agent_widens import mandate as wanted
from attacks.test_p18_sub_agent_widens import note
from attacks.test_r_issued_while_stopped import Branches, open_branches
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
    assert body["cure"]
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
def test_an_actor_token_counts_once(at: Branches) -> None:
    subject, once = at.granted(), assertion(at.below)
    assert at.delegate(at.top, at.below, subject, PART, actor_token=once).is_success
    refused_actor(at, "credential.replayed", subject, at.below, actor_token=once)


@pytest.mark.proves("CHAIN", "DPOP-REPLAY")
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
