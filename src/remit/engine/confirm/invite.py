"""Invitations to confirm an ask: their content, and whether people may be asked at all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Action, Catalogue, Escalation
from remit.domain.catalogue.target import similarity_digest, target_of
from remit.domain.confirm.confirmation import act_digest
from remit.domain.confirm.render_ask import AskDetails, Budget, PerformedAct, Rendering, render_ask, rendering_json
from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import new_id
from remit.domain.mandate.cover import counter_key
from remit.domain.mandate.parse_where import format_remaining
from remit.domain.policy.confirmers import FatigueLimits, verify_invitation_allowed
from remit.domain.policy.escalation import role_confirmers
from remit.domain.policy.risk import risk_signs
from remit.domain.policy.waivers import is_waiver_owner
from remit.domain.records import (
    AskRecord,
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    FileRecord,
    MandateRecord,
    OfferRecord,
    PersonRecord,
    RulesRecord,
    TaskRecord,
)
from remit.domain.structs import replace
from remit.domain.values import Instant, JsonObject, decode_json
from remit.domain.words.excess import read_marks
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import record_names
from remit.engine.files.store import ask_files
from remit.engine.transcript.record import keyed_digest
from remit.ports.store import RecordMissing, Reserve
from remit.proof.canonical import b64url, canonical

_SHOWN: Final = 10
_TASKS: Final = 50
TURN: Final = "turn"
"""Counter of a customer's invitations and declines per operator; it exposes stale counts."""

_DECLINED_AT: Final = "at:"


class DeclinedBefore(Refused):
    """This very act was declined before. `since`: the customer has granted the mandate after every such no."""

    def __init__(self, *, since: bool) -> None:
        """Refuse with `confirmation.declined`."""
        super().__init__(Code.CONFIRMATION_DECLINED, "this very act was declined before")
        self.since = since


async def build_invitation(
    desk: DeskContext,
    state: AuthorizationState,
    record: AskRecord,
    evaluation: Evaluation,
    who: frozenset[str],
    *,
    instead_of: str = "",
    words: bool = False,
    filed: Sequence[FileRecord] = (),
) -> tuple[ConfirmationRecord, tuple[Reserve, ...], bool]:
    """Build an ask's invitation, the turns to take with it, and whether it asks again for the like of a declined one.

    With `words`, an officer reviews the agent's words and nothing else. `filed` are files stored along with it.

    ⚔ Concurrent invitations do not see each other: a lost turn makes the loser count again. ⚔ An ask declined for a
    delegating agent is not asked again through its sub-mandate. A replacement for `instead_of` does not count as
    another invitation. A mandate that the customer granted after the no asks for nothing again.

    Raises:
        DeclinedBefore: this very act was declined for this operator.
        Refused: `confirmation.too_many`.

    Source: docs/model/model.md#anti-fatigue, #decline-binds.
    """
    now, customer = desk.world.now(), record.customer
    scopes = decline_scopes(customer, [kept.record.operator for kept, _ in state.chain])
    counted = [await desk.store.counters(scope) for scope in scopes]
    act = keyed_digest(desk, act_digest(action=record.action, params=recorded_params(record), customer=customer))
    if any(counters.get(act) for counters in counted):
        raise DeclinedBefore(since=not _declined_again(state, counted, act))
    await _verify_room(desk, record, counted, who, instead_of)
    shown = await current_ask_details(desk, state, record, evaluation, filed=filed)
    rendering = render_ask(shown, desk.catalogue)
    turns = tuple(
        Reserve(scope, TURN, 1, counters.get(TURN, 0) + 1) for scope, counters in zip(scopes, counted, strict=True)
    )
    invitation = ConfirmationRecord(
        id=new_id("cnf", desk.world.random(16)),
        ask=record.id,
        task=record.task,
        customer=record.customer,
        operator=record.operator,
        who=tuple(sorted(who)),
        decision=record.id,
        digest=record.digest,
        rendering=canonical(in_all_languages(rendering, shown, desk.catalogue)).decode(),
        rendering_hash=rendering.hash,
        nonce=b64url(desk.world.random(16)),
        state=ConfirmationState.WAITING,
        at=now,
        expires_at=Instant(min(now + _lifetime_ms(desk, evaluation.rule, words=words), state.task.record.ends_at)),
        risk=evaluation.risk,
        signs=risk_signs(state.trails, now, record.customer) if evaluation.risk else (),
        words=words,
    )
    invitation = invitation if words else _escalated(invitation, evaluation.rule)
    target = target_of(evaluation.action, evaluation.params, customer=customer, targets=state.task.record.targets)
    like = similarity_digest(record.action, target)
    return invitation, turns, _declined_again(state, counted, like)


