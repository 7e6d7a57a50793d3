"""Reconciliation of acts without a recorded outcome: ask the desk, then complete or fence them."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import Permit
from remit.domain.records import ActRecord, AskRecord
from remit.domain.values import decode_json
from remit.engine.ask.authorization_state import load_authorization_state, verify_active
from remit.engine.ask.case_state import case_ending, verify_case
from remit.engine.ask.counters import reservation_changes
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.outbox import backoffice_act, is_card_act, perform_act, record_outcome
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_action_unchanged, verify_still_confirmed
from remit.engine.ask.unclear import hand_to_officer
from remit.engine.context import DeskContext
from remit.engine.files.attach import AttachmentFate, attachment_fate, is_attachment_act
from remit.engine.tasks import end_task
from remit.ports import backoffice
from remit.ports.helpdesk import WriteState
from remit.ports.store import Commit, Conflict, LimitReached, Put, Versioned

_CARD_MS: Final = 3_600_000
"""Age from which on a card that never arrived is given up: the next one says more."""


async def reconcile(desk: DeskContext, kept: Versioned[ActRecord]) -> None:
    """Settle an act whose outcome was never recorded.

    Done or failed is recorded. An act the desk never saw is done now under the same key if still allowed; otherwise its
    key is fenced first, so that it can never execute, and only then is the act failed and its reservation released. The
    helpdesk is asked like the backoffice: nothing is written into a case after its task's end. ⚔ An act whose outcome
    can never be found out is neither sent again nor released: an officer says what became of it.

    Source: docs/model/model.md#act-exactly-once.
    """
    act = kept.record
    ask = await desk.store.get(AskRecord, act.ask) if act.ask else None
    known = await _outcome(desk, act, ask)
    if known.state is backoffice.ActOutcome.UNSEEN:
        if await (_may_write(desk, act) if ask is None else _still_permitted(desk, ask)):
            await perform_act(desk, kept, None if ask is None else await desk.store.get(AskRecord, act.ask))
            return
        known = await _fence(desk, act, ask)
    if known.state is backoffice.ActOutcome.UNCLEAR:
        await hand_to_officer(desk, kept, ask)
        return
    if known.state is backoffice.ActOutcome.FENCED:
        known = backoffice.ActResult(
            state=backoffice.ActOutcome.FAILED,
            values={},
            reason="It was not done, and will not be: it may not be done any more.",
        )
    await record_outcome(desk, act.id, known)


async def _outcome(desk: DeskContext, act: ActRecord, ask: Versioned[AskRecord] | None) -> backoffice.ActResult:
    """Ask the act's own port for the outcome of its key.

    Raises:
        Fault: `fault.case`, `fault.backoffice`; the next round asks again.
    """
    if ask is None or act.door == "helpdesk":
        return await _told(desk, desk.helpdesk.outcome(act.id))
    return await _told(desk, desk.backoffice.outcome(backoffice_act(act, ask.record)))


async def _fence(desk: DeskContext, act: ActRecord, ask: Versioned[AskRecord] | None) -> backoffice.ActResult:
    """Fence the act's key, or return the outcome that already exists.

    Raises:
        Fault: `fault.case`, `fault.backoffice`: it is not known to be fenced, so nothing is released.
    """
    if ask is None or act.door == "helpdesk":
        known = await _told(desk, desk.helpdesk.fence(act.id))
    else:
        known = await _told(desk, desk.backoffice.fence(backoffice_act(act, ask.record)))
    if known.state is backoffice.ActOutcome.UNSEEN:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer to a fence is not an outcome")
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
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about an act is malformed")
    return known


async def _may_write(desk: DeskContext, act: ActRecord) -> bool:
    """Return whether a ticket or a staff answer may still be written for its active task and case; a card only ages."""
    if is_card_act(act):
        return desk.world.now() - act.queued_at < _CARD_MS
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
    """Decide an unseen act again, and record changed powers before it is done.

    ⚔ Its case is read again too, as before any write, and it is charged to the present powers, or these would be used
    beyond their limits.

    Raises:
        Conflict: something moved; the next round tries again.
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
    if not charged:  # decided as before: retries must not fill the log
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
