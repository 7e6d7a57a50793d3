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
    parts: DeskContext,
    standing: AuthorizationState,
    record: AskRecord,
    weighed: Evaluation,
    *,
    decision: str,
    code: str,
    detail: str,
    asked: JsonObject | None = None,
) -> PreparedEntries:
    """Draft and seal the entry of a decision: what was asked, what was decided and why, for each party its part.

    It is the entry of the moment that was decided on. `asked` are the record's params, and files, where they are at hand.
    """
    _trace(parts, weighed, decision, code)
    task = standing.task.record
    shown: JsonObject = {
        "action": record.action,
        "words": record.words,
        "salt": record.salt,
        **({"params": recorded_params(record)} if asked is None else asked),
    }
    return await seal_entries(
        parts,
        EntryDraft(
            kind=Kind.ASK_DECIDED,
            at=standing.now,
            envelope={
                "rules": parts.rules_digest,
                "ask": record.id,
                "task": record.task,
                "case": record.case,
                "mandate": record.mandate,
                "mandate_hash": standing.mandate.hash,
                "agent": record.client_id,
                "actor": task.actor,
                "operator": record.operator,
                "customer": pseudonym(parts, record.customer),
                # ⚔ An envelope is never erased: what an agent wrote in place of an action's name has no place in it.
                "action": record.action if record.action in parts.catalogue.actions else "",
                "area": str(weighed.action.area) if weighed.action is not None else "",
                "digest": record.digest,
                "decision": decision,
                "code": code,
                "who": list(record.who),
                "confirmed_by": list(record.confirmed_by),
                "waiver": record.waiver,
                "risk": weighed.risk,
                **({"words": record.words_state} if record.words_state else {}),
            },
            agent={"ask": shown, "public": record.public},
            customer={"ask": shown, "agent": standing.agent.record.name},
            desk={
                "ask": shown,
                "detail": detail,
                "versions": dict(record.versions),
                **_for_the_desk(standing, record, weighed),
            },
            subject=record.customer,
            refs=(record.id, record.task, record.customer),
        ),
    )


def _trace(parts: DeskContext, weighed: Evaluation, decision: str, code: str) -> None:
    parts.tracing.note(SpanAttribute.DECISION, decision)
    if code:
        parts.tracing.note(SpanAttribute.CODE, code)
    if weighed.action is not None:
        parts.tracing.note(SpanAttribute.AREA, str(weighed.action.area))


def _judged(weighed: Evaluation) -> JsonObject:
    """Where words say more than the ask and why, and what was done with them. ⚔ Places and reasons, never what they say."""
    judged = weighed.judged
    if judged is None:
        return {}
    return {
        "words": {
            "said": judged.said.value,
            "way": judged.way.value,
            "marked": [mark_json(one) for one in judged.marked],
        }
    }


def _for_the_desk(standing: AuthorizationState, record: AskRecord, weighed: Evaluation) -> JsonObject:
    """What the desk alone is told: the policies that decided, secrets that were taken out, what spoke against the agent, who is asked."""
    return {
        "policies": list(weighed.policies),
        **({"secrets": list(weighed.secrets)} if weighed.secrets else {}),
        **({"signs": list(risk_signs(standing.trails, record.at))} if weighed.risk else {}),
        **(_judged(weighed) if weighed.judged is not None else {}),
        **(_escalated(weighed) if weighed.rule is not None else {}),
    }


def _escalated(weighed: Evaluation) -> JsonObject:
    """The escalation rule a decision falls under, and until when those it asks first may answer. For the desk alone: the agent sees when it ends."""
    if weighed.rule is None:
        return {}
    due = {"due_at": instant_text(weighed.due_at)} if weighed.due_at else {}
    return {"escalation": {"rule": weighed.rule.name, "roles": list(weighed.rule.steps[0].roles), **due}}
