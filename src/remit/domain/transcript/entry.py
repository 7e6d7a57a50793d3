"""Entries of the transcript: their kinds, sealing into the 32 bytes the log holds, and opening again.

`receipt` decides which holder opens a section; encrypting the content is a plug's, order and durability the store's.
"""

import hashlib
import json
from binascii import b2a_base64 as _b64
from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias, cast

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Instant, JsonObject
from remit.proof.canonical import canonical
from remit.proof.checkpoint import unb64
from remit.proof.errors import ProofError
from remit.proof.receipt import LEAF_PREFIX, SALT_SIZE, TAGS, leaf_data, section_hash


class Kind(StrEnum):
    """The kinds of entries, `noun.past`; public contract."""

    ACT_PERFORMED = "act.performed"
    ACT_RECONCILED = "act.reconciled"
    AGENT_DISOWNED = "agent.disowned"
    AGENT_REGISTERED = "agent.registered"
    AGENT_RESUMED = "agent.resumed"
    AGENT_SUSPENDED = "agent.suspended"
    AGENT_TRUSTED = "agent.trusted"
    ASK_DECIDED = "ask.decided"
    ATTACHMENT_SETTLED = "attachment.settled"
    CANARY_PLANTED = "canary.planted"
    CANARY_REMOVED = "canary.removed"
    CANARY_SEEN = "canary.seen"
    CONFIRMATION_ANSWERED = "confirmation.answered"
    CONFIRMATION_EXPIRED = "confirmation.expired"
    CONFIRMATION_HANDED = "confirmation.handed"
    CONFIRMATION_INVITED = "confirmation.invited"
    CONFIRMATION_TAKEN = "confirmation.taken"
    CONTEST_RAISED = "contest.raised"
    CONTEST_SETTLED = "contest.settled"
    CREDENTIAL_MISUSED = "credential.misused"
    ENTRY_ERASED = "entry.erased"
    EVENT_RECEIVED = "event.received"
    LEAK_FOUND = "leak.found"
    LOG_RECOVERED = "log.recovered"
    MANDATE_DECLINED = "mandate.declined"
    MANDATE_EXPIRED = "mandate.expired"
    MANDATE_GRANTED = "mandate.granted"
    MANDATE_NARROWED = "mandate.narrowed"
    MANDATE_REVOKED = "mandate.revoked"
    MESSAGE_BLOCKED = "message.blocked"
    NOISE_COUNTED = "noise.counted"
    OFFER_MADE = "offer.made"
    PERSON_CHANGED = "person.changed"
    PERSON_ENROLLED = "person.enrolled"
    PERSON_RECOVERED = "person.recovered"
    POLICY_CHANGED = "policy.changed"
    REPLY_OVERRIDDEN = "reply.overridden"
    REPLY_REVIEWED = "reply.reviewed"
    REPLY_SENT = "reply.sent"
    TASK_ENDED = "task.ended"
    TASK_HELD = "task.held"
    TASK_OPENED = "task.opened"
    TASK_RESUMED = "task.resumed"
    WAIVER_USED = "waiver.used"
    WORDS_ANSWERED = "words.answered"


class Section(StrEnum):
    """The separately salted parts of an entry, in the order the leaf takes them."""

    ENVELOPE = "envelope"
    AGENT = "agent"
    CUSTOMER = "customer"
    DESK = "desk"


SALTS_SIZE: Final = SALT_SIZE * len(Section)
_HASH_SIZE: Final = 32
_RECORD_VERSION: Final = b"\x01"
_SALT_AT: Final = len(_RECORD_VERSION)
_HASHES_AT: Final = _SALT_AT + SALT_SIZE
_BODY_AT: Final = _HASHES_AT + 3 * _HASH_SIZE
_ENVELOPE_TAG, _AGENT_TAG, _CUSTOMER_TAG, _DESK_TAG = (TAGS[section] for section in Section)
_sha256: Final = hashlib.sha256
_CONTENT: Final = ((Section.AGENT, _AGENT_TAG), (Section.CUSTOMER, _CUSTOMER_TAG), (Section.DESK, _DESK_TAG))

