"""Finding out what became of an act whose outcome was never recorded: ask the desk, do it now if it still may be, or fence it."""

import asyncio
from collections.abc import Awaitable, Mapping

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import Permit
from remit.domain.records import ActRecord, AskRecord
from remit.domain.values import decode_json
from remit.engine.ask.authorization_state import load_authorization_state, verify_active
from remit.engine.ask.case_state import case_ending, verify_case
from remit.engine.ask.counters import reservation_changes
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.outbox import perform_act, record_outcome
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_action_unchanged, verify_still_confirmed
from remit.engine.context import DeskContext
from remit.engine.files.attach import AttachmentFate, attachment_fate, is_attachment_act
from remit.engine.tasks import end_task
from remit.ports import backoffice
from remit.ports.helpdesk import WriteState
from remit.ports.store import Commit, Conflict, LimitReached, Put, Versioned


async def reconcile(desk: DeskContext, kept: Versioned[ActRecord]) -> None:
    """Find out what became of an act whose outcome was never recorded, and make it certain.

    Done or failed is recorded. What the desk never saw is done now with the same key if it still may be; otherwise the
    key is fenced first, so that it can never execute, and only then is the act failed and its room released. The
    helpdesk is asked like the backoffice: nothing is written into a case after its task's end.

    Source: docs/model/model.md#act-exactly-once.
    """
    act = kept.record
    known = await _outcome(desk, act)
    if known.state is backoffice.ActOutcome.UNSEEN:
        ask = await desk.store.get(AskRecord, act.ask) if act.ask else None
        if await (_may_still_be_written(desk, act) if ask is None else _still_permitted(desk, ask)):
            await perform_act(desk, kept, None if ask is None else await desk.store.get(AskRecord, act.ask))
            return
        known = await _fence(desk, act)
    if known.state is backoffice.ActOutcome.FENCED:
        known = backoffice.ActResult(
            state=backoffice.ActOutcome.FAILED,
            values={},
            reason="It was not done, and will not be: it may not be done any more.",
        )
    await record_outcome(desk, act.id, known)


async def _outcome(desk: DeskContext, act: ActRecord) -> backoffice.ActResult:
    """Ask the act's own door what became of its key.

    Raises:
        Fault: `fault.case`, `fault.backoffice`; the act is then asked after with the next round.
    """
    door = desk.helpdesk if act.door == "helpdesk" else desk.backoffice
    return await _told(desk, door.outcome(act.id))


async def _fence(desk: DeskContext, act: ActRecord) -> backoffice.ActResult:
    """Shut the act's key at its door, or learn what already happened.

    Raises:
        Fault: `fault.case`, `fault.backoffice`: it is not known to be shut, so nothing is released.
    """
    door = desk.helpdesk if act.door == "helpdesk" else desk.backoffice
    known = await _told(desk, door.fence(act.id))
    if known.state is backoffice.ActOutcome.UNSEEN:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer to a fence is that it knows nothing")
    return known


async def _told(desk: DeskContext, asked: Awaitable[object]) -> backoffice.ActResult:
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            known = await asked
    except TimeoutError:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk did not answer about an act in time") from None
    if isinstance(known, WriteState):
        return backoffice.ActResult(state=backoffice.ActOutcome(known.value), values={})
    if not isinstance(known, backoffice.ActResult):
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about an act is none")
    return known


async def _may_still_be_written(desk: DeskContext, act: ActRecord) -> bool:
    """Whether a ticket may still be opened, or an officer's answer written, for its task: it stands, and so does the case.

    Raises:
        Refused: `task.held`.
    """
    try:
        state = await load_authorization_state(desk, act.task)
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
        payload = decode_json(act.payload.encode())
        if not (isinstance(payload, Mapping) and payload.get("do") == "open"):
            await verify_case(desk, state.task.record)
    except Refused as refused:
        if refused.code is Code.TASK_HELD:
            raise  # it may go on: until then it is neither written nor given up
        return False
    return not is_attachment_act(act) or await attachment_fate(desk, act, act.epochs) is AttachmentFate.GOES


async def _still_permitted(desk: DeskContext, kept: Versioned[AskRecord]) -> bool:
    """Decide an act that the desk never saw afresh. Where it stands on other powers now, that is on the record before it is done.

    ⚔ Its case is read again too, as before any write. It is charged to the powers it is done under now, or these would be used
    more often than they say.

    Raises:
        Conflict: something moved meanwhile; the act is tried again with the next round.
        Fault: `fault.case`, `fault.backoffice`, `fault.store`.
    """
    ask = kept.record
    ended = await case_ending(desk, ask.case)
    if ended is not None:
        await end_task(desk, ask.task, ended)
        return False
    try:
        state, evaluation = await reevaluate_confirmed(desk, ask, frozenset(ask.confirmed_by))
        if not isinstance(evaluation.decision, Permit):
            return False
        persons = await verify_still_confirmed(desk, ask)
        await verify_action_unchanged(desk, state, ask, evaluation)
    except Refused:
        return False
    preconditions = (*state.preconditions, *evaluation.preconditions, *persons)
    charged = reservation_changes(ask, evaluation.reserved)
    if not charged:  # as it was decided: a desk that is tried again each round must not fill the log
        if not await desk.store.unchanged(preconditions):
            raise Conflict(AskRecord.KIND, ask.id)
        return True
    decided = evaluation.apply_to(ask)
    written = await write_decision(
        desk, state, decided, evaluation, decision="permit", code="", detail="decided again before it is done"
    )
    put = Put(decided, kept.rev, ask)
    try:
        await desk.store.commit(
            Commit(preconditions=preconditions, puts=(put,), reserves=charged, entries=written.rows)
        )
    except LimitReached:
        raise Conflict(AskRecord.KIND, ask.id) from None
    return True
