"""People: added, invited, and enrolled with a passkey."""

import contextlib
from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.identity.oidc_login import is_vouched
from remit.domain.ids import new_id, verify_email_address
from remit.domain.policy.confirmers import OFFICER, Enrolment, restricted_until
from remit.domain.records import Ceremony, Invitation, PasskeyRecord, PersonRecord, SessionRecord
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.transcript.pseudonyms import passkey_digest
from remit.domain.values import Instant, Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.engine.notices import Notices, notice_addresses, notices_for
from remit.engine.people.passkey import passkey_facts, passkey_of, verify_assertion
from remit.engine.people.recovery_effects import enrolment_effects, recovery_effects
from remit.engine.people.sessions import LiveSession, NewSession, keyed_id, new_session, resolve_session
from remit.engine.transcript.record import account_facts, draft_entry, seal_entries
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url, unb64url


async def first_by_login(desk: DeskContext, session: LiveSession) -> str:
    """Return the trust of a first passkey made by company login; "" with a passkey, or for other logins."""
    if not session.session.record.login or desk.logins is None:
        return ""
    if await desk.store.find(PasskeyRecord, "passkey.person", session.person.id, limit=1):
        return ""
    return await enrolment_by_login(desk, session.person, session.session)


async def session_before(desk: DeskContext, ceremony: Ceremony, cookie: str) -> Versioned[SessionRecord] | None:
    """Return the provider session an enrolment continues; None for one resting on a passkey or link.

    Raises:
        Refused: `person.not_signed_in` when a first passkey is made in another session than the one that began it.
    """
    stands_on = ceremony.extra.get("session", "")
    if stands_on and keyed_id(desk, "session", cookie) == stands_on:
        kept = (await resolve_session(desk, cookie)).session
        return kept if kept.record.login else None
    if ceremony.extra["how"] == Enrolment.LOGIN.value:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "the sign-in that began it is not this one")
    return None


async def enrolment_by_login(desk: DeskContext, person: PersonRecord, before: Versioned[SessionRecord] | None) -> str:
    """Return the trust of a first passkey resting on the company login: vouched, or waiting like a link's.

    Raises:
        Refused: `request.conflict` when there is one already, `person.not_signed_in`.

    Source: docs/model/model.md#passkeys.
    """
    if before is None or desk.logins is None:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "no sign-in at the provider")
    if await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=1):
        public = marked("You already have a passkey. Use it to add another one.")
        raise Refused(Code.REQUEST_CONFLICT, "there is a passkey already", public=public)
    session = before.record
    vouched = is_vouched(acr=session.acr, auth_at=session.auth_at or None, rules=desk.logins, now=desk.world.now())
    return (Enrolment.VOUCHED if vouched else Enrolment.LOGIN).value


MAX_PASSKEYS = 50
_TRIES = 8
BUILT_IN = ("admin", "audit", "security")


@struct(frozen=True, kw_only=True)
class BegunCeremony:
    """A ceremony for a browser: its id, and the options for `navigator.credentials`."""

    ceremony: str
    options: Mapping[str, Json]
    person: PersonRecord | None
    old: Mapping[str, Json] | None = None


async def add_person(desk: DeskContext, person: PersonRecord) -> PersonRecord:
    """Add a customer or an officer.

    Raises:
        Refused: `request.conflict` when the id is taken, `request.malformed` for an unknown kind or role.
    """
    # ⚔ Visible letters only: invisible or direction-changing ones make one person look like another.
    if person.kind not in {"customer", "officer"} or not person.id or " " in person.id or not person.id.isprintable():
        raise _unfit(person)
    if person.email:
        verify_email_address(person.email)
    if person.id.startswith(OFFICER):
        # ⚔ Confirmations for a role are indexed by its name: a person of that name would see them.
        raise Refused(
            Code.REQUEST_MALFORMED,
            "an id like a role's name",
            public=marked("An id can't begin with the word officer and a colon."),
        )
    unknown = set(person.roles) - set(desk.catalogue.roles) - set(BUILT_IN)
    if unknown:
        names = ", ".join(sorted(unknown))
        there = ", ".join(sorted({*desk.catalogue.roles, *BUILT_IN}))
        raise Refused(
            Code.REQUEST_MALFORMED,
            f"there is no role {names}",
            public=marked("The catalogue has no such role. Choose one that it has."),
            cure=f"Name one of {there}.",
        )
    try:
        await desk.store.commit(Commit(puts=(Put(person, 0),)))
    except Conflict:
        public = marked("This id is already in use.")
        raise Refused(Code.REQUEST_CONFLICT, f"{person.id} exists already", public=public) from None
    return person


