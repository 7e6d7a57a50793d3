"""Control routes of a sandbox: adding people and agents without an administrator, replacing facts. Loopback only.

Only vouched invitations are special to them; enrolment itself goes through the real routes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import KEYED_TIERS, PersonRecord, Tier
from remit.domain.structs import struct
from remit.domain.transcript.entry import OpenedEntry, Section
from remit.domain.values import JsonObject
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import suspend
from remit.engine.transcript.record import open_entry
from remit.entrypoints.http.bodies import read_body, read_object
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import (
    Receive,
    Scope,
    convert,
    malformed_request,
    one_header,
    query_parameters,
    verify_json_type,
    whole_number,
)
from remit.proof.checkpoint import b64
from remit.proof.receipt import VERSION
from remit.usecases.agents.register import NewAgent, register_agent, reregister_agent
from remit.usecases.background.sweep import sweep
from remit.usecases.people.enrol import add_person, invite_person
from remit.usecases.people.remove_passkey import remove_oldest_passkey

_PAGE: Final = 500
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SandboxControls(Protocol):
    """The changeable parts of a sandbox backoffice."""

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Replace the facts."""
        ...


class SandboxPersonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add, with a vouched invitation."""

    id: str
    kind: str
    name: str = ""
    email: str = ""
    roles: list[str] = []
    how: str = "vouched"


class SandboxAgentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent to register."""

    client_id: str
    operator: str
    keys: dict[str, Any]
    actor: str = ""
    name: str = ""
    tier: str = "known"
    method: str = "private_key_jwt"
    redirect_uris: list[str] = []
    notification_uri: str = ""


class SandboxSuspendIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The subject of a suspension."""

    what: str
    name: str
    reason: str = "sandbox"


@struct(frozen=True)
class SandboxApi:
    """Handlers of one sandbox."""

    context: DeskContext
    controls: SandboxControls

    async def people(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /sandbox/v1/people: add a person (or allow one more passkey) and get a one-time enrolment code.

        Raises:
            Refused: `request.malformed_request`, `person.not_allowed`.
        """
        body = convert(await self._object(scope, receive), SandboxPersonIn)
        if body.how not in {Enrolment.LINK, Enrolment.RECOVERY, Enrolment.VOUCHED}:
            raise malformed_request("how must be vouched, link or recovery")
        person = PersonRecord(
            id=body.id,
            kind=body.kind,
            key=body.id,
            name=body.name or body.id,
            email=body.email,
            roles=tuple(body.roles),
            created_at=self.context.world.now(),
        )
        try:
            await add_person(self.context, person)
        except Refused as refused:
            if refused.code is not Code.REQUEST_CONFLICT:
                raise
            await remove_oldest_passkey(self.context, body.id, by="sandbox")
        code = await invite_person(self.context, body.id, how=Enrolment(body.how), ttl_s=600)
        return json_response(201, {"id": body.id, "code": code})

    async def agents(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /sandbox/v1/agents: register an agent, or give a registered one its new keys and tier.

        A server outlives the sandboxes that drive it, and each of them makes the keys of its agents anew.

        Raises:
            Refused: `request.malformed_request`, `request.conflict` for one of another operator, `person.not_allowed`.
        """
        body = convert(await self._object(scope, receive), SandboxAgentIn)
        if body.tier not in KEYED_TIERS:
            raise malformed_request("tier must be unproved, known or trusted")
        new = NewAgent(
            client_id=body.client_id,
            actor=body.actor or body.client_id,
            operator=body.operator,
            name=body.name or body.client_id,
            tier=Tier(body.tier),
            method=body.method,
            keys=body.keys,
            redirect_uris=tuple(body.redirect_uris),
            notification_uri=body.notification_uri,
        )
        try:
            record = await register_agent(self.context, new, by="sandbox")
        except Refused as refused:
            if refused.code is not Code.REQUEST_CONFLICT:
                raise
            record = await reregister_agent(self.context, new, by="sandbox")
        return json_response(201, {"client_id": record.id})

    async def suspend(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /sandbox/v1/suspend."""
        body = convert(await self._object(scope, receive), SandboxSuspendIn)
        stopped = await suspend(self.context, what=body.what, name=body.name, reason=body.reason, by="sandbox")
        return json_response(200, {"tasks": [one.task for one in stopped.tasks], "took_ms": stopped.took_ms})

    async def facts(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """PUT /sandbox/v1/facts: replace the facts of a sandbox backoffice.

        Raises:
            Refused: `request.malformed_request` for no facts.
        """
        try:
            self.controls.replace_facts(convert(await self._object(scope, receive), dict))
        except Refused as refused:
            if refused.code is Code.SETTINGS_INVALID:
                raise malformed_request(refused.detail) from None
            raise
        return json_response(200, {})

    async def transcript(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /sandbox/v1/transcript?low=n: a page of the log from place n as one receipt, every section opened."""
        self._verify_tool(scope)
        low = whole_number(query_parameters(scope).get("low", "0"), where="low", most=999_999_999)
        page = await self.context.store.entries(low=low, limit=_PAGE)
        if not page:
            return json_response(200, {"receipt": None})
        proved = await self.context.store.prove([entry.index for entry in page])
        shown = [
            _whole(place.index, await open_entry(self.context, entry.row), place.proof)
            for entry, place in zip(page, proved.places, strict=True)
        ]
        receipt = {
            "v": VERSION,
            "log": self.context.terms.log_origin,
            "entries": shown,
            "checkpoint": proved.checkpoint,
        }
        return json_response(200, {"receipt": receipt})

    async def sweep(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /sandbox/v1/sweep: one round of the jobs, at once."""
        self._verify_tool(scope)
        verify_json_type(scope)
        await read_body(scope, receive)
        return json_response(200, {"done": await sweep(self.context, patience_s=0)})

    async def _object(self, scope: Scope, receive: Receive) -> JsonObject:
        self._verify_tool(scope)
        verify_json_type(scope)
        return await read_object(scope, receive)

    def _verify_tool(self, scope: Scope) -> None:
        """⚔ Verify that no page uses the controls, not even one with a host name pointed at this machine."""
        host = _host_in(one_header(scope, b"host"))
        paged = one_header(scope, b"origin") or one_header(scope, b"sec-fetch-site") not in {"", "none"}
        if paged or host not in {*_LOOPBACK, urlsplit(self.context.terms.issuer).hostname}:
            raise Refused(Code.PERSON_NOT_ALLOWED, "no page may use the sandbox's controls")


def _host_in(unverified: str) -> str | None:
    """Parse the host of a Host header; None where there is none."""
    try:
        return urlsplit(f"//{unverified}").hostname
    except ValueError:  # brackets that hold no address
        return None


def _whole(index: int, opened: OpenedEntry, proof: Sequence[bytes]) -> Mapping[str, object]:
    """Encode an entry of a receipt with every remaining section opened."""
    kept = {section.value: {"salt": b64(one.salt), "body": one.body} for section, one in opened.sections.items()}
    closed = {
        section.value: b64(known)
        for section, known in zip(Section, opened.hashes, strict=True)
        if section.value not in kept
    }
    return {
        "index": index,
        "kind": opened.kind.value,
        "sections": kept,
        "hashes": closed,
        "proof": [b64(step) for step in proof],
    }
