"""What happens by itself: queued acts are sent, unknown ones reconciled, whatever has expired is ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from remit.domain.decision import Permit, Refuse
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    Ceremony,
    ConfirmationRecord,
    ConfirmationState,
    EndReason,
    Invitation,
    MandateRecord,
    PushedRequest,
    Record,
    Session,
    TaskRecord,
)
from remit.domain.transcript import Kind
from remit.domain.values import decode
from remit.ports import backoffice as desk
from remit.ports.helpdesk import WriteState
from remit.ports.store import Commit, Conflict, Drop, Kept, Missing, Put, Reserve
from remit.usecases.answer import weigh_confirmed
from remit.usecases.end import end_all, end_task
from remit.usecases.parts import Parts
from remit.usecases.perform import StaleAct, carry_out, dispatch, dispatch_fresh, ending_by_outcome, settle_act, void_act
from remit.usecases.read_case import case_ending, verify_case
from remit.usecases.recording import draft, write
from remit.usecases.report_native_replies import report_native_replies
from remit.usecases.reserving import released
from remit.usecases.standing import ending_of, load_standing, something_waits, verify_standing
from remit.usecases.still_confirmed import verify_still_confirmed

R = TypeVar("R", bound=Record)
_PAGE: Final = 200
_SPENT = (Ceremony, Session, Invitation, PushedRequest)


async def sweep(parts: Parts, *, patience_s: float) -> int:
    """Do one round of everything. Returns how much was done. One thing that fails does not keep the others from being done."""
    return await sweep_due(parts) + await sweep_acts(parts, patience_s=patience_s)


async def sweep_acts(parts: Parts, *, patience_s: float) -> int:
    """Send what is queued and find out what became of what was sent. Every act that is due is tried, however many cannot be settled.

    `patience_s` is how long an act is left to the request that queued or sent it before the sweep takes it over.
    """
    limit = parts.world.now() - round(patience_s * 1000)
    done = 0
    async for queued in _every(parts, ActRecord, "act.queued", high=limit):
        done += await _quietly(_send, parts, queued)
    async for sent in _every(parts, ActRecord, "act.sent", high=limit):
        done += await _quietly(reconcile, parts, sent)
    return done


async def sweep_due(parts: Parts) -> int:
    """End what has expired, forget what is spent, report what was written past Remit. The desk's systems do not hold it up for long."""
    now = parts.world.now()
    shortest_s = min(parts.terms.task_idle_s, parts.terms.task_life_s)
    done = 0
    async for waiting in _every(parts, ConfirmationRecord, "due.confirmation", high=now):
        done += await _quietly(_expire_confirmation, parts, waiting)
    async for mandate in _every(parts, MandateRecord, "due.mandate", high=now):
        done += await _quietly(_expire_mandate, parts, mandate)
    async for task in _every(parts, TaskRecord, "task.live", high=now - shortest_s * 1000):
        done += await _quietly(_end_by_time, parts, task)
    for kind in _SPENT:
        async for spent in _every(parts, kind, f"due.{kind.KIND}", high=now):
            done += await _quietly(_forget, parts, spent)
    return done + await report_native_replies(parts)


async def _every(parts: Parts, kind: type[R], index: str, *, high: int) -> AsyncIterator[Kept[R]]:
    """Everything under an index up to a moment, each once, page by page.

    ⚔ What cannot be done stays in its place: who only ever looked at the first page would be kept from the rest by it.
    """
    seen: set[str] = set()
    low, size = 0, _PAGE
    while True:
        page = await parts.store.find(kind, index, "", low=low, high=high, limit=size)
        fresh = [kept for kept in page if kept.record.id not in seen]
        for kept in fresh:
            seen.add(kept.record.id)
            yield kept
        if len(page) < size:
            return
        low = next(link.at for link in page[-1].record.links() if link.name == index)
        # More than a page may stand at one moment.
        size = _PAGE if fresh else size * 2


