"""An agent in a sandbox: its own identity and key, with a real client underneath."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from remit.client import calls, consent, responses
from remit.client.agent import Agent
from remit.client.calls import Call
from remit.client.connection import Door
from remit.client.discovery import Metadata
from remit.client.errors import Problem, Unavailable
from remit.client.identities import PrivateKeyJwt
from remit.client.keys import b64url, load_key, new_key
from remit.client.responses import Answered, Opened
from remit.client.transport import Retries
from remit.client.values import Attached
from remit.sandbox.backend import Room
from remit.sandbox.params import plain, sent
from remit.sandbox.people import SandboxMandate, mandate_id
from remit.sandbox.replies import SandboxReply, read_reply, refused_reply

REDIRECT: Final = "http://127.0.0.1/callback"
_RENEW_BEFORE_S: Final = 30.0


class SandboxAgent:
    """A registered workload with its own assertion key and DPoP key."""

    def __init__(self, room: Room, client_id: str, *, tier: str, operator: str, name: str) -> None:
        """Register the agent and make its keys."""
        self._room = room
        self.client_id = client_id
        self.operator = operator
        self.tier = tier
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
        self.key = new_key()
        self.client = Agent(
            desk=room.issuer,
            identity=self.identity,
            key=self.key,
            transport=room.transport,
            retries=Retries(attempts=1),
        )
        self._verifiers: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"SandboxAgent({self.client_id!r}, tier={self.tier!r})"

    @property
    def door(self) -> Door:
        """The client's connection to the desk."""
        return self.client.door

    def call(self, make: Callable[[Metadata], Call], *, token: str | None = None) -> Answered:
        """Make one call for the desk's addresses and send it, as this agent."""

        async def send() -> Answered:
            if self._room.metadata is None:
                self._room.metadata = await self.door.desk()
            return await self.door.send(make(self._room.metadata), token=token)

        return self._room.thread.run(send())

    def push(self, mandate: Mapping[str, Any]) -> tuple[str, str]:
        """Push a mandate request as given; return the request_uri and the state."""
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        details = sent([plain(mandate)], "mandate.invalid").decode()
        challenge = b64url(hashlib.sha256(verifier.encode("ascii")).digest())
        jkt = self.client.key_thumbprint
        answered = self.call(
            lambda desk: calls.pushed_request(
                desk, details=details, redirect_uri=REDIRECT, state=state, challenge=challenge, jkt=jkt
            )
        )
        self._verifiers[state] = verifier
        return responses.read_pushed(answered).request_uri, state

    def redeem(self, redirect: str, state: str) -> Mapping[str, Any]:
        """Redeem the code of a redirect; return the token answer."""
        code = consent.verify_redirect(consent.redirect_members(redirect), issuer=self._room.issuer)
        verifier = self._verifiers.pop(state)
        answered = self.call(lambda desk: calls.code_grant(desk, code=code, redirect_uri=REDIRECT, verifier=verifier))
        body: Mapping[str, Any] = answered.json()  # type: ignore[assignment]  # the desk's own JSON
        return body

    def open(self, mandate: SandboxMandate | str) -> "SandboxTask":
        """Open a task under a mandate.

        Raises:
            Refused: as the desk refused the exchange.
            Miswritten: `request.malformed` for what is neither a mandate nor the id of one.
        """
        return SandboxTask(self, self._room, self.exchange(mandate_id(mandate), calls.MANDATE_TOKEN))

    def hand_on(self, mandate: SandboxMandate | str, other: "SandboxAgent", part: Mapping[str, Any]) -> str:
        """Issue a sub-mandate, a narrower `remit_mandate`, to another agent, which opens it by the returned id.

        Raises:
            Refused: as the desk refused it (`grant.invalid`, `mandate.invalid`, …).
            Miswritten: `request.malformed` for what is neither a mandate nor the id of one, `mandate.invalid` for a
                part that is not JSON.
        """
        subject, details, given = (
            mandate_id(mandate),
            sent([plain(part)], "mandate.invalid").decode(),
            other.client.introduce(),
        )
        answered = self.call(lambda desk: calls.branch(desk, mandate=subject, details=details, other=given))
        return responses.read_branch(answered).mandate

    def exchange(self, subject: str, kind: str) -> Opened:
        """Exchange a mandate or a task for a credential."""
        key = secrets.token_urlsafe(16)
        return responses.read_opened(
            self.call(lambda desk: calls.exchange(desk, subject=subject, subject_type=kind, key=key))
        )


