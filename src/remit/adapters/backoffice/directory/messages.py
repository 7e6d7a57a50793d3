"""Requests and answers of LDAP, as far as a backoffice needs them.

⚔ A filter is built from attribute and value, never from text: nothing in an id can become a part of a filter.
Source: RFC 4511, RFC 4528 (assertion), RFC 5805 (transaction).
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import IntEnum
from typing import Final

from remit.adapters.backoffice.directory import ber
from remit.adapters.backoffice.directory.ber import BerError
from remit.domain.structs import struct

VERSION: Final = 3
START_TRANSACTION: Final = "1.3.6.1.1.21.1"
_IN_TRANSACTION: Final = "1.3.6.1.1.21.2"
END_TRANSACTION: Final = "1.3.6.1.1.21.3"
ASSERTION: Final = "1.3.6.1.1.12"

BIND_ANSWER: Final = 0x61
ENTRY: Final = 0x64
SEARCH_DONE: Final = 0x65
REFERENCE: Final = 0x73
MODIFIED: Final = 0x67
ADDED: Final = 0x69
EXTENDED: Final = 0x78
_RESPONSE_VALUE: Final = 0x8B


class Scope(IntEnum):
    """The entries that a search is about."""

    ENTRY = 0
    SUBTREE = 2


class Operation(IntEnum):
    """One kind of change of an attribute."""

    ADD = 0
    DELETE = 1
    REPLACE = 2


class LdapCode(IntEnum):
    """Result codes that mean something to a backoffice."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    TIME_LIMIT = 3
    SIZE_LIMIT = 4
    REFERRAL = 10
    ADMIN_LIMIT = 11
    NO_SUCH_ATTRIBUTE = 16
    VALUE_EXISTS = 20
    NO_SUCH_OBJECT = 32
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS = 50
    BUSY = 51
    UNAVAILABLE = 52
    ALREADY_EXISTS = 68
    OTHER = 80
    ASSERTION_FAILED = 122


UNSETTLED: Final = frozenset(
    {
        LdapCode.OPERATIONS_ERROR,
        LdapCode.TIME_LIMIT,
        LdapCode.REFERRAL,
        LdapCode.ADMIN_LIMIT,
        LdapCode.BUSY,
        LdapCode.UNAVAILABLE,
        LdapCode.OTHER,
    }
)
"""Codes after which a change may succeed another time, or whose outcome is not known."""


def is_refusal(code: int) -> bool:
    """Return whether a result leaves no doubt that nothing was done.

    ⚔ A code that is no refusal of RFC 4511 says nothing: those above 80 are of clients, which proxies hand on.
    """
    return code == LdapCode.ASSERTION_FAILED or (LdapCode.SUCCESS < code < LdapCode.OTHER and code not in UNSETTLED)


@struct(frozen=True, kw_only=True)
class LdapResult:
    """The result of one operation; `value` is that of an extended one, which may be empty."""

    code: int
    detail: str = ""
    value: bytes | None = None


@struct(frozen=True, kw_only=True)
class Entry:
    """One entry: its DN as the directory says it, and values by attribute, whose names are in small letters."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]

    def all(self, attribute: str) -> tuple[bytes, ...]:
        """Return the values of an attribute."""
        return self.values.get(attribute.lower(), ())

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Return the values that are text."""
        found = []
        for value in self.all(attribute):
            try:
                found.append(value.decode())
            except UnicodeDecodeError:
                continue
        return tuple(found)

    def only(self, attribute: str) -> str:
        """Return the value of an attribute that has exactly one, as text, else ""."""
        values, texts = self.all(attribute), self.texts(attribute)
        return texts[0] if len(values) == len(texts) == 1 else ""


@struct(frozen=True, kw_only=True)
class Change:
    """One change of one attribute."""

    operation: Operation
    attribute: str
    values: tuple[bytes, ...] = field(default=(), repr=False)


