"""Authorization state of a task, and the check that this process runs the desk's rules in force."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from hashlib import sha256
from typing import Final, TypeVar, cast

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault, Refused
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.narrow import verify_delegation_chain
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.decision import recorded_ending
from remit.domain.policy.risk import RiskHistory
from remit.domain.policy.visitors import is_visitor, shown_tier
from remit.domain.records import (
    ActRecord,
    AgentRecord,
    AskRecord,
    ConfirmationRecord,
    EndReason,
    IdempotencyRecord,
    MandateRecord,
    PersonRecord,
    Record,
    RulesRecord,
    Suspension,
    TaskRecord,
    TaskState,
)
from remit.domain.structs import struct
from remit.domain.transcript.pseudonyms import pseudonym_of
from remit.domain.values import Instant, decode_json
from remit.engine.agents.authenticate import WrongCaller
from remit.engine.ask.plan import AskPlan
from remit.engine.cache import BoundedCache
from remit.engine.context import DeskContext, DeskTerms
from remit.engine.mandates.signed import reporting_forged, verify_consent, verify_signed_form
from remit.ports.store import Precondition, RecordMissing, Snapshot, Versioned
from remit.ports.tracing import SpanName
from remit.proof.canonical import b64url

RULES: Final = (RulesRecord.KIND, "rules")
"""Kind and id of the single record naming the rules in force."""


async def rules_precondition(desk: DeskContext) -> Precondition:
    """Return the precondition that the rules in force stay those of this process up to the commit.

    Raises:
        Fault: `fault.policy` when this process stands on other rules than the desk; `fault.store`.

    Source: docs/model/model.md#rule-digest.
    """
    try:
        kept: Versioned[RulesRecord] | None = await desk.store.get(RulesRecord, RULES[1])
    except RecordMissing:
        kept = None
    return verify_same_rules(desk, kept)


def verify_same_rules(desk: DeskContext, kept: Versioned[RulesRecord] | Versioned[Record] | None) -> Precondition:
    """Verify the stored rules record and return the precondition that it stays unchanged.

    Raises:
        Fault: `fault.policy`.
    """
    if kept is None:
        return Precondition(*RULES, 0)  # nothing was adopted yet: a sandbox
    if isinstance(kept.record, RulesRecord) and kept.record.digest != desk.rules_digest:
        raise Fault(
            Code.FAULT_POLICY,
            "this node runs other rules than the last policy.changed entry; restart it with the new rules",
        )
    return Precondition(*RULES, kept.rev)


R = TypeVar("R", bound=Record)
_KEPT: Final = 512
"""Tasks and mandates cached at least; about 3 kB each."""
NEVER: Final = -1
"""A revision no record ever has: a precondition on a suspended record can never hold."""


@struct(frozen=True, kw_only=True)
class AuthorizationState:
    """Snapshot of a task: its records with revisions, counters, trails and an earlier answer, if any.

    `chain` is the mandate and its ancestors, nearest first, each with its parsed mandate. `now` is the time of reading,
    used for every decision of the attempt.
    """

    task: Versioned[TaskRecord]
    chain: tuple[tuple[Versioned[MandateRecord], Mandate], ...]
    agent: Versioned[AgentRecord]
    customer: Versioned[PersonRecord]
    preconditions: tuple[Precondition, ...]
    counters: Mapping[tuple[str, str], int]
    trails: tuple[RiskHistory, ...]
    last_used: Instant
    earlier: tuple[IdempotencyRecord, Versioned[AskRecord]] | None
    epochs: str
    """Digest of the rules and records a decision depends on; it changes when any of them does."""
    now: Instant
    mandate: MandateRecord
    """The mandate the task runs under."""
    visits: bool
    """Whether the task is a visitor's."""
    tier: str
    """The tier that policies and escalation rules see."""
    pseudonym: str
    """The customer's, for envelopes."""
    plans: dict[str, AskPlan]
    """The plans of its asks, by action: they hold for these records."""
    sound: bool = False
    """Whether the records alone allow asking; time and counters are checked at every attempt."""

    def plan(self, catalogue: Catalogue, name: str) -> AskPlan:
        """Return the plan for asks of an action, made at the first.

        Raises:
            Refused: as `AskPlan.of`.
        """
        found = self.plans.get(name)
        if found is None:
            found = self.plans[name] = AskPlan.of(catalogue, self.chain, self.agent.record, name)
        return found


