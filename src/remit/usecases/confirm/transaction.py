"""Transaction authorization: a waiting confirmation as a signed challenge, and its yes as a token for one repetition.

Another wire form of the same ask and confirmation: the yes itself is decided afresh and carried out as any other.
Source: draft-rosomakho-oauth-txn-challenge; docs/model/wire.md#challenge.
"""

import hmac
from typing import Final

from remit.domain.confirm.render_values import fill_title
from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import confirmation_claim
from remit.domain.identity.oauth_refused import OAuthRefused
from remit.domain.records import PERMITTED_ASKS, AskRecord, AskState, ConfirmationRecord, IdempotencyRecord
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.reply import AskReply, confirmation_page, recorded_params
from remit.engine.context import DeskContext
from remit.ports.store import Commit, RecordMissing, Replayed, ReplayMark
from remit.proof.canonical import b64url
from remit.usecases.mandates.backchannel import spend_poll
from remit.usecases.mandates.grant import invalid_grant
from remit.usecases.record_ask import idempotency_id
from remit.usecases.tasks.task import ask_of

CHALLENGE: Final = "txn-authz-challenge+jwt"
TXN_TOKEN: Final = "txntoken+jwt"  # noqa: S105  # a media type
DETAIL: Final = "remit_ask"
_LONGEST: Final = 4096
"""⚔ In characters: longer headers are not read by every client, and params may be as long as a body."""
_TOKEN_S: Final = 120
_CHALLENGE_S: Final = 600
"""⚔ Shorter than the overlap of token keys: a challenge of a longer wait is fetched again by repeating the ask."""


@struct(frozen=True, kw_only=True)
class PendingTransaction:
    """A challenge that was accepted: the id to poll with, and the page where the customer answers ("" for officers)."""

    id: str
    expires_in_s: int
    page: str


@struct(frozen=True, kw_only=True)
class TransactionToken:
    """The token of a confirmed ask, with the details it was confirmed with."""

    token: str
    expires_in_s: int
    details: Json


