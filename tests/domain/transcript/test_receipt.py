"""Receipts: each party can verify its own part with a public key alone, and learns nothing of the others'."""

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Refused
from remit.domain.transcript.entry import EntryDraft, Kind, Section, seal_entry, unseal_entry
from remit.domain.transcript.receipt import EntryWithProof, Holder, build_receipt, build_tlog_proof
from remit.domain.values import Instant
from remit.proof import merkle
from remit.proof.canonical import canonical
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note
from remit.proof.errors import ProofError
from remit.proof.receipt import TAGS, leaf_data, read_tlog_proof, section_hash, tlog_proof_text
from remit.usecases.transcript.verify import verify_receipt_bytes

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
SECRETS = {"agent": "for the agent only", "customer": "for the customer only", "desk": "for the desk only"}
COUNT = 21


def note(size: int, root: bytes, origin: str = ORIGIN, key: Any = KEY) -> Any:
    body = checkpoint_text(Checkpoint(origin=origin, size=size, root=root))
    return signed_note(body, VKEY, key.sign(body.encode()))


def sealed_entry(number: int) -> Any:
    draft = EntryDraft(
        kind=Kind.ASK_DECIDED,
        at=Instant(1_764_000_000_000 + number),
        envelope={"ask": f"ask_{number}", "outcome": "done", "risk": 0.5},
        agent={"text": SECRETS["agent"], "n": number},
        customer={"text": SECRETS["customer"], "n": number},
        desk={"text": SECRETS["desk"], "n": number},
        subject="customer_1",
        refs=(),
    )
    return seal_entry(draft, b"".join(bytes([number, place]) * 8 for place in range(4)))


ENTRIES = [sealed_entry(number) for number in range(COUNT)]
NODES = merkle.new_hashes(0, [merkle.leaf_hash(one.leaf) for one in ENTRIES], lambda *_: b"")
ROOT = merkle.root(COUNT, lambda level, index: NODES[level, index])
NOTE = note(COUNT, ROOT)


def proved(index: int, *, erased: bool = False) -> Any:
    sealed = ENTRIES[index]
    opened = unseal_entry(sealed.envelope_record, None if erased else sealed.content)
    return EntryWithProof(index=index, opened=opened, proof=merkle.inclusion_proof(index, COUNT, lambda level, at: NODES[level, at]))


def receipt(*indexes: int, holder: Holder = Holder.AGENT, erased: bool = False) -> Any:
    return build_receipt(holder=holder, entries=[proved(index, erased=erased) for index in indexes], checkpoint=NOTE, origin=ORIGIN)


def verify(value: Any) -> Any:
    raw = value if isinstance(value, bytes) else canonical(value)
    return verify_receipt_bytes(raw, vkeys=str(VKEY), verify_ed25519=verify_ed25519)


def refused(value: Any, code: Code = Code.RECEIPT_INVALID) -> None:
    with pytest.raises(Refused) as caught:
        verify(value)
    assert caught.value.code is code


@pytest.mark.parametrize("holder", Holder)
def test_a_receipt_opens_the_envelope_and_its_holders_section_and_nothing_else(holder: Holder) -> None:
    built = receipt(3, 5, holder=holder)
    verified = verify(built)
    assert (verified.checkpoint.origin, verified.checkpoint.size, verified.checkpoint.root) == (ORIGIN, COUNT, ROOT)
    expected = {"envelope", holder.value} - {"public"}
    for index, entry in zip((3, 5), verified.entries, strict=True):
        assert (entry.index, entry.kind, entry.at) == (index, Kind.ASK_DECIDED, 1_764_000_000_000 + index)
        assert set(entry.sections) == expected
    for name, secret in SECRETS.items():
        assert (secret.encode() in canonical(built)) == (name == holder.value)


@pytest.mark.parametrize("holder", Holder)
def test_a_receipt_holds_no_salt_of_a_closed_section(holder: Holder) -> None:
    extra = read_tlog_proof(build_tlog_proof(holder=holder, entry=proved(3), checkpoint=NOTE)).extra
    for section, one in proved(3).opened.sections.items():
        opened = section is Section.ENVELOPE or section.value == holder.value
        for text in (extra, canonical(receipt(3, holder=holder))):
            assert (base64.b64encode(one.salt) in text) == opened


@pytest.mark.parametrize("holder", Holder)
def test_the_same_holds_for_the_proof_in_c2sp_form(holder: Holder) -> None:
    text = build_tlog_proof(holder=holder, entry=proved(3), checkpoint=NOTE)
    assert verify(text.encode()) == verify(receipt(3, holder=holder))


