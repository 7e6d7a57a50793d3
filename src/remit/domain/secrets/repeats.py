"""Found secrets where they stand again: without a label, in other letters, or in another text of the ask or task."""

import re
from collections.abc import Collection, Iterator
from dataclasses import field
from typing import Final, TypeAlias

from remit.domain.secrets.kinds import SecretClass, lowercase
from remit.domain.secrets.labelled import is_ordinary_word
from remit.domain.secrets.obfuscation import DecodedText, deobfuscated_readings, obfuscated_readings
from remit.domain.structs import struct

MAX_KNOWN: Final = 256
"""⚔ Found values that are searched for again: each costs one pass over the text."""
_MIN_LENGTH: Final = 3
_MAX_LENGTH: Final = 10_000
_SHORT: Final = 8
_APART: Final = 3
"""Characters of a text for each letter of a short value in it: more blanks and signs are no spelling of it."""
_MARK: Final = re.compile(r"\[[a-z_]+ removed\]", re.ASCII)


@struct(frozen=True)
class KnownSecret:
    """A secret that was found: its letters and digits alone, in small letters. ⚔ For searching, never for storing."""

    letters: str = field(repr=False)
    kind: str
    group: SecretClass


Repeat: TypeAlias = tuple[str, int, int, SecretClass]


def known_secrets(value: str, kind: str, group: SecretClass) -> Iterator[KnownSecret]:
    """Yield a found secret as it may stand again: as written, and as any disguise of it reads."""
    if len(value) > _MAX_LENGTH or group is SecretClass.CONTACT:
        return
    for reading in deobfuscated_readings(value):
        letters = "".join(filter(str.isalnum, lowercase(reading.text)))
        digits = "".join(filter(str.isdigit, letters)) if group is SecretClass.GUESSABLE else ""
        for form in {letters, digits if len(digits) > _MIN_LENGTH else letters}:  # "one. I" ends no spelled number
            if len(form) >= _MIN_LENGTH and not is_ordinary_word(form):
                yield KnownSecret(form, kind, group)


def find_repeats(plain: DecodedText, known: Collection[KnownSecret]) -> Iterator[Repeat]:
    """Yield the places in the original of known secrets, in each reading, whatever signs stand between their letters.

    ⚔ A label stands before a secret once; it is as secret without.

    Source: docs/model/model.md#inbound.
    """
    values = list(known)[:MAX_KNOWN]
    if not values:
        return
    for reading in (plain, *obfuscated_readings(plain)):
        low = lowercase(reading.text)
        places = [at for at, letter in enumerate(low) if letter.isalnum()]
        squeezed = low if len(places) == len(low) else "".join([low[at] for at in places])
        marks = [match.span() for match in _MARK.finditer(low)]
        for value in values:
            for start, end in _stand(value.letters, squeezed, low, places):
                if not any(begin <= start < stop for begin, stop in marks):
                    yield value.kind, *reading.span(start, end), value.group


def _stand(letters: str, squeezed: str, low: str, places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield each span of a text with these letters that neither begins nor ends within a word."""
    size = len(letters)
    at = squeezed.find(letters)
    while at >= 0:
        start, end = places[at], places[at + size - 1] + 1
        whole = not low[start - 1 : start].isalnum() and not low[end : end + 1].isalnum()
        if whole and (size >= _SHORT or end - start <= size * _APART):
            yield start, end
        at = squeezed.find(letters, at + (size if whole else 1))
