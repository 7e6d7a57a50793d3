"""Offline verification of a whole log: entries, tiles, signature, and continuity with earlier checkpoints."""

from collections.abc import Callable, Sequence

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.transcript.entry import record_leaves
from remit.domain.transcript.receipt import verify_receipt as verify_bytes
from remit.domain.transcript.verification import (
    decode_bundle,
    split_tile,
    tile_reader,
    verify_checkpoint,
    verify_consistency,
    verify_vkey,
)
from remit.ports.log_reader import LogReader, RecordReader
from remit.proof import merkle, tiles
from remit.proof.checkpoint import Checkpoint, VerifyEd25519, Vkey
from remit.proof.receipt import VerifiedReceipt
from remit.proof.tiles import HEIGHT, WIDTH, Tile


@struct(frozen=True, kw_only=True)
class LogReport:
    """The verified parts; `continues` are the sizes of earlier checkpoints this log begins with."""

    origin: str
    entries: int
    root: bytes
    tiles: int
    records: int
    continues: tuple[int, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Return the entries per second."""
        return self.entries / self.seconds if self.seconds > 0 else 0.0


def verify_log(
    log: LogReader,
    *,
    records: RecordReader | None,
    vkey: str,
    high_water: str | None,
    earlier: Sequence[str],
    verify_ed25519: VerifyEd25519,
    ticks: Callable[[], float],
    progress: Callable[[int, int], None],
) -> LogReport:
    """Verify a log from its first entry to its checkpoint.

    `high_water` is the newest signed checkpoint known from outside the store, `earlier` are others seen at any time;
    the log must begin with each of them. `records` are the stored envelopes, where the verifier has the store.
    `progress(entries, size)` is called as it goes; `ticks` gives monotonic seconds.

    Raises:
        Refused: `log.older` when the log is shorter than a checkpoint it has published (its tail was cut, or an old
            copy was put back); `log.damaged` for a bad signature, a changed entry, tile or record, or a fork;
            `settings.invalid` for an invalid verifier key.
        Fault: `fault.store` when the log cannot be reached.

    Source: docs/model/model.md#log; RFC 6962 §2.1.
    """
    begun = ticks()
    key = _verify_key(vkey)
    head = _verify_checkpoint(log.checkpoint(), key, verify_ed25519)
    seen = [
        _verify_checkpoint(note, key, verify_ed25519)
        for note in (*earlier, *([] if high_water is None else [high_water]))
    ]
    for one in seen:
        if one.size > head.size:
            raise Refused(
                Code.LOG_OLDER, f"the log has {head.size} entries, but had {one.size} when that checkpoint was signed"
            )
    rows = _verify_entries(log, records, [*seen, head], progress)
    checked = _verify_tiles(log, head.size, rows)
    return LogReport(
        origin=head.origin,
        entries=head.size,
        root=head.root,
        tiles=checked,
        records=head.size if records is not None else 0,
        continues=tuple(sorted({one.size for one in seen})),
        seconds=ticks() - begun,
    )


def verify_continues(log: LogReader, note: str, earlier: str, *, vkey: str, verify_ed25519: VerifyEd25519) -> None:
    """Verify that the log of this checkpoint (`note`) continues an earlier one, from the few tiles of a proof.

    Entries are not read, so their match with the checkpoint is not shown.

    Raises:
        Refused: `log.older` when it is shorter, `log.damaged` when it is another one (changed or forked) or a
            checkpoint does not verify, `settings.invalid` for an invalid key.
        Fault: `fault.store` when the log cannot be reached.

    Source: RFC 6962 §2.1.2.
    """
    key = _verify_key(vkey)
    head, seen = (_verify_checkpoint(one, key, verify_ed25519) for one in (note, earlier))
    if seen.size > head.size:
        raise Refused(
            Code.LOG_OLDER, f"the log has {head.size} entries, but had {seen.size} when that checkpoint was signed"
        )
    proof = merkle.consistency_proof(seen.size, head.size, tile_reader(log.tile, head.size))
    try:
        verify_consistency(old=seen.size, new=head.size, old_root=seen.root, new_root=head.root, proof=proof)
    except Refused:
        raise Refused(
            Code.LOG_DAMAGED,
            f"the log does not begin with the {seen.size} entries of that checkpoint: changed or forked",
        ) from None


def _verify_entries(
    log: LogReader, records: RecordReader | None, marks: Sequence[Checkpoint], progress: Callable[[int, int], None]
) -> list[bytes]:
    """Hash every entry, compare with the tiles of level 0, and check every checkpoint on the way."""
    size = max(mark.size for mark in marks)
    roots = _roots(marks)
    frontier = merkle.EMPTY
    _meet(frontier, roots)
    full: list[bytes] = []
    for bundle in tiles.bundles(size):
        entries = decode_bundle(bundle, log.bundle(bundle))
        hashes = merkle.leaf_hashes(entries)
        start = bundle.index * WIDTH
        if log.keeps_leaf_hashes:
            _verify_row(log, Tile(level=0, index=bundle.index, width=bundle.width), hashes)
        if records is not None:
            _verify_records(entries, records.records(bundle), start)
        for stop in [at for at in roots if start < at < start + bundle.width]:
            frontier = frontier.append(hashes[frontier.size - start : stop - start])
            _meet(frontier, roots)
        if bundle.width == WIDTH:
            full.append(merkle.subtree(hashes))
        if frontier.size == start and bundle.width == WIDTH:
            frontier = frontier.append(full[-1:], level=HEIGHT)  # hashes above the entries exist already
        else:
            frontier = frontier.append(hashes[frontier.size - start :])
        _meet(frontier, roots)
        progress(frontier.size, size)
    return full


def _verify_tiles(log: LogReader, size: int, row: Sequence[bytes]) -> int:
    """Compare the tiles above level 0 with the entries' hashes; return the number compared in all."""
    checked = sum(1 for _ in tiles.bundles(size))
    level = 1
    while row:
        above: list[bytes] = []
        for start in range(0, len(row), WIDTH):
            part = row[start : start + WIDTH]
            _verify_row(log, Tile(level=level, index=start // WIDTH, width=len(part)), part)
            if len(part) == WIDTH:
                above.append(merkle.subtree(part))
            checked += 1
        row = above
        level += 1
    return checked


def _verify_row(log: LogReader, tile: Tile, expected: Sequence[bytes]) -> None:
    raw = log.tile(tile)
    if raw == b"".join(expected):
        return
    for place, (one, other) in enumerate(zip(split_tile(tile, raw), expected, strict=True)):
        if one != other:
            first = (tile.index * WIDTH + place) << (HEIGHT * tile.level)
            raise Refused(Code.LOG_DAMAGED, f"{tile.path} and the entries disagree from entry {first} on")


def _verify_records(entries: Sequence[bytes], records: Sequence[bytes], start: int) -> None:
    if len(records) != len(entries):
        raise Refused(Code.LOG_DAMAGED, f"records are missing from entry {start} on")
    found = record_leaves(records)
    if found == entries:
        return
    for place, (entry, leaf) in enumerate(zip(entries, found, strict=True)):
        if leaf != entry:
            raise Refused(Code.LOG_DAMAGED, f"the record of entry {start + place} is not what was logged")


def _roots(marks: Sequence[Checkpoint]) -> dict[int, bytes]:
    """Return roots by size, in order of size."""
    roots: dict[int, bytes] = {}
    for mark in sorted(marks, key=_size):
        if roots.setdefault(mark.size, mark.root) != mark.root:
            raise Refused(Code.LOG_DAMAGED, f"two signed checkpoints differ at {mark.size} entries: the log was forked")
    return roots


def _size(mark: Checkpoint) -> int:
    return mark.size


def _meet(frontier: merkle.Frontier, roots: dict[int, bytes]) -> None:
    expected = roots.get(frontier.size)
    if expected is not None and frontier.root() != expected:
        raise Refused(
            Code.LOG_DAMAGED, f"the entries do not give the signed root at {frontier.size} entries: changed or forked"
        )


def _verify_key(text: str) -> Vkey:
    try:
        return verify_vkey(text.strip())
    except Refused as refused:
        raise Refused(Code.SETTINGS_INVALID, refused.detail) from None


def _verify_checkpoint(note: str, key: Vkey, verify_ed25519: VerifyEd25519) -> Checkpoint:
    try:
        return verify_checkpoint(note, [key], verify_ed25519)
    except Refused as refused:
        raise Refused(Code.LOG_DAMAGED, f"a checkpoint does not verify: {refused.detail}") from None


def verify_receipt_bytes(unverified: bytes, *, vkeys: str, verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt, as JSON or as C2SP tlog-proof.

    Raises:
        Refused: `receipt.invalid` when it does not verify with these keys; `settings.invalid` for invalid keys.
    """
    keys = [_receipt_key(line.strip()) for line in vkeys.splitlines() if line.strip()]
    if not keys:
        raise Refused(Code.SETTINGS_INVALID, "no verifier key is given; it looks like name+hash+base64")
    return verify_bytes(unverified, keys, verify_ed25519)


def _receipt_key(text: str) -> Vkey:
    try:
        return verify_vkey(text)
    except Refused as refused:
        raise Refused(Code.SETTINGS_INVALID, refused.detail) from None
