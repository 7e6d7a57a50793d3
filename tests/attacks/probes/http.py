"""The probes' door over HTTP: `/v1`, DPoP, and a person's doors tried with the agent's own credential."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from attacks.arena import ISSUER, Arena
from attacks.probes.door import Answer
from remit.client.calls import MANDATE_TOKEN
from remit.client.keys import ProofKey

OTHER = "spiffe://helper.example/other"


def answered(response: httpx.Response) -> Answer:
    """Read an answer of the HTTP API, of OAuth's endpoints or of a person's door."""
    said = response.json()
    result = said.get("result")
    parts = {name: str(said.get(name) or "") for name in ("code", "decision", "state", "ask", "outcome")}
    return Answer(**parts, text=response.text, result=result if isinstance(result, dict) else None)


class HttpDoor:
    """One task of a sandbox's agent."""

    takes_files = True

    def __init__(self, arena: Arena, wanted: Mapping[str, Any] | None = None) -> None:
        self.arena = arena
        granted, self._task = arena.granted(wanted)
        self.task, self.mandate, self.case = self._task.id, granted.id, self._task.case

    def ask(
        self, action: str, params: Any, *, words: str | None = None, files: Sequence[Mapping[str, str]] = (), **smuggled: Any
    ) -> Answer:
        body = {"action": action, "params": params, **({"words": words} if words else {}), **({"attachments": [*files]} if files else {})}
        return answered(self.arena.send(self._task, f"/v1/tasks/{self.task}/asks", body | smuggled))

    def wait(self, ask: str) -> Answer:
        return answered(self.arena.send(self._task, f"/v1/asks/{ask}", method="GET"))

    def read(self) -> str:
        return "".join(self.arena.send(self._task, f"/v1/tasks/{self.task}{what}", method="GET").text for what in ("", "/inbox"))

    def complete(self) -> Answer:
        return answered(self.arena.send(self._task, f"/v1/tasks/{self.task}/complete"))

    def accept(self, ask: str) -> Answer:
        invitation = next(row["confirmation"] for row in self.arena.anna.waiting() if row["ask"] == ask)
        return answered(self.arena.send(self._task, f"/me/v1/confirmations/{invitation}", {"answer": "yes"}))

    def borrowed(self, session: str) -> Answer:
        return answered(
            self.arena.send(self._task, f"/v1/tasks/{self.task}", method="GET", headers={"cookie": session, "authorization": ""})
        )

    def stolen(self, action: str, params: Any) -> Answer:
        key = ProofKey(self.arena.agent(OTHER).key)
        return answered(self.arena.send(self._task, f"/v1/tasks/{self.task}/asks", {"action": action, "params": params}, key=key))

    def handed_on(self, part: Mapping[str, Any]) -> Answer:
        other = self.arena.agent(OTHER)
        given = other.identity.credentials(issuer=ISSUER, now_s=time.time())
        actor = {"actor_token": given["client_assertion"], "actor_token_type": given["client_assertion_type"]}
        more = actor | {
            "requested_token_type": MANDATE_TOKEN,
            "authorization_details": json.dumps([part]),
            "dpop_jkt": other.client.key_thumbprint,
        }
        return answered(self.arena.exchange(self._task.agent, self.mandate, **more))
