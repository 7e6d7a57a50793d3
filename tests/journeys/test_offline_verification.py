"""Somebody outside verifies the whole log with a public key, and every way of cheating shows."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Refused
from remit.domain.transcript.entry import EntryDraft, Kind, seal_entry
from remit.domain.values import Instant
from remit.proof import merkle, tiles
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note
from remit.proof.tiles import Bundle, Tile
from remit.usecases.transcript.verify import LogReport, verify_log

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
SIZE = 600


def entry(number: int, story: str = "a") -> Any:
    draft = EntryDraft(
        kind=Kind.ACT_PERFORMED, at=Instant(number), envelope={"story": story}, agent=None, customer=None, desk=None, subject="", refs=()
    )
    return seal_entry(draft, number.to_bytes(64, "big"))


class Log:
    """A log in memory that can be made to lie."""

    keeps_leaf_hashes = True

    def __init__(self, sealed: Any, signed_size: Any = None, key: Any = KEY) -> None:
        self.sealed = list(sealed)
        self.leaves = [one.leaf for one in self.sealed]
        nodes = merkle.new_hashes(0, merkle.leaf_hashes(self.leaves), lambda *_: b"")
        self.size = len(self.leaves) if signed_size is None else signed_size
        self.root = merkle.root(self.size, lambda level, index: nodes[level, index])
        self.note = sign(self.size, self.root, key)
        self.tile_bytes = {tile: b"".join(nodes[node] for node in tiles.nodes(tile)) for tile in tiles.tiles(self.size)}
        self.bundle_bytes = {bundle: tiles.encode_bundle(self._part(self.leaves, bundle)) for bundle in tiles.bundles(self.size)}
        self.record_lists = {
            bundle: [one.envelope_record for one in self._part(self.sealed, bundle)] for bundle in tiles.bundles(self.size)
        }

    def _part(self, row: Any, bundle: Bundle) -> Any:
        return row[bundle.index * 256 : bundle.index * 256 + bundle.width]

    def checkpoint(self) -> Any:
        return self.note

    def tile(self, tile: Tile) -> Any:
        return self.tile_bytes.get(tile, b"")

    def bundle(self, bundle: Bundle) -> Any:
        return self.bundle_bytes.get(bundle, b"")

    def records(self, bundle: Bundle) -> Any:
        return self.record_lists.get(bundle, [])


def sign(size: int, root: bytes, key: Any = KEY) -> Any:
    body = checkpoint_text(Checkpoint(origin=ORIGIN, size=size, root=root))
    return signed_note(body, VKEY, key.sign(body.encode()))


def verify(
    log: Log,
    *,
    high_water: str | None = None,
    earlier: Sequence[str] = (),
    vkey: str = str(VKEY),
    ticks: Callable[[], float] = lambda: 0.0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Any:
    return verify_log(
        log, records=log, vkey=vkey, high_water=high_water, earlier=earlier, verify_ed25519=verify_ed25519, ticks=ticks, progress=progress
    )


def refused(code: Code, log: Log, **known: Any) -> Any:
    with pytest.raises(Refused) as caught:
        verify(log, **known)
    assert caught.value.code is code
    return caught.value.detail


HISTORY = [entry(number) for number in range(SIZE)]
OTHER_HISTORY = [*HISTORY[:300], *(entry(number, "b") for number in range(300, SIZE))]


def flip(raw: bytes, bit: int) -> Any:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_an_honest_log_verifies_and_says_how_much() -> None:
    clock, steps = iter([10.0, 12.0]), []
    log = Log(HISTORY)
    report = verify(log, high_water=log.note, ticks=lambda: next(clock), progress=lambda done, of: steps.append((done, of)))
    assert (report.origin, report.entries, report.records, report.root) == (ORIGIN, SIZE, SIZE, log.root)
    assert (report.tiles, report.continues, report.seconds, report.rate) == (4, (SIZE,), 2.0, 300.0)
    assert steps == [(256, 600), (512, 600), (600, 600)]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_a_log_of_any_size_verifies_with_all_its_past(size: int) -> None:
    past = [Log(HISTORY[:old]).note for old in range(0, size + 1, 51)]
    report = verify(Log(HISTORY[:size]), earlier=past, high_water=past[-1])
    assert (report.entries, report.continues) == (size, tuple(range(0, size + 1, 51)))


def test_a_report_that_took_no_time_has_no_rate() -> None:
    assert verify(Log(HISTORY[:3])).rate == 0.0


@settings(max_examples=80)
@given(st.data())
def test_any_flipped_bit_in_an_entry_a_tile_or_a_record_is_found(data: st.DataObject) -> None:
    log = Log(HISTORY[:300])
    place = data.draw(st.sampled_from(["tile_bytes", "bundle_bytes", "record_lists"]))
    where = data.draw(st.sampled_from(sorted(getattr(log, place), key=str)))
    kept = getattr(log, place)
    if place == "record_lists":
        number = data.draw(st.integers(0, len(kept[where]) - 1))
        kept[where][number] = flip(kept[where][number], data.draw(st.integers(0, len(kept[where][number]) * 8 - 1)))
    else:
        kept[where] = flip(kept[where], data.draw(st.integers(0, len(kept[where]) * 8 - 1)))
    refused(Code.LOG_DAMAGED, log)


def test_the_first_entry_that_disagrees_is_named() -> None:
    log = Log(HISTORY)
    bundle = Bundle(index=1, width=256)
    entries = list(tiles.decode_bundle(bundle, log.bundle_bytes[bundle]))
    entries[7] = b"x" * 32
    log.bundle_bytes[bundle] = tiles.encode_bundle(entries)
    assert "entry 263 on" in refused(Code.LOG_DAMAGED, log)
    log = Log(HISTORY)
    log.record_lists[bundle][7] = HISTORY[0].envelope_record
    assert "entry 263" in refused(Code.LOG_DAMAGED, log)


def test_an_entry_changed_together_with_its_tiles_and_record_does_not_give_the_signed_root() -> None:
    log = Log(HISTORY)
    forged = Log([*HISTORY[:9], entry(9, "forged"), *HISTORY[10:]])
    forged.note = log.note
    refused(Code.LOG_DAMAGED, forged)


def test_a_cut_tail_shows_against_the_high_water_checkpoint_even_when_it_is_signed_anew() -> None:
    refused(Code.LOG_OLDER, Log(HISTORY[:500]), high_water=Log(HISTORY).note)


def test_a_cut_tail_shows_against_any_earlier_checkpoint() -> None:
    refused(Code.LOG_OLDER, Log(HISTORY[:500]), earlier=[Log(HISTORY[:501]).note])


def test_a_tail_cut_below_its_own_checkpoint_shows_by_itself() -> None:
    log = Log(HISTORY)
    shorter = Log(HISTORY[:500])
    shorter.note = log.note
    refused(Code.LOG_DAMAGED, shorter)


def test_a_tail_cut_and_grown_again_is_a_fork() -> None:
    refused(Code.LOG_DAMAGED, Log(OTHER_HISTORY), high_water=Log(HISTORY[:500]).note)
    refused(Code.LOG_DAMAGED, Log(OTHER_HISTORY), high_water=Log(HISTORY).note)
    assert verify(Log(OTHER_HISTORY), high_water=Log(HISTORY[:300]).note).entries == SIZE


def test_two_signed_histories_of_one_size_are_a_fork() -> None:
    notes = [Log(HISTORY[:400]).note, Log(OTHER_HISTORY[:400]).note]
    assert "forked" in refused(Code.LOG_DAMAGED, Log(HISTORY), earlier=notes)


def test_a_checkpoint_of_another_key_is_damage() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
    refused(Code.LOG_DAMAGED, Log(HISTORY[:9], key=other))
    refused(Code.LOG_DAMAGED, Log(HISTORY[:9]), high_water=Log(HISTORY[:9], key=other).note)
    refused(Code.LOG_DAMAGED, Log(HISTORY[:9]), earlier=["nonsense"])


def test_an_empty_high_water_is_not_taken_for_none() -> None:
    refused(Code.LOG_DAMAGED, Log(HISTORY[:9]), high_water="")


def test_a_verifier_key_that_is_none_is_a_wrong_setting() -> None:
    refused(Code.SETTINGS_INVALID, Log(HISTORY[:9]), vkey="nonsense")


@pytest.mark.parametrize("kept", ["tile_bytes", "bundle_bytes", "record_lists"])
def test_whatever_is_missing_is_damage(kept: str) -> None:
    for where in list(getattr(Log(HISTORY[:300]), kept)):
        log = Log(HISTORY[:300])
        del getattr(log, kept)[where]
        refused(Code.LOG_DAMAGED, log)


def test_records_of_other_entries_are_damage() -> None:
    log = Log(HISTORY[:20])
    where = Bundle(index=0, width=20)
    log.record_lists[where][3], log.record_lists[where][4] = log.record_lists[where][4], log.record_lists[where][3]
    refused(Code.LOG_DAMAGED, log)


def test_a_public_verifier_without_the_store_verifies_entries_and_tiles() -> None:
    log = Log(HISTORY[:300])
    report = verify_log(
        log,
        records=None,
        vkey=str(VKEY),
        high_water=None,
        earlier=(),
        verify_ed25519=verify_ed25519,
        ticks=lambda: 0.0,
        progress=lambda *_: None,
    )
    assert (report.entries, report.records) == (300, 0)


def test_a_tile_above_that_disagrees_with_the_entries_is_named() -> None:
    log = Log(HISTORY)
    tile = Tile(level=1, index=0, width=2)
    log.tile_bytes[tile] = flip(log.tile_bytes[tile], 300)
    assert "entry 256 on" in refused(Code.LOG_DAMAGED, log)


class Bare(Log):
    """A log of plain leaf data: large without the work of sealing."""

    def __init__(self, leaves: list[bytes]) -> None:
        nodes = merkle.new_hashes(0, merkle.leaf_hashes(leaves), lambda *_: b"")
        self.note = sign(len(leaves), merkle.root(len(leaves), lambda level, index: nodes[level, index]))
        self.tile_bytes = {tile: b"".join(nodes[node] for node in tiles.nodes(tile)) for tile in tiles.tiles(len(leaves))}
        self.bundle_bytes = {bundle: tiles.encode_bundle(self._part(leaves, bundle)) for bundle in tiles.bundles(len(leaves))}


def test_a_log_three_tiles_high_verifies_and_a_flipped_bit_at_the_top_is_found() -> None:
    log = Bare([number.to_bytes(32, "big") for number in range(65_900)])

    def verified() -> LogReport:
        return verify_log(
            log,
            records=None,
            vkey=str(VKEY),
            high_water=None,
            earlier=(),
            verify_ed25519=verify_ed25519,
            ticks=lambda: 0.0,
            progress=lambda *_: None,
        )

    assert verified().tiles == 258 + 2 + 1
    top = Tile(level=2, index=0, width=1)
    log.tile_bytes[top] = flip(log.tile_bytes[top], 8)
    with pytest.raises(Refused) as caught:
        verified()
    assert caught.value.code is Code.LOG_DAMAGED