Hashes: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""The four section hashes, in the order of `Section`."""


@struct(frozen=True, kw_only=True)
class EntryDraft:
    """An entry before it is sealed.

    `envelope` is for every reader of the entry and never erased, so it holds pseudonyms and digests only; `kind` and
    `at` are added to it. `agent`, `customer` and `desk` are for that party alone. `subject` is the customer whose
    content key protects the three ("" for none). `refs` are look-up ids outside the leaf.
    """

    kind: Kind
    at: Instant
    envelope: JsonObject
    agent: JsonObject | None
    customer: JsonObject | None
    desk: JsonObject | None
    subject: str
    refs: tuple[str, ...]


@struct(frozen=True, kw_only=True)
class SealedEntry:
    """A sealed entry: the log's `leaf`, and the parts the store keeps for opening it.

    `envelope_record` stays for good. `content` has the salts and bodies of the parties and is to be encrypted: a body
    cannot be guessed from its hash without its salt, so destroying the key erases it.
    """

    kind: Kind
    at: Instant
    leaf: bytes
    hashes: Hashes
    envelope_record: bytes
    content: bytes = field(repr=False)
    subject: str
    refs: tuple[str, ...]


@struct(frozen=True, kw_only=True)
class OpenedSection:
    """One opened section: its salt and its body."""

    salt: bytes = field(repr=False)
    body: JsonObject | None


@struct(frozen=True, kw_only=True)
class OpenedEntry:
    """An entry read back from the store. Erased content leaves the envelope alone in `sections`."""

    kind: Kind
    at: Instant
    leaf: bytes
    hashes: Hashes
    sections: Mapping[Section, OpenedSection]


def seal_entry(draft: EntryDraft, salts: bytes) -> SealedEntry:
    """Seal a draft with four fresh 128-bit salts.

    Raises:
        ValueError: when the salts are not 64 bytes or the envelope already has `kind` or `at`.

    Source: docs/model/model.md#sections.
    """
    if len(salts) != SALTS_SIZE:
        message = f"four salts are {SALTS_SIZE} bytes"
        raise ValueError(message)
    if "kind" in draft.envelope or "at" in draft.envelope:
        message = "kind and at are written by seal"
        raise ValueError(message)
    envelope = canonical({**draft.envelope, "kind": str(draft.kind), "at": draft.at})
    agent, customer, desk = canonical(draft.agent), canonical(draft.customer), canonical(draft.desk)
    of_envelope, of_agent, of_customer, of_desk = salts[:16], salts[16:32], salts[32:48], salts[48:]
    hashes = (  # `section_hash` inlined, and `leaf_data` below: every entry has four
        _sha256(of_envelope + _ENVELOPE_TAG + envelope).digest(),
        _sha256(of_agent + _AGENT_TAG + agent).digest(),
        _sha256(of_customer + _CUSTOMER_TAG + customer).digest(),
        _sha256(of_desk + _DESK_TAG + desk).digest(),
    )
    return SealedEntry(
        kind=draft.kind,
        at=draft.at,
        leaf=_sha256(LEAF_PREFIX + b"".join(hashes)).digest(),
        hashes=hashes,
        envelope_record=b"".join((_RECORD_VERSION, of_envelope, *hashes[1:], envelope)),
        content=b'{"agent":{"body":%b,"salt":"%b"},"customer":{"body":%b,"salt":"%b"},"desk":{"body":%b,"salt":"%b"}}'
        % (
            agent,
            _b64(of_agent, newline=False),
            customer,
            _b64(of_customer, newline=False),
            desk,
            _b64(of_desk, newline=False),
        ),
        subject=draft.subject,
        refs=draft.refs,
    )


def unseal_entry(envelope_record: bytes, content: bytes | None) -> OpenedEntry:
    """Open a stored entry; `content` is decrypted already, or None when its key was destroyed.

    Raises:
        Refused: `log.damaged` when record and content do not belong together or cannot be read.

    Source: docs/model/model.md#sections.
    """
    leaf, hashes = verify_record(envelope_record)
    envelope = _object(envelope_record[_BODY_AT:])
    sections = {Section.ENVELOPE: OpenedSection(salt=envelope_record[_SALT_AT:_HASHES_AT], body=envelope)}
    if content is not None:
        sections.update(_content(_object(content), hashes))
    kind, at = read_envelope(envelope)
    return OpenedEntry(kind=kind, at=at, leaf=leaf, hashes=hashes, sections=sections)


def verify_record(envelope_record: bytes) -> tuple[bytes, Hashes]:
    """Compute the leaf and the section hashes of a stored envelope, without reading its JSON.

    Raises:
        Refused: `log.damaged` for anything else.
    """
    agent, customer, desk = (
        envelope_record[start : start + _HASH_SIZE] for start in range(_HASHES_AT, _BODY_AT, _HASH_SIZE)
    )
    hashes = (_envelope_hash(envelope_record), agent, customer, desk)
    return leaf_data(hashes), hashes


def logged_envelope(envelope_record: bytes, leaf: bytes) -> JsonObject:
    """Return the envelope of a stored record, if it is the one whose leaf was logged.

    Raises:
        Refused: `log.damaged`.
    """
    if verify_record(envelope_record)[0] != leaf:
        raise _damaged("an entry's record is not what was logged")
    return _object(envelope_record[_BODY_AT:])


def record_leaves(records: Sequence[bytes]) -> list[bytes]:
    """Compute the leaves alone, for reading a whole log.

    Raises:
        Refused: `log.damaged` when one of them is no envelope record.
    """
    if not all(len(record) > _BODY_AT and record.startswith(_RECORD_VERSION) for record in records):
        raise _unreadable()
    # `_envelope_hash` and `leaf_data` inlined, for ten million calls; a record holds the other hashes in a row.
    envelopes = [_sha256(each[_SALT_AT:_HASHES_AT] + _ENVELOPE_TAG + each[_BODY_AT:]).digest() for each in records]
    return [
        _sha256(LEAF_PREFIX + envelope + record[_HASHES_AT:_BODY_AT]).digest()
        for envelope, record in zip(envelopes, records, strict=True)
    ]


def _envelope_hash(envelope_record: bytes) -> bytes:
    if len(envelope_record) <= _BODY_AT or not envelope_record.startswith(_RECORD_VERSION):
        raise _unreadable()
    return section_hash(_ENVELOPE_TAG, envelope_record[_SALT_AT:_HASHES_AT], envelope_record[_BODY_AT:])


def read_envelope(envelope: JsonObject | None) -> tuple[Kind, Instant]:
    """Return the kind and time of an envelope.

    Raises:
        Refused: `log.damaged` when they are missing or of no known kind.
    """
    kind, at = (envelope or {}).get("kind"), (envelope or {}).get("at")
    if not isinstance(kind, str) or not isinstance(at, int) or isinstance(at, bool):
        raise _damaged("an envelope has no kind or time")
    try:
        return Kind(kind), Instant(at)
    except ValueError:
        raise _damaged("an envelope's kind is unknown here; use the version that wrote it, or a newer one") from None


def _content(content: JsonObject, hashes: Hashes) -> dict[Section, OpenedSection]:
    opened: dict[Section, OpenedSection] = {}
    for (section, tag), expected in zip(_CONTENT, hashes[1:], strict=True):
        part = content.get(section)
        salt, body = (part.get("salt"), part.get("body")) if isinstance(part, Mapping) else (None, None)
        if not isinstance(salt, str) or not (body is None or isinstance(body, Mapping)):
            raise _damaged(f"the {section} section cannot be read")
        raw = _salt(salt)
        if section_hash(tag, raw, canonical(body)) != expected:
            raise _damaged(f"the {section} section differs from the recorded one")
        opened[section] = OpenedSection(salt=raw, body=body)
    return opened


def _salt(text: str) -> bytes:
    try:
        raw = unb64(text)
    except ProofError:
        raise _damaged("a salt cannot be read") from None
    if len(raw) != SALT_SIZE:
        raise _damaged(f"a salt is not {SALT_SIZE} bytes")
    return raw


def _object(raw: bytes) -> JsonObject:
    """Decode JSON written by `seal_entry`, without the limits for foreign JSON: the hashes prove that it is ours."""
    try:
        value: object = json.loads(raw, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise _damaged("an entry's record is not JSON") from None
    if not isinstance(value, dict):
        raise _damaged("an entry's record is no object")
    return cast("JsonObject", value)


def _unreadable() -> Refused:
    return _damaged("an entry's record cannot be read")


def _damaged(reason: str) -> Refused:
    return Refused(Code.LOG_DAMAGED, reason)
