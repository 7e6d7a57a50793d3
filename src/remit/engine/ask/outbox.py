"""Sending of queued acts to the desk, and recording of outcomes in a storable form."""

import asyncio
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import ENDED_BY_NO
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    EndReason,
    OfferRecord,
    OutboxState,
    TaskRecord,
    TaskState,
)
from remit.domain.secrets.disclosure import NOTHING_CUT, cut_result
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json, JsonObject, decode_json, parse_stored_object, read_back
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state, verify_active
from remit.engine.ask.case_state import case_ending
from remit.engine.ask.counters import released_reservations, step_completion, undone_reservations
from remit.engine.ask.desk_reason import disclosable_reason
from remit.engine.ask.reevaluate import verify_still_confirmed
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.files.attach import AttachmentFate, attach_file, attachment_fate, is_attachment_act
from remit.engine.outbound.results import withhold_in_result
from remit.engine.tasks import end_task
from remit.engine.transcript.record import PreparedEntries, draft_entry, seal_entries
from remit.ports import backoffice
from remit.ports.helpdesk import TicketCard
from remit.ports.store import (
    Commit,
    Committed,
    Conflict,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Reserve,
    Versioned,
)
from remit.ports.tracing import SpanAttribute, SpanName
from remit.proof.canonical import MAX_INTEGER, canonical

_MAX_REASON_LENGTH: Final = 2_000
_MAX_TOLD: Final = 20


@struct(frozen=True)
class StorableResult:
    """A desk's result in storable form: its values as text, and the names of those left out."""

    result: backoffice.ActResult
    text: str
    unfit: tuple[str, ...]


def make_storable(result: backoffice.ActResult) -> StorableResult:
    """Return a desk's result in a form that can be stored and read back; unstorable values are left out and named.

    ⚔ An act is done when the desk says so: an unreadable stored answer would tell the agent that nothing was permitted,
    and make it ask again.
    """
    given: object = result.values
    kept, unfit = _fit(given) if isinstance(given, Mapping) else (_EMPTY, ("result",))
    return StorableResult(replace(result, values=kept.values, reason=_reason(result.reason)), kept.text, unfit)


async def disclosable_result(desk: DeskContext, record: AskRecord, result: backoffice.ActResult) -> StorableResult:
    """Return a desk's result in storable form, without what its covered texts may not tell this ask's agent.

    Source: docs/model/model.md#result-texts.
    """
    fitted = make_storable(result)
    if not record.covered or not fitted.result.values:
        return fitted
    left = await withhold_in_result(desk, record.task, fitted.result.values, record.covered)
    if left is None:
        return fitted
    again = make_storable(replace(fitted.result, values=left))
    return StorableResult(again.result, again.text, fitted.unfit)


@struct(frozen=True)
class _StorableValues:
    """Values as text, and as read back."""

    text: str
    values: JsonObject


_EMPTY: Final = _StorableValues("{}", {})


def _fit(given: Mapping[object, object]) -> tuple[_StorableValues, tuple[str, ...]]:
    whole = _kept(given)
    if whole is not None:
        return whole, ()
    values: dict[str, Json] = {}
    unfit: list[str] = []
    for name, value in given.items():
        # Integers beyond the exact range of JSON readers are written as text, as I-JSON advises.
        large = isinstance(value, int) and abs(value) > MAX_INTEGER
        storable = _kept({name: str(value) if large else value})
        if storable is None:
            unfit.append(str(name)[:80].encode("utf-8", errors="replace").decode())
        else:
            values.update(storable.values)
    rest = _kept(values)
    if rest is None:  # each one is storable, but together they are too large
        return _EMPTY, (*unfit, *values)
    return rest, tuple(unfit)