def _declined_again(state: AuthorizationState, counted: Sequence[Mapping[str, int]], key: str) -> bool:
    """Return whether an act was declined without the customer having granted the mandate since.

    ⚔ An officer's no, which has no time here, is not undone by a customer's grant.
    """
    granted_at = state.chain[-1][0].record.granted_at
    for counters in counted:
        timed = [name for name in counters if name.startswith(f"{key} ")]
        if counters.get(key, 0) > len(timed) or any(int(name.removeprefix(f"{key} ")) >= granted_at for name in timed):
            return True
    return False


async def _verify_room(
    desk: DeskContext, record: AskRecord, counted: Sequence[Mapping[str, int]], who: frozenset[str], instead_of: str
) -> None:
    """Verify that people may be asked once more."""
    waiting = await desk.store.find(
        ConfirmationRecord,
        "confirmation.pair",
        f"{record.customer} {record.operator}",
        limit=desk.terms.waiting_per_pair + 1,
    )
    # The pause after a customer's no is the customer's; the limit on waiting ones applies to everyone asked.
    declines = {one for counters in counted for one in declines_in(counters)} if CUSTOMER in who else ()
    open_ones = sum(kept.record.id != instead_of for kept in waiting)
    verify_invitation_allowed(
        waiting=open_ones, declines=tuple(declines), now=desk.world.now(), settings=fatigue_limits(desk)
    )


def _lifetime_ms(desk: DeskContext, rule: Escalation | None, *, words: bool) -> int:
    """Return how long it may wait: a words review has the first group's time, and is never handed on."""
    if rule is None:
        return desk.terms.confirmation_ttl_s * 1000
    return rule.steps[0].due_ms if words else rule.total_ms


def _escalated(invitation: ConfirmationRecord, rule: Escalation | None) -> ConfirmationRecord:
    """Return the invitation with its rule's present terms: later rule changes do not affect it."""
    if rule is None:
        return invitation
    return replace(
        invitation,
        rule=rule.name,
        reason=rule.reason,
        step=tuple(sorted(role_confirmers(rule.steps[0].roles))),
        due_at=Instant(min(invitation.at + rule.steps[0].due_ms, invitation.expires_at)),
        then=rule.steps[1:],
    )


def decline_scopes(customer: str, operators: Iterable[str]) -> tuple[str, ...]:
    """Return the counter scopes holding a customer's declines for the operators of a chain."""
    return tuple(dict.fromkeys(f"declined {customer} {operator}" for operator in operators))


def declined_at(now: Instant) -> str:
    """Return the counter of a customer's decline at a moment, which starts the operator's pause."""
    return f"{_DECLINED_AT}{now}"


def declines_in(counters: Iterable[str]) -> list[Instant]:
    """Return the moments of a customer's declines, from the names of one scope's counters."""
    return [Instant(int(name.removeprefix(_DECLINED_AT))) for name in counters if name.startswith(_DECLINED_AT)]


def fatigue_limits(desk: DeskContext) -> FatigueLimits:
    """Return how often a customer may be asked at this desk."""
    return FatigueLimits(max_open=desk.terms.waiting_per_pair, pause_ms=desk.terms.decline_pause_s * 1000)


async def involved_operators(desk: DeskContext, record: AskRecord) -> tuple[str, ...]:
    """Return the operators behind an ask: the asking one, and those of the mandates above."""
    found, mandate_id = [record.operator], record.mandate
    while mandate_id:
        try:
            mandate = (await desk.store.get(MandateRecord, mandate_id)).record
        except RecordMissing:  # a no is accepted all the same
            break
        found.append(mandate.operator)
        mandate_id = mandate.parent
    return tuple(found)


