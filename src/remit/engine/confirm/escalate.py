"""Due invitations: hand them on as their rule says, or refuse the ask; never more."""

from typing import Final

from remit.domain.confirm.confirmation import advance_escalation
from remit.domain.errors import Code, Refused
from remit.domain.policy.decision import Permit
from remit.domain.records import AskRecord, AskState, ConfirmationRecord, ConfirmationState
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import instant_text
from remit.engine.ask.counters import released_reservations
from remit.engine.ask.reevaluate import reevaluate_confirmed
from remit.engine.context import DeskContext
from remit.engine.notices import invitation_notices
from remit.engine.transcript.record import prepare_entry
from remit.ports.store import Commit, Conflict, Precondition, Put, Reserve, Versioned

_TRIES: Final = 5


async def advance_due_invitation(
    desk: DeskContext, kept: Versioned[ConfirmationRecord]
) -> tuple[Versioned[ConfirmationRecord], Versioned[AskRecord]]:
    """Process an invitation that may be due, and return it with its ask as both stand then.

    ⚔ It is handed on only to people whose yes the present rules would accept; else it is refused.

    Raises:
        Refused: `task.busy`.
        Fault: the rules cannot be evaluated; nothing is handed on, and no answer is accepted meanwhile.
    """
    for _ in range(_TRIES):
        ask = await desk.store.get(AskRecord, kept.record.ask)
        now = desk.world.now()
        if kept.record.state is not ConfirmationState.WAITING or now < kept.record.due:
            return kept, ask
        later = advance_escalation(kept.record, now)
        try:
            preconditions = await _content(desk, ask.record, kept.record, later) if now < later.due else None
            if preconditions is None:
                await _refuse(desk, kept, ask)
            else:
                await _pass_to_next(desk, kept, ask, later, preconditions)
        except Conflict:
            pass
        kept = await desk.store.get(ConfirmationRecord, kept.record.id)
    raise Refused(Code.TASK_BUSY, "the invitation kept changing", retry_after_s=1)


async def _content(
    desk: DeskContext, ask: AskRecord, before: ConfirmationRecord, later: ConfirmationRecord
) -> tuple[Precondition, ...] | None:
    """Return the preconditions for handing on; None where the rules would not accept the new confirmers' yes."""
    if ask.state is not AskState.WAITING:
        return None
    if later.who == before.who:  # the role has answered; the remaining time is the customer's
        return ()
    try:
        state, evaluation = await reevaluate_confirmed(desk, ask, frozenset(later.who))
    except Refused:
        return None
    return (*state.preconditions, *evaluation.preconditions) if isinstance(evaluation.decision, Permit) else None


async def _pass_to_next(
    desk: DeskContext,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    later: ConfirmationRecord,
    preconditions: tuple[Precondition, ...],
) -> None:
    gone, come = set(kept.record.who) - set(later.who), set(later.who) - set(kept.record.who)
    asked = replace(ask.record, who=tuple(sorted((set(ask.record.who) - gone) | come)))
    written = await prepare_entry(
        desk,
        Kind.CONFIRMATION_HANDED,
        envelope={
            "ask": ask.record.id,
            "task": ask.record.task,
            "confirmation": later.id,
            "digest": later.digest,
            "from": sorted(gone),
            "to": sorted(come),
            "by": "rule",
        },
        desk={"rule": later.rule, "due_at": instant_text(later.due)},
        subject=ask.record.customer,
        refs=(ask.record.task, ask.record.customer),
    )
    notices = invitation_notices(desk, later, to=sorted(come))
    puts = (Put(later, kept.rev, kept.record), Put(asked, ask.rev, ask.record), *notices.puts)
    await desk.store.commit(
        Commit(preconditions=preconditions, puts=puts, entries=written.rows if gone or come else ())
    )
    # A crash here leaves it waiting on every confirmer's page; a log-only notice is lost, a sent one is recorded.
    await notices.log_unsent(desk)


async def _refuse(desk: DeskContext, kept: Versioned[ConfirmationRecord], ask: Versioned[AskRecord]) -> None:
    """Refuse an expired invitation: silence is a no, and reservations are released."""
    expired = replace(kept.record, state=ConfirmationState.EXPIRED, nonce="")
    puts = [Put(expired, kept.rev, kept.record)]
    releases: tuple[Reserve, ...] = ()
    if ask.record.state is AskState.WAITING:
        puts.append(
            Put(
                replace(ask.record, state=AskState.EXPIRED, code=Code.CONFIRMATION_EXPIRED.value, reserved=()),
                ask.rev,
                ask.record,
            )
        )
        releases = released_reservations(ask.record)
    written = await prepare_entry(
        desk,
        Kind.WORDS_ANSWERED if kept.record.words else Kind.CONFIRMATION_ANSWERED,
        envelope={
            "ask": ask.record.id,
            "task": ask.record.task,
            "confirmation": kept.record.id,
            "digest": kept.record.digest,
            "answer": "silence",
            "state": "expired",
        },
        desk={"rule": kept.record.rule, "due_at": instant_text(kept.record.due)} if kept.record.rule else None,
        subject=ask.record.customer,
        refs=(ask.record.id, ask.record.task, ask.record.customer),
    )
    await desk.store.commit(Commit(puts=tuple(puts), reserves=releases, entries=written.rows))
    desk.notify.wake(f"ask:{ask.record.id}")
