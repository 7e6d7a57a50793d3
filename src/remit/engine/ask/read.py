"""Answering a permitted read: ask the backoffice or the case, record what was told, cut the reply."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue.model import Action, Effect
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import AskRecord, AskState, EndReason, TaskRecord, changed
from remit.domain.secrets.disclosure import Cut, cut_result
from remit.domain.transcript.entry import Draft, Kind
from remit.domain.transcript.receipt import Holder
from remit.domain.values import Json, JsonObject
from remit.engine.ask.authorization_state import Standing, load_standing, still_covered, verify_standing
from remit.engine.ask.case_state import case_ending, ended_by_case
from remit.engine.ask.counters import released_by_desk, step_done
from remit.engine.ask.desk_reason import LATE, tellable_reason, unreached
from remit.engine.ask.facts import FRESH_S, along_with_case
from remit.engine.ask.outbox import Settled, fit_result, tell_unfit
from remit.engine.ask.reply import Reply, params_of, reply_of
from remit.engine.context import Parts
from remit.engine.transcript.record import Written, draft, receipt, write
from remit.ports import backoffice as desk
from remit.ports.store import Commit, Committed, Conflict, Expect, Kept, Put
from remit.ports.tracing import Fact, Step


async def read_desk(  # a decision and its proof
    parts: Parts,
    standing: Standing,
    kept: Kept[AskRecord],
    action: Action,
    params: JsonObject,
    written: Written,
    committed: Committed,
) -> Reply:
    """Answer a read that is recorded as permitted. What the mandate does not cover is withheld; what was told is on the record
    before it leaves.

    Raises:
        Refused: `task.ended` when the case has ended the task: nothing is told.
        Fault: `fault.store`: the read stays permitted, and is answered when the agent asks for it again.

    Source: docs/model/model.md#case-reread.
    """
    settled = await answer_read(parts, standing, kept, action, params, committed)
    return await reply_of(
        parts, settled.ask, receipt(parts, written + settled.written, settled.committed, Holder.AGENT)
    )


async def answer_read(  # a decision and its proof
    parts: Parts, standing: Standing, kept: Kept[AskRecord], action: Action, params: JsonObject, committed: Committed
) -> Settled:
    """Have the desk answer a read that is recorded as permitted, and record its answer.

    Raises:
        Refused, Fault: as `read_desk`.
    """
    told = await tell(parts, kept.record, action, params, expects=standing.expects)
    after = await _settle(parts, kept, told, tuple(place.index for place in committed.places))
    return Settled(told.ask, told.written, after)


async def read_again(parts: Parts, record: AskRecord) -> AskRecord:
    """Answer a permitted read whose answer was lost with its process, or with the store; any other ask stays as it is.

    A read has no outbox row, since repeating it is harmless: whoever asks for it again has it answered. Its standing must
    have been checked. A read that may still be under way is left to it.

    Raises:
        Refused: `task.ended` when the case has ended the task.
        Fault: `fault.store`.
    """
    action = parts.catalogue.actions.get(record.action)
    if record.state is not AskState.PERMITTED or action is None or action.effect is not Effect.READ:
        return record
    permitted = await parts.store.entries(ref=record.id, newest=True, limit=1)
    if not permitted or parts.world.now() - permitted[0].row.at <= (parts.terms.desk_timeout_s + 1) * 1000:
        return record
    kept = await parts.store.get(AskRecord, record.id)
    if kept.record.state is AskState.PERMITTED:
        with contextlib.suppress(Conflict):  # somebody else answered it meanwhile
            await _settle(parts, kept, await tell(parts, kept.record, action, params_of(kept.record)), ())
        kept = await parts.store.get(AskRecord, record.id)
    return kept.record


@dataclass(frozen=True, slots=True)
class Told:
    """What a read came to, ready to be recorded: the ask and its entry, and what may be told of it; `done` says whether what it
    reserved stays reserved.
    """

    ask: AskRecord
    written: Written
    done: bool
    cut: Cut
    unfit: tuple[str, ...]

    def behind(self, permit: Written) -> "Told":
        """The same, to be recorded together with its permit."""
        return Told(self.ask, permit + self.written, self.done, self.cut, self.unfit)


async def tell(
    parts: Parts, record: AskRecord, action: Action, params: JsonObject, *, expects: Sequence[Expect] = ()
) -> Told:
    """Read at the desk what an ask may be told; a desk or case that cannot be read gives a failed ask. Nothing is recorded here.

    Of what was permitted on records that moved while the desk answered (`expects`), nothing is told.

    Raises:
        Refused: `task.ended` when the case has ended the task.
    """
    try:
        with parts.tracing.step(Step.ACT):
            async with asyncio.timeout(parts.terms.desk_timeout_s):
                result, case = await along_with_case(parts, record.case, _answer(parts, record, action, params))
    except TimeoutError:
        result = desk.ActResult(state=desk.ActState.FAILED, values={}, reason=LATE)
    except Fault as broken:
        result = desk.ActResult(state=desk.ActState.FAILED, values={}, reason=unreached(broken.code))
    else:
        if case is None:
            result = desk.ActResult(state=desk.ActState.FAILED, values={}, reason=unreached(Code.FAULT_CASE))
        elif case.ending is not None:
            raise await ended_by_case(parts, record.task, case.ending)
    result, text, unfit = fit_result(result)
    reason = await tellable_reason(parts, record.task, result.reason) if result.reason else ""
    done = result.state is desk.ActState.DONE
    parts.tracing.note(Fact.OUTCOME, "done" if done else "failed")
    if expects and not await parts.store.stand(expects):
        record = changed(record, covered=())
    cut = cut_result(result.values, returns=action.returns, covered=record.covered, known=parts.catalogue.attributes)
    settled = changed(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=text,
        reason=reason,
        reserved=record.reserved if done else (),
    )
    written = await write(parts, _sent(parts, settled, result, cut))
    return Told(settled, written, done, cut, unfit)


async def follow_read(parts: Parts, told: Told) -> None:
    """What a read that is on the record brings about: security is told of a desk that says more than its catalogue declares, or
    what cannot be kept.
    """
    if told.unfit:
        await tell_unfit(parts, told.ask.action, told.unfit)
    if told.cut.undeclared:
        details = {"action": told.ask.action, "names": ", ".join(told.cut.undeclared)}
        await parts.notify.incident(kind="undeclared_attribute", details=details)


async def _settle(parts: Parts, kept: Kept[AskRecord], told: Told, prove: tuple[int, ...]) -> Committed:
    """Record what a read came to that was recorded as permitted before."""
    reserves = (step_done(told.ask),) if told.done else released_by_desk(kept.record)
    committed = await parts.store.commit(
        Commit(puts=(Put(told.ask, kept.rev, kept.record),), reserves=reserves, entries=told.written.rows, prove=prove)
    )
    await follow_read(parts, told)
    return committed


def _sent(parts: Parts, settled: AskRecord, result: desk.ActResult, cut: Cut) -> Draft:
    return draft(
        parts,
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


async def _answer(parts: Parts, record: AskRecord, action: Action, params: JsonObject) -> desk.ActResult:
    if not action.builtin:
        return await parts.backoffice.read(action.name, params, customer=record.customer)
    case = await parts.helpdesk.read(record.case)
    # ⚔ What was written past the firewall tells the agent nothing, not even that it is there.
    notes = [note for note in await parts.helpdesk.notes(record.case) if note.public and not note.native]
    # ⚔ Anybody may rewrite a ticket's subject in the helpdesk: told is the one Remit gave it.
    objective = parts.catalogue.objectives.get((await parts.store.get(TaskRecord, record.task)).record.objective)
    subject = "" if objective is None else objective.title
    values: Mapping[str, Json] = {
        "case.status": "open" if case.open else "closed",
        "case.subject": subject,
        "case.messages": len(notes),
    }
    return desk.ActResult(state=desk.ActState.DONE, values=values)


STILL_S: Final = 1.0
"""After so long between a record and its answer everything is looked at again: the process may have been frozen."""


async def told_of_act(parts: Parts, standing: Standing, record: AskRecord, *, read_s: float) -> frozenset[str]:
    """The attributes of an act's result that its agent may be told: what was decided, where nothing moved and the case was just read.

    `read_s` is when the case was read at the earliest, in ticks.

    Raises:
        Refused, Fault: as `told_now`.
    """
    if parts.world.ticks() - read_s <= FRESH_S and await parts.store.stand(standing.expects):
        return frozenset(record.covered)
    return await told_now(parts, record)


async def told_now(parts: Parts, record: AskRecord) -> frozenset[str]:
    """The attributes of an ask's result that its agent may be told at this moment.

    ⚔ The desk may have been long in acting, and the case in being read: whoever was revoked, narrowed or closed meanwhile is told no
    more than what is left. That the act itself reached the objective is no such end.

    Raises:
        Refused: `task.ended` and the standing's own codes; `task.busy` when something moved while the case was read.
        Fault: `fault.case`, `fault.store`: then nothing is told.

    Source: docs/model/model.md#standing-again, #case-reread.
    """
    standing = await load_standing(parts, record.task)
    try:
        verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    except Refused as refused:
        if refused.code is not Code.TASK_ENDED or standing.task.record.reason != EndReason.OBJECTIVE_REACHED:
            raise
        if standing.customer.record.paused or any(
            kept.record.state not in {"active", "exhausted"} for kept, _ in standing.chain
        ):
            raise
    ended = await case_ending(parts, standing.task.record.case)
    if ended is not None:
        raise await ended_by_case(parts, record.task, ended)
    if not await parts.store.stand(standing.expects):
        raise Refused(Code.TASK_BUSY, "something moved while the case was read", retry_after_s=1)
    return still_covered(parts, standing, record)
