"""Transaction authorization on the wire: the challenge of a waiting ask, its endpoint, and the token it ends with."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from remit.domain.errors import MEANINGS, Code, Refused
from remit.domain.structs import replace
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.reply import AskReply
from remit.engine.ask.step_up import ACR
from remit.engine.context import DeskContext
from remit.entrypoints.http.replies import HttpResponse, ask_body, ask_response, json_response, problem_response
from remit.entrypoints.http.wire import Scope, header_values, malformed_request
from remit.entrypoints.http.wire_answers import TransactionPending, TransactionToken
from remit.usecases.confirm.transaction import (
    PendingTransaction,
    accept_challenge,
    challenge_for,
    poll_transaction,
    use_transaction_token,
)
from remit.usecases.mandates.backchannel import INTERVAL_S

PATH: Final = "/oauth/txn-authorize"
TXN_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:txn_token"  # noqa: S105  # a type, not a secret
_ACCEPTS: Final = b"accept-txn-challenge"
TXN_TOKEN: Final = b"txn-token"
"""The header of a transaction's token."""


async def authorize_transaction(desk: DeskContext, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
    """Answer POST /oauth/txn-authorize: a challenge, or a poll after one.

    Raises:
        OAuthRefused: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`.
        Refused: `grant.invalid`, `request.malformed`.

    Source: draft-rosomakho-oauth-txn-challenge, Transaction Authorization Flow.
    """
    match form.get("transaction_challenge", ""), form.get("transaction_authorization_id", ""):
        case (challenge, "") if challenge:
            answer = await accept_challenge(desk, caller, challenge)
        case ("", transaction) if transaction:
            answer = await poll_transaction(desk, caller, transaction)
        case _:
            raise malformed_request("send either transaction_challenge or transaction_authorization_id")
    if isinstance(answer, PendingTransaction):
        page = answer.page or UNSET
        return json_response(200, TransactionPending(answer.id, answer.expires_in_s, INTERVAL_S, page))
    return json_response(
        200,
        TransactionToken(
            access_token=answer.token,
            token_type="N_A",  # noqa: S106  # it stands beside an access token, and is none
            issued_token_type=TXN_TOKEN_TYPE,
            expires_in=answer.expires_in_s,
            authorization_details=answer.details,
        ),
    )


async def use_token_header(desk: DeskContext, scope: Scope, workload: Workload, idempotency_key: str) -> None:
    """Use up a `Txn-Token` header, if there is one.

    Raises:
        Refused: `credential.*`, `request.malformed` for several.
    """
    sent = header_values(scope, TXN_TOKEN)
    if len(sent) > 1:
        raise malformed_request("send one Txn-Token, no more")
    if sent:
        await use_transaction_token(desk, workload, sent[0], idempotency_key)


async def challenged_response(desk: DeskContext, scope: Scope, workload: Workload, reply: AskReply) -> HttpResponse:
    """Build the reply to an ask: where it waits and the agent signalled that it can, as a challenge.

    Source: draft-rosomakho-oauth-txn-challenge, Challenge Capability Signal, Challenge Response.
    """
    if reply.code is Code.MANDATE_STALE:
        return _step_up(ask_response(reply, issuer=desk.terms.issuer), desk.terms.grant_age_s)
    if str(reply.state) != "waiting" or not _accepts_challenge(scope):
        return ask_response(reply, issuer=desk.terms.issuer)
    challenge = await challenge_for(desk, workload, reply)
    if not challenge:
        return ask_response(reply, issuer=desk.terms.issuer)
    required = Refused(Code.CONFIRMATION_REQUIRED)
    extra = {**ask_body(reply), "codes": [Code.CONFIRMATION_REQUIRED.value], "transaction_challenge": challenge}
    header = (
        f'DPoP error="transaction_authorization_required", '
        f'error_description="{MEANINGS[Code.CONFIRMATION_REQUIRED].title}", transaction_challenge="{challenge}"'
    )
    return problem_response(required, issuer=desk.terms.issuer, extra=extra, challenge=header.encode())


def _step_up(refused: HttpResponse, max_age_s: int) -> HttpResponse:
    """Add to a challenge how the customer has to authenticate, and how lately.

    Source: RFC 9470 §3.
    """
    wanted = f', acr_values="{ACR}", max_age="{max_age_s}"'.encode()
    headers = tuple((name, value + wanted if name == b"www-authenticate" else value) for name, value in refused.headers)
    return replace(refused, headers=headers)


def _accepts_challenge(scope: Scope) -> bool:
    """Return whether the capability is signalled: a structured Boolean, true, once; parameters are ignored.

    Source: RFC 9651 §3.3, §4.2: a doubled field is a list, which counts as absent.
    """
    sent = header_values(scope, _ACCEPTS)
    return len(sent) == 1 and sent[0].strip(" ").partition(";")[0].rstrip(" ") == "?1"
