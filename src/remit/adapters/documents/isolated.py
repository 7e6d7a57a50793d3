"""Readers in a process of their own each: what a file does to one is over with it. Needs the extra `files`; without it nothing is read."""

import asyncio
import contextlib
import importlib.util
import os
import sys
from typing import Final

from remit.adapters.documents.process_limits import LOCKED, MAX_OUTPUT, TOO_MUCH, WALL_S
from remit.domain.files.detect import FileHeld, FileKind, HoldReason

_AT_ONCE: Final = 2
"""⚔ Readers at once: each may take a core and half a gigabyte for some seconds."""
_SAID: Final = {LOCKED: HoldReason.LOCKED, TOO_MUCH: HoldReason.TOO_MUCH}
_PIECE: Final = 65_536


class IsolatedDocumentReader:
    """Starts a reader for each file, with nothing but the file."""

    def __init__(self) -> None:
        """Find out which readers are installed."""
        self._pdf = importlib.util.find_spec("pypdf") is not None
        self._pictures = importlib.util.find_spec("PIL") is not None
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def text_of(self, data: bytes) -> str:
        """The text of a PDF, page after page.

        Raises:
            HeldBack: `no_reader`, `locked`, `unreadable`, `too_much`.
        """
        if not self._pdf:
            raise FileHeld(HoldReason.NO_READER)
        out = await self._run("remit.adapters.documents.pdf", data)
        try:
            return out.decode()
        except UnicodeDecodeError:
            raise FileHeld(HoldReason.UNREADABLE) from None

    async def reencode_picture(self, data: bytes, kind: FileKind) -> bytes:
        """A picture made anew from its pixels alone.

        Raises:
            HeldBack: `no_reader`, `unreadable`, `too_much`.
        """
        if not self._pictures:
            raise FileHeld(HoldReason.NO_READER)
        return await self._run("remit.adapters.documents.picture", data, kind.value)

    async def _run(self, reader: str, data: bytes, *more: str) -> bytes:
        """Run one reader. ⚔ It is given no variables of ours, and is killed when its time is over or nobody waits for it any more."""
        async with self._room:
            try:
                child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-I",
                    "-B",
                    "-m",
                    reader,
                    *more,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={},
                    cwd=os.sep,
                    start_new_session=True,
                )
            except OSError:
                raise FileHeld(HoldReason.NO_READER) from None
            try:
                async with asyncio.timeout(WALL_S):
                    out = await _exchanged(child, data)
                    code = await child.wait()
            except TimeoutError:
                raise FileHeld(HoldReason.TOO_MUCH) from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        if code:
            raise FileHeld(_SAID.get(code, HoldReason.UNREADABLE))
        return out


async def _exchanged(child: asyncio.subprocess.Process, data: bytes) -> bytes:
    """Give a reader its file, and take what it makes of it, up to a bound."""
    if child.stdin is None or child.stdout is None:
        raise FileHeld(HoldReason.NO_READER)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(data)
        child.stdin.write_eof()
    out = bytearray()
    while piece := await child.stdout.read(_PIECE):
        out += piece
        if len(out) > MAX_OUTPUT:
            raise FileHeld(HoldReason.TOO_MUCH)
    return bytes(out)
