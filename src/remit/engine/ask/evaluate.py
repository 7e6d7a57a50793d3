"""Accepting an offer: the terms that the desk recorded, once, while whoever made it may still make it.

Source: docs/model/model.md#offers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, OFFER_PARAMS, Action, Effect, Escalation, MarkKind, PowerKind
from remit.domain.confirm.offers import verify_offered
from remit.domain.errors import Code, Fault, Refused
from remit.domain.mandate.cover import Chosen, choose, counter_key, cover
from remit.domain.mandate.grant import verify_action_current
from remit.domain.param_paths import Absent, values_at
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.decision import Decision, Facts, NeedsHuman, Permit, Refuse, Thresholds, Verdict
from remit.domain.policy.escalation import candidates, fitting, wanted
from remit.domain.policy.floors import floor, rungs
from remit.domain.policy.risk import Risk, risk
from remit.domain.records import NEVER, AskRecord, EndReason, OfferRecord, Person, Reserved
from remit.domain.values import Instant, JsonObject, decode, same
from remit.domain.words.excess import Judged, Way, releasing_role, without_texts
from remit.engine.ask.authorization_state import Standing
from remit.engine.ask.counters import COMPARED
from remit.engine.ask.facts import CaseRead, facts_and_case
from remit.engine.context import Parts
from remit.engine.people.accounts import desk_officer
from remit.engine.words.check import SaysMore, hold_words
from remit.ports.policy import Policy, Question
from remit.ports.store import Expect, Missing, Put
from remit.ports.tracing import Step
from remit.proof.canonical import b64url, canonical


async def with_terms(
    parts: Parts, standing: Standing, action: Action, params: JsonObject, held: Collection[Reserved]
) -> tuple[JsonObject, list[tuple[Reserved, int | None]], tuple[Expect, ...]]:
    """For an accepted offer, the mandate's tests apply to the terms the desk recorded, never to prose. It can be used once.

    `held` is what this very ask has reserved before. Returns the params with the terms, the offer's one use, and whom
    the record must find as they are now.

    Raises:
        Refused: `offer.unknown`, `offer.expired`.
    """
    offer_id = params.get("offer_id")
    if action.power is not PowerKind.ACCEPT or not isinstance(offer_id, str):
        return params, [], ()
    use = Reserved(scope=f"offer {offer_id}", key="used", amount=1)
    try:
        offer = (await parts.store.get(OfferRecord, offer_id)).record
    except Missing:
        raise Refused(Code.OFFER_UNKNOWN, "no such offer") from None
    if offer.case != standing.task.record.case or offer.action != action.name or offer.digest != params.get("digest"):
        raise Refused(Code.OFFER_UNKNOWN, "another case's offer, another action, or other terms")
    taken = (await parts.store.counters(use.scope)).get(use.key, 0) - (use in held)
    if taken or parts.world.now() >= offer.expires_at:
        raise Refused(Code.OFFER_EXPIRED, "the offer was used or has expired")
    terms = decode(offer.terms.encode())
    if not isinstance(terms, Mapping):
        raise Fault(Code.FAULT_STORE, "an offer's terms are damaged")
    expects = await _verify_still_made(parts, offer, action, terms)
    # ⚔ Nor does the agent add terms of its own: they were within nobody's limit, and the offer's digest says nothing of them.
    if params.keys() - OFFER_PARAMS - terms.keys() or any(
        name in params and not same(params[name], value) for name, value in terms.items()
    ):
        raise Refused(Code.OFFER_UNKNOWN, "the params say other terms than the offer")
    return {**params, **terms}, [(use, 1)], expects


async def _verify_still_made(parts: Parts, offer: OfferRecord, action: Action, terms: JsonObject) -> tuple[Expect, ...]:
    """Check that whoever made an offer may still make it, and say so for the record to compare.

    ⚔ What somebody offered counts for nothing once their role is gone, also when it goes between this and the record.

    Raises:
        Refused: `offer.expired`.
    """
    try:
        kept = await parts.store.get(Person, offer.by)
    except Missing:
        raise _gone("whoever made the offer is not known any more") from None
    try:
        officer = desk_officer(parts, kept.record)
        verify_offered(parts.catalogue, officer.roles, action, terms)
    except Refused as refused:
        raise _gone(refused.detail) from None
    return (Expect(Person.KIND, officer.id, kept.rev),)


def _gone(detail: str) -> Refused:
    return Refused(Code.OFFER_EXPIRED, detail, public="The offer stands no more.")


def climb(policy: Policy, question: Question, rungs: Iterable[frozenset[str]]) -> tuple[frozenset[str] | None, Verdict]:
    """Find the first rung that policy allows.

    The first rung is the floor and is always asked; the others only where a denial depends on who confirms. A rung
    that adds nobody the policies tell apart is skipped: its answer is known. A rung with people on it is asked with
    `fresh` confirmations, unless the question brings a kind of its own.

    Returns:
        The people who must all confirm, or None when no rung is enough, with the last verdict.

    Raises:
        Refused: `policy.error`; an evaluation error ends the climb.

    Source: docs/model/model.md#ladder.
    """
    named = policy.confirmers_named(question)
    asked: set[tuple[frozenset[str], str]] = set()
    verdict = Verdict(allowed=False)
    for rung in rungs:
        kind = "fresh" if rung and question.confirmation_kind == "none" else question.confirmation_kind
        seen = (rung if named is None else rung & named, kind)
        if seen in asked:
            continue
        asks_as_it_is = (rung, kind) == (question.confirmed_by, question.confirmation_kind)
        verdict = policy.decide(
            question if asks_as_it_is else replace(question, confirmed_by=rung, confirmation_kind=kind)
        )
        if verdict.allowed:
            return rung, verdict
        if not asked and not policy.depends_on_confirmation(question):
            break
        asked.add(seen)
    return None, verdict


def climb_under(
    policy: Policy, question: Question, rungs: Iterable[frozenset[str]], rule: Escalation | None, floor: frozenset[str]
) -> tuple[frozenset[str] | None, Verdict]:
    """Climb, and then ask the policies about those whom an escalation rule adds: they must be content with all of them together.

    Raises:
        Refused: `policy.error`.
    """
    who, verdict = climb(policy, question, rungs)
    if who is None or rule is None:
        return who, verdict
    return climb(policy, question, candidates(rule, who, floor))


def refusal(verdict: Verdict) -> Refuse:
    """Say no as the policies said it: a rule forbids it, or no rule allows it."""
    if verdict.policies:
        return Refuse(
            code=Code.POLICY_FORBIDDEN, detail=f"forbidden by {', '.join(verdict.policies)}", policies=verdict.policies
        )
    return Refuse(code=Code.POLICY_NO_RULE, detail="no policy allows this")


_TRIES: Final = 3


async def compared(
    parts: Parts, standing: Standing, action: Action, params: JsonObject, held: tuple[Reserved, ...]
) -> list[tuple[Reserved, int | None]]:
    """Count what a customer's attributes are compared with: three different values each, over all agents.

    ⚔ Comparing a guessed value is disclosure. Reads compare, and so does whatever is told a sensitive attribute; saying
    the same value again tells nothing new. Only a keyed hash of the value is kept.

    Raises:
        Refused: `desk.refused` at the fourth value.

    Source: docs/model/model.md#guessing.
    """
    customer = standing.task.record.customer
    scope = f"{COMPARED}{customer}"
    found: list[tuple[Reserved, int | None]] = []
    for mark in action.marked(MarkKind.ATTRIBUTE):
        if action.effect is not Effect.READ and not parts.catalogue.attributes[mark.of].sensitive:
            continue
        for value in values_at(params, mark.path):
            # ⚔ A date may be an object or a list of its parts: a guess is one in whatever shape.
            if value is not None and not isinstance(value, Absent):
                key = b64url(parts.signer.keyed("compared", canonical([customer, mark.of, value]))[:16])
                found.append((Reserved(scope=scope, key=f"{mark.of} {key}", amount=1), None))
    if not found:
        return []
    used = await parts.store.counters(scope)
    known = {key for key, count in used.items() if count}
    for one, _ in tuple(found):
        attribute = one.key.partition(" ")[0]
        # ⚔ Values that come at once do not see each other here: each new one takes a place, of which the store gives three.
        place = Reserved(scope=scope, key=f"tries/{attribute}", amount=1)
        if one in held:
            found.extend([(place, _TRIES)] if place in held else [])
            continue
        if one.key in known:
            continue
        found.append((place, _TRIES))
        known.add(one.key)
        if sum(key.partition(" ")[0] == attribute for key in known) > _TRIES:
            raise Refused(
                Code.DESK_REFUSED,
                f"{attribute} was compared with {_TRIES} values already",
                public="This was tried too often; the desk's staff must check it with the customer.",
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked: decoded params, `words` free of secrets, what this very ask has reserved before, what is known to be wrong with it.

    `released` says that an officer has passed its words on: they are not held against it again, and nothing else is let off.
    """

    action: str
    params: JsonObject
    words: str | None
    held: tuple[Reserved, ...] = ()
    wrong: Refused | None = None
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Who has confirmed so far, as confirmer words, and how (`none`, `fresh`, `preapproved`)."""

    by: frozenset[str]
    kind: str


_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_NOTHING_ONCE: Final[Sequence[tuple[Reserved, int | None]]] = ()
_NOBODY_ELSE: Final[tuple[Expect, ...]] = ()
_ONCE: Final = frozenset({"case.open"})
"""What is done once in a task (docs/model/model.md#task-opening)."""
NOBODY: Final = Confirmed(by=frozenset(), kind="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A decision with everything that must be recorded with it.

    `params` are the ask's with the terms of an accepted offer in them. `covered` are the attributes the agent may be told; `reserved` what must be reserved with the record; `versions` the
    fact versions the act carries; `names` what records are called; `policies` the deciding policy ids, for the desk.
    `case_read` says that the case was read along with the facts, `ending` why it ends the task, if it does. `rule` is the escalation
    rule the ask falls under, `due_at` until when those it asks first may answer. `judged` is where its words say more than it: with
    it, the decision is the one for an officer to look at them, or the one of the ask without them.
    """

    decision: Decision
    params: JsonObject
    action: Action | None = None
    covered: frozenset[str] = frozenset()
    reserved: tuple[tuple[Reserved, int | None], ...] = ()
    versions: Mapping[tuple[str, str], str]
    names: Mapping[tuple[str, str], str]
    policies: tuple[str, ...] = ()
    risk: int = 0
    waiver: int | None = None
    secrets: tuple[JsonObject, ...] = ()
    case_read: bool = False
    ending: EndReason | None = None
    rule: Escalation | None = None
    due_at: Instant = NEVER
    expects: tuple[Expect, ...] = ()
    """Records besides those of the standing that must be as they were when this is recorded."""
    judged: Judged | None = None
    puts: tuple[Put, ...] = ()
    """What is kept along with this."""

    @property
    def takes(self) -> bool:
        """Whether a permit takes away what others could have. ⚔ Comparing a value does, also one that was tried before: it counts meanwhile."""
        return bool([one for one, limit in self.reserved if limit is not None or one.scope.startswith(COMPARED)])

    def kept_versions(self) -> dict[str, str]:
        """The fact versions as an ask keeps them: `kind:id` to version."""
        return {f"{kind}:{record_id}": version for (kind, record_id), version in self.versions.items()}

    def on(self, ask: AskRecord) -> AskRecord:
        """An ask that stood there already, as this decision leaves it: what may be told, what is reserved, on which facts and waiver."""
        return replace(
            ask,
            covered=tuple(sorted(self.covered)),
            reserved=tuple(one for one, _ in self.reserved),
            versions=self.kept_versions(),
            waiver=-1 if self.waiver is None else self.waiver,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruled:
    """What the rules gave: the action, who covers it, the facts."""

    action: Action
    params: JsonObject
    chosen: Sequence[Chosen]
    reserved: tuple[tuple[Reserved, int | None], ...]
    records: Sequence[tuple[str, str]]
    facts: Sequence[Facts]
    case: CaseRead | None
    expects: tuple[Expect, ...]


async def weigh(
    parts: Parts, standing: Standing, wish: Wish, confirmed: Confirmed = NOBODY, *, with_case: bool = False
) -> Weighed:
    """Decide a wish. Refusals come back as a decision; faults are raised and permit nothing.

    With `confirmed`, policy and floor are asked with the set that actually confirmed, and nobody else is invited. With
    `with_case`, the case of a write is read along with the facts, so that it can be sent on what was decided here.

    Raises:
        Fault: `fault.backoffice`, `fault.policy`, `fault.store`.
    """
    risky = risk(standing.trails, standing.now)
    action: Action | None = None
    try:
        with parts.tracing.step(Step.RULES):
            action = _verify_step(parts, standing, wish)  # 4. rules: its place, then params, mandate and facts
            ruled = await _rule(parts, standing, action, wish, with_case=with_case and action.effect is Effect.WRITE)
            # 5. words
            judged = (
                await hold_words(parts, standing, action, params=wish.params, words=wish.words)
                if _speaks(action, wish)
                else None
            )
        with parts.tracing.step(Step.POLICY):
            weighed = _settle(parts, standing, ruled, confirmed, risky)  # 6. policy, 7. settle
    except Refused as refused:
        decision = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
        found = refused.judged if isinstance(refused, SaysMore) else None
        return Weighed(
            decision=decision,
            params=wish.params,
            action=action,
            versions={},
            names={},
            risk=risky.highest,
            judged=found,
        )
    if judged is None:
        return weighed
    if isinstance(
        weighed.decision, Refuse
    ):  # ⚔ what is refused without its words stays so: nobody is asked to look at them
        return replace(weighed, judged=judged)
    if judged.way is Way.HOLD:
        role = releasing_role(parts.catalogue, action, weighed.rule, parts.terms.beyond.officer)
        needs = NeedsHuman(
            who=frozenset({f"{OFFICER}{role}"}), charges=weighed.decision.charges, reasons=(judged.code,)
        )
        return replace(weighed, decision=needs, judged=judged)
    left = without_texts(action, wish.params, wish.words, judged.places)
    if left is not None:
        again = await weigh(
            parts, standing, replace(wish, params=left.params, words=left.words), confirmed, with_case=with_case
        )
        if again.judged is None:  # ⚔ what is left may say more too
            return replace(again, judged=judged)
    return replace(weighed, decision=Refuse(code=judged.code, detail=judged.reason), judged=judged, reserved=())


def _speaks(action: Action, wish: Wish) -> bool:
    """Whether there are words to check: none were passed on by an officer, and a message or a free text may be there."""
    return not wish.released and (wish.words is not None or action.speaks)


def _verify_step(parts: Parts, standing: Standing, wish: Wish) -> Action:
    """The action exists, belongs to the objective, and its turn has come."""
    action = parts.catalogue.action(wish.action)
    objective = parts.catalogue.objective(standing.mandate.objective)
    if wish.action not in objective.actions:
        raise Refused(Code.OBJECTIVE_ACTION_OUTSIDE, f"{wish.action} is not part of {objective.name}")
    if action.builtin:
        if action.name in _ONCE and standing.counters.get((standing.task.record.id, _once(action))):
            raise Refused(
                Code.OBJECTIVE_STEP_ORDER,
                f"{action.name} was done",
                public="The case has its subject already; add to it with case.comment.",
            )
        return action
    done = {
        key.removeprefix("done:")
        for (scope, key), used in standing.counters.items()
        if scope == standing.task.record.id and used
    }
    if objective.done_when and all(name in done for name in objective.done_when):
        raise Refused(Code.OBJECTIVE_REACHED, f"{objective.name} is reached")
    missing = [name for name in objective.after.get(wish.action, ()) if name not in done]
    if missing:
        first = ", ".join(missing)
        raise Refused(Code.OBJECTIVE_STEP_ORDER, f"{first} comes first", public=f"First: {first}.")
    return action


def _once(action: Action) -> str:
    return f"once:{action.name}"


async def _rule(parts: Parts, standing: Standing, action: Action, wish: Wish, *, with_case: bool) -> _Ruled:
    """Params, mandate and facts, in this order: facts are never asked outside the mandate, nor is the case read for what it refuses."""
    if wish.wrong is not None:
        raise wish.wrong
    params, once, expects = wish.params, _NOTHING_ONCE, _NOBODY_ELSE
    if action.power is PowerKind.ACCEPT:
        params, once, expects = await with_terms(parts, standing, action, wish.params, wish.held)
    parts.params.verify(action.name, params)
    chosen: list[Chosen] = []
    reserved: list[tuple[Reserved, int | None]] = list(once)
    for kept, mandate in standing.chain:
        found = cover(mandate, parts.catalogue, action, params, roots=kept.record.power_roots or None)
        verify_action_current(kept.record.action_digests, action, parts.catalogue)
        scope = kept.record.id
        one = choose(found, {key: count for (of, key), count in standing.counters.items() if of == scope})
        chosen.append(one)
        for charge in one.charges:
            reserved.append(
                (Reserved(scope=scope, key=counter_key(charge.power, charge.action), amount=1), charge.uses_room)
            )
            for total in charge.totals:
                key = counter_key(charge.power, total.path)
                reserved.append((Reserved(scope=scope, key=key, amount=total.amount_micro), total.limit_micro))
    if action.discloses:
        reserved.extend(await compared(parts, standing, action, params, wish.held))
    if action.name in _ONCE:
        reserved.append((Reserved(scope=standing.task.record.id, key=_once(action), amount=1), 1))
    records = _records(parts, action, params)
    facts, case = await facts_and_case(parts, standing, records, with_case=with_case)
    return _Ruled(
        action=action,
        params=params,
        chosen=chosen,
        reserved=tuple(reserved),
        records=records,
        facts=facts,
        case=case,
        expects=expects,
    )


def _records(parts: Parts, action: Action, params: JsonObject) -> list[tuple[str, str]]:
    """The owned records the params name, each once."""
    found: dict[tuple[str, str], None] = {}
    for mark in action.marked(MarkKind.RESOURCE):
        if parts.catalogue.resources[mark.of].public:
            continue
        for value in values_at(params, mark.path):
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, str):
                    found[mark.of, one] = None
    return list(found)


def _settle(parts: Parts, standing: Standing, ruled: _Ruled, confirmed: Confirmed, risky: Risk) -> Weighed:
    """The strictest of floor, policy, trajectory and escalation. ⚔ A rule of escalation comes last and only adds: what is refused without it stays so."""
    base = floor(parts.catalogue, ruled.action, ruled.params, ruled.chosen, day=_day(standing.now // _DAY_MS))
    needed = base.who | {CUSTOMER} if risky.anywhere and risky.adds_confirmation(Thresholds()) else base.who
    question = _question(standing, ruled, risky.highest, confirmed.kind)
    tier = str(standing.agent.record.tier)
    rules = parts.catalogue.escalations
    rule = fitting(rules, ruled.action, ruled.params, tier=tier, risk=risky.highest) if rules else None
    if confirmed is NOBODY:
        who, verdict = climb_under(parts.policy, question, rungs(needed, tuple(parts.catalogue.roles)), rule, needed)
    else:
        who, verdict = climb_under(parts.policy, question, (confirmed.by,), None, needed)
    needed |= wanted(rule, confirmed.by) if rule is not None else frozenset()
    charges = tuple([charge for one in ruled.chosen for charge in one.charges])
    missing = frozenset() if who is None else (needed | who) - confirmed.by
    decision: Decision
    if who is None:
        decision = refusal(verdict)
    elif missing:
        why = () if rule is None else (f"escalation.{rule.name}",)
        decision = NeedsHuman(who=missing, charges=charges, reasons=(*(base.reasons or verdict.policies), *why))
    else:
        decision = Permit(charges=charges, waiver=base.waiver)
    return Weighed(
        decision=decision,
        params=ruled.params,
        action=ruled.action,
        covered=frozenset.intersection(*[one.attributes for one in ruled.chosen]),
        reserved=ruled.reserved,
        versions={record: fact.version for record, fact in zip(ruled.records, ruled.facts, strict=True)},
        names={record: fact.name or record[1] for record, fact in zip(ruled.records, ruled.facts, strict=True)},
        policies=verdict.policies,
        risk=risky.highest,
        waiver=base.waiver,
        rule=rule,
        case_read=ruled.case is not None,
        ending=None if ruled.case is None else ruled.case.ending,
        expects=ruled.expects,
    )


@cache
def _day(number: int) -> date:
    """A day of the calendar, by its number since 1970."""
    return _EPOCH + timedelta(days=number)


def _question(standing: Standing, ruled: _Ruled, risky: int, kind: str) -> Question:
    task = standing.task.record
    return Question(
        action=ruled.action.name,
        params=ruled.params,
        agent=task.client_id,
        operator=task.operator,
        tier=str(standing.agent.record.tier),
        customer=task.customer,
        objective=task.objective,
        task=task.id,
        risk=risky,
        confirmed_by=frozenset(),
        confirmation_kind=kind,
        resources=ruled.records,
        time_ms=standing.now,
    )
