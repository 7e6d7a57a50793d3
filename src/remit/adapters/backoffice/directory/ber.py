"""The encoding of LDAP: Basic Encoding Rules as far as RFC 4511 §5.1 allows them, with definite lengths only."""

from collections.abc import Iterator
from typing import Final

INTEGER: Final = 0x02
OCTETS: Final = 0x04
ENUMERATED: Final = 0x0A
BOOLEAN: Final = 0x01
SEQUENCE: Final = 0x30
SET: Final = 0x31
_LONG: Final = 0x80
MAX_LENGTH_BYTES: Final = 4
_MANY_BYTE_TAG: Final = 0x1F
_HEAD: Final = 2


class BerError(ValueError):
    """Bytes that are no element."""


def element(tag: int, *parts: bytes) -> bytes:
    """Encode one element whose content are these parts."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def octets(value: bytes | str, tag: int = OCTETS) -> bytes:
    """Encode an octet string; text as UTF-8."""
    return element(tag, value.encode() if isinstance(value, str) else value)


def number(value: int, tag: int = INTEGER) -> bytes:
    """Encode a whole number."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:  # noqa: FBT001  # the value itself
    """Encode a truth value."""
    return element(BOOLEAN, b"\xff" if value else b"\x00")


def decode_number(content: bytes) -> int:
    """Decode the content of a whole number.

    Raises:
        BerError: for another length than one to eight bytes.
    """
    if not 1 <= len(content) <= 8:  # noqa: PLR2004  # 64 bits
        raise BerError("a number has a wrong length")
    return int.from_bytes(content, "big", signed=True)


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (tag, content) of each element in a content.

    Raises:
        BerError: where they do not end with it.
    """
    at = 0
    while at < len(content):
        head, size = measure(content[at : at + _HEAD + MAX_LENGTH_BYTES])
        end = at + head + size
        if end > len(content):
            raise BerError("an element is cut off")
        yield content[at], content[at + head : end]
        at = end


def measure(head: bytes) -> tuple[int, int]:
    """Return the sizes of an element's head and content; `head` are its first bytes.

    Raises:
        BerError: for tags of several bytes, indefinite lengths, and lengths of more than four bytes.
    """
    if len(head) < _HEAD:
        raise BerError("an element is cut off")
    if head[0] & _MANY_BYTE_TAG == _MANY_BYTE_TAG:
        raise BerError("a tag has several bytes")
    if head[1] < _LONG:
        return _HEAD, head[1]
    more = head[1] - _LONG
    if not 1 <= more <= MAX_LENGTH_BYTES or len(head) < _HEAD + more:
        raise BerError("a length cannot be read")
    return _HEAD + more, int.from_bytes(head[_HEAD : _HEAD + more], "big")
