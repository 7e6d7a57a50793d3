"""Two-person changes, proposed and approved: resumption, trust, roles, erasure, vouching."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.records import AgentRecord, PersonRecord, Proposal, TaskRecord, Tier
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, Json, JsonObject, decode_json, instant_text
from remit.engine.agents.authenticate import get_agent, is_suspended
from remit.engine.commit import retried
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import resume
from remit.engine.people.names import name_of
from remit.engine.tasks import has_moved_or_leaked, release_task, verify_held
from remit.engine.transcript.erase import erase_customer, verify_erasable
from remit.engine.transcript.record import account_facts, prepare_entry
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import canonical
from remit.usecases.agents.register import set_tier
from remit.usecases.people.recover import verify_vouchable, vouch

KINDS: Final = ("erase", "resume", "roles", "tier", "verified")
SPECIAL_ROLES: Final = frozenset({"admin", "audit", "security"})
_ROLES: Final = frozenset({"admin", "security"})
_LIFE_MS: Final = 24 * 3600 * 1000


@struct(frozen=True, kw_only=True)
class ProposedChange:
    """A proposed change: `what` is one of KINDS, `name` its subject, `to` the new value where there is one."""

    what: str
    name: str
    to: Json = None
    reason: str = ""


async def propose_change(desk: DeskContext, person: PersonRecord, change: ProposedChange) -> Proposal:
    """Propose a change for another person to approve within a day; nothing changes yet.

    Raises:
        Refused: `person.not_allowed`, `request.malformed`, or the reason the change is impossible anyway.

    Source: docs/model/model.md#two-people, #erasure.
    """
    _verify_may(person)
    await _verify(desk, change)
    await _verify_not_own(desk, person, change)
    now = desk.world.now()
    payload: JsonObject = {"name": change.name, "reason": change.reason, "to": change.to}
    made = Proposal(
        id=new_id("pro", desk.world.random(16)),
        what=change.what,
        payload=canonical(payload).decode(),
        by=person.id,
        by_key=person.key,
        at=now,
        expires_at=Instant(now + _LIFE_MS),
    )
    await desk.store.commit(Commit(puts=(Put(made, 0),)))
    await desk.notify.incident(kind="proposed", details={"what": change.what, "name": change.name, "by": person.id})
    return made


async def release_alone(desk: DeskContext, person: PersonRecord, change: ProposedChange) -> bool:
    """Let a held task go on at one person's word, where nothing in it moved or leaked; return whether it did.

    Raises:
        Refused: `person.not_allowed`, `request.not_found` when it is not held, `task.busy`.

    Source: docs/model/model.md#held.
    """
    _verify_may(person)
    if change.to != "task":
        return False
    await _verify(desk, change)
    if await has_moved_or_leaked(desk, change.name):
        return False
    await release_task(desk, change.name, by=person.id)
    await desk.notify.incident(kind="released", details={"what": "task", "name": change.name, "by": person.id})
    return True


async def settle_proposal(desk: DeskContext, person: PersonRecord, proposal_id: str, *, agree: bool) -> Proposal:
    """Approve a proposal as a second person, which makes the change; or drop it.

    ⚔ Two accounts of one person are one person, and a proposer without the role any more does not count. The proposal
    goes with the first answer, so that no change is made twice.

    Raises:
        Refused: `request.not_found`, `person.not_allowed` for one's own proposal, or the reason the change is no longer
            possible.
        Fault: `fault.store`.
    """
    kept = await _open(desk, proposal_id)
    if not agree:
        await _take(desk, kept)
        return kept.record
    proposer = await _proposer(desk, kept.record)
    _verify_may(person)
    if person.key in {kept.record.by_key, proposer.key}:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the same person", public=marked("A second person must approve."))
    change = change_of(kept.record)
    await _verify(desk, change)
    await _verify_not_own(desk, person, change)
    await _verify_not_own(desk, proposer, change)
    by = (kept.record.by, person.id)
    if change.what == "erase":  # ⚔ in one commit with the proposal: a restore repeats it, for keys by their names
        await erase_customer(desk, change.name, by=by, reason=change.reason, agreed=kept)
    else:
        await _take(desk, kept)
        await _CHANGES[change.what](desk, change, ", ".join(by))
    return kept.record


async def list_proposals(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List pending proposals with names, oldest first; for roles also the present additions and removals."""
    return [
        {**proposal_row(one), **await _named(desk, one), **await _difference(desk, one)}
        for one in await open_proposals(desk)
    ]


