"""Access tokens of receivers: issued for a client assertion, and recognised at the doors of a stream.

Source: RFC 6749 §4.4; RFC 7523 with 7523bis; CAEP interoperability profile, OAuth Service.
"""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.events.parties import MANAGE, READ, Receiver
from remit.domain.identity.assertions import AssertionType, claimed_client
from remit.domain.structs import replace, struct
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.events.parties import signals_of
from remit.ports.store import Commit, Replayed, ReplayMark
from remit.proof.canonical import b64url

PATH: Final = "/ssf/v1"
LIFE_S: Final = 600
_TYPE: Final = "ssf-at+jwt"
"""⚔ No access token of an agent: neither kind is taken for the other, whatever else it says."""
_DOTS: Final = 2


@struct(frozen=True, kw_only=True)
class ReceiverToken:
    """An issued token with its scope."""

    token: str
    scope: str


class ScopeUnknown(Refused):
    """A requested scope that this receiver cannot have."""


def token_issuer(desk: DeskContext) -> str:
    """Return the issuer of receivers' tokens, which is their audience too: not the one of agents' tokens."""
    return f"{desk.terms.issuer}{PATH}"


async def issue_receiver_token(
    desk: DeskContext, *, assertion_type: str, assertion: str, claimed_id: str, scope: str
) -> ReceiverToken:
    """Issue a token to a receiver that proves itself by a key of its settings.

    Raises:
        Refused: `credential.*`, `agent.unknown`; a `ScopeUnknown` for a scope beyond the receiver's own.
        Fault: `fault.identity`, `fault.store`.
    """
    signals = signals_of(desk.signals)
    if assertion_type != AssertionType.JWT_BEARER:
        raise Refused(Code.CREDENTIAL_MISSING, "no private_key_jwt", public="Send a private_key_jwt.")
    name = claimed_client(assertion_type, assertion)
    registration = signals.clients.get(name)
    if registration is None or claimed_id not in {"", name}:
        raise Refused(Code.AGENT_UNKNOWN, "no receiver of that name has keys here")
    now = desk.world.now()
    proved = await desk.clients.verify_client(
        unverified_type=assertion_type,
        unverified_assertion=assertion,
        registration=registration,
        issuer=token_issuer(desk),
        now=now,
    )
    if proved.replay_key is not None:
        try:
            await desk.store.commit(Commit(marks=(ReplayMark(f"ssf {proved.replay_key}", proved.expires_at),)))
        except Replayed:
            raise Refused(Code.CREDENTIAL_REPLAYED, "the assertion was used before") from None
    granted = _granted(signals.receivers[name], scope)
    issuer, now_s = token_issuer(desk), now // 1000
    claims: dict[str, Json] = {
        "iss": issuer,
        "aud": issuer,
        "sub": name,
        "client_id": name,
        "iat": now_s,
        "exp": now_s + LIFE_S,
        "jti": b64url(desk.world.random(16)),
        "scope": granted,
    }
    return ReceiverToken(token=desk.signer.sign_jwt(_TYPE, claims), scope=granted)


def prove_receiver(desk: DeskContext, bearer: str) -> Receiver | None:
    """Return the receiver of a bearer token, static or issued, with the token's scope; None for no good one."""
    signals = signals_of(desk.signals)
    known = signals.tokens.receiver(bearer)
    if known is not None or bearer.count(".") != _DOTS:
        return known
    try:
        claims = desk.signer.verify_jwt(bearer, _TYPE)
    except Refused:
        return None
    name, expires, scope = claims.get("sub"), claims.get("exp"), claims.get("scope")
    if claims.get("aud") != token_issuer(desk) or not isinstance(expires, int) or desk.world.now() >= expires * 1000:
        return None
    # ⚔ The settings have the last word: a receiver that is gone, or has no keys any more, has no tokens either.
    if not isinstance(name, str) or name not in signals.clients or name not in signals.receivers:
        return None
    receiver = signals.receivers[name]
    return replace(receiver, scope=READ) if scope == READ else receiver


def _granted(receiver: Receiver, wanted: str) -> str:
    """Return the scope of a token: as asked for, within the receiver's own."""
    scopes = set(wanted.split())
    own = {READ, MANAGE} if receiver.scope == MANAGE else {READ}
    if not scopes <= own:
        raise ScopeUnknown(
            Code.REQUEST_MALFORMED, "the scope is not this receiver's", public="Ask for one of your own scopes."
        )
    if not scopes:
        return receiver.scope
    return MANAGE if MANAGE in scopes else READ
