"""Credentials of third parties named in the settings, found by a known kind or by a shape.

A shape is a literal prefix, an alphabet and a length, never a free pattern: finding it takes linear time.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from remit.domain.secrets.find import SecretFinding
from remit.domain.secrets.key_material import find_in_plain_text
from remit.domain.structs import struct

ALPHABETS: Final[Mapping[str, str]] = {"alphanumeric": "A-Za-z0-9", "base64url": "A-Za-z0-9_-", "hex": "0-9A-Fa-f"}
MIN_LENGTH: Final = 16
"""⚔ Letters behind the prefix: a shorter value can be guessed, and must never be reported."""
_LIMIT: Final = 8
"""Credentials reported per text, or one per owner if more; the rest is noise."""


@struct(frozen=True, kw_only=True)
class IssuerRule:
    """Rule for an issuer's credentials: known `kinds`, or a `prefix` with its continuation."""

    name: str
    kinds: frozenset[str] = frozenset()
    prefix: str = ""
    alphabet: str = "alphanumeric"
    least: int = MIN_LENGTH
    most: int = 256
    sends_sha256: bool = False


@struct(frozen=True, kw_only=True)
class IssuedCredential:
    """Credential of an issuer in a text. ⚔ The value is only for digests and never kept."""

    owner: str
    kind: str
    value: str = field(repr=False)


def find_issued_credentials(seen: Sequence[str], rules: Collection[IssuerRule]) -> tuple[IssuedCredential, ...]:
    """Return the issuers' credentials in the readings of a text, each once per owner, up to a limit.

    Only the first reading with any counts for an owner: later ones repeat the same, possibly garbled.

    Source: docs/model/model.md#leaks.
    """
    firsts = (next(filter(None, (tuple(dict.fromkeys(_of(rule, text))) for text in seen)), ()) for rule in rules)
    of_each = [found for found in firsts if found]
    # ⚔ By turns: findings of one owner, real or apparent, keep no other owner from being told.
    in_turn = [credential for turn in zip_longest(*of_each) for credential in turn if credential is not None]
    return tuple(in_turn[: max(_LIMIT, len(of_each))])


def _of(rule: IssuerRule, text: str) -> Iterator[IssuedCredential]:
    if rule.prefix:
        for match in _shape(rule).finditer(text):
            yield IssuedCredential(owner=rule.name, kind=rule.name, value=match[0])
    for kind, start, end, group in find_in_plain_text(text) if rule.kinds else ():
        if kind in rule.kinds and SecretFinding(start=start, end=end, kind=kind, group=group).fingerprint:
            yield IssuedCredential(owner=rule.name, kind=kind, value=text[start:end])


@lru_cache(maxsize=64)
def _shape(rule: IssuerRule) -> re.Pattern[str]:
    letters = ALPHABETS[rule.alphabet]
    return re.compile(
        rf"(?<![{letters}]){re.escape(rule.prefix)}[{letters}]{{{rule.least},{rule.most}}}(?![{letters}])"
    )
