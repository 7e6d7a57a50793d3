"""A helpdesk product in memory, behind the connector: what is common to all of them, and nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from remit.adapters.helpdesk.remote.dialect import NativeEntry, TicketEntry, TicketView


@dataclass
class TicketsInMemory:
    """Tickets in a dictionary; the fields of the card as they were set last."""

    tickets: dict[str, TicketView] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    spoken: dict[str, list[TicketEntry]] = field(default_factory=dict)
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)

    replies: list[NativeEntry] = field(default_factory=list)

    async def create(self, *, case: str, requester: str, subject: str) -> str:
        ticket = str(len(self.tickets) + 1)
        self.tickets[ticket] = TicketView(
            open=True, requester=requester, merged_into="", subject=subject, assignee="", reopened=0, reassigned=0
        )
        self.cases[ticket], self.spoken[ticket] = case, []
        return ticket

    async def find(self, case: str) -> Sequence[str]:
        return [ticket for ticket, carried in self.cases.items() if carried == case]

    async def add(self, ticket: str, *, public: bool, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        assert file is None
        entries = self.spoken[ticket]
        entries.append(TicketEntry(n=len(entries) + 1, at=0, author="remit", own=True, public=public, text=text))

    async def close(self, ticket: str) -> None:
        self.tickets[ticket] = replace(self.tickets[ticket], open=False)

    async def mark(self, ticket: str, *, identity: str, state: str) -> None:
        self.fields[ticket] = (identity, state)

    async def view(self, ticket: str) -> TicketView:
        return self.tickets[ticket]

    async def entries(self, ticket: str) -> Sequence[TicketEntry]:
        return self.spoken[ticket]

    async def file_data(self, ref: str) -> bytes:
        raise AssertionError(ref)

    async def native(self, *, after: int, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        places = [one for one in self.replies if one.place > after and one.at < before_ms]
        return places[:limit]

    async def probe(self) -> Sequence[str]:
        return []
