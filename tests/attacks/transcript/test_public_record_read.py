"""What can be learnt from the public record: nothing that is not opened for whoever looks.

Source: docs/model/model.md#sections.
"""

import base64

import pytest

from attacks.arena import Arena
from remit.domain.transcript.entry import Section
from remit.proof.canonical import canonical
from remit.proof.receipt import TAGS, section_hash
from remit.sandbox import SandboxTask


def _receipt(arena: Arena, task: SandboxTask) -> dict[str, dict[str, str]]:
    """The last entry an agent has a receipt of, of a read of its own."""
    response = arena.ask(task, "order.read", {"order_id": "W1"})
    entry: dict[str, dict[str, str]] = response.json()["receipt"]["entries"][0]
    return entry


@pytest.mark.proves("SECTION-SALTS")
def test_what_a_closed_section_says_cannot_be_guessed_from_its_hash(arena: Arena) -> None:
    """⚔ The agent knows what the customer's section says nearly by heart: without its salt, no guess can be tried."""
    entry = _receipt(arena, arena.task())
    known = [base64.b64decode(entry["sections"][name]["salt"]) for name in ("envelope", "agent")]  # type: ignore[index]  # JSON
    opened = arena.entries("ask.decided")[-1]
    assert len(set(known)) == len(known)
    for section in (Section.CUSTOMER, Section.DESK):
        closed = base64.b64decode(entry["hashes"][section.value])
        tried = [section_hash(TAGS[section], salt, canonical(opened[section.value])) for salt in (*known, bytes(16))]
        assert closed not in tried


@pytest.mark.proves("SECTION-SALTS")
def test_the_public_tiles_hold_hashes_alone(arena: Arena) -> None:
    task = arena.task()
    arena.ask(task, "order.read", {"order_id": "W1"})
    size = int(arena.person("GET", "/log/checkpoint").text.split("\n")[1])
    bundle = arena.person("GET", f"/log/tile/entries/000.p/{size}").content
    assert len(bundle) == size * (2 + 32)
    assert all(bundle[at : at + 2] == b"\x00\x20" for at in range(0, len(bundle), 34))


@pytest.mark.proves("RECEIPT-SECTIONS")
def test_a_receipt_is_for_a_party_to_its_entry_alone(arena: Arena) -> None:
    arena.ask(arena.task(), "order.read", {"order_id": "W1"})
    index = arena.entries("ask.decided")[-1]["index"]
    path = f"/log/receipts/{index}"
    assert arena.person("GET", path).json()["code"] == "person.not_signed_in"
    assert arena.person("GET", path, cookie=arena.anna.cookie).is_success
    bram = arena.desk.customer("bram")
    foreign = arena.person("GET", path, cookie=bram.cookie)
    unknown = arena.person("GET", "/log/receipts/999999", cookie=bram.cookie)
    assert foreign.json() == unknown.json()
    assert foreign.json()["code"] == "request.not_found"