@pytest.mark.parametrize("holder", Holder)
def test_after_erasure_an_entry_still_verifies_by_its_section_hashes(holder: Holder) -> None:
    verified = verify(receipt(3, holder=holder, erased=True))
    assert set(verified.entries[0].sections) == {Section.ENVELOPE}
    assert verified.entries[0].leaf == ENTRIES[3].leaf


def test_a_receipt_given_out_before_the_erasure_still_verifies() -> None:
    assert verify(receipt(3, holder=Holder.CUSTOMER)).entries[0].sections[Section.CUSTOMER] == {"text": SECRETS["customer"], "n": 3}


def test_every_entry_of_the_log_has_a_receipt_that_verifies() -> None:
    assert [one.index for one in verify(receipt(*range(COUNT))).entries] == list(range(COUNT))


def test_the_order_in_which_entries_are_handed_in_does_not_matter() -> None:
    assert receipt(9, 2) == receipt(2, 9)


@settings(max_examples=300)
@given(
    st.sampled_from([canonical(receipt(4, 11)), build_tlog_proof(holder=Holder.AGENT, entry=proved(4), checkpoint=NOTE).encode()]),
    st.data(),
)
def test_any_flipped_bit_of_a_receipt_fails(raw: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << (bit % 8)
    refused(bytes(changed))


def changed(path: tuple[str | int, ...], value: Any, built: Any = None) -> Any:
    copy = json.loads(canonical(built or receipt(4, 11)), parse_float=Decimal)
    inside = copy
    for step in path[:-1]:
        inside = inside[step]
    if value is KeyError:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return copy


ENTRY = ("entries", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(path, value, id=f"{'.'.join(map(str, path))}={value!r}"[:70])
        for path, value in [
            (("v",), 2), (("v",), True), (("v",), 1.5), (("v",), "1"), (("v",), KeyError), (("log",), "else.example"), (("log",), None),
            (("more",), 1), (("checkpoint",), ""), (("checkpoint",), None), (("checkpoint",), KeyError), (("checkpoint",), {}),
            (("entries",), []), (("entries",), {}), (("entries",), None), (("entries",), "x"), (("entries", 0), {}), (("entries", 0), None),
            ((*ENTRY, "index"), 5), ((*ENTRY, "index"), -1), ((*ENTRY, "index"), True), ((*ENTRY, "index"), "4"), ((*ENTRY, "index"), 2**53 - 1),
            ((*ENTRY, "index"), 4.5), ((*ENTRY, "kind"), "act.performed"), ((*ENTRY, "kind"), None), ((*ENTRY, "kind"), KeyError),
            ((*ENTRY, "proof"), []), ((*ENTRY, "proof"), None), ((*ENTRY, "proof"), {}), ((*ENTRY, "proof", 0), ""), ((*ENTRY, "proof", 0), None),
            ((*ENTRY, "proof", 0), "QQ=="), ((*ENTRY, "hashes", "desk"), "QQ=="), ((*ENTRY, "hashes", "desk"), KeyError), ((*ENTRY, "hashes", "more"), "QQ=="),
            ((*ENTRY, "hashes", "agent"), "A" * 43 + "="), ((*ENTRY, "hashes"), []), ((*ENTRY, "sections"), []), ((*ENTRY, "sections"), {}),
            ((*ENTRY, "sections", "envelope"), KeyError), ((*ENTRY, "sections", "agent"), KeyError), ((*ENTRY, "sections", "more"), {}),
            ((*ENTRY, "sections", "agent", "body"), None), ((*ENTRY, "sections", "agent", "body"), []), ((*ENTRY, "sections", "agent", "body"), "x"),
            ((*ENTRY, "sections", "agent", "body", "n"), 5), ((*ENTRY, "sections", "agent", "body", "more"), 5), ((*ENTRY, "sections", "agent", "more"), 5),
            ((*ENTRY, "sections", "agent", "salt"), ""), ((*ENTRY, "sections", "agent", "salt"), "QQ=="), ((*ENTRY, "sections", "agent", "salt"), 7),
            ((*ENTRY, "sections", "envelope", "body", "at"), 1), ((*ENTRY, "sections", "envelope", "body", "kind"), "x.y"),
        ]
    ],
)  # fmt: skip
def test_a_changed_receipt_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    refused(changed(path, value))


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense", b"[]", b"null", b"\xff", b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v1\xff", b"[" * 100]
)
def test_bytes_that_are_no_receipt_are_refused(raw: bytes) -> None:
    refused(raw)


def test_a_duplicate_key_cannot_show_one_thing_and_prove_another() -> None:
    raw = canonical(receipt(4))
    assert verify(raw)
    refused(raw.replace(b'"body":{"n":4', b'"body":{"n":5,"n":4'))


