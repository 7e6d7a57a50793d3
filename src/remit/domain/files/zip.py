"""ZIP archives: taken apart strictly, each member as far as it says it is long, and put together again.

⚔ Nothing is unpacked before what the archive says of itself was added up, and nothing further than it said.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.files.detect import FileHeld, HoldReason

MAX_MEMBERS: Final = 100
"""Members of one archive: each is read by itself, and an officer looks through them."""
MAX_UNPACKED: Final = 4 * 1024 * 1024
"""Bytes of all members together. A message is at most 1 MiB, and honest logs pack to a fourth or less: so much is read in the time of a few messages."""
MAX_MEMBER: Final = 1024 * 1024
"""⚔ Bytes of one member: as long as the longest message, since each is read in one turn of the reader that everybody waits for."""
MAX_RATIO: Final = 200
"""How much longer a member may be than it is packed: logs reach 20, a megabyte of zeros 1,000."""
_END: Final = struct.Struct("<4s4H2LH")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
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
_DOS_TIME: Final = (0, 0x21)  # 1 January 1980: when it was packed is nobody's to know


@dataclass(frozen=True, slots=True, kw_only=True)
class _ZipEntry:
    """What the directory of an archive says of a member, and where it stands."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveMember:
    """A file of an archive."""

    name: str
    data: bytes


def unpack(data: bytes) -> tuple[ArchiveMember, ...]:
    """The files of an archive, in order.

    ⚔ A bomb is refused by what it says, and where it lies it is not unpacked beyond what it said. Members that share bytes, lie
    apart from each other or from the directory, or whose own heads say something else than it, are two archives in one.

    Raises:
        HeldBack: `too_much`, `locked`, `two_formats`, `unsafe_name`, `unreadable`, `unknown` for a way of packing that is not read.

    Source: docs/model/model.md#inbound.
    """
    entries, start = _directory(data)
    if sum(one.size for one in entries) > MAX_UNPACKED or any(one.size > MAX_MEMBER for one in entries):
        raise FileHeld(HoldReason.TOO_MUCH)
    if any(one.size > MAX_RATIO * max(one.packed, 64) for one in entries):
        raise FileHeld(HoldReason.TOO_MUCH)
    places = sorted(entries, key=lambda one: one.at)
    starts = [*(one.at for one in places), start]
    if starts[0] != 0:
        raise FileHeld(HoldReason.TWO_FORMATS)
    found = {one.at: _read(data, one, end) for one, end in zip(places, starts[1:], strict=True)}
    return tuple(ArchiveMember(name=one.name, data=found[one.at]) for one in entries if not one.name.endswith("/"))


def _directory(data: bytes) -> tuple[list[_ZipEntry], int]:
    """What the directory at the end says, and where it begins."""
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
        one, at = _entry(data, at, len(data) - _END.size)
        entries.append(one)
    if at != len(data) - _END.size:
        raise FileHeld(HoldReason.TWO_FORMATS)
    _verify_names([one.name for one in entries])
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
    """⚔ A name leads nowhere but into its own archive, is a name, and stands there once, in whatever letters."""
    for name in names:
        steps = name.rstrip("/").split("/")
        if not name or len(name) > _MAX_NAME_LENGTH or not name.isprintable() or "\\" in name or _DRIVE.match(name):
            raise FileHeld(HoldReason.UNSAFE_NAME)
        if any(step in {"", ".", ".."} for step in steps):
            raise FileHeld(HoldReason.UNSAFE_NAME)
    if len({name.casefold() for name in names}) != len(names):
        raise FileHeld(HoldReason.UNSAFE_NAME)


def _read(data: bytes, entry: _ZipEntry, end: int) -> bytes:
    """A member, from its own head to where the next one begins."""
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
    found = (
        _inflated(data[start : start + entry.packed], entry.size)
        if entry.method == _DEFLATED
        else data[start : start + entry.packed]
    )
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
    """An archive of these files, with nothing else in it: no times, no owners, no comments."""
    body: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    for one in members:
        name, crc = one.name.encode(), zlib.crc32(one.data)
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(one.data) + packer.flush()
        told = (_VERSION, _UTF8, _DEFLATED, *_DOS_TIME, crc, len(packed), len(one.data), len(name), 0)
        piece = _LOCAL.pack(b"PK\x03\x04", *told) + name + packed
        directory.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, *told, 0, 0, 0, 0, at) + name)
        body.append(piece)
        at += len(piece)
    listed = b"".join(directory)
    return b"".join([*body, listed, _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(listed), at, 0)])
