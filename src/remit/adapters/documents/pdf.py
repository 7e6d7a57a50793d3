"""The reader of PDF, a program of its own: a file in, its text out."""

import io
import logging
import sys
from typing import Final

from pypdf import PdfReader

from remit.adapters.documents.process_limits import LOCKED, TOO_MUCH, run

_MAX_PAGES: Final = 200
"""Pages: an officer reads them."""
_MAX_LETTERS: Final = 1_000_000
_LOADED: Final = tuple("a".encode(name) for name in ("ascii", "cp1252", "latin-1", "utf-16-be", "utf-16-le", "utf-8"))
"""Codecs are files, too: those that PDF uses are read in before nothing can be opened any more."""


def text_of(data: bytes) -> bytes:
    """The text of every page. One without any is none for us: a picture of a text is not read."""
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        sys.exit(LOCKED)
    if len(reader.pages) > _MAX_PAGES:
        sys.exit(TOO_MUCH)
    pages: list[str] = []
    left = _MAX_LETTERS
    for one in reader.pages:
        pages.append(one.extract_text())
        left -= len(pages[-1])
        if left < 0:
            sys.exit(TOO_MUCH)
    text = "\n\n".join(pages).encode("utf-8", errors="replace")
    if not text.strip():
        sys.exit(1)
    return text


if __name__ == "__main__":
    logging.disable()
    run(text_of)
