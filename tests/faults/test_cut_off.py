"""A node whose network to the database goes silent among asks, and comes back: real processes, in a network of their own.

No connection ends: the node goes on holding what leads nowhere any more, and so does the server. What it is asked meanwhile is told as it
is, what was under way is done once or not at all, the other node goes on, and the node is ready again by itself.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults.apart import WAYS, Apart, apart
from faults.books import verify_all
from faults.cluster import Cluster, load, wait_for
from faults.own_server import own_server
from postgres_tests import on_the_server

NOTICED_S = 20.0
"""So soon a node that is cut off says at /readyz that it is not to be asked: a read that is not answered is given up before."""
BACK_S = 20.0
"""So soon it is ready again when the network is."""
TOLD_S = 20.0
"""So soon whoever asks it meanwhile is told: the read that is not answered is given up, then a new connection that is not made."""


@dataclass(slots=True)
class Answer:
    """What a node answered, and when it was asked."""

    port: int
    asked_s: float
    answered_s: float
    status: int
    code: str


@dataclass
class Hears(httpx.AsyncBaseTransport):
    """Keeps what every request was answered, by which node."""

    inner: httpx.AsyncBaseTransport
    answers: list[Answer] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Bring it to a node."""
        asked = time.monotonic()
        response = await self.inner.handle_async_request(request)
        body = await response.aread()
        told = httpx.Response(response.status_code, headers=response.headers, content=body)
        is_json = "json" in response.headers.get("content-type", "")
        found: Any = told.json() if is_json else {}
        code = str(found.get("code", "")) if isinstance(found, dict) else ""
        self.answers.append(Answer(request.url.port or 0, asked, time.monotonic(), told.status_code, code))
        return told

    async def aclose(self) -> None:
        """Close what is inside."""
        await self.inner.aclose()


@contextmanager
def nodes_apart(folder: Path) -> Iterator[tuple[Cluster, Apart]]:
    """Two nodes; the first reaches the database through a network of its own."""
    with apart() as network, own_server(listens=network.outside, trusts=network.range) as server:
        on_the_server(server.url, "create database remit_test")
        on_the_server(server.url, "create database remit_test_keys")
        url = f"postgresql://remit@{network.outside}:5432/remit_test"
        desk = Cluster(folder, store=url, keys=f"{url}_keys")
        desk.nodes[0].within = network.command
        network.relay(desk.nodes[0].port)
        network.reach(desk.records.port)
        try:
            desk.start()
            yield desk, network
        finally:
            desk.kill()


def readiness(desk: Cluster, number: int) -> tuple[int, str]:
    """What a node says at /readyz."""
    answer = httpx.get(f"{desk.nodes[number].url}/readyz", timeout=60)
    return answer.status_code, str(answer.json().get("code", ""))


def within(limit_s: float, wanted: tuple[int, str], desk: Cluster, number: int) -> None:
    """Come back when a node says this at /readyz, which it does in time."""
    began = time.monotonic()
    wait_for(lambda: readiness(desk, number) == wanted)
    assert time.monotonic() - began < limit_s


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("FAIL-CLOSED", "NODES")
@pytest.mark.parametrize("how", [("answers",), WAYS, ("unplugged",)], ids="+".join)
def test_a_node_whose_network_goes_silent_among_asks_tells_it_and_is_back_by_itself(tmp_path: Path, how: tuple[str, ...]) -> None:
    with nodes_apart(tmp_path) as (desk, network):
        with load(desk) as asked:
            transport: Any = asked.desk.room.transport
            heard = transport._inner = Hears(transport._inner)
            asked.begin(6)
            asked.more(20)
            network.unplug() if how == ("unplugged",) else network.lose(*how)
            cut_s = time.monotonic()
            within(NOTICED_S, (503, "fault.store"), desk, 0)
            asked.more(20)
            assert readiness(desk, 1) == (200, "")
            healed_s = time.monotonic()
            network.heal()
            within(BACK_S, (200, ""), desk, 0)
            asked.more(20)
            asked.end()
            verify_told(heard.answers, desk, cut_s, healed_s)
        desk.stop()
        verify_all(asked.wishes, desk.books())
        desk.verify_log()


def verify_told(answers: list[Answer], desk: Cluster, cut_s: float, healed_s: float) -> None:
    """What the cut node was asked meanwhile is told to be a fault, and permitted by nobody; both nodes had work before and afterwards."""
    away, other = (node.port for node in desk.nodes)
    meanwhile = [one for one in answers if one.port == away and one.asked_s > cut_s and one.answered_s < healed_s]
    assert meanwhile, "nothing was asked of it"
    assert {(one.status, one.code) for one in meanwhile} == {(503, "fault.store")}
    assert max(one.answered_s - one.asked_s for one in answers if one.port == away) < TOLD_S
    for port in (away, other):
        for well in ([one for one in answers if one.asked_s < cut_s], [one for one in answers if one.asked_s > healed_s]):
            assert any(one.port == port and one.status in {200, 202} for one in well)