async def load_authorization_state(
    desk: DeskContext, task_id: str, *, idempotency: str = "", about: Collection[str] = (), sure: bool = True
) -> AuthorizationState:
    """Read one snapshot and parse its mandates; nothing is judged yet. `about` are the records an ask names.

    Raises:
        Refused: `task.ended` for an unknown or foreign task alike, `mandate.inactive` for a mandate the present
            catalogue no longer covers.
        Fault: `fault.store`.
    """
    try:
        with desk.tracing.step(SpanName.STANDING):
            snapshot = await desk.store.snapshot(task=task_id, idempotency=idempotency, about=about, sure=sure)
    except RecordMissing:
        raise Refused(Code.TASK_ENDED, "no such task") from None
    cached = _grounds.get((desk.rules_digest, task_id))
    if cached is None or not cached.holds(snapshot):
        cached = await _ground(desk, snapshot, task_id)
    return AuthorizationState(
        task=cached.task,
        chain=cached.chain,
        agent=cached.agent,
        customer=cached.customer,
        preconditions=cached.preconditions,
        counters=snapshot.counters,
        trails=snapshot.trails,
        last_used=Instant(max(snapshot.touched.get(task_id, 0), cached.task.record.opened_at)),
        earlier=_earlier(snapshot, idempotency) if idempotency else None,
        epochs=cached.epochs,
        now=desk.world.now(),
        mandate=cached.chain[0][0].record,
        visits=cached.visits,
        tier=cached.tier,
        pseudonym=cached.pseudonym,
        plans=cached.plans,
        sound=cached.sound,
    )


@struct(frozen=True, kw_only=True)
class _RememberedState:
    """State derived from a task's records alone; cached, and valid while the records are identical."""

    stood: tuple[tuple[tuple[str, str], Versioned[Record] | None], ...]
    task: Versioned[TaskRecord]
    chain: tuple[tuple[Versioned[MandateRecord], Mandate], ...]
    agent: Versioned[AgentRecord]
    customer: Versioned[PersonRecord]
    preconditions: tuple[Precondition, ...]
    epochs: str
    visits: bool
    tier: str
    pseudonym: str
    sound: bool
    plans: dict[str, AskPlan] = field(default_factory=dict)

    def holds(self, snapshot: Snapshot) -> bool:
        """Return whether a snapshot shows the very same records, and lacks the same ones."""
        found = snapshot.records.get
        return all([found(key) is kept for key, kept in self.stood])  # noqa: C419  # no generator: this runs for every ask


_grounds: Final[BoundedCache[tuple[str, str], _RememberedState]] = BoundedCache(_KEPT)


