"""roundup's REST in memory: rows of classes, exact filters, ETags; `tests/real/test_roundup.py` holds the dialect to a real one."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from remit.adapters.http.connection import HttpAnswer

REMIT, ANN, BOT = "6", "3", "5"
NAMES = {REMIT: "remit", ANN: "ann", BOT: "bot"}


@dataclass
class RoundupInMemory:
    """Rows by class and id, a link's properties under its path. Everything that is created, Remit's account creates."""

    base: str = "http://127.0.0.1/desk/rest"
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    changes: int = 0
    refused: int = 0
    """How many of the next changes meet a ticket that was changed meanwhile."""

    def __post_init__(self) -> None:
        for user, name in NAMES.items():
            address = "" if user == BOT else f"{name}@desk.test"
            self.put("user", user, username=name, timezone="UTC", remit_address=address)
        self.put("status", "8", name="resolved", remit_closed=1)

    def put(self, name: str, ref: str, /, **values: Any) -> None:
        """Set properties of a row."""
        self.rows.setdefault(name, {}).setdefault(ref, {"id": ref}).update(values)

    def say(self, ticket: str, what: str, text: str, *, by: str, writer: str = "", at: str = "2026-11-29.18:00:00") -> None:
        """A line of the log: a message by `writer` that `by` put into the ticket."""
        values = {"creator.username": NAMES[by], "creator.remit_address": self.rows["user"][by]["remit_address"]}
        message = {"msg.creator": writer or by, "msg.content": text, "files": []}
        log = self.rows.setdefault("remit_log", {})
        self.put("remit_log", str(len(log) + 1), issue=ticket, what=what, creation=at, creator=by, **values, **message)

    async def send(self, method: str, path: str, *, headers: dict[str, str], body: bytes, **_: Any) -> HttpAnswer:
        """Answer as roundup does."""
        parts = urlsplit(path)
        _, _, name, *ref = parts.path.split("/")
        if method == "POST":
            new = str(len(self.rows.get(name, {})) + 1)
            self.put(name, new, **{"creator": REMIT, **json.loads(body)})
            return HttpAnswer(201, body=json.dumps({"data": {"id": new}}).encode())
        if method == "PUT":
            self.changes, self.refused = self.changes + bool(self.refused), max(self.refused - 1, 0)
            if headers.get("if-match") != self.etag:
                return HttpAnswer(412)
            self.put(name, ref[0], **json.loads(body))
            return HttpAnswer(200, body=b'{"data": {}}')
        asked = dict(parse_qsl(parts.query))
        fields = asked.get("@fields", "").split(",")
        found = [self.rows[name][one] for one in ref] if ref else [row for row in self.rows.get(name, {}).values() if matches(row, asked)]
        shown = [{"id": row["id"], **{one: row.get(one) for one in fields}} for row in found]
        data: Any = {"attributes": shown[0], "@etag": self.etag} if ref else {"collection": shown}
        return HttpAnswer(200, body=json.dumps({"data": data}).encode())

    @property
    def etag(self) -> str:
        """The present ETag of every ticket."""
        return f'"{self.changes}"'

    def close(self) -> None:
        """Nothing is open."""


def matches(row: dict[str, Any], asked: dict[str, str]) -> bool:
    """roundup folds nothing with an exact filter; here one folds case, so that what it finds has to be compared."""
    wanted = {name.removesuffix(":"): value for name, value in asked.items() if not name.startswith("@") and name != "creation"}
    return all(str(row.get(name)).lower() == value.lower() for name, value in wanted.items())
