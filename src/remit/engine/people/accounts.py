"""Accounts of a provider login: found, joined or created, with their roles updated."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.oidc_login import (
    CustomerLogins,
    LoginRules,
    ProvedLogin,
    login_id,
    officer_id,
    roles_of,
    text_claim,
)
from remit.domain.ids import verify_email_address
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import PersonRecord
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.transcript.record import account_facts, draft_entry
from remit.ports.store import Put, RecordMissing, Versioned

_CUSTOMER: Final = "customer"
_DESK: Final = "officer"
_LIMIT: Final = 10


@struct(frozen=True, kw_only=True)
class Accounts:
    """The account signing in, and the changes of its login's accounts in the same commit; `joined` existed before."""

    person: PersonRecord
    puts: tuple[Put, ...]
    drafts: tuple[EntryDraft, ...]
    joined: tuple[PersonRecord, ...]


@struct(frozen=True)
class _Account:
    """An account before (None: to be created) and after."""

    before: Versioned[PersonRecord] | None
    now: PersonRecord


async def find_accounts(desk: DeskContext, rules: LoginRules, proved: ProvedLogin, *, kind: str) -> Accounts:
    """Find the account signing in, as `kind` (customer or officer; "" is decided by roles in the login).

    ⚔ Roles are exactly those mapped from the claims: a claim no longer made is gone with this sign-in, for either
    account. ⚔ An account belongs to one login: another one claiming its id gets nothing. ⚔ Accounts of one login share
    a person key, so that no officer approves their own request.

    Raises:
        Refused: `login.unknown`.

    Source: docs/model/model.md#roles, #confirm-who.
    """
    login = login_id(proved.issuer, proved.subject)
    known = {
        kept.record.kind: kept for kept in await desk.store.find(PersonRecord, "person.login", login, limit=_LIMIT)
    }
    roles = roles_of(proved.claims, rules)
    officer = await _officer(desk, rules, proved, known.get(_DESK), roles)
    customer = await _customer(desk, rules, proved, known.get(_CUSTOMER), making=kind == _CUSTOMER or not roles)
    key = _key(known, officer, customer, login)
    found = [replace_key(one, key, login) for one in (officer, customer) if one is not None]
    chosen = _choose(found, kind, has_roles=bool(roles))
    if chosen is None:
        raise Refused(Code.LOGIN_UNKNOWN, f"{proved.subject[:80]!r} has no account here as {kind or 'anybody'}")
    changed = [one for one in found if one.before is None or one.before.record != one.now]
    # ⚔ The signing-in account is always written: a concurrent recovery sees it moved, and ends this session too.
    written = changed if chosen in changed else [*changed, chosen]
    return Accounts(
        person=chosen.now,
        puts=tuple(
            Put(one.now, 0) if one.before is None else Put(one.now, one.before.rev, one.before.record)
            for one in written
        ),
        drafts=tuple(_draft(desk, one, proved.issuer) for one in changed),
        joined=tuple(one.now for one in changed if one.before is not None and not one.before.record.login),
    )


def replace_key(account: _Account, key: str, login: str) -> _Account:
    """Return an account as one of this login's."""
    return _Account(account.before, replace(account.now, key=key, login=login))


def _key(
    known: Mapping[str, Versioned[PersonRecord]], officer: _Account | None, customer: _Account | None, login: str
) -> str:
    """Return the shared person key: of an account with the login, else of an existing one, else a new one."""
    linked = [kept.record.key for kind in (_DESK, _CUSTOMER) if (kept := known.get(kind)) is not None]
    there = [one.before.record.key for one in (officer, customer) if one is not None and one.before is not None]
    return (linked or there or [f"login:{login}"])[0]


def _choose(found: list[_Account], kind: str, *, has_roles: bool) -> _Account | None:
    """Choose the account that signs in; without roles an officer still gets in, to see what is missing."""
    by_kind = {one.now.kind: one for one in found}
    if kind:
        return by_kind.get(kind)
    wanted = (_DESK, _CUSTOMER) if has_roles else (_CUSTOMER, _DESK)
    return next((by_kind[one] for one in wanted if one in by_kind), None)


