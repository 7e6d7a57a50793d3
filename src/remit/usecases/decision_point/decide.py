"""One evaluation, a batch, or a search for a proved caller."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from remit.domain.decision_point.acts import Reason
from remit.domain.decision_point.question import Batch, Entity, NamedAction, Question, Search, SearchKind
from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.decision_point.callers import Caller, DecisionPoint
from remit.engine.decision_point.obligations import obligations_json, unmet
from remit.ports.policy import Ruling
from remit.proof.canonical import b64url, canonical
from remit.usecases.decision_point.act import PointDecision, decide_act

_TURN: Final = 16
"""Evaluations between two looks at the other requests of this process."""
_MOST_TRIED: Final = 5_000
"""⚔ Candidates of one page of a search; the next page goes on from there."""
_MISSION: Final = "mission"
_SUPPORTED: Final = "supported_obligations"


@struct(frozen=True)
class Found:
    """A page of a search: results, and the token of the next page, "" where there is none."""

    results: Sequence[JsonObject]
    next_token: str


async def decide(desk: DeskContext, point: DecisionPoint, caller: Caller, question: Question) -> PointDecision:
    """Answer one question: about an act of an agent by the very evaluation of asks, any other by the point's policies.

    ⚔ An action of the catalogue is never decided without its task: other policies would know of no mandate.

    Raises:
        Fault: nothing is permitted.
        Refused: `request.malformed` for obligations that are no list of texts.

    Source: docs/decisions/0052-one-decision-point-two-audiences.md.
    """
    supported = _supported(question.context, caller)
    if not caller.may_ask(question.action.name):
        return _denied(Reason.CALLER_NOT_ALLOWED)
    if _MISSION in question.context:
        return await decide_act(desk, caller, question, supported=supported)
    if question.action.name in desk.catalogue.actions:
        return _denied(Reason.MISSION_CONTEXT_MISSING)
    return _denied(Reason.NOT_GOVERNED) if point.rules is None else _ruled(point.rules.decide(question), supported)


async def decide_batch(desk: DeskContext, point: DecisionPoint, caller: Caller, batch: Batch) -> list[PointDecision]:
    """Answer each evaluation on its own, up to the one at which the batch stops.

    Raises:
        Refused: `request.malformed` for a batch about acts of agents that would stop: each of them is answered.

    Source: AuthZEN Authorization API 1.0 §7.1.2.
    """
    answers: list[PointDecision] = []
    for number, question in enumerate(batch.questions):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        answer = PointDecision(allowed=False)
        if question is not None:
            try:
                answer = await decide(desk, point, caller, question)
            except Refused:
                pass  # broken, as one that cannot be read
            except Fault:
                answer = _denied(Reason.STALE_STATE, {"next_action": "retry"})
        answers.append(answer)
        if batch.semantic.stops_at(allowed=answer.allowed):
            break
    return answers


def verify_batch(batch: Batch) -> None:
    """Verify that a batch about acts of agents does not stop early: each of them is recorded and charged.

    Raises:
        Refused: `request.malformed`.

    Source: draft-mcguinness-mission-authzen (batch evaluations).
    """
    short = any(batch.semantic.stops_at(allowed=allowed) for allowed in (True, False))
    if short and any(one is not None and _MISSION in one.context for one in batch.questions):
        public = "Evaluations of an agent's actions support only execute_all."
        raise Refused(Code.REQUEST_MALFORMED, "a batch of acts that stops early", public=public)


async def search(point: DecisionPoint, caller: Caller, wanted: Search) -> Found:
    """Find the known subjects, resources or actions for which a question is permitted, page by page.

    Acts of agents are not searched: whether one is permitted depends on its parameters.
    """
    rules, question = point.rules, wanted.question
    if rules is None or _MISSION in question.context:
        return Found((), "")
    candidates: Sequence[str]
    match wanted.kind:
        case SearchKind.ACTION:
            candidates = rules.actions
        case SearchKind.SUBJECT:
            candidates = rules.ids(question.subject.type)
        case SearchKind.RESOURCE:
            candidates = rules.ids(question.resource.type)
    name = _name_of(point, wanted)
    supported = _supported(question.context, caller)
    results: list[JsonObject] = []
    start = _place(wanted.token, name)
    for place in range(start, len(candidates)):
        if len(results) == wanted.limit or place - start == _MOST_TRIED:
            return Found(results, f"{place}.{name}")
        if place % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        asked, shown = _about(wanted.kind, question, candidates[place])
        if caller.may_ask(asked.action.name) and _ruled(rules.decide(asked), supported).allowed:
            results.append(shown)
    return Found(results, "")


def _about(kind: SearchKind, question: Question, candidate: str) -> tuple[Question, JsonObject]:
    """Return the question about one candidate, and how it is shown."""
    if kind is SearchKind.ACTION:
        return replace(question, action=NamedAction(candidate)), {"name": candidate}
    of = question.subject if kind is SearchKind.SUBJECT else question.resource
    entity = Entity(of.type, candidate, of.properties)
    asked = replace(question, subject=entity) if kind is SearchKind.SUBJECT else replace(question, resource=entity)
    return asked, {"type": of.type, "id": candidate}


def _name_of(point: DecisionPoint, wanted: Search) -> str:
    """Return the name of a search: a page belongs to one search under one set of policies and entities."""
    rules = "" if point.rules is None else point.rules.digest
    return b64url(sha256(canonical([rules, wanted.kind.value, wanted.question.as_json()])).digest()[:12])


def _place(token: str, name: str) -> int:
    """Return where a page begins; a token of another search, or from before a change of the rules, begins anew."""
    place, _, of = token.partition(".")
    return int(place) if of == name and place.isascii() and place.isdecimal() and len(place) < 10 else 0  # noqa: PLR2004  # digits of any number of entities


def _supported(context: JsonObject, caller: Caller) -> frozenset[str]:
    """Return the obligations that a caller can meet: those it declares, else those of its settings.

    Raises:
        Refused: `request.malformed`.
    """
    declared: Json = context.get(_SUPPORTED)
    if declared is None:
        return caller.obligations
    if not isinstance(declared, list) or not all(isinstance(one, str) for one in declared):
        public = f"context.{_SUPPORTED} must be a list of types."
        raise Refused(Code.REQUEST_MALFORMED, f"{_SUPPORTED} is no list of texts", public=public)
    return frozenset(str(one) for one in declared)


def _ruled(ruling: Ruling, supported: frozenset[str]) -> PointDecision:
    """Return a ruling as an answer. ⚔ A permit with an obligation that the caller cannot meet is a denial.

    Source: AuthZEN Obligations Profile Draft 1.
    """
    if ruling.error:
        return _denied(Reason.POLICY_ERROR)
    missing = unmet(ruling.obligations, supported)
    if missing and ruling.allowed:
        return _denied(Reason.OBLIGATION_UNSUPPORTED, {"unsupported_obligations": list(missing)})
    met = [one for one in ruling.obligations if one.type in supported]
    return PointDecision(ruling.allowed, obligations_json(met))


def _denied(reason: Reason, more: JsonObject | None = None) -> PointDecision:
    return PointDecision(allowed=False, context={"reason": reason.value, **(more or {})})
