"""The dialect of Request Tracker 5 (REST 2.0).

Driven against 5.0.7: RT answers 200 to a refused change, drops unknown custom fields silently, has no idempotency and
builds its queries from strings.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from remit.adapters.helpdesk.remote.answers import decoded, exchange, garbled, items, member
from remit.adapters.helpdesk.remote.dialect import NativeEntry, TicketEntry, TicketFile, TicketView
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Code, Fault, Refused

_PAGE: Final = 100
_MAX_PAGES: Final = 100
_CLOSED: Final = frozenset({"resolved", "rejected", "deleted"})
_NOBODY: Final = "Nobody"
_SYSTEM: Final = "RT_System"
_SPOKEN: Final = frozenset({"Correspond", "Comment"})
_BLOCKS: Final = frozenset({"blockquote", "br", "div", "h1", "h2", "h3", "li", "p", "pre", "table", "tr", "ul", "ol"})
_INTERFACE: Final = re.compile(r"^X-RT-Interface:[ \t]*(\S*)[ \t]*$", re.IGNORECASE | re.MULTILINE)
"""A header that RT itself writes into each message, and replaces in a mail."""
_SIGNED_IN: Final = frozenset({"Web", "Mobile", "REST", "REST2"})
_HISTORY: Final = "Type,Creator,Created,Field,OldValue,NewValue"


class CardFields(NamedTuple):
    """Names of the custom fields of a card."""

    identity: str
    state: str


_CARD_FIELDS: Final = CardFields("Agent Identity", "Remit State")


class RequestTracker:
    """RT by the token of one account, in one queue, with one custom field that carries the case."""

    def __init__(
        self,
        connections: HttpConnections,
        *,
        token: str,
        account: str,
        queue: str,
        case_field: str,
        card_fields: CardFields = _CARD_FIELDS,
    ) -> None:
        """Take the account's name, by which its own entries are known.

        Raises:
            Refused: `settings.invalid` for a name that cannot be written into a query.
        """
        for name in (account, queue, case_field, *card_fields):
            if not name or any(letter in "'\"\\{}" or not letter.isprintable() for letter in name):
                raise Refused(Code.SETTINGS_INVALID, f"helpdesk: {name!r} cannot be written into a query of RT")
        self._connections = connections
        self._headers = {"authorization": f"token {token}"}
        self._account = account
        self._queue = queue
        self._case_field = case_field
        self._card_fields = card_fields
        self._known_fields: frozenset[str] | None = None
        self._nobody_id = ""

    async def create(self, *, case: str, requester: str, subject: str) -> str:
        """Create a ticket without a message; RT mails its requester, which is Remit's own address."""
        body = {
            "Queue": self._queue,
            "Subject": subject,
            "Requestor": requester,
            "CustomFields": {self._case_field: case},
        }
        ticket = str(member(await self._call("POST", "/ticket", body), "id"))
        if not ticket.isdecimal():
            raise garbled("a ticket's id")
        return ticket

    async def find(self, case: str) -> Sequence[str]:
        """Return the account's tickets with exactly this case; every row is checked again."""
        query = f"Queue='{self._queue}' AND 'CF.{{{self._case_field}}}'='{case}'"
        fields = {"fields": "Creator,CustomFields", "orderby": "id"}
        rows = await self._all("/tickets", {"query": query, **fields})
        return [str(member(row, "id")) for row in rows if self._is_ours(row, case)]

    async def add(self, ticket: str, *, public: bool, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        """Comment or correspond, with a file where one is given."""
        body: dict[str, object] = {"Content": text, "ContentType": "text/plain"}
        if file is not None:
            name, media_type, data = file
            content = b64encode(data).decode()
            body["Attachments"] = [{"FileName": name, "FileType": media_type, "FileContent": content}]
        await self._call("POST", f"/ticket/{ticket}/{'correspond' if public else 'comment'}", body)

    async def close(self, ticket: str) -> None:
        """Resolve the ticket."""
        await self._call("PUT", f"/ticket/{ticket}", {"Status": "resolved"})

    async def mark(self, ticket: str, *, identity: str, state: str) -> None:
        """Write the card's fields that the queue has; RT drops an unknown one without a word."""
        if self._known_fields is None:
            self._known_fields = await self._fields()
        given = {self._card_fields.identity: identity, self._card_fields.state: state}
        values = {name: value for name, value in given.items() if name in self._known_fields}
        if values:
            await self._call("PUT", f"/ticket/{ticket}", {"CustomFields": values})

    async def view(self, ticket: str) -> TicketView:
        """Read the ticket, and from its history how often it was reopened and given away."""
        seen = await self._call("GET", f"/ticket/{ticket}")
        effective = str(member(member(seen, "EffectiveId"), "id"))
        owner = str(member(member(seen, "Owner"), "id"))
        changes = await self._history(ticket)
        nobody = await self._nobody()
        requesters = [str(member(one, "id")) for one in items(member(seen, "Requestor"))]
        return TicketView(
            open=str(member(seen, "Status")) not in _CLOSED,
            requester=", ".join(requesters),
            merged_into="" if effective == ticket else effective,
            subject=str(member(seen, "Subject")),
            assignee="" if owner == _NOBODY else owner,
            reopened=sum(_is_reopening(change) for change in changes),
            reassigned=sum(_is_reassignment(change, nobody) for change in changes),
        )

    async def entries(self, ticket: str) -> Sequence[TicketEntry]:
        """Return comments and correspondence with their texts and files."""
        spoken = [change for change in await self._history(ticket) if member(change, "Type") in _SPOKEN]
        fields = {"fields": "Content,ContentType,TransactionId,Filename", "orderby": "id"}
        pieces: dict[str, list[Mapping[str, Any]]] = {}
        for piece in await self._all(f"/ticket/{ticket}/attachments", fields) if spoken else ():
            pieces.setdefault(str(member(piece, "TransactionId")), []).append(piece)
        return [self._entry(change, pieces.get(str(member(change, "id")), [])) for change in spoken]

    async def file_data(self, ref: str) -> bytes:
        """Return a file's content, which RT sends as base64 for one attachment alone."""
        content = str(member(await self._call("GET", f"/attachment/{quote(ref, safe='')}"), "Content"))
        try:
            return b64decode(content, validate=False)
        except ValueError:
            raise garbled("a file") from None

    async def native(self, *, after: int, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        """Return correspondence by other accounts in the queue, in order of their transaction."""
        query = f"ObjectType='RT::Ticket' AND Type='Correspond' AND id>{int(after)}"
        given = {
            "query": query,
            "fields": "Creator,Created,ObjectId",
            "orderby": "id",
            "per_page": str(min(limit, _PAGE)),
        }
        found = []
        for row in items(member(await self._call("GET", f"/transactions?{urlencode(given)}"), "items")):
            at = _time(member(row, "Created"))
            if at >= before_ms:
                break
            author = str(member(member(row, "Creator"), "id"))
            if author not in {self._account, _SYSTEM}:
                place, ticket = int(str(member(row, "id"))), str(member(row, "ObjectId"))
                address = await self._address(author) if await self._is_signed_in(place) else ""
                found.append(NativeEntry(place=place, ticket=ticket, at=at, author=author, address=address))
        return found

    async def probe(self) -> Sequence[str]:
        """Verify token, account, queue and custom field: RT drops an unknown field without a word."""
        await self._call("GET", f"/user/{quote(self._account, safe='')}")
        names = await self._fields()
        if self._case_field not in names:
            raise Fault(
                Code.FAULT_CASE,
                f"the queue {self._queue!r} has no custom field {self._case_field!r}",
                cure="Create it in RT for this queue, for one free text, with the rights to see and modify it.",
            )
        return [name for name in self._card_fields if name not in names]

    async def _fields(self) -> frozenset[str]:
        """Return the names of the queue's custom fields."""
        queue = await self._call("GET", f"/queue/{quote(self._queue, safe='')}")
        return frozenset(str(member(one, "name")) for one in items(queue.get("TicketCustomFields", [])))

    def _is_ours(self, row: Mapping[str, Any], case: str) -> bool:
        """⚔ A query of RT folds case and can be bent: what it found is compared exactly."""
        fields = items(member(row, "CustomFields"))
        named = [items(member(one, "values")) for one in fields if member(one, "name") == self._case_field]
        return named == [[case]] and member(member(row, "Creator"), "id") == self._account

    def _entry(self, change: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]]) -> TicketEntry:
        author = str(member(member(change, "Creator"), "id"))
        spoken = [piece for piece in pieces if not member(piece, "Filename")]
        plain = [str(member(one, "Content")) for one in spoken if member(one, "ContentType") == "text/plain"]
        html = [_text_of(str(member(one, "Content"))) for one in spoken if member(one, "ContentType") == "text/html"]
        files = [
            TicketFile(
                ref=str(member(piece, "id")),
                name=str(member(piece, "Filename")),
                media_type=str(member(piece, "ContentType")),
            )
            for piece in pieces
            if member(piece, "Filename")
        ]
        return TicketEntry(
            n=int(str(member(change, "id"))),
            at=_time(member(change, "Created")),
            author=author,
            own=author == self._account,
            public=member(change, "Type") == "Correspond",
            text="\n".join(plain or html).replace("\r\n", "\n"),
            files=tuple(files),
        )

    async def _is_signed_in(self, place: int) -> bool:
        """⚔ Return whether a reply was written by an account that signed in: RT believes the sender that a mail names."""
        pieces = items(member(await self._call("GET", f"/transaction/{place}/attachments?fields=Headers"), "items"))
        found = {name for piece in pieces for name in _INTERFACE.findall(str(member(piece, "Headers")))}
        return bool(found) and found <= _SIGNED_IN

    async def _address(self, account: str) -> str:
        """Return an account's address, empty for one that is no privileged user: an officer is one."""
        user = await self._call("GET", f"/user/{quote(account, safe='')}")
        return str(user.get("EmailAddress", "")) if str(user.get("Privileged", "0")) == "1" else ""

    async def _nobody(self) -> str:
        """Return the id of RT's user Nobody, by which the history names a ticket without an owner."""
        if not self._nobody_id:
            links = items(member(await self._call("GET", f"/user/{_NOBODY}"), "_hyperlinks"))
            self._nobody_id = next((str(member(link, "id")) for link in links if member(link, "ref") == "self"), "")
        return self._nobody_id

    async def _history(self, ticket: str) -> Sequence[Mapping[str, Any]]:
        return await self._all(f"/ticket/{ticket}/history", {"fields": _HISTORY})

    async def _all(self, path: str, given: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """Return the items of all pages."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, _MAX_PAGES + 1):
            asked = urlencode({**given, "per_page": str(_PAGE), "page": str(page)})
            rows = items(member(await self._call("GET", f"{path}?{asked}"), "items"))
            found += rows
            if len(rows) < _PAGE:
                return found
        raise Fault(Code.FAULT_CASE, f"{path} has more than {_MAX_PAGES * _PAGE} entries")

    async def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        answer = decoded(
            await exchange(self._connections, method, path, headers=self._headers, body=body), method, path
        )
        return answer if isinstance(answer, dict) else {"items": answer}


def _is_reopening(change: Mapping[str, Any]) -> bool:
    if member(change, "Type") != "Status":
        return False
    return member(change, "OldValue") in _CLOSED and member(change, "NewValue") not in _CLOSED


def _is_reassignment(change: Mapping[str, Any], nobody: str) -> bool:
    """Whether an officer's ticket went to another; the first owner only takes it up. RT writes each change twice."""
    if (member(change, "Type"), member(change, "Field")) != ("Set", "Owner"):
        return False
    return nobody not in {str(member(change, "OldValue")), str(member(change, "NewValue"))}


class _PlainText(HTMLParser):
    """The text of a message in HTML, as RT's own editor writes it: its blocks on lines of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser's own signature
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _text_of(html: str) -> str:
    parser = _PlainText()
    parser.feed(html)
    parser.close()
    return "\n".join(line.strip() for line in "".join(parser.parts).split("\n")).strip()


def _time(text: object) -> int:
    try:
        return round(datetime.fromisoformat(str(text)).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        raise garbled("a time") from None