async def _officer(
    desk: DeskContext,
    rules: LoginRules,
    proved: ProvedLogin,
    linked: Versioned[PersonRecord] | None,
    roles: tuple[str, ...],
) -> _Account | None:
    """Return the officer's account. ⚔ Without a mapped role none is created or joined; a linked one loses its roles."""
    wanted = officer_id(proved, rules)
    if linked is not None:
        # ⚔ A login whose claim names another person now is not that person, and loses these roles, too.
        return _Account(linked, replace(linked.record, roles=roles if wanted == linked.record.id else ()))
    if not roles or not _fit(wanted):
        return None
    there = await _there(desk, wanted)
    if there is None:
        return _Account(None, _made(desk, proved, wanted, _DESK, roles))
    return _Account(there, replace(there.record, roles=roles)) if _may_join(there.record, _DESK) else None


async def _customer(
    desk: DeskContext, rules: LoginRules, proved: ProvedLogin, linked: Versioned[PersonRecord] | None, *, making: bool
) -> _Account | None:
    """Return the customer's account, under the very id in the desk's records."""
    wanted = text_claim(proved.claims, rules.customer_claim)
    if rules.customers is CustomerLogins.NONE or not _fit(wanted):
        return None
    if linked is not None:
        return _Account(linked, linked.record) if linked.record.id == wanted else None
    there = await _there(desk, wanted)
    if there is not None:
        return _Account(there, there.record) if _may_join(there.record, _CUSTOMER) else None
    if rules.customers is CustomerLogins.CREATE and making:
        return _Account(None, _made(desk, proved, wanted, _CUSTOMER, ()))
    return None


async def _there(desk: DeskContext, person_id: str) -> Versioned[PersonRecord] | None:
    try:
        return await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        return None


def _may_join(person: PersonRecord, kind: str) -> bool:
    """⚔ Never join an officer given roles by two people: claims could take over or strip the desk's own admin."""
    return person.kind == kind and not person.login and not person.roles


def _fit(person_id: str) -> bool:
    """Return whether a claim can be a person's id, by the rules of manual enrolment (usecases/people/enrol)."""
    return bool(person_id) and " " not in person_id and person_id.isprintable() and not person_id.startswith(OFFICER)


def _made(desk: DeskContext, proved: ProvedLogin, person_id: str, kind: str, roles: tuple[str, ...]) -> PersonRecord:
    """Return a new account. ⚔ An unverified address from the provider receives no notices."""
    claims = proved.claims
    return PersonRecord(
        id=person_id,
        kind=kind,
        key="",
        name=text_claim(claims, "name") or person_id,
        email=_address(text_claim(claims, "email")) if claims.get("email_verified") is True else "",
        roles=roles,
        created_at=desk.world.now(),
    )


def _address(claimed: str) -> str:
    try:
        return verify_email_address(claimed)
    except Refused:
        return ""


def _draft(desk: DeskContext, account: _Account, issuer: str) -> EntryDraft:
    """Draft the entry of an account created, joined, or given other roles by the login."""
    before, now = None if account.before is None else account.before.record, account.now
    change = "added" if before is None else "roles" if before.login else "joined"
    named = account_facts(desk, now, roles=True)
    envelope: dict[str, Json] = {**named, "as": now.kind, "change": change, "how": "login"}
    had: list[Json] = [] if before is None else list(before.roles)
    return draft_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope=envelope,
        customer={"change": change} if now.kind == _CUSTOMER else None,
        desk={"person": now.id, "roles": list(now.roles), "before": had, "by": issuer, "login": now.login},
        subject=now.id if now.kind == _CUSTOMER else "",
        refs=(now.id,),
    )


def desk_officer(desk: DeskContext, person: PersonRecord) -> PersonRecord:
    """Return an officer who works on cases: one with a role of the catalogue, or an admin.

    Raises:
        Refused: `person.not_allowed`.
    """
    return verify_officer(person, "admin", *desk.catalogue.roles)


def verify_officer(person: PersonRecord, *roles: str) -> PersonRecord:
    """Verify that a person is an officer, with one of the given roles if any.

    Raises:
        Refused: `person.not_allowed`, also while paused by a recovery.
    """
    if person.paused:
        raise Refused(
            Code.PERSON_NOT_ALLOWED,
            "paused by a recovery",
            public=marked(
                "Your passkeys were replaced, so your access is paused. Open /resume: you can resume with your "
                "new passkey once its waiting time is over."
            ),
        )
    if person.kind != "officer" or (roles and not set(roles) & set(person.roles)):
        raise Refused(Code.PERSON_NOT_ALLOWED, f"needs {' or '.join(roles) or 'an officer'}")
    return person
