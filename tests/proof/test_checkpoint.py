"""Signed notes: one form, known keys only, and no key speaks for another log."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.signer.file import verify_ed25519
from remit.proof.checkpoint import (
    Checkpoint,
    b64,
    checkpoint_text,
    make_vkey,
    read_checkpoint,
    read_note,
    signed_note,
    unb64,
    verify_checkpoint,
    verify_note,
    verify_vkey,
)
from remit.proof.errors import ProofError

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
BODY = checkpoint_text(Checkpoint(origin=ORIGIN, size=7, root=b"r" * 32))


def sign(text: str, key: Any = KEY, vkey: str = VKEY) -> Any:
    return signed_note(text, vkey, key.sign(text.encode()))


def line(name: str, raw: bytes) -> Any:
    return f"— {name} {b64(raw)}\n"


def refused(call: Callable[..., object], *arguments: Any) -> None:
    with pytest.raises(ProofError):
        call(*arguments)


def test_the_example_key_of_the_tessera_log_reads_and_writes_back() -> None:
    text = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    assert str(verify_vkey(text)) == text


def test_a_signed_checkpoint_verifies_with_its_key() -> None:
    assert verify_checkpoint(sign(BODY), [VKEY], verify_ed25519) == Checkpoint(origin=ORIGIN, size=7, root=b"r" * 32)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_back(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root)
    assert read_checkpoint(checkpoint_text(checkpoint)) == checkpoint


@settings(max_examples=150)
@given(st.data())
def test_any_flipped_bit_of_a_signed_checkpoint_fails(data: st.DataObject) -> None:
    raw = bytearray(sign(BODY).encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << (bit % 8)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    refused(verify_checkpoint, text, [VKEY], verify_ed25519)


def test_unknown_keys_are_ignored_even_when_they_share_name_or_id() -> None:
    note = sign(BODY) + line(ORIGIN, b"\x00\x00\x00\x01" + b"s" * 64) + line("else.example", VKEY.key_id + b"s" * 64)
    assert verify_checkpoint(note, [VKEY], verify_ed25519).size == 7


def test_a_bad_line_of_a_known_key_spoils_the_note() -> None:
    refused(verify_checkpoint, sign(BODY) + line(ORIGIN, VKEY.key_id + b"s" * 64), [VKEY], verify_ed25519)


def test_a_note_nobody_known_signed_is_refused() -> None:
    refused(verify_checkpoint, sign(BODY), [], verify_ed25519)
    other = make_vkey(ORIGIN, OTHER_KEY.public_key().public_bytes_raw())
    refused(verify_checkpoint, sign(BODY), [other], verify_ed25519)
    refused(verify_checkpoint, sign(BODY, OTHER_KEY), [VKEY], verify_ed25519)


def test_a_signature_of_another_key_type_is_not_taken_for_ours() -> None:
    refused(verify_checkpoint, BODY + "\n" + line(ORIGIN, b"\x04" + VKEY.key_id[1:] + b"s" * 72), [VKEY], verify_ed25519)


def test_a_witness_cannot_vouch_for_the_log() -> None:
    witness = make_vkey("witness.example", OTHER_KEY.public_key().public_bytes_raw())
    forged = sign(BODY, OTHER_KEY, witness)
    refused(verify_checkpoint, forged, [VKEY, witness], verify_ed25519)
    text, signers = verify_note(forged, [VKEY, witness], verify_ed25519)
    assert (text, list(signers)) == (BODY, [witness])


def test_a_log_and_a_witness_may_both_sign() -> None:
    witness = make_vkey("witness.example", OTHER_KEY.public_key().public_bytes_raw())
    for first, second in ((VKEY, KEY), (witness, OTHER_KEY)), ((witness, OTHER_KEY), (VKEY, KEY)):
        note = sign(BODY, first[1], first[0]) + line(second[0].name, second[0].key_id + second[1].sign(BODY.encode()))
        assert verify_checkpoint(note, [VKEY, witness], verify_ed25519).origin == ORIGIN


def test_a_key_that_signs_for_another_origin_is_refused() -> None:
    body = checkpoint_text(Checkpoint(origin="else.example/log", size=7, root=b"r" * 32))
    refused(verify_checkpoint, sign(body), [VKEY], verify_ed25519)


@pytest.mark.parametrize("root", [b"", b"banana", b"r" * 31, b"r" * 33])
def test_a_root_that_is_no_sha256_value_is_refused(root: bytes) -> None:
    refused(verify_checkpoint, sign(checkpoint_text(Checkpoint(origin=ORIGIN, size=7, root=root))), [VKEY], verify_ed25519)


def test_extension_lines_are_signed_and_carry_no_meaning() -> None:
    assert verify_checkpoint(sign(BODY + "9999\nmore\n"), [VKEY], verify_ed25519).size == 7
    refused(verify_checkpoint, sign(BODY).replace("\n\n", "\nmore\n\n"), [VKEY], verify_ed25519)


ROOT = b64(b"r" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", f"o\n7\n{ROOT}", f"\n7\n{ROOT}\n", f"o\n\n{ROOT}\n", "o\n7\n\n", f"o\n07\n{ROOT}\n", f"o\n+7\n{ROOT}\n", f"o\n7 \n{ROOT}\n",
        f"o\n\u0667\n{ROOT}\n", f"o\n9223372036854775808\n{ROOT}\n", f"o\n7\n{ROOT}=\n", f"o\n7\n{ROOT[:-1]}\n", f"o\n7\n {ROOT}\n", f"o\n7\n{ROOT}\n\n",
        f"o\n7\n{ROOT}\nx\n\ny\n", f"o\r\n7\r\n{ROOT}\r\n", f"o\x00\n7\n{ROOT}\n", f"o\t\n7\n{ROOT}\n",
    ],
)  # fmt: skip
def test_other_texts_are_no_checkpoint(text: str) -> None:
    refused(read_checkpoint, text)


GOOD = line(ORIGIN, VKEY.key_id + b"s" * 64)


@pytest.mark.parametrize(
    "note",
    [
        "", BODY, BODY + GOOD, BODY + "\n", BODY + "\n" + GOOD[:-1], BODY + "\n\n" + GOOD[:-1], BODY + "\n" + GOOD + "\n", BODY + "\n" + GOOD.replace("—", "-"),
        BODY + "\n" + GOOD.replace("— ", "—"), BODY + "\n" + GOOD.replace(ORIGIN, ""), BODY + "\n" + GOOD.replace(ORIGIN, "a+b"),
        BODY + "\n" + GOOD.replace(ORIGIN, "a b"), BODY + "\n" + GOOD.replace(ORIGIN, "a\u00a0b"), BODY + "\n" + GOOD.replace("=\n", "\n"),
        BODY + "\n" + line(ORIGIN, b"1234"), BODY + "\n" + f"— {ORIGIN}\n", BODY + "\n" + GOOD.replace("\n", " \n"), BODY + "\n" + GOOD.replace("\n", "\r\n"),
        BODY + "\n" + GOOD * 65, "x" * 300_000 + "\n\n" + GOOD, BODY + "\ud800\n\n" + GOOD, BODY + "\x07\n\n" + GOOD,
    ],
)  # fmt: skip
def test_other_texts_are_no_signed_note(note: str) -> None:
    refused(read_note, note)


def test_a_note_with_sixteen_signatures_is_read_as_the_specification_asks() -> None:
    assert len(read_note(BODY + "\n" + GOOD * 16).signatures) == 16


def test_a_text_with_empty_lines_ends_at_the_last_one() -> None:
    assert read_note("a\n\nb\n\n" + GOOD).text == "a\n\nb\n"


TEXT = str(VKEY)
NAME_AND_ID = f"{ORIGIN}+{VKEY.key_id.hex()}"


@pytest.mark.parametrize(
    "text",
    [
        "", NAME_AND_ID, TEXT.replace(ORIGIN, ""), TEXT.replace(ORIGIN, "other.example"), TEXT[:-4], TEXT + "=", TEXT.upper(),
        TEXT.replace("+", " "), f"{NAME_AND_ID}+{b64(bytes([4]) + VKEY.public)}", f"{NAME_AND_ID}+{b64(VKEY.public)}",
        TEXT.replace(VKEY.key_id.hex(), "00000000"), TEXT + "\n",
    ],
)  # fmt: skip
def test_a_changed_verifier_key_is_refused(text: str) -> None:
    assert verify_vkey(TEXT) == VKEY
    refused(verify_vkey, text)


@pytest.mark.parametrize(
    ("name", "public"), [("", b"p" * 32), ("a b", b"p" * 32), ("a+b", b"p" * 32), ("a\nb", b"p" * 32), ("a", b"p" * 31)]
)
def test_a_key_with_no_proper_name_or_size_is_not_made(name: str, public: bytes) -> None:
    refused(make_vkey, name, public)


@given(st.binary(max_size=40))
def test_base64_reads_back_in_one_way(raw: bytes) -> None:
    assert unb64(b64(raw)) == raw == base64.b64decode(b64(raw))


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "Q-==", "Q_==", "ü", "QQ==QQ==", "="])
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    refused(unb64, text)


@pytest.mark.parametrize("public", [b"", b"p" * 31, b"\xff" * 32])
def test_a_key_that_is_none_verifies_nothing(public: bytes) -> None:
    refused(verify_ed25519, public, b"message", b"s" * 64)


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(size: int) -> None:
    refused(verify_ed25519, VKEY.public, b"message", b"s" * size)
