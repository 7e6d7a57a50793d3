"""Exchange of a mandate for a task, and of a task for a fresh credential."""

from collections.abc import Mapping

from remit.domain.catalogue.target import mandate_targets
from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import bound_family, confirmation_claim
from remit.domain.ids import is_id, new_id
from remit.domain.policy.visitors import visitor_marks
from remit.domain.records import ActRecord, MandateRecord, TaskRecord, TaskState
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, Json
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.registration import opened_risk_events
from remit.engine.ask.authorization_state import has_pending_work, load_authorization_state, mandate_of, verify_active
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.outbox import perform_act
from remit.engine.ask.step_up import ACR
from remit.engine.context import DeskContext
from remit.engine.helpdesk_writes import helpdesk_write
from remit.engine.mandates.issuable import verify_issuable
from remit.engine.transcript.record import prepare_entry, pseudonym
from remit.ports.store import Commit, Conflict, Precondition, Put, RecordMissing, Replayed, Versioned
from remit.proof.canonical import b64url
from remit.usecases.mandates.grant import RedeemedCode, invalid_grant

_TRIES = 5
_FEW, _MANY = 4, 10
"""A mandate's live tasks examined: the newest few at hand, or all, read from the store's tables."""


@struct(frozen=True, kw_only=True)
class IssuedToken:
    """A fresh access token. Times in seconds."""

    access_token: str
    expires_in_s: int
    mandate: MandateRecord
    task: str
    case: str


async def open_task(desk: DeskContext, caller: Caller, mandate_id: str) -> IssuedToken:
    """Open a task under a mandate, reserve its case and issue its first credential.

    A retried exchange returns the live task without asks, instead of opening another.

    Raises:
        Refused: `grant.invalid` for anything that is not exactly as granted, `mandate.*` for a mandate that is the
            caller's own but cannot be used, `credential.replayed`.

    Source: RFC 8693; docs/model/model.md#task-opening.
    """
    for _ in range(_TRIES):
        kept = await own_mandate(desk, caller, mandate_id)
        now = desk.world.now()
        preconditions = (
            Precondition("agent", caller.agent.record.id, caller.agent.rev),
            *await verify_issuable(desk, kept, now),
        )
        unused = await _unused_task(desk, kept.record, now)
        if unused is None and kept.record.tasks >= kept.record.max_tasks:
            raise Refused(
                Code.GRANT_INVALID, "the mandate's tasks are used up", public="This mandate allows no further task."
            )
        try:
            if unused is None:
                task = await _open(desk, caller, kept, preconditions, now)
            else:
                task = unused.record
                await desk.store.commit(
                    Commit(
                        preconditions=(*preconditions, Precondition("task", task.id, unused.rev)), marks=caller.marks
                    )
                )
        except Conflict:
            continue
        except Replayed as stands:
            raise caller.replayed(stands) from None
        return _issue(desk, caller, kept.record, task, now)
    raise Refused(Code.TASK_BUSY, "the mandate kept changing", retry_after_s=1)


async def renew_task_token(desk: DeskContext, caller: Caller, task_id: str) -> IssuedToken:
    """Issue a fresh credential for a live task to its own workload.

    Raises:
        Refused: `grant.invalid` for a task that is not the caller's, `task.ended` and the other codes of its state,
            `credential.replayed`.
        Fault: `fault.case`: no fresh credential while the case cannot be read.
    """
    try:
        state = await load_authorization_state(desk, task_id)
    except Refused as refused:
        raise invalid_grant(refused.detail) from None
    task = state.task.record
    if (task.client_id, task.actor, task.jkt) != (caller.agent.record.id, caller.actor, caller.jkt):
        raise invalid_grant("another workload's task")
    now = desk.world.now()
    verify_active(state, now, desk.terms, waiting=await has_pending_work(desk, state))
    await _spend(desk, caller)
    await verify_case(desk, task)
    if not await desk.store.unchanged(state.preconditions):  # ⚔ the case read took time
        raise Refused(Code.TASK_BUSY, "the task changed meanwhile", retry_after_s=1)
    return _issue(desk, caller, state.mandate, task, now)


def issue_grant_token(desk: DeskContext, caller: Caller, redeemed: RedeemedCode) -> IssuedToken:
    """Issue the token of a redeemed code: it names the mandate and opens no task by itself."""
    return _issue(desk, caller, redeemed.mandate, None, redeemed.at)


async def own_mandate(desk: DeskContext, caller: Caller, mandate_id: str) -> Versioned[MandateRecord]:
    """Return the caller's own mandate; unknown and foreign ids answer alike.

    Raises:
        Refused: `grant.invalid`.
    """
    if not is_id(mandate_id, "man"):
        raise invalid_grant("not a mandate id")
    try:
        kept = await desk.store.get(MandateRecord, mandate_id)
    except RecordMissing:
        raise invalid_grant("no such mandate") from None
    record = kept.record
    if (record.client_id, record.actor, record.jkt) != (caller.agent.record.id, caller.actor, caller.jkt):
        raise invalid_grant("granted to another agent or key")
    return kept


async def _unused_task(desk: DeskContext, mandate: MandateRecord, now: Instant) -> Versioned[TaskRecord] | None:
    for limit in (_FEW, _MANY):
        found = await desk.store.find(TaskRecord, "task.live_mandate", mandate.id, newest=True, limit=limit)
        for kept in found:
            snapshot = await desk.store.snapshot(task=kept.record.id, idempotency="")
            fresh = now < min(kept.record.ends_at, kept.record.opened_at + desk.terms.task_idle_s * 1000)
            if kept.record.id not in snapshot.touched and kept.record.state is TaskState.OPEN and fresh:
                return kept
        if len(found) < limit:
            break
    return None