def test_a_section_moved_to_another_name_is_refused() -> None:
    built = receipt(4)
    sections = built["entries"][0]["sections"]
    swapped = {"envelope": sections["envelope"], "desk": sections["agent"]}
    hashes = built["entries"][0]["hashes"]
    moved = {"customer": hashes["customer"], "agent": hashes["desk"]}
    refused(changed((*ENTRY, "hashes"), moved, changed((*ENTRY, "sections"), swapped, built)))


def test_an_entry_twice_or_out_of_order_is_refused() -> None:
    entries = receipt(4, 11)["entries"]
    refused(changed(("entries",), [entries[1], entries[0]]))
    refused(changed(("entries",), [entries[0], entries[0]]))


def test_a_checkpoint_of_another_key_or_another_log_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
    refused(changed(("checkpoint",), note(COUNT, ROOT, key=other)))
    refused(changed(("checkpoint",), note(COUNT, ROOT, origin="else.example")))
    refused(changed(("log",), "else.example", changed(("checkpoint",), note(COUNT, ROOT, origin="else.example"))))


def test_an_older_checkpoint_does_not_prove_a_later_entry() -> None:
    old = merkle.root(4, lambda level, index: NODES[level, index])
    refused(changed(("checkpoint",), note(4, old)))


@pytest.mark.parametrize("body", [{"ask": "x"}, {"kind": "ask.unheard_of", "at": 1}, {"kind": "ask.decided", "at": True}], ids=str)
def test_an_envelope_without_a_known_kind_proves_nothing(body: dict[str, Any]) -> None:
    sealed = ENTRIES[0]
    opened = unseal_entry(sealed.envelope_record, None)
    bare = {**build_receipt(holder=Holder.PUBLIC, entries=[EntryWithProof(index=0, opened=opened, proof=())], checkpoint="", origin=ORIGIN)}
    entry = bare["entries"][0]
    salt = base64.b64decode(entry["sections"]["envelope"]["salt"])
    entry["sections"]["envelope"]["body"] = body
    entry["kind"] = body.get("kind", entry["kind"])
    hashes = (section_hash(TAGS[Section.ENVELOPE], salt, canonical(body)), *opened.hashes[1:])
    leaf = merkle.leaf_hash(leaf_data(hashes))
    bare["checkpoint"] = note(1, leaf)
    refused(bare)


def test_a_deeply_nested_ask_still_has_a_receipt_that_verifies() -> None:
    params = "x"
    for _ in range(30):
        params = [params]
    draft = EntryDraft(
        kind=Kind.ASK_DECIDED, at=Instant(1), envelope={}, agent={"params": params}, customer=None, desk=None, subject="", refs=()
    )
    sealed = seal_entry(draft, bytes(64))
    one = EntryWithProof(index=0, opened=unseal_entry(sealed.envelope_record, sealed.content), proof=())
    built = build_receipt(holder=Holder.AGENT, entries=[one], checkpoint=note(1, merkle.leaf_hash(sealed.leaf)), origin=ORIGIN)
    assert verify(built).entries[0].sections[Section.AGENT] == {"params": params}


@pytest.mark.parametrize("vkeys", ["", "\n \n", "nonsense", f"{VKEY}\nnonsense"])
def test_keys_that_are_none_are_a_wrong_setting_not_a_wrong_receipt(vkeys: str) -> None:
    with pytest.raises(Refused) as caught:
        verify_receipt_bytes(canonical(receipt(4)), vkeys=vkeys, verify_ed25519=verify_ed25519)
    assert caught.value.code is Code.SETTINGS_INVALID


def test_a_receipt_of_a_retired_log_key_verifies_while_that_key_is_still_listed() -> None:
    new = make_vkey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x02" * 32).public_key().public_bytes_raw())
    keys = f"{new}\n{VKEY}\n"
    assert verify_receipt_bytes(canonical(receipt(4)), vkeys=keys, verify_ed25519=verify_ed25519).entries[0].index == 4


@pytest.mark.parametrize(
    "text",
    [
        "", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nindex 00\n\nx\n", "c2sp.org/tlog-proof@v1\nindex 0\nx",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n", "c2sp.org/tlog-proof@v1\nindex 0\nextra QQ==\n\nx\n", "c2sp.org/tlog-proof@v1\nextra QQ==\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex \u0660\n\nx\n", "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx\n", "c2sp.org/tlog-proof@v1\nindex 9999999999999999999\n\nx\n",
        tlog_proof_text(index=0, hashes=[b"h" * 32] * 64, checkpoint="x"),
    ],
    ids=range(12),
)  # fmt: skip
def test_other_texts_are_no_proof(text: str) -> None:
    with pytest.raises(ProofError):
        read_tlog_proof(text)
    refused(text.encode())


def test_a_proof_without_extra_data_opens_nothing_and_is_no_receipt() -> None:
    refused(tlog_proof_text(index=3, hashes=proved(3).proof, checkpoint=NOTE).encode())
