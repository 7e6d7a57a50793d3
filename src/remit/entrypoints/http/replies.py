"""Answers of use cases as HTTP: the one place that knows status codes.

Problem details are RFC 9457; OAuth endpoints keep OAuth's own error JSON, with our code beside it.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.identity.dpop import PROOF_ALGORITHMS, ProofRefused, ScopeRefused
from remit.domain.mandate.cover import CURED_BY_GRANT
from remit.domain.structs import struct
from remit.domain.values import JsonObject, instant_text
from remit.engine.ask.reply import AskReply
from remit.entrypoints.http.wire_answers import OAuthError
from remit.proof.canonical import b64url, canonical

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
METADATA: Final = "/.well-known/oauth-protected-resource"
"""The address of the metadata of a resource; its path follows (RFC 9728 §3.1)."""

_ALGS: Final = f'algs="{" ".join(PROOF_ALGORITHMS)}"'
_MAX_REMEDY_LENGTH: Final = 4096
"""⚔ In characters: longer headers are not read by every client, and params may be as long as a body."""
_SIGN_IN: Final = b'Cookie realm="people", form-action="/login"'
"""The scheme in a person's 401 (RFC 9110 §15.5.2 requires one): signing in, after draft-broyer-http-cookie-auth."""
_UNSAYABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")

STATUS: Final[Mapping[Code, int]] = {
    Code.ACTION_UNKNOWN: 403,
    Code.AGENT_HUMAN_CREDENTIAL: 403,
    Code.AGENT_SUSPENDED: 403,
    Code.AGENT_UNKNOWN: 401,
    Code.AGENT_UNTRUSTED: 403,
    Code.CATALOGUE_INVALID: 500,
    Code.CONFIRMATION_DECLINED: 403,
    Code.CONFIRMATION_EXPIRED: 403,
    Code.CONFIRMATION_MISMATCH: 409,
    Code.CONFIRMATION_REPLAYED: 409,
    Code.CONFIRMATION_REQUIRED: 401,
    Code.CONFIRMATION_TAKEN: 409,
    Code.CONFIRMATION_TOO_MANY: 429,
    Code.CONFIRMATION_WRONG_PERSON: 403,
    Code.CREDENTIAL_EXPIRED: 401,
    Code.CREDENTIAL_MALFORMED: 401,
    Code.CREDENTIAL_MISSING: 401,
    Code.CREDENTIAL_NONCE: 401,
    Code.CREDENTIAL_REPLAYED: 401,
    Code.CREDENTIAL_REVOKED: 401,
    Code.CREDENTIAL_WRONG_AUDIENCE: 401,
    Code.CREDENTIAL_WRONG_KEY: 401,
    Code.DESK_REFUSED: 422,
    Code.DESK_UNAVAILABLE: 503,
    Code.FAULT_BACKOFFICE: 503,
    Code.FAULT_CASE: 503,
    Code.FAULT_IDENTITY: 503,
    Code.FAULT_INTERNAL: 500,
    Code.FAULT_JOBS: 503,
    Code.FAULT_POLICY: 503,
    Code.FAULT_STOPPING: 503,
    Code.FAULT_STORE: 503,
    Code.GRANT_INVALID: 403,
    Code.LOG_DAMAGED: 500,
    Code.LOG_OLDER: 500,
    Code.LOGIN_DECLINED: 403,
    Code.LOGIN_INVALID: 400,
    Code.LOGIN_UNKNOWN: 403,
    Code.LOGIN_WEAK: 403,
    Code.MANDATE_EXPIRED: 401,
    Code.MANDATE_FORBIDDEN: 403,
    Code.MANDATE_INACTIVE: 401,
    Code.MANDATE_INVALID: 422,
    Code.MANDATE_LIMIT_EXCEEDED: 401,
    Code.MANDATE_OFF_TARGET: 401,
    Code.MANDATE_POWER_MISSING: 401,
    Code.MANDATE_STALE: 401,
    Code.MANDATE_TOTAL_SPENT: 401,
    Code.MANDATE_UNKNOWN: 404,
    Code.MANDATE_USES_SPENT: 401,
    Code.OBJECTIVE_ACTION_OUTSIDE: 403,
    Code.OBJECTIVE_REACHED: 403,
    Code.OBJECTIVE_STEP_ORDER: 409,
    Code.OBJECTIVE_UNKNOWN: 422,
    Code.OFFER_EXPIRED: 403,
    Code.OFFER_UNKNOWN: 403,
    Code.PARAMS_INVALID: 422,
    Code.PARAMS_NOT_OWNED: 403,
    Code.PERSON_NOT_ALLOWED: 403,
    Code.PERSON_NOT_SIGNED_IN: 401,
    Code.POLICY_ERROR: 403,
    Code.POLICY_FORBIDDEN: 403,
    Code.POLICY_INVALID: 500,
    Code.POLICY_NO_RULE: 403,
    Code.RECEIPT_INVALID: 422,
    Code.REPLY_WITHHELD: 422,
    Code.REQUEST_CONFLICT: 409,
    Code.REQUEST_MALFORMED: 400,
    Code.REQUEST_METHOD: 405,
    Code.REQUEST_NOT_FOUND: 404,
    Code.REQUEST_RATE_LIMITED: 429,
    Code.REQUEST_TOO_LARGE: 413,
    Code.REQUEST_UNSUPPORTED_TYPE: 415,
    Code.SETTINGS_INVALID: 500,
    Code.TASK_BUSY: 429,
    Code.TASK_ENDED: 401,
    Code.TASK_HELD: 403,
    Code.WORDS_ATTACHMENT: 422,
    Code.WORDS_CONTRADICTS: 422,
    Code.WORDS_SECRET: 422,
    Code.WORDS_UNREADABLE: 422,
    Code.WORDS_WIDER: 422,
}

