"""The port to a published or stored transcript, as somebody outside reads it to verify it."""

from collections.abc import Sequence
from typing import Protocol

from remit.proof.tiles import Bundle, Tile


class LogReader(Protocol):
    """Reads a log's checkpoint, tiles and entry bundles: from a folder, over HTTP, or out of a database.

    Promises: nothing it returns is trusted, so it need not verify anything; it changes nothing. What is not there, or
    cannot be read, is `log.damaged` where the log itself lacks it, and `fault.store` where the way to it is broken.
    """

    @property
    def keeps_leaf_hashes(self) -> bool:
        """Whether the tiles of level 0 are kept beside the entries; where they are made of these, comparing the two finds nothing."""
        ...

    def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        ...

    def tile(self, tile: Tile) -> bytes:
        """The bytes of one tile of hashes, of exactly that width."""
        ...

    def bundle(self, bundle: Bundle) -> bytes:
        """The bytes of one entry bundle, of exactly that width."""
        ...


class RecordReader(Protocol):
    """Reads the envelopes kept beside the log; only who has the store can."""

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """The envelope records of a bundle's entries, in order."""
        ...
