"""The dialect of any hosted product that has a table."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from remit.adapters.helpdesk.remote.dialect import NativeEntry, TicketEntry, TicketView
from remit.adapters.helpdesk.remote.hosted.table import (
    OUTER,
    Call,
    Change,
    Choice,
    History,
    Listing,
    MarkForm,
    Person,
    Product,
)
from remit.adapters.helpdesk.remote.hosted.values import (
    at,
    filled,
    garbled,
    holds,
    number,
    path_of,
    read,
    rows_at,
    text_at,
    time_ms,
    written,
)
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Json

_TIMEOUT_S: Final = 10.0
_MAX_PAGES: Final = 100
_OK: Final = range(200, 300)
_NOT_FOUND: Final = 404
_BUSY: Final = 429
_LONGEST_WAIT_S: Final = 600
_NOBODY: Final = frozenset({"", "0"})
_PLACES_PER_S: Final = 1_000_000
"""Places of notes in each second: a note's place is its time, and its id within the second."""
_LOOK_BACK_MS: Final = 7 * 24 * 3600 * 1000
"""Time before the start of which changes are looked at, at most."""
_DAY_S: Final = 24 * 3600
_SAME_TIME_MS: Final = 5_000
"""Age of a change from which on no other one gets its time."""


class HostedNames(NamedTuple):
    """Remit's account in the product by its id, the queue, and the names of the custom fields."""

    account: str
    queue: str
    case_field: str
    identity_field: str
    state_field: str


