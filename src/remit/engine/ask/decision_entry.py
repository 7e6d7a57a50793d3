"""The transcript entry of a decision, with a section for each party."""

from remit.domain.policy.risk import risk_signs
from remit.domain.policy.visitors import visitor_marks
from remit.domain.records import AskRecord
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import JsonObject, instant_text
from remit.domain.words.excess import mark_json
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.transcript.record import PreparedEntries, seal_entries
from remit.ports.tracing import SpanAttribute


async def write_decision(
    desk: DeskContext,
    state: AuthorizationState,
    record: AskRecord,
    evaluation: Evaluation,
    *,
    decision: str,
    code: str,
    detail: str,
    asked: JsonObject | None = None,
) -> PreparedEntries:
    """Draft and seal the entry of a decision: the ask, the decision and its reasons, one section per party."""
    _trace(desk, evaluation, decision, code)
    task = state.task.record
    shown: JsonObject = {
        "action": record.action,
        "words": record.words,
        "salt": record.salt,
        **({"params": recorded_params(record)} if asked is None else asked),
    }
    return await seal_entries(
        desk,
        EntryDraft(
            kind=Kind.ASK_DECIDED,
            at=state.now,
            envelope={
                "rules": desk.rules_digest,
                "ask": record.id,
                "task": record.task,
                "case": record.case,
                "mandate": record.mandate,
                "mandate_hash": state.mandate.hash,
                "agent": record.client_id,
                "actor": task.actor,
                "operator": record.operator,
                "customer": state.pseudonym,
                # ⚔ Envelopes are never erased: agent-written text in place of an action's name must not enter one.
                "action": record.action if record.action in desk.catalogue.actions else "",
                "area": str(evaluation.action.area) if evaluation.action is not None else "",
                "digest": record.digest,
                "decision": decision,
                "code": code,
                "who": list(record.who),
                "confirmed_by": list(record.confirmed_by),
                "waiver": record.waiver,
                **({"words": record.words_state} if record.words_state else {}),
                **visitor_marks(state.agent.record, state.mandate.jkt),
            },
            agent={"ask": shown, "public": record.public},
            customer={"ask": shown, "agent": state.agent.record.name},
            desk={"ask": shown, "detail": detail, **_desk_section(state, record, evaluation)},
            subject=record.customer,
            refs=(record.id, record.task, record.customer),
        ),
    )


def _trace(desk: DeskContext, evaluation: Evaluation, decision: str, code: str) -> None:
    desk.tracing.note(SpanAttribute.DECISION, decision)
    if code:
        desk.tracing.note(SpanAttribute.CODE, code)
    if evaluation.action is not None:
        desk.tracing.note(SpanAttribute.AREA, str(evaluation.action.area))


def _judged(evaluation: Evaluation) -> JsonObject:
    """Return where words exceed the ask, why, and how they were handled. ⚔ Places and reasons, never the text."""
    judged = evaluation.judged
    if judged is None:
        return {}
    return {
        "words": {
            "said": judged.said.value,
            "way": judged.way.value,
            "marked": [mark_json(one) for one in judged.marked],
        }
    }


def _desk_section(state: AuthorizationState, record: AskRecord, evaluation: Evaluation) -> JsonObject:
    """Return the desk's section: deciding policies, removed secrets, risk and the people asked."""
    return {
        "versions": dict(record.versions),
        "risk": evaluation.risk,  # ⚔ never in the envelope, which the agent reads: it tells canaries and thresholds
        "policies": list(evaluation.policies),
        **({"secrets": list(evaluation.secrets)} if evaluation.secrets else {}),
        **({"signs": list(risk_signs(state.trails, record.at, record.customer))} if evaluation.risk else {}),
        **(_judged(evaluation) if evaluation.judged is not None else {}),
        **(_escalated(evaluation) if evaluation.rule is not None else {}),
    }


def _escalated(evaluation: Evaluation) -> JsonObject:
    """Return the matching escalation rule and its due time; for the desk alone, the agent sees the expiry."""
    if evaluation.rule is None:
        return {}
    due = {"due_at": instant_text(evaluation.due_at)} if evaluation.due_at else {}
    return {"escalation": {"rule": evaluation.rule.name, "roles": list(evaluation.rule.steps[0].roles), **due}}
