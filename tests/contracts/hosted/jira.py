"""Jira Service Management in memory, from Atlassian's OpenAPI document and reference of the service desk's requests."""

import re
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from contracts.hosted.fake import FakeVendor, RefusalError

TOKEN = "remit@desk.test:ATATT3xFfGF0keyOfRemit"
REMIT, ANN, BEN, APP = "712020:0a-remit", "5b10ac8d82e05b22cc7d4ef5", "5b10a2844c20165700ede21g", "557058:an-app"
DESK, REQUEST_TYPE = "10", "25"
FIELDS = {
    "summary": "Summary",
    "customfield_10100": "Remit Case",
    "customfield_10101": "Agent Identity",
    "customfield_10102": "Remit State",
}
STATUSES = {"1": ("Open", "new"), "3": ("In Progress", "indeterminate"), "10001": ("Resolved", "done"), "6": ("Closed", "done")}
TRANSITIONS = {"11": "3", "21": "10001", "31": "1"}
WHO = {"ann": ANN, "ben": BEN, "remit": REMIT}


class FakeJira(FakeVendor):
    """One service desk with one type of requests. Comments are written in wiki markup, and read as a document."""

    routes: ClassVar = {
        "GET /rest/api/3/myself": "me",
        "GET /rest/api/3/user": "user",
        "GET /rest/api/3/field": "fields_of",
        "GET /rest/api/3/status": "statuses",
        "GET /rest/api/3/search/jql": "search",
        "GET /rest/api/3/issue/{issue}": "show",
        "PUT /rest/api/3/issue/{issue}": "edit",
        "GET /rest/api/3/issue/{issue}/changelog": "changelog",
        "GET /rest/api/3/issue/{issue}/comment": "comments",
        "GET /rest/api/3/issue/{issue}/transitions": "transitions",
        "POST /rest/api/3/issue/{issue}/transitions": "transit",
        "POST /rest/servicedeskapi/request": "create",
        "POST /rest/servicedeskapi/request/{issue}/comment": "comment",
    }

    def __init__(self) -> None:
        self.users = {who: self._user(who, f"{name}@desk.test") for name, who in WHO.items()}
        self.own_address("requester@desk.test")
        self.users[APP] = self._user(APP, "", kind="app")
        self.issues: dict[str, dict[str, Any]] = {}
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.names = dict(FIELDS)

    def sign_in(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != f"Basic {b64encode(TOKEN.encode()).decode()}":
            raise RefusalError(401, {"errorMessages": ["Client must be authenticated to access this resource."], "errors": {}})

    def not_found(self) -> Any:
        return {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}

    # Requests.

    def me(self, **_: Any) -> tuple[int, Any]:
        return 200, self.users[REMIT]

    def user(self, query: Any, **_: Any) -> tuple[int, Any]:
        if query["accountId"] not in self.users:
            raise RefusalError(404, self.not_found())
        return 200, self.users[query["accountId"]]

    def fields_of(self, **_: Any) -> tuple[int, Any]:
        return 200, [{"id": key, "key": key, "name": name, "custom": key.startswith("customfield_")} for key, name in self.names.items()]

    def statuses(self, **_: Any) -> tuple[int, Any]:
        return 200, [self._status(key) for key in STATUSES]

    def search(self, query: Any, **_: Any) -> tuple[int, Any]:
        asked = query["jql"]
        found = [one for one in self.issues.values() if self.shown(one["id"]) or "~" not in asked]
        case = re.search(r'cf\[10100\] ~ "([^"]*)"', asked)
        since = re.search(r"cf\[10100\] is not EMPTY and updated >= -(\d+)m", asked)
        assert case or since, asked
        if case is not None:
            words = case[1].lower()
            found = [one for one in found if words in str(one["fields"].get("customfield_10100", "")).lower()]
        if since is not None:
            oldest = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(self.now() - 60 * int(since[1])))
            found = [one for one in found if one["fields"]["updated"] >= oldest and one["fields"].get("customfield_10100")]
        assert asked.endswith(" order by updated desc"), asked
        found.sort(key=lambda one: str(one["fields"]["updated"]), reverse=True)
        size, start = int(query["maxResults"]), int(query.get("nextPageToken", 0))
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {"isLast": True}
        return 200, {"issues": [self._shown(one) for one in found[start : start + size]], **more}

    def create(self, body: Any, **_: Any) -> tuple[int, Any]:
        if (body["serviceDeskId"], body["requestTypeId"]) != (DESK, REQUEST_TYPE):
            raise RefusalError(404, {"errorMessage": "The service desk or request type does not exist."})
        values = body["requestFieldValues"]
        if set(values) - set(self.names):
            raise RefusalError(400, {"errorMessage": "Field cannot be set."})
        number = str(self.next_id())
        times = {"created": self.iso_ms(), "updated": self.iso_ms()}
        fields = {**dict.fromkeys(("customfield_10100", "customfield_10101", "customfield_10102")), **values, **times}
        self.issues[number] = {
            "id": number,
            "key": f"SUP-{number}",
            "fields": fields,
            "status": "1",
            "assignee": None,
            "reporter": REMIT,
            "comments": [],
            "changes": [],
        }
        return 201, {"issueId": number, "issueKey": f"SUP-{number}", "requestTypeId": REQUEST_TYPE, "serviceDeskId": DESK}

    def show(self, issue: str, **_: Any) -> tuple[int, Any]:
        return 200, self._shown(self._known(issue))

    def edit(self, issue: str, body: Any, **_: Any) -> tuple[int, Any]:
        one = self._known(issue)
        if set(body["fields"]) - set(self.names):
            raise RefusalError(400, {"errorMessages": [], "errors": {"field": "cannot be set"}})
        one["fields"].update(body["fields"])
        self._touch(one)
        return 204, None

    def changelog(self, issue: str, query: Any, **_: Any) -> tuple[int, Any]:
        return 200, self._page("values", self._known(issue)["changes"], query)

    def comments(self, issue: str, query: Any, **_: Any) -> tuple[int, Any]:
        return 200, self._page("comments", self._known(issue)["comments"], query)

    def transitions(self, **_: Any) -> tuple[int, Any]:
        rows = [{"id": key, "name": STATUSES[to][0], "to": self._status(to)} for key, to in TRANSITIONS.items()]
        return 200, {"expand": "transitions", "transitions": rows}

    def transit(self, issue: str, body: Any, **_: Any) -> tuple[int, Any]:
        self.move(self._known(issue), "status", TRANSITIONS[body["transition"]["id"]])
        return 204, None

    def comment(self, issue: str, body: Any, **_: Any) -> tuple[int, Any]:
        said = self._add(self._known(issue), REMIT, wiki(body["body"]), public=body["public"])
        return 201, {"id": said["id"], "body": body["body"], "public": body["public"], "author": {"accountId": REMIT}}

    # The vendor's own pages.

    def own_address(self, email: str) -> None:
        self.users[REMIT]["emailAddress"] = email

    def tickets_of(self, case: str) -> list[str]:
        return [one["id"] for one in self.issues.values() if one["fields"].get("customfield_10100") == case]

    def fields(self, ticket: str) -> tuple[str, str]:
        values = self.issues[ticket]["fields"]
        return values["customfield_10101"] or "", values["customfield_10102"] or ""

    def seen(self, ticket: str) -> list[str]:
        """The comments as their page shows them."""
        return [shown(one["body"]).strip("\n") for one in self.issues[ticket]["comments"]]

    def say(self, ticket: str, who: str, text: str, *, public: bool, by_api: bool = False) -> None:
        """By the API an app writes as itself alone."""
        content: list[dict[str, Any]] = []
        for line in text.split("\n"):
            content += [{"type": "hardBreak"}] if content else []
            content += [{"type": "text", "text": line}] if line else []
        document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": content}]}
        self._add(self.issues[ticket], APP if by_api else WHO[who], document, public=public)

    def edit_comment(self, ticket: str, place: int, who: str, text: str) -> None:
        """Change a comment, which keeps its author."""
        one = self.issues[ticket]["comments"][place]
        lines = [node for line in text.split("\n") for node in ({"type": "hardBreak"}, {"type": "text", "text": line})]
        one["body"] = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": lines[1:]}]}
        one["updateAuthor"] = {name: value for name, value in self.users[WHO[who]].items() if name != "emailAddress"}
        self._touch(self.issues[ticket])

    def say_as_stranger(self, ticket: str, text: str) -> None:
        self.users["qm:stranger"] = self._user("qm:stranger", "stranger@mail.example", kind="customer")
        document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
        self._add(self.issues[ticket], "qm:stranger", document, public=True)

    def assign(self, ticket: str, who: str) -> None:
        self.move(self.issues[ticket], "assignee", WHO[who])

    def set_open(self, ticket: str, *, open: bool) -> None:  # noqa: A002
        self.move(self.issues[ticket], "status", "3" if open else "6")

    def set_requester(self, ticket: str, email: str) -> None:
        who = f"qm:{self.next_id()}"
        self.users[who] = self._user(who, email, kind="customer")
        self.move(self.issues[ticket], "reporter", who)

    def drop_field(self, name: str) -> None:
        self.names = {key: label for key, label in self.names.items() if label != name}

    # The state.

    def iso_ms(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime(self.now()))

    def move(self, one: dict[str, Any], field: str, value: str) -> None:
        item = {"field": field, "fieldtype": "jira", "fieldId": field, "to": value, "toString": value}
        if one[field] is not None:
            item["from"] = one[field]
        one[field] = value
        one["changes"].append({"id": str(self.next_id()), "created": self.iso_ms(), "items": [item]})
        self._touch(one)

    def _add(self, one: dict[str, Any], who: str, document: Any, *, public: bool) -> dict[str, Any]:
        author = {name: value for name, value in self.users[who].items() if name != "emailAddress"}
        said = {
            "id": str(self.next_id()),
            "author": author,
            "updateAuthor": author,
            "body": document,
            "created": self.iso_ms(),
            "jsdPublic": public,
        }
        one["comments"].append(said)
        self._touch(one)
        return said

    def _touch(self, one: dict[str, Any]) -> None:
        one["fields"]["updated"] = self.iso_ms()

    def _user(self, who: str, email: str, *, kind: str = "atlassian") -> dict[str, Any]:
        return {"accountId": who, "accountType": kind, "active": True, "displayName": who, "emailAddress": email}

    def _status(self, key: str) -> dict[str, Any]:
        name, category = STATUSES[key]
        return {"id": key, "name": name, "statusCategory": {"key": category, "name": category}}

    def _page(self, name: str, rows: list[Any], query: Mapping[str, str]) -> dict[str, Any]:
        start, size = int(query.get("startAt", 0)), int(query.get("maxResults", 100))
        return {name: rows[start : start + size], "startAt": start, "maxResults": size, "total": len(rows)}

    def _known(self, issue: str) -> dict[str, Any]:
        if issue not in self.issues:
            raise RefusalError(404, self.not_found())
        return self.issues[issue]

    def _shown(self, one: Mapping[str, Any]) -> dict[str, Any]:
        people = {name: self.users[one[name]] if one[name] else None for name in ("assignee", "reporter")}
        return {"id": one["id"], "key": one["key"], "fields": {**one["fields"], "status": self._status(one["status"]), **people}}


def wiki(text: str) -> dict[str, Any]:
    """Wiki markup as a document: what stands in `{noformat}` as it is; elsewhere two backslashes break a line."""
    content: list[dict[str, Any]] = []
    for number, piece in enumerate(re.split(r"(?i)\{noformat\}\n?", text)):
        if number % 2:
            content.append({"type": "codeBlock", "content": [{"type": "text", "text": piece.removesuffix("\n")}]})
        elif piece.strip():
            lines = piece.replace("\\\\", "\n").split("\n")
            nodes = [node for line in lines for node in ({"type": "hardBreak"}, {"type": "text", "text": line})]
            content.append({"type": "paragraph", "content": nodes[1:]})
    return {"type": "doc", "version": 1, "content": content}


def shown(node: Mapping[str, Any]) -> str:
    """The text of a document."""
    if node["type"] in {"text", "hardBreak"}:
        return str(node.get("text", "\n"))
    return "".join(shown(one) for one in node.get("content", ())) + ("\n" if node["type"] != "doc" else "")