def _kept(values: Mapping[object, object] | JsonObject) -> _StorableValues | None:
    """Return the values as stored, None where they cannot be stored."""
    try:
        text = canonical(values).decode()
        found: Json = read_back(values, text) if isinstance(values, dict) else None
        if found is None:
            found = decode_json(text.encode())
    except (Refused, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return _StorableValues(text, found) if isinstance(found, dict) else None


def _reason(reason: object) -> str:
    text = reason if isinstance(reason, str) else ""
    return text[:_MAX_REASON_LENGTH].encode("utf-8", errors="replace").decode().replace("\0", "")


async def report_unstorable(desk: DeskContext, action: str, unfit: tuple[str, ...]) -> None:
    """Report a desk with unstorable values to security: only its makers can fix the loss."""
    if unfit:
        await desk.notify.incident(
            kind="unreadable_value", details={"action": action, "names": ", ".join(unfit[:_MAX_TOLD])}
        )


_OPEN: Final = frozenset({backoffice.ActOutcome.UNSEEN, backoffice.ActOutcome.UNCLEAR})
_TRIES = 8
_CLOSE = "case.close"
_CARD = '{"do":"card",'
_LONG_MS = 30_000


@struct(frozen=True)
class Reevaluation:
    """Additions of a repeated decision to the record of sending: its entry and its preconditions."""

    preconditions: tuple[Precondition, ...]
    reserves: tuple[Reserve, ...]
    written: PreparedEntries


_FIRST: Final = Reevaluation((), (), PreparedEntries((), ()))


@struct(frozen=True)
class SettledAsk:
    """An ask whose outcome was just recorded, with the parts of its receipt."""

    ask: AskRecord
    written: PreparedEntries
    committed: Committed


async def dispatch_act(desk: DeskContext, act_id: str) -> SettledAsk | None:
    """Send a queued act if still allowed, and record its outcome; None while nothing is settled.

    Safe to call at any time and concurrently: only one caller moves the act from queued to sent.

    Raises:
        Fault: `fault.store`, `fault.case`; the act then stays queued (or sent, for reconciliation).

    Source: docs/model/model.md#act-exactly-once, #case-reread.
    """
    try:
        act = await desk.store.get(ActRecord, act_id)
    except RecordMissing:
        return None
    if act.record.state is not OutboxState.QUEUED:
        return None
    state = await _reload_state(desk, act)
    if state is None:
        return None
    stale = act.record.door == "backoffice" and desk.world.now() - act.record.queued_at > desk.terms.act_stale_s * 1000
    # ⚔ An act that waited must not miss a narrowing, change or adoption of rules.
    if stale or (act.record.ask and act.record.epochs != state.epochs):
        raise StaleAct(act_id)
    ask = await desk.store.get(AskRecord, act.record.ask) if act.record.ask else None
    return await _send(desk, state, act, ask, ())


async def dispatch_recorded_act(
    desk: DeskContext,
    state: AuthorizationState,
    act: Versioned[ActRecord],
    ask: Versioned[AskRecord],
    prove: tuple[int, ...],
    *,
    again: Reevaluation = _FIRST,
) -> SettledAsk | None:
    """Send an act decided this moment on this state: the case is read, the rest compared by revision.

    Raises:
        Fault: `fault.store`, `fault.case`; the act then stays queued (or sent, for reconciliation).
    """
    try:
        # ⚔ A state read after the permit was recorded may carry a revocation or suspension still taking effect.
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
    except Refused as refused:
        await void_act(desk, act, refused)
        return None
    if act.record.epochs != state.epochs:
        return None  # a precondition moved: it stays queued, and is decided again
    ended = await case_ending(desk, state.task.record.case)
    if ended is not None:
        await end_task(desk, act.record.task, ended)
        return None
    return await _send(desk, state, act, ask, prove, again=again)


async def _send(
    desk: DeskContext,
    state: AuthorizationState,
    act: Versioned[ActRecord],
    ask: Versioned[AskRecord] | None,
    prove: tuple[int, ...],
    *,
    again: Reevaluation = _FIRST,
) -> SettledAsk | None:
    """Move the act from queued to sent and carry it out, while preconditions and confirmations hold."""
    persons: tuple[Precondition, ...] = ()
    if ask is not None:
        try:
            persons = await verify_still_confirmed(desk, ask.record)
        except Refused as refused:
            await void_act(desk, act, refused)
            return None
    sent = replace(act.record, state=OutboxState.SENT, sent_at=desk.world.now(), tries=act.record.tries + 1)
    puts: list[Put] = [Put(sent, act.rev, act.record)]
    if ask is not None:
        acting = replace(ask.record, state=AskState.ACTING)
        puts.append(Put(acting, ask.rev, ask.record))
        ask = Versioned(acting, ask.rev + 1)
    preconditions, entries = (*state.preconditions, *persons, *again.preconditions), again.written.rows
    try:
        await desk.store.commit(
            Commit(preconditions=preconditions, puts=tuple(puts), reserves=again.reserves, entries=entries)
        )
    except (Conflict, LimitReached):
        # Another dispatcher took it, or a precondition moved: the next one reads everything again.
        return None
    desk.on_point("act.sent")
    return await perform_act(desk, Versioned(sent, act.rev + 1), ask, prove)


class StaleAct(Exception):  # noqa: N818  # it names what is
    """An act queued for too long, or on moved preconditions: it must be decided again before sending."""


async def _reload_state(desk: DeskContext, act: Versioned[ActRecord]) -> AuthorizationState | None:
    """Read the act's state and case again; None when it may not be sent, and is then voided or waits."""
    record = act.record
    try:
        state = await load_authorization_state(desk, record.task)
        if is_card_act(record):
            return state  # it tells officers of an ended or held task too
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
    except Refused as refused:
        await void_act(desk, act, refused)
        return None
    if not record.ask and record.door == "helpdesk" and not is_attachment_act(record):
        return state
    ended = await case_ending(desk, state.task.record.case)
    if ended is not None:
        await end_task(desk, record.task, ended)
        return None
    fate = await attachment_fate(desk, record, state.epochs) if is_attachment_act(record) else AttachmentFate.GOES
    if fate is AttachmentFate.NEVER:
        await void_act(desk, act, Refused(Code.WORDS_ATTACHMENT, "its ask was not permitted after all"))
    return state if fate is AttachmentFate.GOES else None


def is_card_act(act: ActRecord) -> bool:
    """Return whether an act writes a ticket's card, which carries no words of an agent and acts for none."""
    return act.door == "helpdesk" and not act.ask and act.payload.startswith(_CARD)


async def void_act(desk: DeskContext, act: Versioned[ActRecord], refused: Refused) -> None:
    """Void an act that may not be sent any more, release its reservations and record why."""
    if not act.record.ask:
        puts = (Put(act.record.over(OutboxState.VOID), act.rev, act.record),)
        try:
            await desk.store.commit(Commit(puts=puts))
        except Conflict:
            return
        return
    ask = await desk.store.get(AskRecord, act.record.ask)
    written = await seal_entries(
        desk, _performed(desk, ask.record, outcome="void", result={}, reason=str(refused.code), told=str(refused.code))
    )
    voided = replace(ask.record, state=AskState.VOID, code=refused.code.value, reserved=())
    try:
        await desk.store.commit(
            Commit(
                puts=(Put(act.record.over(OutboxState.VOID), act.rev, act.record), Put(voided, ask.rev, ask.record)),
                reserves=released_reservations(ask.record),
                entries=written.rows,
            )
        )
    except Conflict:
        return
    desk.notify.wake(f"ask:{ask.record.id}")


async def perform_act(
    desk: DeskContext,
    act: Versioned[ActRecord],
    ask: Versioned[AskRecord] | None,
    prove: tuple[int, ...] = (),
    *,
    params: JsonObject | None = None,
) -> SettledAsk | None:
    """Carry out a sent act and record its outcome.

    A crash before the record leaves it `sent`, repaired by reconciliation. `params` are those of the ask's record,
    where at hand.
    """
    try:
        with desk.tracing.step(SpanName.ACT):
            async with asyncio.timeout(desk.terms.desk_timeout_s):
                result = await _perform_at_desk(desk, act.record, ask, params)
            _verify_outcome(result)
    except (Fault, TimeoutError) as broken:
        await _unknown(desk, act, ask, broken)
        return None
    desk.on_point("act.acted")
    return await record_outcome(desk, act.record.id, result, known=(act, ask), prove=prove)


def _verify_outcome(result: object) -> None:
    """⚔ Accept only done, failed and fenced as outcomes; anything else leaves the act unknown and releases nothing."""
    if not isinstance(result, backoffice.ActResult) or result.state in _OPEN:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer to an act is not an outcome")


async def _perform_at_desk(
    desk: DeskContext, act: ActRecord, ask: Versioned[AskRecord] | None, params: JsonObject | None
) -> backoffice.ActResult:
    if act.door == "helpdesk":
        try:
            payload = parse_stored_object(act.payload)
        except Refused:
            raise Fault(Code.FAULT_STORE, "an act's payload is damaged") from None
        await _write_to_helpdesk(desk, act, payload)
        return backoffice.ActResult(state=backoffice.ActOutcome.DONE, values={})
    if ask is None:
        raise Fault(Code.FAULT_STORE, "an act without its ask")
    return await desk.backoffice.perform(backoffice_act(act, ask.record, params))


def backoffice_act(act: ActRecord, record: AskRecord, params: JsonObject | None = None) -> backoffice.Act:
    """Build the act that the backoffice is sent, or asked about; `params` are those of the record, where at hand."""
    versions: dict[tuple[str, str], str] = {}
    for name, version in record.versions.items():
        kind, _, record_id = name.partition(":")
        versions[kind, record_id] = version
    return backoffice.Act(
        key=act.id,
        action=record.action,
        params=recorded_params(record) if params is None else params,
        customer=record.customer,
        case=record.case,
        versions=versions,
        confirmed_by=record.confirmed_by,
        decision=record.id,
    )


async def _write_to_helpdesk(desk: DeskContext, act: ActRecord, payload: JsonObject) -> None:
    text, author = str(payload.get("text", "")), str(payload.get("author", "remit"))
    match payload.get("do"):
        case "open":
            subject = str(payload.get("subject", ""))
            await desk.helpdesk.open(
                case=act.case, key=act.id, requester=desk.terms.requester, subject=subject, text=text
            )
        case "note":
            await desk.helpdesk.note(
                case=act.case, key=act.id, author=author, public=bool(payload.get("public")), text=text
            )
        case "attach":
            await attach_file(desk, key=act.id, file_id=str(payload.get("file", "")))
        case "card":
            card = TicketCard(identity=str(payload.get("identity", "")), state=str(payload.get("state", "")), text=text)
            await desk.helpdesk.card(case=act.case, key=act.id, card=card)
        case "close":
            await desk.helpdesk.close(case=act.case, key=act.id)
        case other:
            raise Fault(Code.FAULT_STORE, f"an act for the helpdesk says {other!r}")


async def record_outcome(
    desk: DeskContext,
    act_id: str,
    result: backoffice.ActResult,
    *,
    known: tuple[Versioned[ActRecord], Versioned[AskRecord] | None] | None = None,
    prove: tuple[int, ...] = (),
    by: str = "",
) -> SettledAsk | None:
    """Record the desk's result: done keeps the reservations, failed releases them. `by` is the officer who found it.

    Raises:
        Fault: `fault.store` when the records kept changing; the act stays sent and is settled later.
    """
    for _ in range(_TRIES):
        act = known[0] if known is not None else await desk.store.get(ActRecord, act_id)
        ask = known[1] if known is not None else None
        known = None
        if act.record.state not in {OutboxState.SENT, OutboxState.UNKNOWN, OutboxState.UNCLEAR}:
            return None
        done = result.state is backoffice.ActOutcome.DONE
        after = act.record.over(OutboxState.DONE if done else OutboxState.FAILED)
        try:
            if not act.record.ask:
                await desk.store.commit(Commit(puts=(Put(after, act.rev, act.record),)))
                return None
            ask = ask or await desk.store.get(AskRecord, act.record.ask)
            fitted = await disclosable_result(desk, ask.record, result)
            settled = await _settle_ask(desk, act, after, ask, fitted, prove, by)
        except Conflict:
            continue
        desk.on_point("act.settled")
        desk.notify.wake(f"ask:{act.record.ask}")
        if fitted.unfit:
            await report_unstorable(desk, ask.record.action, fitted.unfit)
        if done:
            await end_after_outcome(desk, ask.record)
        return settled
    raise Fault(Code.FAULT_STORE, "an outcome could not be recorded: its records kept changing")


async def _settle_ask(
    desk: DeskContext,
    act: Versioned[ActRecord],
    after: ActRecord,
    ask: Versioned[AskRecord],
    fitted: StorableResult,
    prove: tuple[int, ...],
    by: str,
) -> SettledAsk:
    record, result = ask.record, fitted.result
    done = after.state is OutboxState.DONE
    reason = await disclosable_reason(desk, record.task, result.reason) if result.reason else ""
    settled = replace(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=fitted.text,
        reason=reason,
        reserved=record.reserved if done else (),
    )
    outcome = "done" if done else "failed"
    desk.tracing.note(SpanAttribute.OUTCOME, outcome)
    entry = _performed(desk, record, outcome=outcome, result=result.values, reason=result.reason, told=reason, by=by)
    written = await seal_entries(desk, entry)
    puts: list[Put] = [Put(after, act.rev, act.record), Put(settled, ask.rev, record)]
    if done and '"offer_id":' in record.params:
        puts.extend(await _used_offer(desk, record))
    committed = await desk.store.commit(
        Commit(
            puts=tuple(puts),
            reserves=(step_completion(record),) if done else undone_reservations(record),
            entries=written.rows,
            # A slow act counts as use: the agent must find the task open to see its outcome.
            touches=((record.task, entry.at),) if entry.at - act.record.queued_at > _LONG_MS else (),
            prove=prove,
        )
    )
    return SettledAsk(settled, written, committed)


async def _used_offer(desk: DeskContext, ask: AskRecord) -> list[Put]:
    offer_id = recorded_params(ask).get("offer_id")
    if not isinstance(offer_id, str):
        return []
    try:
        kept = await desk.store.get(OfferRecord, offer_id)
    except RecordMissing:
        return []
    return [] if kept.record.used else [Put(replace(kept.record, used=True), kept.rev, kept.record)]


async def _unknown(
    desk: DeskContext, act: Versioned[ActRecord], ask: Versioned[AskRecord] | None, broken: BaseException
) -> None:
    """Record an unanswered act as unknown; its reservations stay until the outcome is known.

    Recorded once: retries against a desk that stays down must not fill the log.
    """
    if act.record.state is OutboxState.UNKNOWN:
        return
    desk.tracing.note(SpanAttribute.OUTCOME, "unknown")
    puts: list[Put] = [Put(replace(act.record, state=OutboxState.UNKNOWN), act.rev, act.record)]
    written = PreparedEntries((), ())
    if ask is not None:
        puts.append(Put(replace(ask.record, state=AskState.UNKNOWN), ask.rev, ask.record))
        why = type(broken).__name__
        written = await seal_entries(
            desk, _performed(desk, ask.record, outcome="unknown", result={}, reason=why, told=why)
        )
    try:
        await desk.store.commit(Commit(puts=tuple(puts), entries=written.rows))
    except Conflict:
        return  # reconciliation was faster
    if ask is not None:
        desk.notify.wake(f"ask:{ask.record.id}")


def _performed(
    desk: DeskContext, ask: AskRecord, *, outcome: str, result: Mapping[str, Json], reason: str, told: str, by: str = ""
) -> EntryDraft:
    cut = (
        cut_result(result, returns=ask.covered, covered=ask.covered, known=desk.catalogue.attributes)
        if result
        else NOTHING_CUT
    )
    return draft_entry(
        desk,
        Kind.ACT_RECONCILED if by else Kind.ACT_PERFORMED,
        envelope={"ask": ask.id, "task": ask.task, "action": ask.action, "digest": ask.digest, "outcome": outcome},
        agent={"result": cut.result, "withheld": cut.withheld, "reason": told},
        customer={"result": result, "reason": reason},
        desk={
            "result": result,
            "reason": reason,
            "confirmed_by": list(ask.confirmed_by),
            **({"settled_by": by} if by else {}),
        },
        subject=ask.customer,
        refs=(ask.id, ask.task, ask.customer),
    )


async def end_after_outcome(desk: DeskContext, ask: AskRecord) -> None:
    """End the task when this outcome reached its objective or closed its case."""
    if ask.action != _CLOSE and not [one for one in desk.catalogue.objectives.values() if ask.action in one.done_when]:
        return
    # A crash here leaves the task open; repaired by the next start (`sweep.catch_up`).
    task = (await desk.store.get(TaskRecord, ask.task)).record
    reason = ending_after_outcome(desk, task, await desk.store.counters(ask.task))
    if reason is not None and task.state is not TaskState.ENDED:
        await end_task(desk, ask.task, reason)


def ending_after_outcome(desk: DeskContext, task: TaskRecord, counters: Mapping[str, int]) -> EndReason | None:
    """Return why an outcome ends the task, if it does; `counters` are those of the task's own scope."""
    if counters.get(f"done:{_CLOSE}"):
        return EndReason.CASE_CLOSED
    if counters.get(ENDED_BY_NO):
        return EndReason.CUSTOMER_DECLINED
    objective = desk.catalogue.objectives.get(task.objective)
    if (
        objective is not None
        and objective.done_when
        and all(counters.get(f"done:{name}") for name in objective.done_when)
    ):
        return EndReason.OBJECTIVE_REACHED
    return None
