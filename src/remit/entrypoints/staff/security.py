"""Security people's JSON: agents, people and roles, suspensions, canaries, and dual control."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import KEYED_TIERS, AgentRecord, PersonRecord, Tier
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import instant_text
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import suspend
from remit.entrypoints.http.bodies import read_as, read_empty_body
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, malformed_request, query_parameters
from remit.entrypoints.people.api import PeopleApi
from remit.ports.store import RecordMissing
from remit.usecases.agents.register import NewAgent, raises_trust, register_agent, set_tier
from remit.usecases.canaries import NewCanary, canary_row, list_canaries, plant_canary, remove_canary
from remit.usecases.desk import security_view
from remit.usecases.mandates.suspension_preview import preview_suspension
from remit.usecases.override_reviews import list_override_reviews, review_override, review_row
from remit.usecases.people.admit import admit, issue_invitation
from remit.usecases.people.contact import change_contact
from remit.usecases.people.dual_control import (
    ProposedChange,
    list_proposals,
    proposal_row,
    propose_change,
    release_alone,
    settle_proposal,
)
from remit.usecases.people.recover import start_recovery

ROLES = ("security", "admin")
_LINK_TTL_S = 24 * 3600


class AgentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent to register, or a known one's new tier."""

    client_id: str
    tier: str = "unproved"
    operator: str = ""
    keys: dict[str, Any] | None = None
    actor: str = ""
    name: str = ""
    method: str = "private_key_jwt"
    redirect_uris: list[str] = []
    notification_uri: str = ""


class PersonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add: they get a one-time link for their first passkey."""

    id: str
    kind: str
    name: str = ""
    email: str = ""
    roles: list[str] = []
    same_person_as: str = ""
    """The id of another account of the same human being, so that two accounts never count as two people."""


class RolesIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer's new roles."""

    roles: list[str]
    reason: str = ""


class VerifiedIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record of an out-of-band verification."""

    reason: str


class ContactIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's new e-mail address, and the reason."""

    email: str
    reason: str = ""


class ErasureIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer whose content to erase, and the reason."""

    customer: str
    reason: str


class SettleProposalIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second person's answer."""

    answer: str