async def open_proposals(desk: DeskContext) -> list[Proposal]:
    """Return the pending proposals, oldest first."""
    now = desk.world.now()
    found = await desk.store.find(Proposal, "proposal.open", "", limit=200)
    return [kept.record for kept in found if now < kept.record.expires_at]


async def is_only_approver(desk: DeskContext, person: PersonRecord) -> bool:
    """Return whether no other approver exists; two accounts of one person are one person."""
    able = [
        kept.record
        for role in sorted(_ROLES)
        for kept in await desk.store.find(PersonRecord, "person.role", role, limit=200)
    ]
    return all(one.kind != "officer" or one.key == person.key for one in able)


async def _named(desk: DeskContext, proposal: Proposal) -> Mapping[str, Json]:
    """Return the names of the proposer and of the change's subject: a person, an agent, a purpose, or a task's agent."""
    change, subject = change_of(proposal), ""
    match str(change.to) if change.what == "resume" else change.what:
        case "agent" | "tier":
            subject = await name_of(desk, AgentRecord, change.name)
        case "customer" | "erase" | "roles" | "verified":
            subject = await name_of(desk, PersonRecord, change.name)
        case "objective" if change.name in desk.catalogue.objectives:
            subject = desk.catalogue.objectives[change.name].title
        case "task":
            with contextlib.suppress(RecordMissing):
                task = (await desk.store.get(TaskRecord, change.name)).record
                subject = await name_of(desk, AgentRecord, task.client_id)
        case _:  # an operator is its own name; rules have none
            pass
    return {"by_name": await name_of(desk, PersonRecord, proposal.by), "title": subject or change.name}


async def _difference(desk: DeskContext, proposal: Proposal) -> Mapping[str, Json]:
    if proposal.what != "roles":
        return {}
    change = change_of(proposal)
    old, new = set((await _person(desk, change.name)).record.roles), _roles_in(change)
    return {"adds": sorted(new - old), "takes_away": sorted(old - new)}


def proposal_row(proposal: Proposal) -> Mapping[str, Json]:
    """Return a proposal as people see it."""
    change = change_of(proposal)
    return {
        "proposal": proposal.id,
        "what": proposal.what,
        "name": change.name,
        "to": change.to,
        "reason": change.reason,
        "by": proposal.by,
        "at": instant_text(proposal.at),
        "expires_at": instant_text(proposal.expires_at),
    }


def change_of(proposal: Proposal) -> ProposedChange:
    """Return the change a proposal is about.

    Raises:
        Fault: `fault.store` when the record is damaged.
    """
    payload = decode_json(proposal.payload.encode())
    if not isinstance(payload, Mapping):
        raise Fault(Code.FAULT_STORE, "a proposal is damaged")
    return ProposedChange(
        what=proposal.what, name=str(payload["name"]), to=payload["to"], reason=str(payload["reason"])
    )


def _verify_may(person: PersonRecord) -> None:
    if person.kind != "officer" or person.paused or not _ROLES & set(person.roles):
        raise Refused(Code.PERSON_NOT_ALLOWED, "it takes the role admin or security")


async def _proposer(desk: DeskContext, proposal: Proposal) -> PersonRecord:
    """Return the present record of a proposal's author."""
    try:
        found = (await desk.store.get(PersonRecord, proposal.by)).record
    except RecordMissing:
        raise Refused(Code.PERSON_NOT_ALLOWED, "the proposer is gone") from None
    _verify_may(found)
    return found


async def _verify(desk: DeskContext, change: ProposedChange) -> None:
    """Verify that a change is possible as things stand."""
    match change.what:
        case "tier":
            if change.to not in set(Tier):
                raise _malformed("the tier must be unproved, known or trusted")
            await get_agent(desk, change.name)
        case "roles":
            await _verify_roles(desk, change)
        case "erase":
            if not change.reason.strip():
                raise _malformed("an erasure needs a reason")
            await verify_erasable(desk, change.name)
        case "verified":
            await verify_vouchable(desk, change.name, _seen(desk, change))
        case "resume":
            await _verify_stopped(desk, change.to, change.name)
        case _:
            raise _malformed(f"what must be one of {', '.join(KINDS)}")


