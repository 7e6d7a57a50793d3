"""Shared signals of several nodes: an event holds on all of them, one sends, and what a dead one began another one finishes."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.people.company import cookie_of, oidc
from conformance.ssf_peer import CAEP, Peer, key_file, peer_served, read_set, secret_file
from faults.nodes import Job, Nodes, begin, change
from provider.loopback import LoopbackProvider, loopback_provider
from remit.usecases.events.poll_transmitters import poll_transmitters
from remit.usecases.events.receive import PATIENCE_MS, finish_events
from remit.usecases.events.transmit import EventTransmitter

PUSH = {"method": "urn:ietf:rfc:8935"}


@dataclass
class Company:
    """A desk of two nodes, its company's provider, and the peer that sends and receives."""

    nodes: Nodes
    provider: LoopbackProvider
    peer: Peer
    pushes: str
    receives: str

    def job(self) -> Job:
        """Anna, who once signed in at her company, with tasks of an agent of hers."""
        made = begin(self.nodes)
        sent = self.nodes.room.raw("GET", "/login/oidc?next=/me", check=False)
        brought = self.provider.sign_in(sent.headers["location"], "s-anna", customer="anna")
        query = httpx.QueryParams(brought)
        done = self.nodes.room.raw("GET", f"/login/oidc/callback?{query}", cookie=cookie_of(sent, "remit_login"), check=False)
        assert done.status_code == 303, done.text
        return made

    def revoked(self) -> str:
        """The provider's word that Anna's session there is over."""
        subject = {"format": "iss_sub", "iss": self.provider.issuer, "sub": "s-anna"}
        claims = self.peer.set(f"{CAEP}session-revoked", subject, {}, now_s=int(time.time()), audience="http://localhost")
        return self.peer.sign(claims)

    def push(self, token: str, *, node: int) -> int:
        """The provider pushes to a node."""
        self.nodes.turn(node)
        headers = {"authorization": f"Bearer {self.pushes}", "content-type": "application/secevent+jwt"}
        return self.nodes.room.raw("POST", "/ssf/v1/events", headers=headers, content=token.encode(), check=False).status_code

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """The receiver speaks to its stream."""
        return self.nodes.room.raw(method, path, body, headers={"authorization": f"Bearer {self.receives}"}, check=False)

    def asks(self, job: Job, *, node: int) -> tuple[str, ...]:
        """The codes with which a task's next ask is refused at a node."""
        self.nodes.turn(node)
        return tuple(job.correcting.ask(*change()).codes)


@pytest.fixture
def polls() -> bool:
    return False


@pytest.fixture
def company(tmp_path: Path, polls: bool) -> Iterator[Company]:
    with peer_served() as peer, loopback_provider(lambda: int(time.time())) as provider:
        keys = tmp_path / "own"
        (push_file, pushes), (siem_file, receives) = secret_file(keys, "login"), secret_file(keys, "siem")
        way: dict[str, Any] = {"poll_url": f"{peer.url}/poll", "poll_token_file": push_file} if polls else {"push_token_files": [push_file]}
        settings = {
            "people": {"oidc": oidc(provider, tmp_path, customers="create", roles={})},
            "events": {
                "key_files": [key_file(keys)],
                "receivers": [{"name": "siem", "audience": "https://siem.example", "token_files": [siem_file]}],
                "transmitters": [{"name": "login", "issuer": peer.url, "customers": True, **way}],
            },
        }
        with Nodes(settings=settings) as nodes:
            yield Company(nodes, provider, peer, pushes, receives)


@pytest.mark.proves("SSF-ENDS")
def test_an_event_taken_by_one_node_holds_at_the_next_request_of_another(company: Company) -> None:
    job = company.job()
    assert company.asks(job, node=0) == ()
    assert company.push(company.revoked(), node=1) == 202
    assert company.asks(job, node=0) == ("task.ended",)
    assert company.asks(job, node=1) == ("task.ended",)


@pytest.mark.proves("SSF-ENDS", "SSF-ONCE")
@pytest.mark.parametrize("again", ["sent again", "taken over"])
def test_an_effect_that_a_dead_node_began_is_finished_by_another(company: Company, again: str) -> None:
    job, token = company.job(), company.revoked()

    def dies(name: str) -> None:
        if name == "event.recorded":
            raise RuntimeError("the node is gone")

    company.nodes.nodes[0].at = dies
    assert company.push(token, node=0) == 500
    assert company.asks(job, node=1) == ()
    if again == "sent again":
        assert company.push(token, node=1) == 202
    else:
        company.nodes.set_clocks(PATIENCE_MS + 1000, 1)
        assert company.nodes.run(finish_events(company.nodes.nodes[1].context)) == 1
    assert company.asks(job, node=0) == ("task.ended",)
    kinds = [one["kind"] for one in company.nodes.transcript()]
    assert kinds.count("event.received") == 1


@pytest.mark.proves("SSF-SENT")
def test_of_several_nodes_one_pushes_and_a_restart_loses_nothing(company: Company) -> None:
    job = company.job()
    delivery = {**PUSH, "endpoint_url": f"{company.peer.url}/events"}
    assert company.call("POST", "/ssf/v1/stream", {"delivery": delivery}).status_code == 201
    company.peer.replies += [(503, b"")]
    job.customer.revoke(mandates(company)[0])

    async def rounds() -> None:
        async def one(node: Any) -> None:
            with contextlib.suppress(Exception):
                await EventTransmitter(lambda _: None).round(node.context)

        await asyncio.gather(*(one(node) for node in company.nodes.nodes for _ in range(4)))

    company.nodes.run(rounds())
    assert company.peer.pushes.empty()
    company.nodes.again(0)
    company.nodes.set_clocks(70_000)
    for _ in range(4):
        company.nodes.run(rounds())
    keys = company.nodes.room.raw("GET", "/ssf/v1/jwks.json").json()
    got = []
    while not company.peer.pushes.empty():
        got.append(read_set(company.peer.next()[1], keys))
    assert [next(iter(one["events"])).rpartition("/")[2] for one in got] == ["credential-change", "session-revoked"]


def mandates(company: Company) -> list[str]:
    """The mandates in the log."""
    return [str(one["envelope"]["mandate"]) for one in company.nodes.transcript() if one["kind"] == "mandate.granted"]


@pytest.mark.proves("SSF-ENDS")
@pytest.mark.parametrize("polls", [True])
def test_events_are_fetched_by_one_node_and_acknowledged(company: Company) -> None:
    job, token = company.job(), company.revoked()
    forged = company.peer.sign({"iss": company.peer.url, "jti": "forged"}, typ="JWT")
    company.peer.waiting |= {"forged": forged, "good": token}

    async def both() -> list[int]:
        return list(await asyncio.gather(*(poll_transmitters(node.context) for node in company.nodes.nodes)))

    assert sorted(company.nodes.run(both())) == [0, 1]
    assert company.peer.waiting == {}
    headers, asked = company.peer.polls[-1]
    assert headers["authorization"] == f"Bearer {company.pushes}"
    assert (asked["ack"], asked["setErrs"]["forged"]["err"]) == (["good"], "invalid_request")
    assert company.asks(job, node=1) == ("task.ended",)
