"""The OpenAPI description of the decision point, for desks that have one."""

from typing import Any, Final

from remit.engine.decision_point.binding import REQUESTS
from remit.engine.decision_point.callers import DecisionPoint
from remit.entrypoints.decision_point.api import EVALUATION, EVALUATIONS, OUTCOME, SEARCHES
from remit.entrypoints.openapi.shapes import (
    JSON,
    OBJECT,
    TEXT,
    Shape,
    header_parameter,
    operation,
    problems,
    request_body,
    response,
)
from remit.usecases.decision_point.outcome import OUTCOMES

_STATUSES: Final = (400, 401, 413, 429, 500, 503)


def _object(required: tuple[str, ...], **members: Shape) -> Shape:
    return {"type": "object", "properties": members, "required": list(required)}


_ENTITY: Final = _object(("type", "id"), type=TEXT, id=TEXT, properties=OBJECT)
_SEARCHED: Final = _object(("type",), type=TEXT, id=TEXT, properties=OBJECT)
_ACTION: Final = _object(("name",), name=TEXT, properties=OBJECT)
_QUESTION: Final = {"subject": _ENTITY, "action": _ACTION, "resource": _ENTITY, "context": OBJECT}
_ASKED: Final = ("subject", "action", "resource")
_DECISION: Final = _object(("decision",), decision={"type": "boolean"}, context=OBJECT)
_LOOSE: Final = dict.fromkeys(("subject", "action", "resource", "context", "options"), OBJECT)
_BATCH: Final = _object((), **_LOOSE, evaluations={"type": "array", "items": OBJECT})
_ANSWERS: Final = _object(
    (), decision={"type": "boolean"}, context=OBJECT, evaluations={"type": "array", "items": _DECISION}
)
_PAGE: Final = _object((), limit={"type": "integer", "minimum": 1}, token=TEXT)
_FOUND: Final = _object(("results",), results={"type": "array", "items": OBJECT}, page=OBJECT)
_TASK: Final = _object(("task",), task=OBJECT, result=OBJECT)
_DENIAL: Final = _object(("binding_token",), binding_token=TEXT, evaluation_id=TEXT, expires_at=TEXT)
_OUTCOME: Final = _object(
    ("evaluation_id", "outcome"), evaluation_id=TEXT, outcome={"type": "string", "enum": list(OUTCOMES)}, reason=TEXT
)
_ID: Final = header_parameter("X-Request-ID", "Comes back in the answer", required=False)
_ONCE: Final = header_parameter(
    "Idempotency-Key",
    "1 to 255 visible ASCII characters; the same one with the same body is the same request",
    required=True,
)


def decision_paths(point: DecisionPoint | None) -> dict[str, dict[str, Any]]:
    """Build the paths of the decision point; none where there is none."""
    if point is None:
        return {}
    found = {
        EVALUATION: {"post": _post(EVALUATION, "May this subject do this", _object(_ASKED, **_QUESTION), _DECISION)},
        EVALUATIONS: {"post": _post(EVALUATIONS, "Several questions at once", _BATCH, _ANSWERS)},
        "/.well-known/authzen-configuration": {
            "get": operation("", "AuthZEN metadata", {"200": response("The metadata", OBJECT), **problems(500)})
        },
    }
    for path, kind in SEARCHES.items():
        members = {**_QUESTION, kind.value: OBJECT if kind.value == "action" else _SEARCHED, "page": _PAGE}
        needed = tuple(name for name in _ASKED if name != "action" or kind.value != "action")
        found[path] = {"post": _post(path, f"The {kind.value}s that are permitted", _object(needed, **members), _FOUND)}
    return {**found, **(_acts() if point.for_acts else {})}


def _acts() -> dict[str, dict[str, Any]]:
    asked = _object((*_ASKED, "denial"), **_QUESTION, denial=_DENIAL, requested_access=OBJECT)
    made = {"201": response("Asked and answered before", _TASK), "202": response("People are asked", _TASK)}
    status = f"{REQUESTS}/{{id}}"
    return {
        REQUESTS: {
            "post": operation(
                REQUESTS,
                "Ask people to confirm a denied act",
                {**made, **problems(404, 409, 410, *_STATUSES)},
                parameters=(_ONCE, _ID),
                security=[{"caller": []}],
                requestBody=request_body(JSON, asked),
            )
        },
        status: {
            "get": operation(
                status,
                "The state of such a request",
                {"200": response("The request", _TASK), **problems(404, *_STATUSES)},
                security=[{"caller": []}],
            )
        },
        OUTCOME: {"post": _post(OUTCOME, "Report the outcome of a permitted act", _OUTCOME, _OUTCOME, 404, 409)},
    }


def _post(path: str, summary: str, asked: Shape, told: Shape, *more: int) -> dict[str, Any]:
    return operation(
        path,
        summary,
        {"200": response("The answer", told), **problems(*more, *_STATUSES)},
        parameters=(_ID,),
        security=[{"caller": []}],
        requestBody=request_body(JSON, asked),
    )
