"""Who a session is: made at sign-in, looked at by every request, and ended, one or all of somebody's."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from remit.domain.errors import Code, Refused
from remit.domain.identity.oidc_login import ProvedLogin, login_id, sid_id
from remit.domain.records import NEVER, PasskeyRecord, PersonRecord, SessionRecord
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url

SIGNIN_PREFIX: Final = "rs_"
"""How session ids begin, so that one presented by an agent is recognised (domain/identity/human_credentials.py)."""
_LIMIT: Final = 200
_SEEN_PARTS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A fresh session: the cookie value (shown once) and the person."""

    cookie: str
    person: PersonRecord
    expires_at: Instant


class LiveSession(NamedTuple):
    """A live session and whose it is."""

    session: Versioned[SessionRecord]
    person: PersonRecord


def new_session(
    desk: DeskContext,
    person: PersonRecord,
    *,
    passkey: str = "",
    proved: ProvedLogin | None = None,
    after: SessionRecord | None = None,
) -> tuple[str, SessionRecord]:
    """A fresh session and its cookie value; the caller commits it.

    It stands on a passkey, or on a login that was `proved` at the provider, or goes on with the login of the session `after` which it comes.
    """
    cookie = SIGNIN_PREFIX + b64url(desk.world.random(32))
    now = desk.world.now()
    made = SessionRecord(
        id=keyed_id(desk, "session", cookie),
        person=person.id,
        created_at=now,
        expires_at=Instant(now + desk.terms.session_ttl_s * 1000) if after is None else after.expires_at,
        passkey=passkey,
        seen_at=now,
    )
    if after is not None:
        made = replace(made, login=after.login, sid=after.sid, acr=after.acr, auth_at=after.auth_at)
    if proved is not None:
        login, sid = login_id(proved.issuer, proved.subject), sid_id(proved.issuer, proved.sid)
        made = replace(made, login=login, sid=sid, acr=proved.acr, auth_at=proved.auth_at or NEVER)
    return cookie, made


async def resolve_session(desk: DeskContext, cookie: str) -> LiveSession:
    """Whose session a cookie is.

    ⚔ One made by a passkey lives by that passkey, however many others were made with it. ⚔ Who gets their roles from the company's
    provider signs in there: a passkey that outlives the job lets nobody in. A session that nobody used for a while is over.

    Raises:
        Refused: `person.not_signed_in`.
    """
    if not cookie.startswith(SIGNIN_PREFIX):
        desk.leak_scanner.present((cookie,), LeakSource(where="presented"))
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "no session")
    try:
        kept = await desk.store.get(SessionRecord, keyed_id(desk, "session", cookie))
        session, now = kept.record, desk.world.now()
        person = (await desk.store.get(PersonRecord, session.person)).record
        revoked = bool(session.passkey) and (await desk.store.get(PasskeyRecord, session.passkey)).record.revoked
    except RecordMissing:
        desk.leak_scanner.present((cookie,), LeakSource(where="presented"))
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "no such session") from None
    seen = max(session.seen_at, session.created_at)
    if now >= session.expires_at or revoked:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "the session has expired")
    idle_ms = desk.terms.session_idle_s * 1000
    if now >= seen + idle_ms:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "nobody used the session for a while")
    if session.login and (session.login != person.login or desk.logins is None):
        raise Refused(
            Code.PERSON_NOT_SIGNED_IN, "the account belongs to another login now, or no provider is set up any more"
        )
    if not session.login and not may_use_passkey(desk, person):
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "they sign in at the provider")
    if now - seen >= idle_ms // _SEEN_PARTS:
        with contextlib.suppress(Conflict):  # somebody else has just noted it, or ended it
            await desk.store.commit(Commit(puts=(Put(replace(session, seen_at=now), kept.rev, session),)))
    return LiveSession(kept, person)


async def session_person(desk: DeskContext, cookie: str) -> PersonRecord:
    """Whose session a cookie is, as `resolve_session`.

    Raises:
        Refused: `person.not_signed_in`.
    """
    return (await resolve_session(desk, cookie)).person


def may_use_passkey(desk: DeskContext, person: PersonRecord) -> bool:
    """Whether somebody may sign in with a passkey: whom the desk's own login let in, where the settings leave that open."""
    if desk.logins is not None and not desk.logins.passkey_login:
        return False
    return person.kind == "customer" or not person.login


async def sign_out(desk: DeskContext, cookie: str) -> bool:
    """End a session; ending an ended one changes nothing. Tells whether it stood on a login at the provider."""
    try:
        kept = await desk.store.get(SessionRecord, keyed_id(desk, "session", cookie))
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except RecordMissing:
        return False
    except Conflict:  # it was used at the very moment
        return await sign_out(desk, cookie)
    return bool(kept.record.login)


async def sign_out_everywhere(desk: DeskContext, person: PersonRecord) -> int:
    """End every session of somebody, whichever of their accounts it is of and however it was made. Tells how many there were.

    Source: OWASP Session Management (logout everywhere).
    """
    accounts = [person]
    if person.login:
        accounts = [
            kept.record for kept in await desk.store.find(PersonRecord, "person.login", person.login, limit=_LIMIT)
        ]
    return sum([await end_sessions(desk, "session.person", one.id) for one in accounts])


async def end_sessions(desk: DeskContext, index: str, key: str, *, login: str = "") -> int:
    """End all sessions that are found under a key, of one login if it is named. Tells how many there were.

    ⚔ Until none is left: whoever holds one keeps it alive by using it, which moves it.
    """
    ended = 0
    while True:
        found = await sessions_under(desk, index, key, login=login)
        if not found:
            return ended
        for kept in found:
            with contextlib.suppress(Conflict):
                await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
                ended += 1


async def login_sessions(desk: DeskContext, person: PersonRecord) -> Sequence[Versioned[SessionRecord]]:
    """Somebody's sessions that stand on no passkey: what ends them must name them."""
    found = await desk.store.find(SessionRecord, "session.person", person.id, limit=_LIMIT * 5)
    return [kept for kept in found if kept.record.login]


async def sessions_under(
    desk: DeskContext, index: str, key: str, *, login: str = ""
) -> Sequence[Versioned[SessionRecord]]:
    """Sessions under a key of an index, of one login if it is named: a page of them."""
    found = await desk.store.find(SessionRecord, index, key, limit=_LIMIT)
    return [kept for kept in found if not login or kept.record.login == login]


def keyed_id(desk: DeskContext, purpose: str, code: str) -> str:
    """Under which id something secret is kept."""
    return b64url(desk.signer.keyed(purpose, code.encode()))
