"""Structured fields of HTTP, strictly parsed: dictionaries of items and inner lists, as signatures use them.

Decimals, dates and display strings occur in no header that is read here, and are refused; so is a key
that stands twice, although RFC 9651 lets the last one win: two readers could pick different ones.
Source: RFC 9651 §3, §4.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from remit.domain.structs import struct

MAX_MEMBERS: Final = 64
"""Members, items and parameters of one field: a signature has some twenty."""

_KEY: Final = re.compile(r"[a-z*][a-z0-9_.*-]{0,63}", re.ASCII)
_STRING: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}(?![0-9.])", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*", re.ASCII)
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]*={0,2}):", re.ASCII)
_BOOLEAN: Final = re.compile(r"\?([01])", re.ASCII)
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*", re.ASCII)


class NotStructured(ValueError):  # noqa: N818  # a finding; its caller knows the field and refuses the request
    """A field of another syntax than is read here."""


class Token(str):
    """A token, which is written without quotes."""

    __slots__ = ()


Bare: TypeAlias = str | int | bool | bytes
Parameters: TypeAlias = Mapping[str, Bare]


@struct(frozen=True)
class Item:
    """A bare item with its parameters."""

    value: Bare
    parameters: Parameters

    def __str__(self) -> str:
        """Return the canonical form."""
        return bare_text(self.value) + parameters_text(self.parameters)


@struct(frozen=True)
class InnerList:
    """A list of items with parameters of its own."""

    items: Sequence[Item]
    parameters: Parameters

    def __str__(self) -> str:
        """Return the canonical form."""
        return f"({' '.join(str(one) for one in self.items)}){parameters_text(self.parameters)}"


Member: TypeAlias = Item | InnerList


def parse_dictionary(text: str) -> Mapping[str, Member]:
    """Parse a dictionary; lines of one field are joined with a comma before.

    Raises:
        NotStructured: with the reason.
    """
    reader = _Reader(text.strip(" "))
    found: dict[str, Member] = {}
    while not reader.ended:
        if found:
            reader.take(_COMMA, "a comma")
        key = reader.take(_KEY, "a key")[0]
        if key in found or len(found) == MAX_MEMBERS:
            raise NotStructured(f"the member {key} appears twice" if key in found else "too many members")
        found[key] = reader.member() if reader.skip("=") else Item(True, reader.parameters())
    return found


def parse_item(text: str) -> Item:
    """Parse a single item.

    Raises:
        NotStructured: with the reason.
    """
    reader = _Reader(text.strip(" "))
    found = reader.item()
    if not reader.ended:
        raise NotStructured("something follows the item")
    return found


def bare_text(value: Bare) -> str:
    """Return the canonical form of a bare item."""
    match value:
        case bool():
            return "?1" if value else "?0"
        case int():
            return str(value)
        case bytes():
            return f":{base64.b64encode(value).decode('ascii')}:"
        case Token():
            return str.__str__(value)
        case _:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'


def parameters_text(parameters: Parameters) -> str:
    """Return the canonical form of parameters."""
    return "".join(f";{name}" if value is True else f";{name}={bare_text(value)}" for name, value in parameters.items())


class _Reader:
    """The rest of a field that is being parsed."""

    def __init__(self, text: str) -> None:
        if not text.isascii():
            raise NotStructured("not ASCII")
        self._text = text
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._text)

    def skip(self, mark: str) -> bool:
        """Take a character if it is the next one."""
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def take(self, pattern: "re.Pattern[str]", name: str) -> "re.Match[str]":
        """Take the match of a pattern at the present place."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise NotStructured(f"{name} is missing")
        self._at = found.end()
        return found

    def member(self) -> Member:
        """Take an item or an inner list."""
        if not self.skip("("):
            return self.item()
        items: list[Item] = []
        while True:
            spaced = self.skip(" ")
            while self.skip(" "):
                pass
            if self.skip(")"):
                return InnerList(items, self.parameters())
            if (items and not spaced) or len(items) == MAX_MEMBERS:
                raise NotStructured("an inner list is not closed, or too long")
            items.append(self.item())

    def item(self) -> Item:
        """Take an item."""
        return Item(self._bare(), self.parameters())

    def parameters(self) -> Parameters:
        """Take parameters."""
        found: dict[str, Bare] = {}
        while self.skip(";"):
            while self.skip(" "):
                pass
            key = self.take(_KEY, "a parameter")[0]
            if key in found or len(found) == MAX_MEMBERS:
                raise NotStructured(f"the parameter {key} appears twice, or there are too many")
            found[key] = self._bare() if self.skip("=") else True
        return found

    def _bare(self) -> Bare:
        for pattern, name in ((_STRING, "string"), (_INTEGER, "integer"), (_BYTES, "bytes"), (_BOOLEAN, "boolean")):
            found = pattern.match(self._text, self._at)
            if found is None:
                continue
            self._at = found.end()
            match name:
                case "string":
                    return re.sub(r'\\(["\\])', r"\1", found[1])
                case "integer":
                    return int(found[0])
                case "bytes":
                    return _decoded(found[1])
                case _:
                    return found[1] == "1"
        return Token(self.take(_TOKEN, "an item")[0])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise NotStructured("bytes are not base64") from None
