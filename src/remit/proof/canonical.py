"""Canonical JSON (JSON Canonicalization Scheme, RFC 8785) and SHA-256 digests over it, as `sha-256:` and base64url."""

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Final, TypeAlias, cast

MAX_INTEGER: Final = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
_URLSAFE: Final = bytes.maketrans(b"+/", b"-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_text: Final = encode_basestring
"""JSON's own shortest escapes, which are RFC 8785's (§3.2.2.2)."""


def canonical(value: object) -> bytes:
    """Write a JSON value in its one canonical form.

    Dictionary keys are sorted by UTF-16 code units; numbers are written as ECMAScript writes the nearest double.

    Raises:
        TypeError: for a value that is not JSON.
        ValueError: for NaN, infinity or a lone surrogate.

    Source: RFC 8785.
    """
    return _written(value).encode("utf-8", errors="strict")


def _written(value: object) -> str:
    parts: list[str] = []
    if type(value) is dict:
        _members(value, parts)
    else:
        _write(value, parts)
    return "".join(parts)


def digest(value: object) -> str:
    """Return the SHA-256 over the canonical form, as `sha-256:` and unpadded base64url."""
    return f"sha-256:{b64url(hashlib.sha256(canonical(value)).digest())}"


def b64url(raw: bytes) -> str:
    """Encode as unpadded base64url."""
    return binascii.b2a_base64(raw, newline=False).translate(_URLSAFE).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """Decode unpadded base64url strictly.

    Raises:
        ValueError: on padding, foreign letters or non-canonical trailing bits.
    """
    raw = binascii.a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * (-len(text) % 4), strict_mode=True)
    if b64url(raw) != text:
        message = "not canonical base64url"
        raise ValueError(message)
    return raw


class Written(str):
    """Canonical text written before; it is inserted as it is, so that a repeated value is written once.

    ⚔ Only `written` makes one, from a value: an incoming text is never taken for one.
    """

    __slots__ = ()


def written(value: object) -> Written:
    """Write a value once, for insertion into other values.

    Raises:
        TypeError: for a value that is not JSON.
        ValueError: for NaN or infinity.
    """
    return Written(_written(value))


def _write(value: object, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(value if type(value) is Written else _text(value))
    elif value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, dict):
        _members(value, parts)
    elif isinstance(value, (int, float, Decimal)):
        parts.append(_number(value))
    elif isinstance(value, (list, tuple)):
        _items(value, parts)
    elif isinstance(value, Mapping):  # last, as checks of abstract classes are slow, and this runs for every entry
        _members(value, parts)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        _items(value, parts)
    else:
        message = f"{type(value).__name__} is not JSON"
        raise TypeError(message)


def _members(members: Mapping[object, object], parts: list[str]) -> None:
    if not members:
        parts.append("{}")
        return
    names = tuple(members)
    shape = _shapes.get(names)
    for key, before in shape or _shape(names):
        value = members[key]
        kind = type(value)
        # In order of frequency; anything that is not exactly one of these is handled by `_write`.
        if kind is str:
            parts.append(f"{before}{_text(value)}")  # type: ignore[arg-type]  # as just asked
        elif kind is Written:
            parts.append(before)
            parts.append(value)  # type: ignore[arg-type]  # as just asked
        elif kind is int and -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]  # as just asked
            parts.append(f"{before}{value}")
        else:
            parts.append(before)
            if kind is dict:
                _members(value, parts)  # type: ignore[arg-type]  # as just asked
            elif kind is not list and kind is not tuple:
                _write(value, parts)
            elif value:
                _items(value, parts)  # type: ignore[arg-type]  # as just asked
            else:
                parts.append("[]")
    parts.append("}")


_Shape: TypeAlias = tuple[tuple[str, str], ...]
"""Each name, in canonical order, with all the text before its value."""
_shapes: Final[dict[tuple[object, ...], _Shape]] = {}
"""Recent shapes of objects, by their names in order of occurrence; most are our own, with the same names again."""
_MOST_SHAPES: Final = 1024
_LONGEST_SHAPE: Final = 1024
"""⚔ Names may be foreign: the cache bounds their letters per object, and the number of objects."""


def _shape(names: tuple[object, ...]) -> _Shape:
    try:
        joined = "".join(names)  # type: ignore[arg-type]  # raises for a key that is no text
    except TypeError:
        message = "a key is not a text"
        raise TypeError(message) from None
    keys = sorted(cast("tuple[str, ...]", names), key=None if joined.isascii() else _utf16)
    shape = tuple((key, f"{',' if place else '{'}{_text(key)}:") for place, key in enumerate(keys))
    if len(joined) <= _LONGEST_SHAPE:
        if len(_shapes) >= _MOST_SHAPES:
            _shapes.clear()
        _shapes[names] = shape
    return shape


def _items(items: Sequence[object], parts: list[str]) -> None:
    before = "["
    for item in items:
        if type(item) is str:
            parts.append(f"{before}{_text(item)}")
        else:
            parts.append(before)
            _write(item, parts)
        before = ","
    parts.append("[]" if before == "[" else "]")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", errors="surrogatepass")


def _number(number: float | Decimal) -> str:
    """Return ECMAScript's Number::toString of the nearest double (RFC 8785 §3.2.2.3)."""
    if isinstance(number, int) and abs(number) <= MAX_INTEGER:
        return str(number)
    double = float(number)
    if double != double or double in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN is the one value unlike itself
        message = "NaN and infinity are not JSON"
        raise ValueError(message)
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = f"{abs(Decimal(repr(double))):e}".lower().partition("e")
    digits = mantissa.replace(".", "").rstrip("0") or "0"
    return sign + _ecmascript(digits, int(exponent) + 1)


def _ecmascript(digits: str, point: int) -> str:
    """Place the decimal point as ECMA-262 Number::toString does: 0.digits x 10^point."""
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004  # ECMA-262's own bound
        return digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004  # ECMA-262's own bound
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004  # ECMA-262's own bound
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    body = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{body}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
