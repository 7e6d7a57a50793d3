"""Export of a log as C2SP tlog-tiles, verifiable by anyone without the desk."""

from collections.abc import Callable
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.ports.log_reader import LogReader
from remit.proof import tiles
from remit.proof.checkpoint import VerifyEd25519
from remit.proof.tiles import HEIGHT, WIDTH, Bundle, Tile
from remit.usecases.transcript.verify import verify_continues

_ELSEWHERE: Final = "Keep that copy as it is, as evidence of what was published, and name another folder."


@struct(frozen=True, kw_only=True)
class ExportResult:
    """The result of an export: the log's name and size, and the number of files written."""

    origin: str
    entries: int
    written: int


def export_log(
    log: LogReader,
    *,
    vkey: str,
    high_water: str,
    copied: str | None,
    verify_ed25519: VerifyEd25519,
    has: Callable[[str], bool],
    write: Callable[[str, bytes], None],
    progress: Callable[[int, int], None],
) -> ExportResult:
    """Write every tile and entry bundle, and the checkpoint last, so that a partial copy never claims what it lacks.

    `high_water` is the newest checkpoint known from outside the store, `copied` that of an earlier copy present. ⚔ The
    log must continue both before anything is written: a copy is kept to detect that it does not. `has` tells whether a
    path exists. A full tile under the earlier copy's checkpoint never changes, and is not written again; any other may
    stem from a partial export of entries lost since.

    Raises:
        Refused: `log.older` when the log lacks what was published or copied; `log.damaged` when it is another one, for
            a checkpoint that the key did not sign, and for what the store lacks; `settings.invalid` when what is there
            is no copy of this log.
    """
    note = log.checkpoint()
    verify_continues(log, note, high_water, vkey=vkey, verify_ed25519=verify_ed25519)
    covered = 0 if copied is None else _verify_copied(log, note, copied, vkey, verify_ed25519)
    head = verify_checkpoint(note, [verify_vkey(vkey)], verify_ed25519)

    def stands(one: Tile | Bundle) -> bool:
        span = WIDTH if isinstance(one, Bundle) else WIDTH << (HEIGHT * one.level)
        return one.width == WIDTH and (one.index + 1) * span <= covered and has(one.path)

    written = 0
    for bundle in tiles.bundles(head.size):
        if not stands(bundle):
            write(bundle.path, log.bundle(bundle))
            written += 1
        progress(bundle.index * WIDTH + bundle.width, head.size)
    for tile in tiles.tiles(head.size):
        if not stands(tile):
            write(tile.path, log.tile(tile))
            written += 1
    write("checkpoint", note.encode())
    return ExportResult(origin=head.origin, entries=head.size, written=written + 1)


def _verify_copied(log: LogReader, note: str, copied: str, vkey: str, verify_ed25519: VerifyEd25519) -> int:
    """Verify that the log continues an earlier copy; return the copy's number of entries."""
    try:
        size = verify_checkpoint(copied, [verify_vkey(vkey)], verify_ed25519).size
    except Refused as refused:
        detail = f"what is there already is no copy of this log: its checkpoint does not verify: {refused.detail}"
        raise Refused(Code.SETTINGS_INVALID, detail, cure=_ELSEWHERE) from None
    try:
        verify_continues(log, note, copied, vkey=vkey, verify_ed25519=verify_ed25519)
    except Refused as refused:
        raise Refused(
            refused.code, f"the existing copy is of more entries, or of another log: {refused.detail}", cure=_ELSEWHERE
        ) from None
    return size
