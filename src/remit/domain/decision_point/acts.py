"""Acts of agents that another program carries out: its questions, and the closed reasons for a denial.

The mapping of a task and its agent onto AuthZEN is that of draft-mcguinness-mission-authzen: the task is the mission.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.decision_point.question import Question
from remit.domain.errors import Code
from remit.domain.ids import is_id
from remit.domain.param_paths import values_at
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.proof.canonical import digest

MAX_CHAIN: Final = 6
"""The longest chain that is read; one of a task has at most five actors (docs/decisions/0018-five-actors.md)."""
_KEY_LENGTH: Final = 255


class Reason(StrEnum):
    """Reasons for a denial: a closed list."""

    ACTOR_INVALID = "actor_invalid"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_REQUIRED = "approval_required"
    APPROVAL_UNVERIFIABLE = "approval_unverifiable"
    CALLER_NOT_ALLOWED = "caller_not_allowed"
    DUPLICATE_SUPPRESSED = "duplicate_suppressed"
    GRANT_PENDING = "grant_pending"
    HISTORY_NOT_SATISFIED = "history_not_satisfied"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    MISSION_CONTEXT_MISSING = "mission_context_missing"
    MISSION_INACTIVE = "mission_inactive"
    NOT_GOVERNED = "not_governed"
    OBLIGATION_UNSUPPORTED = "obligation_unsupported"
    OUT_OF_AUTHORITY = "out_of_authority"
    OUT_OF_SCOPE = "out_of_scope"
    PARAMETER_VIOLATION = "parameter_violation"
    POLICY_DENIED = "policy_denied"
    POLICY_ERROR = "policy_error"
    QUOTA_EXCEEDED = "quota_exceeded"
    RESOURCE_POLICY = "resource_policy"
    STALE_STATE = "stale_state"
    VIEW_INCONSISTENT = "view_inconsistent"


_REASONS: Final[Mapping[Code, Reason]] = {
    Code.ACTION_UNKNOWN: Reason.OUT_OF_AUTHORITY,
    Code.AGENT_SUSPENDED: Reason.MISSION_INACTIVE,
    Code.CONFIRMATION_REQUIRED: Reason.APPROVAL_REQUIRED,
    Code.MANDATE_EXPIRED: Reason.MISSION_INACTIVE,
    Code.MANDATE_FORBIDDEN: Reason.OUT_OF_AUTHORITY,
    Code.MANDATE_INACTIVE: Reason.MISSION_INACTIVE,
    Code.MANDATE_LIMIT_EXCEEDED: Reason.PARAMETER_VIOLATION,
    Code.MANDATE_OFF_TARGET: Reason.OUT_OF_AUTHORITY,
    Code.MANDATE_POWER_MISSING: Reason.OUT_OF_AUTHORITY,
    Code.MANDATE_TOTAL_SPENT: Reason.QUOTA_EXCEEDED,
    Code.MANDATE_USES_SPENT: Reason.QUOTA_EXCEEDED,
    Code.OBJECTIVE_ACTION_OUTSIDE: Reason.OUT_OF_AUTHORITY,
    Code.OBJECTIVE_REACHED: Reason.OUT_OF_AUTHORITY,
    Code.OBJECTIVE_STEP_ORDER: Reason.HISTORY_NOT_SATISFIED,
    Code.POLICY_ERROR: Reason.POLICY_ERROR,
    Code.REQUEST_CONFLICT: Reason.IDEMPOTENCY_CONFLICT,
    Code.REQUEST_MALFORMED: Reason.PARAMETER_VIOLATION,
    Code.TASK_BUSY: Reason.STALE_STATE,
    Code.TASK_ENDED: Reason.MISSION_INACTIVE,
    Code.TASK_HELD: Reason.MISSION_INACTIVE,
}


def reason_for(code: Code) -> Reason:
    """Return the reason that a refusal's code stands for; faults of the request itself are its parameters'."""
    known = _REASONS.get(code)
    if known is not None:
        return known
    wrong = code.value.startswith(("params.", "words.", "offer."))
    return Reason.PARAMETER_VIOLATION if wrong else Reason.RESOURCE_POLICY


class ActDenied(Exception):  # noqa: N818  # a decision, as `Refused`
    """A denial before the ask is evaluated."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Carry one reason, and a detail for the desk."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@struct(frozen=True, kw_only=True)
