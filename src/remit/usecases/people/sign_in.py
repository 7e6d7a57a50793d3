"""Sign-in with a passkey; nothing is written before authentication."""

import re
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import PasskeyRecord, PersonRecord
from remit.domain.structs import replace
from remit.domain.values import JsonObject
from remit.engine.context import DeskContext
from remit.engine.people.passkey import verify_assertion
from remit.engine.people.sessions import NewSession, may_use_passkey, new_session
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Replayed, ReplayMark
from remit.proof.canonical import b64url
from remit.usecases.people.enrol import BegunCeremony

_SIGN_IN_MS: Final = 600_000
_SIGN_IN: Final = re.compile(r"[A-Za-z0-9_-]{22}\.([1-9][0-9]{0,14})", re.ASCII)


async def begin_sign_in(desk: DeskContext) -> BegunCeremony:
    """Issue a challenge to sign in with any passkey of this desk.

    ⚔ Anyone may request one, so nothing is written: the challenge is derived from the ceremony's name.
    """
    ceremony = f"{b64url(desk.world.random(16))}.{desk.world.now() + _SIGN_IN_MS}"
    options = desk.passkeys.request_options(challenge=_sign_in_challenge(desk, ceremony), allowed=())
    return BegunCeremony(ceremony=ceremony, options=options, person=None)


async def finish_sign_in(desk: DeskContext, *, ceremony_id: str, assertion: JsonObject) -> NewSession:
    """Sign a person in by passkey.

    Raises:
        Refused: `confirmation.replayed`, `credential.wrong_key`, `person.not_signed_in` for an unknown passkey,
            `person.not_allowed` for a person who signs in at the company's provider.
    """
    ends = _sign_in_ends(desk, ceremony_id)
    try:
        passkey = await desk.store.get(PasskeyRecord, str(assertion.get("id", "")))
        person = (await desk.store.get(PersonRecord, passkey.record.person)).record
    except RecordMissing:
        raise Refused(
            Code.PERSON_NOT_SIGNED_IN, "an unknown passkey", public=marked("We don't know this passkey.")
        ) from None
    if passkey.record.revoked:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "a revoked passkey", public=marked("This passkey was removed."))
    if not may_use_passkey(desk, person):
        public = marked("Sign in with the company's login. Your passkey is only for approving requests here.")
        raise Refused(Code.PERSON_NOT_ALLOWED, "they sign in at the provider", public=public)
    asserted = verify_assertion(desk, assertion, passkey.record, _sign_in_challenge(desk, ceremony_id))
    cookie, session = new_session(desk, person, passkey=passkey.record.id)
    used = replace(passkey.record, sign_count=asserted.sign_count)
    try:
        await desk.store.commit(
            Commit(
                puts=(Put(session, 0), Put(used, passkey.rev, passkey.record)),
                marks=(ReplayMark(f"sign-in {ceremony_id}", ends),),
            )
        )
    except (Conflict, Replayed):
        raise Refused(Code.CONFIRMATION_REPLAYED, "the challenge was used already") from None
    return NewSession(cookie=cookie, person=person, expires_at=session.expires_at)


def _sign_in_challenge(desk: DeskContext, ceremony_id: str) -> bytes:
    """Return a sign-in's challenge, which only this desk can compute, for names and expiries it issued."""
    return desk.signer.keyed("sign-in", ceremony_id.encode())


def _sign_in_ends(desk: DeskContext, ceremony_id: str) -> int:
    """Return the expiry of a sign-in's ceremony."""
    found = _SIGN_IN.fullmatch(ceremony_id)
    now = desk.world.now()
    if found is None or not now < int(found[1]) <= now + _SIGN_IN_MS:
        raise Refused(Code.CONFIRMATION_REPLAYED, "no sign-in of ours, or an expired one")
    return int(found[1])
