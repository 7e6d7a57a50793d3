"""Access requests: a caller asks for the confirmation that a denied act needs, and reads its state.

The waiting ask and its invitation are the approval; there is no second one.
"""

from enum import StrEnum
from typing import Final

from remit.domain.catalogue.target import money_records
from remit.domain.decision_point.acts import ActDenied, parse_act
from remit.domain.decision_point.question import Question
from remit.domain.errors import MEANINGS, Code, Refused
from remit.domain.ids import is_id
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.records import AskRecord, AskState, ConfirmationRecord, IdempotencyRecord, TaskRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, JsonObject, deep_equal, instant_text, verify_instant
from remit.engine.ask.authorization_state import has_pending_work, load_authorization_state, verify_active
from remit.engine.ask.redact import AskRequest, redact_ask
from remit.engine.ask.reply import recorded_params
from remit.engine.confirm.escalate import advance_due_invitation
from remit.engine.context import DeskContext
from remit.engine.decision_point.binding import REQUESTS, BindingExpired, verify_binding
from remit.engine.decision_point.callers import Caller
from remit.engine.transcript.record import keyed_digest
from remit.ports.store import Conflict, LimitReached, Put, RecordMissing
from remit.proof.canonical import canonical
from remit.usecases.decision_point.act import caller_workload, evaluate_act
from remit.usecases.record_ask import decided_on, idempotency_id, record_decision

_ATTEMPTS: Final = 6


class Problem(StrEnum):
    """The ways in which an access request can be wrong: the profile's closed list."""

    DUPLICATE_REQUEST = "duplicate_request"
    EXPIRED_DENIAL = "expired_denial"
    INVALID_DENIAL_BINDING = "invalid_denial_binding"
    NOT_REQUESTABLE = "not_requestable"
    UNKNOWN_TASK = "unknown_task"


_CODES: Final = {
    Problem.DUPLICATE_REQUEST: Code.REQUEST_CONFLICT,
    Problem.EXPIRED_DENIAL: Code.CREDENTIAL_EXPIRED,
    Problem.INVALID_DENIAL_BINDING: Code.CREDENTIAL_MALFORMED,
    Problem.NOT_REQUESTABLE: Code.REQUEST_MALFORMED,
    Problem.UNKNOWN_TASK: Code.REQUEST_NOT_FOUND,
}


class AccessRefused(Refused):
    """A refused access request, with its name in the profile."""

    def __init__(self, problem: Problem, detail: str, public: str) -> None:
        """Carry the profile's problem; `detail` is for the desk, `public` for the caller."""
        super().__init__(_CODES[problem], detail, public=public)
        self.problem = problem


@struct(frozen=True, kw_only=True)
class AccessRequest:
    """An access request: the denied question again, its binding token, and the idempotency key with the body's digest.

    `evaluation_id` and `expires_at` are those of the denial as the caller repeats them ("" without).
    """

    question: Question
    binding_token: str
    evaluation_id: str
    expires_at: str
    idempotency_key: str
    body: str


@struct(frozen=True)
class AccessTask:
    """A request and its state, in the profile's words; `made` by this very request."""

    id: str
    members: JsonObject
    result: JsonObject | None
    made: bool


async def request_access(desk: DeskContext, caller: Caller, request: AccessRequest) -> AccessTask:
    """Ask people for the confirmation that a denied act needs; repeated under its key, it is the same request.

    The act is decided afresh: ⚔ what was deniable then may be refused, or need other people, now.

    Raises:
        AccessRefused: the profile's problems.
        Refused: `request.rate_limited`, `task.busy`.
        Fault: no person is asked.

    Source: AuthZEN Access Request and Approval Profile Draft 1 (access request endpoint).
    """
    try:
        evaluation = verify_binding(desk, request.binding_token, request.question)
        _verify_repeated(desk, request, evaluation)
    except BindingExpired:
        raise AccessRefused(Problem.EXPIRED_DENIAL, "the denial has expired", "Evaluate again.") from None
    except ValueError as wrong:
        public = "The binding token does not belong to this denial, caller and request."
        raise AccessRefused(Problem.INVALID_DENIAL_BINDING, str(wrong), public) from None
    denied = await _denied(desk, caller, evaluation, request.question)
    for _ in range(_ATTEMPTS):
        try:
            return await _request(desk, caller, request, denied)
        except (Conflict, LimitReached):
            continue
        except AccessRefused:
            raise
        except Refused as refused:
            if refused.code is Code.REQUEST_RATE_LIMITED:
                raise
            public = refused.public or MEANINGS[refused.code].title
            raise AccessRefused(Problem.NOT_REQUESTABLE, f"{refused.code}: {refused.detail}", public) from None
    raise Refused(Code.TASK_BUSY, "the task kept changing", retry_after_s=1)


def _verify_repeated(desk: DeskContext, request: AccessRequest, evaluation: str) -> None:
    """Verify the parts of the denial that the caller repeats: the earlier end counts."""
    if request.evaluation_id not in {"", evaluation}:
        message = "another evaluation_id than the token's"
        raise ValueError(message)
    if not request.expires_at:
        return
    try:
        until = verify_instant(request.expires_at)
    except Refused as wrong:
        raise ValueError(wrong.detail) from None
    if desk.world.now() >= until:
        raise BindingExpired


