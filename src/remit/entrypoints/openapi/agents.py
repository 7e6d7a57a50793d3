"""The OpenAPI description of the agents' API, the OAuth endpoints and public reads."""

from collections.abc import Mapping
from typing import Any, Final

from remit.entrypoints.agents import a2a_card
from remit.entrypoints.agents.oauth import GRANTS
from remit.entrypoints.agents.oauth_requests import ACCESS_TOKEN, MANDATE_TYPE, TASK_TYPE
from remit.entrypoints.agents.visitors import REFRESH, REGISTER
from remit.entrypoints.http.wire import AskBody, EmptyBody
from remit.entrypoints.http.wire_answers import (
    BackchannelStarted,
    Ended,
    Inbox,
    Introspected,
    Pushed,
    RegisteredClient,
    Reply,
    Task,
    TokenResponse,
    TransactionPending,
    TransactionToken,
    VisitorTokenResponse,
)
from remit.entrypoints.openapi.shapes import (
    BYTES,
    DPOP,
    EVENTS,
    FORM,
    JSON,
    PLAIN,
    PROOF,
    Shape,
    form,
    header_parameter,
    inlined,
    oauth_errors,
    operation,
    problems,
    query_parameter,
    request_body,
    response,
)

_KEY_NAMED: Final = header_parameter("DPoP", "A proof by the key that `dpop_jkt` names, in place of it", required=False)
_ONCE: Final = header_parameter(
    "Idempotency-Key",
    "1 to 255 visible ASCII characters; the same one with the same body is the same ask",
    required=True,
)
_AGENTS: Final = (401, 403, 404, 429, 500, 503)
_OAUTH: Final = (400, 401, 403, 413, 429, 500, 503)
_WAIT: Final = query_parameter("wait", {"type": "integer", "minimum": 0, "maximum": 30})

_PROVED: Final = ("client_assertion_type", "client_assertion")
_TOKEN_TAKES: Final = (
    "client_id",
    "code",
    "code_verifier",
    "redirect_uri",
    "subject_token",
    "auth_req_id",
    "assertion",
    "scope",
    "resource",
    "audience",
)
_TOKEN_FORM: Final = form(
    (*_PROVED, "grant_type"),
    (*_TOKEN_TAKES, "actor_token", "actor_token_type", "actor_client_id", "authorization_details", "dpop_jkt"),
    grant_type={"type": "string", "enum": list(GRANTS)},
    subject_token_type={"type": "string", "enum": [MANDATE_TYPE, TASK_TYPE]},
    requested_token_type={"type": "string", "enum": [ACCESS_TOKEN, MANDATE_TYPE]},
)
_PAR_FORM: Final = form(
    (*_PROVED, "response_type", "authorization_details", "code_challenge", "code_challenge_method", "redirect_uri"),
    ("client_id", "dpop_jkt", "state", "scope", "resource", "response_mode"),
)
_BACKCHANNEL_FORM: Final = form(
    (*_PROVED, "scope", "login_hint", "authorization_details"),
    ("client_id", "dpop_jkt", "binding_message", "client_notification_token", "requested_expiry", "resource"),
)
_TRANSACTION: Final = {
    "oneOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in (TransactionPending, TransactionToken)]
}
_TOKEN_ALONE: Final = form((*_PROVED, "token"), ("client_id", "token_type_hint"))

_READ: Final[Mapping[str, tuple[str, str, tuple[int, ...]]]] = {
    "/v1/catalogue": ("Actions, objectives and attributes of this server", JSON, ()),
    "/oauth/authorization-details-types": ("The JSON Schema of a mandate here", JSON, ()),
    "/openapi.json": ("This document", JSON, ()),
    "/healthz": ("The process answers", JSON, ()),
    "/readyz": ("Whether this process should be given requests, and which rules it serves", JSON, (503,)),
    "/metrics": ("What this process counts, for Prometheus", PLAIN, ()),
    "/.well-known/oauth-authorization-server": ("RFC 8414 metadata", JSON, ()),
    "/.well-known/oauth-protected-resource": ("RFC 9728 metadata", JSON, ()),
    "/.well-known/jwks.json": ("The keys access tokens are signed with", JSON, ()),
    a2a_card.CARD: ("The agent card of A2A 1.0, signed", JSON, ()),
    "/log/key": ("The log's public key (C2SP vkey)", PLAIN, ()),
    "/log/checkpoint": ("The newest signed checkpoint (C2SP)", PLAIN, (404, 503)),
    "/log/tile/{path}": ("Tiles and entry bundles (C2SP tlog-tiles)", BYTES, (404, 503)),
}
"""Public reads: description, media type, and possible refusals."""

