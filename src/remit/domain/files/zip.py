"""ZIP archives: unpacked strictly, each member up to its stated size, and packed anew.

⚔ The stated sizes are added up before anything is unpacked, and never exceeded.
"""

import re
import zlib
from collections.abc import Sequence
from struct import Struct
from typing import Final

from remit.domain.files.detect import FileHeld, HoldReason
from remit.domain.structs import struct

MAX_MEMBERS: Final = 100
"""Members of one archive: each is read on its own, and an officer looks through them."""
MAX_UNPACKED: Final = 4 * 1024 * 1024
"""Bytes of all members. A message is at most 1 MiB and honest logs pack to a fourth: read as fast as a few messages."""
MAX_MEMBER: Final = 1024 * 1024
"""⚔ Bytes of one member: the longest message, since each takes one turn of the one reader."""
MAX_RATIO: Final = 200
"""Ratio of a member's unpacked to its packed size: logs reach 20, a megabyte of zeros 1,000."""
_END: Final = Struct("<4s4H2LH")
_CENTRAL: Final = Struct("<4s6H3L5H2L")
_LOCAL: Final = Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 0x2041  # encrypted, strongly encrypted, its directory encrypted
_DESCRIBED: Final = 0x0008  # sizes stand behind the data
_UTF8: Final = 0x0800
_DESCRIPTORS: Final = (12, 16)
_LINK: Final = 0o120000
_KINDS_OF_FILE: Final = 0o170000
_MAX_NAME_LENGTH: Final = 120
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_VERSION: Final = 20
_DOS_TIME: Final = (0, 0x21)  # 1 January 1980: the time of packing is not disclosed