async def _ground(desk: DeskContext, snapshot: Snapshot, task_id: str) -> _RememberedState:
    """Parse the mandates of a snapshot and collect the preconditions of a decision."""
    # ⚔ First: an older catalogue must not judge mandates, nor tell agents that theirs are invalid.
    rules = verify_same_rules(desk, snapshot.records.get(RULES))
    task = _need(snapshot, TaskRecord, task_id)
    chain: list[tuple[Versioned[MandateRecord], Mandate]] = []
    mandate_id = task.record.mandate
    while mandate_id:
        kept = _need(snapshot, MandateRecord, mandate_id)
        async with reporting_forged(desk):
            chain.append((kept, mandate_of(desk.catalogue, kept.record)))
            await verify_consent(desk, kept.record)
        mandate_id = kept.record.parent
    agent = _need(snapshot, AgentRecord, task.record.client_id)
    customer = _need(snapshot, PersonRecord, task.record.customer)
    preconditions = [
        Precondition("task", task_id, task.rev),
        Precondition("agent", agent.record.id, agent.rev),
        Precondition("person", customer.record.id, customer.rev),
        *(Precondition("mandate", kept.record.id, kept.rev) for kept, _ in chain),
    ]
    if agent.record.suspended:
        preconditions.append(Precondition("agent", agent.record.id, NEVER))
    for name in suspension_ids(task.record):
        kept_suspension = snapshot.records.get(("suspension", name))
        preconditions.append(Precondition("suspension", name, 0 if kept_suspension is None else kept_suspension.rev))
        if (
            kept_suspension is not None
            and isinstance(kept_suspension.record, Suspension)
            and kept_suspension.record.active
        ):
            preconditions.append(Precondition("suspension", name, NEVER))
    for above, _ in chain[1:]:
        preconditions.extend(await actor_preconditions(desk, above.record.client_id, above.record.operator))
    preconditions.append(rules)
    remembered = _RememberedState(
        stood=tuple(
            ((one.kind, one.id), snapshot.records.get((one.kind, one.id))) for one in preconditions if one.rev >= 0
        ),
        task=task,
        chain=tuple(chain),
        agent=agent,
        customer=customer,
        preconditions=tuple(preconditions),
        epochs=_epochs(desk, preconditions),
        visits=is_visitor(agent.record, chain[0][0].record.jkt),
        tier=str(shown_tier(agent.record, chain[0][0].record.jkt)),
        pseudonym=pseudonym_of(desk.signer.keyed, task.record.customer),
        sound=_are_sound(task.record, tuple(chain), customer.record, preconditions),
    )
    if len(chain) == 1:  # actors above a sub-mandate are read for every ask: they are not in the snapshot
        _grounds.put((desk.rules_digest, task_id), remembered)
    return remembered


def remembered_plan(desk: DeskContext, task_id: str, action: str) -> AskPlan | None:
    """Return the plan of an earlier ask of a task, whatever has moved since; None where none is remembered."""
    remembered = _grounds.get((desk.rules_digest, task_id))
    return None if remembered is None else remembered.plans.get(action)


async def actor_preconditions(desk: DeskContext, client_id: str, operator: str) -> list[Precondition]:
    """Return the preconditions on an agent and its operator; `NEVER` where one of them is suspended.

    ⚔ A sub-mandate depends on the agent that delegated it, too.

    Raises:
        Refused: `task.ended` when the agent is gone.
    """
    try:
        agent = await desk.store.get(AgentRecord, client_id)
    except RecordMissing:
        raise Refused(Code.TASK_ENDED, "an agent above the task is gone") from None
    preconditions = [
        Precondition("agent", client_id, agent.rev),
        *await suspension_precondition(desk, f"operator:{operator}"),
    ]
    return [*preconditions, Precondition("agent", client_id, NEVER)] if agent.record.suspended else preconditions


async def suspension_precondition(desk: DeskContext, name: str) -> list[Precondition]:
    """Return the precondition on a suspension (`kind:name`); `NEVER` while it is active."""
    try:
        kept = await desk.store.get(Suspension, name)
    except RecordMissing:
        return [Precondition("suspension", name, 0)]
    preconditions = [Precondition("suspension", name, kept.rev)]
    return [*preconditions, Precondition("suspension", name, NEVER)] if kept.record.active else preconditions


def verify_actors(preconditions: Iterable[Precondition], *, client_id: str, operator: str) -> None:
    """Verify that no agent of the chain, nor its operator, is suspended.

    Raises:
        Refused: `agent.suspended`; as `WrongCaller` when it is an agent above.
    """
    stopped = {(one.kind, one.id) for one in preconditions if one.rev == NEVER}
    if not stopped.isdisjoint({("agent", client_id), ("suspension", f"operator:{operator}")}):
        raise Refused(Code.AGENT_SUSPENDED, "the agent or its operator is suspended")
    if any(kind == "agent" or name.startswith("operator:") for kind, name in stopped):
        public = "An agent further up the chain, or its operator, is stopped."
        raise WrongCaller(Code.AGENT_SUSPENDED, "an agent above or its operator is suspended", public=public)


