"""What a desk answers, made fit to be kept: everything the record takes in, it must be able to give back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import ENDED_BY_NO
from remit.domain.records import (
    ActRecord,
    ActState,
    AskRecord,
    AskState,
    EndReason,
    OfferRecord,
    TaskRecord,
    TaskState,
    changed,
)
from remit.domain.secrets.disclosure import NOTHING_CUT, cut_result
from remit.domain.transcript.entry import Draft, Kind
from remit.domain.values import Json, JsonObject, decode, kept_object
from remit.engine.ask.authorization_state import Standing, load_standing, verify_standing
from remit.engine.ask.case_state import case_ending
from remit.engine.ask.counters import released, released_by_desk, step_done
from remit.engine.ask.desk_reason import tellable_reason
from remit.engine.ask.reevaluate import verify_still_confirmed
from remit.engine.ask.reply import params_of
from remit.engine.context import Parts
from remit.engine.files.attach import Fate, attach, attaches, fate_of
from remit.engine.tasks import end_task
from remit.engine.transcript.record import Written, draft, write
from remit.ports import backoffice as desk
from remit.ports.store import Commit, Committed, Conflict, Expect, Kept, Missing, NoRoom, Put, Reserve
from remit.ports.tracing import Fact, Step
from remit.proof.canonical import MAX_INTEGER, canonical

_LONGEST_REASON: Final = 2_000
_MOST_TOLD: Final = 20


class Fitted(NamedTuple):
    """A desk's answer as it can be kept, its values as they are written, and the names of those that cannot be kept."""

    result: desk.ActResult
    text: str
    unfit: tuple[str, ...]


def fit_result(result: desk.ActResult) -> Fitted:
    """A desk's answer as it can be kept and read again; values that cannot be are left out, and named.

    ⚔ An act is done when the desk says so, whatever else it says: an answer that could be written and not read again would
    tell the agent that nothing was permitted, and have it ask for the same once more.
    """
    given: object = result.values
    kept, unfit = _fit(given) if isinstance(given, Mapping) else (_EMPTY, ("result",))
    return Fitted(replace(result, values=kept.values, reason=_reason(result.reason)), kept.text, unfit)


class _Kept(NamedTuple):
    """Values as they are written, and as they are read again."""

    text: str
    values: JsonObject


_EMPTY: Final = _Kept("{}", {})


def _fit(given: Mapping[object, object]) -> tuple[_Kept, tuple[str, ...]]:
    whole = _kept(given)
    if whole is not None:
        return whole, ()
    values: dict[str, Json] = {}
    unfit: list[str] = []
    for name, value in given.items():
        # A whole number beyond what JSON's readers keep exactly is written as text, as I-JSON advises.
        large = isinstance(value, int) and abs(value) > MAX_INTEGER
        one = _kept({name: str(value) if large else value})
        if one is None:
            unfit.append(str(name)[:80].encode("utf-8", errors="replace").decode())
        else:
            values.update(one.values)
    rest = _kept(values)
    if rest is None:  # each can be kept, and all together are too much
        return _EMPTY, (*unfit, *values)
    return rest, tuple(unfit)


