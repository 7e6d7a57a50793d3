"""Issuers to notify of leaked credentials: the tables `[[leak]]` of `remit.toml`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from remit.domain.ids import is_word
from remit.domain.secrets.issuer_credentials import ALPHABETS, MIN_LENGTH, IssuerRule
from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table, nth_table
from remit.settings.values import file_of, optional_file, post_address

MOST: Final = 32
"""Maximum number of issuers: longer lists are not maintained."""
_MAX_LENGTH: Final = 1024
_DEFAULT_LONGEST: Final = 256
_NAME: Final = 'a plain name such as "payments"'
_KINDS: Final = 'a list of kinds such as ["prefixed_token"]'
_PREFIX: Final = "4 to 40 letters, digits or any of _.:- that every one of these credentials begins with"
_LENGTH: Final = f"[least, most] of what follows the prefix, from {MIN_LENGTH} to {_MAX_LENGTH}"
Kind = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{1,40}\Z")]
Prefix = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:-]{4,40}\Z", description=_PREFIX)]
"""⚔ A literal, never a pattern: shapes of others' credentials must not make scanning slow."""


class LeakTable(Table, frozen=True):
    """One `[[leak]]`: either known `kinds`, or an issuer's own shape by `prefix`."""

    name: Annotated[str, Meta(max_length=40, description=_NAME)]
    url: Annotated[str, Meta(min_length=1, description="the https address that takes reports")]
    secret_file: Annotated[str, Meta(min_length=1, description="the name of a file")]
    ca_file: Annotated[str, Meta(min_length=1, description="the name of a file")] | None = None
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, description=_KINDS)] | None = None
    prefix: Prefix | None = None
    alphabet: Annotated[str, Meta(description=f"one of {', '.join(ALPHABETS)}")] | None = None
    length: Annotated[tuple[int, int], Meta(description=_LENGTH)] | None = None
    sha256: bool = False


@struct(frozen=True, kw_only=True)
class LeakSettings:
    """One issuer: their credentials, their address, and the file of secrets that sign the notices."""

    rule: IssuerRule
    url: str
    secret_file: Path
    ca_file: Path | None


def leaks_of(tables: Sequence[LeakTable], base: Path) -> tuple[LeakSettings, ...]:
    """Return the issuers; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    found: list[LeakSettings] = []
    for number, table in enumerate(tables, start=1):
        note = nth_table(number, len(tables))
        if any(one.rule.name == table.name for one in found):
            raise InvalidSetting("leak.name", "must be another one in each table", note=note)
        found.append(_leak(table, base, note))
    return tuple(found)


def _leak(table: LeakTable, base: Path, note: str) -> LeakSettings:
    if not is_word(table.name):
        raise InvalidSetting("leak.name", f"must be {_NAME}", note=note)
    if (table.kinds is None) == (table.prefix is None):
        problem = "or leak.prefix must be there, and not both: what is known already, or a shape of your own"
        raise InvalidSetting("leak.kinds", problem, note=note)
    return LeakSettings(
        rule=_rule(table, note),
        url=post_address(table.url, "leak.url", note=note),
        secret_file=file_of(table.secret_file, "leak.secret_file", base, note=note),
        ca_file=optional_file(table.ca_file, "leak.ca_file", base, note=note),
    )


def _rule(table: LeakTable, note: str) -> IssuerRule:
    for key, value in (("alphabet", table.alphabet), ("length", table.length)):
        if value is not None and table.prefix is None:
            raise InvalidSetting(f"leak.{key}", "belongs to leak.prefix", note=note)
    alphabet = "alphanumeric" if table.alphabet is None else table.alphabet
    if alphabet not in ALPHABETS:
        raise InvalidSetting("leak.alphabet", f"must be one of {', '.join(ALPHABETS)}", note=note)
    least, most = table.length or (MIN_LENGTH, _DEFAULT_LONGEST)
    if not MIN_LENGTH <= least <= most <= _MAX_LENGTH:  # ⚔ Short values can be guessed, so they are never reported.
        raise InvalidSetting("leak.length", f"must be {_LENGTH}", note=note)
    return IssuerRule(
        name=table.name,
        kinds=frozenset(table.kinds or ()),
        prefix=table.prefix or "",
        alphabet=alphabet,
        least=least,
        most=most,
        sends_sha256=table.sha256,
    )