_ISSUES: Final = "Redeem a code or a backchannel request, open a task, renew it, or cut a branch for another agent"
_REVOKES: Final = "Revoke a token; its task ends. A grant's token, or a mandate's id, gives the mandate up"
_REVOKED: Final = response("Done", {"type": "object", "properties": {}})
_OAUTH_DOORS: Final[Mapping[str, tuple[str, Shape, Shape, tuple[Shape, ...]]]] = {
    "/oauth/par": ("Ask a customer for a mandate", {"201": response("Kept", Pushed)}, _PAR_FORM, (_KEY_NAMED,)),
    "/oauth/token": (_ISSUES, {"200": response("Issued", TokenResponse)}, _TOKEN_FORM, (DPOP,)),
    "/oauth/bc-authorize": (
        "Ask a returning customer for a mandate, without a browser (CIBA)",
        {"200": response("Kept", BackchannelStarted)},
        _BACKCHANNEL_FORM,
        (_KEY_NAMED,),
    ),
    "/oauth/txn-authorize": (
        "Present the challenge of an ask that needs approval, or poll for its outcome",
        {"200": response("Pending, or the token of the confirmed ask", _TRANSACTION)},
        form(_PROVED, ("client_id", "transaction_challenge", "transaction_authorization_id")),
        (DPOP,),
    ),
    "/oauth/introspect": (
        "Introspect a token",
        {"200": response("Whether it is active, and its claims", Introspected)},
        _TOKEN_ALONE,
        (),
    ),
    "/oauth/revoke": (_REVOKES, {"200": _REVOKED}, _TOKEN_ALONE, ()),
}
"""Purpose, answer, body and headers of each OAuth endpoint."""