async def _verify_roles(desk: DeskContext, change: ProposedChange) -> None:
    """Verify that an officer may get these roles, and that they differ."""
    roles = change.to if isinstance(change.to, list | tuple) else None
    if roles is None or not set(roles) <= set(desk.catalogue.roles) | SPECIAL_ROLES:
        raise _malformed("the roles must be a list of the catalogue's roles, security, audit or admin")
    person = (await _person(desk, change.name)).record
    if person.kind != "officer":
        raise _malformed("only an officer has roles")
    if person.login:
        # ⚔ One source of roles per person: two approvers could otherwise restore roles the company just removed.
        public = marked(
            "This person signs in with the company login, which sets their roles. Change their group there."
        )
        raise Refused(Code.REQUEST_CONFLICT, "the roles come from the provider", public=public)
    if set(person.roles) == _roles_in(change):
        public = marked("This person already has exactly these roles.")
        raise Refused(Code.REQUEST_CONFLICT, "the roles are the present ones", public=public)


async def _verify_stopped(desk: DeskContext, what: Json, name: str) -> None:
    """Verify that the subject is suspended or held."""
    if what not in {"agent", "operator", "customer", "objective", "task"}:
        raise _malformed("name an agent, operator, customer, objective or task to resume")
    if what == "task":
        await verify_held(desk, name)
        return
    suspended = (
        bool((await get_agent(desk, name)).record.suspended)
        if what == "agent"
        else await is_suspended(desk, f"{what}:{name}")
    )
    if not suspended:
        raise Refused(Code.REQUEST_NOT_FOUND, "not suspended", public=marked("Nothing of that name is stopped."))


async def _verify_not_own(desk: DeskContext, person: PersonRecord, change: ProposedChange) -> None:
    """⚔ Verify that no one vouches for or erases themselves, under any account."""
    if change.what in {"erase", "verified"} and (await _person(desk, change.name)).record.key == person.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "about oneself", public=marked("Another person must do that for you."))


def _seen(desk: DeskContext, change: ProposedChange) -> Instant:
    """Return when the person was seen."""
    if not isinstance(change.to, int) or isinstance(change.to, bool) or not 0 < change.to <= desk.world.now():
        raise _malformed("the moment when the person was verified is missing")
    return Instant(change.to)


async def _tier(desk: DeskContext, change: ProposedChange, by: str) -> None:
    await set_tier(desk, change.name, Tier(str(change.to)), by=by)


async def _resume(desk: DeskContext, change: ProposedChange, by: str) -> None:
    if change.to == "task":
        await release_task(desk, change.name, by=by)
    else:
        await resume(desk, what=str(change.to), name=change.name, by=by)


async def _roles(desk: DeskContext, change: ProposedChange, by: str) -> None:
    """Write the roles. ⚔ Tried again where the person moved: the proposal is gone, and they may move by their own act."""
    await retried(lambda: _write_roles(desk, change, by))


async def _write_roles(desk: DeskContext, change: ProposedChange, by: str) -> None:
    """Write the roles once.

    Raises:
        Refused: the reason the roles may not be written as things stand.
        Conflict: the person moved meanwhile; nothing is stored.
    """
    await _verify_roles(desk, change)
    kept = await _person(desk, change.name)
    roles = tuple(sorted(_roles_in(change)))
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={**account_facts(desk, kept.record), "roles": list(roles)},
        desk={"by": by, "person": kept.record.id, "before": list(kept.record.roles), "reason": change.reason},
        refs=(kept.record.id,),
    )
    await desk.store.commit(
        Commit(puts=(Put(replace(kept.record, roles=roles), kept.rev, kept.record),), entries=written.rows)
    )


def _roles_in(change: ProposedChange) -> set[str]:
    return {str(one) for one in (change.to if isinstance(change.to, list | tuple) else ())}


async def _verified(desk: DeskContext, change: ProposedChange, by: str) -> None:
    await vouch(desk, change.name, seen=_seen(desk, change), by=by, reason=change.reason)


_CHANGES: Final[Mapping[str, Callable[[DeskContext, ProposedChange, str], Awaitable[None]]]] = {
    "resume": _resume,
    "roles": _roles,
    "tier": _tier,
    "verified": _verified,
}


async def _open(desk: DeskContext, proposal_id: str) -> Versioned[Proposal]:
    try:
        kept = await desk.store.get(Proposal, proposal_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such proposal") from None
    if desk.world.now() >= kept.record.expires_at:
        raise Refused(Code.REQUEST_NOT_FOUND, "the proposal has expired")
    return kept


async def _take(desk: DeskContext, kept: Versioned[Proposal]) -> None:
    try:
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except Conflict:
        raise Refused(Code.REQUEST_NOT_FOUND, "the proposal was answered meanwhile") from None


async def _person(desk: DeskContext, person_id: str) -> Versioned[PersonRecord]:
    try:
        return await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such person", public=marked("No one has this id.")) from None


def _malformed(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, reason, public=f"{reason[:1].upper()}{reason[1:]}.")