class SandboxTask:
    """An open task. Its credential is renewed before it expires, as a real client does."""

    def __init__(self, agent: SandboxAgent, room: Room, opened: Opened) -> None:
        self.agent = agent
        self.id = opened.task
        self.case = opened.case
        self._room = room
        self._keep(opened)

    def __repr__(self) -> str:
        return f"SandboxTask({self.id!r})"

    def ask(
        self,
        action: str,
        params: Mapping[str, Any] | None = None,
        words: str | None = None,
        *,
        idempotency_key: str | None = None,
        attachments: Sequence[Attached] = (),
    ) -> SandboxReply:
        """Ask for one action; a refusal is returned, not raised. Numbers may be int, float or Decimal.

        An attachment is an `Attachment`, or its form on the wire: `{"name": …, "media_type": …, "data_b64": …}`.

        Raises:
            Miswritten: `params.invalid` when the params are not JSON, or have a number that JSON cannot carry exactly.
        """
        given = plain({} if params is None else params)
        key = secrets.token_urlsafe(16) if idempotency_key is None else idempotency_key
        self._renew_in_time()
        return self._reply(
            lambda desk: calls.ask(
                desk, task=self.id, action=action, params=given, words=words, attachments=attachments, key=key
            )
        )

    def poll(self, ask: str, *, wait: int = 0) -> SandboxReply:
        """Return the present state of an ask."""
        self._renew_in_time()
        return self._reply(lambda desk: calls.ask_state(desk, ask_id=ask, wait_s=wait), ask)

    def status(self) -> Mapping[str, Any]:
        """Return the state of the task."""
        answered = self.agent.call(lambda desk: calls.task_status(desk, task=self.id), token=self.token)
        body: Mapping[str, Any] = answered.json()  # type: ignore[assignment]  # the desk's own JSON
        return body

    def inbox(self, *, after: int = 0) -> list[Mapping[str, Any]]:
        """Return the task's messages."""
        body: Any = self.agent.call(
            lambda desk: calls.inbox(desk, task=self.id, after=after, wait_s=0), token=self.token
        ).json()
        return list(body["messages"])

    def renew(self) -> None:
        """Renew the credential.

        Raises:
            Refused: as the desk refused the exchange.
        """
        self._keep(self.agent.exchange(self.id, calls.TASK_TOKEN))

    def complete(self) -> None:
        """Complete the task.

        Raises:
            Refused: when it has ended already.
        """
        self.agent.call(lambda desk: calls.complete(desk, task=self.id), token=self.token)

    def _keep(self, opened: Opened) -> None:
        self.token = opened.access_token
        self._until = time.monotonic() + opened.expires_in_s - _RENEW_BEFORE_S

    def _renew_in_time(self) -> None:
        if time.monotonic() < self._until:
            return
        try:
            self.renew()
        except Unavailable:
            return  # tried again with the next ask
        except Problem:
            self._until = float("inf")  # the task is over; the next ask says why

    def _reply(self, make: Callable[[Metadata], Call], ask: str = "") -> SandboxReply:
        try:
            answered = self.agent.call(make, token=self.token)
        except Problem as problem:
            return refused_reply(problem, self.poll, ask)
        body: Any = answered.json()
        return read_reply(body, answered.status, self.poll)
