"""Sign-in and sign-out at the company's OpenID provider; nothing is written before authentication."""

import contextlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.oidc_login import LoginRules, login_id, provider_refusal, sid_id, verify_strength
from remit.domain.records import PasskeyRecord, PersonRecord
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.notices import notify_access_change
from remit.engine.people.accounts import find_accounts
from remit.engine.people.sessions import (
    end_sessions,
    keyed_id,
    new_session,
    sessions_under,
    sign_out,
    sign_out_everywhere,
)
from remit.engine.transcript.record import account_facts, prepare_entry, seal_entries
from remit.ports.people import LoginRequest, Provider
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Replayed, ReplayMark
from remit.proof.canonical import b64url, unb64url

LIFE_S: Final = 600
"""Time limit for signing in at the provider."""
MAX_AFTER_LENGTH: Final = 1500
_MAX_SID_LENGTH: Final = 1024
_TRIES: Final = 8
_KINDS: Final = {"": "-", "customer": "c", "officer": "o"}
_COOKIE: Final = re.compile(
    r"rl_[A-Za-z0-9_-]{32}\.([1-9][0-9]{0,14})\.([-co])([-v])\.([A-Za-z0-9_-]{0,2000})", re.ASCII
)


@struct(frozen=True, kw_only=True)
class SignInRequest:
    """A requested sign-in: return page `after` ("" for one's own), `kind` of account, and vouching or not."""

    after: str
    kind: str
    vouch: bool


@struct(frozen=True, kw_only=True)
class ProviderRedirect:
    """A browser's redirect target, with the `cookie` to bring back, bound to that browser alone."""

    cookie: str
    address: str


@struct(frozen=True, kw_only=True)
class ProviderSignIn:
    """A signed-in person; `keyless` says that they have no passkey yet."""

    cookie: str
    person: PersonRecord
    after: str
    keyless: bool


def company_provider(desk: DeskContext) -> tuple[Provider, LoginRules]:
    """Return the company's provider and its login rules.

    Raises:
        Refused: `request.not_found` where people sign in with passkeys alone.
    """
    if desk.provider is None or desk.logins is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "no provider is set up")
    return desk.provider, desk.logins


async def begin_at_provider(desk: DeskContext, sign_in: SignInRequest) -> ProviderRedirect:
    """Send a browser to the provider.

    ⚔ Anyone may request it, so nothing is written: state, nonce and PKCE verifier are derived from the browser's own
    cookie by the desk's key.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.identity`.
    """
    provider, rules = company_provider(desk)
    now = desk.world.now()
    after = b64url(sign_in.after.encode()) if len(sign_in.after) <= MAX_AFTER_LENGTH else ""
    kind = f"{_KINDS[sign_in.kind]}{'v' if sign_in.vouch else '-'}"
    cookie = f"rl_{b64url(desk.world.random(24))}.{now + LIFE_S * 1000}.{kind}.{after}"
    address = await provider.address(_asked(desk, rules, cookie, vouch=sign_in.vouch), now=now)
    return ProviderRedirect(cookie=cookie, address=address)


async def finish_at_provider(
    desk: DeskContext, *, cookie: str, unverified: Mapping[str, str], old: str
) -> ProviderSignIn:
    """Complete a sign-in from the provider's answer; the browser's `old` session ends.

    ⚔ The answer must be to the request of this very browser (login CSRF: a planted answer would have the victim work in
    a stranger's account), it counts once, and the session it makes is always a new one (fixation).

    Raises:
        Refused: `login.invalid`, `login.declined`, `login.weak`, `login.unknown`, `task.busy`,
            `request.not_found`.
        Fault: `fault.identity`, `fault.store`.

    Source: OpenID Connect Core 1.0 §3.1.2.7, §15.5.2; RFC 9700 §4.7; OWASP Session Management.
    """
    provider, rules = company_provider(desk)
    wish, ends = _read(cookie, desk.world.now())
    asked = _asked(desk, rules, cookie, vouch=wish.vouch)
    if not hmac.compare_digest(unverified.get("state", "").encode(), asked.state.encode()):
        raise provider_refusal("the state is not this browser's")
    proved = await provider.finish(unverified, asked=asked, now=desk.world.now())
    verify_strength(proved, acr=rules.acr, max_age_s=rules.max_age_s, now=desk.world.now())
    for _ in range(_TRIES):
        found = await find_accounts(desk, rules, proved, kind=wish.kind)
        fresh, session = new_session(desk, found.person, proved=proved)
        written = await seal_entries(desk, *found.drafts)
        try:
            await desk.store.commit(
                Commit(
                    puts=(*found.puts, Put(session, 0)),
                    marks=(ReplayMark(f"login {keyed_id(desk, 'login mark', cookie)}", ends),),
                    entries=written.rows,
                )
            )
        except Conflict:
            continue
        except Replayed:
            raise provider_refusal("the answer was used already") from None
        await sign_out(desk, old)
        for joined in found.joined:
            text = marked(
                "The company's login can now be used to sign in to your account. If this wasn't you, tell us at once."
            )
            await notify_access_change(desk, joined, subject=marked("The company's login was connected"), text=text)
        keys = await desk.store.find(PasskeyRecord, "passkey.person", found.person.id, limit=1)
        return ProviderSignIn(cookie=fresh, person=found.person, after=wish.after, keyless=not keys)
    raise Refused(Code.TASK_BUSY, "the person kept changing", retry_after_s=1)


