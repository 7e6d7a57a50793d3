"""The probes' door of a visitor: an app without a key, let in by Anna, with a bearer token."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from attacks.arena import EXCHANGE, RETURN, Arena, catalogue
from attacks.probes.door import Answer
from attacks.probes.http import answered
from remit.client.calls import MANDATE_TOKEN
from visiting import TERMS, Documents, Visitor, documents, opened

PRESET: Final = {name: RETURN[name] for name in ("powers", "never")}
OPTIONS: Final[Mapping[str, Any]] = {"catalogue": opened(catalogue(), {"return-item": PRESET}), "settings": TERMS}


class VisitorDoor:
    """One task of a visitor; what the customer grants is the preset."""

    takes_files = True

    def __init__(self, arena: Arena, docs: Documents) -> None:
        self.arena = arena
        self._docs = docs
        self._visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1"])
        self.task, self.mandate = self._visitor.tokens["task"], self._visitor.tokens["mandate"]
        self.case = str(self._visitor.send("GET", f"/v1/tasks/{self.task}").json()["case"])

    def ask(
        self, action: str, params: Any, *, words: str | None = None, files: Sequence[Mapping[str, str]] = (), **smuggled: Any
    ) -> Answer:
        body = {"action": action, "params": params, **({"words": words} if words else {}), **({"attachments": [*files]} if files else {})}
        return answered(self._visitor.send("POST", f"/v1/tasks/{self.task}/asks", body | smuggled))

    def wait(self, ask: str) -> Answer:
        return answered(self._visitor.send("GET", f"/v1/asks/{ask}"))

    def read(self) -> str:
        return "".join(self._visitor.send("GET", f"/v1/tasks/{self.task}{what}").text for what in ("", "/inbox"))

    def complete(self) -> Answer:
        return answered(self._visitor.send("POST", f"/v1/tasks/{self.task}/complete"))

    def accept(self, ask: str) -> Answer:
        invitation = next(row["confirmation"] for row in self.arena.anna.waiting() if row["ask"] == ask)
        return answered(self._visitor.send("POST", f"/me/v1/confirmations/{invitation}", {"answer": "yes"}))

    def borrowed(self, session: str) -> Answer:
        return answered(
            self.arena.person("GET", f"/v1/tasks/{self.task}", headers={"authorization": f"Bearer {session.partition('=')[2]}"})
        )

    def stolen(self, action: str, params: Any) -> Answer:
        """Refresh as another client: a copied bearer token lives until its end, and is worth no more than these probes let it do."""
        other = Visitor(self.arena.room, self._docs.publish("/other.json", name="Other"))
        refreshed = other.refresh(self._visitor.tokens["refresh_token"])
        if refreshed.is_error:
            return answered(refreshed)
        return answered(other.send("POST", f"/v1/tasks/{self.task}/asks", {"action": action, "params": params}))

    def handed_on(self, part: Mapping[str, Any]) -> Answer:
        form = {
            "grant_type": EXCHANGE,
            "client_id": self._visitor.client_id,
            "subject_token": self.mandate,
            "subject_token_type": MANDATE_TOKEN,
            "authorization_details": json.dumps([part]),
        }
        return answered(self._visitor.form("/oauth/token", form))


@contextmanager
def visiting(arena: Arena, _wanted: Mapping[str, Any] | None) -> Iterator[VisitorDoor]:
    """Let a visitor in, whose document is served meanwhile."""
    with documents() as docs:
        yield VisitorDoor(arena, docs)
