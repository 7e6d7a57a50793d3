"""What happens by itself: queued acts are sent, unknown ones reconciled, whatever has expired is ended."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

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
    Session,
    TaskRecord,
)
from remit.domain.transcript import Kind
from remit.ports import backoffice as desk
from remit.ports.store import Commit, Conflict, Drop, Kept, Missing, Put, Reserve
from remit.usecases.answer import weigh_confirmed
from remit.usecases.end import end_all, end_task
from remit.usecases.parts import Parts
from remit.usecases.perform import StaleAct, carry_out, dispatch, dispatch_fresh, ending_by_outcome, settle_act, void_act
from remit.usecases.read_case import case_ending
from remit.usecases.recording import draft, write
from remit.usecases.report_native_replies import report_native_replies
from remit.usecases.standing import ending_of, epochs, load_standing, something_waits

_SPENT = (Ceremony, Session, Invitation, PushedRequest)


async def sweep(parts: Parts, *, patience_s: float) -> int:
    """Do one round. Returns how much was done. One thing that fails does not keep the others from being done.

    `patience_s` is how long an act is left to the request that queued or sent it before the sweep takes it over.
    """
    now = parts.world.now()
    limit = now - round(patience_s * 1000)
    shortest_s = min(parts.terms.task_idle_s, parts.terms.task_life_s)
    done = 0
    for kept in await parts.store.find(ActRecord, "act.queued", "", high=limit, limit=200):
        done += await _quietly(_send, parts, kept)
    for kept in await parts.store.find(ActRecord, "act.sent", "", high=limit, limit=200):
        done += await _quietly(reconcile, parts, kept)
    for waiting in await parts.store.find(ConfirmationRecord, "due.confirmation", "", high=now, limit=200):
        done += await _quietly(_expire_confirmation, parts, waiting)
    for mandate in await parts.store.find(MandateRecord, "due.mandate", "", high=now, limit=200):
        done += await _quietly(_expire_mandate, parts, mandate)
    for task in await parts.store.find(TaskRecord, "task.live", "", high=now - shortest_s * 1000, limit=1000):
        done += await _quietly(_end_by_time, parts, task)
    for kind in _SPENT:
        for spent in await parts.store.find(kind, f"due.{kind.KIND}", "", high=now, limit=200):
            done += await _quietly(_forget, parts, spent)
    return done + await report_native_replies(parts)


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
            act = Kept(replace(kept.record, epochs=epochs(parts, standing)), kept.rev)
            await dispatch_fresh(parts, standing, act, Kept(decided, ask.rev), ())
        case Refuse(code=code, detail=detail):
            await void_act(parts, kept, Refused(code, detail))
        case _:
            await void_act(parts, kept, Refused(Code.CONFIRMATION_REQUIRED, "a person must confirm this now"))


async def reconcile(parts: Parts, kept: Kept[ActRecord]) -> None:
    """Find out what became of an act whose outcome was never recorded, and make it certain.

    Done or failed is recorded. What the desk never saw is done now with the same key if it still may be; otherwise the
    key is fenced first, so that it can never execute, and only then is the act failed and its room released.

    Source: 2-model.md §5 (8): `unknown` becomes `failed` only after the backoffice has fenced the key.
    """
    act = kept.record
    if act.door == "helpdesk":
        ask = await parts.store.get(AskRecord, act.ask) if act.ask else None
        await carry_out(parts, kept, ask)
        return
    known = await parts.backoffice.outcome(act.id)
    if known.state is desk.ActState.UNSEEN:
        ask = await parts.store.get(AskRecord, act.ask)
        if await _still_permitted(parts, ask.record):
            await carry_out(parts, kept, ask)
            return
        known = await parts.backoffice.fence(act.id)
    if known.state is desk.ActState.FENCED:
        known = desk.ActResult(
            state=desk.ActState.FAILED, values={}, reason="It was not done, and will not be: it may not be done any more."
        )
    await settle_act(parts, act.id, known)


async def _still_permitted(parts: Parts, ask: AskRecord) -> bool:
    """Decide an act that the desk never saw afresh. ⚔ Its case is read again too, as before any write."""
    ended = await case_ending(parts, ask.case)
    if ended is not None:
        await end_task(parts, ask.task, ended)
        return False
    try:
        _, weighed = await weigh_confirmed(parts, ask, frozenset(ask.confirmed_by))
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
        releases = tuple(Reserve(one.scope, one.key, -one.amount, None) for one in ask.record.reserved)
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
