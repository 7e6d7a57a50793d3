"""Entries: sealed so that each section can be shown, kept back or erased alone."""

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.transcript.entry import EntryDraft, Kind, Section, record_leaves, seal_entry, unseal_entry, verify_record
from remit.domain.values import Instant
from remit.proof.canonical import canonical
from remit.proof.receipt import SECTIONS, TAGS, leaf_data, section_hash

SALTS = bytes(range(64))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BODY = st.dictionaries(
    TEXT, TEXT | st.booleans() | st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | st.lists(TEXT, max_size=3), max_size=4
)
ENVELOPE = BODY.filter(lambda body: not body.keys() & {"kind", "at"})


def draft(**changed: Any) -> Any:
    values = {
        "kind": Kind.ASK_DECIDED,
        "at": Instant(1_764_000_000_000),
        "envelope": {"action": "payment.refund", "decision": "permit"},
        "agent": {"amount": "40.00 EUR"},
        "customer": {"amount": "40.00 EUR"},
        "desk": {"policy": "small-refunds"},
        "subject": "customer_1",
        "refs": ("task_1",),
    }
    return EntryDraft(**{**values, **changed})


DRAFTS = st.builds(
    draft,
    kind=st.sampled_from(Kind),
    at=st.integers(0, 2**48).map(Instant),
    envelope=ENVELOPE,
    agent=BODY | st.none(),
    customer=BODY | st.none(),
    desk=BODY | st.none(),
    subject=TEXT,
    refs=st.tuples(TEXT),
)


def test_kinds_are_alphabetised_and_read_as_noun_and_past() -> None:
    assert [kind.value for kind in Kind] == sorted(kind.value for kind in Kind)
    assert all(kind.name == kind.value.replace(".", "_").upper() for kind in Kind)


@settings(max_examples=80)
@given(DRAFTS, st.binary(min_size=64, max_size=64))
def test_what_is_sealed_opens_as_it_was(one: Any, salts: bytes) -> None:
    sealed = seal_entry(one, salts)
    opened = unseal_entry(sealed.envelope_record, sealed.content)
    assert (opened.kind, opened.at, opened.leaf, opened.hashes) == (one.kind, one.at, sealed.leaf, sealed.hashes)
    bodies = {section.value: open_section.body for section, open_section in opened.sections.items()}
    envelope = {**one.envelope, "kind": one.kind.value, "at": one.at}
    assert bodies == {"envelope": envelope, "agent": one.agent, "customer": one.customer, "desk": one.desk}
    assert b"".join(part.salt for part in opened.sections.values()) == salts


def test_the_leaf_is_the_hash_of_the_documented_bytes() -> None:
    sealed = seal_entry(draft(), SALTS)
    bodies = {"action": "payment.refund", "decision": "permit", "kind": "ask.decided", "at": 1_764_000_000_000}
    parts = [("envelope", bodies), ("agent", draft().agent), ("customer", draft().customer), ("desk", draft().desk)]
    hashes = [
        hashlib.sha256(SALTS[16 * place : 16 * place + 16] + name.encode() + b"\x00" + canonical(body)).digest()
        for place, (name, body) in enumerate(parts)
    ]
    assert list(sealed.hashes) == hashes
    assert sealed.leaf == hashlib.sha256(b"remit-leaf-v1\x00" + b"".join(hashes)).digest() == leaf_data(sealed.hashes)
    assert len(sealed.leaf) == 32


def test_salts_make_equal_bodies_differ() -> None:
    same = {"amount": "40.00 EUR"}
    sealed = seal_entry(draft(envelope={}, agent=same, customer=same, desk=same), SALTS)
    assert len(set(sealed.hashes)) == 4
    assert not set(sealed.hashes) & set(seal_entry(draft(envelope={}, agent=same, customer=same, desk=same), SALTS[::-1]).hashes)


def test_even_with_one_salt_a_section_cannot_pass_as_another() -> None:
    hashes = {section_hash(TAGS[section], SALTS[:16], b'{"a":1}') for section in Section}
    assert len(hashes) == 4


def test_an_absent_section_cannot_be_told_from_a_present_one_by_its_hash() -> None:
    absent = seal_entry(draft(desk=None), SALTS)
    assert len(absent.hashes[3]) == 32
    assert absent.hashes[3] != seal_entry(draft(desk=None), SALTS[::-1]).hashes[3]


def test_a_sealed_entry_shows_neither_content_nor_salts_when_it_is_printed() -> None:
    sealed = seal_entry(draft(customer={"words": "a very private thing"}), SALTS)
    opened = unseal_entry(sealed.envelope_record, sealed.content)
    assert "private" not in repr(sealed)
    assert repr(SALTS[32:48]) not in repr(opened)


def test_the_kept_envelope_holds_no_salt_of_the_content() -> None:
    record = seal_entry(draft(), SALTS).envelope_record
    assert all(SALTS[start : start + 16] not in record for start in (16, 32, 48))


