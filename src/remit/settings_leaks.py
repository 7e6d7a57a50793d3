"""Whom to tell of credentials that others issued, the tables `[[leak]]` of `remit.toml`; and the desk's own contacts, which may be told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import is_word
from remit.domain.leak_owners import ALPHABETS, SHORTEST, OwnerRule
from remit.settings_notify import post_address

_KEYS: Final = frozenset({"name", "kinds", "prefix", "alphabet", "length", "url", "secret_file", "ca_file", "sha256"})
_MOST: Final = 32
_LONGEST: Final = 1024
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{4,40}", re.ASCII)
_CONTACT: Final = re.compile(r"[^\s@]{0,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,4}|\+?[0-9][0-9 ()/.-]{3,30}", re.ASCII)
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakSettings:
    """One owner: what is theirs, where they are told, and the file with the secrets that what they are told is signed with."""

    rule: OwnerRule
    url: str
    secret_file: Path
    ca_file: Path | None


def leaks_of(tables: object, base: Path) -> tuple[LeakSettings, ...]:
    """What the tables say; relative files start at `base`.

    Raises:
        Refused: `settings.invalid`.
    """
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise _invalid("", "must be tables of their own: [[leak]]")
    if len(tables) > _MOST:
        raise _invalid("", f"may stand {_MOST} times at most")
    found = tuple(_leak(one, base) for one in tables)
    if len({one.rule.name for one in found}) != len(found):
        raise _invalid("name", "must be another one in each table")
    return found


def contacts_of(value: object) -> tuple[str, ...]:
    """The desk's own addresses and numbers, which officers may tell anybody.

    Raises:
        Refused: `settings.invalid`.
    """
    if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(one, str) and _CONTACT.fullmatch(one) for one in value):
        raise Refused(
            Code.SETTINGS_INVALID, 'words.contacts must be a list such as ["help@acme.example", "@acme.example", "+49 40 123456"]'
        )
    return tuple(value)


def _leak(table: Mapping[str, Any], base: Path) -> LeakSettings:
    for key in table:
        if key not in _KEYS:
            raise _invalid(key, f"is unknown; known are {', '.join(sorted(_KEYS))}")
    name = table.get("name")
    if not isinstance(name, str) or not is_word(name) or len(name) > 40:  # noqa: PLR2004  # a name in lists
        raise _invalid("name", 'must be a plain name such as "payments"')
    sha256 = table.get("sha256", False)
    if not isinstance(sha256, bool):
        raise _invalid("sha256", "must be true or false")
    if ("kinds" in table) == ("prefix" in table):
        raise _invalid("kinds", "or leak.prefix must be there, and not both: what is known already, or a shape of your own")
    kinds = table.get("kinds", [])
    if (
        not isinstance(kinds, list)
        or not all(isinstance(one, str) and _KIND.fullmatch(one) for one in kinds)
        or ("kinds" in table and not kinds)
    ):
        raise _invalid("kinds", 'must be a list of kinds such as ["prefixed_token"]')
    least, most = _length(table)
    url = table.get("url")
    if not isinstance(url, str):
        raise _invalid("url", "is missing; write the https address that takes reports")
    return LeakSettings(
        rule=OwnerRule(
            name=name,
            kinds=frozenset(kinds),
            prefix=_prefix(table),
            alphabet=_alphabet(table),
            least=least,
            most=most,
            sends_sha256=sha256,
        ),
        url=post_address(url, "leak.url"),
        secret_file=_file(table, "secret_file", base),
        ca_file=_file(table, "ca_file", base) if "ca_file" in table else None,
    )


def _prefix(table: Mapping[str, Any]) -> str:
    """⚔ A literal, never a pattern: what others' credentials look like must not make reading slow."""
    prefix = table.get("prefix", "")
    if not isinstance(prefix, str) or ("prefix" in table and _PREFIX.fullmatch(prefix) is None):
        raise _invalid("prefix", "must be 4 to 40 letters, digits or any of _.:- that every one of these credentials begins with")
    for key in ("alphabet", "length"):
        if key in table and not prefix:
            raise _invalid(key, "belongs to leak.prefix")
    return prefix


def _alphabet(table: Mapping[str, Any]) -> str:
    alphabet = table.get("alphabet", "alphanumeric")
    if not isinstance(alphabet, str) or alphabet not in ALPHABETS:
        raise _invalid("alphabet", f"must be one of {', '.join(ALPHABETS)}")
    return alphabet


def _length(table: Mapping[str, Any]) -> tuple[int, int]:
    """⚔ What is short can be guessed, and of that nobody is told anything."""
    length = table.get("length", [SHORTEST, 256])
    whole = isinstance(length, list) and len(length) == 2 and all(isinstance(one, int) and not isinstance(one, bool) for one in length)  # noqa: PLR2004  # a pair
    if not whole or not SHORTEST <= length[0] <= length[1] <= _LONGEST:
        raise _invalid("length", f"must be [least, most] of what follows the prefix, from {SHORTEST} to {_LONGEST}")
    return length[0], length[1]


def _file(table: Mapping[str, Any], key: str, base: Path) -> Path:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise _invalid(key, "is missing; write the name of a file")
    path = base / value
    if not path.is_file():
        raise _invalid(key, f"names {path}, which is not there")
    return path


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"leak{f'.{key}' if key else ''} {cure}")
