"""The live helpdesks behind one set of hands: what officers do in them, and the connector in front of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx

from contracts.connector_case import ConnectorCase
from real.cut import Cut
from real.roundup_server import RoundupServer
from real.rt_server import RtServer
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import RemoteHelpdesk
from remit.adapters.helpdesk.remote.dialect import HelpdeskDialect
from remit.adapters.helpdesk.remote.roundup import Roundup
from remit.adapters.helpdesk.remote.rt import CardFields, RequestTracker
from remit.adapters.http.connection import HttpConnections
from remit.domain.values import Instant
from remit.ports.helpdesk import TicketCard

T = TypeVar("T")
FIELDS = CardFields("Agent Identity", "Remit State")
CARD = TicketCard(identity="“Shop”, helper.example (known)", state="waits for the customer", text="Remit: waits\n“Shop” speaks for anna.")


class LiveHelpdesk(Protocol):
    """A product: its server, Remit's dialect to it, and the hands of an officer there, who is ann unless named."""

    name: str
    steps: Mapping[str, Sequence[str]]
    """The requests of each write, by method."""
    last: Mapping[str, str]
    """The method whose first request makes a write of it; the others only prepare one."""
    signature: str
    events_port: int
    url: str
    secret: str

    def dialect(self, connections: HttpConnections) -> HelpdeskDialect: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def mail_texts(self) -> Sequence[str]: ...
    def tickets(self, case: str) -> list[str]: ...
    def comment(self, ticket: str, text: str, *, by: str = "ann") -> None: ...
    def reply(self, ticket: str, text: str, *, by: str = "ann") -> None: ...
    def assign(self, ticket: str, officer: str) -> None: ...
    def finish(self, ticket: str) -> None: ...
    def reopen(self, ticket: str) -> None: ...
    def set_requester(self, ticket: str, requester: str) -> None: ...
    def merge(self, ticket: str, into: str) -> None: ...
    def card(self, ticket: str) -> tuple[str, str]: ...
    def texts(self, ticket: str) -> list[str]: ...


class LiveRt:
    """Request Tracker 5."""

    name = "rt"
    steps: Mapping[str, Sequence[str]] = {
        "open": ["POST ticket", "POST comment"],
        "note": ["POST comment"],
        "reply": ["POST correspond"],
        "close": ["PUT"],
        "card": ["PUT", "POST comment"],
    }
    last: Mapping[str, str] = {"note": "POST", "reply": "POST", "close": "PUT", "card": "POST"}
    signature = "x-rt-signature"

    def __init__(self, server: RtServer) -> None:
        self.server = server
        self.url, self.events_port, self.secret = server.url, server.events_port, server.token("remit")
        self.start, self.stop, self.mail_texts = server.start, server.stop, server.mail_texts

    def dialect(self, connections: HttpConnections, card_fields: CardFields = FIELDS) -> RequestTracker:
        token = self.server.token("remit")
        return RequestTracker(connections, token=token, account="remit", queue="Support", case_field="Remit Case", card_fields=card_fields)

    def tickets(self, case: str) -> list[str]:
        query = httpx.QueryParams(query=f"'CF.{{Remit Case}}'='{case}'", orderby="id")
        return [str(one["id"]) for one in self.server.call("ann", "GET", f"/tickets?{query}")["items"]]

    def comment(self, ticket: str, text: str, *, by: str = "ann") -> None:
        self.server.call(by, "POST", f"/ticket/{ticket}/comment", {"Content": text, "ContentType": "text/plain"})

    def reply(self, ticket: str, text: str, *, by: str = "ann") -> None:
        self.server.call(by, "POST", f"/ticket/{ticket}/correspond", {"Content": text, "ContentType": "text/plain"})

    def put(self, ticket: str, **values: Any) -> None:
        self.server.call("ann", "PUT", f"/ticket/{ticket}", values)

    def assign(self, ticket: str, officer: str) -> None:
        owner = self.server.call("ann", "GET", f"/ticket/{ticket}")["Owner"]["id"]
        by = owner if owner != "Nobody" else "ann"
        self.server.call(by, "PUT", f"/ticket/{ticket}", {"Owner": officer})

    def finish(self, ticket: str) -> None:
        self.put(ticket, Status="resolved")

    def reopen(self, ticket: str) -> None:
        self.put(ticket, Status="open")

    def set_requester(self, ticket: str, requester: str) -> None:
        self.put(ticket, Requestor=requester)

    def merge(self, ticket: str, into: str) -> None:
        self.put(ticket, MergeInto=into)

    def card(self, ticket: str) -> tuple[str, str]:
        fields = {one["name"]: one["values"] for one in self.server.call("ann", "GET", f"/ticket/{ticket}")["CustomFields"]}
        (identity,), (state,) = fields[FIELDS.identity], fields[FIELDS.state]
        return identity, state

    def texts(self, ticket: str) -> list[str]:
        pieces = self.server.call("ann", "GET", f"/ticket/{ticket}/attachments?fields=Content")["items"]
        return [one.get("Content") or "" for one in pieces]


