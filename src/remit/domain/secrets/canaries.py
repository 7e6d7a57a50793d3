"""Canaries: values that stand where only somebody who reads too much finds them, and how one is known again in a text.

A canary is known by the letters and digits of its value, whatever stands between them. Only a keyed digest of it is kept.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said

MAX_LENGTH: Final = 200
_ATOM: Final = re.compile(r"[^\W_]+")
_MAX_ATOMS: Final = 12
_MIN_LENGTH: Final = 8
_MIN_WITHOUT_DIGIT_LENGTH: Final = 12


class CanaryKind(StrEnum):
    """What a canary looks like."""

    ATTRIBUTE = "attribute"
    EMAIL = "email"
    RECORD = "record"
    TOKEN = "token"  # noqa: S105  # a name, not a secret


class CanaryShape(NamedTuple):
    """How many pieces of letters and digits a value has, and how many letters all of them together. Only such stretches are looked up."""

    atoms: int
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPattern:
    """A value as it is known again: its shape, and what its keyed digest is made of."""

    shape: CanaryShape
    plain: str


def canary_pattern(value: str) -> CanaryPattern:
    """What is kept of a canary's value.

    ⚔ A value that honest people say by chance would make every agent look like a thief.

    Raises:
        Refused: `request.malformed` for one that is too short, too long or too plain.
    """
    atoms = _atoms(value)
    letters = sum(map(len, atoms))
    least = _MIN_LENGTH if any(letter.isdigit() for one in atoms for letter in one) else _MIN_WITHOUT_DIGIT_LENGTH
    if len(value) > MAX_LENGTH or len(atoms) > _MAX_ATOMS:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the value is too long for a canary",
            public=said(
                "A canary has at most {count} characters, in at most {words} words.", count=MAX_LENGTH, words=_MAX_ATOMS
            ),
        )
    if letters < least:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "the value is said by chance",
            public=marked(
                "Take a value that nobody says by chance: eight letters and digits with a digit among them, or twelve letters."
            ),
        )
    return CanaryPattern(shape=CanaryShape(len(atoms), letters), plain=" ".join(atoms))


def canary_candidates(seen: Iterable[str], shapes: Collection[CanaryShape]) -> Iterator[str]:
    """The stretches of some readings of a text that have the shape of a canary, each once, to be looked up by their keyed digest.

    The work is the same whether one of them is a canary or not.

    Source: docs/model/model.md#canaries.
    """
    sizes = sorted({shape.atoms for shape in shapes})
    told: set[str] = set()
    for text in seen if sizes else ():
        atoms = _atoms(text)
        ends = [0]
        for one in atoms:
            ends.append(ends[-1] + len(one))
        for size in sizes:
            wanted = {shape.letters for shape in shapes if shape.atoms == size}
            for at in range(len(atoms) - size + 1):
                if ends[at + size] - ends[at] in wanted:
                    one = " ".join(atoms[at : at + size])
                    if one not in told:
                        told.add(one)
                        yield one


def _atoms(text: str) -> list[str]:
    return _ATOM.findall(text.casefold())
