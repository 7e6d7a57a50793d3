"""Answering a permitted read: ask the backoffice or the case, record what was told, cut the reply."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from remit.domain.canonical import canonical
from remit.domain.catalogue import Action
from remit.domain.disclosure import cut_result
from remit.domain.errors import Code, Fault, Refused
from remit.domain.receipt import Holder
from remit.domain.records import AskRecord, AskState, EndReason
from remit.domain.transcript import Kind
from remit.domain.values import Json, JsonObject
from remit.ports import backoffice as desk
from remit.ports.store import Commit, Committed, Kept, Put, Reserve
from remit.usecases.end import end_task
from remit.usecases.parts import Parts
from remit.usecases.perform import case_ending
from remit.usecases.recording import Written, draft, receipt, write
from remit.usecases.replies import Reply, reply_of

_NOTHING: Final = desk.ActResult(state=desk.ActState.FAILED, values={})


async def read_desk(
    parts: Parts, kept: Kept[AskRecord], action: Action, params: JsonObject, written: Written, committed: Committed
) -> Reply:  # a decision and its proof
    """Answer a read. What the mandate does not cover is withheld; what was told is on the record before it leaves.

    Raises:
        Refused: `task.ended` when the case has ended the task: nothing is told.
        Fault: `fault.backoffice`, `fault.case`, `fault.store`: the read is then recorded as failed where that is possible.

    Source: 2-model.md §4 (the case is re-read before anything is delivered).
    """
    record = kept.record
    ended: EndReason | None = None
    try:
        async with asyncio.timeout(parts.terms.desk_timeout_s):
            ended = await case_ending(parts, record.case)
            result = _NOTHING if ended is not None else await _answer(parts, record, action, params)
    except TimeoutError:
        result = desk.ActResult(state=desk.ActState.FAILED, values={}, reason="The desk did not answer in time.")
    except Fault as broken:
        result = desk.ActResult(state=desk.ActState.FAILED, values={}, reason=f"The desk cannot be reached ({broken.code}).")
    if ended is not None:
        await end_task(parts, record.task, ended)
        raise Refused(Code.TASK_ENDED, f"the task ended: {ended}", public=f"The task ended: {ended.replace('_', ' ')}.")
    done = result.state is desk.ActState.DONE
    cut = cut_result(result.values, returns=action.returns, covered=record.covered)
    settled = replace(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=canonical(result.values).decode(),
        reason=result.reason,
        reserved=record.reserved if done else (),
    )
    told = await write(
        parts,
        draft(
            parts,
            Kind.REPLY_SENT,
            envelope={
                "ask": record.id,
                "task": record.task,
                "action": record.action,
                "outcome": settled.state.value,
                "told": sorted(cut.result),
                "withheld": cut.withheld,
            },
            agent={"result": cut.result, "reason": result.reason},
            customer={"result": cut.result},
            desk={"withheld": sorted(set(result.values) - set(cut.result)), "undeclared": list(cut.undeclared), "reason": result.reason},
            subject=record.customer,
            refs=(record.id, record.task, record.customer),
        ),
    )
    if cut.undeclared:
        await parts.notify.incident(kind="undeclared_attribute", details={"action": action.name, "names": ", ".join(cut.undeclared)})
    reserves = (
        (Reserve(record.task, f"done:{record.action}", 1, None),)
        if done
        else tuple(Reserve(one.scope, one.key, -one.amount, None) for one in record.reserved)
    )
    after = await parts.store.commit(
        Commit(
            puts=(Put(settled, kept.rev, record),),
            reserves=reserves,
            entries=told.rows,
            prove=tuple(place.index for place in committed.places),
        )
    )
    both = Written(written.rows + told.rows, written.opened + told.opened)
    return await reply_of(parts, settled, receipt(parts, both, after, Holder.AGENT))


async def _answer(parts: Parts, record: AskRecord, action: Action, params: JsonObject) -> desk.ActResult:
    if not action.builtin:
        return await parts.backoffice.read(action.name, params, customer=record.customer)
    values: Mapping[str, Json] = {}
    case = await parts.helpdesk.read(record.case)
    notes = [note for note in await parts.helpdesk.notes(record.case) if note.public]
    values = {"case.status": "open" if case.open else "closed", "case.subject": case.subject, "case.messages": len(notes)}
    return desk.ActResult(state=desk.ActState.DONE, values=values)