async def render_current(
    desk: DeskContext, state: AuthorizationState, record: AskRecord, evaluation: Evaluation
) -> Rendering:
    """Render the recorded ask as things stand, in the desk's first language, to compare with earlier renderings.

    Raises:
        Fault: as `current_ask_details`.
    """
    return render_ask(await current_ask_details(desk, state, record, evaluation), desk.catalogue)


async def current_ask_details(
    desk: DeskContext,
    state: AuthorizationState,
    record: AskRecord,
    evaluation: Evaluation,
    *,
    filed: Sequence[FileRecord] = (),
) -> AskDetails:
    """Return the details shown with a recorded ask: resolved names, earlier acts and remaining budget.

    ⚔ The signature covers the files that go along. `filed` are those not stored yet.

    Raises:
        Fault: `fault.internal` for an action gone from the catalogue: it cannot be shown, so it is not confirmed;
            `fault.backoffice` when names cannot be resolved.
    """
    action = evaluation.action
    if action is None:
        raise Fault(Code.FAULT_INTERNAL, "an unknown action cannot be confirmed")
    before = await _earlier_acts(desk, record)
    names = await record_names(
        desk,
        record.customer,
        [(action, recorded_params(record)), *((one, params) for one, params, _ in before)],
        evaluation.names,
    )
    return AskDetails(
        action=action,
        params=recorded_params(record),
        names=names,
        agent=state.agent.record.name,
        operator=record.operator,
        customer=state.customer.record.name,
        told=tuple(sorted(set(action.returns) & evaluation.covered)),
        words=record.words or None,
        words_state=record.words_state,
        marked=read_marks(record.marked),
        files=tuple(one.name for one in (*filed, *(await ask_files(desk, record) if record.files else ()))),
        done=tuple(PerformedAct(action=one, params=params, outcome=outcome) for one, params, outcome in before),
        budgets=_budgets(state, action, evaluation),
        chain=tuple(kept.record.actor for kept, _ in state.chain[1:]),
    )


async def _earlier_acts(desk: DeskContext, record: AskRecord) -> list[tuple[Action, JsonObject, str]]:
    """Return the newest earlier acts under this mandate, in all its tasks: action, params and outcome."""
    tasks = await desk.store.find(TaskRecord, "task.mandate", record.mandate, limit=_TASKS, newest=True)
    found = [
        kept.record
        for task in tasks
        for kept in await desk.store.find(AskRecord, "ask.task", task.record.id, limit=200, newest=True)
    ]
    done: list[tuple[Action, JsonObject, str]] = []
    for one in sorted(found, key=lambda ask: (-ask.at, ask.id)):
        known = desk.catalogue.actions.get(one.action)
        if (
            known is None
            or known.builtin
            or known.effect == "read"
            or one.state not in {AskState.DONE, AskState.UNKNOWN}
        ):
            continue
        done.append((known, recorded_params(one), one.state.value))
    return done[:_SHOWN]


def _budgets(state: AuthorizationState, action: Action, evaluation: Evaluation) -> tuple[Budget, ...]:
    """Return the budgets left after this ask, from the charged powers.

    ⚔ Of several limits (powers, hops of a chain, params) the smallest counts, of totals the smallest per unit: no
    signature under more room than there is.
    """
    units = {
        (kept.record.id, counter_key(root, str(total.path))): str(total.limit).partition(" ")[2]
        for kept, mandate in state.chain
        for root, power in zip(kept.record.power_roots or range(len(mandate.powers)), mandate.powers, strict=True)
        for total in power.totals
    }
    uses_left: int | None = None
    totals_left: dict[str, int] = {}
    for reservation, limit in evaluation.reserved:
        if limit is None or reservation.scope not in {kept.record.id for kept, _ in state.chain}:
            continue
        left = limit - state.counters.get((reservation.scope, reservation.key), 0) - reservation.amount
        unit = units.get((reservation.scope, reservation.key))
        if unit is None:
            uses_left = left if uses_left is None else min(uses_left, left)
        else:
            totals_left[unit] = min(left, totals_left.get(unit, left))
    total_left = ", ".join(format_remaining(left, unit) for unit, left in sorted(totals_left.items())) or None
    return (
        ()
        if uses_left is None and total_left is None
        else (Budget(action=action.name, uses_left=uses_left, total_left=total_left),)
    )


