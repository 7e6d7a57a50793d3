"""Incoming values: strict JSON, exact numbers, money, instants, without coercion: `"5"` is not 5.

Their meaning belongs to the catalogue and the mandate.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from json.scanner import make_scanner
from typing import Final, NewType, TypeAlias, TypeGuard

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.proof.canonical import MAX_INTEGER

Json: TypeAlias = bool | int | Decimal | str | Sequence["Json"] | Mapping[str, "Json"] | None
JsonObject: TypeAlias = Mapping[str, Json]

Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
MAX_TEXT: Final = 65_536
MAX_ITEMS: Final = 10_000

_MONEY: Final = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})? [A-Z]{3}", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_FIRST: Final = -62_135_596_800_000
_LAST: Final = 253_402_300_799_999
"""The first and the last millisecond of the years 1 to 9999 in UTC."""
_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_MINOR_DIGITS: Final[Mapping[str, int]] = dict.fromkeys(_NO_DIGITS.split(), 0) | dict.fromkeys(_THREE_DIGITS.split(), 3)


@struct(frozen=True, kw_only=True)
class Money:
    """An amount above zero in one currency; on the wire a string such as `40.00 EUR`."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """Return the wire form."""
        return f"{self.amount:f} {self.currency}"


def verify_money(text: Json, *, where: str = "money") -> Money:
    """Parse a money string.

    Raises:
        Refused: `params.invalid` when it is not ASCII digits, above zero, within the currency's digits.

    Source: docs/model/model.md#values.
    """
    if not isinstance(text, str) or _MONEY.fullmatch(text) is None:
        raise _invalid(f"{where} must look like '40.00 EUR'")
    number, currency = text.split(" ")
    if len(number.partition(".")[2]) > minor_digits(currency):
        raise _invalid(f"{where} has too many digits for {currency}")
    amount = Decimal(number)
    if amount <= 0:
        raise _invalid(f"{where} must be above zero")
    return Money(amount=amount, currency=currency)


def _invalid(sentence: str) -> Refused:
    return Refused(Code.PARAMS_INVALID, sentence, public=sentence)


def minor_digits(currency: str) -> int:
    """Return the number of digits a currency has after the point."""
    return _MINOR_DIGITS.get(currency, 2)


def verify_instant(text: Json, *, where: str = "time") -> Instant:
    """Parse an RFC 3339 time with a zone.

    Raises:
        Refused: `params.invalid` for anything else.
    """
    if not isinstance(text, str) or _INSTANT.fullmatch(text) is None:
        raise _invalid(f"{where} must be an RFC 3339 time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"{where} is no real time") from None
    instant = round(moment.timestamp() * 1000)
    if not _FIRST <= instant <= _LAST:  # the zone moved it out of the calendar: it could not be written again
        raise _invalid(f"{where} is no real time")
    return Instant(instant)


def instant_text(instant: Instant) -> str:
    """Write an instant as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(instant / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def object_of(value: Json) -> JsonObject:
    """Return an object of a JSON value; empty where it is another kind of value or absent."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Json) -> Sequence[Json]:
    """Return a list of a JSON value; empty where it is another kind of value or absent."""
    return value if isinstance(value, list | tuple) else ()


def decode_json(
    raw: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_members: int | None = None,
    files: tuple[str, ...] | None = None,
) -> Json:
    """Decode one JSON text strictly.

    UTF-8 without byte order mark or lone surrogates, no duplicate keys, numbers exact (fractions and exponents as
    `Decimal`, integers below 2^53), bounded size, depth, text and item counts. `max_members` bounds the members, items
    and numbers of the whole text before any is decoded (None for a text of our own writing). `files` is the path
    to the list of files and their data member, whose ASCII text alone may be as long as the whole.

    Raises:
        Refused: `request.too_large` or `request.malformed`.

    Source: RFC 8259, RFC 7493 (I-JSON), docs/model/model.md#values.
    """
    if len(raw) > max_bytes:
        raise Refused(
            Code.REQUEST_TOO_LARGE, f"more than {max_bytes} bytes", public=f"at most {max_bytes} bytes are read"
        )
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise _malformed("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise _malformed("a byte order mark is not allowed")
    deep = text.count("[") + text.count("{") > max_depth
    if deep or (max_members is not None and len(text) > max_members):
        _verify_shape(text, max_depth if deep else None, max_members)
    try:
        value, end = _SCAN(text, len(text) - len(text.lstrip(_BLANK)))
    except (json.JSONDecodeError, RecursionError, StopIteration):
        raise _malformed("not JSON") from None
    if end < len(text) and text[end:].strip(_BLANK):
        raise _malformed("not JSON")
    if len(text) > MAX_ITEMS or "\\u" in text:
        # A short text without escapes needs no check: the decoder refuses a bare NUL, UTF-8 has no lone surrogate, and
        # no part is longer than the whole.
        _verify_texts(value if files is None else _without_data(value, files))
    return value


def _without_data(value: Json, files: Sequence[str]) -> Json:
    """Return the object without the data of its files, at a path of members, the last of them that of each file."""
    if not isinstance(value, Mapping) or (found := value.get(files[0])) is None:
        return value
    if len(files) > 2:  # noqa: PLR2004  # the list and its files' member are left
        return {**value, files[0]: _without_data(found, files[1:])}
    return {**value, files[0]: [_without(file, files[1]) for file in found]} if isinstance(found, list) else value


def _without(file: Json, data: str) -> Json:
    if not isinstance(file, Mapping):
        return file
    text = file.get(data)
    plain = isinstance(text, str) and text.isascii() and "\x00" not in text
    return {name: value for name, value in file.items() if name != data} if plain else file


_EXACT: Final = frozenset({str, int, bool, type(None)})


def read_back(values: JsonObject, written: str) -> JsonObject | None:
    """Return an object as its canonical text is parsed, without parsing it; None where only parsing tells.

    So for short texts of printable ASCII with texts, whole numbers, true, false and null as members.
    """
    if not written.isascii() or "\\u" in written or len(written) > MAX_ITEMS:
        return None
    for value in values.values():
        if type(value) not in _EXACT or (isinstance(value, int) and abs(value) > MAX_INTEGER):
            return None
    return dict(sorted(values.items()))


def parse_stored_object(text: str) -> JsonObject:
    """Parse an object of our own writing, such as the params of a recorded ask; short ones are cached by their text.

    Raises:
        Refused: `request.malformed` for anything else.
    """
    return _known_object(text) if len(text) <= _SHORT else _read_object(text)


def _read_object(text: str) -> JsonObject:
    value = decode_json(text.encode())
    if not isinstance(value, dict):
        raise _malformed("no object")
    return value


def clear_object_cache() -> None:
    """Empty the cache, so that erased content does not survive in it."""
    _known_object.cache_clear()


_known_object: Final = lru_cache(maxsize=512)(_read_object)
_SHORT: Final = 2048


def _malformed(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, reason, public=f"The body is not valid JSON: {reason}.")


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("a key appears twice")
    if len(members) > MAX_ITEMS:
        raise _malformed("too many members")
    return members


def _fraction(text: str) -> Decimal:
    if len(text) > 64:  # noqa: PLR2004  # longer digits carry no desk value and cost time
        raise _malformed("a number is too long")
    # ⚔ A few digits of exponent make a number on which decimal arithmetic raises later.
    if len(text.lower().partition("e")[2].lstrip("+-0")) > 3:  # noqa: PLR2004  # far beyond the range below
        raise _malformed("a number is out of range")
    number = Decimal(text)
    if abs(number) > MAX_INTEGER or (number and number.adjusted() < -20):  # noqa: PLR2004  # no desk value is smaller
        raise _malformed("a number is out of range")
    # ⚔ Canonical JSON writes the nearest double: the signed and shown number would differ from the one acted on.
    if Decimal(repr(float(number))) != number:
        raise _malformed("a number has more digits than can be kept exactly; write it as a text")
    return number


def _integer(text: str) -> int:
    if len(text) > 17:  # noqa: PLR2004  # 2^53 has 16 digits, one for the sign
        raise _malformed("a number is out of range")
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise _malformed("a number is out of range")
    return number


def _constant(text: str) -> Json:
    raise _malformed(f"{text} is not a number")


def leaves(value: Json) -> Iterator[Json]:
    """Yield the single values in a value, from all its levels."""
    if isinstance(value, Mapping):
        for member in value.values():
            yield from leaves(member)
    elif is_list(value):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def _verify_shape(text: str, max_depth: int | None, max_members: int | None) -> None:
    """Refuse deep nesting and too many members before the parser, which calls back for each, begins. None is no limit.

    ⚔ What stands outside strings is counted at the speed of C: a million numbers would keep the parser a quarter of a
    second.
    """
    outside = _QUOTED.sub("", text)
    if max_members is not None and outside.count(",") + outside.count("[") + outside.count("{") > max_members:
        public = f"At most {max_members} members and items are read."
        raise Refused(Code.REQUEST_TOO_LARGE, f"more than {max_members} members", public=public)
    if max_depth is None:
        return
    depth = 0
    for letter in _BRACKET.findall(outside):
        depth += 1 if letter in "[{" else -1
        if depth > max_depth:
            raise _malformed(f"nested deeper than {max_depth}")


_QUOTED: Final = re.compile(r'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
"""A string, or its beginning where the text ends inside: ⚔ it never backtracks."""
_BRACKET: Final = re.compile(r"[][{}]")


def _verify_texts(value: Json) -> None:
    """Refuse lone surrogates, NUL and very long texts anywhere, in keys too."""
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            _verify_text(item)
        elif isinstance(item, Mapping):
            for key in item:
                _verify_text(key)
            stack.extend(item.values())
        elif isinstance(item, Sequence):
            if len(item) > MAX_ITEMS:
                raise _malformed("too many items")
            stack.extend(item)


def _verify_text(text: str) -> None:
    if text.isascii():
        if "\x00" in text:
            raise _malformed("a NUL character")
    elif any("\ud800" <= letter <= "\udfff" for letter in text) or "\x00" in text:
        raise _malformed("a lone surrogate or NUL character")
    if len(text) > MAX_TEXT:
        raise _malformed(f"a text is longer than {MAX_TEXT} characters")


_SCAN: Final[Callable[[str, int], tuple[Json, int]]] = make_scanner(
    json.JSONDecoder(object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer, parse_constant=_constant)  # type: ignore[arg-type]  # typeshed declares a scanner to be made of another one
)
"""Reads the value that begins at a place of a text. Made once, and called without the decoder's two methods around it."""
_BLANK: Final = " \t\n\r"


def is_list(value: object) -> TypeGuard[Sequence[Json]]:
    """Return whether a value is a JSON array."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def deep_equal(left: Json, right: Json) -> bool:
    """Compare deeply without coercion: `true` is not 1, `"5"` is not 5, 5.0 is 5."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if isinstance(left, int | Decimal):
        return isinstance(right, int | Decimal) and Decimal(left) == Decimal(right)
    if isinstance(left, str) or left is None:
        return type(left) is type(right) and left == right
    if isinstance(left, Mapping):
        return (
            isinstance(right, Mapping)
            and left.keys() == right.keys()
            and all(deep_equal(left[key], right[key]) for key in left)
        )
    return (
        is_list(right) and len(left) == len(right) and all(deep_equal(a, b) for a, b in zip(left, right, strict=True))
    )
