"""PDF reader, a program of its own: file in, text out."""

import io
import logging
import sys
from typing import Final

from pypdf import PdfReader

from remit.adapters.documents.process_limits import LOCKED, TOO_MUCH, run

_MAX_PAGES: Final = 200
"""Most pages an officer would read."""
_MAX_LETTERS: Final = 1_000_000
_LOADED: Final = tuple("a".encode(name) for name in ("ascii", "cp1252", "latin-1", "utf-16-be", "utf-16-le", "utf-8"))
"""Codecs are files: those of PDF are loaded before opening files is forbidden."""


def text_of(data: bytes) -> bytes:
    """Return the text of every page. A PDF without any fails: pictures of text are not read."""
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        sys.exit(LOCKED)
    if len(reader.pages) > _MAX_PAGES:
        sys.exit(TOO_MUCH)
    pages: list[str] = []
    left = _MAX_LETTERS
    for page in reader.pages:
        pages.append(page.extract_text())
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