def _epochs(desk: DeskContext, preconditions: Sequence[Precondition]) -> str:
    stood_on = [f"{one.kind} {len(one.id)} {one.id} {one.rev}" for one in preconditions]
    return f"sha-256:{b64url(sha256(' '.join([desk.rules_digest, *stood_on]).encode()).digest())}"


def suspension_ids(task: TaskRecord) -> tuple[str, str, str]:
    """Return the ids of the suspensions that affect a task."""
    return (f"operator:{task.operator}", f"customer:{task.customer}", f"objective:{task.objective}")


def verify_active(state: AuthorizationState, now: Instant, terms: DeskTerms, *, waiting: bool = False) -> None:
    """Verify that the task may ask at all; with `waiting`, a confirmation is pending and the task is not idle.

    Raises:
        Refused: `agent.suspended`, `task.ended`, `task.held`, `mandate.inactive`, `mandate.expired`.
    """
    # The records alone were judged when they were read; any problem is reported below, in order.
    if state.sound and ending_reason(state, now, terms, waiting=waiting) is None:
        return
    task = state.task.record
    _verify_nobody_stopped(task, state.customer.record, state.preconditions)
    ended = ending_reason(state, now, terms, waiting=waiting)
    if ended is EndReason.MANDATE_EXPIRED:
        raise Refused(Code.MANDATE_EXPIRED, "the mandate has expired")
    if ended is not None:
        raise Refused(Code.TASK_ENDED, f"the task ended: {ended}", public=f"The task ended: {ended.replace('_', ' ')}.")
    _verify_granted(task, state.chain)


def _verify_nobody_stopped(task: TaskRecord, customer: PersonRecord, preconditions: Iterable[Precondition]) -> None:
    not_standing = [one for one in preconditions if one.rev == NEVER]
    verify_actors(not_standing, client_id=task.client_id, operator=task.operator)
    if task.state is TaskState.ENDED:
        public = f"The task ended: {task.reason.replace('_', ' ')}."
        raise Refused(Code.TASK_ENDED, f"the task ended: {task.reason}", public=public)
    if not_standing or customer.paused:
        raise Refused(
            Code.MANDATE_INACTIVE, "the customer or objective is suspended, or the customer's mandates are paused"
        )


def _verify_granted(task: TaskRecord, chain: Sequence[tuple[Versioned[MandateRecord], Mandate]]) -> None:
    for kept, _ in chain:
        if kept.record.state not in {"active", "exhausted"}:
            raise Refused(Code.MANDATE_INACTIVE, f"the mandate is {kept.record.state}")
    verify_delegation_chain([(kept.record.operator, mandate) for kept, mandate in chain])
    if task.state is TaskState.HELD:
        raise Refused(Code.TASK_HELD, "the task is held")


def _are_sound(
    task: TaskRecord,
    chain: Sequence[tuple[Versioned[MandateRecord], Mandate]],
    customer: PersonRecord,
    preconditions: Iterable[Precondition],
) -> bool:
    """Return whether the records themselves allow a task to ask; computed once per set of records."""
    try:
        _verify_nobody_stopped(task, customer, preconditions)
        _verify_granted(task, chain)
    except Refused:
        return False
    return True


def ending_reason(state: AuthorizationState, now: Instant, terms: DeskTerms, *, waiting: bool) -> EndReason | None:
    """Return why the task has ended by time or through other records, though its own record is still open."""
    task = state.task.record
    above = {kept.record.id for kept, _ in state.chain[1:]}
    ended = recorded_ending(state.counters, task=task.id, above=above, opened_at=task.opened_at)
    if ended is not None:
        return ended
    if [kept for kept, _ in state.chain if now >= kept.record.expires_at]:
        return EndReason.MANDATE_EXPIRED
    if now >= task.ends_at:
        return EndReason.END_OF_LIFE
    # A held task waits for the desk's staff and cannot ask meanwhile.
    if not waiting and task.state is not TaskState.HELD and now >= state.last_used + terms.task_idle_s * 1000:
        return EndReason.IDLE
    return None


