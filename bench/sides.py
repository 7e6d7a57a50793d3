"""What is measured in turns: for each side its server, how its requests are written, and what a good answer of it looks like."""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlencode

import ask
from ask import ADDRESSES, base
from load import Seen, Stuck, post, send
from machine import busy_s, yardstick_us
from peer_servers import EXCHANGE
from processes import Unstarted, cpu_s, pss_mb, tree
from remit.sandbox import Sandbox
from results import Measured, Run, side_row
from signing import Signer

MANDATE_TYPE = "urn:remit:token-type:mandate"
TASK_TYPE = "urn:remit:token-type:task"
AGENTS = 64
ALONE = 0.3
"""A round at one connection has so much of the requests of one at 32."""


@dataclass(kw_only=True)
class Side:
    """One of those that are measured in turns. `write` makes at most so many requests, `good` stands in every good answer.

    CPU and memory are those of process `pid` and of those `beside` it (its database, its engine), with all below them.
    """

    part: str
    name: str
    label: str
    port: int
    pid: int
    per_round: int
    write: Callable[[int], list[bytes]]
    good: bytes
    afterwards: Callable[[Sequence[bytes]], None] = lambda _bodies: None
    """Called with the answers after each lot, outside of what is measured."""
    beside: tuple[int, ...] = ()
    _found: dict[int, list[Seen]] = field(default_factory=dict)

    def warm_up(self, connections: int, share: float = 1.0) -> None:
        """A round that does not count, and in which every answer is looked at.

        Raises:
            Unstarted: for an answer that is none.
        """
        ready = self.write(max(40, int(min(self.per_round, 200) * share)))
        found = send(self.port, ready, connections, keep=True)
        bad = [body for body in found.bodies if self.good not in body]
        if bad:
            raise Unstarted(f"{self.label} answers something else: {bad[0][:300]!r}; nothing can be compared")
        self.afterwards(found.bodies)

    def round(self, connections: int, share: float = 1.0) -> None:
        """One round that counts, in as many lots as this side can write at a time."""
        count, seen = max(60, int(self.per_round * share)), Seen()
        while len(seen.latencies) < count:
            ready = self.write(count - len(seen.latencies))
            before = self._cpu_s()
            found = send(self.port, ready, connections, keep=True)
            seen.add(found, self._cpu_s() - before)
            seen.failed += sum(self.good not in body for body in found.bodies)
            self.afterwards(found.bodies)
        self._found.setdefault(connections, []).append(seen)

    def measured(self, connections: int) -> Measured:
        """Medians over the rounds."""
        rounds = self._found[connections]
        return Measured(
            part=self.part,
            name=self.name,
            label=self.label,
            connections=connections,
            rate=median(one.rate for one in rounds),
            p50_ms=median(one.percentile_ms(0.5) for one in rounds),
            p99_ms=median(one.percentile_ms(0.99) for one in rounds),
            cpu_us=median(one.cpu_us for one in rounds),
            pss_mb=sum(map(pss_mb, (self.pid, *self.beside))),
            generator_share=median(one.generator_cpu_s / one.seconds for one in rounds),
            failed=sum(one.failed for one in rounds),
        )

    def _cpu_s(self) -> float:
        return sum(map(cpu_s, (self.pid, *self.beside)))


def take_turns(sides: list[Side], connections: int, rounds: int, share: float = 1.0) -> float:
    """Rounds of every side in turns, after one of each that does not count; returns how many cores other work used meanwhile."""
    for one in sides:
        one.warm_up(connections, share)
    own = {os.getpid(), *(pid for one in sides for pid in one.beside)} - set(tree(os.getpid())[1:])
    used = []
    for number in range(rounds):
        began, others = time.monotonic(), busy_s() - sum(map(cpu_s, own))
        for one in sides:
            one.round(connections, share)
        used.append((busy_s() - sum(map(cpu_s, own)) - others) / (time.monotonic() - began))
        beside = f"an ES256 check takes {yardstick_us():.0f} us, other work {used[-1]:.1f} cores"
        print(f"    {connections:>2} connections, round {number + 1} of {rounds}; {beside}", flush=True)
    return median(used)


def both(run: Run, sides: list[Side], given: argparse.Namespace) -> None:
    """Measure sides among 32 and alone, and print them."""
    for connections, share in ((32, given.share), (1, given.share * ALONE)):
        run.others[f"other-work-{sides[0].part}-{connections}"] = take_turns(sides, connections, given.rounds, share)
        for one in sides:
            found = one.measured(connections)
            run.sides.append(found)
            label, count, rate, cores, per_core, p50, p99, cpu, memory = side_row(found)
            print(
                f"  {label:<48} {count:>2} connections: {rate:>6}/s, {cores:>5} cores, {per_core:>6}/s and core  "
                f"p50 {p50:>5} ms  p99 {p99:>5} ms  CPU {cpu:>5} us  {memory:>4} MB  "
                f"(generator: {found.generator_share:.0%} of a core){f'  {found.failed} FAILED' if found.failed else ''}"
            )


