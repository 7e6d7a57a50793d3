"""Sessions: created at sign-in, resolved per request, and ended singly or all together."""

import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from remit.domain.errors import Code, Refused
from remit.domain.identity.oidc_login import ProvedLogin, login_id, sid_id
from remit.domain.records import NEVER, PasskeyRecord, PersonRecord, SessionRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url

SIGNIN_PREFIX: Final = "rs_"
"""Prefix of session ids, which identifies one presented by an agent (domain/identity/human_credentials.py)."""
_LIMIT: Final = 200
_SEEN_PARTS: Final = 8


@struct(frozen=True, kw_only=True)
class NewSession:
    """A fresh session: the cookie value (shown once) and the person."""

    cookie: str
    person: PersonRecord
    expires_at: Instant


class LiveSession(NamedTuple):
    """A live session and its person."""

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
    """Build a fresh session and its cookie value; the caller commits it.

    It rests on a passkey, on a login `proved` at the provider, or on the login of the session it comes `after`.
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
    """Return the live session of a cookie.

    ⚔ A passkey's session ends with that passkey, however many others exist. ⚔ People with provider roles sign in there:
    a passkey that outlives the job lets no one in. An idle session is over.

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
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "the session was idle for too long")
    if session.login and (session.login != person.login or desk.logins is None):
        raise Refused(
            Code.PERSON_NOT_SIGNED_IN, "the account belongs to another login now, or no provider is set up any more"
        )
    if not session.login and not may_use_passkey(desk, person):
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "they sign in at the provider")
    if now - seen >= idle_ms // _SEEN_PARTS:
        with contextlib.suppress(Conflict):  # just noted or ended concurrently
            await desk.store.commit(Commit(puts=(Put(replace(session, seen_at=now), kept.rev, session),)))
    return LiveSession(kept, person)


async def session_person(desk: DeskContext, cookie: str) -> PersonRecord:
    """Return the person of a cookie's session.

    Raises:
        Refused: `person.not_signed_in`.
    """
    return (await resolve_session(desk, cookie)).person


def may_use_passkey(desk: DeskContext, person: PersonRecord) -> bool:
    """Return whether a person may sign in with a passkey: admitted locally, where the settings allow it."""
    if desk.logins is not None and not desk.logins.passkey_login:
        return False
    return person.kind == "customer" or not person.login


async def sign_out(desk: DeskContext, cookie: str) -> bool:
    """End a session, idempotently; return whether it rested on a provider login."""
    try:
        kept = await desk.store.get(SessionRecord, keyed_id(desk, "session", cookie))
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except RecordMissing:
        return False
    except Conflict:  # used at this very moment
        return await sign_out(desk, cookie)
    return bool(kept.record.login)


async def sign_out_everywhere(desk: DeskContext, person: PersonRecord) -> int:
    """End every session of a person, over all accounts and sign-in methods; return their number.

    Source: OWASP Session Management (logout everywhere).
    """
    accounts = [person]
    if person.login:
        accounts = [
            kept.record for kept in await desk.store.find(PersonRecord, "person.login", person.login, limit=_LIMIT)
        ]
    return sum([await end_sessions(desk, "session.person", one.id) for one in accounts])


async def end_sessions(desk: DeskContext, index: str, key: str, *, login: str = "") -> int:
    """End all sessions under a key, of one login if given; return their number.

    ⚔ Until none is left: its holder keeps a session alive by using it, which moves it.
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
    """Return a person's sessions without a passkey: ending them needs their names."""
    found = await desk.store.find(SessionRecord, "session.person", person.id, limit=_LIMIT * 5)
    return [kept for kept in found if kept.record.login]


async def sessions_under(
    desk: DeskContext, index: str, key: str, *, login: str = ""
) -> Sequence[Versioned[SessionRecord]]:
    """Return one page of sessions under an index key, of one login if given."""
    found = await desk.store.find(SessionRecord, index, key, limit=_LIMIT)
    return [kept for kept in found if not login or kept.record.login == login]


def keyed_id(desk: DeskContext, purpose: str, code: str) -> str:
    """Return the id under which a secret is stored."""
    return b64url(desk.signer.keyed(purpose, code.encode()))
