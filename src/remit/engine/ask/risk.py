"""Risk events of an ask on the trails it concerns, and the consequences of a passed threshold."""

from remit.domain.catalogue.model import Effect
from remit.domain.catalogue.target import named_records, target_of
from remit.domain.incidents.records import risk_of_task
from remit.domain.mandate.model import Charge
from remit.domain.policy.decision import EndTask, HoldTask, Refuse, RiskThresholds, risk_consequence
from remit.domain.policy.risk import (
    AskPermitted,
    AskRefused,
    AskRepeated,
    SubjectKind,
    advance_risk_history,
    new_risk_history,
    overall_risk,
    subjects_of,
)
from remit.domain.records import EndReason, TaskRecord, TaskState
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.evaluate import Evaluation
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.tasks import end_task
from remit.engine.transcript.record import draft_entry, pseudonym
from remit.ports.store import Commit, Conflict, Put, RecordMissing, RiskEvent, Versioned
from remit.proof.canonical import digest


def permitted_event(state: AuthorizationState, evaluation: Evaluation, action_name: str) -> AskPermitted:
    """Return the risk event of a permit or an ask waiting for people."""
    action = evaluation.action
    write_effect = action is not None and action.effect is Effect.WRITE
    # ⚔ Acts that pay are limited one by one even without a total: slices slip under exactly that limit. Not so what an
    # officer offered: each offer counts once, and their caps stand where offers are made.
    capped = (
        action is not None
        and not action.takes_offer
        and (action.pays or bool([charge for charge in _charges(evaluation) if charge.totals]))
    )
    return AskPermitted(
        action=action_name,
        write=write_effect,
        capped=capped,
        target=ask_target(evaluation, state.task.record),
        mends=_mends(state, evaluation),
    )


def _mends(state: AuthorizationState, evaluation: Evaluation) -> tuple[str, ...]:
    """Return the refused and stripped words that an ask mends: it says nothing too much itself.

    ⚔ Of refused words, the same act on the same records has to be asked again without them.
    """
    waiting = [trail.unmended for trail in state.trails if trail.kind is SubjectKind.TASK and trail.unmended]
    if evaluation.judged is not None or not waiting:
        return ()
    return (refused_words(state, evaluation), stripped_words(state.task.record))


def refused_words(state: AuthorizationState, evaluation: Evaluation) -> str:
    """Return the name under which refused words of an act wait to be mended."""
    task, action = state.task.record, evaluation.action
    return _short([task.id, "" if action is None else action.name, requested_records(evaluation, task)])


def stripped_words(task: TaskRecord) -> str:
    """Return the name under which stripped words wait to be mended: the ask went on, so the next one mends them."""
    return _short([task.id])


def _short(parts: list[Json]) -> str:
    return digest(parts)[8:20]


def _charges(evaluation: Evaluation) -> tuple[Charge, ...]:
    return () if isinstance(evaluation.decision, Refuse) else evaluation.decision.charges


def ask_target(evaluation: Evaluation, task: TaskRecord) -> str:
    """Return the record an ask is about, "" where it names none."""
    return target_of(evaluation.action, evaluation.params, customer=task.customer, targets=task.targets)


def requested_records(evaluation: Evaluation, task: TaskRecord) -> str:
    """Return all records an ask names, "" for none. ⚔ Each wrong one beside a right one is another guess."""
    return " ".join(sorted(named_records(evaluation.action, evaluation.params, customer=task.customer)))


def risk_events(
    state: AuthorizationState, event: AskRefused | AskPermitted | AskRepeated, *, customer: bool
) -> tuple[RiskEvent, ...]:
    """Return one event for every trail it concerns; the customer's own only where it asks something of them.

    ⚔ A record's trail is written only by tasks whose mandate targets it, and covers money and repeated asks: no
    stranger can bring another's order under suspicion, and one agent's refusals do not block another.
    """
    task = state.task.record
    subjects = [*subjects_of(task)]
    if (target := _target(event)) in task.targets:
        subjects.append((SubjectKind.TARGET, target))
    if customer:
        subjects.append((SubjectKind.CUSTOMER, task.customer))
    return tuple([RiskEvent(kind, subject, event, state.now, task.customer) for kind, subject in subjects])


def _target(event: AskRefused | AskPermitted | AskRepeated) -> str:
    """Return the record whose trail takes the event, "" for none: only limited money can be sliced."""
    match event:
        case AskRepeated(target=target) | AskPermitted(target=target, write=True, capped=True):
            return target
        case _:
            return ""


async def _hold(desk: DeskContext, kept: Versioned[TaskRecord], level: int) -> None:
    task = kept.record
    draft = draft_entry(
        desk,
        Kind.TASK_HELD,
        envelope={"task": task.id, "agent": task.client_id, "customer": pseudonym(desk, task.customer)},
        desk={"risk": level},
        subject=task.customer,
        refs=(task.id, task.client_id, task.customer),
    )
    held = replace(task, state=TaskState.HELD)
    cause = risk_of_task(task, "held")
    await commit_with_incident(desk, cause, draft, Commit(puts=(Put(held, kept.rev, task),)))


async def apply_risk(desk: DeskContext, state: AuthorizationState, steps: tuple[RiskEvent, ...]) -> None:
    """Hold or end the task when the recorded risk passed a threshold, and notify security.

    The next ask's snapshot reads the thresholds too, which repairs a lost consequence.
    """
    known = {(trail.kind, trail.subject): trail for trail in state.trails}
    for step in steps:
        trail = known.get((step.kind, step.subject)) or new_risk_history(step.kind, step.subject)
        known[step.kind, step.subject] = advance_risk_history(trail, step.event, step.at, step.customer)
    now, task = desk.world.now(), state.task.record
    level = overall_risk(known.values(), now, task.customer).highest
    what = risk_consequence(level, RiskThresholds(hold=desk.terms.hold_at, end=desk.terms.end_at))
    match what:
        case EndTask():
            await end_task(desk, task.id, EndReason.RISK)
        case HoldTask() if task.state is TaskState.OPEN:
            try:
                kept = await desk.store.get(type(task), task.id)
                if kept.record.state is not TaskState.OPEN:
                    return  # ⚔ it ended meanwhile: holding it now would revive it
                await _hold(desk, kept, level)
            except (Conflict, RecordMissing):
                return
        case _:
            if not getattr(what, "tell", False):
                return
    await desk.notify.incident(
        kind="risk", details={"task": task.id, "agent": task.client_id, "operator": task.operator, "risk": str(level)}
    )
