"""Canonical JSON (JSON Canonicalization Scheme, RFC 8785) and SHA-256 digests over it, as `sha-256:` and base64url."""

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Annotated, Final, TypeAlias, cast

import msgspec

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
    # ⚔ msgspec writes more than JSON (bytes, dates, sets), and fractions in another form: only a value that was read as
    # `_Plain` is written by it, and reading takes neither. It reads a set as a list, which does not equal the set.
    try:
        plain = msgspec.convert({"value": value}, _Plain).value
        if plain == value:
            text = _encode(plain)
            if text.isascii() or len(text.translate(None, _ABOVE_UTF16)) == len(text):
                return text
    except Exception:  # noqa: BLE001, S110  # the slow way says what is wrong, if anything is
        pass
    return _written(value).encode("utf-8", errors="strict")


def _written(value: object) -> str:
    parts: list[str] = []
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
        ValueError: for NaN, infinity or a lone surrogate.
    """
    return Written(canonical(value).decode())


_Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
_Leaf: TypeAlias = str | _Whole | bool | None
_Depth1: TypeAlias = _Leaf | list[_Leaf] | dict[str, _Leaf]
_Depth2: TypeAlias = _Leaf | list[_Depth1] | dict[str, _Depth1]
_Depth3: TypeAlias = _Leaf | list[_Depth2] | dict[str, _Depth2]
_Depth4: TypeAlias = _Leaf | list[_Depth3] | dict[str, _Depth3]
_Depth5: TypeAlias = _Leaf | list[_Depth4] | dict[str, _Depth4]


class _Plain(msgspec.Struct, gc=False):
    """A value of texts, whole numbers, true, false, null, arrays and objects, six levels deep.

    msgspec reads no type that names itself outside of a Struct.
    """

    value: _Leaf | list[_Depth5] | dict[str, _Depth5]


_ABOVE_UTF16: Final = bytes(range(0xF0, 0xF5))
"""First bytes of letters that are two units of UTF-16; by all others, UTF-8 and UTF-16 sort alike."""


def _insert(value: object) -> msgspec.Raw:
    if type(value) is not Written:
        message = f"{type(value).__name__} is not plain"
        raise TypeError(message)
    return msgspec.Raw(value.encode())


_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=_insert).encode


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
    elif isinstance(value, Mapping):  # last, as checks of abstract classes are slow
        _members(value, parts)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        _items(value, parts)
    else:
        message = f"{type(value).__name__} is not JSON"
        raise TypeError(message)


def _members(members: Mapping[object, object], parts: list[str]) -> None:
    names = tuple(members)
    try:
        joined = "".join(names)  # type: ignore[arg-type]  # raises for a key that is no text
    except TypeError:
        message = "a key is not a text"
        raise TypeError(message) from None
    before = "{"
    for name in sorted(cast("tuple[str, ...]", names), key=None if joined.isascii() else _utf16):
        parts.append(f"{before}{_text(name)}:")
        _write(members[name], parts)
        before = ","
    parts.append("}" if names else "{}")


def _items(items: Sequence[object], parts: list[str]) -> None:
    before = "["
    for item in items:
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
