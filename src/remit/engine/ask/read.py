"""Answers to permitted reads: fetched from backoffice or case, recorded, then cut for the agent."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Effect
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import AskRecord, AskState, EndReason, TaskRecord
from remit.domain.secrets.disclosure import CutResult, cut_result
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.transcript.receipt import Holder
from remit.domain.values import Json, JsonObject
from remit.engine.ask.authorization_state import (
    AuthorizationState,
    currently_covered,
    load_authorization_state,
    verify_active,
)
from remit.engine.ask.case_state import case_ending, end_task_by_case
from remit.engine.ask.counters import step_completion, undone_reservations
from remit.engine.ask.desk_reason import LATE, disclosable_reason, unreachable_reason
from remit.engine.ask.facts import FRESH_S, fetch_with_case
from remit.engine.ask.outbox import SettledAsk, disclosable_result, report_unstorable
from remit.engine.ask.reply import AskReply, build_reply, recorded_params
from remit.engine.context import DeskContext
from remit.engine.transcript.record import PreparedEntries, draft_entry, receipt_for_commit, seal_entries
from remit.ports import backoffice
from remit.ports.store import Commit, Committed, Conflict, Precondition, Put, Versioned
from remit.ports.tracing import SpanAttribute, SpanName


async def perform_read(
    desk: DeskContext,
    state: AuthorizationState,
    kept: Versioned[AskRecord],
    action: Action,
    params: JsonObject,
    written: PreparedEntries,
    committed: Committed,
) -> AskReply:
    """Answer a read recorded as permitted: uncovered values are withheld, disclosed ones recorded first.

    Raises:
        Refused: `task.ended` when the case has ended the task: nothing is disclosed.
        Fault: `fault.store`: the read stays permitted, and is answered when the agent asks again.

    Source: docs/model/model.md#case-reread.
    """
    settled = await answer_read(desk, state, kept, action, params, committed)
    return await build_reply(
        desk, settled.ask, receipt_for_commit(desk, written + settled.written, settled.committed, Holder.AGENT)
    )


async def answer_read(
    desk: DeskContext,
    state: AuthorizationState,
    kept: Versioned[AskRecord],
    action: Action,
    params: JsonObject,
    committed: Committed,
) -> SettledAsk:
    """Fetch and record the answer of a read recorded as permitted.

    Raises:
        Refused, Fault: as `perform_read`.
    """
    read = await execute_read(desk, kept.record, action, params, preconditions=state.preconditions)
    after = await _settle(desk, kept, read, tuple(place.index for place in committed.places))
    return SettledAsk(read.ask, read.written, after)


async def replay_read(desk: DeskContext, record: AskRecord) -> AskRecord:
    """Answer a permitted read whose answer was lost with its process or the store; return other asks unchanged.

    Repeating a read is harmless, so it has no outbox row: the next request for it has it answered. Its state must have
    been checked. A read that may still be running is left alone.

    Raises:
        Refused: `task.ended` when the case has ended the task.
        Fault: `fault.store`.
    """
    action = desk.catalogue.actions.get(record.action)
    if record.state is not AskState.PERMITTED or action is None or action.effect is not Effect.READ or record.enforcer:
        return record
    permitted = await desk.store.entries(ref=record.id, newest=True, limit=1)
    if not permitted or desk.world.now() - permitted[0].row.at <= (desk.terms.desk_timeout_s + 1) * 1000:
        return record
    kept = await desk.store.get(AskRecord, record.id)
    if kept.record.state is AskState.PERMITTED:
        with contextlib.suppress(Conflict):  # answered elsewhere meanwhile
            await _settle(desk, kept, await execute_read(desk, kept.record, action, recorded_params(kept.record)), ())
        kept = await desk.store.get(AskRecord, record.id)
    return kept.record


@struct(frozen=True)
class ReadResult:
    """A read ready to be recorded: ask, entry and disclosure; `done` says whether its reservations stay."""

    ask: AskRecord
    written: PreparedEntries
    done: bool
    cut: CutResult
    unfit: tuple[str, ...]

    def behind(self, permit: PreparedEntries) -> "ReadResult":
        """Return the same result, to be recorded together with its permit."""
        return ReadResult(self.ask, permit + self.written, self.done, self.cut, self.unfit)


async def execute_read(
    desk: DeskContext,
    record: AskRecord,
    action: Action,
    params: JsonObject,
    *,
    preconditions: Sequence[Precondition] = (),
) -> ReadResult:
    """Execute a read at the desk without recording it; an unreadable desk or case gives a failed ask.

    If `preconditions` moved while the desk answered, nothing is disclosed.

    Raises:
        Refused: `task.ended` when the case has ended the task.
    """
    try:
        with desk.tracing.step(SpanName.ACT):
            async with asyncio.timeout(desk.terms.desk_timeout_s):
                result, case = await fetch_with_case(desk, record.case, _answer(desk, record, action, params))
    except TimeoutError:
        result = backoffice.ActResult(state=backoffice.ActOutcome.FAILED, values={}, reason=LATE)
    except Fault as broken:
        result = backoffice.ActResult(
            state=backoffice.ActOutcome.FAILED, values={}, reason=unreachable_reason(broken.code)
        )
    else:
        if case is None:
            result = backoffice.ActResult(
                state=backoffice.ActOutcome.FAILED, values={}, reason=unreachable_reason(Code.FAULT_CASE)
            )
        elif case.ending is not None:
            raise await end_task_by_case(desk, record.task, case.ending)
    fitted = await disclosable_result(desk, record, result)
    result = fitted.result
    reason = await disclosable_reason(desk, record.task, result.reason) if result.reason else ""
    done = result.state is backoffice.ActOutcome.DONE
    desk.tracing.note(SpanAttribute.OUTCOME, "done" if done else "failed")
    if preconditions and not await desk.store.unchanged(preconditions):
        record = replace(record, covered=())
    cut = cut_result(result.values, returns=action.returns, covered=record.covered, known=desk.catalogue.attributes)
    settled = replace(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=fitted.text,
        reason=reason,
        reserved=record.reserved if done else (),
    )
    written = await seal_entries(desk, _sent(desk, settled, result, cut))
    return ReadResult(settled, written, done, cut, fitted.unfit)


async def report_read_problems(desk: DeskContext, read: ReadResult) -> None:
    """Report undeclared or unstorable values of a recorded read to security."""
    if read.unfit:
        await report_unstorable(desk, read.ask.action, read.unfit)
    if read.cut.undeclared:
        details = {"action": read.ask.action, "names": ", ".join(read.cut.undeclared)}
        await desk.notify.incident(kind="undeclared_attribute", details=details)


async def _settle(desk: DeskContext, kept: Versioned[AskRecord], read: ReadResult, prove: tuple[int, ...]) -> Committed:
    """Record the result of a read that was recorded as permitted before."""
    reserves = (step_completion(read.ask),) if read.done else undone_reservations(kept.record)
    committed = await desk.store.commit(
        Commit(puts=(Put(read.ask, kept.rev, kept.record),), reserves=reserves, entries=read.written.rows, prove=prove)
    )
    await report_read_problems(desk, read)
    return committed


def _sent(desk: DeskContext, settled: AskRecord, result: backoffice.ActResult, cut: CutResult) -> EntryDraft:
    return draft_entry(
        desk,
        Kind.REPLY_SENT,
        envelope={
            "ask": settled.id,
            "task": settled.task,
            "action": settled.action,
            "outcome": str(settled.state),
            "told": sorted(cut.result),
            "withheld": cut.withheld,
        },
        agent={"result": cut.result, "reason": settled.reason},
        customer={"result": cut.result},
        desk={
            "withheld": sorted(set(result.values) - set(cut.result)),
            "undeclared": list(cut.undeclared),
            "reason": result.reason,
        },
        subject=settled.customer,
        refs=(settled.id, settled.task, settled.customer),
    )


async def _answer(desk: DeskContext, record: AskRecord, action: Action, params: JsonObject) -> backoffice.ActResult:
    if not action.builtin:
        return await desk.backoffice.read(action.name, params, customer=record.customer)
    case = await desk.helpdesk.read(record.case)
    # ⚔ Notes that bypassed the firewall disclose nothing, not even that they exist.
    notes = [note for note in await desk.helpdesk.notes(record.case) if note.public and not note.native]
    # ⚔ A ticket's subject can be rewritten in the helpdesk: disclose the one Remit gave it.
    objective = desk.catalogue.objectives.get((await desk.store.get(TaskRecord, record.task)).record.objective)
    subject = "" if objective is None else objective.title
    values: Mapping[str, Json] = {
        "case.status": "open" if case.open else "closed",
        "case.subject": subject,
        "case.messages": len(notes),
    }
    return backoffice.ActResult(state=backoffice.ActOutcome.DONE, values=values)


MAX_READ_AGE_S: Final = 1.0
"""Maximum seconds from record to answer; later the process may have stalled, and everything is re-checked."""


async def disclose_act_result(
    desk: DeskContext, state: AuthorizationState, record: AskRecord, *, read_s: float
) -> frozenset[str]:
    """Return the disclosable attributes of an act's result: as decided, while nothing moved and the case read is fresh.

    Raises:
        Refused, Fault: as `recheck_disclosure`.
    """
    if desk.world.ticks() - read_s <= FRESH_S and await desk.store.unchanged(state.preconditions):
        return frozenset(record.covered)
    return await recheck_disclosure(desk, record)


async def recheck_disclosure(desk: DeskContext, record: AskRecord) -> frozenset[str]:
    """Return the attributes of an ask's result that its agent may be told at this moment.

    ⚔ Desk and case may have answered slowly: after a revocation, narrowing or closing meanwhile, only the remainder is
    disclosed. An objective reached by the act itself is no such end.

    Raises:
        Refused: `task.ended` and the state's own codes; `task.busy` when something moved during the case read.
        Fault: `fault.case`, `fault.store`: then nothing is disclosed.

    Source: docs/model/model.md#standing-again, #case-reread.
    """
    state = await load_authorization_state(desk, record.task)
    try:
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
    except Refused as refused:
        if refused.code is not Code.TASK_ENDED or state.task.record.reason != EndReason.OBJECTIVE_REACHED:
            raise
        if state.customer.record.paused or any(
            kept.record.state not in {"active", "exhausted"} for kept, _ in state.chain
        ):
            raise
    ended = await case_ending(desk, state.task.record.case)
    if ended is not None:
        raise await end_task_by_case(desk, record.task, ended)
    if not await desk.store.unchanged(state.preconditions):
        raise Refused(Code.TASK_BUSY, "something moved while the case was read", retry_after_s=1)
    return currently_covered(desk, state, record)
