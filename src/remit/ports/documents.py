"""The port to readers of formats that Remit does not parse itself: print documents and pictures."""

from typing import Protocol

from remit.domain.files.detect import FileKind


class DocumentReader(Protocol):
    """Reads foreign formats with programs larger than a gate should trust.

    Promises: damage by a file stays inside its reader, which has no files, no network, no other process, and bounds of
    time and memory; the caller's loop goes on meanwhile. An unreadable file is never passed on.
    """

    async def text_of(self, data: bytes) -> str:
        """Return the text of a PDF, page after page.

        Raises:
            FileHeld: `no_reader`, `locked`, `unreadable`, `too_much`.
        """

    async def reencode_picture(self, data: bytes, kind: FileKind) -> bytes:
        """Re-encode a picture from its pixels alone: the same kind, without any metadata.

        Raises:
            FileHeld: `no_reader`, `unreadable`, `too_much`.
        """
