"""Tokens of a visitor: bearer tokens of minutes, and refresh tokens that rotate at each use and die with the task.

Source: docs/model/visitors.md#tokens; RFC 9700 §4.14.2.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.binding import bound_family, family_binding
from remit.domain.records import (
    AgentRecord,
    EndReason,
    MandateRecord,
    PersonRecord,
    PushedRequest,
    RequestState,
    TaskRecord,
    TokenFamily,
)
from remit.domain.structs import replace, struct
from remit.domain.values import Instant
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.agents.token_families import read_refresh_token
from remit.engine.agents.token_families import refresh_token as make_refresh_token
from remit.engine.agents.visitors import public_client
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.notices import notify_access_change
from remit.engine.tasks import end_task
from remit.engine.transcript.record import code_hash
from remit.ports.store import Commit, Conflict, Precondition, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url, canonical
from remit.usecases.mandates.grant import invalid_grant, redeem_code
from remit.usecases.tasks.open import IssuedToken, open_task, renew_task_token
from remit.usecases.visitors.request import named_purposes

RETRY_MS: Final = 10_000
"""Time in which the same request with the same refresh token gets the same answer: a lost one is not a theft."""
_TRIES: Final = 5


class VisitTokens(msgspec.Struct, frozen=True):
    """The tokens of an answer. Times in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    task: str
    case: str
    mandate: str


class OtherPurpose(Refused):
    """A refresh that asks for another purpose than the one granted: a customer grants that, not a refresh."""


@struct(frozen=True, kw_only=True)
class CodeRedemption:
    """A code and all that has to come with it; `resource` "" where the client did not repeat it."""

    client_id: str
    code: str
    verifier: str
    redirect_uri: str
    resource: str


async def redeem_visit(desk: DeskContext, redemption: CodeRedemption) -> VisitTokens:
    """Exchange a visitor's code, once, for the first tokens of its family, and open its task.

    ⚔ A code used twice was stolen or leaked: what the first use gave ends.

    Raises:
        Refused: `grant.invalid` for every mismatch alike, `agent.*`, `mandate.*`.

    Source: RFC 6749 §4.1.2, §4.1.3; RFC 7636 §4.6; RFC 8707 §2.2.
    """
    request = await _coded_request(desk, redemption.code)
    if redemption.client_id != request.client_id or redemption.resource not in {"", request.resource}:
        raise invalid_grant("another client's code, or another resource")
    agent = await public_client(desk, request.client_id)
    if request.document != agent.record.document:
        raise invalid_grant("the client's document changed")
    family = bound_family(request.jkt)
    caller = _caller(agent, family, request.resource)
    # A client with one address may leave it out, here as in its request (RFC 6749 §4.1.3).
    known = agent.record.redirect_uris
    redirect_uri = redemption.redirect_uri or (known[0] if len(known) == 1 else "")
    try:
        redeemed = await redeem_code(
            desk, caller, code=redemption.code, verifier=redemption.verifier, redirect_uri=redirect_uri
        )
    except Refused:
        await _coded_request(desk, redemption.code)  # ⚔ used meanwhile: two uses at one time are two uses
        raise
    issued = await open_task(desk, caller, redeemed.mandate.id)
    task = (await desk.store.get(TaskRecord, issued.task)).record
    record = TokenFamily(
        id=family,
        task=task.id,
        mandate=task.mandate,
        client_id=task.client_id,
        customer=task.customer,
        resource=request.resource,
        document=request.document,
        expires_at=task.ends_at,
    )
    await desk.store.commit(Commit(puts=(Put(record, 0),)))
    return _tokens(desk, issued, record)


async def _coded_request(desk: DeskContext, code: str) -> PushedRequest:
    """Return the request of a visitor's code not used before.

    ⚔ Looked up before the client: a caller without a code has no address read. The mandate goes, not the tasks alone:
    the first use may not have opened its task yet.

    Raises:
        Refused: `grant.invalid`.
    """
    if desk.visitors is None:
        raise invalid_grant("no visitors")
    found = await desk.store.find(PushedRequest, "request.code", code_hash(desk, code), limit=1)
    if not found or not bound_family(found[0].record.jkt):
        raise invalid_grant("no such code")
    request = found[0].record
    if request.phase is RequestState.USED:
        await revoke_mandate(desk, request.mandate, customer=None, by="remit", ending=EndReason.REVOKED)
        raise invalid_grant("the code was used before")
    return request