class HostedHelpdesk:
    """A hosted product by its table: the requests that it names, and what their answers say."""

    def __init__(self, connections: HttpConnections, product: Product, names: HostedNames, *, token: str) -> None:
        """Take the account's id, by which its own entries are known.

        Raises:
            Refused: `settings.invalid` for a name that cannot be written into a query.
        """
        for name in names:
            if not name or any(letter in "'\"\\{}" or not letter.isprintable() for letter in name):
                raise Refused(Code.SETTINGS_INVALID, f"helpdesk: {name!r} cannot be written into a query")
        self._connections = connections
        self._product = product
        self._names = names
        basic = b64encode(token.encode()).decode()
        self._headers = {name: value.format(token=token, basic=basic) for name, value in product.headers}
        self._values: dict[str, Json] = {**names._asdict()}
        for name in ("account", "queue"):
            text = str(self._values[name])
            self._values[f"{name}_number"] = int(text) if text.isascii() and text.isdecimal() else text
        self._values["queue_desk"], _, self._values["queue_type"] = names.queue.partition("/")
        self._fields: Mapping[str, str] | None = None
        self._replies = _Replies()

    async def create(self, *, case: str, requester: str, subject: str) -> str:
        """Create a ticket, and read it again: a product may drop a field without a word.

        Raises:
            Fault: `fault.case`, also for a ticket without its case.
        """
        values = await self._filled(case=case, requester=requester, subject=subject)
        answer = await self._call(self._product.create, values, write=True)
        ticket = text_at(answer, self._product.created, values)
        if not ticket.isascii() or not ticket.isalnum():
            raise garbled("a ticket's id")
        seen = await self._ticket(ticket)
        if text_at(seen, self._product.members.case, values) != case:
            raise Fault(Code.FAULT_CASE, f"{self._product.name} made the ticket {ticket} without its case")
        return ticket

    async def find(self, case: str) -> Sequence[str]:
        """Return the tickets with exactly this case; every row is checked again."""
        values = await self._filled(case=case)
        members = self._product.members
        found = [row async for row in self._rows(self._product.find, values)]
        ours = [text_at(row, members.id, values) for row in found if text_at(row, members.case, values) == case]
        return sorted(ours, key=lambda ticket: (len(ticket), ticket))

    async def add(self, ticket: str, *, public: bool, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        """Write a note or a public reply.

        Raises:
            Fault: `fault.case`, also with a file: none is sent, and the connector knows it.
        """
        if file is not None:
            raise Fault(Code.FAULT_CASE, f"{self._product.name} takes no files from Remit")
        product = self._product
        call, form = (product.reply, product.reply_form) if public else (product.note, product.note_form)
        values = await self._filled(ticket=ticket, text=written(text, form))
        await self._call(call, values, write=True)

    async def close(self, ticket: str) -> None:
        """Close the ticket, by the product's first state or transition that ends one."""
        values, call = await self._filled(ticket=ticket), self._product.close
        if self._product.close_by is not None:
            chosen = await self._chosen(self._product.close_by, values)
            if not chosen:
                raise Fault(Code.FAULT_CASE, f"{self._product.name} has no state that closes this ticket")
            values["found"] = chosen[0]
        if self._product.close_unowned is not None:
            owner = text_at(await self._ticket(ticket), self._product.members.assignee, values)
            call = self._product.close_unowned if owner in _NOBODY else call
        await self._call(call, values, write=True)

    async def mark(self, ticket: str, *, identity: str, state: str) -> None:
        """Write the card's fields that the product has."""
        fields = await self._known_fields()
        given = {self._names.identity_field: identity, self._names.state_field: state}
        known = {name: value for name, value in given.items() if name in fields}
        if known:
            marked = await self._filled(ticket=ticket, fields=_marked(self._product.mark_as, known, fields))
            await self._call(self._product.mark, marked, write=True)

    async def view(self, ticket: str) -> TicketView:
        """Read the ticket, its requester's address, and its history."""
        values = await self._filled(ticket=ticket)
        members = self._product.members
        seen = await self._ticket(ticket)
        requester = text_at(seen, members.requester, values)
        if self._product.requester is not None and requester:
            requester = await self._address(self._product.requester, requester)
        reopened, reassigned = int(bool(text_at(seen, members.reopened, values))) if members.reopened else 0, 0
        if self._product.history is not None:
            changes = await self._changes(self._product.history, values)
            reopened, reassigned = changes
        assignee = text_at(seen, members.assignee, values)
        return TicketView(
            open=holds(seen, members.open_when, values),
            requester=requester,
            merged_into="",
            subject=text_at(seen, members.subject, values),
            assignee="" if assignee in _NOBODY else assignee,
            reopened=reopened,
            reassigned=reassigned,
        )

    async def entries(self, ticket: str) -> Sequence[TicketEntry]:
        """Return notes and replies."""
        values = await self._filled(ticket=ticket)
        found = [self._entry(row, values) for row in await self._entry_rows(values)]
        return sorted((one for one in found if one is not None), key=lambda one: one.n)

    async def file_data(self, ref: str) -> bytes:
        """Return no file: none is sent.

        Raises:
            Fault: `fault.case`.
        """
        raise Fault(Code.FAULT_CASE, f"the file {ref} is not read from {self._product.name}")

    async def native(self, *, after: int, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        """Return public replies by other accounts, in order of their time.

        Every ticket that changed since the last look is read. A reply is kept from the look that saw it until it is
        acknowledged, so that one is missed only where every look misses it until a search surely finds its ticket.
        """
        now_ms = before_ms + self._product.capabilities.settled_ms
        since_ms = self._replies.start(after, now_ms)
        values = await self._filled(
            day_before_s=max(0, since_ms // 1000 - _DAY_S),
            since_iso=datetime.fromtimestamp(since_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            since_minutes=max(1, (now_ms - since_ms) // 60_000 + 2),
        )
        members = self._product.members
        async for row in self._rows(self._product.updated, values):
            changed_ms = time_ms(at(row, members.updated, values))
            if changed_ms < since_ms - since_ms % 1000:
                if self._product.newest_first:
                    break
                continue
            ticket = text_at(row, members.id, values)
            if text_at(row, members.case, values) and self._replies.unread(ticket, changed_ms):
                await self._read_replies(ticket)
                self._replies.mark_read(ticket, changed_ms, now_ms)
        self._replies.end(before_ms - self._product.capabilities.search_lag_ms)
        return self._replies.due(before_ms, limit)

    async def probe(self) -> Sequence[str]:
        """Verify token, account and fields: a product may drop an unknown field without a word."""
        product = self._product
        values = dict(self._values)
        account = await self._call(product.account, values)
        if text_at(account, product.account_id, values) != self._names.account or not holds(
            account, product.account_valid, values
        ):
            raise Fault(
                Code.FAULT_CASE,
                f"the token is not that of the account {self._names.account}, or it is not active",
                cure="Set helpdesk.account to the id of the account that the token belongs to.",
            )
        self._fields = None
        fields = await self._known_fields()
        if product.case_field and self._names.case_field not in fields:
            raise Fault(
                Code.FAULT_CASE,
                f"{product.name} has not exactly one field {self._names.case_field!r}",
                cure="Create it there, for one line of text, as docs/helpdesk.md says.",
            )
        await self._address(product.officer, self._names.account)  # reading an officer's address takes a right
        return [name for name in (self._names.identity_field, self._names.state_field) if name not in fields]

    def _entry(self, row: object, values: Mapping[str, Json]) -> TicketEntry | None:
        shape = self._product.entries
        if not holds(row, shape.only, values):
            return None
        author = text_at(row, shape.author, values)
        own = author == self._names.account and self._is_authors(row, values)
        text = read(at(row, shape.text, values), shape.form)
        if own and shape.opening and text == shape.opening:
            return None
        at_ms = time_ms(at(row, shape.at, values))
        return TicketEntry(
            n=_place(at_ms, number(at(row, shape.id, values))),
            at=at_ms,
            author=author,
            own=own,
            public=holds(row, (shape.public,), values),
            text=text,
        )

    def _is_authors(self, row: object, values: Mapping[str, Json]) -> bool:
        """⚔ Whether an entry is by its author, and not by another account in their name."""
        shape = self._product.entries
        return text_at(row, shape.writer or shape.author, values) == text_at(row, shape.author, values)

    async def _entry_rows(self, values: Mapping[str, Json], *, newest: bool = False) -> Sequence[Any]:
        shape = self._product.entries
        found = [row async for row in self._rows(shape.listing, values, newest=newest)]
        if not shape.inner:
            return found
        inner = [(row, one) for row in found for one in rows_at(row, shape.inner, values)]
        return [{**one, OUTER: row} for row, one in inner if isinstance(one, Mapping)]

    async def _read_replies(self, ticket: str) -> None:
        """Keep the new public replies of a ticket that others wrote. ⚔ Only one by hand speaks for its author.

        ⚔ A long ticket, or one that is gone, does not keep the replies in others from being told.
        """
        shape = self._product.entries
        values = await self._filled(ticket=ticket)
        for row in await self._entry_rows(values, newest=True):
            entry = self._entry(row, values)
            if entry is None or entry.own or not entry.public or not self._replies.is_new(entry):
                continue
            by_hand = self._is_authors(row, values) and holds(row, shape.by_hand, values)
            address = await self._address(self._product.officer, entry.author) if by_hand else ""
            self._replies.keep(ticket, entry, address)

    async def _address(self, person: Person, account: str) -> str:
        """Return an account's address, empty for one that is not valid, or not there any more."""
        seen = await self._call(person.call, await self._filled(id=account), absent={})
        return text_at(seen, person.address, self._values) if holds(seen, person.valid, self._values) else ""

    async def _ticket(self, ticket: str) -> object:
        values = await self._filled(ticket=ticket)
        seen = at(await self._call(self._product.ticket, values), self._product.members.root, values)
        if text_at(seen, self._product.members.id, values) != ticket:
            raise garbled("another ticket")
        return seen

    async def _changes(self, history: History, values: Mapping[str, Json]) -> tuple[int, int]:
        """Count reopenings, and changes from one officer to another."""
        reopened, reassigned, owner, state = 0, 0, "", ""
        found = history.closed
        closed = found if isinstance(found, frozenset) else frozenset(await self._chosen(found, values))
        async for row in self._rows(history.listing, values):
            for change in rows_at(row, history.changes, values) if history.changes else [row]:
                if holds(change, history.state.when, values):
                    old, state = _change(change, history.state, state, values)
                    reopened += old in closed and state not in closed
                if holds(change, history.owner.when, values):
                    old, new = _change(change, history.owner, owner, values)
                    reassigned += new not in _NOBODY and old not in _NOBODY and new != old
                    owner = new
        return reopened, reassigned

    async def _chosen(self, choice: Choice, values: Mapping[str, Json]) -> Sequence[str]:
        found = [row async for row in self._rows(choice.listing, values)]
        return [text_at(row, choice.id, values) for row in found if holds(row, choice.when, values)]

    async def _known_fields(self) -> Mapping[str, str]:
        """Return the ids of the product's custom fields by their names. ⚔ A name that two fields have is none."""
        if self._fields is None:
            product, values = self._product, dict(self._values)
            found: dict[str, list[str]] = {}
            async for row in self._rows(product.fields, values):
                name = text_at(row, product.field_name, values)
                found.setdefault(name, []).append(text_at(row, product.field_id, values))
            self._fields = {name: ids[0] for name, ids in found.items() if len(ids) == 1}
        return self._fields

    async def _filled(self, **more: Json) -> dict[str, Json]:
        """Return the values of placeholders: names, the case field's id, and those of this request."""
        values = {**self._values, **more}
        if self._product.case_field:
            fields = await self._known_fields()
            if self._names.case_field not in fields:
                raise Fault(Code.FAULT_CASE, f"{self._product.name} has no field {self._names.case_field!r}")
            values["case_id"] = fields[self._names.case_field]
            if str(values["case_id"]).startswith("customfield_"):
                values["case_number"] = str(values["case_id"]).removeprefix("customfield_")
        return values

    async def _rows(self, listing: Listing, values: Mapping[str, Json], *, newest: bool = False) -> AsyncIterator[Any]:
        """Go through the rows of all pages; with `newest` the last ones do, and a ticket that is gone has none."""
        call, more = listing.call, dict(values)
        for page in range(1, _MAX_PAGES + 1):
            place = {**more, "page": page, "start": (page - 1) * listing.size}
            answer = await self._call(call, place, absent={} if newest else None)
            if newest and answer == {}:
                return
            rows = rows_at(answer, listing.rows, values)
            if listing.total and not newest and len(rows) < number(at(answer, listing.total, values)):
                raise Fault(Code.FAULT_CASE, f"{self._product.name} shows only the last rows of {path_of(call, more)}")
            for row in rows:
                yield row
            if listing.following is not None:
                cursor = text_at(answer, listing.cursor, values)
                if not cursor or (listing.more and text_at(answer, listing.more, values) != "true"):
                    return
                call, more = listing.following, {**values, "cursor": cursor}
            elif len(rows) < (listing.size or len(rows) + 1):
                return
        raise Fault(Code.FAULT_CASE, f"{call.path} has more than {_MAX_PAGES} pages")

    async def _call(self, call: Call, values: Mapping[str, Json], *, write: bool = False, absent: Json = None) -> Any:  # noqa: ANN401  # a foreign answer
        """Send one request; `absent` is the answer for what is not there.

        ⚔ A write is never sent again by itself when a kept connection breaks.
        """
        path = path_of(call, values)
        headers = dict(self._headers)
        content = b""
        if call.body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(filled(call.body, values)).encode()
        answer = await self._connections.send(
            call.method, path, headers=headers, body=content, timeout_s=_TIMEOUT_S, once=write
        )
        named = f"{self._product.name} answered {answer.status} to {call.method} {path.partition('?')[0]}"
        if answer.status == _BUSY:
            wait = answer.headers.get("retry-after", "")
            wait_s = min(int(wait[:9]), _LONGEST_WAIT_S) if wait.isascii() and wait.isdecimal() else 0
            raise Fault(Code.FAULT_CASE, named, retry_after_s=wait_s)
        if answer.status == _NOT_FOUND and absent is not None:
            return absent
        if answer.status not in _OK:
            raise Fault(Code.FAULT_CASE, named)
        if not answer.body:
            return {}
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise garbled(path.partition("?")[0]) from None


class _Replies:
    """Public replies by others, from the look that saw them until they are acknowledged; in memory alone."""

    def __init__(self) -> None:
        self._kept: dict[int, NativeEntry] = {}
        self._read: dict[str, int] = {}
        self._after = 0
        self._since_ms = 0

    def start(self, after: int, now_ms: int) -> int:
        """Forget what was acknowledged, and return the time from which on changes are looked at."""
        self._after = after
        self._kept = {place: one for place, one in self._kept.items() if place > after}
        self._since_ms = self._since_ms or max(after // _PLACES_PER_S * 1000, now_ms - _LOOK_BACK_MS)
        return self._since_ms

    def unread(self, ticket: str, changed_ms: int) -> bool:
        """Whether a ticket changed since it was read."""
        return self._read.get(ticket) != changed_ms

    def mark_read(self, ticket: str, changed_ms: int, now_ms: int) -> None:
        """Remember that a ticket was read, unless another change may still get the same time."""
        if changed_ms < now_ms - _SAME_TIME_MS:
            self._read[ticket] = changed_ms

    def is_new(self, entry: TicketEntry) -> bool:
        """Whether a reply was not acknowledged."""
        return entry.n > self._after

    def keep(self, ticket: str, entry: TicketEntry, address: str) -> None:
        """Keep a new reply."""
        self._kept[entry.n] = NativeEntry(
            place=entry.n, ticket=ticket, at=entry.at, author=entry.author, address=address
        )

    def end(self, since_ms: int) -> None:
        """Look only at later changes from now on."""
        self._since_ms = max(self._since_ms, since_ms)
        self._read = {ticket: at_ms for ticket, at_ms in self._read.items() if at_ms >= self._since_ms - 1000}

    def due(self, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        """Return the first settled replies."""
        settled = sorted(place for place, one in self._kept.items() if one.at < before_ms)
        return [self._kept[place] for place in settled[:limit]]


def _marked(form: MarkForm, given: Mapping[str, str], ids: Mapping[str, str]) -> Json:
    """Return the values of fields in the product's form."""
    if form is MarkForm.ROWS:
        return [{"id": number(ids[name]), "value": value} for name, value in given.items()]
    return {name if form is MarkForm.NAME else ids[name]: value for name, value in given.items()}


def _place(at_ms: int, n: int) -> int:
    return at_ms // 1000 * _PLACES_PER_S + n % _PLACES_PER_S


def _change(row: object, change: Change, before: str, values: Mapping[str, Json]) -> tuple[str, str]:
    """Return the values before and after a change; where the row does not say, the last change does."""
    new = text_at(row, change.new, values)
    return (text_at(row, change.old, values) if change.old else before), new