def agent_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of agents and of public reads."""
    oauth = {
        path: {
            "post": operation(
                path,
                summary,
                {**answer, **oauth_errors(*_OAUTH)},
                parameters=headers,
                requestBody=request_body(FORM, reads),
            )
        }
        for path, (summary, answer, reads, headers) in _OAUTH_DOORS.items()
    }
    read = {
        path: {"get": operation(path, what, {"200": response(what, None, kind), **problems(*no, 500)})}
        for path, (what, kind, no) in _READ.items()
    }
    return {**oauth, **_tasks(), **_a2a(), **read}


def _a2a() -> dict[str, dict[str, Any]]:
    """Build the address of A2A: refusals of the caller are problems, all others JSON-RPC errors with status 200."""
    path, described = _agents(
        a2a_card.PATH,
        "A2A 1.0 over JSON-RPC: a message makes an ask, a task shows its state",
        {"200": response("A JSON-RPC result or error, or a stream of them", _RPC_ANSWER), **problems(400, 413, 415)},
        header_parameter("A2A-Version", "1.0; without it the client is taken to speak 0.3", required=True),
        DPOP,
        method="post",
        requestBody=request_body(JSON, _RPC_REQUEST),
    )
    described["post"]["responses"]["200"]["content"][EVENTS] = {"schema": {"type": "string"}}
    return {path: described}


_RPC_ID: Final[Shape] = {"type": ["string", "integer", "null"]}
_RPC_REQUEST: Final[Shape] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": _RPC_ID,
        "method": {"type": "string"},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc", "id", "method"],
}
_RPC_ANSWER: Final[Shape] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": _RPC_ID,
        "result": {"type": "object"},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {"type": "array"}},
            "required": ["code", "message"],
        },
    },
    "required": ["jsonrpc", "id"],
    "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
}


def _tasks() -> dict[str, dict[str, Any]]:
    asks = {
        "200": response("Permitted and settled: done or failed", Reply),
        "202": response("Permitted and pending, or a person must confirm", Reply),
        **problems(400, 409, 413, 415, 422),
    }
    inbox = {"200": response("Messages", Inbox), **problems(400)}
    after = query_parameter("after", {"type": "integer"})
    ended = {"200": response("Ended", Ended), **problems(400, 413, 415)}
    nothing = request_body(JSON, inlined(EmptyBody), required=False)
    by_anyone = header_parameter("DPoP", f"{PROOF}, where an agent asks", required=False)
    receipt = "The receipt of one entry (C2SP tlog-proof), for a party to it"
    return dict(
        (
            _agents("/v1/tasks/{task}", "The state of the task", {"200": response("The task", Task)}),
            _agents(
                "/v1/tasks/{task}/asks",
                "Ask for one action",
                asks,
                _ONCE,
                DPOP,
                header_parameter(
                    "Accept-Txn-Challenge", "`?1`: an ask that waits is answered 401 with a challenge", required=False
                ),
                header_parameter(
                    "Txn-Token", "The token of a confirmed ask, with its repetition; counts once", required=False
                ),
                method="post",
                requestBody=request_body(JSON, AskBody),
            ),
            _agents("/v1/tasks/{task}/inbox", "Messages from support, already redacted", inbox, after, _WAIT, DPOP),
            _agents(
                "/v1/tasks/{task}/complete", "End the task; the case stays", ended, method="post", requestBody=nothing
            ),
            # By token while the task lives; by the workload's own assertion also afterwards, without attributes.
            _agents(
                "/v1/asks/{ask}",
                "The state of an ask",
                {"200": response("The ask", Reply), **problems(400)},
                _WAIT,
                DPOP,
                also="assertion",
            ),
            _agents(
                "/log/receipts/{entry}",
                receipt,
                {"200": response("The receipt, opened for the caller", None, PLAIN)},
                by_anyone,
                also="session",
            ),
        )
    )


def _agents(
    path: str,
    summary: str,
    answers: Shape,
    *parameters: Shape,
    method: str = "get",
    also: str = "",
    **more: Any,  # noqa: ANN401  # OpenAPI's own members
) -> tuple[str, dict[str, Any]]:
    """Build an endpoint that takes a token with its proof, and `also` another credential."""
    security: list[Shape] = [{"dpop": []}, *([{also: []}] if also else [])]
    answers = {**answers, **problems(*_AGENTS)}
    return path, {
        method: operation(path, summary, answers, parameters=parameters or (DPOP,), security=security, **more)
    }


_METADATA: Final[Shape] = {
    "type": "object",
    "description": "A public client's metadata (RFC 7591); members unknown here are ignored",
    "properties": {"redirect_uris": {"type": "array", "items": {"type": "string"}}, "client_name": {"type": "string"}},
    "required": ["redirect_uris"],
}
_VISITORS_FORM: Final = form(
    ("client_id", "grant_type"),
    ("code", "code_verifier", "redirect_uri", "refresh_token", "resource", "scope"),
    grant_type={"type": "string", "enum": ["authorization_code", REFRESH]},
)
_OPTIONAL_DPOP: Final = header_parameter("DPoP", f"{PROOF}; none beside a visitor's token", required=False)


def open_to_visitors(paths: Mapping[str, Mapping[str, Any]], *, registration: bool) -> dict[str, dict[str, Any]]:
    """Describe the same paths for a desk that lets in clients without a key, with `registration` or without."""
    found = {
        path: {method: _for_visitors(operation) for method, operation in one.items()} for path, one in paths.items()
    }
    issues = found["/oauth/token"]["post"]
    issued = issues["responses"]["200"]["content"][JSON]["schema"]
    answer = response("Issued", {"anyOf": [issued, inlined(VisitorTokenResponse)]})
    asked = {"anyOf": [_TOKEN_FORM, _VISITORS_FORM]}
    found["/oauth/token"]["post"] = {
        **issues,
        "responses": {**issues["responses"], "200": answer},
        "requestBody": request_body(FORM, asked),
        "parameters": [_OPTIONAL_DPOP],
    }
    taken = {"anyOf": [_TOKEN_ALONE, form(("client_id", "token"), ("token_type_hint",))]}
    found["/oauth/revoke"]["post"] = {**found["/oauth/revoke"]["post"], "requestBody": request_body(FORM, taken)}
    if registration:
        registered = response("Registered for a day", inlined(RegisteredClient))
        answers = {"201": registered, **oauth_errors(400, 403, 413, 415, 429, 500, 503)}
        summary = "Register a client without a key"
        body = request_body(JSON, _METADATA)
        found[REGISTER] = {"post": operation(REGISTER, summary, answers, requestBody=body)}
    return found


def _for_visitors(described: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an operation of agents as taking a bearer token, too."""
    security = list(described.get("security", ()))
    if {"dpop": []} not in security:
        return dict(described)
    parameters = [_OPTIONAL_DPOP if one == DPOP else one for one in described.get("parameters", ())]
    return {**described, "security": [*security, {"bearer": []}], "parameters": parameters}
