"""The entry of a decision: what was asked, what was decided and why, for each party its part."""

from remit.domain.policy.risk import risk_signs
from remit.domain.records import AskRecord
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import JsonObject, instant_text
from remit.domain.words.excess import mark_json
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.transcript.record import PreparedEntries, pseudonym, seal_entries
from remit.ports.tracing import SpanAttribute


async def write_decision(  # the parts of one decision
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
    """Draft and seal the entry of a decision: what was asked, what was decided and why, for each party its part.

    It is the entry of the moment that was decided on. `asked` are the record's params, and files, where they are at hand.
    """
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
                "customer": pseudonym(desk, record.customer),
                # ⚔ An envelope is never erased: what an agent wrote in place of an action's name has no place in it.
                "action": record.action if record.action in desk.catalogue.actions else "",
                "area": str(evaluation.action.area) if evaluation.action is not None else "",
                "digest": record.digest,
                "decision": decision,
                "code": code,
                "who": list(record.who),
                "confirmed_by": list(record.confirmed_by),
                "waiver": record.waiver,
                "risk": evaluation.risk,
                **({"words": record.words_state} if record.words_state else {}),
            },
            agent={"ask": shown, "public": record.public},
            customer={"ask": shown, "agent": state.agent.record.name},
            desk={
                "ask": shown,
                "detail": detail,
                "versions": dict(record.versions),
                **_for_the_desk(state, record, evaluation),
            },
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
    """Where words say more than the ask and why, and what was done with them. ⚔ Places and reasons, never what they say."""
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


def _for_the_desk(state: AuthorizationState, record: AskRecord, evaluation: Evaluation) -> JsonObject:
    """What the desk alone is told: the policies that decided, secrets that were taken out, what spoke against the agent, who is asked."""
    return {
        "policies": list(evaluation.policies),
        **({"secrets": list(evaluation.secrets)} if evaluation.secrets else {}),
        **({"signs": list(risk_signs(state.trails, record.at))} if evaluation.risk else {}),
        **(_judged(evaluation) if evaluation.judged is not None else {}),
        **(_escalated(evaluation) if evaluation.rule is not None else {}),
    }


def _escalated(evaluation: Evaluation) -> JsonObject:
    """The escalation rule a decision falls under, and until when those it asks first may answer. For the desk alone: the agent sees when it ends."""
    if evaluation.rule is None:
        return {}
    due = {"due_at": instant_text(evaluation.due_at)} if evaluation.due_at else {}
    return {"escalation": {"rule": evaluation.rule.name, "roles": list(evaluation.rule.steps[0].roles), **due}}