@struct(frozen=True, kw_only=True)
class _ZipEntry:
    """Directory entry of a member: its claims and its place."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


@struct(frozen=True, kw_only=True)
class ArchiveMember:
    """File of an archive."""

    name: str
    data: bytes


def unpack(data: bytes) -> tuple[ArchiveMember, ...]:
    """Return the files of an archive, in order.

    ⚔ A bomb is refused by its stated sizes, and a false statement is not unpacked beyond them. Members that overlap,
    leave gaps, or contradict the directory in their own headers make two archives of one.

    Raises:
        FileHeld: `too_much`, `locked`, `two_formats`, `unsafe_name`, `unreadable`, `unknown` for another compression.

    Source: docs/model/model.md#inbound.
    """
    entries, start = _directory(data)
    if sum(entry.size for entry in entries) > MAX_UNPACKED or any(entry.size > MAX_MEMBER for entry in entries):
        raise FileHeld(HoldReason.TOO_MUCH)
    if any(entry.size > MAX_RATIO * max(entry.packed, 64) for entry in entries):
        raise FileHeld(HoldReason.TOO_MUCH)
    places = sorted(entries, key=lambda entry: entry.at)
    starts = [*(entry.at for entry in places), start]
    if starts[0] != 0:
        raise FileHeld(HoldReason.TWO_FORMATS)
    found = {entry.at: _read(data, entry, end) for entry, end in zip(places, starts[1:], strict=True)}
    files = (entry for entry in entries if not entry.name.endswith("/"))
    return tuple(ArchiveMember(name=entry.name, data=found[entry.at]) for entry in files)


def _directory(data: bytes) -> tuple[list[_ZipEntry], int]:
    """Return the entries of the directory at the end, and where it begins."""
    if len(data) < _END.size:
        raise FileHeld(HoldReason.UNREADABLE)
    mark, disk, first, here, total, size, start, comment = _END.unpack_from(data, len(data) - _END.size)
    if mark != b"PK\x05\x06" or comment or disk or first or here != total or start + size != len(data) - _END.size:
        raise FileHeld(HoldReason.TWO_FORMATS)
    if total > MAX_MEMBERS:
        raise FileHeld(HoldReason.TOO_MUCH)
    entries: list[_ZipEntry] = []
    at = start
    for _ in range(total):
        entry, at = _entry(data, at, len(data) - _END.size)
        entries.append(entry)
    if at != len(data) - _END.size:
        raise FileHeld(HoldReason.TWO_FORMATS)
    _verify_names([entry.name for entry in entries])
    return entries, start


def _entry(data: bytes, at: int, end: int) -> tuple[_ZipEntry, int]:
    if at + _CENTRAL.size > end:
        raise FileHeld(HoldReason.UNREADABLE)
    mark, made, _, flags, method, _, _, crc, packed, size, named, extra, comment, _, _, outer, where = (
        _CENTRAL.unpack_from(data, at)
    )
    if mark != b"PK\x01\x02" or at + _CENTRAL.size + named + extra + comment > end:
        raise FileHeld(HoldReason.UNREADABLE)
    if flags & _ENCRYPTED:
        raise FileHeld(HoldReason.LOCKED)
    if made >> 8 == 3 and (outer >> 16) & _KINDS_OF_FILE == _LINK:  # noqa: PLR2004  # made on Unix
        raise FileHeld(HoldReason.UNSAFE_NAME)
    if method not in {_STORED, _DEFLATED}:
        raise FileHeld(HoldReason.UNKNOWN)
    name = _name(data[at + _CENTRAL.size : at + _CENTRAL.size + named])
    found = _ZipEntry(name=name, flags=flags, method=method, crc=crc, packed=packed, size=size, at=where)
    return found, at + _CENTRAL.size + named + extra + comment


def _name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileHeld(HoldReason.UNSAFE_NAME) from None


def _verify_names(names: Sequence[str]) -> None:
    """⚔ Verify that names stay inside the archive, are printable, and differ even when case is ignored."""
    for name in names:
        steps = name.rstrip("/").split("/")
        if not name or len(name) > _MAX_NAME_LENGTH or not name.isprintable() or "\\" in name or _DRIVE.match(name):
            raise FileHeld(HoldReason.UNSAFE_NAME)
        if any(step in {"", ".", ".."} for step in steps):
            raise FileHeld(HoldReason.UNSAFE_NAME)
    if len({name.casefold() for name in names}) != len(names):
        raise FileHeld(HoldReason.UNSAFE_NAME)


def _read(data: bytes, entry: _ZipEntry, end: int) -> bytes:
    """Unpack a member, from its own header to the start of the next."""
    if entry.at + _LOCAL.size > end:
        raise FileHeld(HoldReason.TWO_FORMATS)
    mark, _, flags, method, _, _, crc, packed, size, named, extra = _LOCAL.unpack_from(data, entry.at)
    start = entry.at + _LOCAL.size + named + extra
    name = data[entry.at + _LOCAL.size : entry.at + _LOCAL.size + named]
    if mark != b"PK\x03\x04" or method != entry.method or flags != entry.flags or name != entry.name.encode():
        raise FileHeld(HoldReason.TWO_FORMATS)
    behind = end - (start + entry.packed)
    described = bool(flags & _DESCRIBED)
    if not (behind in _DESCRIPTORS if described else behind == 0):
        raise FileHeld(HoldReason.TWO_FORMATS)
    if not described and (crc, packed, size) != (entry.crc, entry.packed, entry.size):
        raise FileHeld(HoldReason.TWO_FORMATS)
    packed_data = data[start : start + entry.packed]
    found = _inflated(packed_data, entry.size) if entry.method == _DEFLATED else packed_data
    if len(found) != entry.size or zlib.crc32(found) != entry.crc:
        raise FileHeld(HoldReason.UNREADABLE)
    return found


def _inflated(packed: bytes, size: int) -> bytes:
    reader = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = reader.decompress(packed, size + 1)
    except zlib.error:
        raise FileHeld(HoldReason.UNREADABLE) from None
    if len(found) > size or reader.unused_data or not reader.eof:
        raise FileHeld(HoldReason.TOO_MUCH if len(found) > size else HoldReason.UNREADABLE)
    return found


def pack(members: Sequence[ArchiveMember]) -> bytes:
    """Pack these files into an archive with nothing else in it: no times, no owners, no comments."""
    body: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    for member in members:
        name, crc = member.name.encode(), zlib.crc32(member.data)
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(member.data) + packer.flush()
        fields = (_VERSION, _UTF8, _DEFLATED, *_DOS_TIME, crc, len(packed), len(member.data), len(name), 0)
        piece = _LOCAL.pack(b"PK\x03\x04", *fields) + name + packed
        directory.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, *fields, 0, 0, 0, 0, at) + name)
        body.append(piece)
        at += len(piece)
    listed = b"".join(directory)
    return b"".join([*body, listed, _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(listed), at, 0)])
