"""Saying whether a token is good, and taking one back."""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.records import EndReason, MandateRecord, TaskRecord
from remit.domain.values import Json, decode
from remit.ports.store import Commit, Missing, Replayed
from remit.usecases.end import end_task
from remit.usecases.parts import Parts
from remit.usecases.prove_client import Caller
from remit.usecases.prove_workload import Tokens
from remit.usecases.standing import load_standing, verify_standing

_INACTIVE: Mapping[str, Json] = {"active": False}


async def introspect(parts: Parts, tokens: Tokens, caller: Caller, unverified_token: str) -> Mapping[str, Json]:
    """Tell an authenticated caller about a token, with the whole actor chain; nothing but `active: false` when it is not good.

    Raises:
        Refused: `credential.replayed`.

    Source: RFC 7662; actor profile.
    """
    await _spend(parts, caller)
    try:
        token = tokens.verify(parts, unverified_token)
        claims = dict(parts.signer.verify_jwt(unverified_token, "at+jwt"))
        if parts.world.now() // 1000 >= token.expires_s:
            return _INACTIVE
        if token.task:
            standing = await load_standing(parts, token.task)
            verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
            mandate = standing.mandate
        else:
            mandate = (await parts.store.get(MandateRecord, str(claims.get("mandate")))).record
            if mandate.state != "active":
                return _INACTIVE
    except (Refused, Missing):
        return _INACTIVE
    return {"active": True, "token_type": "DPoP", **claims, "authorization_details": [decode(mandate.wire.encode())]}


async def revoke_token(parts: Parts, tokens: Tokens, caller: Caller, unverified_token: str) -> None:
    """Take back the caller's own token: its task ends, and with it the whole family. Unknown tokens are no error.

    Raises:
        Refused: `credential.replayed`.

    Source: RFC 7009.
    """
    await _spend(parts, caller)
    try:
        token = tokens.verify(parts, unverified_token)
    except Refused:
        return
    if not token.task or token.client_id != caller.agent.record.id:
        return
    try:
        task = (await parts.store.get(TaskRecord, token.task)).record
    except Missing:
        return
    if task.actor == caller.actor:
        await end_task(parts, task.id, EndReason.REVOKED)


async def _spend(parts: Parts, caller: Caller) -> None:
    try:
        await parts.store.commit(Commit(marks=caller.marks))
    except Replayed:
        raise Refused(Code.CREDENTIAL_REPLAYED, "the assertion was used before") from None