async def catch_up(parts: Parts) -> int:
    """End the tasks that a process which died had no time to end, after it had recorded the outcome that ends them.

    Returns how many. Once at a start is enough: only a death between the two leaves such a task.

    Source: 2-model.md §4.
    """
    ended = 0
    seen: set[str] = set()
    low = 0
    while True:
        page = await parts.store.find(TaskRecord, "task.live", "", low=low, limit=500)
        fresh = [kept.record for kept in page if kept.record.id not in seen]
        if not fresh:
            return ended
        for task in fresh:
            seen.add(task.id)
            reason = ending_by_outcome(parts, task, await parts.store.counters(task.id))
            if reason is not None:
                await end_task(parts, task.id, reason)
                ended += 1
        low = fresh[-1].opened_at


async def _quietly(work: Callable[[Parts, Kept], Awaitable[None]], parts: Parts, kept: Kept) -> int:  # type: ignore[type-arg]  # a record of any kind
    """Do one thing; what is not possible now stays where it is and is tried again with the next round."""
    try:
        await work(parts, kept)
    except (Fault, Refused, Conflict, Missing):
        return 0
    return 1


async def _send(parts: Parts, kept: Kept[ActRecord]) -> None:
    try:
        await dispatch(parts, kept.record.id)
    except StaleAct:
        await _decide_again(parts, kept)


async def _decide_again(parts: Parts, kept: Kept[ActRecord]) -> None:
    """An act that waited too long, or whose ground moved, is decided again on fresh standing, rules and facts, and sent on just these.

    Source: 2-model.md §5 (8).
    """
    ask = await parts.store.get(AskRecord, kept.record.ask)
    standing, weighed = await weigh_confirmed(parts, ask.record, frozenset(ask.record.confirmed_by))
    match weighed.decision:
        case Permit():
            versions = weighed.kept_versions()
            decided = replace(ask.record, versions=versions, covered=tuple(sorted(weighed.covered)))
            act = Kept(replace(kept.record, epochs=standing.epochs), kept.rev)
            await dispatch_fresh(parts, standing, act, Kept(decided, ask.rev), ())
        case Refuse(code=code, detail=detail):
            await void_act(parts, kept, Refused(code, detail))
        case _:
            await void_act(parts, kept, Refused(Code.CONFIRMATION_REQUIRED, "a person must confirm this now"))


async def reconcile(parts: Parts, kept: Kept[ActRecord]) -> None:
    """Find out what became of an act whose outcome was never recorded, and make it certain.

    Done or failed is recorded. What the desk never saw is done now with the same key if it still may be; otherwise the
    key is fenced first, so that it can never execute, and only then is the act failed and its room released. The
    helpdesk is asked like the backoffice: nothing is written into a case after its task's end.

    Source: 2-model.md §5 (8): `unknown` becomes `failed` only after the backoffice has fenced the key.
    """
    act = kept.record
    known = await _outcome(parts, act)
    if known.state is desk.ActState.UNSEEN:
        ask = await parts.store.get(AskRecord, act.ask) if act.ask else None
        if await (_may_still_be_written(parts, act) if ask is None else _still_permitted(parts, ask.record)):
            await carry_out(parts, kept, ask)
            return
        known = await _fence(parts, act)
    if known.state is desk.ActState.FENCED:
        known = desk.ActResult(
            state=desk.ActState.FAILED, values={}, reason="It was not done, and will not be: it may not be done any more."
        )
    await settle_act(parts, act.id, known)


async def _outcome(parts: Parts, act: ActRecord) -> desk.ActResult:
    """Ask the act's own door what became of its key.

    Raises:
        Fault: `fault.case`, `fault.backoffice`; the act is then asked after with the next round.
    """
    door = parts.helpdesk if act.door == "helpdesk" else parts.backoffice
    return await _told(parts, door.outcome(act.id))


async def _fence(parts: Parts, act: ActRecord) -> desk.ActResult:
    """Shut the act's key at its door, or learn what already happened.

    Raises:
        Fault: `fault.case`, `fault.backoffice`: it is not known to be shut, so nothing is released.
    """
    door = parts.helpdesk if act.door == "helpdesk" else parts.backoffice
    known = await _told(parts, door.fence(act.id))
    if known.state is desk.ActState.UNSEEN:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer to a fence is that it knows nothing")
    return known


