"""Answering a permitted read: ask the backoffice or the case, record what was told, cut the reply."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.canonical import canonical
from remit.domain.catalogue import Action, Effect
from remit.domain.disclosure import Cut, cut_result
from remit.domain.errors import Fault
from remit.domain.receipt import Holder
from remit.domain.records import AskRecord, AskState, EndReason, TaskRecord
from remit.domain.transcript import Draft, Kind
from remit.domain.values import Json, JsonObject
from remit.ports import backoffice as desk
from remit.ports.store import Commit, Committed, Conflict, Kept, Put, Reserve
from remit.usecases.parts import Parts
from remit.usecases.read_case import case_ending, ended_by_case
from remit.usecases.recording import Written, draft, receipt, write
from remit.usecases.replies import Reply, params_of, reply_of

_NOTHING: Final = desk.ActResult(state=desk.ActState.FAILED, values={})


async def read_desk(  # a decision and its proof
    parts: Parts, kept: Kept[AskRecord], action: Action, params: JsonObject, written: Written, committed: Committed
) -> Reply:
    """Answer a read. What the mandate does not cover is withheld; what was told is on the record before it leaves.

    Raises:
        Refused: `task.ended` when the case has ended the task: nothing is told.
        Fault: `fault.store`: the read stays permitted, and is answered when the agent asks for it again.

    Source: 2-model.md §4 (the case is re-read before anything is delivered).
    """
    told = await _tell(parts, kept, action, params, tuple(place.index for place in committed.places))
    both = Written(written.rows + told.written.rows, written.opened + told.written.opened)
    return await reply_of(parts, told.ask, receipt(parts, both, told.committed, Holder.AGENT))


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
            await _tell(parts, kept, action, params_of(kept.record), ())
        kept = await parts.store.get(AskRecord, record.id)
    return kept.record


@dataclass(frozen=True, slots=True)
class _Told:
    """A read that was just answered, on the record."""

    ask: AskRecord
    written: Written
    committed: Committed


async def _tell(parts: Parts, kept: Kept[AskRecord], action: Action, params: JsonObject, prove: tuple[int, ...]) -> _Told:
    """Read at the desk and put what is told on the record; a desk or case that cannot be read is recorded as failed."""
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
        raise await ended_by_case(parts, record.task, ended)
    done = result.state is desk.ActState.DONE
    cut = cut_result(result.values, returns=action.returns, covered=record.covered)
    settled = replace(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result=canonical(result.values).decode(),
        reason=result.reason,
        reserved=record.reserved if done else (),
    )
    written = await write(parts, _sent(parts, settled, result, cut))
    if cut.undeclared:
        await parts.notify.incident(kind="undeclared_attribute", details={"action": action.name, "names": ", ".join(cut.undeclared)})
    reserves = (
        (Reserve(record.task, f"done:{record.action}", 1, None),)
        if done
        else tuple(Reserve(one.scope, one.key, -one.amount, None) for one in record.reserved)
    )
    committed = await parts.store.commit(
        Commit(puts=(Put(settled, kept.rev, record),), reserves=reserves, entries=written.rows, prove=prove)
    )
    return _Told(settled, written, committed)


def _sent(parts: Parts, settled: AskRecord, result: desk.ActResult, cut: Cut) -> Draft:
    return draft(
        parts,
        Kind.REPLY_SENT,
        envelope={
            "ask": settled.id,
            "task": settled.task,
            "action": settled.action,
            "outcome": settled.state.value,
            "told": sorted(cut.result),
            "withheld": cut.withheld,
        },
        agent={"result": cut.result, "reason": result.reason},
        customer={"result": cut.result},
        desk={"withheld": sorted(set(result.values) - set(cut.result)), "undeclared": list(cut.undeclared), "reason": result.reason},
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
    values: Mapping[str, Json] = {"case.status": "open" if case.open else "closed", "case.subject": subject, "case.messages": len(notes)}
    return desk.ActResult(state=desk.ActState.DONE, values=values)
