"""Document readers in a process each, which confines harmful files. Without the extra `files`, none is read."""

import asyncio
import contextlib
import importlib.util
import os
import sys
from typing import Final

from remit.adapters.documents.process_limits import LOCKED, MAX_OUTPUT, TOO_MUCH, WALL_S
from remit.domain.files.detect import FileHeld, FileKind, HoldReason

_AT_ONCE: Final = 2
"""⚔ Concurrent readers: each may take a core and half a gigabyte for some seconds."""
_SAID: Final = {LOCKED: HoldReason.LOCKED, TOO_MUCH: HoldReason.TOO_MUCH}
_PIECE: Final = 65_536


class IsolatedDocumentReader:
    """Starter of one reader process per file, given nothing but the file."""

    def __init__(self) -> None:
        """Detect the installed readers."""
        self._pdf = importlib.util.find_spec("pypdf") is not None
        self._pictures = importlib.util.find_spec("PIL") is not None
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def text_of(self, data: bytes) -> str:
        """Return the text of a PDF, page by page.

        Raises:
            FileHeld: `no_reader`, `locked`, `unreadable`, `too_much`.
        """
        if not self._pdf:
            raise FileHeld(HoldReason.NO_READER)
        out = await self._run("remit.adapters.documents.pdf", data)
        try:
            return out.decode()
        except UnicodeDecodeError:
            raise FileHeld(HoldReason.UNREADABLE) from None

    async def reencode_picture(self, data: bytes, kind: FileKind) -> bytes:
        """Return a picture rebuilt from its pixels alone.

        Raises:
            FileHeld: `no_reader`, `unreadable`, `too_much`.
        """
        if not self._pictures:
            raise FileHeld(HoldReason.NO_READER)
        return await self._run("remit.adapters.documents.picture", data, kind.value)

    async def _run(self, reader: str, data: bytes, *more: str) -> bytes:
        """Run one reader. ⚔ It gets no environment of ours, and is killed on timeout or when the caller is gone."""
        async with self._room:
            child = await _started(reader, more)
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


async def _started(reader: str, more: tuple[str, ...]) -> asyncio.subprocess.Process:
    pipe, silent = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = (sys.executable, "-I", "-B", "-m", reader, *more)
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=silent, env={}, cwd=os.sep, start_new_session=True
        )
    except OSError:
        raise FileHeld(HoldReason.NO_READER) from None


async def _exchanged(child: asyncio.subprocess.Process, data: bytes) -> bytes:
    """Send a reader its file, and collect its output, up to a limit."""
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
