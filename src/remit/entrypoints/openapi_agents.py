"""What OpenAPI says of the agents' doors, the OAuth endpoints and what anybody may read."""

from collections.abc import Mapping
from typing import Any, Final

from remit.entrypoints.oauth import ACCESS_TOKEN, GRANTS, MANDATE_TYPE, TASK_TYPE
from remit.entrypoints.openapi_shapes import (
    ANYTHING,
    ANYTHINGS,
    BYTES,
    FLAG,
    FORM,
    INTEGER,
    JSON,
    PLAIN,
    TEXT,
    TEXTS,
    Shape,
    asked,
    body,
    header,
    members,
    oauth_errors,
    operation,
    problems,
    told,
)

_PROOF: Final = "A fresh RFC 9449 proof of this very request"
_DPOP: Final = header("DPoP", _PROOF, required=True)
_CLIENT: Final[Shape] = {"client_assertion_type": TEXT, "client_assertion": TEXT, "client_id": TEXT}
_PROVED: Final = ("client_assertion_type", "client_assertion")
_AGENTS: Final = (401, 403, 404, 429, 500, 503)
_OAUTH: Final = (400, 401, 403, 413, 429, 500, 503)
_WAIT: Final = asked("wait", {"type": "integer", "minimum": 0, "maximum": 30})

_RECEIPT: Final[Shape] = {"type": "object", "description": "A receipt: entries, their proofs, and the checkpoint they lead to"}
_REPLY: Final = members(
    {
        "ask": TEXT,
        "decision": {"type": "string", "enum": ["permit", "needs_human", "refuse"]},
        "state": TEXT,
        "outcome": {"type": "string", "enum": ["done", "failed", "unknown"]},
        "result": ANYTHING,
        "withheld": INTEGER,
        "reason": TEXT,
        "desk_pending": FLAG,
        "who": TEXTS,
        "expires_at": TEXT,
        "poll": TEXT,
        "countered_by": TEXT,
        "words": {"type": "string", "enum": ["held", "released", "stripped"]},
        "notice": TEXT,
        "codes": TEXTS,
        "cure": TEXT,
        "receipt": _RECEIPT,
        "attachments": {
            "type": "array",
            "description": "What became of the files that came with it",
            "items": members({"name": TEXT, "state": TEXT, "kind": TEXT, "why": TEXT, "removed": ANYTHING}, ("name", "state")),
        },
    },
    ("ask", "decision", "state", "receipt"),
)
_ASK: Final[Shape] = {
    **members(
        {
            "action": TEXT,
            "params": ANYTHING,
            "words": {"type": ["string", "null"]},
            "attachments": {
                "type": ["array", "null"],
                "items": members({"name": TEXT, "media_type": TEXT, "data_b64": TEXT}, ("name", "media_type", "data_b64")),
            },
        },
        ("action", "params"),
    ),
    "additionalProperties": False,
}
_TASK: Final = members(
    {
        "task": TEXT,
        "case": TEXT,
        "state": TEXT,
        "reason": TEXT,
        "objective": TEXT,
        "budgets": ANYTHINGS,
        "waiting": TEXTS,
        "ends_at": TEXT,
    },
    ("task", "case", "state", "objective", "budgets", "waiting", "ends_at"),
)
_INBOX: Final = members(
    {
        "messages": {
            "type": "array",
            "items": members(
                {
                    "n": INTEGER,
                    "at": TEXT,
                    "kind": TEXT,
                    "text": TEXT,
                    "offer": ANYTHING,
                    "withheld": INTEGER,
                    "withheld_kinds": {"type": "array", "items": TEXT},
                },
                ("n", "at", "kind", "withheld"),
            ),
        }
    },
    ("messages",),
)
_ENDED: Final = members({"task": TEXT, "state": TEXT, "reason": TEXT, "took_ms": INTEGER}, ("task", "state", "reason", "took_ms"))
_ISSUED: Final = members(
    {
        "access_token": TEXT,
        "token_type": {"type": "string", "enum": ["DPoP", "N_A"]},
        "issued_token_type": {"type": "string", "enum": [ACCESS_TOKEN, MANDATE_TYPE]},
        "expires_in": INTEGER,
        "scope": {"type": "string", "enum": ["mandate", "ask"]},
        "mandate": TEXT,
        "authorization_details": ANYTHINGS,
        "task": TEXT,
        "case": TEXT,
    },
    ("access_token", "token_type", "mandate"),
)
_TOKEN_FORM: Final = members(
    {
        **_CLIENT,
        "grant_type": {"type": "string", "enum": list(GRANTS)},
        "code": TEXT,
        "code_verifier": TEXT,
        "redirect_uri": TEXT,
        "subject_token": TEXT,
        "subject_token_type": {"type": "string", "enum": [MANDATE_TYPE, TASK_TYPE]},
        "requested_token_type": {"type": "string", "enum": [ACCESS_TOKEN, MANDATE_TYPE]},
        "scope": TEXT,
        "resource": TEXT,
        "audience": TEXT,
        "actor_token": TEXT,
        "actor_token_type": TEXT,
        "actor_client_id": TEXT,
        "authorization_details": TEXT,
        "dpop_jkt": TEXT,
    },
    (*_PROVED, "grant_type"),
)
_PAR_NEEDS: Final = ("response_type", "authorization_details", "code_challenge", "code_challenge_method", "redirect_uri")
_PAR_TAKES: Final = (*_PAR_NEEDS, "dpop_jkt", "state", "scope", "resource", "response_mode")
_PAR_FORM: Final = members({**_CLIENT, **dict.fromkeys(_PAR_TAKES, TEXT)}, (*_PROVED, *_PAR_NEEDS))
_TOKEN_ALONE: Final = members({**_CLIENT, "token": TEXT, "token_type_hint": TEXT}, (*_PROVED, "token"))
_GOOD: Final = members({"active": FLAG, "token_type": TEXT, "authorization_details": ANYTHINGS, "act": ANYTHING}, ("active",))

