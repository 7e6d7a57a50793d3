"""Canaries: planted values that only an excessive reader sees, and their recognition in a text.

A canary is recognised by its letters and digits, whatever separates them. Only a keyed digest is stored.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from itertools import accumulate
from typing import Final, NamedTuple

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.structs import struct

MAX_LENGTH: Final = 200
_ATOM: Final = re.compile(r"[^\W_]+")
_MAX_ATOMS: Final = 12
_MIN_LENGTH: Final = 8
_MIN_WITHOUT_DIGIT_LENGTH: Final = 12


class CanaryKind(StrEnum):
    """Form of a canary."""

    ATTRIBUTE = "attribute"
    EMAIL = "email"
    RECORD = "record"
    TOKEN = "token"  # noqa: S105  # a name, not a secret


class CanaryShape(NamedTuple):
    """Number of pieces and of letters in a value; only spans of such a shape are looked up."""

    atoms: int
    letters: int


@struct(frozen=True, kw_only=True)
class CanaryPattern:
    """Recognisable form of a value: its shape, and the input of its keyed digest."""

    shape: CanaryShape
    plain: str


def canary_pattern(value: str) -> CanaryPattern:
    """Return the form of a canary's value.

    ⚔ A value honest people use by chance would make every agent look like a thief.

    Raises:
        Refused: `request.malformed` for a value too short, too long or too plain.
    """
    atoms = _atoms(value)
    letters = sum(map(len, atoms))
    has_digit = any(letter.isdigit() for atom in atoms for letter in atom)
    least = _MIN_LENGTH if has_digit else _MIN_WITHOUT_DIGIT_LENGTH
    if len(value) > MAX_LENGTH or len(atoms) > _MAX_ATOMS:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the value is too long for a canary",
            public=said(
                "A canary can have at most {count} characters and at most {words} words.",
                count=MAX_LENGTH,
                words=_MAX_ATOMS,
            ),
        )
    if letters < least:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the value is said by chance",
            public=marked(
                "Choose a value no one would use by chance: at least 8 letters and digits with at least one "
                "digit, or at least 12 letters."
            ),
        )
    return CanaryPattern(shape=CanaryShape(len(atoms), letters), plain=" ".join(atoms))


def canary_candidates(seen: Iterable[str], shapes: Collection[CanaryShape]) -> Iterator[str]:
    """Yield spans of a text's readings with the shape of a canary, each once, for the look-up by keyed digest.

    The work is the same whether or not one is a canary.

    Source: docs/model/model.md#canaries.
    """
    sizes = sorted({shape.atoms for shape in shapes})
    seen_spans: set[str] = set()
    for text in seen if sizes else ():
        atoms = _atoms(text)
        ends = [0, *accumulate(map(len, atoms))]
        for size in sizes:
            wanted = {shape.letters for shape in shapes if shape.atoms == size}
            for at in range(len(atoms) - size + 1):
                if ends[at + size] - ends[at] in wanted:
                    span = " ".join(atoms[at : at + size])
                    if span not in seen_spans:
                        seen_spans.add(span)
                        yield span


def _atoms(text: str) -> list[str]:
    return _ATOM.findall(text.casefold())
