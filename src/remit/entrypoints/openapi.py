"""The OpenAPI description of the HTTP doors, made from the same tables the doors answer from."""

from collections.abc import Mapping
from typing import Any

from remit import __version__
from remit.domain.errors import MEANINGS, Code
from remit.entrypoints.replies import STATUS
from remit.usecases.parts import Parts


def openapi(parts: Parts) -> Mapping[str, Any]:
    """An OpenAPI 3.1 document of this desk."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Remit at {parts.catalogue.desk}",
            "version": __version__,
            "description": "A support desk's door for agents that speak for customers.",
        },
        "servers": [{"url": parts.terms.issuer}],
        "paths": {
            "/oauth/par": {
                "post": _form(
                    "Ask a customer for a mandate",
                    [
                        "client_assertion_type",
                        "client_assertion",
                        "response_type",
                        "authorization_details",
                        "code_challenge",
                        "code_challenge_method",
                        "redirect_uri",
                        "dpop_jkt",
                    ],
                    "201",
                    {"request_uri": _TEXT, "expires_in": _INT},
                )
            },
            "/oauth/token": {
                "post": _form(
                    "Redeem a code, open a task, or renew it",
                    ["client_assertion_type", "client_assertion", "grant_type"],
                    "200",
                    {"access_token": _TEXT, "token_type": _TEXT, "expires_in": _INT, "mandate": _TEXT, "task": _TEXT, "case": _TEXT},
                )
            },
            "/oauth/introspect": {
                "post": _form(
                    "Is this token good", ["client_assertion_type", "client_assertion", "token"], "200", {"active": {"type": "boolean"}}
                )
            },
            "/oauth/revoke": {
                "post": _form("Take a token back; its task ends", ["client_assertion_type", "client_assertion", "token"], "200", {})
            },
            "/v1/tasks/{task}": {"get": _agent("How the task stands", ["task"])},
            "/v1/tasks/{task}/asks": {"post": _ask()},
            "/v1/tasks/{task}/inbox": {"get": _agent("The desk's messages, already cut", ["task"], query=["after", "wait"])},
            "/v1/tasks/{task}/complete": {"post": _agent("End the task; the case stays", ["task"])},
            "/v1/asks/{ask}": {"get": _settled()},
            **{path: {"get": _plain(summary)} for path, summary in _OPEN.items()},
        },
        "components": {
            "securitySchemes": _SCHEMES,
            "schemas": {"Problem": _problem()},
        },
    }


_OPEN = {
    "/v1/catalogue": "What this desk can do and tell",
    "/healthz": "The process answers",
    "/readyz": "The store answers, and which rules are served",
    "/metrics": "What this process counts, for Prometheus",
    "/.well-known/oauth-authorization-server": "RFC 8414 metadata",
    "/.well-known/oauth-protected-resource": "RFC 9728 metadata",
    "/.well-known/jwks.json": "The keys access tokens are signed with",
    "/log/key": "The log's public key (C2SP vkey)",
    "/log/checkpoint": "The newest signed checkpoint (C2SP)",
    "/log/tile/{path}": "Tiles and entry bundles (C2SP tlog-tiles)",
}
"""What anybody may read."""

_SCHEMES = {
    "dpop": {"type": "http", "scheme": "DPoP", "description": "RFC 9449: an access token and a fresh proof."},
    "assertion": {
        "type": "apiKey",
        "in": "header",
        "name": "Client-Assertion",
        "description": "RFC 7521 in headers, with Client-Assertion-Type and a DPoP proof whose ath is the assertion's hash.",
    },
}
_TEXT = {"type": "string"}
_INT = {"type": "integer"}


def _problem() -> Mapping[str, Any]:
    return {
        "type": "object",
        "required": ["type", "code", "title", "detail", "cure"],
        "properties": {
            "type": _TEXT,
            "code": {
                "type": "string",
                "enum": [code.value for code in Code],
                "x-meanings": {
                    code.value: {"status": STATUS[code], "title": MEANINGS[code].title, "cure": MEANINGS[code].cure} for code in Code
                },
            },
            "title": _TEXT,
            "detail": _TEXT,
            "cure": _TEXT,
            "retry_after_s": _INT,
            "receipt": {"type": "object"},
        },
    }


def _refused() -> Mapping[str, Any]:
    return {
        "description": "Refused, with what would cure it",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _plain(summary: str) -> Mapping[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "As it is"}}}


def _form(summary: str, needed: list[str], status: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = {"type": "object", "required": needed, "properties": dict.fromkeys(needed, _TEXT)}
    answer = {"description": "Done", "content": {"application/json": {"schema": {"type": "object", "properties": members}}}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}},
        "responses": {status: answer, "400": {"description": "OAuth error JSON, with `code` and `cure` beside it"}},
    }


def _agent(summary: str, path: list[str], query: list[str] | None = None) -> Mapping[str, Any]:
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in path]
    parameters += [{"name": name, "in": "query", "schema": _INT} for name in query or []]
    return {
        "summary": summary,
        "security": [{"dpop": []}],
        "parameters": parameters,
        "responses": {"200": {"description": "As it is"}, "401": _refused()},
    }


def _settled() -> Mapping[str, Any]:
    """By token while the task lives; by the workload's own assertion also afterwards, without attributes."""
    described = _agent("What became of an ask", ["ask"], query=["wait"])
    return {**described, "security": [{"dpop": []}, {"assertion": []}]}


def _ask() -> Mapping[str, Any]:
    body = {
        "type": "object",
        "additionalProperties": False,
        "required": ["action", "params"],
        "properties": {
            "action": _TEXT,
            "params": {"type": "object"},
            "words": _TEXT,
            "attachments": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "media_type", "data_b64"],
                    "properties": {"name": _TEXT, "media_type": _TEXT, "data_b64": _TEXT},
                },
            },
        },
    }
    key = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": _TEXT}
    described = dict(_agent("Ask for one action", ["task"]))
    described["parameters"] = [*described["parameters"], key]
    described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    described["responses"] = {
        "200": {"description": "Permitted and settled: done or failed"},
        "202": {"description": "Permitted and pending, or a person must confirm"},
        **{status: _refused() for status in ("401", "403", "409", "422", "429", "503")},
    }
    return described