async def log_out_by_provider(desk: DeskContext, unverified_token: str) -> int:
    """End the sessions named by the provider's logout token; return their number.

    ⚔ Each token counts once. The sessions are deleted, so that every node refuses them with the next request.

    Raises:
        Refused: `login.invalid`, `request.not_found`, `task.busy`.
        Fault: `fault.identity`, `fault.store`.

    Source: OpenID Connect Back-Channel Logout 1.0 §2.6, §2.7.
    """
    provider, _ = company_provider(desk)
    claims = await provider.verify_logout(unverified_token, now=desk.world.now())
    login = login_id(claims.issuer, claims.subject) if claims.subject else ""
    index, key = ("session.sid", sid_id(claims.issuer, claims.sid)) if claims.sid else ("session.login", login)
    mark = ReplayMark(f"logout {login_id(claims.issuer, claims.jti)}", claims.until)
    for _ in range(_TRIES):
        found = await sessions_under(desk, index, key, login=login)
        try:  # together: if ending them fails, the provider sends the same token again
            await desk.store.commit(Commit(drops=tuple(Drop(kept.record, kept.rev) for kept in found), marks=(mark,)))
        except Conflict:
            continue
        except Replayed:
            raise provider_refusal("the logout token was used already") from None
        return len(found) + (await end_sessions(desk, index, key, login=login) if found else 0)
    raise Refused(Code.TASK_BUSY, "the sessions kept changing", retry_after_s=1)


def framing_provider(desk: DeskContext) -> LoginRules:
    """Return the rules of a provider with front-channel logout.

    Raises:
        Refused: `request.not_found` where that is not wanted.
    """
    _, rules = company_provider(desk)
    if not rules.front_channel:
        raise Refused(Code.REQUEST_NOT_FOUND, "front-channel logout is off")
    return rules


async def log_out_by_frame(desk: DeskContext, *, issuer: str, sid: str) -> int:
    """End the sessions of a provider session, as its page asks by a frame; return their number.

    ⚔ The request is unsigned: it counts only where the settings want it, by the `sid` alone, and never without one.

    Raises:
        Refused: `request.not_found` where it is not wanted, `login.invalid` for another issuer or without a
            `sid`.
        Fault: `fault.store`.

    Source: OpenID Connect Front-Channel Logout 1.0 §2, §3.
    """
    rules = framing_provider(desk)
    if issuer != rules.issuer:
        raise provider_refusal("the issuer is not this desk's provider")
    if not sid or len(sid) > _MAX_SID_LENGTH:
        raise provider_refusal("there is no sid, or it is none")
    return await end_sessions(desk, "session.sid", sid_id(issuer, sid))


async def sign_out_address(desk: DeskContext) -> str:
    """Return the provider's sign-out address ("" without one)."""
    if desk.provider is None:
        return ""
    with contextlib.suppress(Refused):
        return await desk.provider.sign_out_address(now=desk.world.now())
    return ""


def _asked(desk: DeskContext, rules: LoginRules, cookie: str, *, vouch: bool) -> LoginRequest:
    """Derive the login request of one cookie: only this desk can compute it, and each part has a single use."""
    strong = vouch and bool(rules.vouching)
    return LoginRequest(
        state=b64url(desk.signer.keyed("login state", cookie.encode())),
        nonce=b64url(desk.signer.keyed("login nonce", cookie.encode())),
        verifier=b64url(desk.signer.keyed("login verifier", cookie.encode())),
        acr=rules.vouching if strong else rules.acr,
        max_age_s=0 if strong else rules.max_age_s or None,  # 0: the provider asks again, even for a known user
    )


def _read(cookie: str, now: int) -> tuple[SignInRequest, int]:
    """Return the sign-in request of a cookie and its expiry; its state proves that this desk wrote it."""
    found = _COOKIE.fullmatch(cookie)
    if found is None or not now < int(found[1]) <= now + LIFE_S * 1000:
        raise provider_refusal("this browser was not sent, or too long ago")
    kind = next(name for name, letter in _KINDS.items() if letter == found[2])
    try:
        after = unb64url(found[4]).decode()
    except (ValueError, UnicodeDecodeError):
        raise provider_refusal("the cookie cannot be read") from None
    return SignInRequest(after=after, kind=kind, vouch=found[3] == "v"), int(found[1])


async def unlink_login(desk: DeskContext, person_id: str, *, by: str) -> PersonRecord:
    """Unlink an account from its login, on the record: provider roles go with it, and all sessions end.

    ⚔ The person key stays: officer and customer accounts of one person remain one person.

    Raises:
        Refused: `request.not_found`, `request.conflict` for an unlinked account, `task.busy`.
    """
    try:
        kept = await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(
            Code.REQUEST_NOT_FOUND,
            f"there is no person {person_id}",
            cure="`remit person list` shows everyone there is.",
        ) from None
    person = kept.record
    if not person.login:
        raise Refused(
            Code.REQUEST_CONFLICT, f"{person.id} belongs to no login of the company", cure="Nothing needs to be done."
        )
    free = replace(person, login="", roles=())
    customer = person.kind == "customer"
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={**account_facts(desk, free, roles=True), "as": person.kind, "change": "unlinked", "how": "login"},
        customer={"change": "unlinked"} if customer else None,
        desk={"person": person.id, "before": list(person.roles), "by": by, "login": person.login},
        subject=person.id if customer else "",
        refs=(person.id,),
    )
    try:
        await desk.store.commit(Commit(puts=(Put(free, kept.rev, person),), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the person changed meanwhile", retry_after_s=1) from None
    await sign_out_everywhere(desk, free)
    text = marked("Your account is no longer connected to the company's login. If you didn't expect this, tell us.")
    await notify_access_change(
        desk, free, subject=marked("The company's login was removed from your account"), text=text
    )
    return free
