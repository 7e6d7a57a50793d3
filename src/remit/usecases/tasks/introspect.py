"""Introspection and revocation of tokens."""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import token_type
from remit.domain.ids import is_id
from remit.domain.mandate.model import MandateState
from remit.domain.records import EndReason, MandateRecord, TaskRecord
from remit.domain.values import Json, decode_json
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.ask.authorization_state import has_pending_work, load_authorization_state, verify_active
from remit.engine.ask.case_state import verify_case
from remit.engine.context import DeskContext
from remit.engine.mandates.issuable import verify_issuable
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.tasks import end_task
from remit.ports.store import Commit, RecordMissing, Replayed
from remit.usecases.mandates.state import mandate_state

_INACTIVE: Mapping[str, Json] = {"active": False}


async def introspect(
    desk: DeskContext, tokens: TokenVerifier, caller: Caller, unverified_token: str
) -> Mapping[str, Json]:
    """Describe a caller's own token with the whole actor chain; only `active: false` when it is not good.

    ⚔ A token names agent, purpose and customer: a foreign one, copied or found, discloses nothing. No other resource
    server accepts these tokens, so none needs to know.

    Raises:
        Refused: `credential.replayed`.
        Fault: `fault.store`, `fault.case`: an unreadable state is not called good.

    Source: RFC 7662 §2.2, §4; actor profile; docs/model/model.md#task-token.
    """
    await _spend(desk, caller)
    try:
        token = tokens.verify(desk, unverified_token)
        # ⚔ Several workloads may share one registration: another one's token is as foreign as another client's.
        if (token.client_id, token.actor) != (
            caller.agent.record.id,
            caller.actor,
        ) or desk.world.now() // 1000 >= token.expires_s:
            return _INACTIVE
        claims = dict(desk.signer.verify_jwt(unverified_token, "at+jwt"))
        mandate = await (_task_mandate(desk, token.task) if token.task else _grant_mandate(desk, token.mandate))
    except (Refused, RecordMissing):
        return _INACTIVE
    return {
        "active": True,
        "token_type": token_type(token.binding),
        **claims,
        "authorization_details": [decode_json(mandate.wire.encode())],
    }


async def _task_mandate(desk: DeskContext, task_id: str) -> MandateRecord:
    """Return the mandate of a task that may still ask, by its state and case."""
    state = await load_authorization_state(desk, task_id)
    verify_active(state, desk.world.now(), desk.terms, waiting=await has_pending_work(desk, state))
    await verify_case(desk, state.task.record)
    return state.mandate


async def _grant_mandate(desk: DeskContext, mandate_id: str) -> MandateRecord:
    """Return a mandate that could open a task now, or has a live one."""
    kept = await desk.store.get(MandateRecord, mandate_id)
    await verify_issuable(desk, kept, desk.world.now())
    if await mandate_state(desk, kept.record) is MandateState.EXHAUSTED:
        raise Refused(Code.MANDATE_INACTIVE, "the mandate's tasks are used up")
    return kept.record


async def revoke_token(desk: DeskContext, tokens: TokenVerifier, caller: Caller, unverified_token: str) -> None:
    """Revoke the caller's own token with everything under it; unknown and foreign tokens are no error.

    A task's token ends its task. A grant's token, or the mandate's id (the form handed to a sub-mandate's agent), gives
    the mandate up: after the answer it must not be found active. An expired token still names its subject.

    Raises:
        Refused: `credential.replayed`, `task.busy`.
        Fault: `fault.store`: it is then not revoked.

    Source: RFC 7009 §2.1, §2.2; docs/model/standards.md#revocation.
    """
    await _spend(desk, caller)
    if is_id(unverified_token, "man"):
        await _revoke_own(desk, caller, unverified_token)
        return
    try:
        token = tokens.verify(desk, unverified_token)
    except Refused:
        return
    if not token.task:
        await _revoke_own(desk, caller, token.mandate)
        return
    try:
        task = (await desk.store.get(TaskRecord, token.task)).record
    except RecordMissing:
        return
    if (task.client_id, task.actor) == (caller.agent.record.id, caller.actor):
        await end_task(desk, task.id, EndReason.REVOKED)


async def _revoke_own(desk: DeskContext, caller: Caller, mandate_id: str) -> None:
    """Revoke a mandate for its own agent, if that is the caller."""
    try:
        mandate = (await desk.store.get(MandateRecord, mandate_id)).record
    except RecordMissing:
        return
    if (mandate.client_id, mandate.actor) == (caller.agent.record.id, caller.actor):
        await revoke_mandate(desk, mandate.id, customer=None, by=mandate.client_id, by_agent=True)


async def _spend(desk: DeskContext, caller: Caller) -> None:
    try:
        await desk.store.commit(Commit(marks=caller.marks))
    except Replayed as stands:
        raise caller.replayed(stands) from None