def _unfit(person: PersonRecord) -> Refused:
    wrong, public = (
        "a person has an id, and is a customer or an officer",
        marked("Enter an id, and choose customer or officer."),
    )
    if person.id and person.kind in {"customer", "officer"}:
        wrong = f'the id "{person.id}" has blanks or what cannot be seen'
        public = marked("The id contains a space or an invisible character. Enter the id as one word.")
    return Refused(Code.REQUEST_MALFORMED, wrong, public=public, cure="Give an id in one word.")


async def invite_person(desk: DeskContext, person_id: str, *, how: Enrolment, ttl_s: int) -> str:
    """Issue a one-time code for enrolling a passkey; only its keyed hash is stored.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such person") from None
    code = b64url(desk.world.random(24))
    invitation = Invitation(
        id=keyed_id(desk, "invitation", code),
        person=person_id,
        how=how.value,
        expires_at=Instant(desk.world.now() + ttl_s * 1000),
    )
    await desk.store.commit(Commit(puts=(Put(invitation, 0),)))
    return code


@struct(frozen=True)
class InvitedPerson:
    """The person a one-time code is for, and whether it replaces their lost passkeys."""

    person: PersonRecord
    recovers: bool


async def find_invited_person(desk: DeskContext, code: str) -> InvitedPerson | None:
    """Return the person a one-time code enrols; the code is not used up.

    ⚔ None for every other code, whether it is used, expired or made up: only its holder learns a name.
    """
    try:
        link = (await desk.store.get(Invitation, keyed_id(desk, "invitation", code))).record
        person = (await desk.store.get(PersonRecord, link.person)).record
    except RecordMissing:
        return None
    if desk.world.now() >= link.expires_at:
        return None
    return InvitedPerson(person, link.how == Enrolment.RECOVERY.value)


async def other_person_signed_in(desk: DeskContext, person: PersonRecord, cookie: str) -> PersonRecord | None:
    """Return the person whose session in this browser a new passkey's would replace, if that is another person."""
    try:
        found = (await resolve_session(desk, cookie)).person
    except Refused:
        return None
    return None if found.key == person.key else found


async def verify_replaceable(desk: DeskContext, person: PersonRecord, cookie: str, *, replaces: bool) -> None:
    """Verify that no other person's session ends without having been asked about.

    ⚔ A link alone would sign its opener in as somebody else, unnoticed, in the middle of their own work.

    Raises:
        Refused: `request.conflict`.
    """
    other = None if replaces else await other_person_signed_in(desk, person, cookie)
    if other is not None:
        public = said("You're signed in as {name}. Reload the page to sign out and go on.", name=other.name or other.id)
        raise Refused(Code.REQUEST_CONFLICT, "another person is signed in in this browser", public=public)


async def begin_enrolment(desk: DeskContext, *, code: str = "", session: LiveSession | None = None) -> BegunCeremony:
    """Issue an enrolment challenge, by a one-time code or for a signed-in person.

    An existing passkey must approve a new one; without any, a company login makes the first one. The code is used up
    only with the new passkey, so that a failed attempt can be repeated.

    Raises:
        Refused: `credential.expired` for a used, unknown or expired code.
    """
    how, invitation, stands_on = Enrolment.OLD_PASSKEY.value, "", ""
    if session is not None:
        person, stands_on = session.person, session.session.record.id
    else:
        kept = await _invitation(desk, code)
        person, how, invitation = (
            (await desk.store.get(PersonRecord, kept.record.person)).record,
            kept.record.how,
            kept.record.id,
        )
    known = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=50)
    if session is not None and session.session.record.login and not known:
        how = Enrolment.LOGIN.value
    challenge = desk.world.random(32)
    ceremony = _ceremony(
        desk, "enrol", person.id, challenge, {"how": how, "invitation": invitation, "session": stands_on}
    )
    await desk.store.commit(Commit(puts=(Put(ceremony, 0),)))
    options = desk.passkeys.creation_options(
        person=person.id,
        name=person.email or person.name,
        challenge=challenge,
        known=tuple(one.record.id for one in known),
    )
    old = None
    if how == Enrolment.OLD_PASSKEY.value:
        old = desk.passkeys.request_options(challenge=challenge, allowed=tuple(one.record.id for one in known))
    return BegunCeremony(ceremony=ceremony.id, options=options, person=person, old=old)


