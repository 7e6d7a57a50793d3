"""Canonical JSON, as receipts are hashed over. RFC 8785; numbers as ECMAScript writes the nearest double.

The desk has its own copy: the client imports nothing of it, so that a receipt is not verified by the code that wrote it.
"""

import json
from decimal import Decimal
from typing import Final

from remit.client.values import Json

_MAX_INTEGER: Final = 2**53 - 1
_PLAIN_UP_TO: Final = 21
_PLAIN_DOWN_TO: Final = -6


def canonical(value: Json) -> bytes:
    """Write a JSON value in its one canonical form.

    Raises:
        ValueError: for NaN, infinity or a lone surrogate.

    Source: RFC 8785 §3.2.
    """
    return _text(value).encode("utf-8", errors="strict")


def _text(value: Json) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=_utf16)
        return "{" + ",".join(f"{_string(name)}:{_text(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _number(value)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", errors="surrogatepass")


def _string(text: str) -> str:
    # Without ensure_ascii, Python escapes exactly what RFC 8785 §3.2.2.2 does, in the same spelling.
    return json.dumps(text, ensure_ascii=False)


def _number(number: float) -> str:
    if isinstance(number, int) and abs(number) <= _MAX_INTEGER:
        return str(number)
    double = float(number)
    if double in {float("inf"), float("-inf")} or double != double:  # noqa: PLR0124  # NaN is the one value unlike itself
        raise ValueError("NaN and infinity are not JSON")
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    return ("-" if sign else "") + _placed(shown, point)


def _placed(digits: str, point: int) -> str:
    """Place the decimal point of 0.digits x 10^point as ECMA-262 Number::toString does."""
    if len(digits) <= point <= _PLAIN_UP_TO:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _PLAIN_UP_TO:
        return f"{digits[:point]}.{digits[point:]}"
    if _PLAIN_DOWN_TO < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
