"""Receipts in an agent's hands: what the desk's own code writes verifies, anything else does not."""

import asyncio
import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from client.fake_desk import FakeDesk
from remit.client import Agent, ReceiptInvalid
from remit.client.receipts import verify
from remit.domain.transcript.entry import EntryDraft, Kind, seal_entry, unseal_entry
from remit.domain.transcript.receipt import EntryWithProof, Holder, build_receipt
from remit.domain.values import Instant
from remit.proof import merkle
from remit.proof.canonical import canonical
from remit.proof.checkpoint import Checkpoint, b64, checkpoint_text, make_vkey, signed_note
from remit.proof.receipt import SECTIONS, TAGS, leaf_data, section_hash

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
COUNT = 13


def entry(number: int) -> Any:
    draft = EntryDraft(
        kind=Kind.ASK_DECIDED,
        at=Instant(1_764_000_000_000 + number),
        envelope={"ask": f"ask_{number}", "risk": 0.5, "naïve €": "\u20ac\n\x7f", "big": 1e21},
        agent={"text": "for the agent", "n": number},
        customer={"text": "for the customer"},
        desk=None,
        subject="customer_1",
        refs=(),
    )
    return seal_entry(draft, b"".join(bytes([number, place]) * 8 for place in range(4)))


ENTRIES = [entry(number) for number in range(COUNT)]
NODES = merkle.new_hashes(0, [merkle.leaf_hash(one.leaf) for one in ENTRIES], lambda *_: b"")
ROOT = merkle.root(COUNT, lambda level, index: NODES[level, index])


def note(*, origin: str = ORIGIN, size: int = COUNT, root: bytes = ROOT, key: Ed25519PrivateKey = KEY, vkey: Any = VKEY) -> str:
    body = checkpoint_text(Checkpoint(origin=origin, size=size, root=root))
    return signed_note(body, vkey, key.sign(body.encode()))


def receipt(*indexes: int, checkpoint: str | None = None, origin: str = ORIGIN) -> Any:
    proved = [
        EntryWithProof(
            index=index,
            opened=unseal_entry(ENTRIES[index].envelope_record, ENTRIES[index].content),
            proof=merkle.inclusion_proof(index, COUNT, lambda level, at: NODES[level, at]),
        )
        for index in indexes
    ]
    built = build_receipt(holder=Holder.AGENT, entries=proved, checkpoint=checkpoint or note(), origin=origin)
    return json.loads(canonical(built))


@pytest.mark.parametrize("index", range(COUNT))
def test_what_the_desk_writes_verifies_as_value_as_bytes_and_as_text(index: int) -> None:
    built = receipt(index)
    for form in (built, json.dumps(built).encode(), json.dumps(built)):
        verified = verify(form, str(VKEY), ask=f"ask_{index}")
        assert (verified.origin, verified.size) == (ORIGIN, COUNT)
        (one,) = verified.entries
        assert (one.index, one.kind, one.at) == (index, "ask.decided", 1_764_000_000_000 + index)
        assert one.envelope["ask"] == f"ask_{index}"
        assert set(one.sections) == {"envelope", "agent"}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in leaves(part, (*path, name))]
    if isinstance(value, list):
        return [found for place, part in enumerate(value) for found in leaves(part, (*path, place))]
    return [path]


BUILT = receipt(3, 8)


@pytest.mark.parametrize("path", leaves(BUILT), ids=str)
def test_any_changed_part_fails(path: tuple[Any, ...]) -> None:
    forged = copy.deepcopy(BUILT)
    place = forged
    for step in path[:-1]:
        place = place[step]
    old = place[path[-1]]
    place[path[-1]] = f"{old[:-1]}{'A' if old[-1:] != 'A' else 'B'}" if isinstance(old, str) else old * 2 + 1
    with pytest.raises(ReceiptInvalid):
        verify(forged, str(VKEY))


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_any_flipped_bit_of_a_file_fails(place: int, bit: int) -> None:
    raw = bytearray(canonical(receipt(5)))
    raw[place % len(raw)] ^= 1 << bit
    assume(raw != canonical(receipt(5)).replace(b"1e+21", b"1E+21"))  # the same number, spelt otherwise
    with pytest.raises(ReceiptInvalid):
        verify(bytes(raw), str(VKEY))


def test_a_kind_that_is_newer_than_the_client_is_no_reason_to_doubt() -> None:
    body = {"ask": "ask_1", "at": 1, "kind": "ask.unheard_of"}
    salt, closed = bytes(16), [b"h" * 32] * 3
    leaf = leaf_data([section_hash(TAGS["envelope"], salt, canonical(body)), *closed])
    entry = {
        "index": 0,
        "kind": "ask.unheard_of",
        "sections": {"envelope": {"salt": b64(salt), "body": body}},
        "hashes": {name: b64(one) for name, one in zip(SECTIONS[1:], closed, strict=True)},
        "proof": [],
    }
    built = {"v": 1, "log": ORIGIN, "entries": [entry], "checkpoint": note(size=1, root=merkle.leaf_hash(leaf))}
    assert verify(built, str(VKEY), ask="ask_1").entries[0].kind == "ask.unheard_of"


