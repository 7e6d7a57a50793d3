"""Revocation of a mandate, and suspension of an agent, operator, customer or objective."""

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import AgentRecord, EndReason, MandateRecord, PersonRecord, Suspension
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.engine.agents.authenticate import get_agent
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.incidents import ended_in_incident, of_incident
from remit.engine.tasks import EndedTask, end_all
from remit.engine.transcript.record import draft_entry, prepare_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Put, RecordMissing

_TRIES = 8
_REASONS = {
    "agent": ("task.live_agent", EndReason.AGENT_SUSPENDED),
    "operator": ("task.live_operator", EndReason.OPERATOR_SUSPENDED),
    "customer": ("task.live_customer", EndReason.CUSTOMER_SUSPENDED),
    "objective": ("task.live_objective", EndReason.OBJECTIVE_SUSPENDED),
}


@struct(frozen=True, kw_only=True)
class RevocationResult:
    """The result of stopping something, and the time until it held; `known`: whether the desk knows that name."""

    tasks: tuple[EndedTask, ...]
    took_ms: int
    known: bool = True


async def revoke_mandate(
    desk: DeskContext,
    mandate_id: str,
    *,
    customer: str | None,
    by: str,
    by_agent: bool = False,
    ending: EndReason | None = None,
) -> RevocationResult:
    """Revoke a mandate and its sub-mandates.

    `customer` must be its own, or None when the desk revokes or the agent gives up its own mandate (`by_agent`).
    `ending` is the end reason for its tasks, where specified.

    Raises:
        Refused: `mandate.unknown` (also for a foreign one).
        Fault: `fault.store`.
    """
    started = desk.world.ticks()
    for _ in range(_TRIES):
        try:
            kept = await desk.store.get(MandateRecord, mandate_id)
        except RecordMissing:
            raise Refused(Code.MANDATE_UNKNOWN, "no such mandate") from None
        mandate = kept.record
        if customer is not None and mandate.customer != customer:
            raise Refused(Code.MANDATE_UNKNOWN, "another customer's mandate")
        if mandate.state == "revoked":
            return RevocationResult(tasks=(), took_ms=0)
        written = await prepare_entry(
            desk,
            Kind.MANDATE_REVOKED,
            envelope={
                "mandate": mandate.id,
                "hash": mandate.hash,
                "customer": pseudonym(desk, mandate.customer),
                "by_customer": customer is not None,
                "by_agent": by_agent,
            },
            customer={"agent": mandate.client_id, "objective": mandate.objective},
            desk={"by": by},
            subject=mandate.customer,
            refs=(mandate.id, mandate.customer, mandate.client_id),
        )
        try:
            await desk.store.commit(
                Commit(puts=(Put(replace(mandate, state="revoked"), kept.rev, mandate),), entries=written.rows)
            )
        except Conflict:
            continue
        reason = ending or (EndReason.REVOKED if customer is not None or by_agent else EndReason.DESK_REVOKED)
        tasks = list(await end_all(desk, "task.live_mandate", mandate.id, reason))
        for child in await desk.store.find(MandateRecord, "mandate.live_parent", mandate.id, limit=1000):
            below = await revoke_mandate(
                desk, child.record.id, customer=customer, by=by, by_agent=by_agent, ending=ending
            )
            tasks.extend(below.tasks)
        return RevocationResult(tasks=tuple(tasks), took_ms=round((desk.world.ticks() - started) * 1000))
    raise Refused(Code.TASK_BUSY, "the mandate kept changing", retry_after_s=1)


async def suspend(
    desk: DeskContext, *, what: str, name: str, reason: str, by: str, incident: str = ""
) -> RevocationResult:
    """Suspend an agent, operator, customer or objective, by one person and from the very next request.

    An operator or customer may be unknown to the desk; `known` then says so, since it may be a typing error. With
    `incident`, the id of one, it stands in that incident's time line.

    Raises:
        Refused: `request.malformed` for something else, `agent.unknown`, `objective.unknown`, `request.not_found` for
            an unknown incident.
        Fault: `fault.store`.

    Source: docs/model/model.md#two-people.
    """
    if what not in _REASONS or not name or not reason:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "name one of agent, operator, customer, objective, and a reason",
            public=marked("Enter a reason and one of agent, operator, customer or objective."),
        )
    if what == "objective":
        desk.catalogue.objective(name)  # ⚔ a typing error must not look like an effective suspension
    started = desk.world.ticks()
    for _ in range(_TRIES):
        try:
            await _mark(desk, what, name, reason, by, incident)
        except Conflict:
            continue
        index, ending = _REASONS[what]
        tasks = await end_all(desk, index, name, ending)
        took_ms = round((desk.world.ticks() - started) * 1000)
        await desk.notify.incident(
            kind="suspended", details={"what": what, "name": name, "by": by, "tasks": str(len(tasks))}
        )
        return RevocationResult(tasks=tasks, took_ms=took_ms, known=await is_known(desk, what, name))
    raise Refused(Code.TASK_BUSY, "it kept changing", retry_after_s=1)


async def is_known(desk: DeskContext, what: str, name: str) -> bool:
    """Return whether the desk knows an operator or customer; agents and objectives are looked up before."""
    if what == "operator":
        return bool(await desk.store.find(AgentRecord, "agent.operator", name, limit=1))
    if what == "customer":
        try:
            return (await desk.store.get(PersonRecord, name)).record.kind == "customer"
        except RecordMissing:
            return False
    return True  # an unknown agent or objective was refused


async def _mark(  # all that its entry says
    desk: DeskContext, what: str, name: str, reason: str, by: str, incident: str
) -> None:
    now = desk.world.now()
    shown = pseudonym(desk, name) if what == "customer" else name
    draft = draft_entry(
        desk,
        Kind.AGENT_SUSPENDED,
        envelope={"what": what, "name": shown},
        desk={"by": by, "reason": reason},
        subject=name if what == "customer" else "",
        refs=(name,),
    )
    written = await seal_entries(desk, of_incident(draft, incident))
    puts = await ended_in_incident(desk, incident, f"{what} {name}")
    if what == "agent":
        kept = await get_agent(desk, name)
        stopped = Put(replace(kept.record, suspended=reason), kept.rev, kept.record)
        await desk.store.commit(Commit(puts=(stopped, *puts), entries=written.rows))
        return
    new = Suspension(id=f"{what}:{name}", active=True, reason=reason, by=by, at=now)
    try:
        old = await desk.store.get(Suspension, new.id)
        put = Put(new, old.rev, old.record)
    except RecordMissing:
        put = Put(new, 0)
    await desk.store.commit(Commit(puts=(put, *puts), entries=written.rows))


async def resume(desk: DeskContext, *, what: str, name: str, by: str) -> None:
    """Lift a suspension after two people agreed; no task comes back to life.

    Raises:
        Refused: `request.not_found` when nothing is suspended.
    """
    written = await prepare_entry(
        desk,
        Kind.AGENT_RESUMED,
        envelope={"what": what, "name": pseudonym(desk, name) if what == "customer" else name},
        desk={"by": by},
        refs=(name,),
    )
    try:
        if what == "agent":
            kept = await desk.store.get(AgentRecord, name)
            put = Put(replace(kept.record, suspended=""), kept.rev, kept.record)
        else:
            old = await desk.store.get(Suspension, f"{what}:{name}")
            put = Put(replace(old.record, active=False), old.rev, old.record)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "nothing of that name is suspended") from None
    await commit_retryable(desk, Commit(puts=(put,), entries=written.rows))
