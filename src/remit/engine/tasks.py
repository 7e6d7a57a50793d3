"""End of a task and its dependents: credentials, waiting confirmations and queued acts."""

from collections.abc import Sequence

from remit.domain.catalogue.model import Effect
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.incidents.records import risk_of_task
from remit.domain.policy.decision import LEAKED, ending_counter
from remit.domain.policy.risk import SubjectKind, TaskReviewed, subjects_of
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    DeskMessage,
    EndReason,
    MandateRecord,
    OutboxState,
    TaskRecord,
    TaskState,
    open_asks_key,
)
from remit.domain.secrets.outbound import WithheldSpan, withheld_kinds
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.counters import released_reservations
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.mandates.live import live_mandates
from remit.engine.transcript.record import draft_entry, prepare_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Reserve, RiskEvent, Versioned

_TRIES = 8
_PAGE = 200
_ASKS = 1000


@struct(frozen=True, kw_only=True)
class EndedTask:
    """The result of ending a task: `sent` acts were already under way, `took_ms` is until it held everywhere."""

    task: str
    reason: EndReason
    confirmations: int
    acts: int
    sent: tuple[str, ...]
    took_ms: int
    below: tuple["EndedTask", ...] = ()


async def end_task(desk: DeskContext, task_id: str, reason: EndReason) -> EndedTask:
    """End a task; once recorded, nothing of it can ask, act or be confirmed on any node.

    Every request reads the task's record, so its credentials end with this one commit; pending work is then voided with
    it, and its reservations are released. Sub-mandates read the end in the counters of the mandate above them. Ending
    an ended task changes nothing.

    Raises:
        Missing: no such task.
        Fault: `fault.store`; the task is then not ended.

    Source: docs/model/model.md#task-end.
    """
    started = desk.world.ticks()
    for _ in range(_TRIES):
        kept = await desk.store.get(TaskRecord, task_id)
        if kept.record.state is TaskState.ENDED:
            return EndedTask(
                task=task_id, reason=EndReason(kept.record.reason), confirmations=0, acts=0, sent=(), took_ms=0
            )
        try:
            return await _end(desk, kept, reason, started)
        except Conflict:
            continue
    # Something keeps moving under the task: end the task alone, now. Pending work cannot be used any more, since every
    # step compares the task's revision; the sweep voids it.
    kept = await desk.store.get(TaskRecord, task_id)
    return await _end(desk, kept, reason, started, alone=True)


async def _end(
    desk: DeskContext, kept: Versioned[TaskRecord], reason: EndReason, started: float, *, alone: bool = False
) -> EndedTask:
    task = kept.record
    now = desk.world.now()
    ended = replace(task, state=TaskState.ENDED, reason=reason.value, ended_at=now)
    puts: list[Put] = [Put(ended, kept.rev, task)]
    releases: list[Reserve] = []
    if await desk.store.find(MandateRecord, "mandate.live_parent", task.mandate, limit=1):
        releases.append(Reserve(task.mandate, ending_counter(now, reason), 1, None))
    sent: list[str] = []
    acts = 0
    confirmations = () if alone else await desk.store.find(ConfirmationRecord, "confirmation.task", task.id, limit=1000)
    asks = () if alone else await desk.store.find(AskRecord, "ask.task", open_asks_key(task.id), limit=1000)
    puts.extend(Put(replace(one.record, state=ConfirmationState.VOID), one.rev, one.record) for one in confirmations)
    for act in () if alone else await desk.store.find(ActRecord, "act.task", task.id, limit=1000):
        if act.record.ask:
            puts.append(Put(act.record.over(OutboxState.VOID), act.rev, act.record))
            acts += 1
    for ask in asks:
        if ask.record.state in {AskState.WAITING, AskState.PERMITTED}:
            puts.append(Put(_voided(ask.record, reason), ask.rev, ask.record))
            releases.extend(released_reservations(ask.record))
        else:
            sent.append(ask.record.id)
    took_ms = round((desk.world.ticks() - started) * 1000)
    draft = draft_entry(
        desk,
        Kind.TASK_ENDED,
        envelope={
            "task": task.id,
            "case": task.case,
            "reason": reason.value,
            "voided": {"confirmations": len(confirmations), "acts": acts},
            "already_sent": list(sent),
            "took_ms": took_ms,
        },
        agent={"reason": reason.value},
        customer={"reason": reason.value},
        subject=task.customer,
        refs=(task.id, task.mandate, task.customer),
    )
    commit = Commit(puts=tuple(puts), reserves=tuple(releases))
    if reason is EndReason.RISK:
        await commit_with_incident(desk, risk_of_task(task, "ended", ended=(f"task {task.id}",)), draft, commit)
    else:
        await desk.store.commit(replace(commit, entries=(await seal_entries(desk, draft)).rows))
    desk.notify.wake(f"task:{task.id}")
    for ask in asks:
        desk.notify.wake(f"ask:{ask.record.id}")
    below = tuple(await _end_branches(desk, task.mandate, reason))
    return EndedTask(
        task=task.id,
        reason=reason,
        confirmations=len(confirmations),
        acts=acts,
        sent=tuple(sent),
        took_ms=took_ms,
        below=below,
    )


