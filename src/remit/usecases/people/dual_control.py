"""Changes that take two people: resuming, raising trust, roles, erasing, vouching for somebody. One proposes, another one agrees."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.records import PersonRecord, Proposal, Tier
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, Json, JsonObject, decode_json, instant_text
from remit.engine.agents.authenticate import get_agent, is_suspended
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import resume
from remit.engine.tasks import release_task, verify_held
from remit.engine.transcript.erase import erase_customer, verify_erasable
from remit.engine.transcript.record import draft_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Drop, Versioned, RecordMissing, Put
from remit.proof.canonical import canonical
from remit.usecases.agents.register import set_tier
from remit.usecases.people.recover import verify_vouchable, vouch

KINDS: Final = ("erase", "resume", "roles", "tier", "verified")
SPECIAL_ROLES: Final = frozenset({"admin", "audit", "security"})
_ROLES: Final = frozenset({"admin", "security"})
_LIFE_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """What is to be changed: `what` is one of KINDS, `name` whom or what it is about, `to` the new value where there is one."""

    what: str
    name: str
    to: Json = None
    reason: str = ""


async def propose_change(parts: DeskContext, person: PersonRecord, change: ProposedChange) -> Proposal:
    """Propose a change for another person to agree to, within a day. Nothing changes yet.

    Raises:
        Refused: `person.not_allowed`, `request.malformed`, or why the change could not be made anyway.

    Source: docs/model/model.md#two-people, #erasure.
    """
    _verify_may(person)
    await _verify(parts, change)
    await _verify_not_own(parts, person, change)
    now = parts.world.now()
    payload: JsonObject = {"name": change.name, "reason": change.reason, "to": change.to}
    made = Proposal(
        id=new_id("pro", parts.world.random(16)),
        what=change.what,
        payload=canonical(payload).decode(),
        by=person.id,
        by_key=person.key,
        at=now,
        expires_at=Instant(now + _LIFE_MS),
    )
    await parts.store.commit(Commit(puts=(Put(made, 0),)))
    await parts.notify.incident(kind="proposed", details={"what": change.what, "name": change.name, "by": person.id})
    return made


async def settle_proposal(parts: DeskContext, person: PersonRecord, proposal_id: str, *, agree: bool) -> Proposal:
    """Agree to a proposal, as a second person, which makes the change; or drop it.

    ⚔ Two accounts of one person are one person, and who lost the role since they proposed counts for nothing. The proposal goes
    with the first answer, so that no change is made twice.

    Raises:
        Refused: `request.not_found`, `person.not_allowed` for one's own proposal, or why the change cannot be made any more.
        Fault: `fault.store`.
    """
    kept = await _open(parts, proposal_id)
    if not agree:
        await _take(parts, kept)
        return kept.record
    proposer = await _proposer(parts, kept.record)
    _verify_may(person)
    if person.key in {kept.record.by_key, proposer.key}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the same person", public=marked("Another person must agree."))
    change = change_of(kept.record)
    await _verify(parts, change)
    await _verify_not_own(parts, person, change)
    await _verify_not_own(parts, proposer, change)
    by = (kept.record.by, person.id)
    if change.what == "erase":  # ⚔ in one commit with the proposal: repeated by a restore, of keys by their names
        await erase_customer(parts, change.name, by=by, reason=change.reason, agreed=kept)
    else:
        await _take(parts, kept)
        await _CHANGES[change.what](parts, change, ", ".join(by))
    return kept.record


async def list_proposals(parts: DeskContext) -> list[Mapping[str, Json]]:
    """What waits for a second person, oldest first; of roles also what agreeing now would add and take away."""
    now = parts.world.now()
    return [
        {**proposal_row(kept.record), **await _difference(parts, kept.record)}
        for kept in await parts.store.find(Proposal, "proposal.open", "", limit=200)
        if now < kept.record.expires_at
    ]


async def is_only_approver(parts: DeskContext, person: PersonRecord) -> bool:
    """Tell whether nobody else is there who could agree. Two accounts of one person are one person."""
    able = [
        kept.record
        for role in sorted(_ROLES)
        for kept in await parts.store.find(PersonRecord, "person.role", role, limit=200)
    ]
    return all(one.kind != "officer" or one.key == person.key for one in able)


async def _difference(parts: DeskContext, one: Proposal) -> Mapping[str, Json]:
    if one.what != "roles":
        return {}
    change = change_of(one)
    old, new = set((await _person(parts, change.name)).record.roles), _roles_in(change)
    return {"adds": sorted(new - old), "takes_away": sorted(old - new)}


def proposal_row(one: Proposal) -> Mapping[str, Json]:
    """A proposal as people see it."""
    change = change_of(one)
    return {
        "proposal": one.id,
        "what": one.what,
        "name": change.name,
        "to": change.to,
        "reason": change.reason,
        "by": one.by,
        "at": instant_text(one.at),
        "expires_at": instant_text(one.expires_at),
    }


def change_of(one: Proposal) -> ProposedChange:
    """The change a proposal is about.

    Raises:
        Fault: `fault.store` when the record is damaged.
    """
    payload = decode_json(one.payload.encode())
    if not isinstance(payload, Mapping):
        raise Fault(Code.FAULT_STORE, "a proposal is damaged")
    return ProposedChange(what=one.what, name=str(payload["name"]), to=payload["to"], reason=str(payload["reason"]))


def _verify_may(person: PersonRecord) -> None:
    if person.kind != "officer" or person.paused or not _ROLES & set(person.roles):
        raise Refused(Code.PERSON_NOT_ALLOWED, "it takes the role admin or security")


async def _proposer(parts: DeskContext, proposal: Proposal) -> PersonRecord:
    """Who proposed it, as they are now.

    Raises:
        Refused: `person.not_allowed`.
    """
    try:
        found = (await parts.store.get(PersonRecord, proposal.by)).record
    except RecordMissing:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the proposer is gone") from None
    _verify_may(found)
    return found


async def _verify(parts: DeskContext, change: ProposedChange) -> None:
    """Check that a change could be made as things stand."""
    match change.what:
        case "tier":
            if change.to not in set(Tier):
                raise _malformed("the tier must be unproved, known or trusted")
            await get_agent(parts, change.name)
        case "roles":
            await _verify_roles(parts, change)
        case "erase":
            if not change.reason.strip():
                raise _malformed("an erasure needs a reason")
            await verify_erasable(parts, change.name)
        case "verified":
            await verify_vouchable(parts, change.name, _seen(parts, change))
        case "resume":
            await _verify_stopped(parts, change.to, change.name)
        case _:
            raise _malformed(f"what must be one of {', '.join(KINDS)}")


async def _verify_roles(parts: DeskContext, change: ProposedChange) -> None:
    """Check that an officer could be given these roles, and that it changes anything.

    Raises:
        Refused: `request.malformed`, `request.not_found`, `request.conflict` when they have exactly these, or have them from the
            company's provider.
    """
    roles = change.to if isinstance(change.to, list | tuple) else None
    if roles is None or not set(roles) <= set(parts.catalogue.roles) | SPECIAL_ROLES:
        raise _malformed("the roles must be a list of the catalogue's roles, security, audit or admin")
    person = (await _person(parts, change.name)).record
    if person.kind != "officer":
        raise _malformed("only an officer has roles")
    if person.login:
        # ⚔ One source of roles for one person: two people could otherwise give what the company has just taken away.
        public = (
            f"{person.id} signs in with the company's login, which says what roles they have. Change their group there."
        )
        raise Refused(Code.REQUEST_CONFLICT, "the roles come from the provider", public=public)
    if set(person.roles) == _roles_in(change):
        public = f"{person.id} has exactly these roles already."
        raise Refused(Code.REQUEST_CONFLICT, "the roles are the present ones", public=public)


async def _verify_stopped(parts: DeskContext, what: Json, name: str) -> None:
    """There is nothing to agree to about what is neither suspended nor held.

    Raises:
        Refused: `agent.unknown`, `request.malformed`, `request.not_found`.
    """
    if what not in {"agent", "operator", "customer", "objective", "task"}:
        raise _malformed("name an agent, operator, customer, objective or task to resume")
    if what == "task":
        await verify_held(parts, name)
        return
    suspended = (
        bool((await get_agent(parts, name)).record.suspended)
        if what == "agent"
        else await is_suspended(parts, f"{what}:{name}")
    )
    if not suspended:
        raise Refused(Code.REQUEST_NOT_FOUND, "not suspended", public=f"No {what} of that name is suspended.")


async def _verify_not_own(parts: DeskContext, person: PersonRecord, change: ProposedChange) -> None:
    """⚔ Nobody vouches for themselves, or erases what is on the record about them, with whatever account.

    Raises:
        Refused: `person.not_allowed`.
    """
    if change.what in {"erase", "verified"} and (await _person(parts, change.name)).record.key == person.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "about oneself", public=marked("Another person must do that for you."))


def _seen(parts: DeskContext, change: ProposedChange) -> Instant:
    """When the person was seen.

    Raises:
        Refused: `request.malformed`.
    """
    if not isinstance(change.to, int) or isinstance(change.to, bool) or not 0 < change.to <= parts.world.now():
        raise _malformed("the moment when the person was verified is missing")
    return Instant(change.to)


async def _tier(parts: DeskContext, change: ProposedChange, by: str) -> None:
    await set_tier(parts, change.name, Tier(str(change.to)), by=by)


async def _resume(parts: DeskContext, change: ProposedChange, by: str) -> None:
    if change.to == "task":
        await release_task(parts, change.name, by=by)
    else:
        await resume(parts, what=str(change.to), name=change.name, by=by)


async def _roles(parts: DeskContext, change: ProposedChange, by: str) -> None:
    kept = await _person(parts, change.name)
    roles = tuple(sorted(_roles_in(change)))
    written = await seal_entries(
        parts,
        draft_entry(
            parts,
            Kind.PERSON_CHANGED,
            envelope={"person": pseudonym(parts, kept.record.key), "roles": list(roles)},
            desk={"by": by, "person": kept.record.id, "before": list(kept.record.roles), "reason": change.reason},
            refs=(kept.record.id,),
        ),
    )
    await commit_retryable(
        parts, Commit(puts=(Put(replace(kept.record, roles=roles), kept.rev, kept.record),), entries=written.rows)
    )


def _roles_in(change: ProposedChange) -> set[str]:
    return {str(one) for one in (change.to if isinstance(change.to, list | tuple) else ())}


async def _verified(parts: DeskContext, change: ProposedChange, by: str) -> None:
    await vouch(parts, change.name, seen=_seen(parts, change), by=by, reason=change.reason)


_CHANGES: Final[Mapping[str, Callable[[DeskContext, ProposedChange, str], Awaitable[None]]]] = {
    "resume": _resume,
    "roles": _roles,
    "tier": _tier,
    "verified": _verified,
}


async def _open(parts: DeskContext, proposal_id: str) -> Versioned[Proposal]:
    try:
        kept = await parts.store.get(Proposal, proposal_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such proposal") from None
    if parts.world.now() >= kept.record.expires_at:
        raise Refused(Code.REQUEST_NOT_FOUND, "the proposal has expired")
    return kept


async def _take(parts: DeskContext, kept: Versioned[Proposal]) -> None:
    try:
        await parts.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except Conflict:
        raise Refused(Code.REQUEST_NOT_FOUND, "the proposal was answered meanwhile") from None


async def _person(parts: DeskContext, person_id: str) -> Versioned[PersonRecord]:
    try:
        return await parts.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(
            Code.REQUEST_NOT_FOUND, "no such person", public=marked("There is nobody with that id.")
        ) from None


def _malformed(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, reason, public=f"{reason[:1].upper()}{reason[1:]}.")
