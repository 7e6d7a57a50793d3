"""Confirmers: entitled people, limits on asking them, and the trust in their passkeys.

Their signature is in `confirm/confirmation`.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Area
from remit.domain.errors import Code, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, instant_text

OFFICER: Final = "officer:"
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
YOUNG_MS: Final = 72 * HOUR_MS


@struct(frozen=True, kw_only=True)
class Confirmer:
    """A human as known to the desk: one key per person, however many accounts, and the officer roles."""

    key: str
    roles: frozenset[str] = frozenset()


@struct(frozen=True, kw_only=True)
class RequiredConfirmers:
    """The required confirmers of one ask, and the confirmations so far.

    `who` are confirmer words (`customer`, `officer:<role>`), `customer` the person key of the represented person.
    `barred` are persons excluded whatever their role: the operator's own people, the writer of a waiver in use, the
    maker of the accepted offer.
    `given` maps each confirmer word to the person who answered yes for it.
    """

    who: frozenset[str]
    customer: str
    barred: frozenset[str] = frozenset()
    given: Mapping[str, str]

    @property
    def remaining(self) -> frozenset[str]:
        """Return the confirmer words still open."""
        return self.who - self.given.keys()


def verify_confirmer(confirmers: RequiredConfirmers, person: Confirmer) -> str:
    """Return the confirmer word this person answers for.

    The customer answers for `customer` alone; an officer needs the role, is not the customer, and answers once: two
    confirmations are two people, by person key.

    Raises:
        Refused: `confirmation.wrong_person`.

    Source: docs/model/model.md#confirm-who, docs/model/peers.md#p1.
    """
    if not person.key or person.key in confirmers.barred:
        raise _wrong("this person is barred from this confirmation")
    if person.key in confirmers.given.values():
        raise _wrong("this person has already confirmed; another person must")
    if person.key == confirmers.customer:
        if CUSTOMER in confirmers.remaining:
            return CUSTOMER
        raise _wrong("an officer who is the customer does not count")
    mine = sorted(
        word for word in confirmers.remaining if word.startswith(OFFICER) and word.removeprefix(OFFICER) in person.roles
    )
    if not mine:
        raise _wrong("none of the open confirmations is this person's")
    return mine[0]


def add_confirmation(confirmers: RequiredConfirmers, person: Confirmer) -> RequiredConfirmers:
    """Add one person's yes.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    word = verify_confirmer(confirmers, person)
    return replace(confirmers, given={**confirmers.given, word: person.key})


def verify_all_confirmed(confirmers: RequiredConfirmers) -> frozenset[str]:
    """Return the persons who confirmed, once all have.

    ⚔ Verified as a whole before acting: recorded confirmations are not trusted to have passed the rules.

    Raises:
        Refused: `confirmation.required` while one is missing, `confirmation.wrong_person` when the same person or the
            customer is counted twice.
    """
    if not confirmers.who or confirmers.remaining:
        raise Refused(Code.CONFIRMATION_REQUIRED, "a confirmation is missing")
    persons = frozenset(confirmers.given[word] for word in confirmers.who)
    officers = [confirmers.given[word] for word in confirmers.who if word != CUSTOMER]
    one_each = len(persons) == len(confirmers.who) and not persons & confirmers.barred
    customer_right = CUSTOMER not in confirmers.who or confirmers.given[CUSTOMER] == confirmers.customer
    if not one_each or not customer_right or confirmers.customer in officers:
        raise _wrong("the confirmations are not of different, entitled people")
    return persons


@struct(frozen=True, kw_only=True)
class FatigueLimits:
    """Limits on asking people: open invitations per (customer, operator), and the pause after a decline.

    Each further decline within a day doubles the pause, up to a day.
    """

    max_open: int = 5
    pause_ms: int = 10 * MINUTE_MS
    memory_ms: int = 24 * HOUR_MS