async def has_pending_work(desk: DeskContext, state: AuthorizationState) -> bool:
    """Return whether a confirmation or an act is pending; looked up only when the task would be idle."""
    now = desk.world.now()
    if now < state.last_used + desk.terms.task_idle_s * 1000:
        return True
    waiting = await desk.store.find(ConfirmationRecord, "confirmation.task", state.task.record.id, limit=1000)
    if any(now < one.record.expires_at for one in waiting):
        return True
    # A permitted act must survive a desk outage longer than the idle limit.
    queued = await desk.store.find(ActRecord, "act.task", state.task.record.id, limit=1000)
    return any(one.record.ask for one in queued)


def clear_state_cache() -> None:
    """Clear the cached tasks and mandates: erased content must not stay in memory."""
    _grounds.clear()
    _parsed.clear()


_parsed: Final[BoundedCache[tuple[str, ...], Mandate]] = BoundedCache(_KEPT)


def mandate_of(catalogue: Catalogue, record: MandateRecord) -> Mandate:
    """Return the parsed mandate of a record, verified against what was signed; cached by everything it depends on.

    Raises:
        ForgedRow: the record is wider than what was signed, or somebody else's.
        Refused: `mandate.inactive` when the present catalogue can no longer read it.
    """
    key = (
        catalogue.digest,
        record.hash,
        record.wire,
        record.signed,
        f"{record.expires_at} {record.max_tasks}",
        *(record.customer, record.client_id, record.actor, record.operator, record.jkt, record.parent),
    )
    found = _parsed.get(key)
    if found is None:
        try:
            found = read_mandate(decode_json(record.wire.encode()), catalogue, now=record.granted_at)
        except Refused as refused:
            public = "The company's catalogue has changed; ask the customer for consent again."
            raise Refused(Code.MANDATE_INACTIVE, f"the catalogue changed: {refused}", public=public) from refused
        verify_signed_form(catalogue, record, found)
        _parsed.put(key, found)
    return found


def _need(snapshot: Snapshot, kind: type[R], record_id: str) -> Versioned[R]:
    kept = snapshot.records.get((kind.KIND, record_id))
    if kept is None or not isinstance(kept.record, kind):
        raise Refused(Code.TASK_ENDED, f"the {kind.KIND} of the task is gone")
    return cast("Versioned[R]", kept)


def _earlier(snapshot: Snapshot, idempotency: str) -> tuple[IdempotencyRecord, Versioned[AskRecord]] | None:
    kept = snapshot.records.get((IdempotencyRecord.KIND, idempotency))
    if kept is None or not isinstance(kept.record, IdempotencyRecord):
        return None
    ask = snapshot.records.get((AskRecord.KIND, kept.record.ask))
    if ask is None or not isinstance(ask.record, AskRecord):
        raise Fault(Code.FAULT_STORE, "an idempotency record points nowhere")
    return kept.record, Versioned(ask.record, ask.rev)


def currently_covered(desk: DeskContext, state: AuthorizationState, record: AskRecord) -> frozenset[str]:
    """Return the attributes of an earlier ask still disclosable under its possibly narrowed mandate.

    Source: docs/model/model.md#standing-again.
    """
    action = desk.catalogue.actions.get(record.action)
    disclosable = frozenset(record.covered)
    params = decode_json(record.params.encode())
    if action is None or not disclosable or not isinstance(params, Mapping):
        return disclosable
    try:
        for _, powers in state.plan(desk.catalogue, record.action).coverage:
            found = powers.match(params)
            disclosable &= frozenset().union(*[charged.attributes for charged in found.telling])
    except Refused:
        return frozenset()
    return disclosable
