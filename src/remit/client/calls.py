"""Requests to the desk: pure functions from arguments to a `Call`. Nothing is sent here.

The async and the sync client send these same calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlencode

from remit.client.delegation import Introduction
from remit.client.discovery import Metadata
from remit.client.requests import ask_body, encoded_ask
from remit.client.values import Attached

MANDATE_TOKEN: Final = "urn:remit:token-type:mandate"  # noqa: S105  # a name, not a secret
TASK_TOKEN: Final = "urn:remit:token-type:task"  # noqa: S105  # a name, not a secret
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name, not a secret
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_CIBA: Final = "urn:openid:params:grant-type:ciba"


class Side(StrEnum):
    """The half of the desk a call goes to; each issues its own DPoP nonces (RFC 9449 §8 and §9)."""

    AUTHORIZATION = "authorization"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request before it is proved. Proof and client assertion are made afresh each time it is sent.

    `form` and `body` exclude each other; `body` never changes between repetitions. `authenticates` adds client
    authentication, `proves` a DPoP proof; `asserts` sends both in headers, bound to each other. `repeatable`: sending
    it twice does it once. `wait_s`: the time the desk was asked to hold the answer.
    """

    method: str
    url: str
    side: Side = Side.RESOURCE
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    authenticates: bool = False
    proves: bool = True
    asserts: bool = False
    repeatable: bool = True
    wait_s: int = 0


def public(url: str) -> Call:
    """Read a public document of the desk."""
    return Call(method="GET", url=url, proves=False)


def pushed_request(desk: Metadata, *, details: str, redirect_uri: str, state: str, challenge: str, jkt: str) -> Call:
    """Push the mandate request; the browser later carries only its `request_uri`.

    Source: RFC 9126; RFC 7636 (S256); RFC 9449 §10 (`dpop_jkt`).
    """
    form = {
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "dpop_jkt": jkt,
        "authorization_details": details,
    }
    return Call(
        method="POST", url=desk.par_endpoint, side=Side.AUTHORIZATION, form=form, authenticates=True, proves=False
    )


def consent_url(desk: Metadata, *, client_id: str, request_uri: str) -> str:
    """Build the address the customer opens."""
    return f"{desk.authorization_endpoint}?{urlencode({'client_id': client_id, 'request_uri': request_uri})}"


def code_grant(desk: Metadata, *, code: str, redirect_uri: str, verifier: str) -> Call:
    """Exchange the code for the mandate.

    Not repeatable: a code counts once, and the server revokes on a second use, which looks like theft (RFC 6749
    §4.1.2).
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    return Call(
        method="POST", url=desk.token_endpoint, side=Side.AUTHORIZATION, form=form, authenticates=True, repeatable=False
    )


def backchannel_request(endpoint: str, *, login_hint: str, details: str, binding_message: str | None, jkt: str) -> Call:
    """Ask for a mandate without a browser (CIBA). Not repeatable: a second one would ring the person twice."""
    form = {"scope": "openid", "login_hint": login_hint, "authorization_details": details, "dpop_jkt": jkt}
    if binding_message is not None:
        form["binding_message"] = binding_message
    return Call(
        method="POST",
        url=endpoint,
        side=Side.AUTHORIZATION,
        form=form,
        authenticates=True,
        repeatable=False,
    )


def backchannel_grant(desk: Metadata, *, auth_req_id: str) -> Call:
    """Ask whether the person has answered a backchannel request."""
    form = {"grant_type": _CIBA, "auth_req_id": auth_req_id}
    return Call(method="POST", url=desk.token_endpoint, side=Side.AUTHORIZATION, form=form, authenticates=True)


def exchange(desk: Metadata, *, subject: str, subject_type: str, key: str) -> Call:
    """Open a task under a mandate, or renew a task. `key` marks repetitions of the same opening.

    Source: RFC 8693 §2.1; docs/model/wire.md#exchange.
    """
    form = {"grant_type": _EXCHANGE, "subject_token": subject, "subject_token_type": subject_type}
    headers = {"Idempotency-Key": key}
    return Call(
        method="POST", url=desk.token_endpoint, side=Side.AUTHORIZATION, form=form, headers=headers, authenticates=True
    )


def branch(desk: Metadata, *, mandate: str, details: str, other: Introduction) -> Call:
    """Issue a sub-mandate to another agent, which proves itself by its own assertion.

    Not repeatable: that assertion counts once.

    Source: RFC 8693 §2.1 (actor_token).
    """
    form = {
        "grant_type": _EXCHANGE,
        "subject_token": mandate,
        "subject_token_type": MANDATE_TOKEN,
        "requested_token_type": MANDATE_TOKEN,
        "actor_token": other.assertion,
        "actor_token_type": other.assertion_type,
        "actor_client_id": other.client_id,
        "dpop_jkt": other.key_thumbprint,
        "authorization_details": details,
    }
    return Call(
        method="POST", url=desk.token_endpoint, side=Side.AUTHORIZATION, form=form, authenticates=True, repeatable=False
    )


def revocation(endpoint: str, *, token: str) -> Call:
    """Revoke a task's credential.

    Source: RFC 7009.
    """
    form = {"token": token, "token_type_hint": "access_token"}
    return Call(method="POST", url=endpoint, side=Side.AUTHORIZATION, form=form, authenticates=True, proves=False)


def ask(
    desk: Metadata,
    *,
    task: str,
    action: str,
    params: Mapping[str, object],
    words: str | None,
    attachments: Sequence[Attached],
    key: str,
) -> Call:
    """Build an ask. The body is encoded once, so that every repetition is the same to the byte.

    Raises:
        Miswritten: when an argument is malformed, or the params are not JSON.
    """
    wish = ask_body(action=action, params=params, words=words, attachments=attachments, key=key)
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return Call(method="POST", url=f"{_task(desk, task)}/asks", body=encoded_ask(wish), headers=headers)


def ask_state(desk: Metadata, *, ask_id: str, wait_s: int) -> Call:
    """Read the state of an ask; the desk holds the answer for up to `wait_s` seconds."""
    return Call(method="GET", url=f"{desk.issuer}/v1/asks/{quote(ask_id, safe='')}?wait={wait_s}", wait_s=wait_s)


def ask_afterwards(desk: Metadata, *, ask_id: str, wait_s: int) -> Call:
    """Read the state of an ask without a token, after its task has ended."""
    return replace(ask_state(desk, ask_id=ask_id, wait_s=wait_s), asserts=True)


def task_status(desk: Metadata, *, task: str) -> Call:
    """Read the state of a task."""
    return Call(method="GET", url=_task(desk, task))


def inbox(desk: Metadata, *, task: str, after: int, wait_s: int) -> Call:
    """Read the messages after number `after`."""
    return Call(method="GET", url=f"{_task(desk, task)}/inbox?after={after}&wait={wait_s}", wait_s=wait_s)


def complete(desk: Metadata, *, task: str) -> Call:
    """Complete the task."""
    return Call(method="POST", url=f"{_task(desk, task)}/complete")


def _task(desk: Metadata, task: str) -> str:
    return f"{desk.issuer}/v1/tasks/{quote(task, safe='')}"
