"""Intercom 2.15 in memory, from its OpenAPI document."""

import html
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from contracts.hosted.fake import FakeVendor, RefusalError

TOKEN = "dG9rOmludGVyY29t"
REMIT, ANN, BEN = "991267001", "991267002", "991267003"
TYPE = "95"
STATES = {"8537": "submitted", "8538": "in_progress", "8539": "waiting_on_customer", "8540": "resolved"}
ATTRIBUTES = {"210": "_default_title_", "211": "_default_description_", "212": "Remit Case", "213": "Agent Identity", "214": "Remit State"}
APP = "remit-gvr"


def error(status: int, code: str) -> RefusalError:
    return RefusalError(status, {"type": "error.list", "request_id": "b6a-4", "errors": [{"code": code, "message": code}]})


class FakeIntercom(FakeVendor):
    """One workspace with one ticket type. A part that came by the API carries the code of its app."""

    routes: ClassVar = {
        "GET /me": "me",
        "GET /admins/{admin}": "admin",
        "GET /contacts/{contact}": "contact",
        "GET /ticket_types/{kind}": "ticket_type",
        "POST /tickets": "create",
        "POST /tickets/search": "search",
        "GET /tickets/{ticket}": "show",
        "PUT /tickets/{ticket}": "update",
        "POST /tickets/{ticket}/reply": "reply",
    }

    def __init__(self) -> None:
        self.admins = {REMIT: "remit@desk.test", ANN: "ann@desk.test", BEN: "ben@desk.test"}
        self.contacts: dict[str, str] = {}
        self.tickets: dict[str, dict[str, Any]] = {}
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.attributes = dict(ATTRIBUTES)
        self.shown_parts = 500

    def sign_in(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise error(401, "unauthorized")
        if headers.get("intercom-version") != "2.15":
            raise error(400, "intercom_version_invalid")

    def not_found(self) -> Any:
        return error(404, "not_found").body

    # Requests.

    def me(self, **_: Any) -> tuple[int, Any]:
        return 200, {"type": "admin", "id": REMIT, "email": self.admins[REMIT], "name": "Remit", "email_verified": True}

    def admin(self, admin: str, **_: Any) -> tuple[int, Any]:
        if admin not in self.admins:
            raise error(404, "admin_not_found")
        return 200, {"type": "admin", "id": admin, "name": admin, "email": self.admins[admin], "team_ids": []}

    def contact(self, contact: str, **_: Any) -> tuple[int, Any]:
        if contact not in self.contacts:
            raise error(404, "not_found")
        return 200, {"type": "contact", "id": contact, "external_id": None, "role": "user", "email": self.contacts[contact]}

    def ticket_type(self, kind: str, **_: Any) -> tuple[int, Any]:
        if kind != TYPE:
            raise error(404, "ticket_type_not_found")
        return 200, self._type()

    def create(self, body: Any, **_: Any) -> tuple[int, Any]:
        if body["ticket_type_id"] != TYPE:
            raise error(400, "ticket_type_not_found")
        unknown = set(body["ticket_attributes"]) - set(self.attributes.values())
        if unknown:
            raise error(400, "parameter_invalid")
        email = body["contacts"][0]["email"]
        contact = next((key for key, value in self.contacts.items() if value == email), "")
        if not contact:
            contact = f"6762f2f61bb69f9f{self.next_id():08x}"
            self.contacts[contact] = email
        ticket = self.make(contact, body["ticket_attributes"], REMIT, app=APP)
        return 200, self._shown(ticket)

    def search(self, body: Any, **_: Any) -> tuple[int, Any]:
        wanted = body["query"]["value"]
        found = [
            one for one in self.tickets.values() if self.shown(one["id"]) and all(self._matches(one, condition) for condition in wanted)
        ]
        page = body.get("pagination", {})
        size, start = page.get("per_page", 20), int(page.get("starting_after") or 0)
        rows = found[start : start + size]
        pages: dict[str, Any] = {"type": "pages", "page": start // size + 1, "per_page": size, "total_pages": -(-len(found) // size)}
        if start + size < len(found):
            pages["next"] = {"per_page": size, "starting_after": str(start + size)}
        return 200, {"type": "ticket.list", "total_count": len(found), "pages": pages, "tickets": [self._shown(one) for one in rows]}

    def show(self, ticket: str, **_: Any) -> tuple[int, Any]:
        return 200, self._shown(self._known(ticket))

    def update(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        one, admin = self._known(ticket), str(body.get("admin_id", REMIT))
        if admin not in self.admins:
            raise error(404, "admin_not_found")
        for name, value in body.get("ticket_attributes", {}).items():
            if name not in self.attributes.values():
                raise error(400, "parameter_invalid")
            one["ticket_attributes"][name] = value
        if "ticket_state_id" in body:
            if body["ticket_state_id"] not in STATES:
                raise error(400, "ticket_state_id_invalid")
            self.state(one, STATES[body["ticket_state_id"]], admin, app=APP)
        if "open" in body and body["open"] != one["open"]:
            one["open"] = body["open"]
            self.part(one, "open" if body["open"] else "close", admin, app=APP)
        return 200, self._shown(one)

    def reply(self, ticket: str, body: Any, **_: Any) -> tuple[int, Any]:
        one, admin = self._known(ticket), body["admin_id"]
        if admin not in self.admins:
            raise error(404, "admin_not_found")
        text = body["body"] if body["message_type"] == "note" else markup(body["body"])
        return 200, self.part(one, body["message_type"], admin, body=text, app=APP)

    # The vendor's own pages.

    def tickets_of(self, case: str) -> list[str]:
        return [one["id"] for one in self.tickets.values() if one["ticket_attributes"].get("Remit Case") == case]

    def fields(self, ticket: str) -> tuple[str, str]:
        values = self.tickets[ticket]["ticket_attributes"]
        return values.get("Agent Identity", ""), values.get("Remit State", "")

    def seen(self, ticket: str) -> list[str]:
        """The notes as their page shows them: markup is markup."""
        shown = [part["body"] for part in self.tickets[ticket]["parts"] if "body" in part]
        return [html.unescape(re.sub(r"<(br|p|/p)>", "\n", body)).strip() for body in shown]

    def say(self, ticket: str, who: str, text: str, *, public: bool, by_api: bool = False) -> None:
        kind = "comment" if public else "note"
        self.part(self.tickets[ticket], kind, {"ann": ANN, "ben": BEN, "remit": REMIT}[who], body=markup(text), app=APP if by_api else "")

    def say_as_stranger(self, ticket: str, text: str) -> None:
        one = self.tickets[ticket]
        part = self.part(one, "comment", ANN, body=markup(text))
        part["author"] = {"type": "user", "id": one["contact"], "name": "Remit", "email": self.contacts[one["contact"]]}

    def assign(self, ticket: str, who: str) -> None:
        one, admin = self.tickets[ticket], {"ann": ANN, "ben": BEN}[who]
        one["admin_assignee_id"] = admin
        self.part(one, "assignment", ANN, assigned_to={"type": "admin", "id": admin})

    def set_open(self, ticket: str, *, open: bool) -> None:  # noqa: A002
        self.state(self.tickets[ticket], "in_progress" if open else "resolved", ANN)
        self.tickets[ticket]["open"] = open

    def set_requester(self, ticket: str, email: str) -> None:
        contact = f"6762f2f61bb69f9f{self.next_id():08x}"
        self.contacts[contact] = email
        self.tickets[ticket]["contact"] = contact

    def drop_field(self, name: str) -> None:
        self.attributes = {key: value for key, value in self.attributes.items() if value != name}

    # The state.

    def make(self, contact: str, attributes: Mapping[str, Any], admin: str, *, app: str = "") -> dict[str, Any]:
        ticket = str(self.next_id())
        one: dict[str, Any] = {
            "id": ticket,
            "ticket_attributes": dict(attributes),
            "state": "submitted",
            "contact": contact,
            "open": True,
            "admin_assignee_id": "0",
            "created_at": self.now(),
            "updated_at": self.now(),
            "parts": [],
        }
        self.tickets[ticket] = one
        self.state(one, "submitted", admin, app=app)
        return one

    def state(self, one: dict[str, Any], state: str, admin: str, *, app: str = "") -> None:
        before, one["state"] = one["state"], state
        self.part(one, "ticket_state_updated_by_admin", admin, app=app, previous_ticket_state=before, ticket_state=state)

    def part(self, one: dict[str, Any], kind: str, admin: str, *, app: str = "", **more: Any) -> dict[str, Any]:
        part = {
            "type": "ticket_part",
            "id": str(self.next_id()),
            "part_type": kind,
            "created_at": self.now(),
            "updated_at": self.now(),
            "author": {"type": "admin", "id": admin, "name": admin, "email": self.admins[admin]},
            "attachments": [],
            "redacted": False,
            **({"app_package_code": app} if app else {}),
            **more,
        }
        one["parts"].append(part)
        one["updated_at"] = self.now()
        return part

    def _known(self, ticket: str) -> dict[str, Any]:
        if ticket not in self.tickets:
            raise error(404, "ticket_not_found")
        return self.tickets[ticket]

    def _matches(self, one: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
        field, wanted = condition["field"], condition["value"]
        if field == "ticket_type_id":
            return bool(wanted == TYPE)
        if field == "updated_at":
            assert condition["operator"] == ">"
            assert wanted == int(wanted)
            return bool(one["updated_at"] >= wanted)
        attribute = re.fullmatch(r"ticket_attribute\.(\d+)", field)
        assert attribute is not None, condition
        assert condition["operator"] == "=", condition
        value = one["ticket_attributes"].get(self.attributes[attribute[1]])
        return bool(str(value).lower() == str(wanted).lower())

    def _type(self) -> dict[str, Any]:
        rows = [
            {"type": "ticket_type_attribute", "id": key, "workspace_id": "w1", "name": name, "data_type": "string", "archived": False}
            for key, name in self.attributes.items()
        ]
        states = [
            {"type": "ticket_state", "id": key, "category": name, "internal_label": name, "external_label": name}
            for key, name in STATES.items()
        ]
        return {
            "type": "ticket_type",
            "id": TYPE,
            "category": "Back-office",
            "name": "Agents",
            "workspace_id": "w1",
            "archived": False,
            "ticket_type_attributes": {"type": "list", "data": rows},
            "ticket_states": {"type": "list", "data": states},
        }

    def _shown(self, one: Mapping[str, Any]) -> dict[str, Any]:
        state = next(key for key, name in STATES.items() if name == one["state"])
        return {
            "type": "ticket",
            "id": one["id"],
            "ticket_id": "38",
            "category": "Back-office",
            "ticket_attributes": one["ticket_attributes"],
            "ticket_state": {"type": "ticket_state", "id": state, "category": one["state"]},
            "ticket_type": self._type(),
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": one["contact"], "external_id": None}]},
            "admin_assignee_id": one["admin_assignee_id"],
            "team_assignee_id": "0",
            "created_at": one["created_at"],
            "updated_at": one["updated_at"],
            "open": one["open"],
            "is_shared": False,
            "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
            "ticket_parts": {
                "type": "ticket_part.list",
                "ticket_parts": one["parts"][-self.shown_parts :],
                "total_count": len(one["parts"]),
            },
        }


def markup(text: str) -> str:
    """A text typed or sent as text, as Intercom keeps it: a paragraph of HTML."""
    return f"<p>{html.escape(text, quote=False).replace(chr(10), '<br>')}</p>"
