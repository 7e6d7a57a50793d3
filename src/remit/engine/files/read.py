"""Reading what an agent attached: each file by what its bytes are, its secrets taken out; what cannot be read is held back.

What becomes of a file is decided in `redacting`, keeping and showing one is in `keep_files` and `files`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from remit.domain.files.detect import (
    MEDIA_TYPES,
    PICTURES,
    FileHeld,
    FileKind,
    HoldReason,
    binary_kind,
    safe_name,
    verify_media_type,
)
from remit.domain.files.scrub import FileScrubber
from remit.domain.files.text import detect_text_file, scrub_text_file, verify_no_instructions
from remit.domain.files.zip import ArchiveMember, pack, unpack
from remit.domain.secrets.find import RemovedSecret, find_secrets, removed_secrets
from remit.domain.words.vocabulary import Vocabulary
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url

ANY: Final = "application/octet-stream"
_RUNS: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_WIDE_RUNS: Final = re.compile(rb"(?:[\x20-\x7e]\x00){6,}")
_BY_CHANCE: Final = frozenset({"token"})
"""Letters that look like chance: in what is no text, most do."""
_SHOWN_AS: Final[Mapping[FileKind, FileKind]] = {FileKind.PDF: FileKind.TEXT}
"""What a file of a kind is once it was read: of a PDF its text goes on, and nothing else."""


MAX_EXTERNAL_S: Final = 30.0
"""⚔ Seconds that readers outside may take over the files of one ask: an archive of a hundred would keep one for ten minutes."""
T = TypeVar("T")


@dataclass(slots=True)
class ExternalReaders:
    """The readers outside, as far as one ask may have them read."""

    context: DeskContext
    caller: str
    left_s: float = MAX_EXTERNAL_S

    async def read(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have a file read in the caller's turn.

        Raises:
            HeldBack: `too_much` once the ask has had its time; the reader's own.
        """
        if self.left_s <= 0:
            raise FileHeld(HoldReason.TOO_MUCH)

        async def timed() -> T:
            began_s = self.context.world.ticks()
            try:
                return await work()
            finally:
                self.left_s -= self.context.world.ticks() - began_s

        return await self.context.scan_executor.run_in_turn(self.caller, timed)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file as it came: `data` is None where what was sent for it is no base64."""

    name: str
    data: bytes | None = field(repr=False)
    media_type: str = ANY

    @property
    def text(self) -> str:
        """The file as letters, whatever it is: what stands readable in it stands here."""
        data = self.data or b""
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16", errors="replace")
        try:
            return data.decode()  # letters that look like others are known by what they are
        except UnicodeDecodeError:
            return data.decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """A file without secrets, or one that is held back: `why` then says for what reason ("" otherwise), and `data` is what came.

    `removed` counts by kind what was taken out, `removed_secrets` tells of it. ⚔ `spoiled` ones are held back and carry a secret: nobody can take
    it out, so nothing of them is kept.
    """

    name: str
    kind: str
    media_type: str
    data: bytes = field(repr=False)
    digest: str
    removed: Mapping[str, int]
    taken: tuple[RemovedSecret, ...]
    why: str = ""
    spoiled: bool = False
    seen: tuple[str, ...] = field(default=(), repr=False)
    """⚔ What was unpacked or decoded, secrets and all: for looking through it, and kept nowhere."""


async def read_file(outside: ExternalReaders, size: int, file: UploadedFile, where: str) -> ScannedFile:
    """Read one file of an ask of `size` bytes; `where` tells which it is, and `outside` is the same for all files of the ask.

    Source: docs/model/model.md#inbound.
    """
    desk, caller, scrub = outside.context, outside.caller, FileScrubber(where)
    data = file.data or b""
    try:
        kind, clean = await _read(outside, size, file, scrub, inside=False)
    except FileHeld as held:
        cleaned = held.cleaned
        kept = data if cleaned is None else cleaned.encode()
        stray = (
            () if cleaned is not None else await desk.scan_executor.read(caller, size, partial(_strays, where, data))
        )
        return ScannedFile(
            name=file.name if held.kind is None else safe_name(file.name, held.kind),
            kind="" if held.kind is None else held.kind.value,
            media_type=ANY if held.kind is None else MEDIA_TYPES[held.kind],
            data=kept,
            digest=_digest(kept),
            removed=dict(scrub.counts),
            taken=(*scrub.taken, *stray),
            why=held.why.value,
            spoiled=bool(stray) or (cleaned is None and bool(scrub.taken)),
            seen=tuple(scrub.seen),
        )
    name = safe_name(file.name, kind)
    return ScannedFile(
        name=name,
        kind=kind.value,
        media_type=MEDIA_TYPES[kind],
        data=clean,
        digest=_digest(clean),
        removed=dict(scrub.counts),
        taken=tuple(scrub.taken),
        seen=tuple(scrub.seen),
    )


async def _read(
    outside: ExternalReaders, size: int, file: UploadedFile, scrub: FileScrubber, *, inside: bool
) -> tuple[FileKind, bytes]:
    """A file's kind once it was read, and its clean bytes. `inside` an archive there is no other archive.

    Raises:
        HeldBack: why it is for an officer.
    """
    desk, caller, data = outside.context, outside.caller, file.data or b""
    vocabulary = desk.lexicon.vocabulary
    kind = await desk.scan_executor.read(caller, size, partial(binary_kind, data))
    if kind is None:
        return await desk.scan_executor.read(caller, size, partial(_written, file, scrub, vocabulary))
    verify_media_type(file.media_type, kind)
    if kind is FileKind.ZIP:
        if inside:
            raise FileHeld(HoldReason.NESTED)
        return kind, await _archive(outside, size, data, scrub)
    if kind in PICTURES:
        return kind, await outside.read(lambda: desk.document_reader.reencode_picture(data, kind))
    text = scrub.note_decoded(await outside.read(lambda: desk.document_reader.text_of(data)))
    return _SHOWN_AS[kind], (
        await desk.scan_executor.read(caller, size, partial(_text, text, FileKind.TEXT, scrub, vocabulary))
    ).encode()


def _written(file: UploadedFile, scrub: FileScrubber, vocabulary: Vocabulary) -> tuple[FileKind, bytes]:
    written = detect_text_file(file.data or b"", name=file.name, media_type=file.media_type)
    cleaned = scrub_text_file(written, scrub)
    _verify_orders(cleaned, written.kind, vocabulary)
    return written.kind, cleaned.encode()


def _text(text: str, kind: FileKind, scrub: FileScrubber, vocabulary: Vocabulary) -> str:
    cleaned = scrub.plain(text)
    _verify_orders(cleaned, kind, vocabulary)
    return cleaned


def _verify_orders(cleaned: str, kind: FileKind, vocabulary: Vocabulary) -> None:
    """⚔ What gives orders is held back without its secrets: an officer who looks at it sees none either."""
    try:
        verify_no_instructions(cleaned, kind, vocabulary)
    except FileHeld as held:
        raise FileHeld(held.why, cleaned, kind) from None


async def _archive(outside: ExternalReaders, size: int, data: bytes, scrub: FileScrubber) -> bytes:
    """An archive of clean files. ⚔ Every one is read before it is held back for one of them: a secret in another would be kept with it."""
    desk, caller = outside.context, outside.caller
    members = await desk.scan_executor.read(caller, size, partial(unpack, data))
    clean: list[ArchiveMember] = []
    held: FileHeld | None = None
    for one in members:
        scrub.note_decoded(f"{one.name}\n{UploadedFile(name=one.name, data=one.data).text}")
    for one in members:
        named = find_secrets(one.name)
        if named:
            scrub.drop("name", "a name in the archive")
            raise FileHeld(HoldReason.UNSAFE_NAME)
        try:
            kind, kept = await _read(
                outside, max(size, len(one.data)), UploadedFile(name=one.name, data=one.data), scrub, inside=True
            )
        except FileHeld as why:
            held = held or FileHeld(why.why)
            if why.cleaned is None:
                scrub.taken += await desk.scan_executor.read(
                    caller, max(size, len(one.data)), partial(_strays, "in the archive", one.data)
                )
            continue
        clean.append(ArchiveMember(name=safe_name(one.name, kind), data=kept))
    if held is not None:
        raise held
    return await desk.scan_executor.read(caller, size, partial(pack, clean))


def _strays(where: str, data: bytes) -> tuple[RemovedSecret, ...]:
    """Secrets that stand readable in bytes that are held back: in the runs of letters of any file."""
    runs = [one[0].decode("ascii") for one in _RUNS.finditer(data)]
    runs += [one[0].decode("utf-16-le") for one in _WIDE_RUNS.finditer(data)]
    text = "\n\n".join(runs)  # what stands apart is not read as one
    return removed_secrets(where, text, [one for one in find_secrets(text) if one.kind not in _BY_CHANCE])


def _digest(data: bytes) -> str:
    return b64url(sha256(data).digest())
