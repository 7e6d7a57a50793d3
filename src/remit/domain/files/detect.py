"""File kinds by content: one format and no other at once. The claimed media type must agree, and decides nothing."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final


class FileKind(StrEnum):
    """Kinds of files that are read; all others are held back."""

    CSV = "csv"
    HAR = "har"
    JPEG = "jpeg"
    JSON = "json"
    MAIL = "mail"
    NDJSON = "ndjson"
    PDF = "pdf"
    PNG = "png"
    TEXT = "text"
    ZIP = "zip"


class HoldReason(StrEnum):
    """Reason why a file is held back for an officer."""

    CLAIM = "claim"
    HIDDEN = "hidden"
    LOCKED = "locked"
    NESTED = "nested"
    NO_READER = "no_reader"
    ORDERS = "orders"
    PROGRAM = "program"
    TOO_MUCH = "too_much"
    TWO_FORMATS = "two_formats"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    UNSAFE_NAME = "unsafe_name"


class FileHeld(Exception):  # noqa: N818  # it names what is
    """File that no reader may pass on."""

    def __init__(self, why: HoldReason, cleaned: str | None = None, kind: FileKind | None = None) -> None:
        """Take the reason, and where the file could be read its redacted text `cleaned` and its `kind`."""
        super().__init__(why.value)
        self.why = why
        self.cleaned = cleaned
        self.kind = kind


TEXT_KINDS: Final = frozenset(
    {FileKind.CSV, FileKind.HAR, FileKind.JSON, FileKind.MAIL, FileKind.NDJSON, FileKind.TEXT}
)
"""Kinds that are text throughout."""
PICTURES: Final = frozenset({FileKind.JPEG, FileKind.PNG})
_NAMES: Final[Mapping[FileKind, tuple[str, tuple[str, ...]]]] = {
    FileKind.CSV: ("text/csv", (".csv",)),
    FileKind.HAR: ("application/json", (".har", ".json")),
    FileKind.JPEG: ("image/jpeg", (".jpg", ".jpeg")),
    FileKind.JSON: ("application/json", (".json",)),
    FileKind.MAIL: ("message/rfc822", (".eml",)),
    FileKind.NDJSON: ("application/x-ndjson", (".ndjson", ".jsonl")),
    FileKind.PDF: ("application/pdf", (".pdf",)),
    FileKind.PNG: ("image/png", (".png",)),
    FileKind.TEXT: ("text/plain", (".txt", ".log", ".md")),
    FileKind.ZIP: ("application/zip", (".zip",)),
}
MEDIA_TYPES: Final[Mapping[FileKind, str]] = {kind: media_type for kind, (media_type, _) in _NAMES.items()}
EXTENSIONS: Final[Mapping[FileKind, tuple[str, ...]]] = {kind: extensions for kind, (_, extensions) in _NAMES.items()}
_PROGRAMS: Final = (
    b"MZ",  # Windows
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",  # Java, and Mach-O for several machines
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\x00asm",
    b"dex\n",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # a Windows shortcut
    b"#!",
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_PDF: Final = b"%PDF-"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_COMMENT: Final = 65_535
_HEAD: Final = 1024
"""First bytes in which readers of PDF and HTML look for their format."""
_PAGE: Final = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe|\?php)\b", re.IGNORECASE)
_PDF_TAIL: Final = re.compile(rb"%%EOF[\r\n \t]{0,64}\Z")
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF_32: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_JSON_KINDS: Final = frozenset({FileKind.HAR, FileKind.JSON, FileKind.NDJSON})
_CLAIMS: Final = (
    (re.compile(r"application/(?:octet-stream|x-download|force-download)|"), frozenset(FileKind)),
    (re.compile(r"text/[a-z0-9.+-]+"), TEXT_KINDS),
    (re.compile(r"application/(?:json|x-ndjson|ndjson|jsonl|x-jsonlines|har|[a-z0-9.-]+\+json)"), _JSON_KINDS),
    (re.compile(r"application/(?:csv|vnd\.ms-excel)"), frozenset({FileKind.CSV, FileKind.TEXT})),
    (
        re.compile(r"(?:application|image)/(?:xml|xhtml|x-?yaml|yaml|toml|markdown|[a-z0-9.-]+\+xml)"),
        frozenset({FileKind.TEXT}),
    ),
    (re.compile(r"message/rfc822"), frozenset({FileKind.MAIL})),
    (re.compile(r"application/(?:zip|x-zip|x-zip-compressed)"), frozenset({FileKind.ZIP})),
    (re.compile(r"application/pdf"), frozenset({FileKind.PDF})),
    (re.compile(r"image/png"), frozenset({FileKind.PNG})),
    (re.compile(r"image/jpe?g"), frozenset({FileKind.JPEG})),
)


def binary_kind(data: bytes) -> FileKind | None:
    """Return a binary file's kind, None for a possible text.

    ⚔ Programs are held back, and so are files with two readings: neither a person nor a machine may open one as
    anything else than what was checked here.

    Raises:
        FileHeld: `program`, `two_formats`.

    Source: docs/model/model.md#inbound.
    """
    if data.startswith(_PROGRAMS):
        raise FileHeld(HoldReason.PROGRAM)
    kind = _magic(data)
    if kind is not FileKind.ZIP and _ends_as_archive(data):
        raise FileHeld(HoldReason.TWO_FORMATS)
    if kind is not FileKind.PDF and _PDF in data[:_HEAD] and b"%%EOF" in data:
        raise FileHeld(HoldReason.TWO_FORMATS)
    if kind is not None and _PAGE.search(data[:_HEAD]):
        raise FileHeld(HoldReason.TWO_FORMATS)
    if kind is FileKind.PDF and not _PDF_TAIL.search(data[-_HEAD:]):
        raise FileHeld(HoldReason.TWO_FORMATS)
    if kind in PICTURES and not ends_as_picture(data):
        raise FileHeld(HoldReason.TWO_FORMATS)
    return kind


def _magic(data: bytes) -> FileKind | None:
    if data.startswith(_PNG):
        return FileKind.PNG
    if data.startswith(_JPEG):
        return FileKind.JPEG
    if data.startswith(_PDF):
        return FileKind.PDF
    return FileKind.ZIP if data.startswith(_ZIP) else None


def _ends_as_archive(data: bytes) -> bool:
    """Return whether a ZIP reader, which starts from the end, would find an archive."""
    tail = data[-_ZIP_COMMENT - _ZIP_END_SIZE :]
    at = tail.rfind(_ZIP_END)
    return at >= 0 and len(tail) - at >= _ZIP_END_SIZE


def ends_as_picture(data: bytes) -> bool:
    """Return whether a picture ends where its file does. ⚔ Bytes behind it are another file."""
    return (_png_end(data) if data.startswith(_PNG) else _jpeg_end(data)) == len(data)


def _png_end(data: bytes) -> int:
    at = len(_PNG)
    while at + 12 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + size
        if name == b"IEND":
            return at
    return -1


_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END, _FILL, _SIZED = 0xDA, 0xD9, 0xFF, 4


def _jpeg_end(data: bytes) -> int:
    at = 2
    while at + 2 <= len(data) and data[at] == _FILL:
        mark = data[at + 1]
        if mark == _END:
            return at + 2
        if mark == _FILL or mark in _ALONE:
            at += 1 if mark == _FILL else 2
            continue
        if at + _SIZED > len(data):
            return -1
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if mark == _SCAN:
            at = _scan_end(data, at)
    return -1


def _scan_end(data: bytes, at: int) -> int:
    """Return where the next marker stands behind compressed JPEG data, where 0xFF precedes only zero or a restart."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:  # noqa: PLR2004  # restart marks
            return at
        at += 2
    return len(data)


