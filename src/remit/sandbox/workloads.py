"""An agent in a sandbox: its own identity and key, a real client underneath."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from remit.client import answers, calls, consent
from remit.client.agent import Agent
from remit.client.answers import Answered, Opened
from remit.client.calls import Call
from remit.client.door import Door
from remit.client.errors import Problem
from remit.client.identities import PrivateKeyJwt
from remit.client.keys import b64url, load_key, new_key
from remit.client.reading import encode
from remit.client.sending import Retries
from remit.sandbox.people import SandboxMandate
from remit.sandbox.replies import SandboxReply, read_reply, refused_reply
from remit.sandbox.room import Room

REDIRECT = "http://127.0.0.1/callback"


class SandboxAgent:
    """A registered workload with its own assertion key and DPoP key."""

    def __init__(self, room: Room, client_id: str, *, tier: str, operator: str, name: str) -> None:
        """Register the agent and make its keys."""
        self._room = room
        self.client_id = client_id
        self.operator = operator
        key = new_key()
        public = load_key(key).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
        room.control(
            "POST",
            "/sandbox/v1/agents",
            {
                "client_id": client_id,
                "actor": client_id,
                "operator": operator,
                "name": name,
                "tier": tier,
                "keys": {"jwks": {"keys": [public]}},
                "redirect_uris": [REDIRECT],
            },
        )
        self.identity = PrivateKeyJwt(client_id, key, "k1")
        self.client = Agent(desk=room.issuer, identity=self.identity, transport=room.transport, retries=Retries(attempts=1))
        self._verifiers: dict[str, str] = {}

    @property
    def door(self) -> Door:
        """The client's door to the desk."""
        return self.client.door

    def run(self, call: Call, *, token: str | None = None) -> Answered:
        """Send one call of this agent."""
        return self._room.thread.run(self.door.send(call, token=token))

    def push(self, mandate: Mapping[str, Any]) -> tuple[str, str]:
        """Push a mandate request as given; returns the request_uri and the state."""
        desk = self._room.thread.run(self.door.desk())
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        call = calls.pushed_request(
            desk,
            details=encode([dict(mandate)]).decode(),
            redirect_uri=REDIRECT,
            state=state,
            challenge=b64url(hashlib.sha256(verifier.encode("ascii")).digest()),
            jkt=self.client.key_thumbprint,
        )
        pushed = answers.read_pushed(self.run(call))
        self._verifiers[state] = verifier
        return pushed.request_uri, state

    def redeem(self, redirect: str, state: str) -> Mapping[str, Any]:
        """Redeem the code of a redirect; returns the token answer."""
        members = consent.redirect_members(redirect)
        desk = self._room.thread.run(self.door.desk())
        code = consent.verify_redirect(members, issuer=self._room.issuer)
        call = calls.code_grant(desk, code=code, redirect_uri=REDIRECT, verifier=self._verifiers.pop(state))
        body: Mapping[str, Any] = self.run(call).json()  # type: ignore[assignment]  # the desk's own JSON
        return body

    def open(self, mandate: SandboxMandate | str) -> "SandboxTask":
        """Open a task under a mandate.

        Raises:
            Refused: as the desk refused the exchange.
        """
        mandate_id = mandate if isinstance(mandate, str) else mandate.id
        return SandboxTask(self, self._room, self.exchange(mandate_id, calls.MANDATE_TOKEN))

    def exchange(self, subject: str, kind: str) -> Opened:
        """Exchange a mandate or a task for a credential."""
        desk = self._room.thread.run(self.door.desk())
        return answers.read_opened(self.run(calls.exchange(desk, subject=subject, subject_type=kind, key=secrets.token_urlsafe(16))))


class SandboxTask:
    """An open task."""

    def __init__(self, agent: SandboxAgent, room: Room, opened: Opened) -> None:
        self.agent = agent
        self.id = opened.task
        self.case = opened.case
        self.token = opened.access_token
        self._room = room

    def ask(
        self,
        action: str,
        params: Mapping[str, Any],
        words: str | None = None,
        *,
        idempotency_key: str | None = None,
        attachments: tuple[Any, ...] = (),
    ) -> SandboxReply:
        """Ask for one action; a refusal is returned, not raised."""
        desk = self._room.thread.run(self.agent.door.desk())
        call = calls.ask(
            desk,
            task=self.id,
            action=action,
            params=params,
            words=words,
            attachments=attachments,
            key=idempotency_key or secrets.token_urlsafe(16),
        )
        return self._reply(call)

    def poll(self, ask: str, *, wait: int = 0) -> SandboxReply:
        """An ask as it stands now."""
        desk = self._room.thread.run(self.agent.door.desk())
        return self._reply(calls.ask_state(desk, ask_id=ask, wait_s=wait))

    def status(self) -> Mapping[str, Any]:
        """How the task stands."""
        desk = self._room.thread.run(self.agent.door.desk())
        body: Mapping[str, Any] = self.agent.run(calls.task_status(desk, task=self.id), token=self.token).json()  # type: ignore[assignment]  # the desk's own JSON
        return body

    def inbox(self, *, after: int = 0) -> list[Mapping[str, Any]]:
        """The task's messages."""
        desk = self._room.thread.run(self.agent.door.desk())
        body: Any = self.agent.run(calls.inbox(desk, task=self.id, after=after, wait_s=0), token=self.token).json()
        return list(body["messages"])

    def renew(self) -> None:
        """Take a fresh credential."""
        self.token = self.agent.exchange(self.id, calls.TASK_TOKEN).access_token

    def complete(self) -> None:
        """End the task."""
        desk = self._room.thread.run(self.agent.door.desk())
        self.agent.run(calls.complete(desk, task=self.id), token=self.token)

    def _reply(self, call: Call) -> SandboxReply:
        try:
            answered = self.agent.run(call, token=self.token)
        except Problem as problem:
            return refused_reply(problem, self.poll)
        body: Any = answered.json()
        return read_reply(body, answered.status, self.poll)
