"""Background rounds: queued acts are sent, unknown ones reconciled, expired records ended."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import Permit, Refuse
from remit.domain.records import (
    ActRecord,
    AskRecord,
    Ceremony,
    ClientRegistration,
    ConfirmationRecord,
    EndReason,
    FileRecord,
    Invitation,
    MandateRecord,
    OutboxState,
    PushedRequest,
    Record,
    SessionRecord,
    TaskRecord,
    TokenFamily,
)
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import JsonObject, instant_text
from remit.engine.ask.authorization_state import ending_reason, has_pending_work, load_authorization_state
from remit.engine.ask.counters import reservation_changes
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.outbox import (
    Reevaluation,
    StaleAct,
    dispatch_act,
    dispatch_recorded_act,
    ending_after_outcome,
    void_act,
)
from remit.engine.ask.reconcile import reconcile
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_action_unchanged
from remit.engine.confirm.escalate import advance_due_invitation
from remit.engine.context import DeskContext
from remit.engine.decision_point.approvals import expire_approval
from remit.engine.tasks import end_all, end_task
from remit.engine.transcript.record import prepare_entry
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.usecases.canaries import record_canaries
from remit.usecases.files import expire_file
from remit.usecases.helpdesk_events import read_woken_tickets
from remit.usecases.native_replies import take_native_replies
from remit.usecases.tasks.expiry import TaskExpiryQueue
from remit.usecases.ticket_cards import write_ticket_cards
from remit.usecases.transcript.replay_erasures import finish_erasures

R = TypeVar("R", bound=Record)
_LOG: Final = logging.getLogger("remit")
_PAGE: Final = 200
_SPENT = (Ceremony, ClientRegistration, SessionRecord, Invitation, PushedRequest, TokenFamily)


async def sweep(desk: DeskContext, *, patience_s: float, live: TaskExpiryQueue | None = None) -> int:
    """Run one full round, and return how much was done; one failure does not stop the rest."""
    done = await read_woken_tickets(desk) + await sweep_due(desk, live)
    return done + await sweep_acts(desk, patience_s=patience_s)


async def sweep_acts(desk: DeskContext, *, patience_s: float) -> int:
    """Reconcile sent acts and send queued ones; every due act is tried, however many cannot be settled.

    `patience_s` is how long an act is left to the request that queued or sent it. A write into a case waits until
    earlier writes there are settled: people read them in order.
    """
    limit = desk.world.now() - round(patience_s * 1000)
    done = 0
    unsettled: set[str] = set()
    async for sent in _every(desk, ActRecord, "act.sent", high=limit):
        done += await _attempt(reconcile, desk, sent)
        if sent.record.door == "helpdesk" and await _is_open(desk, sent.record.id):
            unsettled.add(sent.record.case)
    async for queued in _every(desk, ActRecord, "act.queued", high=limit):
        if queued.record.door != "helpdesk" or queued.record.case not in unsettled:
            done += await _attempt(_send, desk, queued)
            if queued.record.door == "helpdesk" and await _is_open(desk, queued.record.id):
                unsettled.add(queued.record.case)
    return done


async def _is_open(desk: DeskContext, act_id: str) -> bool:
    """Return whether a sent act is still without outcome."""
    try:
        return (await desk.store.get(ActRecord, act_id)).record.state in {OutboxState.SENT, OutboxState.UNKNOWN}
    except RecordMissing:
        return False


async def sweep_due(desk: DeskContext, live: TaskExpiryQueue | None = None) -> int:
    """End expired records, drop used ones, complete broken erasures, record canaries, report native replies, renew cards.

    The desk's systems do not delay it for long. `live` is the earlier rounds' knowledge of live tasks; without it each
    one is examined.
    """
    now = desk.world.now()
    live = live or TaskExpiryQueue()
    done = 0
    async for waiting in _every(desk, ConfirmationRecord, "due.confirmation", high=now):
        done += await _attempt(_pass_due, desk, waiting)
    async for mandate in _every(desk, MandateRecord, "due.mandate", high=now):
        done += await _attempt(_expire_mandate, desk, mandate)
    async for task in live.due(desk):
        done += await _attempt(_end_by_time, desk, task)
    async for file in _every(desk, FileRecord, "due.file", high=now):
        done += await _attempt(expire_file, desk, file)
    async for approved in _every(desk, AskRecord, "due.approval", high=now):
        done += await _attempt(expire_approval, desk, approved)
    for kind in _SPENT:
        async for expired in _every(desk, kind, f"due.{kind.KIND}", high=now):
            done += await _attempt(_forget, desk, expired)
    done += await finish_erasures(desk)
    done += await record_canaries(desk)
    return done + await take_native_replies(desk) + await write_ticket_cards(desk)


async def _every(desk: DeskContext, kind: type[R], index: str, *, high: int) -> AsyncIterator[Versioned[R]]:
    """Yield everything under an index up to a moment, each once, page by page.

    ⚔ A record that cannot be processed stays in place: reading only the first page would starve the rest.
    """
    seen: set[str] = set()
    low, size = 0, _PAGE
    while True:
        page = await desk.store.find(kind, index, "", low=low, high=high, limit=size)
        fresh = [kept for kept in page if kept.record.id not in seen]
        for kept in fresh:
            seen.add(kept.record.id)
            yield kept
        if len(page) < size:
            return
        low = next(link.at for link in page[-1].record.links() if link.name == index)
        # More than a page may share one moment.
        size = _PAGE if fresh else size * 2


async def end_orphaned_tasks(desk: DeskContext) -> int:
    """End the tasks whose ending outcome was recorded by a process that then died; return how many.

    Source: docs/model/model.md#task-end.
    """
    ended = 0
    seen: set[str] = set()
    low = 0
    while True:
        page = await desk.store.find(TaskRecord, "task.live", "", low=low, limit=500)
        fresh = [kept.record for kept in page if kept.record.id not in seen]
        if not fresh:
            return ended
        for task in fresh:
            seen.add(task.id)
            reason = ending_after_outcome(desk, task, await desk.store.counters(task.id))
            if reason is not None:
                await end_task(desk, task.id, reason)
                ended += 1
        low = fresh[-1].opened_at


async def _attempt(
    work: Callable[[DeskContext, Versioned[R]], Awaitable[None]], desk: DeskContext, kept: Versioned[R]
) -> int:
    """Run one piece of work; failures stay in place for the next round."""
    try:
        await work(desk, kept)
    except (Fault, Refused, Conflict, RecordMissing):
        return 0
    except Exception:  # noqa: BLE001  # ⚔ a desk that answers nonsense about one thing must not keep everything else from being done
        _LOG.exception(
            "the sweep left %s %s for the next round", kept.record.KIND, kept.record.id, extra={"event": "sweep.left"}
        )
        return 0
    return 1


async def _send(desk: DeskContext, kept: Versioned[ActRecord]) -> None:
    try:
        await dispatch_act(desk, kept.record.id)
    except StaleAct:
        await _decide_again(desk, kept)


async def _decide_again(desk: DeskContext, kept: Versioned[ActRecord]) -> None:
    """Decide an overdue or outdated act again on fresh state, rules and facts, and send it on these.

    The new decision is recorded with the sending. ⚔ The action must still match the confirmed rendering.

    Source: docs/model/model.md#act-exactly-once, #confirm-shown.
    """
    ask = await desk.store.get(AskRecord, kept.record.ask)
    state, evaluation = await reevaluate_confirmed(desk, ask.record, frozenset(ask.record.confirmed_by))
    match evaluation.decision:
        case Permit():
            try:
                await verify_action_unchanged(desk, state, ask.record, evaluation)
            except Refused as refused:
                await void_act(desk, kept, refused)
                return
            decided = evaluation.apply_to(ask.record)
            act = Versioned(replace(kept.record, epochs=state.epochs), kept.rev)
            written = await write_decision(
                desk, state, decided, evaluation, decision="permit", code="", detail="decided again before sending"
            )
            await dispatch_recorded_act(
                desk,
                state,
                act,
                Versioned(decided, ask.rev),
                (),
                again=Reevaluation(
                    evaluation.preconditions, reservation_changes(ask.record, evaluation.reserved), written
                ),
            )
        case Refuse(code=code, detail=detail):
            await void_act(desk, kept, Refused(code, detail))
        case _:
            await void_act(desk, kept, Refused(Code.CONFIRMATION_REQUIRED, "it now needs a confirmation"))


async def _pass_due(desk: DeskContext, kept: Versioned[ConfirmationRecord]) -> None:
    await advance_due_invitation(desk, kept)


async def _expire_mandate(desk: DeskContext, kept: Versioned[MandateRecord]) -> None:
    written = await prepare_entry(
        desk,
        Kind.MANDATE_EXPIRED,
        envelope={"mandate": kept.record.id, "hash": kept.record.hash},
        subject=kept.record.customer,
        refs=(kept.record.id, kept.record.customer),
    )
    await desk.store.commit(
        Commit(puts=(Put(replace(kept.record, state="expired"), kept.rev, kept.record),), entries=written.rows)
    )
    await end_all(desk, "task.live_mandate", kept.record.id, EndReason.MANDATE_EXPIRED)


async def _end_by_time(desk: DeskContext, kept: Versioned[TaskRecord]) -> None:
    state = await load_authorization_state(desk, kept.record.id)
    reason = ending_reason(state, desk.world.now(), desk.terms, waiting=await has_pending_work(desk, state))
    if reason is not None:
        await end_task(desk, kept.record.id, reason)


async def _forget(desk: DeskContext, kept: Versioned) -> None:  # type: ignore[type-arg]  # a record of any kind
    await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))


async def record_noise(desk: DeskContext) -> int:
    """Record due noise counts, and return the number of new entries.

    ⚔ Codes and numbers alone: noise adds no text, and at most one entry in ten minutes per process. A process that ends
    loses its unrecorded counts.

    Raises:
        Fault: `fault.store`; counting continues.

    Source: docs/model/model.md#noise.
    """
    counts, since = desk.noise.due(desk.world)
    if not counts:
        return 0
    told: JsonObject = {"refused": dict(sorted(counts.items())), "since": instant_text(since)}
    try:
        written = await prepare_entry(desk, Kind.NOISE_COUNTED, envelope=told, desk=told)
        await desk.store.commit(Commit(entries=written.rows))
    except Fault:
        desk.noise.again(counts, since)
        raise
    return 1
