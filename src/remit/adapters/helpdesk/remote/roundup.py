"""The dialect of roundup (REST), with the schema and the detector of docs/helpdesk.md.

Driven against 2.6.0: a change needs the ticket's ETag (412), and pages are cut after the whole answer was made, so
that every question names its rows. A message's `author` is whatever its writer says: its `creator` is not.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from remit.adapters.helpdesk.remote.answers import decoded, exchange, garbled, items, member, verified
from remit.adapters.helpdesk.remote.dialect import NativeEntry, TicketEntry, TicketFile, TicketView
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Code, Fault, Refused

_TIMEOUT_S: Final = 10.0
_TRIES: Final = 5
_CHANGED: Final = 412
_RESOLVED: Final = "resolved"
_NOTE: Final = "note"
_REPLY: Final = "reply"
_RETIRED: Final = "retired"
_RESTORED: Final = "restored"
_REOPENED: Final = frozenset({"reopened", _RESTORED})
_REASSIGNED: Final = "reassigned"
_TICKET: Final = "title,remit_requester,status.remit_closed,superseder,assignedto.username"  # what a view is made of
_SPOKEN: Final = "what,creation,creator,creator.username,msg.creator,msg.content,files"
_REPLIES: Final = "issue,creation,creator,creator.username,creator.remit_address,msg.creator"
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_@!%.+-]{1,100}", re.ASCII)
_TIME: Final = "%Y-%m-%d.%H:%M:%S"
_SECONDS: Final = len("2026-11-29.18:16:23")


class Roundup:
    """roundup by the password of one account, which has the role `Remit`."""

    def __init__(self, connections: HttpConnections, *, password: str, account: str) -> None:
        """Take the account's name.

        Raises:
            Refused: `settings.invalid` for a name that no account of roundup has.
        """
        if _ACCOUNT.fullmatch(account) is None:
            raise Refused(Code.SETTINGS_INVALID, f"helpdesk: {account!r} is no name of an account of roundup")
        self._connections = connections
        self._account = account
        parts = urlsplit(connections.base)
        self._headers = {
            "authorization": "Basic " + b64encode(f"{account}:{password}".encode()).decode(),
            "origin": f"{parts.scheme}://{parts.netloc}",  # without these two roundup takes no change
            "x-requested-with": "remit",
        }
        self._own = ""

    async def create(self, *, case: str, requester: str, subject: str) -> str:
        """Create a ticket without a message."""
        return await self._post("issue", {"title": subject, "remit_case": case, "remit_requester": requester})

    async def find(self, case: str) -> Sequence[str]:
        """Return the account's tickets with exactly this case; every row is checked again."""
        own = await self._own_id()
        rows = await self._rows("issue", {"remit_case:": case}, "remit_case,creator")
        return [
            str(member(row, "id"))
            for row in rows
            if member(row, "remit_case") == case and member(row, "creator") == own
        ]

    async def add(self, ticket: str, *, public: bool, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        """Create the message, and the file, and put them into the ticket; without that step they are nowhere.

        The status is written with them, as it is: roundup reopens a closed ticket that gets a message.
        """
        files = [] if file is None else [await self._upload(*file)]
        message = {
            "author": await self._own_id(),
            "date": ".",
            "content": text,
            "files": files,
            "remit_public": "yes" if public else "no",
        }
        written = await self._post("msg", message)

        def change(seen: Mapping[str, Any]) -> Mapping[str, object]:
            return {
                "messages": [*items(member(seen, "messages")), written],
                "files": [*items(member(seen, "files")), *files],
                "status": member(seen, "status"),
            }

        await self._change(ticket, change)

    async def close(self, ticket: str) -> None:
        """Set the status `resolved`."""
        resolved = await self._resolved()
        await self._change(ticket, lambda _: {"status": resolved})

    async def mark(self, ticket: str, *, identity: str, state: str) -> None:
        """Write the card's fields."""
        await self._change(ticket, lambda _: {"remit_identity": identity, "remit_state": state})

    async def view(self, ticket: str) -> TicketView:
        """Read the ticket, and from the detector's log how often it was reopened and given away."""
        seen = (await self._issue(ticket, _TICKET))[0]
        changes = [str(member(row, "what")) for row in await self._rows("remit_log", {"issue": ticket}, "what")]
        retired = [change for change in changes if change in {_RETIRED, _RESTORED}]
        superseder = items(member(seen, "superseder"))
        return TicketView(
            open=not member(seen, "status.remit_closed") and retired[-1:] != [_RETIRED],
            requester=str(member(seen, "remit_requester") or ""),
            merged_into=str(superseder[0]) if superseder else "",
            subject=str(member(seen, "title") or ""),
            assignee=str(member(seen, "assignedto.username") or ""),
            reopened=sum(change in _REOPENED for change in changes),
            reassigned=changes.count(_REASSIGNED),
        )

    async def entries(self, ticket: str) -> Sequence[TicketEntry]:
        """Return the messages that the log names, whatever was taken out of the ticket since."""
        rows = await self._rows("remit_log", {"issue": ticket}, _SPOKEN)
        own = await self._own_id()
        spoken = [row for row in rows if member(row, "what") in {_NOTE, _REPLY}]
        refs = [str(ref) for row in spoken for ref in items(member(row, "files"))]
        asked = [("id", ref) for ref in refs]
        files = {str(member(row, "id")): row for row in await self._rows("file", asked, "name,type")} if refs else {}
        return [
            TicketEntry(
                n=int(str(member(row, "id"))),
                at=_time(member(row, "creation")),
                author=str(member(row, "creator.username")),
                own=_writer(row) == own,
                public=member(row, "what") == _REPLY,
                text=str(member(row, "msg.content")).replace("\r\n", "\n"),
                files=tuple(_file(files[ref]) for ref in map(str, items(member(row, "files"))) if ref in files),
            )
            for row in spoken
        ]

    async def file_data(self, ref: str) -> bytes:
        """Return a file's content."""
        path = f"/data/file/{_number(ref)}/binary_content"
        headers = {**self._headers, "accept": "*/*"}
        answer = await exchange(self._connections, "GET", path, headers=headers)
        return verified(answer, "GET", path).body

    async def native(self, *, after: int, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        """Return replies by other accounts, in the order in which they came into a ticket of Remit's."""
        own = await self._own_id()
        asked = {"what:": _REPLY}
        if after:
            last = await self._call("GET", f"/data/remit_log/{int(after)}?@fields=creation")
            asked["creation"] = f"{member(member(last, 'attributes'), 'creation')};"
        found: list[NativeEntry] = []
        for row in await self._rows("remit_log", asked, _REPLIES):
            place, at = int(str(member(row, "id"))), _time(member(row, "creation"))
            if at >= before_ms or len(found) == limit:
                break
            if place > after and str(member(row, "creator")) != own:
                # ⚔ Who puts another's message into a ticket says it themselves, and is no officer for that.
                address = str(member(row, "creator.remit_address") or "") if _writer(row) else ""
                author, ticket = str(member(row, "creator.username")), str(member(row, "issue"))
                found.append(NativeEntry(place=place, ticket=ticket, at=at, author=author, address=address))
        return found

    async def probe(self) -> Sequence[str]:
        """Verify the account, its time zone, the properties of the schema and the status of closed tickets."""
        (row,) = await self._rows("user", {"username:": self._account}, "username,timezone") or [{}]
        if row.get("timezone") != "UTC":
            raise Fault(
                Code.FAULT_CASE,
                f"roundup shows no account {self._account!r} with the time zone UTC",
                cure="Create it as docs/helpdesk.md says: roundup-admin set userN timezone=UTC",
            )
        await self._rows("issue", {"id": "0"}, f"remit_case,remit_identity,remit_state,{_TICKET}")
        await self._rows("remit_log", {"id": "0"}, f"{_SPOKEN},{_REPLIES}")
        await self._resolved()
        return []

    async def _resolved(self) -> str:
        rows = await self._rows("status", {"name:": _RESOLVED}, "name,remit_closed")
        closed = [
            str(member(row, "id")) for row in rows if member(row, "name") == _RESOLVED and member(row, "remit_closed")
        ]
        if len(closed) != 1:
            raise Fault(
                Code.FAULT_CASE,
                f"roundup has no status {_RESOLVED!r} that is marked as closed",
                cure="Mark the statuses of closed tickets: roundup-admin set statusN remit_closed=yes",
            )
        return closed[0]

    async def _own_id(self) -> str:
        """Return the id of Remit's account: a name can be changed."""
        if not self._own:
            rows = await self._rows("user", {"username:": self._account}, "username")
            found = [str(member(row, "id")) for row in rows if member(row, "username") == self._account]
            if len(found) != 1:
                raise Fault(Code.FAULT_CASE, f"roundup has no account {self._account!r}")
            self._own = found[0]
        return self._own

    async def _upload(self, name: str, media_type: str, data: bytes) -> str:
        boundary = hashlib.sha256(data).hexdigest()  # which stands in no data
        head = 'Content-Disposition: form-data; name="'
        fields = (("name", name), ("type", media_type))
        parts = [f'--{boundary}\r\n{head}{field}"\r\n\r\n{value}\r\n' for field, value in fields]
        opened = f'--{boundary}\r\n{head}content"; filename="file"\r\n\r\n'
        body = "".join((*parts, opened)).encode() + data + f"\r\n--{boundary}--\r\n".encode()
        headers = {**self._headers, "content-type": f"multipart/form-data; boundary={boundary}"}
        path = "/data/file"
        answer = await self._connections.send("POST", path, headers=headers, body=body, timeout_s=_TIMEOUT_S, once=True)
        return _id(member(decoded(answer, "POST", path), "data"))

    async def _change(self, ticket: str, change: Callable[[Mapping[str, Any]], Mapping[str, object]]) -> None:
        """Change the ticket as it is; where it was changed meanwhile, read it again."""
        path = f"/data/issue/{_number(ticket)}"
        for _ in range(_TRIES):
            seen, etag = await self._issue(ticket, "messages,files,status")
            headers = {**self._headers, "if-match": etag}
            answer = await exchange(self._connections, "PUT", path, headers=headers, body=change(seen))
            if answer.status != _CHANGED:
                verified(answer, "PUT", path)
                return
        raise Fault(Code.FAULT_CASE, f"the ticket {ticket} was changed again and again meanwhile")

    async def _issue(self, ticket: str, fields: str) -> tuple[Mapping[str, Any], str]:
        """Return a ticket's properties and ETag."""
        found = await self._call("GET", f"/data/issue/{_number(ticket)}?@fields={fields}&@verbose=0")
        return member(found, "attributes"), str(member(found, "@etag"))

    async def _rows(
        self, name: str, asked: Mapping[str, str] | Sequence[tuple[str, str]], fields: str
    ) -> Sequence[Mapping[str, Any]]:
        """Return the items of a class in the order of their ids."""
        query = f"{urlencode(asked)}&@fields={fields}&@sort=id&@verbose=0"
        return items(member(await self._call("GET", f"/data/{name}?{query}"), "collection"))

    async def _post(self, name: str, body: Mapping[str, object]) -> str:
        return _id(await self._call("POST", f"/data/{name}", body))

    async def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        answer = await exchange(self._connections, method, path, headers=self._headers, body=body)
        data = member(decoded(answer, method, path), "data")
        if not isinstance(data, dict):
            raise garbled("data")
        return data


def _writer(row: Mapping[str, Any]) -> str:
    """Return the account that wrote a message and put it into the ticket, empty where those are two.

    ⚔ Any account may put another's message into a ticket, and name another as a message's `author`.
    """
    writer = str(member(row, "creator"))
    return writer if str(member(row, "msg.creator")) == writer else ""


def _file(row: Mapping[str, Any]) -> TicketFile:
    media_type = str(member(row, "type") or "application/octet-stream")
    return TicketFile(ref=str(member(row, "id")), name=str(member(row, "name") or ""), media_type=media_type)


def _id(created: Mapping[str, Any]) -> str:
    return _number(str(member(created, "id")))


def _number(text: str) -> str:
    if not (text.isascii() and text.isdecimal()):
        raise garbled("an id")
    return text


def _time(text: object) -> int:
    try:
        at = datetime.strptime(str(text)[:_SECONDS], _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise garbled("a time") from None
    return round(at.timestamp() * 1000)