async def _told(parts: Parts, asked: Awaitable[object]) -> desk.ActResult:
    try:
        async with asyncio.timeout(parts.terms.desk_timeout_s):
            known = await asked
    except TimeoutError:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk did not answer about an act in time") from None
    if isinstance(known, WriteState):
        return desk.ActResult(state=desk.ActState(known.value), values={})
    if not isinstance(known, desk.ActResult):
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about an act is none")
    return known


async def _may_still_be_written(parts: Parts, act: ActRecord) -> bool:
    """Whether a ticket may still be opened, or an officer's answer written, for its task: it stands, and so does the case.

    Raises:
        Refused: `task.held`.
    """
    try:
        standing = await load_standing(parts, act.task)
        verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
        payload = decode(act.payload.encode())
        if not (isinstance(payload, Mapping) and payload.get("do") == "open"):
            await verify_case(parts, standing.task.record)
    except Refused as refused:
        if refused.code is Code.TASK_HELD:
            raise  # it may go on: until then it is neither written nor given up
        return False
    return True


async def _still_permitted(parts: Parts, ask: AskRecord) -> bool:
    """Decide an act that the desk never saw afresh. ⚔ Its case is read again too, as before any write."""
    ended = await case_ending(parts, ask.case)
    if ended is not None:
        await end_task(parts, ask.task, ended)
        return False
    try:
        _, weighed = await weigh_confirmed(parts, ask, frozenset(ask.confirmed_by))
        await verify_still_confirmed(parts, ask)
    except Refused:
        return False
    return isinstance(weighed.decision, Permit)


async def _expire_confirmation(parts: Parts, kept: Kept[ConfirmationRecord]) -> None:
    """Silence is a no: nothing is done, and what was reserved is released."""
    ask = await parts.store.get(AskRecord, kept.record.ask)
    expired = replace(kept.record, state=ConfirmationState.EXPIRED, nonce="")
    puts = [Put(expired, kept.rev, kept.record)]
    releases: tuple[Reserve, ...] = ()
    if ask.record.state is AskState.WAITING:
        puts.append(
            Put(replace(ask.record, state=AskState.EXPIRED, code=Code.CONFIRMATION_EXPIRED.value, reserved=()), ask.rev, ask.record)
        )
        releases = released(ask.record)
    written = await write(
        parts,
        draft(
            parts,
            Kind.CONFIRMATION_ANSWERED,
            envelope={
                "ask": ask.record.id,
                "task": ask.record.task,
                "confirmation": kept.record.id,
                "digest": kept.record.digest,
                "answer": "silence",
                "state": "expired",
            },
            subject=ask.record.customer,
            refs=(ask.record.id, ask.record.task, ask.record.customer),
        ),
    )
    await parts.store.commit(Commit(puts=tuple(puts), reserves=releases, entries=written.rows))
    parts.notify.wake(f"ask:{ask.record.id}")


async def _expire_mandate(parts: Parts, kept: Kept[MandateRecord]) -> None:
    written = await write(
        parts,
        draft(
            parts,
            Kind.MANDATE_EXPIRED,
            envelope={"mandate": kept.record.id, "hash": kept.record.hash},
            subject=kept.record.customer,
            refs=(kept.record.id, kept.record.customer),
        ),
    )
    await parts.store.commit(Commit(puts=(Put(replace(kept.record, state="expired"), kept.rev, kept.record),), entries=written.rows))
    await end_all(parts, "task.live_mandate", kept.record.id, EndReason.MANDATE_EXPIRED)


async def _end_by_time(parts: Parts, kept: Kept[TaskRecord]) -> None:
    standing = await load_standing(parts, kept.record.id)
    reason = ending_of(standing, parts.world.now(), parts.terms, waiting=await something_waits(parts, standing))
    if reason is not None:
        await end_task(parts, kept.record.id, reason)


async def _forget(parts: Parts, kept: Kept) -> None:  # type: ignore[type-arg]  # a record of any kind
    await parts.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
