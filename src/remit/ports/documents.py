"""The port to readers of formats that Remit does not read itself: documents for printing, and pictures."""

from typing import Protocol

from remit.domain.files.detect import FileKind


class DocumentReader(Protocol):
    """Reads what strangers made with programs that are larger than a gate should trust.

    Promises: whatever a file does to its reader stays with the reader: it has no files, no network, no other process, and a bound of
    time and memory; and the caller's loop goes on meanwhile. What cannot be read is never passed on.
    """

    async def text_of(self, data: bytes) -> str:
        """The text of a PDF, page after page.

        Raises:
            HeldBack: `no_reader`, `locked`, `unreadable`, `too_much`.
        """
        ...

    async def reencode_picture(self, data: bytes, kind: FileKind) -> bytes:
        """A picture made anew from its pixels alone: the same kind, and nothing that was written beside them.

        Raises:
            HeldBack: `no_reader`, `unreadable`, `too_much`.
        """
        ...