async def _open(
    desk: DeskContext,
    caller: Caller,
    kept: Versioned[MandateRecord],
    preconditions: tuple[Precondition, ...],
    now: Instant,
) -> TaskRecord:
    mandate = kept.record
    task = TaskRecord(
        id=new_id("task", desk.world.random(16)),
        mandate=mandate.id,
        root=mandate.root,
        customer=mandate.customer,
        client_id=mandate.client_id,
        actor=mandate.actor,
        operator=mandate.operator,
        jkt=mandate.jkt,
        objective=mandate.objective,
        case=new_id("case", desk.world.random(16)),
        state=TaskState.OPEN,
        opened_at=now,
        ends_at=Instant(min(now + desk.terms.task_life_s * 1000, mandate.expires_at)),
        targets=mandate_targets(mandate_of(desk.catalogue, mandate).objective.target),
    )
    ticket = _ticket(desk, task, now)
    written = await prepare_entry(
        desk,
        Kind.TASK_OPENED,
        envelope={
            "task": task.id,
            "case": task.case,
            "mandate": mandate.id,
            "mandate_hash": mandate.hash,
            "agent": task.client_id,
            "customer": pseudonym(desk, task.customer),
            "objective": task.objective,
            **visitor_marks(caller.agent.record, mandate.jkt),
        },
        agent={"jkt": task.jkt, "actor": task.actor},
        customer={"agent": caller.agent.record.name, "objective": task.objective},
        desk={"customer": task.customer},
        subject=task.customer,
        refs=(task.id, mandate.id, task.customer),
    )
    used = replace(mandate, tasks=mandate.tasks + 1)
    await desk.store.commit(
        Commit(
            preconditions=preconditions,
            puts=(Put(task, 0), Put(used, kept.rev, mandate), Put(ticket, 0)),
            marks=caller.marks,
            steps=opened_risk_events("task", agent=task.client_id, operator=task.operator, at=now),
            entries=written.rows,
        )
    )
    # A crash here leaves the ticket sent; repaired by reconciliation, which opens an unseen one. The agent's first
    # write waits for the case. Sending read nothing beyond the commit above: one record is enough (decision 12).
    await perform_act(desk, Versioned(ticket, 1), None)
    return task


def _ticket(desk: DeskContext, task: TaskRecord, now: Instant) -> ActRecord:
    title = desk.catalogue.objectives[task.objective].title
    payload = {"do": "open", "subject": title, "text": "", "author": "remit"}
    return helpdesk_write(desk, payload, task=task.id, case=task.case, at=now, sent=True)


async def _spend(desk: DeskContext, caller: Caller) -> None:
    """Mark the assertion and proof as used when nothing else is written."""
    try:
        await desk.store.commit(
            Commit(marks=caller.marks, preconditions=(Precondition("agent", caller.agent.record.id, caller.agent.rev),))
        )
    except Replayed as stands:
        raise caller.replayed(stands) from None
    except Conflict:
        raise Refused(Code.AGENT_SUSPENDED, "the agent changed meanwhile") from None


def _act(issuer: str, actors: tuple[str, ...]) -> Mapping[str, Json]:
    """Return the actor chain, the present actor outermost; never truncated (RFC 8693 §4.1, actor profile)."""
    act: dict[str, Json] = {"iss": issuer, "sub": actors[0], "sub_profile": "ai_agent"}
    return act | {"act": _act(issuer, actors[1:])} if actors[1:] else act


def _issue(
    desk: DeskContext, caller: Caller, mandate: MandateRecord, task: TaskRecord | None, now: Instant
) -> IssuedToken:
    """Sign an access token (RFC 9068, ES256) bound to the caller's key or family, with the actor of the actor profile.

    `now` is when its preconditions were checked: it must not outlive any of them.
    """
    now_s = now // 1000
    ends_s = mandate.expires_at // 1000 if task is None else min(task.ends_at, mandate.expires_at) // 1000
    expires_in_s = min(desk.terms.token_ttl_s, ends_s - now_s)
    if expires_in_s < 1:
        raise invalid_grant("less than a second is left")
    family = bound_family(mandate.jkt)
    claims: dict[str, Json] = {
        "iss": desk.terms.issuer,
        "aud": caller.resource or desk.terms.issuer,
        "sub": mandate.customer,
        "client_id": mandate.client_id,
        "act": _act(desk.terms.issuer, (caller.actor, *mandate.above)),
        "iat": now_s,
        "exp": now_s + expires_in_s,
        "jti": b64url(desk.world.random(16)),
        **({"family": family} if family else {"cnf": confirmation_claim(mandate.jkt)}),
        "mandate": mandate.id,
        "mandate_hash": mandate.hash,
        "scope": mandate.objective if family else "mandate" if task is None else "ask",
    }
    if not mandate.parent:  # of what another agent cut, the customer's signature stands in the mandate above
        claims |= {"acr": ACR, "auth_time": mandate.granted_at // 1000}
    if task is not None:
        claims["task"] = task.id
    return IssuedToken(
        access_token=desk.signer.sign_jwt("at+jwt", claims),
        expires_in_s=expires_in_s,
        mandate=mandate,
        task="" if task is None else task.id,
        case="" if task is None else task.case,
    )
