"""Zendesk Support in memory, from its OpenAPI document and its reference of audit events."""

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from contracts.hosted.fake import FakeVendor, RefusalError

TOKEN = "remit@desk.test/token:6wiIBWbGkBMo1mRDMuVwkw1EPsNkeUj95PIz2akv"
REMIT, ANN, BEN = 35436, 35437, 35438
GROUP = 98738
FIELDS = {27642: "Agent Identity", 27648: "Remit State"}
WHO = {"ann": ANN, "ben": BEN, "remit": REMIT}


class FakeZendesk(FakeVendor):
    """One account. A comment's author may be another than the account that made its audit."""

    routes: ClassVar = {
        "GET /api/v2/users/me": "me",
        "GET /api/v2/users/{user}": "user",
        "GET /api/v2/ticket_fields": "fields_of",
        "GET /api/v2/tickets": "listed",
        "POST /api/v2/tickets": "create",
        "GET /api/v2/tickets/{ticket}": "show",
        "PUT /api/v2/tickets/{ticket}": "update",
        "GET /api/v2/tickets/{ticket}/audits": "audits",
    }

    def __init__(self) -> None:
        self.users = {
            who: {
                "id": who,
                "name": name,
                "email": f"{name}@desk.test",
                "role": "agent",
                "active": True,
                "verified": True,
                "suspended": False,
                "organization_id": None,
            }
            for name, who in WHO.items()
        }
        self.tickets: dict[int, dict[str, Any]] = {}
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.field_titles = dict(FIELDS)

    def sign_in(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != f"Basic {b64encode(TOKEN.encode()).decode()}":
            raise RefusalError(401, {"error": "Couldn't authenticate you"})

    def not_found(self) -> Any:
        return {"error": "RecordNotFound", "description": "Not found"}

    # Requests.

    def me(self, **_: Any) -> tuple[int, Any]:
        return 200, {"user": self.users[REMIT]}

    def user(self, user: str, **_: Any) -> tuple[int, Any]:
        if int(user) not in self.users:
            raise RefusalError(404, self.not_found())
        return 200, {"user": self.users[int(user)]}

    def fields_of(self, query: Any, **_: Any) -> tuple[int, Any]:
        rows = [{"id": key, "title": title, "type": "text", "active": True} for key, title in self.field_titles.items()]
        return 200, self._page("ticket_fields", rows, query)

    def listed(self, query: Any, **_: Any) -> tuple[int, Any]:
        found = [one for one in self.tickets.values() if self.shown(str(one["id"])) or "external_id" not in query]
        if "external_id" in query:
            found = [one for one in found if str(one["external_id"]).lower() == query["external_id"].lower()]
        if query.get("sort") == "-updated_at":
            found.sort(key=lambda one: str(one["updated_at"]), reverse=True)
        return 200, self._page("tickets", [self._shown(one) for one in found], query)

    def create(self, body: Any, **_: Any) -> tuple[int, Any]:
        given = body["ticket"]
        email = given["requester"]["email"]
        requester = next((key for key, one in self.users.items() if one["email"] == email), 0) or self._end_user(email)
        number = self.next_id()
        one: dict[str, Any] = {
            "id": number,
            "subject": given["subject"],
            "external_id": given["external_id"],
            "group_id": given["group_id"],
            "requester_id": requester,
            "submitter_id": given["submitter_id"],
            "assignee_id": None,
            "status": "new",
            "values": {},
            "audits": [],
            "created_at": self.iso(),
            "updated_at": self.iso(),
        }
        self.tickets[number] = one
        self._audit(one, REMIT, "api", [self._comment(given["comment"], REMIT), self._event("Create", "status", "new", None)])
        return 201, {"ticket": self._shown(one)}

    def show(self, ticket: str, **_: Any) -> tuple[int, Any]:
        return 200, {"ticket": self._shown(self._known(ticket))}

    def update(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        one, given = self._known(ticket), body["ticket"]
        if one["status"] == "closed":
            raise RefusalError(422, {"error": "RecordInvalid", "description": "Status: closed prevents ticket update"})
        assignee = given.get("assignee_id", one["assignee_id"])
        if given.get("status") == "solved" and assignee is None:
            raise RefusalError(422, {"error": "RecordInvalid", "description": "Assignee: is required when solving a ticket"})
        self.change(one, REMIT, "api", given)
        return 200, {"ticket": self._shown(one)}

    def audits(self, ticket: str, query: Any, **_: Any) -> tuple[int, Any]:
        return 200, self._page("audits", self._known(ticket)["audits"], query)

    # The vendor's own pages.

    def tickets_of(self, case: str) -> list[str]:
        return [str(one["id"]) for one in self.tickets.values() if one["external_id"] == case]

    def fields(self, ticket: str) -> tuple[str, str]:
        values = self._known(ticket)["values"]
        return values.get(27642, ""), values.get(27648, "")

    def seen(self, ticket: str) -> list[str]:
        """The notes as their page shows them: markup is markup."""
        events = [event for audit in self._known(ticket)["audits"] for event in audit["events"] if event["type"] == "Comment"]
        return [html.unescape(re.sub(r"</?(br|p|div)\b[^>]*>", "\n", event["html_body"])).strip() for event in events]

    def say(self, ticket: str, who: str, text: str, *, public: bool, by_api: bool = False) -> None:
        """By the API any agent writes in the name of another."""
        given = {"comment": {"body": text, "public": public, "author_id": WHO[who]}}
        self.change(self._known(ticket), BEN if by_api else WHO[who], "web", given)

    def say_as_stranger(self, ticket: str, text: str) -> None:
        who = self._end_user("stranger@mail.example")
        self.change(self._known(ticket), who, "web", {"comment": {"body": text, "public": True}})
        del self.users[who]

    def assign(self, ticket: str, who: str) -> None:
        self.change(self._known(ticket), ANN, "web", {"assignee_id": WHO[who], "status": "open"})

    def set_open(self, ticket: str, *, open: bool) -> None:  # noqa: A002
        self.change(self._known(ticket), ANN, "web", {"status": "open" if open else "solved"})

    def set_requester(self, ticket: str, email: str) -> None:
        self.change(self._known(ticket), ANN, "web", {"requester_id": self._end_user(email)})

    def merge(self, ticket: str, into: str) -> None:
        given = {"comment": {"body": f"Merged into {into}", "public": False}, "status": "closed"}
        self.change(self._known(ticket), ANN, "web", given)

    # The state.

    def change(self, one: dict[str, Any], who: int, channel: str, given: Mapping[str, Any]) -> None:
        events = [self._comment(given["comment"], who)] if "comment" in given else []
        for name in ("status", "assignee_id", "requester_id"):
            if name in given and given[name] != one[name]:
                events.append(self._event("Change", name, given[name], one[name]))
                one[name] = given[name]
        for field in given.get("custom_fields", ()):
            if field["id"] in self.field_titles:
                one["values"][field["id"]] = field["value"]
                events.append(self._event("Change", str(field["id"]), field["value"], None))
        self._audit(one, who, channel, events)

    def _end_user(self, email: str) -> int:
        number = self.next_id()
        flags = {"active": True, "verified": False, "suspended": False, "organization_id": None}
        self.users[number] = {"id": number, "name": email, "email": email, "role": "end-user", **flags}
        return number

    def _comment(self, given: Mapping[str, Any], who: int) -> dict[str, Any]:
        inner = given.get("html_body") or f"<p>{html.escape(given['body'], quote=False).replace(chr(10), '<br>')}</p>"
        inner = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "<br>Remit: filled in<br>", inner)
        return {
            "id": self.next_id(),
            "type": "Comment",
            "author_id": given.get("author_id", who),
            "html_body": f'<div class="zd-comment" dir="auto">{inner}</div>',
            "public": given["public"],
            "attachments": [],
        }

    def _event(self, kind: str, name: str, value: Any, before: Any) -> dict[str, Any]:
        text = {"value": None if value is None else str(value), "previous_value": None if before is None else str(before)}
        return {"id": self.next_id(), "type": kind, "field_name": name, **text}

    def _audit(self, one: dict[str, Any], who: int, channel: str, events: list[dict[str, Any]]) -> None:
        via = {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}
        audit = {"id": self.next_id(), "ticket_id": one["id"], "author_id": who, "created_at": self.iso(), "via": via, "events": events}
        one["audits"].append(audit)
        one["updated_at"] = self.iso()

    def _page(self, name: str, rows: list[Any], query: Mapping[str, str]) -> dict[str, Any]:
        size, start = int(query.get("page[size]", 100)), int(query.get("page[after]", 0))
        more = start + size < len(rows)
        return {name: rows[start : start + size], "meta": {"has_more": more, "after_cursor": str(start + size)}}

    def _known(self, ticket: str) -> dict[str, Any]:
        if int(ticket) not in self.tickets:
            raise RefusalError(404, self.not_found())
        return self.tickets[int(ticket)]

    def _shown(self, one: Mapping[str, Any]) -> dict[str, Any]:
        names = (
            "id",
            "subject",
            "external_id",
            "group_id",
            "requester_id",
            "submitter_id",
            "assignee_id",
            "status",
            "created_at",
            "updated_at",
        )
        values = [{"id": key, "value": one["values"].get(key)} for key in self.field_titles]
        shown = {name: one[name] for name in names if one[name] is not None or name != "assignee_id"}
        return {**shown, "custom_fields": values, "tags": []}