_OAUTH: Final[Mapping[Code, tuple[int, str]]] = {
    Code.CONFIRMATION_TOO_MANY: (429, "temporarily_unavailable"),
    Code.AGENT_HUMAN_CREDENTIAL: (400, "invalid_request"),
    Code.AGENT_SUSPENDED: (401, "invalid_client"),
    Code.AGENT_UNKNOWN: (401, "invalid_client"),
    Code.CREDENTIAL_EXPIRED: (401, "invalid_client"),
    Code.CREDENTIAL_MALFORMED: (401, "invalid_client"),
    Code.CREDENTIAL_MISSING: (401, "invalid_client"),
    Code.CREDENTIAL_REPLAYED: (401, "invalid_client"),
    Code.CREDENTIAL_WRONG_AUDIENCE: (401, "invalid_client"),
    Code.CREDENTIAL_WRONG_KEY: (401, "invalid_client"),
    Code.GRANT_INVALID: (400, "invalid_grant"),
    Code.MANDATE_EXPIRED: (400, "invalid_grant"),
    Code.MANDATE_INACTIVE: (400, "invalid_grant"),
    Code.MANDATE_INVALID: (400, "invalid_authorization_details"),
    Code.OBJECTIVE_UNKNOWN: (400, "invalid_authorization_details"),
    Code.REQUEST_MALFORMED: (400, "invalid_request"),
    Code.REQUEST_RATE_LIMITED: (429, "temporarily_unavailable"),
    Code.REQUEST_TOO_LARGE: (413, "invalid_request"),
    Code.REQUEST_UNSUPPORTED_TYPE: (400, "invalid_request"),
    Code.TASK_BUSY: (429, "temporarily_unavailable"),
    Code.TASK_ENDED: (400, "invalid_grant"),
    Code.TASK_HELD: (400, "invalid_grant"),
}


_BY_A_PERSON: Final[Mapping[Code, str]] = {
    Code.CONFIRMATION_REQUIRED: "transaction_authorization_required",
    Code.MANDATE_STALE: "insufficient_user_authentication",
}
"""Challenges that a person cures, here or by signing anew (RFC 9470 §3)."""


@struct(frozen=True)
class BodyStream:
    """A body that comes piece by piece. `close` is called once, however the answer ends."""

    pieces: AsyncIterator[bytes]
    close: Callable[[], None]


