"""The desk's use of `remit.proof`: failed checks become refusals with a public code."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from remit.domain.errors import Code, Refused
from remit.proof import checkpoint, merkle, tiles
from remit.proof.errors import LogDamagedError, NoTileError, ProofError
from remit.proof.tiles import GetTile

P = ParamSpec("P")
T = TypeVar("T")


def _refusing(check: Callable[P, T]) -> Callable[P, T]:
    @wraps(check)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return check(*args, **kwargs)
        except ProofError as error:
            raise refusal(error) from None

    return run


def refusal(error: ProofError) -> Refused:
    """Return the refusal for a failed proof: `receipt.invalid`, `log.damaged` or `request.not_found`."""
    if isinstance(error, LogDamagedError):
        return Refused(Code.LOG_DAMAGED, error.reason)
    if isinstance(error, NoTileError):
        return Refused(Code.REQUEST_NOT_FOUND, error.reason)
    return Refused(Code.RECEIPT_INVALID, error.reason)


def tile_reader(get_tile: GetTile, size: int) -> merkle.Read:
    """Read hashes of complete subtrees out of tiles, as `tiles.tile_reader`.

    Raises (when read):
        Refused: `log.damaged` when a tile has the wrong length.
    """
    return _refusing(tiles.tile_reader(get_tile, size))


make_vkey: Final = _refusing(checkpoint.make_vkey)
"""Refuses with `receipt.invalid`."""
verify_vkey: Final = _refusing(checkpoint.verify_vkey)
"""Refuses with `receipt.invalid`."""
verify_checkpoint: Final = _refusing(checkpoint.verify_checkpoint)
"""Refuses with `receipt.invalid`."""
verify_consistency: Final = _refusing(merkle.verify_consistency)
"""Refuses with `log.damaged`."""
verify_path: Final = _refusing(tiles.verify_path)
"""Refuses with `request.not_found`."""
split_tile: Final = _refusing(tiles.split_tile)
"""Refuses with `log.damaged`."""
decode_bundle: Final = _refusing(tiles.decode_bundle)
"""Refuses with `log.damaged`."""
