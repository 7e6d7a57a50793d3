"""Delegation: a sub-mandate for another agent, which lives and dies with its parent mandate."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.ids import new_id
from remit.domain.mandate.grant import covered_actions
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.narrow import verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.records import MandateRecord
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.pseudonyms import limits_digest
from remit.domain.values import Instant, Json, instant_text
from remit.engine.agents.authenticate import Caller, WrongCaller, admit, prove_client
from remit.engine.agents.registration import opened_risk_events
from remit.engine.ask.authorization_state import mandate_of, suspension_precondition
from remit.engine.context import DeskContext
from remit.engine.mandates.issuable import verify_issuable
from remit.engine.mandates.summary import verify_summary
from remit.engine.transcript.record import PreparedEntries, prepare_entry, pseudonym
from remit.ports.store import Commit, Conflict, Precondition, Put, Replayed, ReplayMark, Versioned
from remit.proof.canonical import canonical, digest
from remit.usecases.agents.refused_credentials import mark_proofs_used
from remit.usecases.mandates.grant import invalid_grant, one_mandate
from remit.usecases.tasks.open import own_mandate

_UNKNOWN_ACTOR: Final = (
    "Name the client id it is registered under in actor_client_id, or ask the company to register it."
)


@struct(frozen=True, kw_only=True)
class DelegateActor:
    """The other agent as a request names it: its client assertion, and its registered client id ("" if absent)."""

    assertion_type: str
    assertion: str
    client_id: str


async def delegate(
    desk: DeskContext, caller: Caller, actor: DelegateActor, *, mandate_id: str, details: Json, jkt: str
) -> MandateRecord:
    """Cut a sub-mandate off the caller's mandate for another agent, which authenticates in the same request.

    The sub-mandate fits inside the mandate (⚔ each hop narrows), the customer named its operator, and its chain has at
    most five actors. Its acts are charged to every mandate above it; when one of those ends, it ends.

    Raises:
        Refused: `agent.untrusted` for a stranger; `grant.invalid` for a mandate that is not the caller's or allows no
            such agent, `mandate.invalid` when it would widen anything, `mandate.*`; `agent.*` and `credential.*` of the
            other agent, as `WrongCaller`.

    Source: docs/model/model.md#chain; RFC 8693 §2.1 (actor_token); actor profile (at most five levels, never
        truncated).
    """
    if caller.agent.record.stranger:
        raise Refused(Code.AGENT_UNTRUSTED, "met by its signature alone")
    kept = await own_mandate(desk, caller, mandate_id)
    now = desk.world.now()
    preconditions = await verify_issuable(desk, kept, now, further=1)
    child = await _authenticate_actor(desk, caller, actor)
    try:
        return await _record_branch(
            desk,
            caller,
            child,
            _SubMandateRequest(kept=kept, preconditions=preconditions, details=details, jkt=jkt, at=now),
        )
    except (Refused, Fault) as refused:
        await mark_proofs_used(desk, child.marks, refused)
        raise


@struct(frozen=True, kw_only=True)
class _SubMandateRequest:
    """A requested sub-mandate: parent, preconditions, contents, key."""

    kept: Versioned[MandateRecord]
    preconditions: tuple[Precondition, ...]
    details: Json
    jkt: str
    at: Instant


async def _record_branch(desk: DeskContext, caller: Caller, child: Caller, cut: _SubMandateRequest) -> MandateRecord:
    """Record the sub-mandate, where the mandate has room for it."""
    parent, operator = cut.kept.record, child.agent.record.operator
    above = mandate_of(desk.catalogue, parent)
    _verify_allowed(parent, above, operator)
    branch = _read_branch(desk, cut, above)
    places = verify_narrows(branch, above)
    # The sub-mandate takes its tasks from its parent's: delegation must not multiply them.
    taken = replace(parent, tasks=parent.tasks + branch.max_tasks)
    if taken.tasks > parent.max_tasks:
        public = "max_tasks is more than the mandate still allows."
        raise Refused(Code.MANDATE_INVALID, "the mandate has fewer tasks left", public=public)
    record = _branch_record(desk, child, cut, branch, places)
    written = await _prepare_granted(desk, child, parent, branch, record)
    preconditions = (
        *cut.preconditions,
        Precondition("agent", parent.client_id, caller.agent.rev),
        Precondition("agent", child.agent.record.id, child.agent.rev),
        *await suspension_precondition(desk, f"operator:{operator}"),
    )
    marks: tuple[ReplayMark, ...] = (*caller.marks, *child.marks)
    try:
        await desk.store.commit(
            Commit(
                preconditions=preconditions,
                puts=(Put(record, 0), Put(taken, cut.kept.rev, parent)),
                marks=marks,
                steps=opened_risk_events("mandate", agent=parent.client_id, operator=parent.operator, at=cut.at),
                entries=written.rows,
            )
        )
    except Replayed as stands:
        if any(mark.key in stands.args for mark in child.marks):
            raise _actor_refused(child.replayed(stands)) from None
        raise caller.replayed(stands) from None
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the mandate changed meanwhile", retry_after_s=1) from None
    return record


def _read_branch(desk: DeskContext, cut: _SubMandateRequest, above: Mandate) -> Mandate:
    asked = one_mandate(cut.details)
    if isinstance(asked, Mapping) and "expires_at" not in asked:
        asked = {**asked, "expires_at": instant_text(cut.kept.record.expires_at)}
    branch = read_mandate(asked, desk.catalogue, now=cut.at)
    verify_summary(desk, branch)
    if branch.chain >= above.chain:
        public = "chain must be lower than in the mandate it comes from."
        raise Refused(Code.MANDATE_INVALID, "chain must go down with each hop", public=public)
    return branch


def _branch_record(
    desk: DeskContext, child: Caller, cut: _SubMandateRequest, branch: Mandate, places: tuple[int, ...]
) -> MandateRecord:
    parent, agent = cut.kept.record, child.agent.record
    signed = {
        "iss": desk.terms.issuer,
        "sub": parent.customer,
        "client_id": agent.id,
        "act": {"sub": child.actor},
        "operator": agent.operator,
        "jkt": cut.jkt,
        "mandate": wire_mandate(branch),
        "parent": parent.hash,
    }
    return replace(
        parent,
        id=new_id("man", desk.world.random(16)),
        version=1,
        client_id=agent.id,
        actor=child.actor,
        operator=agent.operator,
        jkt=cut.jkt,
        wire=canonical(wire_mandate(branch)).decode(),
        hash=digest(signed),
        signed=canonical(signed).decode(),
        action_digests={name: parent.action_digests.get(name, "") for name in covered_actions(branch, desk.catalogue)},
        evidence="",
        granted_at=cut.at,
        expires_at=branch.expires_at,
        max_tasks=branch.max_tasks,
        tasks=0,
        parent=parent.id,
        depth=parent.depth + 1,
        above=(parent.actor, *parent.above),
        power_roots=places,
    )


async def _prepare_granted(
    desk: DeskContext, child: Caller, parent: MandateRecord, branch: Mandate, record: MandateRecord
) -> PreparedEntries:
    agent = child.agent.record
    return await prepare_entry(
        desk,
        Kind.MANDATE_GRANTED,
        envelope={
            "mandate": record.id,
            "hash": record.hash,
            "parent": parent.id,
            "depth": record.depth,
            "agent": record.client_id,
            "customer": pseudonym(desk, record.customer),
            "objective": record.objective,
            "limits": limits_digest(desk.signer.keyed, record),
        },
        agent={"mandate": wire_mandate(branch)},
        customer={
            "mandate": wire_mandate(branch),
            "agent": agent.name,
            "operator": agent.operator,
            "by": parent.client_id,
        },
        desk={"signed": record.signed},
        subject=record.customer,
        refs=(record.id, parent.id, record.customer, record.client_id),
    )


async def _authenticate_actor(desk: DeskContext, caller: Caller, actor: DelegateActor) -> Caller:
    """Authenticate the receiving agent by its own assertion.

    A SPIFFE ID finds only an exact registration; only a `client_id` finds a pattern. ⚔ Errors name the actor_token: a
    client that took them for its own key would replace a good one.
    """
    try:
        proved = await prove_client(
            desk,
            assertion_type=actor.assertion_type,
            assertion=actor.assertion,
            claimed_id=actor.client_id,
            newcomers=True,
        )
        child = await admit(desk, proved)
    except Refused as refused:
        raise _actor_refused(refused) from refused
    if not set(child.marks).isdisjoint(caller.marks):
        raise _actor_refused(Refused(Code.CREDENTIAL_REPLAYED, "it is the client's own assertion"))
    return child


def _actor_refused(refused: Refused) -> WrongCaller:
    reason = refused.public or MEANINGS[refused.code].title
    return WrongCaller(
        refused.code,
        f"actor_token: {refused.detail}",
        public=f"The actor_token was refused: {reason}",
        cure=refused.cure,
        public_cure=_UNKNOWN_ACTOR if refused.code is Code.AGENT_UNKNOWN else refused.public_cure,
    )


def _verify_allowed(parent: MandateRecord, above: Mandate, operator: str) -> None:
    """Verify that the customer allowed a further hop to this operator, and that tasks are left."""
    if parent.tasks >= parent.max_tasks or above.chain < 1 or operator not in above.chain_operators:
        raise invalid_grant("the customer allowed no such sub-mandate")