class Exchanges:
    """Our own desk, whose mandates are exchanged for tokens: opening a task each time, or renewing it."""

    def __init__(self, server: ask.Server, customers: int, each: int) -> None:
        self.port = server.port
        self._held: list[tuple[str, str, Signer, Signer]] = []
        self._opened: dict[str, tuple[str, str]] = {}
        with Sandbox({}, base_url=base(server.port)) as desk:
            agents = [desk.agent(f"spiffe://op{number}.example/bench") for number in range(AGENTS)]
            # The sandbox keeps an agent's own key to itself; requests that are written beforehand need it.
            keys = [(Signer(one.identity._key), Signer(one.key)) for one in agents]  # noqa: SLF001  # as said above
            for number in range(customers):
                customer = desk.customer(f"c{number}")
                for turn in range(each):
                    place = (number * each + turn) % AGENTS
                    mandate = customer.grant(agents[place], self._wanted(number, turn))
                    self._held.append((mandate.id, agents[place].client_id, *keys[place]))

    @staticmethod
    def _wanted(number: int, turn: int) -> dict[str, Any]:
        ids = [f"W{number}x{order}" for order in range(turn, turn + 5)]
        where = {"order_id": {"one_of": ids}, "address": {"one_of": ADDRESSES}}
        return {
            "type": "remit_mandate",
            "max_tasks": 1000,
            "objective": {"type": "correct-order", "target": {"order": ids}, "summary": "another address"},
            "powers": [
                {"power": "represent"},
                {"power": "request", "actions": ["order.change_address"], "uses": 1000, "where": where},
            ],
        }

    def _exchanges(self, subjects: Sequence[tuple[str, str, Signer, Signer]], kind: str) -> list[bytes]:
        issuer, now, ready = base(self.port), int(time.time()), []
        for number, (subject, client, own, held) in enumerate(subjects):
            form = {
                "grant_type": EXCHANGE,
                "subject_token": subject,
                "subject_token_type": kind,
                **own.assertion(client, issuer, now),
            }
            proof = held.proof(f"{issuer}/oauth/token", None, number, now)
            ready.append(post("/oauth/token", self.port, urlencode(form).encode(), f"dpop: {proof}"))
        return ready

    def opening(self, count: int) -> list[bytes]:
        """Exchanges of mandates none of which has a live task: each opens one."""
        return self._exchanges(self._held[:count], MANDATE_TYPE)

    def complete(self, bodies: Sequence[bytes]) -> None:
        """End the tasks that were opened, or the next exchange of their mandates would find them again."""
        issuer, now, ready = base(self.port), int(time.time()), []
        keys = {mandate: held for mandate, _, _, held in self._held}
        for number, body in enumerate(bodies):
            answer = json.loads(body)
            path, token = f"/v1/tasks/{answer['task']}/complete", answer["access_token"]
            proof = keys[answer["mandate"]].proof(f"{issuer}{path}", token, number, now)
            ready.append(
                post(path, self.port, b"", f"authorization: DPoP {token}", f"dpop: {proof}", kind="application/json")
            )
        bad = [body for body in send(self.port, ready, 32, keep=True).bodies if b'"state":"ended"' not in body]
        if bad:
            raise Stuck(f"a task could not be completed: {bad[0][:300]!r}")

    def open_for_good(self) -> list[bytes]:
        """Open a task under every mandate, to be renewed; returns the answers."""
        bodies = send(self.port, self.opening(len(self._held)), 32, keep=True).bodies
        for body in bodies:
            answer = json.loads(body)
            self._opened[answer["mandate"]] = answer["task"]
        return bodies

    def renewing(self, count: int) -> list[bytes]:
        """Exchanges of live tasks for a fresh token."""
        held = [(self._opened[mandate], client, own, key) for mandate, client, own, key in self._held]
        return self._exchanges([held[number % len(held)] for number in range(count)], TASK_TYPE)


def folder_of(given: argparse.Namespace, closing: ExitStack) -> Path:
    """A new folder on the disk that is measured, removed at the end."""
    made = Path(mkdtemp(prefix=".bench-", dir=given.folder or ask.HERE.parent))
    closing.callback(ask.shutil.rmtree, made, ignore_errors=True)
    return made


def desk_of(given: argparse.Namespace, closing: ExitStack, **more: Any) -> ask.Server:
    """A server of `bench/ask.py`, closed at the end."""
    server = ask.Server(given, **more)
    closing.callback(server.close)
    return server
