"""Files as an attacker makes them: every kind with a secret in it, bombs, two formats at once, and names."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject


def attached(name: str, data: bytes, media_type: str = "application/octet-stream") -> dict[str, str]:
    """A file as it stands on the wire."""
    return {"name": name, "media_type": media_type, "data_b64": base64.b64encode(data).decode()}


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def png(note: str = "", size: tuple[int, int] = (8, 6)) -> bytes:
    """A picture with a note beside its pixels."""
    info = PngInfo()
    if note:
        info.add_text("Comment", note)
        info.add_itxt("XML:com.adobe.xmp", f"<x>{note}</x>", zip=True)
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def jpeg(note: str = "") -> bytes:
    """A photograph with a note in its camera's data and in a comment."""
    exif = Image.Exif()
    exif[0x010E] = note or "nothing"
    out = io.BytesIO()
    Image.new("RGB", (32, 16), (10, 200, 90)).save(out, "JPEG", exif=exif, comment=(note or "nothing").encode())
    return out.getvalue()


def pdf(text: str, *, title: str = "", password: str = "", pages: int = 1) -> bytes:
    """A PDF that says something, on its pages and in its title."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for _ in range(pages):
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
        said = StreamObject()
        said.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(said)  # pypdf has no other way to write a text
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def har(**parts: Any) -> bytes:
    """A recorded session of one request."""
    request = {
        "method": "GET",
        "url": "https://shop.example/cart",
        "headers": [],
        "cookies": [],
        "queryString": [],
        **parts.get("request", {}),
    }
    response = {
        "status": 200,
        "headers": [],
        "cookies": [],
        "content": {"mimeType": "text/plain", "text": "ok"},
        **parts.get("response", {}),
    }
    return json.dumps({"log": {"version": "1.2", "entries": [{"request": request, "response": response}]}}).encode()


def mail(
    body: str, *, subject: str = "The kettle", more: str = "", encoding: str = "8bit", kind: str = "text/plain; charset=utf-8"
) -> bytes:
    """A mail."""
    head = f"From: anna@mail.example\r\nTo: desk@acme.example\r\nSubject: {subject}\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n{more}"
    return f"{head}Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n".encode()


def many_parts(count: int, depth: int = 0) -> bytes:
    """A mail of many parts, or of parts within parts."""
    body = "".join(f"--b0\r\nContent-Type: text/plain\r\n\r\npart {number}\r\n" for number in range(count)) + "--b0--\r\n"
    kind = 'multipart/mixed; boundary="b0"'
    for level in range(1, depth + 1):
        body = f"--b{level}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--b{level}--\r\n"
        kind = f'multipart/mixed; boundary="b{level}"'
    return mail(body, kind=kind)


def _local(name: bytes, packed: bytes, crc: int, size: int) -> bytes:
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, crc, len(packed), size, len(name), 0) + name + packed


def _central(name: bytes, packed: int, crc: int, size: int, at: int) -> bytes:
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, crc, packed, size, len(name), 0, 0, 0, 0, 0, at) + name


def _end(count: int, directory: int, at: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, directory, at, 0)


def deflated(data: bytes) -> bytes:
    """Raw deflate."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def overlapping_bomb(count: int = 60, size: int = 900_000) -> bytes:
    """Many names for the same bytes: each is within every bound, and together they unpack to fifty times the archive."""
    data = b"log line\n" * (size // 9)
    packed, crc = deflated(data), zlib.crc32(data)
    body = _local(b"a0.txt", packed, crc, len(data))
    names = [f"a{number}.txt".encode() for number in range(count)]
    listed = b"".join(_central(name, len(packed), crc, len(data), 0) for name in names)
    return body + listed + _end(count, len(listed), len(body))


def two_names_for_one() -> bytes:
    """A file that lies within another one: both names lead to its bytes."""
    inner = _local(b"b.txt", deflated(b"all is well"), zlib.crc32(b"all is well"), 11)
    data = b"a text, and in it: " + inner
    outer = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), 5, 0) + b"a.txt" + data
    first = (
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), 5, 0, 0, 0, 0, 0, 0)
        + b"a.txt"
    )
    second = _central(b"b.txt", len(deflated(b"all is well")), zlib.crc32(b"all is well"), 11, len(outer) - len(inner))
    return outer + first + second + _end(2, len(first + second), len(outer))


def prefixed() -> bytes:
    """An archive behind another file, with every offset set right."""
    before = b"PK\x03\x04 another file"
    body = before + _local(b"a.txt", deflated(b"all is well"), zlib.crc32(b"all is well"), 11)
    listed = _central(b"a.txt", len(deflated(b"all is well")), zlib.crc32(b"all is well"), 11, len(before))
    return body + listed + _end(1, len(listed), len(body))


def lying_bomb(size: int = 6_000_000) -> bytes:
    """A member that says it is short, and unpacks to megabytes."""
    data = b"\0" * size
    packed, crc = deflated(data), zlib.crc32(data[:100])
    body = _local(b"a.txt", packed, crc, 100)
    listed = _central(b"a.txt", len(packed), crc, 100, 0)
    return body + listed + _end(1, len(listed), len(body))


def gapped() -> bytes:
    """An archive with something between its one file and its directory."""
    data = b"all is well"
    packed, crc = deflated(data), zlib.crc32(data)
    body = _local(b"good.txt", packed, crc, len(data)) + b"MZ\x90\x00 another file"
    listed = _central(b"good.txt", len(packed), crc, len(data), 0)
    return body + listed + _end(1, len(listed), len(body))


def locked() -> bytes:
    """An archive that says its file is encrypted."""
    made = bytearray(zipped(("a.txt", b"all is well")))
    at = made.rfind(b"PK\x01\x02")
    made[6] |= 1
    made[at + 8] |= 1
    return bytes(made)


def linked() -> bytes:
    """An archive with a link to a file outside."""
    info = zipfile.ZipInfo("a.txt")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def two_directories() -> bytes:
    """One archive whose member's own head names another file than its directory does."""
    data = b"all is well"
    packed, crc = deflated(data), zlib.crc32(data)
    body = _local(b"evil.exe", packed, crc, len(data))
    listed = _central(b"good.txt", len(packed), crc, len(data), 0)
    return body + listed + _end(1, len(listed), len(body))
