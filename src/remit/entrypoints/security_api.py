"""Security people's JSON: agents and their trust, stopping things at once, and what takes two people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from remit.domain.confirmers import Enrolment
from remit.domain.errors import Code, Refused
from remit.domain.plain import visible
from remit.domain.records import AgentRecord, Person, Tier
from remit.domain.speech import marked, said
from remit.domain.values import instant_text
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer, json_answer
from remit.entrypoints.wire import Receive, Scope, decode_as, malformed, read_body, read_nothing
from remit.ports.store import Missing
from remit.usecases import watch
from remit.usecases.admit import admit, invite
from remit.usecases.change_contact import change_contact
from remit.usecases.parts import Parts
from remit.usecases.propose import Change, proposal_row, proposals, propose, settle_proposal
from remit.usecases.recover_person import start_recovery
from remit.usecases.register import NewAgent, register
from remit.usecases.set_tier import raises_trust, set_tier

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


class PersonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to add: they get a one-time link for their first passkey."""

    id: str
    kind: str
    name: str = ""
    email: str = ""
    roles: list[str] = []
    same_person_as: str = ""
    """The id of another account of the same human being, so that two accounts never count as two people."""


class RolesIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The roles an officer shall have."""

    roles: list[str]
    reason: str = ""


class VerifiedIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody was verified out of band."""

    reason: str


class ContactIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's new e-mail address, and why it is changed."""

    email: str
    reason: str = ""


class ErasureIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose content shall be erased, and why."""

    customer: str
    reason: str


class SettleIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second person's answer."""

    answer: str


