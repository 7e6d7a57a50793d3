"""Shapes of the answers to agents, for OpenAPI. Tests compare them with answers not encoded through their struct."""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from remit.entrypoints.agents.oauth_requests import ACCESS_TOKEN, MANDATE_TYPE

Anything: TypeAlias = Annotated[Any, Meta(extra_json_schema={"type": "object"})]
_RECEIPT: Final = {"type": "object", "description": "A receipt: entries, their proofs, and the checkpoint they lead to"}
Receipt: TypeAlias = Annotated[Any, Meta(extra_json_schema=_RECEIPT)]
TokenType: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": [ACCESS_TOKEN, MANDATE_TYPE]})]
Text: TypeAlias = str | UnsetType
Texts: TypeAlias = list[str] | UnsetType


class AttachmentOut(msgspec.Struct, frozen=True):
    """The state of a file that came with an ask."""

    name: str
    state: str
    kind: Text = UNSET
    why: Text = UNSET
    removed: Anything | UnsetType = UNSET


class Reply(msgspec.Struct, frozen=True):
    """The decision on an ask, and its result."""

    ask: str
    decision: Literal["permit", "needs_human", "refuse"]
    state: str
    receipt: Receipt
    outcome: Literal["done", "failed", "unknown"] | UnsetType = UNSET
    result: Anything | UnsetType = UNSET
    withheld: int | UnsetType = UNSET
    reason: Text = UNSET
    desk_pending: bool | UnsetType = UNSET
    who: Texts = UNSET
    expires_at: Text = UNSET
    poll: Text = UNSET
    countered_by: Text = UNSET
    words: Literal["held", "released", "stripped"] | UnsetType = UNSET
    notice: Text = UNSET
    codes: Texts = UNSET
    cure: Text = UNSET
    attachments: list[AttachmentOut] | UnsetType = UNSET


class Task(msgspec.Struct, frozen=True):
    """A task as its agent sees it."""

    task: str
    case: str
    state: str
    objective: str
    budgets: list[Anything]
    waiting: list[str]
    ends_at: str
    reason: Text = UNSET


class Ended(msgspec.Struct, frozen=True):
    """A task ended by its agent."""

    task: str
    state: str
    reason: str
    took_ms: int


class InboxMessage(msgspec.Struct, frozen=True):
    """A message of the desk, already redacted."""

    n: int
    at: str
    kind: str
    withheld: int
    text: Text = UNSET
    offer: Anything | UnsetType = UNSET
    withheld_kinds: Texts = UNSET


class Inbox(msgspec.Struct, frozen=True):
    """The messages of a task."""

    messages: list[InboxMessage]


class Pushed(msgspec.Struct, frozen=True):
    """A stored pushed request (RFC 9126)."""

    request_uri: str
    expires_in: int


class TokenResponse(msgspec.Struct, frozen=True):
    """A token, or a mandate for another agent."""

    access_token: str
    token_type: Literal["DPoP", "Bearer", "N_A"]
    mandate: str
    issued_token_type: TokenType | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET
    scope: Literal["mandate", "ask"] | UnsetType = UNSET
    authorization_details: list[Anything] | UnsetType = UNSET
    task: Text = UNSET
    case: Text = UNSET


class VisitorTokenResponse(msgspec.Struct, frozen=True):
    """The tokens of a visitor, which names no key: a bearer token of one resource, and the next refresh token."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    scope: str
    mandate: str
    task: str
    case: str


class RegisteredClient(msgspec.Struct, frozen=True):
    """A client that registered itself (RFC 7591)."""

    client_id: str
    client_name: str
    redirect_uris: list[str]
    token_endpoint_auth_method: Literal["none"]
    grant_types: list[str]
    response_types: list[str]
    client_id_expires_at: int


class BackchannelStarted(msgspec.Struct, frozen=True):
    """A mandate request that waits for its customer (CIBA §7.3)."""

    auth_req_id: str
    expires_in: int
    interval: int


class PendingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """OAuth's error JSON of a grant that waits for consent, with the members for polling."""

    error: str
    error_description: str
    code: str
    cure: str
    auth_req_id: str
    expires_in: int
    interval: int


class TransactionPending(msgspec.Struct, frozen=True):
    """An accepted transaction challenge; ask again with the id."""

    transaction_authorization_id: str
    expires_in: int
    interval: int
    authorization_uri: Text = UNSET


class TransactionToken(msgspec.Struct, frozen=True, kw_only=True):
    """The token of a confirmed ask, for the `Txn-Token` header of its repetition."""

    access_token: str
    token_type: Literal["N_A"]
    issued_token_type: str
    expires_in: int
    authorization_details: Anything


class Introspected(msgspec.Struct, frozen=True):
    """Whether a token is good, and its content (RFC 7662)."""

    active: bool
    token_type: Text = UNSET
    authorization_details: list[Anything] | UnsetType = UNSET
    act: Anything | UnsetType = UNSET


class OAuthError(msgspec.Struct, frozen=True):
    """OAuth's own error JSON, with a code and a cure."""

    error: str
    error_description: str
    code: str
    cure: str
    retry_after_s: int | UnsetType = UNSET