async def finish_enrolment(
    desk: DeskContext,
    *,
    ceremony_id: str,
    response: JsonObject,
    label: str,
    assertion: JsonObject | None = None,
    cookie: str = "",
    replaces: bool = False,
) -> NewSession:
    """Store a new passkey, use up the code, and sign the person in; `replaces` the session of another person there.

    ⚔ A session alone adds nothing: a stolen one could add a passkey that confirms. The old passkey signs (`assertion`),
    and the new one inherits its waiting time, so that a fresh link passkey cannot launder itself. A first one rests on
    the company login, in the very session (`cookie`) that began it.

    ⚔ Repeated sign-ins with a stolen passkey move it under the recovery that ends it, which therefore retries.

    Raises:
        Fault: `fault.backoffice` where a first passkey's customer could not be told where the backoffice knows them.
        Refused: `confirmation.replayed`, `confirmation.wrong_person`, `credential.malformed`, `credential.expired`,
            `credential.missing` or `credential.wrong_key` for an old passkey that does not approve, `request.conflict`,
            `task.busy`, `person.not_signed_in` where it rests on a login that is over.

    Source: docs/model/model.md#passkeys.
    """
    subject = (await _take(desk, ceremony_id, "enrol")).record.subject
    await verify_replaceable(desk, (await desk.store.get(PersonRecord, subject)).record, cookie, replaces=replaces)
    for _ in range(_TRIES):
        with contextlib.suppress(Conflict):
            return await _finish(desk, ceremony_id, response, label, assertion, cookie)
    raise Refused(Code.TASK_BUSY, "the person's passkeys kept changing", retry_after_s=1)


async def _finish(
    desk: DeskContext, ceremony_id: str, response: JsonObject, label: str, assertion: JsonObject | None, cookie: str
) -> NewSession:
    """Try once to store a new passkey.

    Raises:
        Refused: as `finish_enrolment` says.
        Conflict: a precondition moved; nothing is stored.
    """
    ceremony = await _take(desk, ceremony_id, "enrol")
    enrolled = desk.passkeys.verify_creation(response, challenge=unb64url(ceremony.record.challenge))
    kept_person = await desk.store.get(PersonRecord, ceremony.record.subject)
    person, now = kept_person.record, desk.world.now()
    how, invitation = ceremony.record.extra["how"], ceremony.record.extra["invitation"]
    before = await session_before(desk, ceremony.record, cookie)
    first = how == Enrolment.LOGIN.value
    if first:
        how = await enrolment_by_login(desk, person, before)
    drops: list[Drop] = [Drop(ceremony.record, ceremony.rev)]
    if invitation:
        kept = await _unused_invitation(desk, invitation)
        drops.append(Drop(kept.record, kept.rev))
    old = None if invitation or first else await _approving_passkey(desk, person, ceremony.record, assertion)
    await _verify_room(desk, person, how)
    passkey = PasskeyRecord(
        id=enrolled.credential_id,
        person=person.id,
        public_key=enrolled.public_key,
        sign_count=enrolled.sign_count,
        how=how,
        label=label[:80],
        created_at=now,
        young_since=Instant(0) if old is None else _young_since(old.record, person, now),
    )
    recovered = how == Enrolment.RECOVERY.value
    ends = await (recovery_effects if recovered else enrolment_effects)(
        desk, kept_person, invitation=ceremony.record.id if first else invitation
    )
    if before is not None:
        drops.append(Drop(before.record, before.rev))
    cookie, session = new_session(desk, person, passkey=passkey.id, after=None if before is None else before.record)
    by: dict[str, Json] = {"login": True, "acr": session.acr} if first else {}
    written = await seal_entries(desk, _draft(desk, person, passkey, by, recovered=recovered))
    used = () if old is None else (Put(old.record, old.rev),)
    if first:  # ⚔ two first ones at once: the second finds the person moved, and then the first one
        used = (Put(person, kept_person.rev, person),)
    # ⚔ Whoever made the account also gave its address: the customer is told where the backoffice knows them.
    known = "" if old is not None else await _known_contact(desk, person)
    notices = _enrolment_notices(desk, person, known, recovered=recovered)
    await desk.store.commit(
        Commit(
            puts=(Put(passkey, 0), Put(session, 0), *used, *ends.puts, *notices.puts),
            drops=(*drops, *ends.drops),
            entries=written.rows,
        )
    )
    await notices.log_unsent(desk)
    return NewSession(cookie=cookie, person=person, expires_at=session.expires_at)


async def _known_contact(desk: DeskContext, person: PersonRecord) -> str:
    """Return the address at which the backoffice knows a customer; "" where it knows none.

    Raises:
        Fault: `fault.backoffice`: no passkey without the notice about it.
    """
    name = desk.terms.contact_attribute
    if person.kind != "customer" or name not in desk.catalogue.attributes:
        return ""
    value = (await desk.backoffice.attributes(person.id, (name,))).get(name)
    try:
        verify_email_address(value if isinstance(value, str) else "")
    except Refused:
        return ""
    return str(value)


