"""The port to a published or stored transcript, for outside verification."""

from collections.abc import Sequence
from typing import Protocol

from remit.proof.tiles import Bundle, Tile


class LogReader(Protocol):
    """Reads a log's checkpoint, tiles and entry bundles: from a folder, over HTTP, or out of a database.

    Promises: nothing it returns is trusted, so it need not verify anything; it changes nothing. A part that is absent
    or unreadable is `log.damaged` where the log itself lacks it, and `fault.store` where the way to it is broken.
    """

    @property
    def keeps_leaf_hashes(self) -> bool:
        """Return whether level-0 tiles are stored beside the entries; computed from them, comparing proves nothing."""

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint."""

    def tile(self, tile: Tile) -> bytes:
        """Return the bytes of one tile of hashes, of exactly that width."""

    def bundle(self, bundle: Bundle) -> bytes:
        """Return the bytes of one entry bundle, of exactly that width."""


class RecordReader(Protocol):
    """Reads the envelopes stored beside the log; it needs the store."""

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """Return the envelope records of a bundle's entries, in order."""