def decode_text(data: bytes) -> str:
    """Decode a text file as UTF-8, or as UTF-16 with a byte order mark, without terminal colours.

    ⚔ Invalid bytes are never guessed at: two readers would see two texts.

    Raises:
        FileHeld: `unreadable`, `unknown`.
    """
    if data.startswith(_UTF_32):
        raise FileHeld(HoldReason.UNREADABLE)
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "")
    try:
        text = data.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise FileHeld(_no_text(data)) from None
    text = _COLOURS.sub("", text) if "\x1b" in text else text
    if _CONTROLS.search(text):
        raise FileHeld(_no_text(data))
    return text


def _no_text(data: bytes) -> HoldReason:
    """Return why a file is no text: binary, or in an encoding that could only be guessed."""
    return HoldReason.UNKNOWN if b"\x00" in data[:_HEAD] else HoldReason.UNREADABLE


def verify_media_type(media_type: str, kind: FileKind) -> None:
    """Verify that a file is of the kind its sender claims.

    Raises:
        FileHeld: `claim`.
    """
    if kind not in _claimed(media_type):
        raise FileHeld(HoldReason.CLAIM)


def claims_one_of(media_type: str, kinds: Collection[FileKind]) -> bool:
    """Return whether a media type claims one of these kinds and no other."""
    claimed = _claimed(media_type)
    return bool(claimed) and claimed <= frozenset(kinds)


def _claimed(media_type: str) -> frozenset[FileKind]:
    plain = media_type.partition(";")[0].strip().lower()
    return next((kinds for pattern, kinds in _CLAIMS if pattern.fullmatch(plain)), frozenset())


def safe_name(name: str, kind: FileKind) -> str:
    """Return the name of a cleaned file, with an extension of its kind."""
    return name if name.lower().endswith(EXTENSIONS[kind]) else f"{name}{EXTENSIONS[kind][0]}"