def _enrolment_notices(desk: DeskContext, person: PersonRecord, known: str, *, recovered: bool) -> Notices:
    text = marked("A passkey was added to your account. If this wasn't you, tell us.")
    if recovered:
        text = marked(
            "A new passkey replaced all others. What you allowed agents is paused. If this wasn't you, tell us at once."
        )
    at = dict.fromkeys((*notice_addresses(desk, person), *((known,) if known else ())))
    return notices_for(desk, person, at, subject=marked("A passkey was added"), text=text)


async def _unused_invitation(desk: DeskContext, invitation: str) -> Versioned[Invitation]:
    try:
        return await desk.store.get(Invitation, invitation)
    except RecordMissing:
        public = marked("This link has already been used. Ask for a new one.")
        raise Refused(Code.CREDENTIAL_EXPIRED, "the code was used meanwhile", public=public) from None


def _draft(
    desk: DeskContext, person: PersonRecord, passkey: PasskeyRecord, by: Mapping[str, Json], *, recovered: bool
) -> EntryDraft:
    """Draft the entry of a new passkey, with the login it rests on."""
    return draft_entry(
        desk,
        Kind.PERSON_RECOVERED if recovered else Kind.PERSON_ENROLLED,
        envelope={
            **account_facts(desk, person, roles=True),
            "as": person.kind,
            "how": passkey.how,
            "key": passkey_digest(desk.signer.keyed, passkey),
            **({"paused": True} if recovered else {}),
        },
        customer={"label": passkey.label} if person.kind == "customer" else None,
        desk={"person": person.id, **by},
        subject=person.id if person.kind == "customer" else "",
        refs=(person.id,),
    )


async def _invitation(desk: DeskContext, code: str) -> Versioned[Invitation]:
    try:
        kept = await desk.store.get(Invitation, keyed_id(desk, "invitation", code))
    except RecordMissing:
        desk.leak_scanner.present((code,), LeakSource(where="presented"))
        raise Refused(
            Code.CREDENTIAL_EXPIRED, "no such code", public=marked("This link has already been used or isn't ours.")
        ) from None
    if desk.world.now() >= kept.record.expires_at:
        raise Refused(
            Code.CREDENTIAL_EXPIRED, "the code has expired", public=marked("This link has expired. Ask for a new one.")
        )
    return kept


async def _take(desk: DeskContext, ceremony_id: str, purpose: str) -> Versioned[Ceremony]:
    try:
        kept = await desk.store.get(Ceremony, ceremony_id)
    except RecordMissing:
        raise Refused(Code.CONFIRMATION_REPLAYED, "no such ceremony") from None
    if kept.record.purpose != purpose or desk.world.now() >= kept.record.expires_at:
        raise Refused(Code.CONFIRMATION_REPLAYED, "another ceremony, or an expired one")
    return kept


async def _approving_passkey(
    desk: DeskContext, person: PersonRecord, ceremony: Ceremony, assertion: JsonObject | None
) -> Versioned[PasskeyRecord]:
    """Return the old passkey that signed the ceremony, with its new count."""
    if assertion is None:
        public = marked("Confirm with a passkey you already have.")
        raise Refused(Code.CREDENTIAL_MISSING, "a new passkey needs an old one", public=public)
    kept = await passkey_of(desk, person.id, assertion)
    asserted = verify_assertion(desk, assertion, kept.record, unb64url(ceremony.challenge))
    return Versioned(replace(kept.record, sign_count=asserted.sign_count), kept.rev)


async def _verify_room(desk: DeskContext, person: PersonRecord, how: str) -> None:
    """Verify that one more passkey fits.

    ⚔ A stolen passkey adds no more than one recovery can end; the recovery itself is not blocked by them.
    """
    known = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=MAX_PASSKEYS)
    if len(known) == MAX_PASSKEYS and how != Enrolment.RECOVERY.value:
        public = f"{MAX_PASSKEYS} passkeys are the most; remove one you do not use."
        raise Refused(Code.REQUEST_CONFLICT, "too many passkeys", public=public)


def _young_since(old: PasskeyRecord, person: PersonRecord, now: Instant) -> Instant:
    """Return the start of the waiting time inherited from the adding passkey; 0 if that does not wait."""
    if restricted_until(passkey_facts(old, person), now) is None:
        return Instant(0)
    return Instant(max(old.created_at, old.young_since))


def _ceremony(desk: DeskContext, purpose: str, subject: str, challenge: bytes, extra: Mapping[str, str]) -> Ceremony:
    return Ceremony(
        id=new_id("cer", desk.world.random(16)),
        purpose=purpose,
        subject=subject,
        challenge=b64url(challenge),
        expires_at=Instant(desk.world.now() + 600_000),
        extra=extra,
    )
