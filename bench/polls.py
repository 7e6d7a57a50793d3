"""Long polls beside their answers, at a desk in a process of its own: how long after its answer each of them hears of it.

Usage: python bench/polls.py [--polls N]. A third waits for an ask's outcome (the customer answers), a third for a message (an officer writes), a
third for news on the customer's page (an agent asks for something to confirm). Half of them wait when the answers begin; the other half is sent
together with its answer, in either order. The time counts from the sending of the answer, or of the poll if it was sent later.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import httpx

import ask
from remit.sandbox import Sandbox, SandboxCustomer, SandboxPerson, SandboxTask
from signing import Signer

GOAL_S: Final = 1.0
WAIT_S: Final = 30
RACE_S: Final = 0.03
"""A racing poll is sent up to so long before its answer, or after it."""
EVERY_S: Final = 0.015
"""Between two answers."""
ADDRESS: Final = "New Street 7, 10007 Town"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request, signed only when it is sent."""

    method: str
    path: str
    headers: Callable[[], dict[str, str]]
    body: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A poll, its answer, and whether a body of the poll tells of the answer."""

    kind: str
    poll: Sent
    answer: Sent
    tells: Callable[[httpx.Response], bool]


class Made:
    """The customers of one desk, each with a task of its own and something to wait for."""

    def __init__(self, desk: Sandbox, base: str) -> None:
        """Begin with an officer."""
        self._desk, self._base = desk, base
        self._officer = desk.officer("olga", ["care"])

    def awaited(self, number: int) -> Awaited:
        """Make the next poll with its answer, the kinds in turn."""
        customer = self._desk.customer(f"c{number}")
        agent = self._desk.agent(f"spiffe://op{number}.example/bench")
        task = agent.open(customer.grant(agent, _mandate(number)))
        signer = Signer(agent.key)
        return (self._outcome, self._message, self._page)[number % 3](number, customer, task, signer)

    def _outcome(self, number: int, customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Awaited:
        reply = task.ask("order.change_address", {"order_id": f"W{number}x0", "address": ADDRESS})
        path = f"{customer.base}/confirmations/{customer.invitation(reply)}"
        return Awaited(
            kind="an ask's outcome",
            poll=self._agents("GET", f"/v1/asks/{reply.ask}?wait={WAIT_S}", task, signer),
            answer=_persons(customer, path, {"answer": "no"}),
            tells=lambda found: found.json().get("codes") == ["confirmation.declined"],
        )

    def _message(self, _number: int, _customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Awaited:
        return Awaited(
            kind="a message",
            poll=self._agents("GET", f"/v1/tasks/{task.id}/inbox?wait={WAIT_S}", task, signer),
            answer=_persons(self._officer, f"/desk/v1/cases/{task.case}/reply", {"text": "We have your parcel."}),
            tells=lambda found: len(found.json().get("messages", ())) == 1,
        )

    def _page(self, number: int, customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Awaited:
        seen = self._desk.room.raw("GET", f"{customer.base}/live", cookie=customer.cookie).text
        since = next(line.removeprefix("id: ") for line in seen.splitlines() if line.startswith("id: "))
        wish = {"action": "order.change_address", "params": {"order_id": f"W{number}x0", "address": ADDRESS}}
        return Awaited(
            kind="news on a page",
            poll=Sent(
                method="GET", path=f"{customer.base}/live?since={since}", headers=lambda: {"cookie": customer.cookie}
            ),
            answer=self._agents("POST", f"/v1/tasks/{task.id}/asks", task, signer, wish),
            tells=lambda found: "event: changed" in found.text,
        )

    def _agents(
        self, method: str, path: str, task: SandboxTask, signer: Signer, body: dict[str, Any] | None = None
    ) -> Sent:
        url = f"{self._base}{path.partition('?')[0]}"

        def headers() -> dict[str, str]:
            proof = signer.proof(url, task.token, 0, int(time.time()), method=method)
            return {"authorization": f"DPoP {task.token}", "dpop": proof, "idempotency-key": "k1"}

        return Sent(method=method, path=path, headers=headers, body=body)


def _persons(person: SandboxPerson, path: str, body: dict[str, Any]) -> Sent:
    return Sent(method="POST", path=path, headers=lambda: {"cookie": person.cookie}, body=body)


def _mandate(number: int) -> dict[str, Any]:
    """An address that no test pins asks for the customer's yes."""
    order = f"W{number}x0"
    return {
        "type": "remit_mandate",
        "objective": {"type": "correct-order", "target": {"order": [order]}, "summary": "another address"},
        "powers": [
            {"power": "represent"},
            {"power": "request", "actions": ["order.change_address"], "where": {"order_id": {"equals": order}}},
        ],
    }