def verify_invitation_allowed(
    *, waiting: int, declines: Sequence[Instant], now: Instant, settings: FatigueLimits
) -> None:
    """Verify that this customer may be asked again on behalf of this operator.

    `waiting` counts the open invitations of the (customer, operator) pair; `declines` are the times of this customer's
    declines to this operator, over all its agents, mandates and tasks.

    Raises:
        Refused: `confirmation.too_many`, with the time to try again.

    Source: docs/model/model.md#anti-fatigue.
    """
    if waiting >= settings.max_open:
        raise Refused(Code.CONFIRMATION_TOO_MANY, f"{waiting} confirmations are already open", retry_after_s=60)
    recent = [at for at in declines if now - at < settings.memory_ms]
    if not recent:
        return
    doublings = min(len(recent) - 1, 16)
    pause = min(settings.pause_ms * 2**doublings, settings.memory_ms)
    left = max(recent) + pause - now
    if left > 0:
        public = (
            "The person declined recently, or the request was cancelled. They can be asked again from "
            f"{instant_text(Instant(now + left))} on."
        )
        retry_s = -(-left // 1000)
        raise Refused(Code.CONFIRMATION_TOO_MANY, "this person declined recently", public=public, retry_after_s=retry_s)


class Enrolment(StrEnum):
    """The origins of a passkey."""

    LINK = "link"
    LOGIN = "login"
    OLD_PASSKEY = "old_passkey"
    RECOVERY = "recovery"
    VOUCHED = "vouched"


@struct(frozen=True, kw_only=True)
class PasskeyTrust:
    """The facts that decide a passkey's trust.

    `vouched_at` is when an officer verified the person out of band or the company's login vouched (`acr`).
    `contact_changed_at` is the last change of the person's contact. `young_since` is the start of the wait inherited
    from the passkey that added it. ⚔ Otherwise a fresh link passkey could add an "old-passkey" one past the wait.
    """

    how: Enrolment
    enrolled_at: Instant
    vouched_at: Instant | None = None
    contact_changed_at: Instant | None = None
    young_since: Instant | None = None


def restricted_until(passkey: PasskeyTrust, now: Instant) -> Instant | None:
    """Return the end of the passkey's wait; None when it does not wait."""
    starts: list[int] = [at for at in (passkey.contact_changed_at, passkey.young_since) if at is not None]
    if passkey.how in {Enrolment.LINK, Enrolment.LOGIN, Enrolment.RECOVERY}:
        starts.append(passkey.enrolled_at)
    vouched = passkey.vouched_at if passkey.vouched_at is not None and passkey.vouched_at <= now else None
    if passkey.how is Enrolment.VOUCHED:
        vouched = Instant(max(passkey.enrolled_at, vouched or 0))
    if vouched is not None:
        starts = [at for at in starts if at > vouched]
    until = max((at + YOUNG_MS for at in starts), default=0)
    return Instant(until) if until > now else None


def verify_passkey_may_confirm(
    passkey: PasskeyTrust, *, area: Area, now: Instant, sensitive: bool = False, diverts: bool = False
) -> None:
    """Verify that a passkey is trusted for this act.

    A passkey enrolled by link, recovered, or following a change of contact confirms nothing above routine for 72 h,
    unless the person was vouched for afterwards; earlier vouching cures nothing. `sensitive` marks an act that tells a
    sensitive attribute, `diverts` a write that names a recipient: both are above routine in any area.

    Raises:
        Refused: `confirmation.wrong_person`, with the end of the wait.

    Source: docs/model/model.md#passkeys: a mailbox is not a person.
    """
    if area is not Area.ROUTINE or sensitive or diverts:
        _verify_waited(
            passkey, now, "This passkey is too new for that. Wait, or have your identity confirmed in person."
        )


def verify_passkey_may_grant(passkey: PasskeyTrust, *, above_routine: bool, now: Instant) -> None:
    """Verify that a passkey is trusted for a mandate; `above_routine` marks one that exceeds everyday things.

    Raises:
        Refused: `confirmation.wrong_person`, with the end of the wait.

    Source: docs/model/model.md#passkeys: a mailbox is not a person.
    """
    if above_routine:
        _verify_waited(
            passkey,
            now,
            "This passkey is too new to allow more than everyday things. "
            "Allow only these, wait, or have your identity confirmed in person.",
        )


def verify_passkey_may_remove(passkey: PasskeyTrust, going: PasskeyTrust, *, now: Instant) -> None:
    """Verify that a passkey may remove another one, or itself: a waiting one removes none with a shorter wait.

    ⚔ A passkey from a mailbox that could remove trusted ones would lock the person out, and wait in peace.

    Raises:
        Refused: `confirmation.wrong_person`, with the end of the wait.

    Source: docs/model/model.md#passkeys: a mailbox is not a person.
    """
    if (restricted_until(going, now) or 0) < (restricted_until(passkey, now) or 0):
        _verify_waited(
            passkey,
            now,
            "This passkey is too new to remove that one. Use the other one, wait, or have your identity confirmed in person.",
        )


def verify_passkey_may_resume(passkey: PasskeyTrust, *, now: Instant) -> None:
    """Verify that a passkey may resume mandates paused by a recovery.

    Raises:
        Refused: `confirmation.wrong_person`, with the end of the wait.

    Source: docs/model/model.md#passkeys: a mailbox is not a person.
    """
    _verify_waited(
        passkey,
        now,
        "This passkey is too new to resume what was paused. Wait, or have your identity confirmed in person.",
    )


def _verify_waited(passkey: PasskeyTrust, now: Instant, public: str) -> None:
    until = restricted_until(passkey, now)
    if until is not None:
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            "the passkey is too young or follows a change of contact",
            public=public,
            retry_after_s=-(-(until - now) // 1000),
        )


def barred_persons(
    *, operator_people: Collection[str], waiver_owners: Collection[str], offer_makers: Collection[str] = ()
) -> frozenset[str]:
    """Return the persons barred from confirming: the operator's own, writers of waivers in use, makers of the offer.

    Source: docs/model/model.md#waivers, #confirm-who, #offers.
    """
    return frozenset(operator_people) | frozenset(waiver_owners) | frozenset(offer_makers)


def _wrong(detail: str) -> Refused:
    return Refused(Code.CONFIRMATION_WRONG_PERSON, detail)
