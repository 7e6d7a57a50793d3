"""The outcome of a released act, told by the caller that carried it out."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import is_id
from remit.domain.records import AskRecord, AskState
from remit.domain.structs import replace
from remit.engine.ask.counters import step_completion, undone_reservations
from remit.engine.ask.outbox import end_after_outcome
from remit.engine.context import DeskContext
from remit.engine.decision_point.callers import Caller
from remit.engine.decision_point.outcome import write_outcome
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned

_TRIES: Final = 4
OUTCOMES: Final = ("done", "failed")


async def report_outcome(desk: DeskContext, caller: Caller, ask_id: str, outcome: str, reason: str) -> AskRecord:
    """Record an outcome: done keeps the reservations and completes the step, failed releases them. Repeated, it stays.

    Raises:
        Refused: `request.not_found` for an unknown act and another caller's alike; `request.conflict` for one that was
            not released, or is known to have ended otherwise.
        Fault: `fault.store`.
    """
    for _ in range(_TRIES):
        kept = await _released(desk, caller, ask_id)
        if kept.record.state is not AskState.UNKNOWN:
            if kept.record.state.value == outcome:
                return kept.record
            raise Refused(Code.REQUEST_CONFLICT, f"the act is {kept.record.state}", public="The act is not open.")
        try:
            return await _record(desk, kept, outcome, reason)
        except Conflict:
            continue
    raise Refused(Code.TASK_BUSY, "the act kept changing", retry_after_s=1)


async def _released(desk: DeskContext, caller: Caller, ask_id: str) -> Versioned[AskRecord]:
    missing = Refused(Code.REQUEST_NOT_FOUND, "no such act of this caller")
    if not is_id(ask_id, "ask"):
        raise missing
    try:
        kept = await desk.store.get(AskRecord, ask_id)
    except RecordMissing:
        raise missing from None
    if kept.record.enforcer != caller.name:
        raise missing
    return kept


async def _record(desk: DeskContext, kept: Versioned[AskRecord], outcome: str, reason: str) -> AskRecord:
    record, done = kept.record, outcome == "done"
    settled = replace(
        record,
        state=AskState.DONE if done else AskState.FAILED,
        result="{}",
        reserved=record.reserved if done else (),
    )
    written = await write_outcome(desk, settled, outcome=outcome, reason=reason)
    await desk.store.commit(
        Commit(
            puts=(Put(settled, kept.rev, record),),
            reserves=(step_completion(record),) if done else undone_reservations(record),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{record.id}")
    if done:
        await end_after_outcome(desk, record)
    return settled
