"""Freshdesk in memory, from a third party's OpenAPI document; `/agents/me` and `stats` from Freshdesk's own reference."""

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from contracts.hosted.fake import FakeVendor, RefusalError

TOKEN = "Zx81qqKeyOfRemit:X"
REMIT, ANN, BEN = 48000021, 48000022, 48000023
GROUP = 48000101
FIELDS = {"cf_remit_case": "Remit Case", "cf_agent_identity": "Agent Identity", "cf_remit_state": "Remit State"}
WHO = {"ann": ANN, "ben": BEN, "remit": REMIT}
OPEN, RESOLVED, CLOSED = 2, 4, 5


class FakeFreshdesk(FakeVendor):
    """One account. Any agent may write as any user, and no answer tells who did."""

    base = "/api/v2"
    routes: ClassVar = {
        "GET /agents/{agent}": "agent",
        "GET /contacts/{contact}": "contact",
        "GET /ticket_fields": "ticket_fields",
        "GET /search/tickets": "search",
        "GET /tickets": "listed",
        "POST /tickets": "create",
        "GET /tickets/{ticket}": "show",
        "PUT /tickets/{ticket}": "update",
        "GET /tickets/{ticket}/conversations": "conversations",
        "POST /tickets/{ticket}/notes": "note",
        "POST /tickets/{ticket}/reply": "reply",
    }

    def __init__(self) -> None:
        self.agents = {who: f"{name}@desk.test" for name, who in WHO.items()}
        self.contacts: dict[int, str] = {}
        self.tickets: dict[int, dict[str, Any]] = {}
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.labels = dict(FIELDS)

    def sign_in(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != f"Basic {b64encode(TOKEN.encode()).decode()}":
            raise RefusalError(401, {"code": "invalid_credentials", "message": "You have to be logged in."})

    # Requests.

    def agent(self, agent: str, **_: Any) -> tuple[int, Any]:
        who = REMIT if agent == "me" else int(agent)
        if who not in self.agents:
            raise RefusalError(404)
        return 200, {"id": who, "ticket_scope": 1, "contact": {"name": str(who), "email": self.agents[who], "active": True}}

    def contact(self, contact: str, **_: Any) -> tuple[int, Any]:
        if int(contact) not in self.contacts:
            raise RefusalError(404)
        return 200, {"id": int(contact), "name": "Remit", "email": self.contacts[int(contact)], "active": False}

    def ticket_fields(self, **_: Any) -> tuple[int, Any]:
        rows = [{"id": 1, "name": "subject", "label": "Subject", "type": "default_subject", "default": True}]
        rows += [
            {"id": number, "name": name, "label": label, "type": "custom_text", "default": False}
            for number, (name, label) in enumerate(self.labels.items(), 2)
        ]
        return 200, rows

    def search(self, query: Any, **_: Any) -> tuple[int, Any]:
        asked = re.fullmatch(r'"(\w+):\'([^\']*)\'"', query["query"])
        if asked is None or asked[1] not in self.labels:
            raise RefusalError(400, {"description": "Validation failed", "errors": []})
        found = [one for one in self.tickets.values() if self.shown(str(one["id"]))]
        rows = [self._shown(one) for one in found if str(one["custom_fields"].get(asked[1], "")).lower() == asked[2].lower()]
        return 200, {"total": len(rows), "results": rows[:30]}

    def listed(self, query: Any, **_: Any) -> tuple[int, Any]:
        found = [one for one in self.tickets.values() if one["updated_at"] >= query["updated_since"]]
        found.sort(key=lambda one: str(one[query["order_by"]]), reverse=query["order_type"] == "desc")
        return 200, self._page([self._shown(one) for one in found], query)

    def create(self, body: Any, **_: Any) -> tuple[int, Any]:
        self._verify_fields(body)
        one: dict[str, Any] = {
            "id": self.next_id(),
            "subject": body["subject"],
            "status": body["status"],
            "priority": body["priority"],
            "source": body["source"],
            "group_id": body["group_id"],
            "requester_id": self._contact(body["email"]),
            "responder_id": None,
            "custom_fields": {**dict.fromkeys(self.labels), **body["custom_fields"]},
            "spam": False,
            "created_at": self.iso(),
            "updated_at": self.iso(),
            "reopened_at": None,
            "conversations": [],
        }
        self.tickets[one["id"]] = one
        return 201, self._shown(one)

    def show(self, ticket: str, query: Any, **_: Any) -> tuple[int, Any]:
        one = self._known(ticket)
        stats = {"stats": {"reopened_at": one["reopened_at"]}} if query.get("include") == "stats" else {}
        return 200, {**self._shown(one), **stats}

    def update(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        one = self._known(ticket)
        self._verify_fields(body)
        self.change(one, body)
        return 200, self._shown(one)

    def conversations(self, ticket: str, query: Any, **_: Any) -> tuple[int, Any]:
        return 200, self._page(self._known(ticket)["conversations"], query)

    def note(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        return 201, self._add(self._known(ticket), REMIT, body["body"], private=body.get("private", True), source=2)

    def reply(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        return 201, self._add(self._known(ticket), REMIT, body["body"], private=False, source=0)

    # The vendor's own pages.

    def tickets_of(self, case: str) -> list[str]:
        return [str(one["id"]) for one in self.tickets.values() if one["custom_fields"].get("cf_remit_case") == case]

    def fields(self, ticket: str) -> tuple[str, str]:
        values = self._known(ticket)["custom_fields"]
        return values.get("cf_agent_identity") or "", values.get("cf_remit_state") or ""

    def seen(self, ticket: str) -> list[str]:
        """The notes as their page shows them: markup is markup."""
        bodies = [one["body"] for one in self._known(ticket)["conversations"]]
        return [html.unescape(re.sub(r"</?(br|p|div)\b[^>]*>", "\n", body)).strip() for body in bodies]

    def say(self, ticket: str, who: str, text: str, *, public: bool, by_api: bool = False) -> None:  # noqa: ARG002  # both look alike
        body = f"<div>{html.escape(text, quote=False).replace(chr(10), '<br>')}</div>"
        self._add(self._known(ticket), WHO[who], body, private=not public, source=0 if public else 2)

    def say_as_stranger(self, ticket: str, text: str) -> None:
        said = self._add(self._known(ticket), 48999999, f"<div>{html.escape(text)}</div>", private=False, source=0)
        said["incoming"] = True

    def assign(self, ticket: str, who: str) -> None:
        self.change(self._known(ticket), {"responder_id": WHO[who]})

    def set_open(self, ticket: str, *, open: bool) -> None:  # noqa: A002
        self.change(self._known(ticket), {"status": OPEN if open else RESOLVED})

    def set_requester(self, ticket: str, email: str) -> None:
        self.change(self._known(ticket), {"requester_id": self._contact(email)})

    def merge(self, ticket: str, into: str) -> None:
        one = self._known(ticket)
        self._add(one, ANN, f"<div>Merged into ticket {into}</div>", private=True, source=2)
        self.change(one, {"status": CLOSED})

    def drop_field(self, name: str) -> None:
        self.labels = {key: label for key, label in self.labels.items() if label != name}

    # The state.

    def change(self, one: dict[str, Any], given: Mapping[str, Any]) -> None:
        if one["status"] in {RESOLVED, CLOSED} and given.get("status", CLOSED) not in {RESOLVED, CLOSED}:
            one["reopened_at"] = self.iso()
        one["custom_fields"].update(given.get("custom_fields", {}))
        one.update({name: value for name, value in given.items() if name != "custom_fields"})
        one["updated_at"] = self.iso()

    def _add(self, one: dict[str, Any], who: int, body: str, *, private: bool, source: int) -> dict[str, Any]:
        said = {
            "id": self.next_id(),
            "body": body,
            "body_text": re.sub(r"<[^>]*>", " ", body),
            "incoming": False,
            "private": private,
            "user_id": who,
            "ticket_id": one["id"],
            "source": source,
            "attachments": [],
            "created_at": self.iso(),
            "updated_at": self.iso(),
        }
        one["conversations"].append(said)
        one["updated_at"] = self.iso()
        return said

    def _contact(self, email: str) -> int:
        known = next((key for key, value in self.contacts.items() if value == email), 0)
        number = known or self.next_id()
        self.contacts[number] = email
        return number

    def _verify_fields(self, body: Mapping[str, Any]) -> None:
        if set(body.get("custom_fields", {})) - set(self.labels):
            raise RefusalError(400, {"description": "Validation failed", "errors": [{"field": "custom_fields", "code": "invalid_field"}]})

    def _page(self, rows: list[Any], query: Mapping[str, str]) -> list[Any]:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return rows[(page - 1) * size : page * size]

    def _known(self, ticket: str) -> dict[str, Any]:
        if int(ticket) not in self.tickets:
            raise RefusalError(404)
        return self.tickets[int(ticket)]

    def _shown(self, one: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name not in {"conversations", "reopened_at"}}
