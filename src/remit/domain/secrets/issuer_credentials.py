"""Credentials of others that the settings name, and finding them in a text: by a kind that is known, or by a shape of their own.

A shape is a literal prefix, an alphabet and a length, never a pattern of somebody's own. So finding it takes linear time by its make.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from remit.domain.secrets.find import SecretFinding
from remit.domain.secrets.formats import find_in_plain_text

ALPHABETS: Final[Mapping[str, str]] = {"alphanumeric": "A-Za-z0-9", "base64url": "A-Za-z0-9_-", "hex": "0-9A-Fa-f"}
MIN_LENGTH: Final = 16
"""⚔ Letters behind the prefix: what has fewer can be guessed, and of that nothing is told to anybody."""
_LIMIT: Final = 8
"""So many credentials of one text are told, or one of each owner: who brings more brings noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRule:
    """Whose credentials are to be told of. Either `kinds` of `secret_shapes`, or a `prefix` with what follows it."""

    name: str
    kinds: frozenset[str] = frozenset()
    prefix: str = ""
    alphabet: str = "alphanumeric"
    least: int = MIN_LENGTH
    most: int = 256
    sends_sha256: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredential:
    """A credential of somebody's in a text. ⚔ The value is for making digests of it and is kept nowhere."""

    owner: str
    kind: str
    value: str = field(repr=False)


def find_issued_credentials(seen: Sequence[str], rules: Collection[IssuerRule]) -> tuple[IssuedCredential, ...]:
    """The credentials of rules' owners in the readings of a text, each once for each owner, so many at most.

    Of each owner those of the first reading are told in which there are any: in a later one the same stand again, and may be turned into others.

    Source: docs/model/model.md#leaks.
    """
    of_each: list[tuple[IssuedCredential, ...]] = []
    for rule in rules:
        for text in seen:
            here = tuple(dict.fromkeys(_of(rule, text)))
            if here:
                of_each.append(here)
                break
    # ⚔ By turns: what is one owner's, or only looks so, keeps no other one from being told.
    in_turn = [one for turn in zip_longest(*of_each) for one in turn if one is not None]
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
