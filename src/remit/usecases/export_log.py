"""Copying a log out of a store as C2SP tlog-tiles publishes it, so that anybody can verify it without the desk."""

from collections.abc import Callable
from dataclasses import dataclass

from remit.domain import tiles
from remit.domain.note import VerifyEd25519, verify_checkpoint, verify_vkey
from remit.domain.tiles import WIDTH
from remit.ports.log_reader import LogReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was copied: the log's name and size, and how many files were written anew."""

    origin: str
    entries: int
    written: int


def export_log(
    log: LogReader,
    *,
    vkey: str,
    verify_ed25519: VerifyEd25519,
    has: Callable[[str], bool],
    write: Callable[[str, bytes], None],
    progress: Callable[[int, int], None],
) -> Exported:
    """Write every tile and entry bundle, and the checkpoint last, so that a copy cut short never claims what it lacks.

    `has` tells of a path that is there already: a full tile never changes and is not written again.

    Raises:
        Refused: `receipt.invalid` for a checkpoint that the key did not sign, `log.damaged` for what the store lacks.
    """
    note = log.checkpoint()
    head = verify_checkpoint(note, [verify_vkey(vkey)], verify_ed25519)
    written = 0
    for bundle in tiles.bundles(head.size):
        if bundle.width < WIDTH or not has(bundle.path):
            write(bundle.path, log.bundle(bundle))
            written += 1
        progress(bundle.index * WIDTH + bundle.width, head.size)
    for tile in tiles.tiles(head.size):
        if tile.width < WIDTH or not has(tile.path):
            write(tile.path, log.tile(tile))
            written += 1
    write("checkpoint", note.encode())
    return Exported(origin=head.origin, entries=head.size, written=written + 1)