class LiveRoundup:
    """roundup, whose officers work by REST here; `tests/real/test_roundup.py` tries its page."""

    name = "roundup"
    steps: Mapping[str, Sequence[str]] = {
        "open": ["POST issue", "POST msg", "PUT"],
        "note": ["POST msg", "PUT"],
        "reply": ["POST msg", "PUT"],
        "close": ["PUT"],
        "card": ["PUT", "POST msg", "PUT"],
    }
    last: Mapping[str, str] = {"open": "PUT", "note": "PUT", "reply": "PUT", "close": "PUT"}
    signature = "x-roundup-signature"

    def __init__(self, server: RoundupServer) -> None:
        self.server = server
        self.url, self.events_port, self.secret = server.url, server.events_port, server.password("remit")
        self.start, self.stop, self.mail_texts = server.start, server.stop, server.mail_texts

    def dialect(self, connections: HttpConnections) -> Roundup:
        return Roundup(connections, password=self.secret, account="remit")

    def tickets(self, case: str) -> list[str]:
        found = self.server.call("ann", "GET", f"/data/issue?remit_case:={case}&@sort=id")
        return [one["id"] for one in found["collection"]]

    def speak(self, ticket: str, text: str, *, by: str, public: bool) -> str:
        """Write a message as a person does, and put it into the ticket."""
        user = self.server.call(by, "GET", f"/data/user/{by}")["id"]
        message = {"content": text, "author": user, "date": ".", "remit_public": "yes" if public else "no"}
        written: str = self.server.call(by, "POST", "/data/msg", message)["id"]
        self.put(
            ticket, by=by, messages=[*self.server.call(by, "GET", f"/data/issue/{ticket}?@verbose=0")["attributes"]["messages"], written]
        )
        return written

    def comment(self, ticket: str, text: str, *, by: str = "ann") -> None:
        self.speak(ticket, text, by=by, public=False)

    def reply(self, ticket: str, text: str, *, by: str = "ann") -> None:
        self.speak(ticket, text, by=by, public=True)

    def put(self, ticket: str, *, by: str = "ann", **values: Any) -> None:
        self.server.change(by, f"issue/{ticket}", values).raise_for_status()

    def assign(self, ticket: str, officer: str) -> None:
        self.put(ticket, assignedto=officer)

    def finish(self, ticket: str) -> None:
        self.put(ticket, status="resolved")

    def reopen(self, ticket: str) -> None:
        self.put(ticket, status="in-progress")

    def set_requester(self, ticket: str, requester: str) -> None:
        self.put(ticket, remit_requester=requester)

    def merge(self, ticket: str, into: str) -> None:
        self.put(ticket, superseder=[into])

    def card(self, ticket: str) -> tuple[str, str]:
        seen = self.server.call("ann", "GET", f"/data/issue/{ticket}")["attributes"]
        return seen["remit_identity"], seen["remit_state"]

    def texts(self, ticket: str) -> list[str]:
        seen = self.server.call("ann", "GET", f"/data/issue/{ticket}?@verbose=0")["attributes"]
        return [self.server.call("ann", "GET", f"/data/msg/{one}?@verbose=3")["attributes"]["content"] for one in seen["messages"]]


class Clock:
    """The real time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> Instant:
        return Instant(int(time.time() * 1000) + self.ahead_ms)

    def ticks(self) -> float:
        return time.monotonic() + self.ahead_ms / 1000

    def random(self, size: int) -> bytes:
        return b"\x07" * size


@dataclass
class LiveCase(ConnectorCase):
    """The connector with a journal of its own, and one case."""

    helpdesk: LiveHelpdesk
    journal: Path
    case: str
    clock: Clock = field(default_factory=Clock)
    cuts: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    dialect: Callable[[HttpConnections], HelpdeskDialect] | None = None

    def do(self, work: Callable[[RemoteHelpdesk], Awaitable[T]]) -> T:
        """Work as a process that was just started does: with what the journal says, and nothing else."""

        async def run() -> T:
            connections = Cut(self.helpdesk.url, self.cuts)
            connections.sent = self.sent
            database = DeskDatabase(self.journal)
            dialect = (self.dialect or self.helpdesk.dialect)(connections)
            try:
                return await work(RemoteHelpdesk(dialect, database, self.clock))
            finally:
                connections.close()
                database.close()

        return asyncio.run(run())

    @property
    def ticket(self) -> str:
        (found,) = self.helpdesk.tickets(self.case)
        return found

    def told(self, after: int = 0) -> list[Any]:
        """Native replies of this case."""
        return [one for one in self.replies(after) if one.case == self.case]
