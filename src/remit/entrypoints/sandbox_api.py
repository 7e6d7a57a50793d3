"""Control routes of a sandbox: adding people and agents without an administrator, replacing facts. Loopback only.

The one thing they give that no other door gives is a vouched invitation; enrolment itself goes through the real routes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from remit.domain.confirmers import Enrolment
from remit.domain.errors import Code, Refused
from remit.domain.records import Person, Tier
from remit.domain.transcript import Section
from remit.domain.values import instant_text
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.wire import Receive, Scope, decode_as, one_header, read_body, verify_json_type
from remit.usecases.enrol import add_person, invite_person
from remit.usecases.parts import Parts
from remit.usecases.recording import open_row
from remit.usecases.register import NewAgent, register
from remit.usecases.revoke import suspend
from remit.usecases.sweep import sweep


class SandboxControls(Protocol):
    """What a sandbox backoffice lets be changed."""

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Use these facts from now on."""
        ...


class PersonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add, with a vouched invitation."""

    id: str
    kind: str
    name: str = ""
    email: str = ""
    roles: list[str] = []
    how: str = "vouched"


class AgentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent to register."""

    client_id: str
    operator: str
    keys: dict[str, Any]
    actor: str = ""
    name: str = ""
    tier: str = "known"
    method: str = "private_key_jwt"
    redirect_uris: list[str] = []


class SuspendIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to suspend."""

    what: str
    name: str
    reason: str = "sandbox"


@dataclass(frozen=True, slots=True)
class SandboxApi:
    """Handlers of one sandbox."""

    parts: Parts
    controls: SandboxControls | None

    async def people(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /sandbox/v1/people: add somebody (or find them) and get a one-time enrolment code."""
        body = decode_as(await self._body(scope, receive), PersonIn)
        person = Person(
            id=body.id,
            kind=body.kind,
            key=body.id,
            name=body.name or body.id,
            email=body.email,
            roles=tuple(body.roles),
            created_at=self.parts.world.now(),
        )
        try:
            await add_person(self.parts, person)
        except Refused as refused:
            if refused.code is not Code.REQUEST_CONFLICT:
                raise
        code = await invite_person(self.parts, body.id, how=Enrolment(body.how), ttl_s=600)
        return json_answer(201, {"id": body.id, "code": code})

    async def agents(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /sandbox/v1/agents."""
        body = decode_as(await self._body(scope, receive), AgentIn)
        new = NewAgent(
            client_id=body.client_id,
            actor=body.actor or body.client_id,
            operator=body.operator,
            name=body.name or body.client_id,
            tier=Tier(body.tier),
            method=body.method,
            keys=body.keys,
            redirect_uris=tuple(body.redirect_uris),
        )
        record = await register(self.parts, new, by="sandbox")
        return json_answer(201, {"client_id": record.id})

    async def suspend(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /sandbox/v1/suspend."""
        body = decode_as(await self._body(scope, receive), SuspendIn)
        stopped = await suspend(self.parts, what=body.what, name=body.name, reason=body.reason, by="sandbox")
        return json_answer(200, {"tasks": [one.task for one in stopped.tasks], "took_ms": stopped.took_ms})

    async def facts(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """PUT /sandbox/v1/facts: replace the facts of a sandbox backoffice."""
        if self.controls is None:
            raise Refused(Code.REQUEST_NOT_FOUND, "this desk is not made of facts", public="This desk has a backoffice of its own.")
        self.controls.replace_facts(decode_as(await self._body(scope, receive), dict))
        return json_answer(200, {})

    async def transcript(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /sandbox/v1/transcript: every entry, opened."""
        rows: list[Mapping[str, object]] = []
        low = 0
        while True:
            page = await self.parts.store.entries(low=low, limit=1000)
            for entry in page:
                opened = await open_row(self.parts, entry.row)
                sections = {section.value: opened.sections[section].body if section in opened.sections else None for section in Section}
                rows.append({"index": entry.index, "kind": opened.kind.value, "at": instant_text(opened.at), **sections})
            if len(page) < 1000:  # noqa: PLR2004  # a page
                return json_answer(
                    200, {"entries": rows, "checkpoint": await self.parts.store.checkpoint(), "key": self.parts.signer.log_key()}
                )
            low = page[-1].index + 1

    async def sweep(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /sandbox/v1/sweep: one round of the jobs, at once."""
        return json_answer(200, {"done": await sweep(self.parts, patience_s=0)})

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        if one_header(scope, b"origin"):
            raise Refused(Code.PERSON_NOT_ALLOWED, "no page may use the sandbox's controls")
        verify_json_type(scope)
        return await read_body(scope, receive)
