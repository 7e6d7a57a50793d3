"""Scanning of attachments by their actual bytes: secrets are removed, unreadable files held."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from remit.domain.secrets.repeats import KnownSecret
from remit.domain.structs import struct
from remit.domain.words.vocabulary import Vocabulary
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url

ANY: Final = "application/octet-stream"
_RUNS: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_WIDE_RUNS: Final = re.compile(rb"(?:[\x20-\x7e]\x00){6,}")
_BY_CHANCE: Final = frozenset({"token"})
"""Share of random-looking letters; binary data mostly consists of them."""
_SHOWN_AS: Final[Mapping[FileKind, FileKind]] = {FileKind.PDF: FileKind.TEXT}
"""The kind of a file after scanning: of a PDF only its text remains."""


MAX_EXTERNAL_S: Final = 30.0
"""⚔ Seconds of external readers per ask: an archive of a hundred files would hold one for ten minutes."""
T = TypeVar("T")


@dataclass(slots=True)
class ExternalReaders:
    """The external readers, within the limits of one ask."""

    context: DeskContext
    caller: str
    left_s: float = MAX_EXTERNAL_S

    async def read(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have a file read in the caller's turn.

        Raises:
            FileHeld: `too_much` once the ask has used its time; the reader's own.
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


@struct(frozen=True, kw_only=True)
class UploadedFile:
    """An uploaded file: `data` is None where the content is not base64."""

    name: str
    data: bytes | None = field(repr=False)
    media_type: str = ANY

    @property
    def text(self) -> str:
        """Return the bytes as text, whatever the file is: readable text stays readable."""
        data = self.data or b""
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16", errors="replace")
        try:
            return data.decode()  # lookalike letters are recognised by their bytes
        except UnicodeDecodeError:
            return data.decode("latin-1")


@struct(frozen=True, kw_only=True)
class ScannedFile:
    """A scanned file without secrets, or held back for the reason `why` ("" otherwise) with its original `data`.

    `removed` counts removals by kind, `removed_secrets` reports them. ⚔ `spoiled` files are held and carry a secret
    that cannot be removed, so nothing of them is stored.
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
    """⚔ Unpacked or decoded content, secrets included: for scanning, and never stored."""
    values: tuple[KnownSecret, ...] = field(default=(), repr=False)
    """⚔ The secrets found, for finding them in other texts: never stored."""


async def read_file(
    outside: ExternalReaders, size: int, file: UploadedFile, where: str, known: Sequence[KnownSecret] = ()
) -> ScannedFile:
    """Read one file of an ask of `size` bytes; `where` names it, and `outside` is shared by all files of the ask.

    `known` are secrets of the ask's other texts.

    Source: docs/model/model.md#inbound.
    """
    desk, caller, scrub = outside.context, outside.caller, FileScrubber(where, known)
    data = file.data or b""
    try:
        kind, clean = await _read(outside, size, file, scrub, inside=False)
    except FileHeld as held:
        cleaned = held.cleaned
        kept = data if cleaned is None else cleaned.encode()
        stray = (
            ()
            if cleaned is not None
            else await desk.scan_executor.read(caller, size, partial(_readable_secrets, where, data))
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
            values=tuple(scrub.values),
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
        values=tuple(scrub.values),
    )


async def _read(
    outside: ExternalReaders, size: int, file: UploadedFile, scrub: FileScrubber, *, inside: bool
) -> tuple[FileKind, bytes]:
    """Return a file's kind and its clean bytes; `inside` an archive, no other archive is accepted."""
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
    _verify_no_orders(cleaned, written.kind, vocabulary)
    return written.kind, cleaned.encode()


def _text(text: str, kind: FileKind, scrub: FileScrubber, vocabulary: Vocabulary) -> str:
    cleaned = scrub.plain(text)
    _verify_no_orders(cleaned, kind, vocabulary)
    return cleaned


def _verify_no_orders(cleaned: str, kind: FileKind, vocabulary: Vocabulary) -> None:
    """⚔ Hold files that give orders, without their secrets: the reviewing officer sees none either."""
    try:
        verify_no_instructions(cleaned, kind, vocabulary)
    except FileHeld as held:
        raise FileHeld(held.why, cleaned, kind) from None


async def _archive(outside: ExternalReaders, size: int, data: bytes, scrub: FileScrubber) -> bytes:
    """Return an archive of clean files. ⚔ All are read before one is held: others may carry secrets, too."""
    desk, caller = outside.context, outside.caller
    members = await desk.scan_executor.read(caller, size, partial(unpack, data))
    clean: list[ArchiveMember] = []
    held: FileHeld | None = None
    for member in members:
        scrub.note_decoded(f"{member.name}\n{UploadedFile(name=member.name, data=member.data).text}")
    for member in members:
        named = find_secrets(member.name, known=scrub.known)
        if named:
            scrub.drop("name", "a name in the archive")
            raise FileHeld(HoldReason.UNSAFE_NAME)
        try:
            kind, kept = await _read(
                outside,
                max(size, len(member.data)),
                UploadedFile(name=member.name, data=member.data),
                scrub,
                inside=True,
            )
        except FileHeld as why:
            held = held or FileHeld(why.why)
            if why.cleaned is None:
                scrub.taken += await desk.scan_executor.read(
                    caller, max(size, len(member.data)), partial(_readable_secrets, "in the archive", member.data)
                )
            continue
        clean.append(ArchiveMember(name=safe_name(member.name, kind), data=kept))
    if held is not None:
        raise held
    return await desk.scan_executor.read(caller, size, partial(pack, clean))


def _readable_secrets(where: str, data: bytes) -> tuple[RemovedSecret, ...]:
    """Return secrets readable in the text runs of a held file's bytes."""
    runs = [one[0].decode("ascii") for one in _RUNS.finditer(data)]
    runs += [one[0].decode("utf-16-le") for one in _WIDE_RUNS.finditer(data)]
    text = "\n\n".join(runs)  # separate runs are not read as one
    return removed_secrets(where, text, [one for one in find_secrets(text) if one.kind not in _BY_CHANCE])


def _digest(data: bytes) -> str:
    return b64url(sha256(data).digest())
