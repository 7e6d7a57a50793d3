"""Overrides of the check of an officer's text: which marks can be overridden, by which officers, and of exactly which check.

Source: docs/model/model.md#override, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.i18n import said
from remit.domain.records import PersonRecord
from remit.domain.secrets.find import find_secrets
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.engine.outbound.check import CheckedText
from remit.engine.transcript.record import keyed_digest
from remit.ports.store import Precondition, RecordMissing
from remit.proof.canonical import canonical

MIN_LETTERS: Final = 10
MAX_REASON_LENGTH: Final = 500
_MIN_DIFFERENT: Final = 5


@struct(frozen=True, kw_only=True)
class Override:
    """An officer's wish to send a text as it is: the reason, and the token of its check."""

    reason: str
    check: str


def may_override(catalogue: Catalogue, person: PersonRecord) -> bool:
    """Return whether one of an officer's roles may override."""
    return any(name in catalogue.roles and catalogue.roles[name].may_override for name in person.roles)


def check_token(desk: DeskContext, officer: PersonRecord, text: str, checked: CheckedText) -> str:
    """Return the token that binds an override to officer, task, the text letter by letter, and all findings."""
    found = [[one.start, one.end, one.why, one.name] for one in sorted(checked.found)]
    return keyed_digest(
        desk, canonical({"override": [officer.id, checked.task, text, found, list(checked.overridable)]}).decode()
    )


def offered_override(desk: DeskContext, officer: PersonRecord, text: str, checked: CheckedText) -> str:
    """Return the token that binds an officer's override to a check; "" where they may not override it."""
    if not checked.overridable or checked.customer_key == officer.key or not may_override(desk.catalogue, officer):
        return ""
    return check_token(desk, officer, text, checked)


def verify_reason(reason: str) -> str:
    """Return a reason, without the blanks around it. ⚔ It stands on the record: no secret is in it.

    Raises:
        Refused: `request.malformed`, `words.secret`.
    """
    told = reason.strip()
    letters = [letter.casefold() for letter in told if letter.isalpha()]
    if len(letters) < MIN_LETTERS or len(set(letters)) < _MIN_DIFFERENT or len(told) > MAX_REASON_LENGTH:
        public = said("Say why the text may be sent, in at least {count} letters.", count=MIN_LETTERS)
        raise Refused(Code.REQUEST_MALFORMED, "no reason, or too long a one", public=public)
    if find_secrets(told):
        raise Refused(Code.WORDS_SECRET, "the reason carries a secret")
    return told


async def verify_overrider(desk: DeskContext, officer: PersonRecord) -> Precondition:
    """Verify that an officer may override now, and return the precondition that this stays so up to the commit.

    Raises:
        Refused: `person.not_allowed`.
    """
    try:
        kept = await desk.store.get(PersonRecord, officer.id)
    except RecordMissing:
        kept = None
    if kept is None or kept.record.paused or not may_override(desk.catalogue, kept.record):
        raise Refused(Code.PERSON_NOT_ALLOWED, "no role of theirs may override")
    return Precondition(PersonRecord.KIND, officer.id, kept.rev)


async def is_overridden(
    desk: DeskContext, officer: PersonRecord, text: str, checked: CheckedText, override: Override
) -> bool:
    """Return whether an override is of exactly this check, and of nothing that no override lets through.

    ⚔ A canary is in no text that is sent by one: whoever quotes it has read what nobody needs.
    """
    if not checked.overridable or override.check != check_token(desk, officer, text, checked):
        return False
    at = LeakSource(where="reply", task=checked.task, person=officer.id)
    found = await desk.leak_scanner.scan(text, at, caller=officer.id)
    return not (found.canaries or found.traces or found.owned)