async def refresh_visit(
    desk: DeskContext, *, client_id: str, refresh_token: str, form: Mapping[str, str]
) -> VisitTokens:
    """Exchange a refresh token for the next tokens of its family.

    ⚔ One used twice was stolen or raced: the family's task ends and the customer is told. The very same request gets
    the very same answer for ten seconds.

    Raises:
        Refused: `grant.invalid` for every mismatch alike; `task.*`, `mandate.*`, `agent.*` where nothing may be issued.
        Fault: `fault.case`, `fault.identity`, `fault.store`.

    Source: RFC 6749 §6; RFC 9700 §4.14.2.
    """
    body = b64url(desk.signer.keyed("refresh body", canonical(dict(form))))
    for _ in range(_TRIES):
        kept, number = await _family(desk, refresh_token)
        family, now = kept.record, desk.world.now()
        if family.client_id != client_id or form.get("resource", family.resource) != family.resource:
            raise invalid_grant("another client's family, or another resource")
        await _verify_scope(desk, family, form.get("scope", ""))
        agent = await public_client(desk, client_id)
        if family.document != agent.record.document:
            await _end(desk, family, EndReason.REVOKED)
            raise invalid_grant("the client's document changed since the customer consented")
        if number == family.number - 1 and now < family.retry_until and hmac.compare_digest(body, family.body):
            return await _same_answer(desk, agent, family)
        if number != family.number:
            await _end(desk, family, EndReason.REFRESH_REUSED)
            raise invalid_grant("the refresh token was used before")
        issued = await renew_task_token(desk, _caller(agent, family.id, family.resource), family.task)
        try:
            return await _rotate(desk, kept, agent, issued, body)
        except Conflict:
            continue
    raise Refused(Code.TASK_BUSY, "the family kept changing", retry_after_s=1)


async def revoke_visit(desk: DeskContext, tokens: TokenVerifier, *, client_id: str, token: str) -> bool:
    """End the task of a visitor's own token, access or refresh; return whether it was one.

    Unknown and foreign ones are no error.

    Raises:
        Fault: `fault.store`: it is then not revoked.

    Source: RFC 7009 §2.1, §2.2.
    """
    try:
        found = read_refresh_token(desk, token)
        family = tokens.verify(desk, token).family if found is None else found[0]
        record = (await desk.store.get(TokenFamily, family)).record
    except (Refused, RecordMissing):
        return False
    if record.client_id != client_id:
        return False
    await _end(desk, record, EndReason.REVOKED)
    return True


def _caller(agent: Versioned[AgentRecord], family: str, resource: str) -> Caller:
    return Caller(agent=agent, actor=agent.record.actor, jkt=family_binding(family), marks=(), resource=resource)


async def _family(desk: DeskContext, unverified_token: str) -> tuple[Versioned[TokenFamily], int]:
    """Return the family of a refresh token of ours, and the token's number.

    Raises:
        Refused: `grant.invalid`.
    """
    found = read_refresh_token(desk, unverified_token)
    if found is None:
        raise invalid_grant("no refresh token of this desk")
    try:
        return await desk.store.get(TokenFamily, found[0]), found[1]
    except RecordMissing:
        raise invalid_grant("the family is gone") from None


async def _verify_scope(desk: DeskContext, family: TokenFamily, scope: str) -> None:
    """Verify that a refresh asks for no other purpose than the one granted.

    Raises:
        OtherPurpose: `request.malformed`.

    Source: RFC 6749 §6.
    """
    granted = (await desk.store.get(MandateRecord, family.mandate)).record.objective
    if not set(named_purposes(scope)) <= {granted}:
        raise OtherPurpose(Code.REQUEST_MALFORMED, "another scope", public=f"These tokens are for {granted} alone.")


async def _rotate(
    desk: DeskContext, kept: Versioned[TokenFamily], agent: Versioned[AgentRecord], issued: IssuedToken, body: str
) -> VisitTokens:
    """Record the next refresh token and the sealed answer, and return it."""
    family = kept.record
    following = replace(family, number=family.number + 1)
    answer = _tokens(desk, issued, following)
    sealed = await desk.vault.seal(family.customer, msgspec.json.encode(answer))
    now = desk.world.now()
    following = replace(following, body=body, answer=b64encode(sealed).decode(), retry_until=Instant(now + RETRY_MS))
    preconditions = (Precondition("agent", agent.record.id, agent.rev),)
    await desk.store.commit(Commit(puts=(Put(following, kept.rev, family),), preconditions=preconditions))
    return answer


async def _same_answer(desk: DeskContext, agent: Versioned[AgentRecord], family: TokenFamily) -> VisitTokens:
    """Return the last answer again. ⚔ As a fresh one would be: only while its task may go on."""
    await renew_task_token(desk, _caller(agent, family.id, family.resource), family.task)
    opened = await desk.vault.unseal(family.customer, b64decode(family.answer))
    return msgspec.json.decode(opened, type=VisitTokens)


def _tokens(desk: DeskContext, issued: IssuedToken, family: TokenFamily) -> VisitTokens:
    mandate: MandateRecord = issued.mandate
    return VisitTokens(
        access_token=issued.access_token,
        refresh_token=make_refresh_token(desk, family.id, family.number),
        expires_in=issued.expires_in_s,
        scope=mandate.objective,
        task=issued.task,
        case=issued.case,
        mandate=mandate.id,
    )


async def _end(desk: DeskContext, family: TokenFamily, reason: EndReason) -> None:
    """End a family with its task, and tell the customer of a token that was used twice."""
    ended = await end_task(desk, family.task, reason)
    if reason is not EndReason.REFRESH_REUSED or ended.reason is not reason:
        return
    await desk.notify.incident(kind="refresh_reused", details={"agent": family.client_id, "task": family.task})
    person = (await desk.store.get(PersonRecord, family.customer)).record
    await notify_access_change(
        desk,
        person,
        subject=marked("We ended an assistant's access because it was used twice"),
        text=marked(
            "The access you gave an assistant was used from two places. It may have been copied, so we ended "
            "it. Nothing can be changed without your passkey. Connect the assistant again if you still need "
            "it."
        ),
    )
