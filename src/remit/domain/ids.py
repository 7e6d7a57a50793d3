"""Identifiers: types, shapes, and making one from given random bytes. They compare byte for byte."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NewType

from remit.domain.errors import Code, Refused

_ADDRESS: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)


def verify_email_address(unverified: str) -> str:
    """Return the text if it is an e-mail address.

    Raises:
        Refused: `request.malformed`.
    """
    if _ADDRESS.fullmatch(unverified) is None:
        cure = "Give one e-mail address, such as anna@mail.example."
        raise Refused(Code.REQUEST_MALFORMED, f"{unverified[:200]} is not an e-mail address", public=cure, cure=cure)
    return unverified


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP literal (bracketed or not) is this machine's loopback, without a look-up."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


AgentId = NewType("AgentId", str)
AskId = NewType("AskId", str)
CaseId = NewType("CaseId", str)
ConfirmationId = NewType("ConfirmationId", str)
CustomerId = NewType("CustomerId", str)
EntryId = NewType("EntryId", str)
MandateId = NewType("MandateId", str)
OfferId = NewType("OfferId", str)
OperatorId = NewType("OperatorId", str)
PersonId = NewType("PersonId", str)
TaskId = NewType("TaskId", str)

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
"""RFC 4648 §6 in lower case. Digits sort before letters, so ids of one time sort nearly, not strictly."""
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
_SHAPE: Final = re.compile(r"[a-z]{2,8}_[a-z2-7]{26}", re.ASCII)
_OWN: Final = frozenset({"act", "ask", "case", "cnf", "con", "man", "ntc", "off", "pro", "task"})
"""Prefixes of the ids shown to people and agents. ⚔ Bearer secrets are not among them."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)


def new_id(prefix: str, randomness: bytes) -> str:
    """Make an identifier such as `task_k5…` from 16 random bytes."""
    if len(randomness) != 16:  # noqa: PLR2004  # 128 bits
        message = "an identifier needs 16 random bytes"
        raise ValueError(message)
    # 26 letters of 5 bits, two at a time: base32 of the standard library does it in Python, letter by letter.
    number = int.from_bytes(randomness, "big") << 2
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])}"


def timed_id(prefix: str, at: int, randomness: bytes) -> str:
    """Make an identifier from the time in ms and 10 random bytes, so that ids made together are neighbours in an index.

    For frequent ids that are no secret: 80 bits cannot be guessed, but the time can be read.
    """
    if len(randomness) != 10:  # noqa: PLR2004  # 80 bits
        message = "an identifier of a time needs 10 random bytes"
        raise ValueError(message)
    return new_id(prefix, at.to_bytes(6, "big") + randomness)


def is_id(text: str, prefix: str) -> bool:
    """Return whether `text` has the shape of an identifier of that kind."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None


def is_own_id(text: str) -> bool:
    """Return whether `text` has the shape of one of our own non-secret ids."""
    return text.partition("_")[0] in _OWN and _SHAPE.fullmatch(text) is not None


def is_dotted(text: str) -> bool:
    """Return whether `text` is a dotted name such as `payment.refund`."""
    return _NAME.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """Return whether `text` is a plain name such as `return-item`."""
    return _WORD.fullmatch(text) is not None


def verify_id(unverified: str, prefix: str) -> str:
    """Return the identifier if it has the right shape.

    Raises:
        Refused: `request.not_found` for any other shape.
    """
    if not is_id(unverified, prefix):
        raise Refused(Code.REQUEST_NOT_FOUND, f"not a {prefix} id")
    return unverified


def is_glob(text: str) -> bool:
    """Return whether the text is `area.*`."""
    return text.endswith(".*") and is_word(text[:-2])


def is_pattern(text: str) -> bool:
    """Return whether the text is an exact dotted name or a glob."""
    return is_dotted(text) or is_glob(text)


def matches(pattern: str, name: str) -> bool:
    """Return whether a name equals the pattern or lies in its area."""
    return name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def covers_pattern(wide: str, narrow: str) -> bool:
    """Return whether the wide pattern matches every name the narrow one can ever match."""
    return wide == narrow or (wide.endswith(".*") and narrow.startswith(wide[:-1]))


def expand_pattern(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names the pattern matches, in their order."""
    return tuple(name for name in names if matches(pattern, name))