@struct(frozen=True)
class HttpResponse:
    """An HTTP answer. `framed_by` is the one origin that may frame it ("" for none); `stream` follows the `body`."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    framed_by: str = ""
    stream: BodyStream | None = None


encode_json: Final[Callable[[Any], bytes]] = msgspec.json.Encoder(decimal_format="number").encode
"""Encodes JSON; decimals as exact numbers."""


def raw_json(text: str) -> msgspec.Raw:
    """Wrap JSON encoded earlier, for verbatim use in an answer."""
    return msgspec.Raw(text.encode())


def json_response(status: int, value: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> HttpResponse:  # noqa: ANN401  # any JSON-able value
    """Build a JSON answer that must not be cached."""
    return HttpResponse(status, encode_json(value), JSON, (*headers, (b"cache-control", b"no-store")))


def problem_response(  # members and headers of one code
    error: Refused | Fault,
    *,
    issuer: str,
    extra: Mapping[str, object] | None = None,
    allow: str = "",
    remedy: JsonObject | None = None,
    people: bool = False,
    resource: str = "",
    challenge: bytes = b"",
) -> HttpResponse:
    """Build RFC 9457 problem details for a refusal or fault, with the headers of the refusal ladder.

    `allow` names the methods of an address (RFC 9110 §15.5.6); `remedy` is the mandate that would cover what was
    refused. `people` sign in instead of sending tokens, so none is asked for. `resource` is the path of a door with
    metadata of its own. `challenge` is what a 401 asks for, at doors with a scheme of their own.

    Source: docs/model/standards.md#refusal-ladder.
    """
    code = error.code
    meaning = MEANINGS[code]
    # A token without the scope is a good one: 403, since a new one of the same kind would not help.
    status = 403 if isinstance(error, ScopeRefused) else STATUS[code]
    body: dict[str, object] = {
        "type": f"urn:remit:problem:{code.value}",
        "code": code.value,
        "title": meaning.title,
        "status": status,
        "detail": str(public_text(error)),
        "cure": cure_text(error),
        **(extra or {}),
    }
    headers: list[tuple[bytes, bytes]] = [(b"cache-control", b"no-store")]
    if error.retry_after_s is not None:
        body["retry_after_s"] = error.retry_after_s
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if status == 401 or isinstance(error, ScopeRefused):  # noqa: PLR2004  # the statuses that name a scheme
        signs_in = people or code.value.startswith("person.")
        ours = _SIGN_IN if signs_in else _challenge(error, issuer, remedy, resource)
        headers.append((b"www-authenticate", challenge or ours))
    if code is Code.REQUEST_METHOD:
        headers.append((b"allow", allow.encode()))
    return HttpResponse(status, encode_json(body), PROBLEM, tuple(headers))


def public_text(error: Refused | Fault) -> str:
    """Return the public text of a refusal or fault: its own, else the title of its code."""
    return (error.public if isinstance(error, Refused) else None) or MEANINGS[error.code].title


def cure_text(error: Refused | Fault) -> str:
    """Return the cure of a refusal or fault: its own, else that of its code."""
    return (error.public_cure if isinstance(error, Refused) else "") or MEANINGS[error.code].cure


def bearer_challenge(issuer: str, resource: str, scope: str, *, error: str = "") -> bytes:
    """Build the challenge for a bearer token with a scope, at a door with metadata of its own.

    Source: RFC 6750 §3, RFC 9728 §5.1.
    """
    named = f'error="{error}", ' if error else ""
    return f'Bearer {named}resource_metadata="{issuer}{METADATA}{resource}", scope="{scope}"'.encode()


def _challenge(error: Refused | Fault, issuer: str, remedy: JsonObject | None, resource: str) -> bytes:
    """Build the WWW-Authenticate header: the rung of the refusal ladder, and where to learn more.

    A bad proof differs from a bad token (RFC 9449 §7.1): on `invalid_token` a client discards a good token.
    """
    code = error.code
    metadata = f'resource_metadata="{issuer}{METADATA}{resource}"'
    if isinstance(error, ScopeRefused):
        return f'DPoP error="insufficient_scope", scope="{error.scope}", {metadata}'.encode()
    if code is Code.CREDENTIAL_MISSING:
        return f"DPoP {_ALGS}, {metadata}".encode()
    if code is Code.CREDENTIAL_NONCE:
        return f'DPoP error="use_dpop_nonce", {_ALGS}'.encode()
    if code in CURED_BY_GRANT:
        return f'DPoP error="insufficient_authorization", {_remediation(remedy)}{metadata}'.encode()
    if code in _BY_A_PERSON:
        return f'DPoP error="{_BY_A_PERSON[code]}"'.encode()
    bad = "invalid_dpop_proof" if isinstance(error, ProofRefused) else "invalid_token"
    return f'DPoP error="{bad}", error_description="{MEANINGS[code].title}", {_ALGS}, {metadata}'.encode()


def _remediation(remedy: JsonObject | None) -> str:
    """Build the `authorization_remediation` of draft-ietf-oauth-rar-metadata-remediation, for a single grant."""
    if remedy is None:
        return ""
    remedy_b64 = b64url(canonical({"authorization_details": [remedy]}))
    return f'authorization_remediation="{remedy_b64}", ' if len(remedy_b64) <= _MAX_REMEDY_LENGTH else ""


def oauth_error_response(error: Refused | Fault, *, named: str = "") -> HttpResponse:
    """Build OAuth error JSON for a refusal or fault (RFC 6749 §5.2), with `code` and `cure` beside it.

    A bad proof differs from a bad client assertion (RFC 9449 §5); `named` is OAuth's own word for this mistake, if any.
    """
    code = error.code
    status, name = _OAUTH.get(
        code,
        (STATUS[code], "temporarily_unavailable" if STATUS[code] >= 500 else "invalid_request"),  # noqa: PLR2004  # server errors
    )
    if isinstance(error, ProofRefused):
        status, name = 400, "invalid_dpop_proof"
    if code is Code.CREDENTIAL_NONCE:
        status, name = 400, "use_dpop_nonce"
    if named:
        status, name = 400, named
    described = _UNSAYABLE.sub(_instead, public_text(error))
    after_s = UNSET if error.retry_after_s is None else error.retry_after_s
    cure = cure_text(error)
    body = OAuthError(error=name, error_description=described, code=code.value, cure=cure, retry_after_s=after_s)
    headers: list[tuple[bytes, bytes]] = []
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if code is Code.REQUEST_METHOD:
        headers.append((b"allow", b"POST"))
    return json_response(status, body, tuple(headers))


def _instead(found: re.Match[str]) -> str:
    """Return a replacement for characters that `error_description` excludes: quotes, backslashes, non-ASCII.

    Source: RFC 6749 §5.2.
    """
    return "'" if found[0] == '"' else "?"


def refused_ask_response(error: Refused | Fault, *, issuer: str) -> HttpResponse:
    """Build the answer to an ask refused before any decision: the members of a refused ask, but no receipt."""
    return problem_response(error, issuer=issuer, extra={"decision": "refuse", "codes": [error.code.value]})


def ask_response(reply: AskReply, *, issuer: str) -> HttpResponse:
    """Build the HTTP reply to an ask: 200 done or failed, 202 while something is pending, a problem when refused."""
    if reply.decision == "refuse" and reply.code is not None:
        extra = {
            "ask": reply.ask,
            "decision": "refuse",
            "codes": [reply.code.value],
            "receipt": reply.receipt,
            **_files(reply),
        }
        refused = Refused(reply.code, public=reply.public or None, retry_after_s=reply.retry_after_s)
        return problem_response(refused, issuer=issuer, extra=extra, remedy=reply.remedy)
    body = ask_body(reply)
    return json_response(200 if "outcome" in body and reply.outcome != "unknown" else 202, body)


def _files(reply: AskReply) -> dict[str, object]:
    return {"attachments": list(reply.files)} if reply.files else {}


def ask_body(reply: AskReply) -> dict[str, object]:
    """Build the members of an ask's reply (docs/model/wire.md#ask-reply)."""
    body: dict[str, object] = {
        "ask": reply.ask,
        "decision": reply.decision,
        "state": str(reply.state),
        "receipt": reply.receipt,
        **_files(reply),
    }
    if reply.outcome:
        body["outcome"] = reply.outcome
    if reply.words:
        body |= {"words": reply.words, **({"notice": reply.notice} if reply.notice else {})}
    match str(reply.state):
        case "done" | "failed":
            body |= {"result": reply.result, "withheld": reply.withheld}
            if reply.public:
                body["reason"] = reply.public
        case "unknown":
            body["poll"] = f"/v1/asks/{reply.ask}"
        case "permitted" | "acting":
            body |= {"desk_pending": True, "poll": f"/v1/asks/{reply.ask}"}
        case "waiting":
            body |= {
                "who": list(reply.who),
                "expires_at": instant_text(reply.expires_at),
                "poll": f"/v1/asks/{reply.ask}",
            }
        case "countered":
            body |= {"who": list(reply.who), "expires_at": instant_text(reply.expires_at)}
            body |= {"countered_by": reply.countered_by, "poll": f"/v1/asks/{reply.countered_by}"}
        case _:
            if reply.code is not None:
                body |= {"codes": [reply.code.value], "cure": MEANINGS[reply.code].cure}
    return body


def polled_ask_body(reply: AskReply) -> dict[str, object]:
    """Build the members of a polled ask: those of its reply, with the code of a refusal and its cure."""
    body = ask_body(reply)
    if reply.code is not None:
        body |= {"codes": [reply.code.value], "cure": MEANINGS[reply.code].cure}
    return body


def polled_ask_response(reply: AskReply) -> HttpResponse:
    """Build the state of a polled ask: always 200, whatever its result."""
    return json_response(200, polled_ask_body(reply))
