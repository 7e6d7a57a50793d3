"""Long polls beside their answers, at a desk in a process of its own: how long after its answer each of them hears of it.

Usage: python bench/polls.py [--polls N]. A third waits for an ask's outcome (the customer answers), a third for a message (an officer writes), a
third for news on the customer's page (an agent asks for something to confirm). Half of them have waited for ten seconds then; the other half is sent
together with its answer, in either order. The time counts from when the desk has taken the answer, or from the sending of the poll if that is
later.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import ask
from load import HEAD_END
from remit.sandbox import Sandbox, SandboxCustomer, SandboxPerson, SandboxTask
from signing import Signer

GOAL_S: Final = 1.0
WAIT_S: Final = 30
AHEAD_S: Final = 10.0
"""A waiting poll is sent so long before its answer."""
RACE_S: Final = 0.03
"""A racing poll is sent up to so long before its answer, or after it."""
EVERY_S: Final = 0.05
"""Between two answers: what waits in line at a busy desk is no poll that sleeps."""
LOT: Final = 250
"""Polls made and sent together: their credentials live for five minutes."""
ADDRESSES: Final = 5
ADDRESS: Final = "New Street 7, 10007 Town"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request, signed only when it is sent."""

    method: str
    path: str
    headers: Callable[[], dict[str, str]]
    body: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A poll, its answer, and whether a body of the poll tells of the answer."""

    kind: str
    poll: Sent
    answer: Sent
    tells: Callable[[bytes], bool]


class Made:
    """The customers of one desk, each with a task of its own and something to wait for."""

    def __init__(self, desk: Sandbox, base: str) -> None:
        """Begin with an officer."""
        self._desk, self._base = desk, base
        self._officer = desk.officer("olga", ["care"])

    def awaited(self, number: int) -> Exchange:
        """Make the next poll with its answer, the kinds in turn."""
        customer = self._desk.customer(f"c{number}")
        agent = self._desk.agent(f"spiffe://op{number}.example/bench")
        task = agent.open(customer.grant(agent, _mandate(number)))
        signer = Signer(agent.key)
        return (self._outcome, self._message, self._page)[number % 3](number, customer, task, signer)

    def _outcome(self, number: int, customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Exchange:
        reply = task.ask("order.change_address", {"order_id": f"W{number}x0", "address": ADDRESS})
        path = f"{customer.base}/confirmations/{customer.invitation(reply)}"
        return Exchange(
            kind="an ask's outcome",
            poll=self._agents("GET", f"/v1/asks/{reply.ask}?wait={WAIT_S}", task, signer),
            answer=_persons(customer, path, {"answer": "no"}),
            tells=lambda body: json.loads(body).get("codes") == ["confirmation.declined"],
        )

    def _message(self, _number: int, _customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Exchange:
        return Exchange(
            kind="a message",
            poll=self._agents("GET", f"/v1/tasks/{task.id}/inbox?wait={WAIT_S}", task, signer),
            answer=_persons(self._officer, f"/desk/v1/cases/{task.case}/reply", {"text": "We have your parcel."}),
            tells=lambda body: len(json.loads(body).get("messages", ())) == 1,
        )

    def _page(self, number: int, customer: SandboxCustomer, task: SandboxTask, signer: Signer) -> Exchange:
        seen = self._desk.room.raw("GET", f"{customer.base}/live", cookie=customer.cookie).text
        since = next(line.removeprefix("id: ") for line in seen.splitlines() if line.startswith("id: "))
        wish = {"action": "order.change_address", "params": {"order_id": f"W{number}x0", "address": ADDRESS}}
        return Exchange(
            kind="news on a page",
            poll=Sent(
                method="GET", path=f"{customer.base}/live?since={since}", headers=lambda: {"cookie": customer.cookie}
            ),
            answer=self._agents("POST", f"/v1/tasks/{task.id}/asks", task, signer, wish),
            tells=lambda body: b"event: changed" in body,
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


async def waited(port: int, pairs: list[Exchange], *, every_s: float = EVERY_S) -> dict[str, list[float]]:
    """Send all polls and answers; return how long each kind waited, infinity for what a poll did not tell."""
    chance, found = random.Random(3), {}
    async with asyncio.TaskGroup() as group:
        for place, one in enumerate(chance.sample(pairs, len(pairs))):
            send = Sender(port, one, f"127.0.0.{place % ADDRESSES + 11}")
            apart_s = chance.uniform(-RACE_S, RACE_S) if place % 2 else AHEAD_S
            found[group.create_task(send.both(AHEAD_S + place * every_s, apart_s))] = one.kind
    times: dict[str, list[float]] = {}
    for task, kind in found.items():
        times.setdefault(kind, []).append(task.result())
    return times


class Sender:
    """Sends one poll and its answer, over connections of their own."""

    def __init__(self, port: int, one: Exchange, address: str) -> None:
        """Send from an address; one of them may not have a thousand connections."""
        self._port, self._one, self._address = port, one, address

    async def both(self, at_s: float, apart_s: float) -> float:
        """Send the answer at a time and the poll so much earlier, or later; return how long the poll waited after it."""
        answer, poll = self._at(at_s, self._answered), self._at(at_s - apart_s, self._told)
        (_, taken), (asked, told) = await asyncio.gather(answer, poll)
        return max(0.0, told - max(taken, asked))

    @staticmethod
    async def _at(at_s: float, work: Callable[[], Awaitable[float]]) -> tuple[float, float]:
        """Do something at a time; return when it began and what it returned."""
        await asyncio.sleep(at_s)
        return time.perf_counter(), await work()

    async def _answered(self) -> float:
        """Send the answer; return when it was taken."""
        status, body = await self._send(self._one.answer)
        if status >= HTTPStatus.BAD_REQUEST:
            raise SystemExit(f"{self._one.kind}: {status} {body[:200]!r}")
        return time.perf_counter()

    async def _told(self) -> float:
        """Send the poll; return when it told of the answer, infinity if it did not."""
        _, body = await self._send(self._one.poll)
        return time.perf_counter() if self._one.tells(body) else float("inf")

    async def _send(self, what: Sent) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0))
        content = b"" if what.body is None else json.dumps(what.body).encode()
        kind = {"content-type": "application/json", "content-length": str(len(content))} if content else {}
        more = what.headers() | kind | {"host": f"localhost:{self._port}", "connection": "close"}
        lines = (f"{what.method} {what.path} HTTP/1.1", *(f"{name}: {value}" for name, value in more.items()))
        writer.write("\r\n".join(lines).encode() + HEAD_END + content)
        head, _, body = (await reader.read()).partition(HEAD_END)
        writer.close()
        return int(head.split()[1]), body


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
    """Start a desk with so many customers, and send everything, lot by lot."""
    server = ask.Server(given)
    try:
        base = ask.base(server.port)
        with Sandbox({}, base_url=base) as desk:
            made = Made(desk, base)
            times: dict[str, list[float]] = {}
            for first in range(0, given.customers, LOT):
                numbers = range(first, min(given.customers, first + LOT))
                found = asyncio.run(waited(server.port, [made.awaited(number) for number in numbers], every_s=every_s))
                for kind, some in found.items():
                    times.setdefault(kind, []).extend(some)
            return times
    finally:
        server.close()


if __name__ == "__main__":
    raise SystemExit(main())