@dataclass(frozen=True, slots=True)
class SecurityApi:
    """Handlers of one desk."""

    people: PeopleApi

    @property
    def parts(self) -> Parts:
        """The desk's parts."""
        return self.people.parts

    async def _person(self, scope: Scope) -> Person:
        return await self.people.officer(scope, *ROLES)

    async def agents(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET and POST /security/v1/agents. Lowering trust takes one person, raising it two; a new agent begins known at most."""
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_answer(200, {"agents": await watch.agents(self.parts)})
        body = decode_as(await read_body(scope, receive), AgentIn)
        if body.tier not in set(Tier):
            raise malformed("tier must be unproved, known or trusted")
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
        )
        record = await register(self.parts, new, by=person.id)
        waiting: Mapping[str, object] = {}
        if tier is Tier.TRUSTED:
            made = await propose(self.parts, person, Change(what="tier", name=record.id, to=tier.value))
            waiting = {"proposal": proposal_row(made)}
        return json_answer(201, {**watch.agent_row(record), **waiting})

    async def _retier(self, person: Person, client_id: str, tier: Tier) -> Answer:
        try:
            old = (await self.parts.store.get(AgentRecord, client_id)).record
        except Missing:
            raise Refused(
                Code.AGENT_UNKNOWN, "no such agent", public=marked("There is no such agent. Give its keys to register it.")
            ) from None
        if raises_trust(old.tier, tier):
            made = await propose(self.parts, person, Change(what="tier", name=client_id, to=tier.value))
            return json_answer(202, {"proposal": proposal_row(made)})
        return json_answer(200, watch.agent_row(await set_tier(self.parts, client_id, tier, by=person.id)))

    async def decisions(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/decisions: what agents asked just now, and how it was decided."""
        await self._person(scope)
        return json_answer(200, {"decisions": await watch.decisions(self.parts)})

    async def changes(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/changes: changes of the rules, of agents, trust and roles, with who and when."""
        await self._person(scope)
        return json_answer(200, {"changes": await watch.changes(self.parts)})

    async def incidents(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/incidents."""
        await self._person(scope)
        return json_answer(200, {"incidents": await watch.incidents(self.parts)})

    async def proposals(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /security/v1/proposals: what waits for a second person."""
        await self._person(scope)
        return json_answer(200, {"proposals": await proposals(self.parts)})

    async def settle(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/proposals/{id}: yes, by another person, or no."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), SettleIn)
        if body.answer not in {"yes", "no"}:
            raise malformed("answer must be yes or no")
        done = await settle_proposal(self.parts, person, found["id"], agree=body.answer == "yes")
        return json_answer(200, {**proposal_row(done), "answer": body.answer})

    async def officers(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET and POST /security/v1/people: the desk's own people; adding somebody gives a one-time link. Special roles take two.

        Raises:
            Refused: `person.not_allowed` when one person alone would give roles.
        """
        person = await self._person(scope)
        if scope["method"] == "GET":
            return json_answer(200, {"people": await watch.officers(self.parts)})
        body = decode_as(await read_body(scope, receive), PersonIn)
        if body.kind == "officer" and body.roles:
            raise Refused(
                Code.PERSON_NOT_ALLOWED,
                "roles take two people",
                public=marked("Add the officer without roles, then propose the roles for two people."),
            )
        added = Person(
            id=body.id,
            kind=body.kind,
            key=await self._key_of(body.same_person_as) if body.same_person_as else body.id,
            name=body.name or body.id,
            email=body.email,
            roles=(),
            created_at=self.parts.world.now(),
        )
        await admit(self.parts, added, by=person.id)
        made = await invite(self.parts, added.id, how=Enrolment.LINK, ttl_s=_LINK_TTL_S, by=person.id)
        return json_answer(201, {"id": added.id, "link": f"{self.parts.terms.issuer}/enrol?code={made.code}"})

    async def _key_of(self, person_id: str) -> str:
        return (await self._found(person_id)).key

    async def _found(self, person_id: str) -> Person:
        try:
            return (await self.parts.store.get(Person, person_id)).record
        except Missing:
            raise Refused(
                Code.REQUEST_NOT_FOUND, "no such person", public=said("There is nobody with the id {id}.", id=visible(person_id))
            ) from None

    async def roles(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/people/{id}/roles: 202, a second person must agree."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), RolesIn)
        change = Change(what="roles", name=found["id"], to=list(body.roles), reason=body.reason)
        return proposed(proposal_row(await propose(self.parts, person, change)))

    async def recover(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/people/{id}/recover: a one-time link for a customer who lost every passkey. One person.

        ⚔ Not for officers: whoever takes over a colleague's account would be two people.

        Raises:
            Refused: `person.not_allowed` for an officer, `request.not_found`.
        """
        person = await self._person(scope)
        await read_nothing(scope, receive)
        if (await self._found(found["id"])).kind != "customer":
            raise Refused(
                Code.PERSON_NOT_ALLOWED,
                "an officer's recovery",
                public=marked("An officer is recovered at the desk's own machine: `remit person recover`."),
            )
        made = await start_recovery(self.parts, found["id"], by=person.id, ttl_s=_LINK_TTL_S)
        link = f"{self.parts.terms.issuer}/enrol?code={made.code}"
        return json_answer(201, {"id": made.person.id, "link": link, "expires_at": instant_text(made.expires_at)})

    async def verified(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/people/{id}/verified: somebody was seen in person; 202, a second person must agree."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), VerifiedIn)
        if not body.reason:
            raise malformed("say how the person was verified, as reason")
        change = Change(what="verified", name=found["id"], to=self.parts.world.now(), reason=body.reason)
        return proposed(proposal_row(await propose(self.parts, person, change)))

    async def contact(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /security/v1/people/{id}/contact: another e-mail address. Old and new one are told; passkeys are young from now on."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), ContactIn)
        changed = await change_contact(self.parts, found["id"], body.email, by=person.id, reason=body.reason)
        return json_answer(200, {"id": changed.id, "email": changed.email})

    async def erase(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /security/v1/erasures: 202, a second person must agree."""
        person = await self._person(scope)
        body = decode_as(await read_body(scope, receive), ErasureIn)
        change = Change(what="erase", name=body.customer, reason=body.reason)
        return proposed(proposal_row(await propose(self.parts, person, change)))


def proposed(row: Mapping[str, object]) -> Answer:
    """The answer to what a second person must agree to."""
    return json_answer(202, {"proposal": row})