_READ: Final[Mapping[str, tuple[str, str, tuple[int, ...]]]] = {
    "/v1/catalogue": ("What this desk can do and tell", JSON, ()),
    "/openapi.json": ("This document", JSON, ()),
    "/healthz": ("The process answers", JSON, ()),
    "/readyz": ("Whether this process should be given requests, and which rules it serves", JSON, (503,)),
    "/metrics": ("What this process counts, for Prometheus", PLAIN, ()),
    "/.well-known/oauth-authorization-server": ("RFC 8414 metadata", JSON, ()),
    "/.well-known/oauth-protected-resource": ("RFC 9728 metadata", JSON, ()),
    "/.well-known/jwks.json": ("The keys access tokens are signed with", JSON, ()),
    "/log/key": ("The log's public key (C2SP vkey)", PLAIN, ()),
    "/log/checkpoint": ("The newest signed checkpoint (C2SP)", PLAIN, (404, 503)),
    "/log/tile/{path}": ("Tiles and entry bundles (C2SP tlog-tiles)", BYTES, (404, 503)),
}
"""What anybody may read: what it is, as what it comes, and with what it may be refused."""


def agent_paths() -> dict[str, dict[str, Any]]:
    """The paths agents and anybody use."""
    paths = {
        path: {"get": operation(path, what, {"200": told(what, None, kind), **problems(*no, 500)})}
        for path, (what, kind, no) in _READ.items()
    }
    return {**_oauth(), **_tasks(), **paths}


def _oauth() -> dict[str, dict[str, Any]]:
    par = header("DPoP", "A proof by the key that `dpop_jkt` names, in place of it", required=False)
    return {
        "/oauth/par": {
            "post": operation(
                "/oauth/par",
                "Ask a customer for a mandate",
                {
                    "201": told("Kept", members({"request_uri": TEXT, "expires_in": INTEGER}, ("request_uri", "expires_in"))),
                    **oauth_errors(*_OAUTH),
                },
                parameters=[par],
                requestBody=body(FORM, _PAR_FORM),
            )
        },
        "/oauth/token": {
            "post": operation(
                "/oauth/token",
                "Redeem a code, open a task, renew it, or cut a branch for another agent",
                {"200": told("Issued", _ISSUED), **oauth_errors(*_OAUTH)},
                parameters=[_DPOP],
                requestBody=body(FORM, _TOKEN_FORM),
            )
        },
        "/oauth/introspect": {
            "post": operation(
                "/oauth/introspect",
                "Is this token good",
                {"200": told("Whether it is, and what it says", _GOOD), **oauth_errors(*_OAUTH)},
                requestBody=body(FORM, _TOKEN_ALONE),
            )
        },
        "/oauth/revoke": {
            "post": operation(
                "/oauth/revoke",
                "Take a token back; its task ends. A grant's token, or a mandate's id, gives the mandate up",
                {"200": told("Done", members({})), **oauth_errors(*_OAUTH)},
                requestBody=body(FORM, _TOKEN_ALONE),
            )
        },
    }


def _tasks() -> dict[str, dict[str, Any]]:
    key = header("Idempotency-Key", "1 to 255 visible ASCII characters; the same one with the same body is the same ask", required=True)
    return {
        "/v1/tasks/{task}": {"get": _agents("/v1/tasks/{task}", "How the task stands", {"200": told("The task", _TASK)})},
        "/v1/tasks/{task}/asks": {
            "post": _agents(
                "/v1/tasks/{task}/asks",
                "Ask for one action",
                {
                    "200": told("Permitted and settled: done or failed", _REPLY),
                    "202": told("Permitted and pending, or a person must confirm", _REPLY),
                    **problems(400, 409, 413, 415, 422),
                },
                key,
                requestBody=body(JSON, _ASK),
            )
        },
        "/v1/tasks/{task}/inbox": {
            "get": _agents(
                "/v1/tasks/{task}/inbox",
                "The desk's messages, already cut",
                {"200": told("Messages", _INBOX), **problems(400)},
                asked("after", INTEGER),
                _WAIT,
            )
        },
        "/v1/tasks/{task}/complete": {
            "post": _agents(
                "/v1/tasks/{task}/complete",
                "End the task; the case stays",
                {"200": told("Ended", _ENDED), **problems(400, 413, 415)},
                requestBody=body(JSON, {**members({}), "additionalProperties": False}, required=False),
            )
        },
        "/v1/asks/{ask}": {
            "get": {
                **_agents("/v1/asks/{ask}", "What became of an ask", {"200": told("The ask", _REPLY), **problems(400)}, _WAIT),
                # By token while the task lives; by the workload's own assertion also afterwards, without attributes.
                "security": [{"dpop": []}, {"assertion": []}],
            }
        },
        "/log/receipts/{entry}": {
            "get": operation(
                "/log/receipts/{entry}",
                "The receipt of one entry (C2SP tlog-proof), for a party to it",
                {"200": told("The receipt, opened for whoever asks", None, PLAIN), **problems(*_AGENTS)},
                parameters=[header("DPoP", f"{_PROOF}, where an agent asks", required=False)],
                security=[{"dpop": []}, {"session": []}],
            )
        },
    }


def _agents(path: str, summary: str, answers: Shape, *parameters: Shape, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # OpenAPI's own members
    return operation(path, summary, {**answers, **problems(*_AGENTS)}, parameters=[*parameters, _DPOP], security=[{"dpop": []}], **more)