@struct(frozen=True, kw_only=True)
class Add:
    """A new entry."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]


@struct(frozen=True, kw_only=True)
class Modify:
    """Changes of one entry, all or none; with `asserted` (attribute, value) only while that holds."""

    dn: str
    changes: tuple[Change, ...]
    asserted: tuple[str, bytes] | None = None


Write = Add | Modify


def equal(attribute: str, value: bytes | str) -> bytes:
    """Build the filter for entries with a value."""
    return ber.element(0xA3, ber.octets(attribute), ber.octets(value))


def present(attribute: str) -> bytes:
    """Build the filter for entries with an attribute."""
    return ber.octets(attribute, 0x87)


def every(*filters: bytes) -> bytes:
    """Build the filter for entries that fit all of these."""
    return ber.element(0xA0, *filters)


def bind_request(name: str, password: str) -> bytes:
    """Build a simple bind."""
    return ber.element(0x60, ber.number(VERSION), ber.octets(name), ber.octets(password, 0x80))


def search_request(
    base: str, scope: Scope, where: bytes, attributes: Sequence[str], *, most: int, seconds: int
) -> bytes:
    """Build a search that follows no alias, for at most so many entries."""
    return ber.element(
        0x63,
        ber.octets(base),
        ber.number(scope, ber.ENUMERATED),
        ber.number(0, ber.ENUMERATED),
        ber.number(most),
        ber.number(seconds),
        ber.boolean(False),
        where,
        ber.element(ber.SEQUENCE, *(ber.octets(name) for name in attributes or ("1.1",))),
    )


def write_request(write: Write) -> bytes:
    """Build an add or a modify."""
    if isinstance(write, Add):
        given = (_attribute(name, values) for name, values in write.values.items())
        return ber.element(0x68, ber.octets(write.dn), ber.element(ber.SEQUENCE, *given))
    changes = (
        ber.element(
            ber.SEQUENCE, ber.number(change.operation, ber.ENUMERATED), _attribute(change.attribute, change.values)
        )
        for change in write.changes
    )
    return ber.element(0x66, ber.octets(write.dn), ber.element(ber.SEQUENCE, *changes))


def write_controls(write: Write, transaction: bytes | None) -> tuple[bytes, ...]:
    """Build the controls of a write: its transaction and its assertion, both critical."""
    found = [] if transaction is None else [_control(_IN_TRANSACTION, transaction)]
    if isinstance(write, Modify) and write.asserted is not None:
        found.append(_control(ASSERTION, equal(*write.asserted)))
    return tuple(found)


def extended_request(name: str, value: bytes | None = None) -> bytes:
    """Build an extended operation."""
    parts = () if value is None else (ber.octets(value, 0x81),)
    return ber.element(0x77, ber.octets(name, 0x80), *parts)


def end_of_transaction(transaction: bytes) -> bytes:
    """Build the value of the operation that commits a transaction."""
    return ber.element(ber.SEQUENCE, ber.octets(transaction))


def abandon_request(number: int) -> bytes:
    """Build the end of a search that was asked enough."""
    return ber.number(number, 0x50)


def message(number: int, operation: bytes, controls: Sequence[bytes] = ()) -> bytes:
    """Build one message."""
    more = (ber.element(0xA0, *controls),) if controls else ()
    return ber.element(ber.SEQUENCE, ber.number(number), operation, *more)


def parse_message(content: bytes) -> tuple[int, int, bytes]:
    """Parse the content of a message into its number, the tag of its operation, and that one's content.

    Raises:
        BerError: for anything else.
    """
    parts = list(ber.elements(content))
    if len(parts) < 2 or parts[0][0] != ber.INTEGER:  # noqa: PLR2004  # number and operation
        raise BerError("an answer is no message")
    return ber.decode_number(parts[0][1]), parts[1][0], parts[1][1]


def parse_result(content: bytes) -> LdapResult:
    """Parse a result.

    Raises:
        BerError: for anything else.
    """
    parts = list(ber.elements(content))
    if len(parts) < 3 or parts[0][0] != ber.ENUMERATED:  # noqa: PLR2004  # code, DN, message
        raise BerError("an answer is no result")
    value = next((found for tag, found in parts[3:] if tag == _RESPONSE_VALUE), None)
    return LdapResult(code=ber.decode_number(parts[0][1]), detail=parts[2][1].decode(errors="replace"), value=value)


def parse_entry(content: bytes) -> Entry:
    """Parse an entry.

    Raises:
        BerError: for anything else.
    """
    parts = list(ber.elements(content))
    if len(parts) != 2:  # noqa: PLR2004  # DN and attributes
        raise BerError("an answer is no entry")
    values: dict[str, tuple[bytes, ...]] = {}
    for _, attribute in ber.elements(parts[1][1]):
        described = list(ber.elements(attribute))
        if len(described) != 2:  # noqa: PLR2004  # name and values
            raise BerError("an answer is no entry")
        values[_text(described[0][1]).lower()] = tuple(value for _, value in ber.elements(described[1][1]))
    return Entry(dn=_text(parts[0][1]), values=values)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BerError("a name is no text") from None


def _attribute(name: str, values: Sequence[bytes]) -> bytes:
    return ber.element(ber.SEQUENCE, ber.octets(name), ber.element(ber.SET, *(ber.octets(value) for value in values)))


def _control(name: str, value: bytes) -> bytes:
    return ber.element(ber.SEQUENCE, ber.octets(name), ber.boolean(True), ber.octets(value))