def test_erased_content_leaves_an_entry_that_still_has_its_leaf() -> None:
    sealed = seal_entry(draft(), SALTS)
    opened = unseal_entry(sealed.envelope_record, None)
    assert (opened.leaf, opened.hashes, set(opened.sections)) == (sealed.leaf, sealed.hashes, {Section.ENVELOPE})


@settings(max_examples=150)
@given(st.data())
def test_a_flipped_bit_in_what_is_kept_is_noticed(data: st.DataObject) -> None:
    sealed = seal_entry(draft(), SALTS)
    parts = [bytearray(sealed.envelope_record), bytearray(sealed.content)]
    hit = data.draw(st.integers(0, 1))
    bit = data.draw(st.integers(0, len(parts[hit]) * 8 - 1))
    parts[hit][bit // 8] ^= 1 << (bit % 8)
    assert leaf_or_code(bytes(parts[0]), bytes(parts[1])) != sealed.leaf


def leaf_or_code(record: bytes, content: bytes) -> Any:
    try:
        return unseal_entry(record, content).leaf
    except Refused as refused:
        assert_damage(refused)
        return refused.code


def assert_damage(refused: Refused) -> None:
    assert refused.code is Code.LOG_DAMAGED


def test_the_content_of_another_entry_is_refused() -> None:
    one, other = seal_entry(draft(), SALTS), seal_entry(draft(), SALTS[::-1])
    with pytest.raises(Refused) as refused:
        unseal_entry(one.envelope_record, other.content)
    assert refused.value.code is Code.LOG_DAMAGED


@pytest.mark.parametrize("record", [b"", b"\x01", b"\x02" + b"x" * 200, b"\x01" + b"x" * 112])
def test_a_record_of_another_form_is_damage(record: bytes) -> None:
    with pytest.raises(Refused) as refused:
        verify_record(record)
    assert refused.value.code is Code.LOG_DAMAGED
    with pytest.raises(Refused) as refused:
        record_leaves((seal_entry(draft(), SALTS).envelope_record, record))
    assert refused.value.code is Code.LOG_DAMAGED


@settings(max_examples=40)
@given(DRAFTS, st.binary(min_size=64, max_size=64))
def test_the_leaf_alone_is_the_leaf_that_the_whole_record_gives(one: Any, salts: bytes) -> None:
    sealed = seal_entry(one, salts)
    other = seal_entry(draft(), SALTS)
    assert record_leaves((sealed.envelope_record, other.envelope_record)) == [sealed.leaf, other.leaf]
    assert verify_record(sealed.envelope_record)[0] == sealed.leaf


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b"nonsense", b'{"kind":"ask.decided"}', b'{"kind":"ask.decided","at":true}', b'{"kind":"x.y","at":1}', b"\xff"]
)
def test_an_envelope_that_says_no_kind_and_time_is_damage(body: Any) -> None:
    with pytest.raises(Refused) as refused:
        unseal_entry(b"\x01" + b"x" * 112 + body, None)
    assert refused.value.code is Code.LOG_DAMAGED


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"agent":1,"customer":1,"desk":1}', b'{"agent":{"salt":"!","body":{}}}', b'{"agent":{"salt":"QQ==","body":{}}}', b'{"agent":{"salt":"QQ==","body":7}}'],
)  # fmt: skip
def test_content_of_another_form_is_damage(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        unseal_entry(seal_entry(draft(), SALTS).envelope_record, content)
    assert refused.value.code is Code.LOG_DAMAGED


@pytest.mark.parametrize("salts", [b"", SALTS[:-1], SALTS + b"x"])
def test_four_whole_salts_are_needed(salts: bytes) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        seal_entry(draft(), salts)


def test_sections_and_kinds_are_those_that_a_receipt_may_have() -> None:
    assert tuple(Section) == SECTIONS
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", kind) for kind in Kind)


@pytest.mark.parametrize("name", ["kind", "at"])
def test_an_envelope_cannot_write_its_own_kind_or_time(name: str) -> None:
    with pytest.raises(ValueError, match="written by seal"):
        seal_entry(draft(envelope={name: "x"}), SALTS)


def test_what_stands_in_several_parties_bodies_is_sealed_as_if_written_for_each() -> None:
    shared: dict[str, object] = {"order_id": "W1", "lines": [{"n": 2}], "said": 'ä\u2028"x'}
    alone = draft(agent={"params": dict(shared), "n": 1}, customer={"params": dict(shared)}, desk={"facts": None, "params": dict(shared)})
    once = draft(agent={"params": shared, "n": 1}, customer={"params": shared}, desk={"facts": None, "params": shared})
    assert seal_entry(once, SALTS) == seal_entry(alone, SALTS)
    forged = draft(agent={"params": '{"order_id":"W1"}'}, customer={"params": {"order_id": "W1"}})
    assert seal_entry(forged, SALTS).hashes[1] != seal_entry(draft(agent={"params": {"order_id": "W1"}}), SALTS).hashes[1]