@struct(frozen=True)
class SecurityApi:
    """Handlers of one desk."""

    people: PeopleApi

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.people.context

    async def _person(self, scope: Scope) -> PersonRecord:
        return await self.people.officer(scope, *ROLES)

    async def agents(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /security/v1/agents. Raising trust takes two people; a new agent is known at most."""
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_response(200, {"agents": await security_view.list_agents(self.context)})
        body = await read_as(scope, receive, AgentIn)
        if body.tier not in KEYED_TIERS:
            raise malformed_request("tier must be unproved, known or trusted")
        tier = Tier(body.tier)
        if body.keys is None:
            return await self._retier(person, body.client_id, tier)
        new = NewAgent(
            client_id=body.client_id,
            actor=body.actor or body.client_id,
            operator=body.operator,
            name=body.name or body.client_id,
            tier=Tier.KNOWN if tier is Tier.TRUSTED else tier,
            method=body.method,
            keys=body.keys,
            redirect_uris=tuple(body.redirect_uris),
            notification_uri=body.notification_uri,
        )
        record = await register_agent(self.context, new, by=person.id)
        waiting: Mapping[str, object] = {}
        if tier is Tier.TRUSTED:
            made = await propose_change(
                self.context, person, ProposedChange(what="tier", name=record.id, to=tier.value)
            )
            waiting = {"proposal": proposal_row(made)}
        return json_response(201, {**security_view.agent_row(record), **waiting})

    async def _retier(self, person: PersonRecord, client_id: str, tier: Tier) -> HttpResponse:
        try:
            old = (await self.context.store.get(AgentRecord, client_id)).record
        except RecordMissing:
            public = marked("This agent doesn't exist. To register it, add its keys.")
            raise Refused(Code.AGENT_UNKNOWN, "no such agent", public=public) from None
        if raises_trust(old.tier, tier):
            made = await propose_change(
                self.context, person, ProposedChange(what="tier", name=client_id, to=tier.value)
            )
            return json_response(202, {"proposal": proposal_row(made)})
        return json_response(200, security_view.agent_row(await set_tier(self.context, client_id, tier, by=person.id)))

    async def decisions(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/decisions: recent asks of agents and their decisions."""
        await self._person(scope)
        return json_response(200, {"decisions": await security_view.list_decisions(self.context)})

    async def changes(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/changes: changes of rules, agents, trust and roles, with author and time."""
        await self._person(scope)
        return json_response(200, {"changes": await security_view.list_changes(self.context)})

    async def events(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/events: the newest entries that concern security."""
        await self._person(scope)
        return json_response(200, {"events": await security_view.list_events(self.context)})

    async def proposals(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/proposals: proposals that wait for a second person."""
        await self._person(scope)
        return json_response(200, {"proposals": await list_proposals(self.context)})

    async def settle(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/proposals/{id}: yes, by another person, or no."""
        person = await self._person(scope)
        body = await read_as(scope, receive, SettleProposalIn)
        if body.answer not in {"yes", "no"}:
            raise malformed_request("answer must be yes or no")
        done = await settle_proposal(self.context, person, found["id"], agree=body.answer == "yes")
        return json_response(200, {**proposal_row(done), "answer": body.answer})

    async def officers(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /security/v1/people: the staff; adding one gives a one-time link. Special roles take two people.

        Raises:
            Refused: `person.not_allowed` when one person alone would give roles.
        """
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_response(200, {"people": await security_view.list_officers(self.context)})
        body = await read_as(scope, receive, PersonIn)
        if body.kind == "officer" and body.roles:
            public = marked(
                "Add the officer without roles first. Then propose the roles: a second person must approve them."
            )
            raise Refused(Code.PERSON_NOT_ALLOWED, "roles take two people", public=public)
        added = PersonRecord(
            id=body.id,
            kind=body.kind,
            key=(await self._found(body.same_person_as)).key if body.same_person_as else body.id,
            name=body.name or body.id,
            email=body.email,
            roles=(),
            created_at=self.context.world.now(),
        )
        await admit(self.context, added, by=person.id)
        made = await issue_invitation(self.context, added.id, how=Enrolment.LINK, ttl_s=_LINK_TTL_S, by=person.id)
        return json_response(201, {"id": added.id, "link": f"{self.context.terms.issuer}/enrol?code={made.code}"})

    async def _found(self, person_id: str) -> PersonRecord:
        try:
            return (await self.context.store.get(PersonRecord, person_id)).record
        except RecordMissing:
            public = said("There is no one with the ID {id}.", id=make_visible(person_id))
            raise Refused(Code.REQUEST_NOT_FOUND, "no such person", public=public) from None

    async def roles(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/people/{id}/roles: 202, a second person must agree."""
        person = await self._person(scope)
        body = await read_as(scope, receive, RolesIn)
        change = ProposedChange(what="roles", name=found["id"], to=list(body.roles), reason=body.reason)
        return proposal_response(proposal_row(await propose_change(self.context, person, change)))

    async def recover(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/people/{id}/recover: a one-time link for a customer who lost every passkey. One person.

        ⚔ Not for officers: taking over a colleague's account would make one person two.

        Raises:
            Refused: `person.not_allowed` for an officer, `request.not_found`.
        """
        person = await self._person(scope)
        await read_empty_body(scope, receive)
        if (await self._found(found["id"])).kind != "customer":
            public = marked("An officer's access can only be recovered on the server itself: `remit person recover`.")
            raise Refused(Code.PERSON_NOT_ALLOWED, "an officer's recovery", public=public)
        made = await start_recovery(self.context, found["id"], by=person.id, ttl_s=_LINK_TTL_S)
        link = f"{self.context.terms.issuer}/enrol?code={made.code}"
        return json_response(201, {"id": made.person.id, "link": link, "expires_at": instant_text(made.expires_at)})

    async def verified(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/people/{id}/verified: a person was seen in the flesh; 202, a second person must agree."""
        person = await self._person(scope)
        body = await read_as(scope, receive, VerifiedIn)
        if not body.reason:
            raise malformed_request("say how the person was verified, as reason")
        change = ProposedChange(what="verified", name=found["id"], to=self.context.world.now(), reason=body.reason)
        return proposal_response(proposal_row(await propose_change(self.context, person, change)))

    async def contact(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/people/{id}/contact: a new e-mail address. Both are told; passkeys count as young."""
        person = await self._person(scope)
        body = await read_as(scope, receive, ContactIn)
        changed = await change_contact(self.context, found["id"], body.email, by=person.id, reason=body.reason)
        return json_response(200, {"id": changed.id, "email": changed.email})

    async def erase(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/erasures: 202, a second person must agree."""
        person = await self._person(scope)
        body = await read_as(scope, receive, ErasureIn)
        change = ProposedChange(what="erase", name=body.customer, reason=body.reason)
        return proposal_response(proposal_row(await propose_change(self.context, person, change)))


def proposal_response(row: Mapping[str, object]) -> HttpResponse:
    """Build the answer to a proposal for a second person."""
    return json_response(202, {"proposal": row})


class CanaryIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A canary to plant: shape, name and place. Without a value one is made."""

    kind: str
    name: str
    place: str
    value: str = ""


@struct(frozen=True)
class CanaryApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _person(self, scope: Scope) -> PersonRecord:
        return await self.people.officer(scope, *ROLES)

    async def canaries(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /security/v1/canaries: list them without values; planting one returns its value, this once."""
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_response(200, {"canaries": await list_canaries(self.people.context)})
        body = await read_as(scope, receive, CanaryIn)
        new = NewCanary(kind=body.kind, name=body.name, place=body.place, value=body.value)
        record, value = await plant_canary(self.people.context, new, by=person.id)
        return json_response(201, {**canary_row(record), "value": value})

    async def remove(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/canaries/{id}/remove: stop looking for it."""
        person = await self._person(scope)
        await read_empty_body(scope, receive)
        return json_response(200, canary_row(await remove_canary(self.people.context, found["id"], by=person.id)))


class ReviewIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second person's answer to an overridden reply: `agree` or `object`, and a note."""

    answer: str
    note: str = ""


@struct(frozen=True)
class OverrideApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def overrides(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/overrides: overridden replies that a second person should look at."""
        person = await self.people.officer(scope, *ROLES)
        told = await list_override_reviews(self.people.context, reader=person.id)
        return json_response(200, {"overrides": told})

    async def review(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/overrides/{id}: agree, or object."""
        person = await self.people.officer(scope, *ROLES)
        body = await read_as(scope, receive, ReviewIn)
        done = await review_override(self.people.context, person, found["id"], body.answer, body.note)
        return json_response(200, review_row(done))


_BESIDE = frozenset({"incident", "reason"})


class _SubjectIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The subject of a suspension or its end: exactly one of the four."""

    reason: str = ""
    agent: str | None = None
    operator: str | None = None
    customer: str | None = None
    objective: str | None = None

    def named(self) -> tuple[str, str]:
        """Return the named one.

        Raises:
            Refused: `request.malformed_request`.
        """
        whats = [what for what in self.__struct_fields__ if what not in _BESIDE]
        given = [(what, str(name)) for what in whats if (name := getattr(self, what))]
        if len(given) != 1:
            raise malformed_request(f"name exactly one of {', '.join(whats)}")
        return given[0]


class SuspensionIn(_SubjectIn, frozen=True, forbid_unknown_fields=True):
    """The subject to suspend, and the incident it is done for."""

    incident: str = ""


class ResumeIn(_SubjectIn, frozen=True, forbid_unknown_fields=True):
    """The subject to resume: exactly one suspendable thing, or a held task."""

    task: str | None = None


@struct(frozen=True)
class StopApi:
    """Handlers of one desk."""

    people: PeopleApi

    async def _person(self, scope: Scope) -> PersonRecord:
        return await self.people.officer(scope, *ROLES)

    async def preview(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/suspend?agent= (or operator, customer, objective): preview a suspension."""
        await self._person(scope)
        what, name = _SubjectIn(
            **{key: value for key, value in query_parameters(scope).items() if key in _WHATS}
        ).named()
        return json_response(
            200,
            {"what": what, "name": name, **asdict(await preview_suspension(self.people.context, what=what, name=name))},
        )

    async def suspend(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/suspend: one person, at once. Returns the ended tasks, the duration, and acts under way."""
        person = await self._person(scope)
        body = await read_as(scope, receive, SuspensionIn)
        what, name = body.named()
        stopped = await suspend(
            self.people.context, what=what, name=name, reason=body.reason, by=person.id, incident=body.incident
        )
        return json_response(
            200,
            {
                "what": what,
                "name": name,
                "known": stopped.known,
                "tasks": [one.task for one in stopped.tasks],
                "confirmations": sum(one.confirmations for one in stopped.tasks),
                "acts": sum(one.acts for one in stopped.tasks),
                "already_sent": [ask for one in stopped.tasks for ask in one.sent],
                "took_ms": stopped.took_ms,
            },
        )

    async def resume(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /security/v1/resume: 202, a second person must agree; 200 for a held task that needs no second one."""
        person = await self._person(scope)
        body = await read_as(scope, receive, ResumeIn)
        what, name = body.named()
        change = ProposedChange(what="resume", name=name, to=what, reason=body.reason)
        if await release_alone(self.people.context, person, change):
            return json_response(200, {"resumed": {what: name}})
        return proposal_response(proposal_row(await propose_change(self.people.context, person, change)))

    async def suspensions(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/suspensions."""
        await self._person(scope)
        return json_response(200, {"suspensions": await security_view.list_suspensions(self.people.context)})


_WHATS = frozenset(_SubjectIn.__struct_fields__) - _BESIDE
