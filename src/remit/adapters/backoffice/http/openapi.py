"""The OpenAPI document of the backoffice contract, made from the bodies that client and server use.

Source: docs/backoffice.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from remit.adapters.backoffice.http import messages

Shape: TypeAlias = Mapping[str, Any]

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"


class ProblemBody(msgspec.Struct, frozen=True):
    """An error (RFC 9457). Remit reads its status alone."""

    status: int
    title: str
    detail: str = ""


_BODIES: Final = (
    *(messages.RecordsRequest, messages.FactsAnswer, messages.ContentsAnswer, messages.ReadRequest),
    *(messages.AttributesRequest, messages.AttributesAnswer, messages.OwnRecordsRequest, messages.OwnRecordsAnswer),
    *(messages.ActBody, messages.ResultAnswer, messages.AboutAnswer, ProblemBody),
)

_SIGNED: Final = ("Content-Digest", "Signature-Input", "Signature")
_ACT: Final = ("Idempotency-Key", "Txn-Token")
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Digest": "RFC 9530: `sha-256=:…:` of the body, also of an empty one",
    "Signature-Input": "RFC 9421: one signature labelled `remit`, in the one form of docs/backoffice.md#signatures",
    "Signature": "RFC 9421: `remit=:…:`, Ed25519",
    "Idempotency-Key": "The act's key, as in the body; covered by the signature",
    "Txn-Token": "The transaction token: customer, action, decision, confirmers; covered by the signature",
}
_ERRORS: Final[Mapping[str, str]] = {
    "400": "The body is not of the contract",
    "401": "Not signed by Remit, or not now, or not for the first time",
    "404": "No such address",
    "413": "More than 256 KiB",
    "503": "Nothing can be said now",
}
_BUSY: Final = "409"

_READS: Final[Sequence[tuple[str, str, type[msgspec.Struct], type[msgspec.Struct]]]] = (
    (
        "/v1/facts",
        "Facts of records, in order; null for one that does not exist",
        messages.RecordsRequest,
        messages.FactsAnswer,
    ),
    (
        "/v1/contents",
        "Names of the parts of the customer's own records",
        messages.RecordsRequest,
        messages.ContentsAnswer,
    ),
    ("/v1/read", "Answer an action that only reads", messages.ReadRequest, messages.ResultAnswer),
    ("/v1/attributes", "The customer's values of attributes", messages.AttributesRequest, messages.AttributesAnswer),
    ("/v1/records", "The customer's own records of a kind", messages.OwnRecordsRequest, messages.OwnRecordsAnswer),
)


def contract_document() -> Mapping[str, Any]:
    """Build the OpenAPI 3.1 document."""
    paths: dict[str, Shape] = {
        "/v1/about": {"get": _operation("The contract's version, kinds and writes", None, messages.AboutAnswer)}
    }
    for path, summary, asked, answered in _READS:
        paths[path] = {"post": _operation(summary, asked, answered)}
    paths["/v1/acts"] = {
        "post": _operation("Do an act once", messages.ActBody, messages.ResultAnswer, headers=_ACT, busy=True)
    }
    paths["/v1/acts/{key}"] = {
        "get": _operation(
            "The outcome of a key: done, failed, fenced or unseen", None, messages.ResultAnswer, keyed=True
        )
    }
    paths["/v1/acts/{key}/fence"] = {
        "post": _operation(
            "Make sure that a key never acts from now on",
            messages.ActBody,
            messages.ResultAnswer,
            headers=_ACT,
            busy=True,
            keyed=True,
        )
    }
    _, schemas = msgspec.json.schema_components(_BODIES, schema_hook=_any_json, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backoffice contract of Remit",
            "version": messages.VERSION,
            "description": "The addresses that a company's backoffice answers for Remit. Promises, signatures and "
            "limits: docs/backoffice.md. Made by `remit desk openapi`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://shop.example/remit", "description": "backoffice.url"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": _parameters(),
            "headers": {
                name: {"required": True, "schema": {"type": "string"}, "description": _HEADERS[name]}
                for name in _SIGNED
            },
            "responses": _responses(),
        },
    }


def _operation(
    summary: str,
    asked: type[msgspec.Struct] | None,
    answered: type[msgspec.Struct],
    *,
    headers: Sequence[str] = (),
    busy: bool = False,
    keyed: bool = False,
) -> Shape:
    named = (*(["key"] if keyed else []), *_SIGNED, *headers)
    answer = {**_content("Answered", answered, _JSON), "headers": _signed_headers()}
    statuses = sorted((*_ERRORS, *([_BUSY] if busy else [])))
    body = {} if asked is None else {"requestBody": {"required": True, "content": {_JSON: {"schema": _named(asked)}}}}
    return {
        "summary": summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in named],
        **body,
        "responses": {"200": answer, **{status: {"$ref": f"#/components/responses/{status}"} for status in statuses}},
    }


def _parameters() -> Shape:
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}, "description": "URL-encoded"}
    return {"key": key} | {
        name: {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
        for name, text in _HEADERS.items()
    }


def _responses() -> Shape:
    waiting = {"Retry-After": {"required": True, "schema": {"type": "string"}, "description": "Seconds"}}
    busy = {
        **_content("The key is being done at this moment: ask again after Retry-After", ProblemBody, _PROBLEM),
        "headers": _signed_headers() | waiting,
    }
    return {_BUSY: busy} | {status: _content(text, ProblemBody, _PROBLEM) for status, text in _ERRORS.items()}


def _content(description: str, kind: type[msgspec.Struct], media_type: str) -> Shape:
    return {"description": description, "content": {media_type: {"schema": _named(kind)}}}


def _signed_headers() -> dict[str, Shape]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _SIGNED}


def _named(kind: type[msgspec.Struct]) -> Shape:
    return {"$ref": _REF.format(name=kind.__name__)}


def _any_json(_kind: type) -> dict[str, Any]:
    """Return the schema of a value that may be any JSON."""
    return {"description": "any JSON value"}