def _kept(values: Mapping[object, object] | JsonObject) -> _Kept | None:
    """The values as they are kept, None where they cannot be."""
    try:
        written = canonical(values)
        found = decode(written)
    except (Refused, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return _Kept(written.decode(), found) if isinstance(found, Mapping) else None


def _reason(reason: object) -> str:
    text = reason if isinstance(reason, str) else ""
    return text[:_LONGEST_REASON].encode("utf-8", errors="replace").decode().replace("\0", "")


async def tell_unfit(parts: Parts, action: str, unfit: tuple[str, ...]) -> None:
    """Tell security of a desk whose answers cannot be kept: its values are lost to everybody, and only its makers can mend that."""
    if unfit:
        await parts.notify.incident(
            kind="unreadable_value", details={"action": action, "names": ", ".join(unfit[:_MOST_TOLD])}
        )


_TRIES = 8
_CLOSE = "case.close"
_LONG_MS = 30_000


@dataclass(frozen=True, slots=True)
class Again:
    """What deciding a waiting act again adds to the record of its sending: its decision, and what must be as it was then."""

    expects: tuple[Expect, ...]
    reserves: tuple[Reserve, ...]
    written: Written


_FIRST: Final = Again((), (), Written((), ()))


@dataclass(frozen=True, slots=True)
class Settled:
    """An ask whose outcome was just recorded, with what its receipt needs."""

    ask: AskRecord
    written: Written
    committed: Committed


async def dispatch(parts: Parts, act_id: str) -> Settled | None:
    """Send a queued act to the desk, if it still may, and record what came of it (None: nothing is settled yet).

    Safe to call at any time and from several places: only one caller moves the act from queued to sent.

    Raises:
        Fault: `fault.store`, `fault.case`; the act then stays queued (or sent, for reconciliation).

    Source: docs/model/model.md#act-exactly-once, #case-reread.
    """
    try:
        act = await parts.store.get(ActRecord, act_id)
    except Missing:
        return None
    if act.record.state is not ActState.QUEUED:
        return None
    standing = await _still_standing(parts, act)
    if standing is None:
        return None
    stale = (
        act.record.door == "backoffice" and parts.world.now() - act.record.queued_at > parts.terms.act_stale_s * 1000
    )
    # ⚔ What was narrowed, changed or adopted while the act waited must not miss it.
    if stale or (act.record.ask and act.record.epochs != standing.epochs):
        raise StaleAct(act_id)
    ask = await parts.store.get(AskRecord, act.record.ask) if act.record.ask else None
    return await _send(parts, standing, act, ask, ())


async def dispatch_fresh(  # an act, what it stands on and what its sending brings along
    parts: Parts,
    standing: Standing,
    act: Kept[ActRecord],
    ask: Kept[AskRecord],
    prove: tuple[int, ...],
    *,
    again: Again = _FIRST,
) -> Settled | None:
    """Send an act that was recorded or decided this moment on this standing. The case is read; everything else is compared by its revision.

    `prove` are places of entries whose proofs the outcome's commit shall bring along.

    Raises:
        Fault: `fault.store`, `fault.case`; the act then stays queued (or sent, for reconciliation).
    """
    try:
        # ⚔ Read after the permit was recorded, it may carry a revocation or suspension whose ending is still under way.
        verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    except Refused as refused:
        await void_act(parts, act, refused)
        return None
    if act.record.epochs != standing.epochs:
        return None  # something it was decided on moved since: it stays queued, and is decided again
    ended = await case_ending(parts, standing.task.record.case)
    if ended is not None:
        await end_task(parts, act.record.task, ended)
        return None
    return await _send(parts, standing, act, ask, prove, again=again)


async def _send(  # as above
    parts: Parts,
    standing: Standing,
    act: Kept[ActRecord],
    ask: Kept[AskRecord] | None,
    prove: tuple[int, ...],
    *,
    again: Again = _FIRST,
) -> Settled | None:
    """Move the act from queued to sent, if nothing it stands on moved, and carry it out. Who confirmed it must still stand behind it."""
    persons: tuple[Expect, ...] = ()
    if ask is not None:
        try:
            persons = await verify_still_confirmed(parts, ask.record)
        except Refused as refused:
            await void_act(parts, act, refused)
            return None
    sent = changed(act.record, state=ActState.SENT, sent_at=parts.world.now(), tries=act.record.tries + 1)
    puts: list[Put] = [Put(sent, act.rev, act.record)]
    if ask is not None:
        acting = changed(ask.record, state=AskState.ACTING)
        puts.append(Put(acting, ask.rev, ask.record))
        ask = Kept(acting, ask.rev + 1)
    expects, entries = (*standing.expects, *persons, *again.expects), again.written.rows
    try:
        await parts.store.commit(Commit(expects=expects, puts=tuple(puts), reserves=again.reserves, entries=entries))
    except (Conflict, NoRoom):
        # Another dispatcher took it, or something it stands on moved: whoever is next reads everything again.
        return None
    parts.on_point("act.sent")
    return await carry_out(parts, Kept(sent, act.rev + 1), ask, prove)


class StaleAct(Exception):  # noqa: N818  # it names what is
    """An act has been queued for too long, or what it was decided on moved: it must be decided again before it is sent."""


async def _still_standing(parts: Parts, act: Kept[ActRecord]) -> Standing | None:
    """Read again what the act stands on, and the case. None when it may not be sent; the act is then voided or waits."""
    record = act.record
    try:
        standing = await load_standing(parts, record.task)
        verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    except Refused as refused:
        await void_act(parts, act, refused)
        return None
    if not record.ask and record.door == "helpdesk" and not attaches(record):
        return standing
    ended = await case_ending(parts, standing.task.record.case)
    if ended is not None:
        await end_task(parts, record.task, ended)
        return None
    fate = await fate_of(parts, record, standing.epochs) if attaches(record) else Fate.GOES
    if fate is Fate.NEVER:
        await void_act(parts, act, Refused(Code.WORDS_ATTACHMENT, "its ask was not permitted after all"))
    return standing if fate is Fate.GOES else None


async def void_act(parts: Parts, act: Kept[ActRecord], refused: Refused) -> None:
    """An act that may not be sent any more: void it, release what it reserved, say why on the record."""
    if not act.record.ask:
        puts = (Put(act.record.over(ActState.VOID), act.rev, act.record),)
        try:
            await parts.store.commit(Commit(puts=puts))
        except Conflict:
            return
        return
    ask = await parts.store.get(AskRecord, act.record.ask)
    written = await write(
        parts,
        _performed(parts, ask.record, outcome="void", result={}, reason=str(refused.code), told=str(refused.code)),
    )
    voided = changed(ask.record, state=AskState.VOID, code=refused.code.value, reserved=())
    try:
        await parts.store.commit(
            Commit(
                puts=(Put(act.record.over(ActState.VOID), act.rev, act.record), Put(voided, ask.rev, ask.record)),
                reserves=released(ask.record),
                entries=written.rows,
            )
        )
    except Conflict:
        return
    parts.notify.wake(f"ask:{ask.record.id}")


async def carry_out(
    parts: Parts,
    act: Kept[ActRecord],
    ask: Kept[AskRecord] | None,
    prove: tuple[int, ...] = (),
    *,
    params: JsonObject | None = None,
) -> Settled | None:
    """Do a sent act at the desk and record the outcome. A crash before the record leaves it `sent`: reconciliation asks the desk.

    `params` are those of the ask's record, where they are at hand.
    """
    try:
        with parts.tracing.step(Step.ACT):
            async with asyncio.timeout(parts.terms.desk_timeout_s):
                result = await _at_the_desk(parts, act.record, ask, params)
            _verify_outcome(result)
    except (Fault, TimeoutError) as broken:
        await _unknown(parts, act, ask, broken)
        return None
    parts.on_point("act.acted")
    return await settle_act(parts, act.record.id, result, known=(act, ask), prove=prove)


def _verify_outcome(result: object) -> None:
    """⚔ Only done, failed and fenced are outcomes: anything else a desk may say leaves the act unknown, and nothing is released.

    Raises:
        Fault: `fault.backoffice`.
    """
    if not isinstance(result, desk.ActResult) or result.state is desk.ActState.UNSEEN:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer to an act is no outcome")


async def _at_the_desk(
    parts: Parts, act: ActRecord, ask: Kept[AskRecord] | None, params: JsonObject | None
) -> desk.ActResult:
    if act.door == "helpdesk":
        try:
            payload = kept_object(act.payload)
        except Refused:
            raise Fault(Code.FAULT_STORE, "an act's payload is damaged") from None
        await _at_the_helpdesk(parts, act, payload)
        return desk.ActResult(state=desk.ActState.DONE, values={})
    if ask is None:
        raise Fault(Code.FAULT_STORE, "an act without its ask")
    record = ask.record
    versions: dict[tuple[str, str], str] = {}
    for name, version in record.versions.items():
        kind, _, record_id = name.partition(":")
        versions[kind, record_id] = version
    return await parts.backoffice.perform(
        desk.Act(
            key=act.id,
            action=record.action,
            params=params_of(record) if params is None else params,
            customer=record.customer,
            case=record.case,
            versions=versions,
            confirmed_by=record.confirmed_by,
            decision=record.id,
        )
    )


async def _at_the_helpdesk(parts: Parts, act: ActRecord, payload: JsonObject) -> None:
    text, author = str(payload.get("text", "")), str(payload.get("author", "remit"))
    match payload.get("do"):
        case "open":
            subject = str(payload.get("subject", ""))
            await parts.helpdesk.open(
                case=act.case, key=act.id, requester=parts.terms.requester, subject=subject, text=text
            )
        case "note":
            await parts.helpdesk.note(
                case=act.case, key=act.id, author=author, public=bool(payload.get("public")), text=text
            )
        case "attach":
            await attach(parts, key=act.id, file_id=str(payload.get("file", "")))
        case "close":
            await parts.helpdesk.close(case=act.case, key=act.id)
        case other:
            raise Fault(Code.FAULT_STORE, f"an act for the helpdesk says {other!r}")


async def settle_act(
    parts: Parts,
    act_id: str,
    result: desk.ActResult,
    *,
    known: tuple[Kept[ActRecord], Kept[AskRecord] | None] | None = None,
    prove: tuple[int, ...] = (),
) -> Settled | None:
    """Record what the desk answered: done keeps what was reserved, failed releases it.

    `known` are the records as this caller last wrote them; when they moved, they are read again.

    Raises:
        Fault: `fault.store` when others kept changing the records meanwhile; the act stays sent and is settled later.
    """
    for _ in range(_TRIES):
        act = known[0] if known is not None else await parts.store.get(ActRecord, act_id)
        ask = known[1] if known is not None else None
        known = None
        if act.record.state not in {ActState.SENT, ActState.UNKNOWN}:
            return None
        done = result.state is desk.ActState.DONE
        after = act.record.over(ActState.DONE if done else ActState.FAILED)
        try:
            if not act.record.ask:
                await parts.store.commit(Commit(puts=(Put(after, act.rev, act.record),)))
                return None
            ask, fitted = ask or await parts.store.get(AskRecord, act.record.ask), fit_result(result)
            settled = await _settle_ask(parts, act, after, ask, fitted, prove)
        except Conflict:
            continue
        parts.on_point("act.settled")
        parts.notify.wake(f"ask:{act.record.ask}")
        if fitted.unfit:
            await tell_unfit(parts, ask.record.action, fitted.unfit)
        if done:
            await _follow(parts, ask.record)
        return settled
    raise Fault(Code.FAULT_STORE, "an outcome could not be recorded: its records kept changing")


async def _settle_ask(  # one outcome and all it moves
    parts: Parts, act: Kept[ActRecord], after: ActRecord, ask: Kept[AskRecord], fitted: Fitted, prove: tuple[int, ...]
) -> Settled:
    record, result = ask.record, fitted.result
    done = after.state is ActState.DONE
    reason = await tellable_reason(parts, record.task, result.reason) if result.reason else ""
    settled = changed(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=fitted.text,
        reason=reason,
        reserved=record.reserved if done else (),
    )
    outcome = "done" if done else "failed"
    parts.tracing.note(Fact.OUTCOME, outcome)
    entry = _performed(parts, record, outcome=outcome, result=result.values, reason=result.reason, told=reason)
    written = await write(parts, entry)
    puts: list[Put] = [Put(after, act.rev, act.record), Put(settled, ask.rev, record)]
    if done and '"offer_id":' in record.params:
        puts.extend(await _used_offer(parts, record))
    committed = await parts.store.commit(
        Commit(
            puts=tuple(puts),
            reserves=(step_done(record),) if done else released_by_desk(record),
            entries=written.rows,
            # What the desk was long in doing counts as use: its agent must find the task open, to see what came of it.
            touches=((record.task, entry.at),) if entry.at - act.record.queued_at > _LONG_MS else (),
            prove=prove,
        )
    )
    return Settled(settled, written, committed)


async def _used_offer(parts: Parts, ask: AskRecord) -> list[Put]:
    offer_id = params_of(ask).get("offer_id")
    if not isinstance(offer_id, str):
        return []
    try:
        kept = await parts.store.get(OfferRecord, offer_id)
    except Missing:
        return []
    return [] if kept.record.used else [Put(changed(kept.record, used=True), kept.rev, kept.record)]


async def _unknown(parts: Parts, act: Kept[ActRecord], ask: Kept[AskRecord] | None, broken: BaseException) -> None:
    """The desk did not answer: nobody knows whether it acted. What was reserved stays reserved until that is known.

    It is said once: a desk that stays down is tried again each round, and must not fill the log.
    """
    if act.record.state is ActState.UNKNOWN:
        return
    parts.tracing.note(Fact.OUTCOME, "unknown")
    puts: list[Put] = [Put(changed(act.record, state=ActState.UNKNOWN), act.rev, act.record)]
    written = Written((), ())
    if ask is not None:
        puts.append(Put(changed(ask.record, state=AskState.UNKNOWN), ask.rev, ask.record))
        why = type(broken).__name__
        written = await write(parts, _performed(parts, ask.record, outcome="unknown", result={}, reason=why, told=why))
    try:
        await parts.store.commit(Commit(puts=tuple(puts), entries=written.rows))
    except Conflict:
        return  # reconciliation was faster
    if ask is not None:
        parts.notify.wake(f"ask:{ask.record.id}")


def _performed(  # one outcome, and what each party is told of it
    parts: Parts, ask: AskRecord, *, outcome: str, result: Mapping[str, Json], reason: str, told: str
) -> Draft:
    cut = (
        cut_result(result, returns=ask.covered, covered=ask.covered, known=parts.catalogue.attributes)
        if result
        else NOTHING_CUT
    )
    return draft(
        parts,
        Kind.ACT_PERFORMED,
        envelope={"ask": ask.id, "task": ask.task, "action": ask.action, "digest": ask.digest, "outcome": outcome},
        agent={"result": cut.result, "withheld": cut.withheld, "reason": told},
        customer={"result": result, "reason": reason},
        desk={"result": result, "reason": reason, "confirmed_by": list(ask.confirmed_by)},
        subject=ask.customer,
        refs=(ask.id, ask.task, ask.customer),
    )


async def _follow(parts: Parts, ask: AskRecord) -> None:
    """What is done brings about: the objective may be reached, or the case closed by the agent."""
    if ask.action != _CLOSE and not [one for one in parts.catalogue.objectives.values() if ask.action in one.done_when]:
        return
    # A crash here leaves the task open: whoever starts next catches up (`sweep.catch_up`).
    task = (await parts.store.get(TaskRecord, ask.task)).record
    reason = ending_by_outcome(parts, task, await parts.store.counters(ask.task))
    if reason is not None and task.state is not TaskState.ENDED:
        await end_task(parts, ask.task, reason)


def ending_by_outcome(parts: Parts, task: TaskRecord, counters: Mapping[str, int]) -> EndReason | None:
    """Why what was done ends a task, if it does. `counters` are those of the task's own scope."""
    if counters.get(f"done:{_CLOSE}"):
        return EndReason.CASE_CLOSED
    if counters.get(ENDED_BY_NO):
        return EndReason.CUSTOMER_DECLINED
    objective = parts.catalogue.objectives.get(task.objective)
    if (
        objective is not None
        and objective.done_when
        and all(counters.get(f"done:{name}") for name in objective.done_when)
    ):
        return EndReason.OBJECTIVE_REACHED
    return None
