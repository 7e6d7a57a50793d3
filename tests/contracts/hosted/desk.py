"""A desk of one case at a hosted product: the connector with a journal of its own, over a fake."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from contracts.connector_case import ConnectorCase
from contracts.desk_plugs import StandingWorld
from contracts.hosted.vendors import Vendor
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import QUIET_MS, RemoteHelpdesk
from remit.adapters.helpdesk.remote.hosted.dialect import HostedHelpdesk
from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.domain.errors import Code, Fault
from remit.domain.values import Instant

T = TypeVar("T")
NUMBERS = count(1)
TLS = ssl.create_default_context()


class Clock(StandingWorld):
    """The real time, and as much more as a test says."""

    ahead_ms = 0

    def now(self) -> Instant:
        return Instant(int(time.time() * 1000) + self.ahead_ms)


class Cut(HttpConnections):
    """Connections whose next writes break before they are sent, or after they were answered."""

    def __init__(self, base: str, cuts: list[str]) -> None:
        super().__init__(base, tls=TLS, allow_loopback=True, fault=Code.FAULT_CASE, max_bytes=16_000_000)
        self.cuts = cuts

    async def send(  # as the connections have it
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float, once: bool = False
    ) -> HttpAnswer:
        cut = self.cuts.pop(0) if once and self.cuts else ""
        if cut == "before":
            raise Fault(Code.FAULT_CASE, "cut before")
        answer = await super().send(method, path, headers=headers, body=body, timeout_s=timeout_s, once=once)
        if cut == "after":
            raise Fault(Code.FAULT_CASE, "cut after")
        return answer


@dataclass
class HostedDesk(ConnectorCase):
    """The connector with a journal of its own, one case, and hands in the product."""

    vendor: Vendor
    fake: Any
    url: str
    journal: Path
    case: str
    clock: Clock = field(default_factory=Clock)
    cuts: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    dialect: HostedHelpdesk | None = None

    def make(self, connections: HttpConnections) -> HostedHelpdesk:
        names = self.vendor.names._replace(**self.names)
        return HostedHelpdesk(connections, self.vendor.product, names, token=self.vendor.token)

    def do(self, work: Callable[[RemoteHelpdesk], Awaitable[T]]) -> T:
        """Work as a process that was just started does: with what the journal says, and nothing else."""

        async def run() -> T:
            connections = Cut(self.url, self.cuts)
            database = DeskDatabase(self.journal)
            try:
                return await work(RemoteHelpdesk(self.make(connections), database, self.clock, self.vendor.product.capabilities))
            finally:
                connections.close()
                database.close()

        return asyncio.run(run())

    def probe(self) -> Sequence[str]:
        async def run() -> Sequence[str]:
            connections = Cut(self.url, [])
            try:
                return await self.make(connections).probe()
            finally:
                connections.close()

        return asyncio.run(run())

    @property
    def ticket(self) -> str:
        (ticket,) = self.fake.tickets_of(self.case)
        return str(ticket)

    def settle(self) -> None:
        self.clock.ahead_ms = self.vendor.product.capabilities.settled_ms + 2000

    def wait(self) -> None:
        """Let so much time pass that no write can arrive any more, and none that did is not found."""
        self.clock.ahead_ms = max(QUIET_MS, self.vendor.product.capabilities.search_lag_ms) + 1000