async def waited(base: str, all_of_them: list[Awaited], *, every_s: float = EVERY_S) -> dict[str, list[float]]:
    """Send all polls and answers; return how long each kind waited, infinity for what a poll did not tell."""
    chance, found = random.Random(3), {}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(base_url=base, timeout=2 * WAIT_S, limits=limits)
    async with client as http, asyncio.TaskGroup() as group:
        ready = asyncio.Event()
        for place, one in enumerate(chance.sample(all_of_them, len(all_of_them))):
            work = _raced if place % 2 else _waiting
            task = group.create_task(work(http, one, ready, place * every_s, chance.uniform(-RACE_S, RACE_S)))
            found[task] = one.kind
        await asyncio.sleep(len(all_of_them) * 0.005)  # the waiting ones are sent, and read once
        ready.set()
    times: dict[str, list[float]] = {}
    for task, kind in found.items():
        times.setdefault(kind, []).append(task.result())
    return times


async def _waiting(http: httpx.AsyncClient, one: Awaited, ready: asyncio.Event, at_s: float, _apart: float) -> float:
    poll = asyncio.create_task(_told(http, one))
    await ready.wait()
    await asyncio.sleep(at_s)
    return await _after(_answered(http, one), poll)


async def _raced(http: httpx.AsyncClient, one: Awaited, ready: asyncio.Event, at_s: float, apart: float) -> float:
    await ready.wait()
    await asyncio.sleep(at_s + max(0.0, apart))
    if apart > 0:  # the poll is first
        poll = asyncio.create_task(_told(http, one))
        await asyncio.sleep(apart)
        return await _after(_answered(http, one), poll)
    answer = asyncio.create_task(_answered(http, one))
    await asyncio.sleep(-apart)
    began = time.perf_counter()
    told = await _told(http, one)
    await answer
    return told - began


async def _after(answer: Coroutine[Any, Any, float], poll: "asyncio.Task[float]") -> float:
    began = await answer
    return await poll - began


async def _answered(http: httpx.AsyncClient, one: Awaited) -> float:
    """Send the answer; return when it was sent."""
    began = time.perf_counter()
    (await _send(http, one.answer)).raise_for_status()
    return began


async def _told(http: httpx.AsyncClient, one: Awaited) -> float:
    """Send the poll; return when it told of the answer, infinity if it did not."""
    found = await _send(http, one.poll)
    return time.perf_counter() if one.tells(found) else float("inf")


async def _send(http: httpx.AsyncClient, what: Sent) -> httpx.Response:
    content = None if what.body is None else json.dumps(what.body).encode()
    headers = what.headers() | ({} if content is None else {"content-type": "application/json"})
    return await http.request(what.method, what.path, content=content, headers=headers)


def main() -> int:
    """Print the waits of each kind; 1 when one was longer than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--polls", type=int, default=1000)
    parser.add_argument("--folder", default=None, help="where the data lies; default a new folder beside this one")
    given = parser.parse_args()
    given.customers, given.orders = given.polls, 1
    times = measured(given)
    everything = [one for some in times.values() for one in some]
    for kind, some in (*times.items(), ("all", everything)):
        some.sort()
        p50, p99, longest = (some[min(len(some) - 1, int(len(some) * share))] * 1000 for share in (0.5, 0.99, 1.0))
        late = sum(one > GOAL_S for one in some)
        print(
            f"{kind:18}{len(some):5} polls: p50 {p50:7.1f} ms, p99 {p99:7.1f} ms, max {longest:7.1f} ms; longer than 1 s: {late}"
        )
    return int(max(everything) > GOAL_S)


def measured(given: argparse.Namespace, *, every_s: float = EVERY_S) -> dict[str, list[float]]:
    """Start a desk with so many customers, and send everything."""
    server = ask.Server(given)
    try:
        base = ask.base(server.port)
        with Sandbox({}, base_url=base) as desk:
            made = Made(desk, base)
            ready = [made.awaited(number) for number in range(given.customers)]
            return asyncio.run(waited(base, ready, every_s=every_s))
    finally:
        server.close()


if __name__ == "__main__":
    raise SystemExit(main())
