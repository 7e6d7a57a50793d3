"""Withdrawal of an ask that waits for people, by its agent."""

from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import ProofRefused
from remit.domain.records import AskRecord, AskState, ConfirmationRecord, ConfirmationState
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.counters import released_reservations
from remit.engine.ask.reply import AskReply, build_reply
from remit.engine.confirm.invite import TURN, decline_scopes, declined_at, involved_operators
from remit.engine.context import DeskContext
from remit.engine.transcript.record import prepare_entry
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Replayed, Reserve
from remit.usecases.tasks.task import mark_proof_used, own_ask

_TRIES: Final = 6
_WITHDRAWN: Final = "The agent cancelled its request."


async def withdraw_ask(desk: DeskContext, workload: Workload, ask_id: str) -> tuple[AskReply, bool]:
    """Void an ask of the caller that waits for people; return it, and whether it still waited.

    ⚔ Taking back costs the pause that a no would: otherwise asking and taking back by turns would flood a person with
    invitations.

    Raises:
        Refused: `request.not_found` for an unknown or foreign ask, `credential.replayed`, `task.busy`.
        Fault: `fault.store`.

    Source: docs/model/model.md#anti-fatigue.
    """
    for _ in range(_TRIES):
        own = await own_ask(desk, workload, ask_id)
        if own.state is not AskState.WAITING:
            await mark_proof_used(desk, workload)
            return await build_reply(desk, own, attributes=False), False
        try:
            return await _withdraw(desk, workload, ask_id), True
        except (Conflict, RecordMissing):
            continue
        except Replayed:
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    raise Refused(Code.TASK_BUSY, "the ask kept changing", retry_after_s=1)


async def _withdraw(desk: DeskContext, workload: Workload, ask_id: str) -> AskReply:
    ask = await desk.store.get(AskRecord, ask_id)
    kept = await desk.store.get(ConfirmationRecord, ask.record.confirmation)
    if ask.record.state is not AskState.WAITING or kept.record.state is not ConfirmationState.WAITING:
        raise Conflict(AskRecord.KIND, ask_id)
    now, record = desk.world.now(), ask.record
    void = replace(record, state=AskState.VOID, code=Code.CONFIRMATION_EXPIRED.value, public=_WITHDRAWN, reserved=())
    closed = replace(kept.record, state=ConfirmationState.VOID, nonce="")
    timed = (declined_at(now),) if CUSTOMER in kept.record.who else ()
    scopes = decline_scopes(record.customer, await involved_operators(desk, record))
    written = await prepare_entry(
        desk,
        Kind.WORDS_ANSWERED if kept.record.words else Kind.CONFIRMATION_ANSWERED,
        envelope={
            "ask": record.id,
            "task": record.task,
            "confirmation": kept.record.id,
            "digest": kept.record.digest,
            "answer": "withdrawn",
            "state": "void",
        },
        subject=record.customer,
        refs=(record.id, record.task, record.customer),
    )
    await desk.store.commit(
        Commit(
            puts=(Put(closed, kept.rev, kept.record), Put(void, ask.rev, record)),
            reserves=(
                *released_reservations(record),
                *(Reserve(scope, key, 1, None) for scope in scopes for key in (TURN, *timed)),
            ),
            marks=workload.marks,
            touches=((record.task, now),),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{record.id}")
    return await build_reply(desk, void)
