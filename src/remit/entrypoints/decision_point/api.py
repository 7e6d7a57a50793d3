"""AuthZEN Authorization API 1.0 and its access request profile, for proved callers, as raw ASGI handlers."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from remit.domain.decision_point.question import Batch, Question, SearchKind, parse_batch, parse_question, parse_search
from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.decision_point.binding import REQUESTS
from remit.engine.decision_point.callers import Caller, DecisionPoint, prove_caller
from remit.engine.decision_point.obligations import DISCLOSE_ONLY
from remit.entrypoints.http.bodies import decode_body, mark_proved, read_body
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import PROBLEM, HttpResponse, encode_json, json_response, problem_response
from remit.entrypoints.http.request_log import ECHO, log_fault
from remit.entrypoints.http.wire import (
    Receive,
    Scope,
    body_digest,
    header_values,
    idempotency_key,
    malformed_request,
    verify_json_type,
)
from remit.usecases.decision_point.access_request import (
    AccessRefused,
    AccessRequest,
    AccessTask,
    Problem,
    access_status,
    request_access,
)
from remit.usecases.decision_point.act import PointDecision
from remit.usecases.decision_point.decide import decide, decide_batch, search, verify_batch
from remit.usecases.decision_point.outcome import OUTCOMES, report_outcome

PREFIX: Final = "/access/v1/"
OUTCOME: Final = "/access/v1/outcomes"
EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"
SEARCHES: Final = {f"/access/v1/search/{kind.value}": kind for kind in SearchKind}
_STATUS_PATH: Final = re.compile(rf"{re.escape(REQUESTS)}/(?P<id>[^/]+)")
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_PROBLEMS: Final = "urn:openid:authzen:access-request:error:"
_STATUSES: Final[Mapping[Problem, int]] = {
    Problem.DUPLICATE_REQUEST: 409,
    Problem.EXPIRED_DENIAL: 410,
    Problem.INVALID_DENIAL_BINDING: 400,
    Problem.NOT_REQUESTABLE: 400,
    Problem.UNKNOWN_TASK: 404,
}
_MAX_REASON_LENGTH: Final = 500
_Handler = Callable[[Caller, Scope, Receive], Awaitable[HttpResponse]]


def addresses(point: DecisionPoint) -> frozenset[tuple[str, str]]:
    """Return every method and address of the decision point, as OpenAPI writes them."""
    posts = {EVALUATION, EVALUATIONS, *SEARCHES}
    acts = {("POST", REQUESTS), ("GET", f"{REQUESTS}/{{id}}"), ("POST", OUTCOME)} if point.for_acts else set()
    return frozenset({("POST", path) for path in posts} | acts | {("GET", "/.well-known/authzen-configuration")})


@struct(frozen=True)
class DecisionApi:
    """Handlers of one desk's decision point."""

    context: DeskContext
    point: DecisionPoint
    limits: Limits

    async def handle(self, scope: Scope, receive: Receive) -> HttpResponse:
        """Answer one request below /access/v1/."""
        given = header_values(scope, b"x-request-id")
        if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]) is not None:
            scope[ECHO] = given[0].encode("ascii")
        try:
            wanted, handler = self._handler(scope["path"])
            if scope["method"] != wanted:
                wrong = Refused(Code.REQUEST_METHOD, f"{scope['method']} is not {wanted}", public=f"Use {wanted}.")
                return problem_response(wrong, issuer=self.context.terms.issuer, allow=wanted)
            return await handler(self._prove(scope), scope, receive)
        except (Refused, Fault) as refused:
            log_fault(refused, scope["path"])
            return self._problem(refused)

    async def metadata(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/authzen-configuration."""
        return json_response(200, decision_metadata(self.context, self.point))

    def _handler(self, path: str) -> tuple[str, _Handler]:
        """Return the method and the handler of an address.

        Raises:
            Refused: `request.not_found`.
        """
        handlers: dict[str, _Handler] = {EVALUATION: self._evaluation, EVALUATIONS: self._evaluations}
        wanted, handler = "POST", handlers.get(path)
        if path in SEARCHES:
            handler = self._search
        if self.point.for_acts:
            handler = {REQUESTS: self._request, OUTCOME: self._outcome}.get(path, handler)
            if _STATUS_PATH.fullmatch(path) is not None:
                wanted, handler = "GET", self._status
        if handler is None:
            raise Refused(Code.REQUEST_NOT_FOUND, "no such address")
        return wanted, handler

    def _prove(self, scope: Scope) -> Caller:
        """Authenticate the caller before anything of the body is read."""
        self.limits.verify_peer(scope)
        try:
            caller = prove_caller(self.point, header_values(scope, b"authorization"))
        except Refused:
            self.limits.count_unproved(scope)
            raise
        self.limits.verify_caller(caller.name)
        mark_proved(scope)
        return caller

    async def _evaluation(self, caller: Caller, scope: Scope, receive: Receive) -> HttpResponse:
        _, body = await _read(scope, receive)
        return await self._single(caller, parse_question(body))

    async def _single(self, caller: Caller, question: Question) -> HttpResponse:
        return json_response(200, _decision(await decide(self.context, self.point, caller, question)))

    async def _evaluations(self, caller: Caller, scope: Scope, receive: Receive) -> HttpResponse:
        _, body = await _read(scope, receive)
        batch = parse_batch(body)
        if not isinstance(batch, Batch):
            return await self._single(caller, batch)
        verify_batch(batch)
        answers = await decide_batch(self.context, self.point, caller, batch)
        return json_response(200, {"evaluations": [_decision(one) for one in answers]})

    async def _search(self, caller: Caller, scope: Scope, receive: Receive) -> HttpResponse:
        _, body = await _read(scope, receive)
        wanted = parse_search(SEARCHES[scope["path"]], body)
        found = await search(self.point, caller, wanted)
        page = {"page": {"next_token": found.next_token, "count": len(found.results)}}
        paged = wanted.paged or bool(found.next_token)
        return json_response(200, {"results": list(found.results), **(page if paged else {})})

    async def _request(self, caller: Caller, scope: Scope, receive: Receive) -> HttpResponse:
        key = idempotency_key(scope)
        raw, body = await _read(scope, receive)
        denial = _denial(body)
        request = AccessRequest(
            question=_asked(body),
            binding_token=denial["binding_token"],
            evaluation_id=denial.get("evaluation_id", ""),
            expires_at=denial.get("expires_at", ""),
            idempotency_key=key,
            body=body_digest(raw),
        )
        task = await request_access(self.context, caller, request)
        pending = task.members["status"] == "pending"
        where = ((b"location", str(task.members["status_endpoint"]).encode()),)
        return json_response(202 if pending else 201, _task(task), where)

    async def _status(self, caller: Caller, scope: Scope, _receive: Receive) -> HttpResponse:
        task = await access_status(self.context, caller, scope["path"].removeprefix(f"{REQUESTS}/"))
        return json_response(200, _task(task))

    async def _outcome(self, caller: Caller, scope: Scope, receive: Receive) -> HttpResponse:
        _, body = await _read(scope, receive)
        ask, outcome, reason = body.get("evaluation_id"), body.get("outcome"), body.get("reason", "")
        if not isinstance(ask, str) or outcome not in OUTCOMES or not isinstance(reason, str):
            raise malformed_request(f"send evaluation_id, outcome ({' or '.join(OUTCOMES)}) and perhaps a reason")
        if len(reason) > _MAX_REASON_LENGTH:
            raise malformed_request(f"reason has at most {_MAX_REASON_LENGTH} characters")
        record = await report_outcome(self.context, caller, ask, str(outcome), reason)
        return json_response(200, {"evaluation_id": record.id, "outcome": record.state.value})

    def _problem(self, error: Refused | Fault) -> HttpResponse:
        """Build a refusal with the statuses of AuthZEN, and of the profile for access requests."""
        if isinstance(error, AccessRefused):
            return _access_problem(error)
        issuer = self.context.terms.issuer
        if error.code is Code.REQUEST_UNSUPPORTED_TYPE:
            return replace(problem_response(error, issuer=issuer, extra={"status": 400}), status=400)
        wrong = b"" if error.code is Code.CREDENTIAL_MISSING else b', error="invalid_token"'
        return problem_response(error, issuer=issuer, challenge=b'Bearer realm="decisions"' + wrong)


async def _read(scope: Scope, receive: Receive) -> tuple[bytes, JsonObject]:
    verify_json_type(scope)
    raw = await read_body(scope, receive)
    return raw, await decode_body(scope, raw)


def _decision(decided: PointDecision) -> dict[str, object]:
    body: dict[str, object] = {"decision": decided.allowed}
    return {**body, "context": decided.context} if decided.context else body


def _task(task: AccessTask) -> dict[str, object]:
    body: dict[str, object] = {"task": task.members}
    return body if task.result is None else {**body, "result": task.result}


def _asked(body: JsonObject) -> Question:
    if "items" in body:
        public = "Ask for one denied act at a time."
        raise AccessRefused(Problem.NOT_REQUESTABLE, "a bundle", public)
    return parse_question(body)


def _denial(body: JsonObject) -> Mapping[str, str]:
    """Return the texts of the denial that is asked about, with its binding token."""
    denial = body.get("denial")
    found = (
        {name: value for name, value in denial.items() if isinstance(value, str)} if isinstance(denial, dict) else {}
    )
    if "binding_token" not in found:
        public = "The denied decision did not contain a context.access_request object: send its binding_token."
        raise AccessRefused(Problem.NOT_REQUESTABLE, "no binding token", public)
    return found


def _access_problem(error: AccessRefused) -> HttpResponse:
    body = {
        "type": f"{_PROBLEMS}{error.problem.value}",
        "title": error.public or MEANINGS[error.code].title,
        "status": _STATUSES[error.problem],
        "detail": error.public or "",
        "code": error.code.value,
        "cure": MEANINGS[error.code].cure,
    }
    return HttpResponse(_STATUSES[error.problem], encode_json(body), PROBLEM, ((b"cache-control", b"no-store"),))


def decision_metadata(desk: DeskContext, point: DecisionPoint) -> JsonObject:
    """Build the metadata of the decision point: only features that work, and the same signed by the desk.

    Source: AuthZEN Authorization API 1.0 §9.
    """
    issuer = desk.terms.issuer
    members: dict[str, Json] = {
        "policy_decision_point": issuer,
        "access_evaluation_endpoint": f"{issuer}{EVALUATION}",
        "access_evaluations_endpoint": f"{issuer}{EVALUATIONS}",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
    }
    if point.rules is not None:
        members |= {f"search_{kind.value}_endpoint": f"{issuer}{path}" for path, kind in SEARCHES.items()}
    obligations: list[Json] = [] if point.rules is None else list(point.rules.obligation_types)
    if point.for_acts:
        members["access_request_endpoint"] = f"{issuer}{REQUESTS}"
        members["capabilities"] = ["urn:openid:authzen:capability:access-request"]
        obligations.append(DISCLOSE_ONLY)
    if obligations:
        members["supported_obligations"] = obligations
    at = desk.world.now() // 1000
    signed = desk.signer.sign_jwt("authzen-configuration+jwt", {"iss": issuer, "iat": at, **members})
    return {**members, "signed_metadata": signed}