async def _denied(desk: DeskContext, caller: Caller, evaluation: str, question: Question) -> AskRecord:
    """Return the denied ask; the caller's own, for the very act."""
    try:
        record = (await desk.store.get(AskRecord, evaluation)).record
        act = parse_act(question)
    except (RecordMissing, ActDenied) as wrong:
        public = "The request differs from the denied one."
        raise AccessRefused(Problem.INVALID_DENIAL_BINDING, str(wrong), public) from None
    named = (record.enforcer, record.action, record.customer, record.task)
    if named != (caller.name, act.action, act.customer, act.task) or not deep_equal(
        recorded_params(record), act.params
    ):
        raise AccessRefused(
            Problem.INVALID_DENIAL_BINDING, "another denial", "The request differs from the denied one."
        )
    if record.state is not AskState.REFUSED or record.code != Code.CONFIRMATION_REQUIRED.value:
        raise AccessRefused(Problem.NOT_REQUESTABLE, "no person could lift it", "No person could lift this denial.")
    return record


async def _request(desk: DeskContext, caller: Caller, request: AccessRequest, denied: AskRecord) -> AccessTask:
    task = (await desk.store.get(TaskRecord, denied.task)).record
    workload = caller_workload(caller, task=task.id, client_id=task.client_id, actor=task.actor)
    asked = AskRequest(
        action=denied.action,
        params=recorded_params(denied),
        words=None,
        files=(),
        idempotency_key=f"access {request.idempotency_key}",
        body=request.body,
        size=len(canonical(recorded_params(denied))),
    )
    asked = await redact_ask(desk, caller.name, task.id, asked)
    about = money_records(desk.catalogue.actions.get(asked.action), asked.params)
    state = await load_authorization_state(
        desk, task.id, idempotency=idempotency_id(workload, asked.idempotency_key), about=about
    )
    verify_active(state, state.now, desk.terms, waiting=await has_pending_work(desk, state))
    if state.earlier is not None:
        return await _earlier(desk, caller, request, *(state.earlier[0], state.earlier[1].record))
    if await _is_used(desk, denied):
        public = "Access was already requested for this denial; see its task, or evaluate again."
        raise AccessRefused(Problem.DUPLICATE_REQUEST, "a second request for one denial", public)
    evaluation = await evaluate_act(desk, state, asked)
    match evaluation.decision:
        case Permit():
            public = "No approval is needed any more: evaluate again."
            raise AccessRefused(Problem.NOT_REQUESTABLE, "it is permitted now", public)
        case Refuse(code=code, detail=detail, public=said):
            raise Refused(code, detail, public=said)
        case NeedsHuman():
            pass
    # ⚔ One denial is one request: the second of two at the same moment does not commit.
    once = IdempotencyRecord(id=_binding_id(denied), ask=denied.id, body="")
    decided = decided_on(desk, state, workload, asked, replace(evaluation, puts=(*evaluation.puts, Put(once, 0))))
    decided = replace(decided, record=replace(decided.record, enforcer=caller.name))
    recorded = (await record_decision(desk, decided, None)).ask
    if recorded.state is not AskState.WAITING:
        raise Refused(Code(recorded.code), "people may not be asked", public=recorded.public or None)
    return await _task(desk, recorded, made=True)


def _binding_id(denied: AskRecord) -> str:
    return f"binding {denied.id}"


async def _is_used(desk: DeskContext, denied: AskRecord) -> bool:
    try:
        await desk.store.get(IdempotencyRecord, _binding_id(denied))
    except RecordMissing:
        return False
    return True


async def _earlier(
    desk: DeskContext, caller: Caller, request: AccessRequest, known: IdempotencyRecord, record: AskRecord
) -> AccessTask:
    if known.body != keyed_digest(desk, request.body) or record.enforcer != caller.name:
        public = "The Idempotency-Key was used with another body."
        raise AccessRefused(Problem.DUPLICATE_REQUEST, "the key with another body", public)
    if not record.confirmation:
        raise Refused(Code(record.code), "people may not be asked", public=record.public or None)
    return await _task(desk, record, made=False)


async def access_status(desk: DeskContext, caller: Caller, task_id: str) -> AccessTask:
    """Return the state of a request of this caller's.

    Raises:
        AccessRefused: `unknown_task`, the same for another caller's.
    """
    unknown = AccessRefused(Problem.UNKNOWN_TASK, "no such request", "There is no such request.")
    if not is_id(task_id, "ask"):
        raise unknown
    try:
        record = (await desk.store.get(AskRecord, task_id)).record
    except RecordMissing:
        raise unknown from None
    if record.enforcer != caller.name or not record.confirmation:
        raise unknown
    return await _task(desk, record, made=False)


_STATUS: Final = {
    AskState.DECLINED: "denied",
    AskState.EXPIRED: "expired",
    AskState.REFUSED: "expired",
    AskState.VOID: "failed",
    AskState.WAITING: "pending",
}
"""Every other state follows an approval."""


async def _task(desk: DeskContext, record: AskRecord, *, made: bool) -> AccessTask:
    kept = await desk.store.get(ConfirmationRecord, record.confirmation)
    if record.state is AskState.WAITING and desk.world.now() >= kept.record.due:
        kept, ask = await advance_due_invitation(desk, kept)
        record = ask.record
    status = _STATUS.get(record.state, "approved")
    members: dict[str, str] = {
        "id": record.id,
        "status": status,
        "status_endpoint": f"{desk.terms.issuer}{REQUESTS}/{record.id}",
        "expires_at": instant_text(kept.record.expires_at),
    }
    if status != "approved":
        return AccessTask(record.id, members, None, made)
    at = Instant(max((one.at for one in kept.record.answers), default=kept.record.at))
    approval: JsonObject = {
        "id": kept.record.id,
        "approved_at": instant_text(at),
        "approved_until": instant_text(record.usable_until),
    }
    return AccessTask(record.id, members, {"mode": "reevaluate", "approval": approval}, made)