async def challenge_for(desk: DeskContext, workload: Workload, reply: AskReply) -> str:
    """Sign the challenge of an ask that waits for a person; "" where it would be too long to send.

    ⚔ It is made of the record alone: the agent relays it and can neither change nor describe it.
    """
    ask = (await desk.store.get(AskRecord, reply.ask)).record
    now_s = desk.world.now() // 1000
    claims: dict[str, Json] = {
        "iss": desk.terms.issuer,
        "aud": desk.terms.issuer,
        "iat": now_s,
        "exp": min(reply.expires_at // 1000, now_s + _CHALLENGE_S),
        "jti": b64url(desk.world.random(16)),
        "txn": ask.id,
        "client_id": ask.client_id,
        "act": {"iss": desk.terms.issuer, "sub": workload.actor},
        "cnf": confirmation_claim(workload.jkt),
        "parameter_digest": ask.digest,
        "authorization_details": _details(ask),
        "reason": _reason(desk, ask),
    }
    confirmation = (await desk.store.get(ConfirmationRecord, ask.confirmation)).record
    page = confirmation_page(desk.terms.issuer, confirmation.id, confirmation.who)
    signed = desk.signer.sign_jwt(CHALLENGE, claims | ({"reason_uri": page} if page else {}))
    return signed if len(signed) <= _LONGEST else ""


async def accept_challenge(
    desk: DeskContext, caller: Caller, unverified_challenge: str
) -> PendingTransaction | TransactionToken:
    """Accept a challenge of ours from the workload it was given to, once, and say how to hear of the answer.

    Raises:
        OAuthRefused: `access_denied`, `expired_token`.
        Refused: `grant.invalid` for every challenge that is not this caller's, alike; `credential.replayed`.
    """
    now = desk.world.now()
    try:
        claims = desk.signer.verify_jwt(unverified_challenge, CHALLENGE)
    except Refused as refused:
        raise invalid_grant(f"the challenge: {refused.detail}") from None
    match claims:
        case {"iss": iss, "aud": aud, "exp": int(exp), "jti": str(jti), "txn": str(txn), "cnf": cnf}:
            fits = (iss, aud, cnf) == (desk.terms.issuer, desk.terms.issuer, confirmation_claim(caller.jkt))
        case _:
            raise invalid_grant("a claim of the challenge is missing")
    if not fits:
        raise invalid_grant("the challenge of another desk or key")
    ask = await _own_ask(desk, caller, txn)
    if now >= exp * 1000:
        raise OAuthRefused("expired_token", Code.CONFIRMATION_EXPIRED, "the challenge has expired")
    mark = ReplayMark(f"challenge {jti}", exp * 1000)
    try:
        await desk.store.commit(Commit(marks=(*caller.marks, mark)))
    except Replayed as stands:
        if mark.key in stands.args:
            raise invalid_grant("the challenge was presented before") from None
        raise caller.replayed(stands) from None
    if ask.state is not AskState.WAITING:
        return _answered(desk, ask, caller.jkt)
    confirmation = (await desk.store.get(ConfirmationRecord, ask.confirmation)).record
    left_s = max(1, (confirmation.expires_at - now) // 1000)
    page = confirmation_page(desk.terms.issuer, confirmation.id, confirmation.who)
    return PendingTransaction(id=_transaction_id(desk, ask.id), expires_in_s=left_s, page=page)


async def poll_transaction(desk: DeskContext, caller: Caller, transaction_id: str) -> TransactionToken:
    """Return the token of a confirmed ask to its own workload.

    Raises:
        OAuthRefused: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`.
        Refused: `grant.invalid` for every id that is not this caller's, alike.
    """
    ask_id = transaction_id.rpartition(".")[0]
    if not hmac.compare_digest(transaction_id.encode(), _transaction_id(desk, ask_id).encode()):
        raise invalid_grant("no such transaction")
    ask, now = await _own_ask(desk, caller, ask_id), desk.world.now()
    if ask.state is AskState.WAITING:
        await spend_poll(desk, caller, f"transaction {ask.id}", ask.at, now)
        raise OAuthRefused("authorization_pending", Code.CONFIRMATION_REQUIRED, "nobody has answered yet")
    try:
        await desk.store.commit(Commit(marks=caller.marks))
    except Replayed as stands:
        raise caller.replayed(stands) from None
    return _answered(desk, ask, caller.jkt)


async def use_transaction_token(
    desk: DeskContext, workload: Workload, unverified_token: str, idempotency_key: str
) -> None:
    """Use up a transaction token for the repetition of the very ask it was issued for, by the same key.

    The repetition then gets that ask's own reply, cut on fresh standing; another body is a conflict there.

    ⚔ The token carries no authority beyond the recorded yes: nothing is done because of it.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key`, `credential.expired`, `credential.wrong_audience` for
            another ask, task or workload, `credential.replayed`.
    """
    claims = desk.signer.verify_jwt(unverified_token, TXN_TOKEN)
    match claims:
        case {
            "aud": aud,
            "exp": int(exp),
            "jti": str(jti),
            "txn": str(txn),
            "cnf": cnf,
            "client_id": client,
        }:
            own = (aud, cnf, client) == (desk.terms.issuer, confirmation_claim(workload.jkt), workload.client_id)
        case _:
            raise Refused(Code.CREDENTIAL_MALFORMED, "a claim of the transaction token is missing")
    if not own:
        raise _elsewhere("the transaction token is another workload's")
    if desk.world.now() >= exp * 1000:
        raise Refused(Code.CREDENTIAL_EXPIRED, "the transaction token has expired")
    try:
        earlier = await desk.store.get(IdempotencyRecord, idempotency_id(workload, idempotency_key))
    except RecordMissing:
        raise _elsewhere("the transaction token is for an ask under another Idempotency-Key") from None
    if earlier.record.ask != txn:
        raise _elsewhere("the transaction token is for another ask")
    try:
        await desk.store.commit(Commit(marks=(ReplayMark(f"transaction token {jti}", exp * 1000),)))
    except Replayed:
        raise Refused(Code.CREDENTIAL_REPLAYED, "the transaction token was used before") from None


def _answered(desk: DeskContext, ask: AskRecord, jkt: str) -> TransactionToken:
    """Return the token of an ask that people answered with yes."""
    if ask.state not in PERMITTED_ASKS:
        expired = ask.state is AskState.EXPIRED
        raise OAuthRefused(
            "expired_token" if expired else "access_denied",
            Code.CONFIRMATION_EXPIRED if expired else Code.CONFIRMATION_DECLINED,
            f"the ask is {ask.state.value}",
        )
    now_s = desk.world.now() // 1000
    details = _details(ask)
    claims: dict[str, Json] = {
        "iss": desk.terms.issuer,
        "aud": desk.terms.issuer,
        "iat": now_s,
        "exp": now_s + _TOKEN_S,
        "jti": b64url(desk.world.random(16)),
        "txn": ask.id,
        "sub": ask.customer,
        "scope": "ask",
        "req_wl": ask.client_id,
        "client_id": ask.client_id,
        "cnf": confirmation_claim(jkt),
        "authorization_details": details,
        "tctx": {"action": ask.action, "parameter_digest": ask.digest},
    }
    return TransactionToken(token=desk.signer.sign_jwt(TXN_TOKEN, claims), expires_in_s=_TOKEN_S, details=details)


async def _own_ask(desk: DeskContext, caller: Caller, ask_id: str) -> AskRecord:
    """Return an ask of the caller's own task and key; unknown and foreign ones answer alike."""
    try:
        return await ask_of(desk, (caller.agent.record.id, caller.actor, caller.jkt), ask_id)
    except Refused as refused:
        raise invalid_grant(refused.detail) from None


def _details(ask: AskRecord) -> list[Json]:
    """Return the recorded ask as `authorization_details`; secrets were removed before it was recorded."""
    return [{"type": DETAIL, "action": ask.action, "params": recorded_params(ask)}]


def _reason(desk: DeskContext, ask: AskRecord) -> str:
    action = desk.catalogue.actions.get(ask.action)
    title = ask.action if action is None else fill_title(action, recorded_params(ask), {}, desk.catalogue.say)
    return f"A person must confirm: {title}"


def _transaction_id(desk: DeskContext, ask_id: str) -> str:
    """Return the id to poll with: only a presented challenge tells it."""
    return f"{ask_id}.{b64url(desk.signer.keyed('transaction authorization', ask_id.encode()))}"


def _elsewhere(detail: str) -> Refused:
    public = "The Txn-Token is for another request: repeat the ask that was challenged, with its Idempotency-Key."
    return Refused(Code.CREDENTIAL_WRONG_AUDIENCE, detail, public=public)