class ActQuestion:
    """A question about one act of an agent in its task. `chain` are its actors, the first one's agent first.

    `digest` is that of the parameters; `approval` the id of a person's answer ("" without one). `sent` says that the
    caller computed the same digest.
    """

    task: str
    issuer: str
    authority_hash: str
    customer: str
    client_id: str
    chain: tuple[str, ...]
    action: str
    params: JsonObject
    digest: str
    sent: bool
    idempotency_key: str
    resource: tuple[str, str]
    approval: str


def parse_act(question: Question) -> ActQuestion:
    """Read a question about an act of an agent.

    Raises:
        ActDenied: for a member that is missing, ill-typed, or contradicts another.

    Source: draft-mcguinness-mission-authzen (PDP request, context.mission, context.actor, parameter digest).
    """
    mission = _object(question.context.get("mission"), Reason.MISSION_CONTEXT_MISSING, "mission")
    task = mission.get("id")
    if not isinstance(task, str) or not is_id(task, "task"):
        raise ActDenied(Reason.MISSION_INACTIVE, "no task of this desk")
    properties = question.action.properties
    params = _object(properties.get("parameters", {}), Reason.PARAMETER_VIOLATION, "parameters")
    computed = digest(params)
    sent = properties.get("parameter_digest")
    if sent not in (None, computed):  # a tuple: what was sent may be a list
        raise ActDenied(Reason.PARAMETER_VIOLATION, "another parameter_digest than the parameters have")
    key = properties.get("idempotency_key", "")
    if not isinstance(key, str) or len(key) > _KEY_LENGTH or not key.isascii() or (key and not key.isprintable()):
        raise ActDenied(Reason.PARAMETER_VIOLATION, f"idempotency_key is no text of at most {_KEY_LENGTH} letters")
    client_id, chain = _actor(question.context.get("actor"))
    return ActQuestion(
        task=task,
        issuer=_text(mission, "issuer"),
        authority_hash=_text(mission, "authority_hash"),
        customer=question.subject.id,
        client_id=client_id,
        chain=chain,
        action=question.action.name,
        params=params,
        digest=computed,
        sent=sent is not None,
        idempotency_key=key,
        resource=(question.resource.type, question.resource.id),
        approval=_approval(question.context.get("approval")),
    )


def names_resource(action: Action, params: JsonObject, resource: tuple[str, str]) -> bool:
    """Return whether a resource is one that the parameters name.

    ⚔ A caller that checks one record and acts on another would be told yes for the wrong one.
    """
    kind, record = resource
    named = (
        value for mark in action.marked(MarkKind.RESOURCE) if mark.of == kind for value in values_at(params, mark.path)
    )
    return any(record == one for value in named for one in (value if isinstance(value, list | tuple) else (value,)))


def _approval(given: Json) -> str:
    if given is None:
        return ""
    name = given.get("id") if isinstance(given, Mapping) else None
    if not isinstance(name, str) or not is_id(name, "cnf"):
        raise ActDenied(Reason.APPROVAL_UNVERIFIABLE, "no approval of this desk")
    return name


def _actor(given: Json) -> tuple[str, tuple[str, ...]]:
    """Return the client and the actors, root to leaf; a chain that is malformed or too deep is never cut short.

    Source: draft-mcguinness-oauth-actor-profile; draft-mcguinness-mission-authzen (context.actor).
    """
    members = _object(given, Reason.ACTOR_INVALID, "actor")
    client_id, chain = members.get("client_id"), members.get("act")
    if not isinstance(client_id, str) or not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CHAIN:
        raise ActDenied(
            Reason.ACTOR_INVALID, "actor needs client_id and act, the chain from the first to the present one"
        )
    return client_id, tuple(_links(chain))


def _links(chain: Iterable[Json]) -> Iterable[str]:
    for one in chain:
        link = _object(one, Reason.ACTOR_INVALID, "act")
        issuer, subject = link.get("iss"), link.get("sub")
        if not isinstance(issuer, str) or not isinstance(subject, str) or "act" in link or "client_profile" in link:
            raise ActDenied(Reason.ACTOR_INVALID, "a link of the chain has iss and sub, and no other chain inside")
        yield subject


def _object(given: Json, reason: Reason, where: str) -> JsonObject:
    if not isinstance(given, Mapping):
        raise ActDenied(reason, f"{where} is no object")
    return given


def _text(members: JsonObject, name: str) -> str:
    given = members.get(name, "")
    if not isinstance(given, str):
        raise ActDenied(Reason.VIEW_INCONSISTENT, f"mission.{name} is no text")
    return given