def test_a_true_receipt_of_another_ask_is_not_taken() -> None:
    with pytest.raises(ReceiptInvalid):
        verify(receipt(3), str(VKEY), ask="ask_4")


def test_a_checkpoint_of_another_key_or_log_is_not_taken() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
    foreign = make_vkey("other.example/log", other.public_key().public_bytes_raw())
    forged = [
        receipt(3, checkpoint=note(key=other)),
        receipt(3, checkpoint=note(key=other, vkey=foreign)),
        receipt(3, checkpoint=note(key=other, vkey=make_vkey(ORIGIN, other.public_key().public_bytes_raw()))),
        receipt(3, origin="other.example/log"),
        receipt(3, checkpoint=note(origin="other.example/log"), origin="other.example/log"),
    ]
    for one in forged:
        with pytest.raises(ReceiptInvalid):
            verify(one, [str(VKEY), str(foreign)])
    with pytest.raises(ReceiptInvalid):
        verify(receipt(3), str(foreign))


def test_a_bad_line_of_a_known_key_spoils_a_good_one() -> None:
    good = note()
    bad = f"— {VKEY.name} {base64.b64encode(VKEY.key_id + b'x' * 64).decode()}\n"
    with pytest.raises(ReceiptInvalid):
        verify(receipt(3, checkpoint=good + bad), str(VKEY))


def test_lines_of_unknown_keys_are_passed_over() -> None:
    witness = f"— witness.example {base64.b64encode(b'abcd' + b'x' * 72).decode()}\n"
    assert verify(receipt(3, checkpoint=note() + witness), str(VKEY)).size == COUNT


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        b"",
        b"{}",
        b'{"v":1,"v":1}',
        '{"v":1,"v":1}',
        "\ud800",
        BUILT | {"more": 1},
        BUILT | {"v": True},
        BUILT | {"v": 2},
        BUILT | {"entries": []},
        BUILT | {"entries": BUILT["entries"][::-1]},
        BUILT | {"entries": [BUILT["entries"][0]] * 2},
        BUILT | {"entries": [BUILT["entries"][0] | {"index": -1}]},
        BUILT | {"entries": [BUILT["entries"][0] | {"proof": BUILT["entries"][0]["proof"] + [BUILT["entries"][0]["proof"][0]]}]},
        BUILT | {"entries": [BUILT["entries"][0] | {"sections": {}}]},
        BUILT | {"entries": [BUILT["entries"][0] | {"hashes": {}}]},
        BUILT | {"checkpoint": ""},
        BUILT | {"checkpoint": BUILT["checkpoint"].replace("\n\n", "\n")},
        BUILT | {"checkpoint": "\ud800" + BUILT["checkpoint"]},
    ],
    ids=range(21),
)
def test_what_is_no_receipt_is_refused_and_breaks_nothing(broken: Any) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(broken, str(VKEY))


@pytest.mark.parametrize("body", [{"x": 10**400}, {"x": float("inf")}, {"x": "\ud800"}, {"x": {"deep": "er"}}])
def test_bodies_that_no_desk_writes_are_refused(body: Any) -> None:
    deep: Any = body
    for _ in range(3000 if "deep" in str(body) else 0):
        deep = {"x": deep}
    forged = copy.deepcopy(BUILT)
    forged["entries"][0]["sections"]["agent"]["body"] = deep
    with pytest.raises(ReceiptInvalid):
        verify(forged, str(VKEY))


@pytest.mark.parametrize("vkey", ["", "a", "a+b+c", str(VKEY)[:-4], str(VKEY).replace("desk", "disk"), f"{VKEY.name}+00000000+AAAA"])
def test_what_is_no_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(BUILT, vkey)


@pytest.mark.parametrize("vkey", [None, 5, [None], str(VKEY).encode(), {}])
def test_a_verifier_key_that_is_no_text_is_refused_as_one(vkey: Any) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(BUILT, vkey)


def test_a_reply_verifies_its_own_receipt(desk: FakeDesk, make_agent: Callable[..., Agent]) -> None:
    def answer(ask: str) -> JSONResponse:
        return JSONResponse({"ask": ask, "decision": "permit", "outcome": "done", "receipt": receipt(3)})

    desk.trouble("/asks", lambda _: answer("ask_3"), lambda _: answer("ask_4"))

    async def main() -> None:
        async with make_agent() as agent, agent.mandate("mandate_1").task() as task:
            assert (await task.ask("order.read", {})).verified_receipt(str(VKEY)).entries[0].index == 3
            other = await task.ask("order.read", {})
            with pytest.raises(ReceiptInvalid) as caught:
                other.verified_receipt(str(VKEY))
            assert (caught.value.code, bool(caught.value.cure)) == ("receipt.invalid", True)

    asyncio.run(main())
