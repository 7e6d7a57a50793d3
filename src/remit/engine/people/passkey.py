"""Verification of passkey signatures: the ceremony, the person's passkey, and its trust."""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import Enrolment, PasskeyTrust, verify_passkey_may_confirm
from remit.domain.records import AskRecord, Ceremony, PasskeyRecord, PersonRecord
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.ports.people import VerifiedAssertion
from remit.ports.store import RecordMissing, Versioned


async def verify_ceremony(
    desk: DeskContext, ceremony_id: str, *, purpose: str, subject: str, person: str, assertion: Mapping[str, Json]
) -> tuple[Versioned[Ceremony], Versioned[PasskeyRecord]]:
    """Find an open ceremony and the person's passkey answering it; the caller drops the ceremony with its record.

    Raises:
        Refused: `confirmation.replayed` when it is gone, expired or foreign; `confirmation.wrong_person` when the
            passkey is not this person's.
    """
    try:
        ceremony = await desk.store.get(Ceremony, ceremony_id)
    except RecordMissing:
        raise Refused(Code.CONFIRMATION_REPLAYED, "no such ceremony") from None
    kept = ceremony.record
    if (kept.purpose, kept.subject, kept.extra.get("customer", person)) != (
        purpose,
        subject,
        person,
    ) or desk.world.now() >= kept.expires_at:
        raise Refused(Code.CONFIRMATION_REPLAYED, "the ceremony is foreign or has expired")
    return ceremony, await passkey_of(desk, person, assertion)


def verify_assertion(
    desk: DeskContext, assertion: Mapping[str, Json], passkey: PasskeyRecord, challenge: bytes
) -> VerifiedAssertion:
    """Verify a passkey's signature over a challenge.

    Raises:
        Refused: `credential.wrong_key`.
    """
    return desk.passkeys.verify_assertion(
        assertion, challenge=challenge, public_key=passkey.public_key, sign_count=passkey.sign_count
    )


async def passkey_of(desk: DeskContext, person: str, assertion: Mapping[str, Json]) -> Versioned[PasskeyRecord]:
    """Return the person's passkey that an assertion names.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    try:
        passkey = await desk.store.get(PasskeyRecord, str(assertion.get("id", "")))
    except RecordMissing:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "an unknown passkey") from None
    if passkey.record.person != person or passkey.record.revoked:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "another person's passkey")
    return passkey


def verify_passkey_trusted(desk: DeskContext, key: PasskeyRecord, person: PersonRecord, ask: AskRecord) -> None:
    """Verify that a passkey is trusted now for such an ask: area, recipients, and sensitive data it would disclose.

    Raises:
        Refused: `confirmation.wrong_person`.

    Source: docs/model/model.md#passkeys.
    """
    action = desk.catalogue.action(ask.action)
    sensitive = any(desk.catalogue.attributes[name].sensitive for name in set(action.returns) & set(ask.covered))
    verify_passkey_may_confirm(
        passkey_facts(key, person),
        area=action.area,
        now=desk.world.now(),
        sensitive=sensitive,
        diverts=action.names_recipient,
    )


def passkey_facts(key: PasskeyRecord, person: PersonRecord) -> PasskeyTrust:
    """Return the facts about a passkey that the trust rules need."""
    return PasskeyTrust(
        how=Enrolment(key.how),
        enrolled_at=key.created_at,
        vouched_at=person.vouched_at or None,
        contact_changed_at=person.contact_changed_at or None,
        young_since=key.young_since or None,
    )