def in_all_languages(rendering: Rendering, shown: AskDetails, catalogue: Catalogue) -> JsonObject:
    """Return a rendering as JSON in every language of the desk: the first one whole, others under `spoken`.

    ⚔ All are made of the same facts at the same moment; `act_hash`, compared when acting, is of the first alone.
    """
    spoken = {name: rendering_json(render_ask(shown, one)) for name, one in catalogue.spoken.items()}
    return {**rendering_json(rendering), "act_hash": rendering.act_hash, **({"spoken": spoken} if spoken else {})}


def rendering_in_language(record: ConfirmationRecord, language: str) -> JsonObject:
    """Return an invitation's rendering in a language, else in the desk's first: `hash`, `lines`, `act_hash`.

    Raises:
        Fault: `fault.store` when the record is damaged.
    """
    shown = decode_json(record.rendering.encode())
    if not isinstance(shown, Mapping):
        raise Fault(Code.FAULT_STORE, "an invitation is damaged")
    spoken = shown.get("spoken")
    other = spoken.get(language) if isinstance(spoken, Mapping) else None
    first = {name: value for name, value in shown.items() if name != "spoken"}
    return {**first, **other} if isinstance(other, Mapping) else first


def signed_hash(record: ConfirmationRecord, language: str) -> str:
    """Return the hash signed by a reader of an invitation in a language."""
    found = rendering_in_language(record, language).get("hash", record.rendering_hash)
    return found if isinstance(found, str) else record.rendering_hash


def rendering_hashes(record: ConfirmationRecord) -> tuple[str, str]:
    """Return the first-language rendering's hash, and the hash that must still hold when acting.

    Raises:
        Fault: `fault.store` when the record is damaged.
    """
    act_hash = rendering_in_language(record, "").get("act_hash")
    if not isinstance(act_hash, str):
        raise Fault(Code.FAULT_STORE, "an invitation is damaged")
    return record.rendering_hash, act_hash


_LIMIT = 10_000


async def waiver_writers(desk: DeskContext, place: int | None, *, customer: PersonRecord) -> frozenset[str]:
    """Return the person keys barred from confirming under a waiver: its owner, and the rules' proposer.

    `place` is its place in the catalogue (none, or below zero: no waiver). ⚔ An owner is free text, written by the
    proposer. Another account of the same person is the same person.

    Source: docs/model/model.md#waivers.
    """
    if place is None or not 0 <= place < len(desk.catalogue.waivers):
        return frozenset()
    owner = desk.catalogue.waivers[place].owner
    officers = [one.record for one in await desk.store.find(PersonRecord, "person.kind", "officer", limit=_LIMIT)]
    proposer = await _proposer(desk)
    titles = {name: role.title for name, role in desk.catalogue.roles.items()}
    writers = {one.key for one in officers if one.id == proposer or is_waiver_owner(owner, _names(one, titles))}
    return frozenset(writers | ({customer.key} if is_waiver_owner(owner, (customer.key, customer.id)) else set()))


async def offer_makers(desk: DeskContext, ask: AskRecord) -> frozenset[str]:
    """Return the person key barred from confirming an accepted offer: its maker's. ⚔ Maker and checker are two.

    Source: docs/model/model.md#offers.
    """
    action = desk.catalogue.actions.get(ask.action)
    if action is None or not action.takes_offer:
        return frozenset()
    try:
        offer = (await desk.store.get(OfferRecord, str(recorded_params(ask).get("offer_id", "")))).record
        return frozenset({(await desk.store.get(PersonRecord, offer.by)).record.key})
    except RecordMissing:  # the acceptance is decided again before it acts, and refused
        return frozenset()


def _names(officer: PersonRecord, titles: dict[str, str]) -> tuple[str, ...]:
    roles = [text for role in officer.roles for text in (role, f"officer:{role}", f"{role} officer")]
    roles += [text for role in officer.roles if (title := titles.get(role)) for text in (title, f"{title} officer")]
    return (officer.key, officer.id, officer.name, officer.email, *roles)


async def _proposer(desk: DeskContext) -> str:
    """Return the proposer of the rules in force ("" where one person adopts them alone, on loopback)."""
    try:
        by = (await desk.store.get(RulesRecord, WHAT)).record.by.split(", ")
    except RecordMissing:
        return ""
    return by[0] if len(by) > 1 else ""


WHAT: Final = "rules"
