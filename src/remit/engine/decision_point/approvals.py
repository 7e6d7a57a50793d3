"""Approvals of acts that a caller of the decision point carries out: the person's yes to the waiting ask, and its end."""

from remit.domain.errors import Code
from remit.domain.policy.decision import Refuse
from remit.domain.records import AskRecord, AskState
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state
from remit.engine.ask.counters import released_reservations
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Put, Versioned


def approval_end(desk: DeskContext, state: AuthorizationState) -> Instant:
    """Return until when a yes given now may be used: as long as an invitation waits, and no longer than its task."""
    return Instant(min(desk.world.now() + desk.terms.confirmation_ttl_s * 1000, _task_end(state)))


def permit_end(desk: DeskContext, state: AuthorizationState) -> Instant:
    """Return until when a permit given now may be used: as long as an act of the desk's own may wait to be sent."""
    return Instant(min(desk.world.now() + desk.terms.act_stale_s * 1000, _task_end(state)))


def _task_end(state: AuthorizationState) -> Instant:
    return min(state.task.record.ends_at, *(kept.record.expires_at for kept, _ in state.chain))


async def expire_approval(desk: DeskContext, kept: Versioned[AskRecord]) -> None:
    """End an approval that was not used in time: its reservations are released, and the end is on the record.

    Raises:
        Refused: the state's own codes.
        Fault: `fault.store`; it is tried again.
    """
    record = kept.record
    if record.state is not AskState.PERMITTED or not record.enforcer or desk.world.now() < record.usable_until:
        return
    state = await load_authorization_state(desk, record.task)
    refused = replace(record, state=AskState.REFUSED, code=Code.CONFIRMATION_EXPIRED.value, reserved=())
    refuse = Refuse(code=Code.CONFIRMATION_EXPIRED, detail="the approval was not used in time")
    action = desk.catalogue.actions.get(record.action)
    evaluation = Evaluation(decision=refuse, params=recorded_params(record), action=action)
    written = await write_decision(
        desk, state, refused, evaluation, decision="refuse", code=refuse.code.value, detail=refuse.detail
    )
    put = Put(refused, kept.rev, record)
    await desk.store.commit(Commit(puts=(put,), reserves=released_reservations(record), entries=written.rows))
    desk.notify.wake(f"ask:{record.id}")
