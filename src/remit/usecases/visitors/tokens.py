"""Tokens of a visitor: bearer tokens of minutes, and refresh tokens that rotate at each use and die with the task.

A refresh token is `<family>.<number>.<MAC>`: nothing in the store gives one out, and every earlier one is recognised.

Source: docs/model/visitors.md#tokens; RFC 9700 §4.14.2.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.binding import bound_family, family_binding
from remit.domain.ids import is_id
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
from remit.domain.values import Instant
from remit.engine.agents.authenticate import Caller
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.agents.visitors import public_client
from remit.engine.context import DeskContext
from remit.engine.notices import access_notices
from remit.engine.tasks import end_all, end_task
from remit.engine.transcript.record import code_hash
from remit.ports.store import Commit, Conflict, Precondition, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url, canonical
from remit.usecases.mandates.grant import invalid_grant, redeem_code
from remit.usecases.tasks.open import IssuedToken, open_task, renew_task_token

RETRY_MS: Final = 10_000
"""Time in which the same request with the same refresh token gets the same answer: a lost one is not a theft."""
_TRIES: Final = 5
_TOKEN: Final = re.compile(r"(fam_[a-z2-7]{26})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})", re.ASCII)


class VisitTokens(msgspec.Struct, frozen=True):
    """The tokens of an answer. Times in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    task: str
    case: str
    mandate: str


@dataclass(frozen=True, slots=True, kw_only=True)
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
    agent = await public_client(desk, redemption.client_id)
    found = await desk.store.find(PushedRequest, "request.code", code_hash(desk, redemption.code), limit=1)
    family = bound_family(found[0].record.jkt) if found else ""
    if not family:
        raise invalid_grant("no such code")
    request = found[0].record
    if request.phase is RequestState.USED:
        await end_all(desk, "task.live_mandate", request.mandate, EndReason.REVOKED)
        raise invalid_grant("the code was used before")
    if redemption.resource not in {"", request.resource} or request.document != agent.record.document:
        raise invalid_grant("another resource, or the client's document changed")
    caller = _caller(agent, family, request.resource)
    redeemed = await redeem_code(
        desk, caller, code=redemption.code, verifier=redemption.verifier, redirect_uri=redemption.redirect_uri
    )
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
        agent = await public_client(desk, client_id)
        kept, number = await _family(desk, refresh_token)
        family, now = kept.record, desk.world.now()
        if family.client_id != client_id or form.get("resource", family.resource) != family.resource:
            raise invalid_grant("another client's family, or another resource")
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


async def revoke_visit(desk: DeskContext, tokens: TokenVerifier, *, client_id: str, token: str) -> None:
    """End the task of a visitor's own token, access or refresh; unknown and foreign ones are no error.

    Raises:
        Fault: `fault.store`: it is then not revoked.

    Source: RFC 7009 §2.1, §2.2.
    """
    try:
        family = (await _family(desk, token))[0].record.id if _TOKEN.fullmatch(token) else ""
        family = family or tokens.verify(desk, token).family
        record = (await desk.store.get(TokenFamily, family)).record
    except (Refused, RecordMissing):
        return
    if record.client_id == client_id:
        await _end(desk, record, EndReason.REVOKED)


def _caller(agent: Versioned[AgentRecord], family: str, resource: str) -> Caller:
    return Caller(agent=agent, actor=agent.record.actor, jkt=family_binding(family), marks=(), resource=resource)


async def _family(desk: DeskContext, unverified_token: str) -> tuple[Versioned[TokenFamily], int]:
    """Return the family of a refresh token of ours, and the token's number.

    Raises:
        Refused: `grant.invalid`.
    """
    found = _TOKEN.fullmatch(unverified_token)
    if found is None or not is_id(found[1], "fam"):
        raise invalid_grant("no refresh token of this desk")
    number = int(found[2])
    if not hmac.compare_digest(found[0], _refresh_token(desk, found[1], number)):
        raise invalid_grant("no refresh token of this desk")
    try:
        return await desk.store.get(TokenFamily, found[1]), number
    except RecordMissing:
        raise invalid_grant("the family is gone") from None


def _refresh_token(desk: DeskContext, family: str, number: int) -> str:
    mac = b64url(desk.signer.keyed("refresh token", f"{family}.{number}".encode()))
    return f"{family}.{number}.{mac}"


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
        refresh_token=_refresh_token(desk, family.id, family.number),
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
    notices = access_notices(
        desk,
        person,
        subject=marked("An assistant's access was used twice, and has ended"),
        text=marked(
            "The access you gave an assistant was used from two places. It may have been copied, so it has ended. "
            "Nothing can be changed without your passkey; connect the assistant again if you still need it."
        ),
    )
    if notices.puts:
        await desk.store.commit(Commit(puts=notices.puts))
    await notices.log_unsent(desk)
