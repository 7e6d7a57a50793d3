"""Strict reading of the desk's tables: plain values, known keys, texts, flags, names.

Every refusal names the key and the cure. The meaning of the keys belongs to the callers.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.text.nearest import did_you_mean
from remit.domain.values import Json, JsonObject
from remit.proof.canonical import MAX_INTEGER

Table: TypeAlias = Mapping[str, object]

_MAX_TITLE_LENGTH: Final = 300
_DEEPEST: Final = 40


def catalogue_error(key: str, problem: str, cure: str) -> Refused:
    """Build a refusal of the catalogue: `key: problem; cure`."""
    return Refused(Code.CATALOGUE_INVALID, f"{key}: {problem}; {cure}")


def toml_key(kind: str, name: str) -> str:
    """Return the key as TOML writes it: `action."payment.refund"`."""
    return f'{kind}."{name}"'


def table(value: object, key: str) -> Table:
    """Return the value as a table.

    Raises:
        Refused: `catalogue.invalid` for anything else.
    """
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise catalogue_error(key, "must be a table", "write it as key = value pairs")
    return value


def closed_table(value: object, key: str, *, required: Sequence[str] = (), optional: Sequence[str] = ()) -> Table:
    """Return a table with these keys and no others.

    Raises:
        Refused: `catalogue.invalid` naming the missing or unknown key.
    """
    found = table(value, key)
    for name in found:
        if name not in required and name not in optional:
            raise catalogue_error(
                f"{key}.{name}",
                f"is not a known key{did_you_mean(name, (*required, *optional))}",
                f"remove it, or use one of {', '.join((*required, *optional))}",
            )
    for name in required:
        if name not in found:
            raise catalogue_error(f"{key}.{name}", "is missing", "add it")
    return found


def text(value: object, key: str, *, longest: int = _MAX_TITLE_LENGTH) -> str:
    """Return one line of readable text: not empty, no control, format or separator characters.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if not isinstance(value, str) or not value.strip():
        raise catalogue_error(key, "must be a text", "write one line in quotes")
    if len(value) > longest:
        raise catalogue_error(key, f"is longer than {longest} characters", "shorten it")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for letter in value):
        raise catalogue_error(key, "has invisible characters", "write plain text on one line")
    return value


def flag(value: object, key: str) -> bool:
    """Return a boolean.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if not isinstance(value, bool):
        raise catalogue_error(key, "must be true or false", "write it without quotes")
    return value


def texts(value: object, key: str) -> tuple[str, ...]:
    """Return a list of different texts.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise catalogue_error(key, "must be a list", 'write it as ["one", "two"]')
    found = tuple(text(item, f"{key}[{place}]") for place, item in enumerate(value))
    if len(set(found)) != len(found):
        raise catalogue_error(key, "says something twice", "keep each once")
    return found


def day(value: object, key: str) -> date:
    """Return a day, from a TOML date or ISO text.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if type(value) is date:
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise catalogue_error(key, "must be a day", "write it as 2027-03-31")


def plain_object(value: object, key: str) -> JsonObject:
    """Copy the value as a JSON object with exact numbers.

    Raises:
        Refused: `catalogue.invalid` when a part of it is not JSON.
    """
    return {name: plain_json(item, f"{key}.{name}") for name, item in table(value, key).items()}


def plain_json(value: object, key: str, depth: int = 0) -> Json:
    """Copy the value as JSON with exact numbers.

    Raises:
        Refused: `catalogue.invalid` when a part of it is not JSON.
    """
    if depth > _DEEPEST:
        raise catalogue_error(key, "is nested too deep", "flatten it")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return _number(value, key)
    if isinstance(value, Mapping):
        return {name: plain_json(item, f"{key}.{name}", depth + 1) for name, item in table(value, key).items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain_json(item, f"{key}[{place}]", depth + 1) for place, item in enumerate(value)]
    raise catalogue_error(
        key, f"a {type(value).__name__} cannot be used here", "write a text, a number, true, false, a list or a table"
    )


def _number(value: float | Decimal, key: str) -> int | Decimal:
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not Decimal(number).is_finite():
        raise catalogue_error(key, "is no number", "write a finite number")
    if abs(number) > MAX_INTEGER:
        raise catalogue_error(key, "is too large", "stay below 2^53")
    return number