def _voided(ask: AskRecord, reason: EndReason) -> AskRecord:
    public = f"The task ended: {reason.replace('_', ' ')}."
    return replace(
        ask, state=AskState.VOID, code=Code.TASK_ENDED.value, public=public, reason=reason.value, reserved=()
    )


async def _end_branches(desk: DeskContext, mandate_id: str, reason: EndReason) -> list[EndedTask]:
    """End the tasks of every sub-mandate at any depth, with or without tasks between."""
    ended: list[EndedTask] = []
    async for child in live_mandates(desk, "mandate.live_parent", mandate_id):
        ended.extend(await end_all(desk, "task.live_mandate", child.id, reason))
        ended.extend(await _end_branches(desk, child.id, reason))
    return ended


async def end_all(desk: DeskContext, index: str, key: str, reason: EndReason) -> tuple[EndedTask, ...]:
    """End every live task under an index key: `task.live_agent`, `…_operator`, `…_customer`, `…_objective`,
    `…_mandate`.
    """
    ended: dict[str, EndedTask] = {}
    while True:
        page = await desk.store.find(TaskRecord, index, key, limit=_PAGE)
        if not page:
            return tuple(ended.values())
        for kept in page:
            try:
                one = await end_task(desk, kept.record.id, reason)
            except RecordMissing:  # it was swept meanwhile; nothing is left to end
                continue
            for each in (one, *one.below):
                ended.setdefault(each.task, each)  # a sub-mandate's task may be on this page too, and has ended by then


async def next_message(
    desk: DeskContext,
    state: AuthorizationState,
    *,
    kind: str,
    text: str,
    offer: str = "",
    held: Sequence[WithheldSpan] = (),
    overridden: tuple[str, ...] = (),
) -> DeskMessage:
    """Build the next message, as checked in this state; a concurrent message makes its commit a conflict."""
    task = state.task.record.id
    last = await desk.store.find(DeskMessage, "message.task", task, limit=1, newest=True)
    n = last[0].record.n + 1 if last else 1
    return DeskMessage(
        id=f"{task} {n}",
        task=task,
        n=n,
        at=desk.world.now(),
        kind=kind,
        text=text,
        offer=offer,
        withheld=len(held),
        kinds=withheld_kinds(held),
        epochs=state.epochs,
        overridden=overridden,
    )


async def verify_held(desk: DeskContext, task_id: str) -> Versioned[TaskRecord]:
    """Return a held task that could go on.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        kept = await desk.store.get(TaskRecord, task_id)
    except RecordMissing:
        kept = None
    if kept is None or kept.record.state is not TaskState.HELD or desk.world.now() >= kept.record.ends_at:
        raise Refused(Code.REQUEST_NOT_FOUND, "not held", public=marked("No such task is on hold."))
    return kept


async def has_moved_or_leaked(desk: DeskContext, task_id: str) -> bool:
    """Return whether an act of a task changed or may have changed anything but its case, or a credential leaked in it.

    Source: docs/model/model.md#held.
    """

    def moves(action: str) -> bool:
        known = desk.catalogue.actions.get(action)
        return known is None or (known.effect is Effect.WRITE and not known.builtin)

    counters = await desk.store.counters(task_id)
    done = [key.removeprefix("done:") for key in counters if key.startswith("done:")]
    unsettled = await desk.store.find(AskRecord, "ask.task", open_asks_key(task_id), limit=_ASKS)
    begun = [one.record.action for one in unsettled if one.record.state is not AskState.WAITING]
    return LEAKED in counters or len(unsettled) == _ASKS or any(moves(action) for action in (*done, *begun))


async def release_task(desk: DeskContext, task_id: str, *, by: str) -> None:
    """Release a held task after the people whom that takes agreed.

    The risk of the task, its grant and its targets is reset; the task's events are removed from the trails of agent and
    operator, other tasks' events stay.

    Raises:
        Refused: `request.not_found` when it is no longer held, `task.busy`.

    Source: docs/model/model.md#held.
    """
    kept = await verify_held(desk, task_id)
    task, now = kept.record, desk.world.now()
    trails = (await desk.store.snapshot(task=task.id, idempotency="")).trails
    levels = next((trail.levels for trail in trails if trail.kind is SubjectKind.TASK), {})
    concerned = (*subjects_of(task), *((SubjectKind.TARGET, target) for target in task.targets))
    written = await prepare_entry(
        desk,
        Kind.TASK_RESUMED,
        envelope={"task": task.id, "agent": task.client_id, "customer": pseudonym(desk, task.customer)},
        desk={"by": by},
        subject=task.customer,
        refs=(task.id, task.client_id, task.customer),
    )
    await commit_retryable(
        desk,
        Commit(
            puts=(Put(replace(task, state=TaskState.OPEN), kept.rev, task),),
            touches=((task.id, now),),
            steps=tuple(
                RiskEvent(kind, subject, TaskReviewed(levels=levels), now, task.customer) for kind, subject in concerned
            ),
            entries=written.rows,
        ),
    )
