"""Binding tokens: a denial that a person could lift names itself, so that only its caller can ask that person."""

from hashlib import sha256
from typing import Final

from remit.domain.decision_point.question import Question
from remit.domain.errors import Refused
from remit.domain.ids import is_id
from remit.domain.structs import replace
from remit.domain.values import Instant, Json, JsonObject, instant_text
from remit.engine.context import DeskContext
from remit.engine.decision_point.callers import Caller
from remit.proof.canonical import b64url, canonical

TYPE: Final = "pdp-denial-binding+jwt"
REQUESTS: Final = "/access/v1/requests"
_MAX_LENGTH: Final = 8_192
_CONTEXT: Final = ("actor", "mission")
"""Members of a context that a denial rests on: a caller may add others to its request, such as a justification."""


def requestable(desk: DeskContext, caller: Caller, question: Question, denial: JsonObject) -> JsonObject:
    """Return the members of a denial that a person could lift: where to ask, until when, and the token to ask with.

    Source: AuthZEN Access Request and Approval Profile Draft 1 (requestable denial context).
    """
    now, evaluation = desk.world.now(), str(denial.get("evaluation_id", ""))
    until = Instant(now + desk.terms.request_ttl_s * 1000)
    members: list[Json] = list(_CONTEXT)
    claims: dict[str, Json] = {
        "iss": desk.terms.issuer,
        "aud": f"{desk.terms.issuer}{REQUESTS}",
        "sub": caller.name,
        "iat": now // 1000,
        "exp": until // 1000,
        "jti": evaluation,
        "evaluation_id": evaluation,
        "denial_expires_at": instant_text(until),
        "binding_context_members": members,
        "binding_hash": binding_hash(question),
    }
    access: JsonObject = {
        "endpoint": f"{desk.terms.issuer}{REQUESTS}",
        "expires_at": instant_text(until),
        "binding_token": desk.signer.sign_jwt(TYPE, claims),
    }
    return {"next_action": "request", "access_request": access}


class BindingExpired(Exception):  # noqa: N818  # a decision, as `Refused`
    """A token of ours that has expired."""


def verify_binding(desk: DeskContext, token: str, question: Question) -> str:
    """Return the id of the denial that a token is bound to.

    ⚔ It serves for the very subject, action and resource, and for a while; whose denial it was stands in the record.

    Raises:
        BindingExpired: its time is over.
        ValueError: it is not ours, or of another request.
    """
    if len(token) > _MAX_LENGTH:
        message = "too long"
        raise ValueError(message)
    try:
        claims = desk.signer.verify_jwt(token, TYPE)
    except Refused as refused:
        raise ValueError(refused.detail) from None
    evaluation, until_s = claims.get("jti"), claims.get("exp")
    ours = claims.get("iss") == desk.terms.issuer and claims.get("aud") == f"{desk.terms.issuer}{REQUESTS}"
    if not ours or not isinstance(evaluation, str) or not is_id(evaluation, "ask") or not isinstance(until_s, int):
        message = "not a binding token of this desk"
        raise ValueError(message)
    if claims.get("binding_hash") != binding_hash(question):
        message = "another subject, action, resource, agent or task than was denied"
        raise ValueError(message)
    if desk.world.now() // 1000 >= until_s:
        raise BindingExpired
    return evaluation


def binding_hash(question: Question) -> str:
    """Return the digest of the denied question: subject, resource, action, and of its context agent and task.

    Source: AuthZEN Access Request and Approval Profile Draft 1 (binding token integrity).
    """
    context = {name: value for name, value in question.context.items() if name in _CONTEXT}
    properties = {name: value for name, value in question.subject.properties.items() if name != "act"}
    bound = replace(question, subject=replace(question.subject, properties=properties), context=context)
    return b64url(sha256(canonical(bound.as_json())).digest())
