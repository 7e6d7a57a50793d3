"""The readings of a text in which a disguised secret shows itself: spaced, broken, encoded, spelled, backwards.

Each reading remembers where its characters came from, and holds no more of the text than what stands around what was changed.
What a stretch hides is undone in `secret_undone`; what is a secret is for `secret_shapes`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.plain import view
from remit.domain.secret_undone import DISGUISES, ENCODINGS, ESCAPES, Disguise, turned_letters

_BEFORE, _AFTER = 160, 420
"""So much of the text before and behind a changed stretch is read with it: a label stands before a value, and a value may run on."""
_APART: Final = "\n\n\n\n"
_DEEPEST: Final = 3
"""⚔ What was encoded twice or three times is read; how often more is tried does not grow with what is sent."""
_BACKWARDS: Final = ("drowssap", "trowssap", "trownnek", "nekot", "terces", "yek", "nip", "edoc", "vvc", "nat", "pto")
_BACKWARDS_WHOLE: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(_BACKWARDS)})(?![a-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a text; for each character, where its original starts and ends. `changed` are the stretches that read otherwise."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    changed: tuple[tuple[int, int], ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original a stretch of the reading came from."""
        return min(self.starts[start], self.starts[end - 1]), max(self.ends[start], self.ends[end - 1])

    def shows(self, start: int, end: int) -> bool:
        """Whether a stretch of the reading has something in it that the text as it stands does not have."""
        place = bisect_left(self.changed, (start, start))
        return any(one[0] <= end and one[1] >= start for one in self.changed[max(0, place - 1) : place + 1])


def readings(text: str) -> Iterator[Reading]:
    """The plain reading first, then one for each disguise that occurs, and of what was encoded also what is encoded in it."""
    plain = plain_reading(text)
    yield plain
    yield from disguised(plain)


def plain_reading(text: str) -> Reading:
    """The text with its characters folded: hidden ones gone, look-alikes plain."""
    seen = view(text)
    places = seen.places
    return Reading(text=seen.text, starts=places, ends=range(1, len(places) + 1) if isinstance(places, range) else tuple(place + 1 for place in places))


def disguised(plain: Reading) -> Iterator[Reading]:
    """One reading for each disguise that occurs, and of what was encoded also what is encoded in it."""
    deep = [plain]
    for depth in range(_DEEPEST):
        found: list[Reading] = []
        for reading in deep:
            for disguise in (*DISGUISES, *ENCODINGS) if depth == 0 else (*ENCODINGS, *ESCAPES):
                changed = _changed(reading, disguise)
                if changed is not None:
                    yield changed
                    if disguise.deep:
                        found.append(changed)
        deep = found
    turned = turned_letters(plain.text)
    if turned is not None:
        yield Reading(text=turned, starts=plain.starts, ends=plain.ends, changed=((0, len(turned)),))


def backwards(reading: Reading) -> Reading:
    """The text read from its end."""
    return Reading(text=reading.text[::-1], starts=reading.starts[::-1], ends=reading.ends[::-1], changed=((0, len(reading.text)),))


def labels_backwards(low: str) -> bool:
    """Whether a text in small letters has a label that was written backwards."""
    return any(word in low for word in _BACKWARDS) and _BACKWARDS_WHOLE.search(low) is not None


def _changed(plain: Reading, disguise: Disguise) -> Reading | None:
    """Replace each stretch by what it hides; its characters all come from the whole stretch. Of the rest, only what stands around it."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    changed: list[tuple[int, int]] = []
    at = size = 0

    def keep(begin: int, end: int) -> int:
        text.append(plain.text[begin:end])
        starts.extend(plain.starts[begin:end])
        ends.extend(plain.ends[begin:end])
        return end - begin

    for start, end in disguise.stretches(plain.text):
        if start < at or (hidden := disguise.undone(plain.text[start:end])) is None:
            continue
        if changed and start - at <= _BEFORE + _AFTER:
            size += keep(at, start)
        else:
            if changed:
                size += keep(at, at + _AFTER)
                text.append(_APART)
                starts.extend([starts[-1]] * len(_APART))
                ends.extend([ends[-1]] * len(_APART))
                size += len(_APART)
            size += keep(max(0, start - _BEFORE), start)
        text.append(hidden)
        starts.extend([plain.starts[start]] * len(hidden))
        ends.extend([plain.ends[end - 1]] * len(hidden))
        changed.append((size, size + len(hidden)))
        size += len(hidden)
        at = end
    if not changed:
        return None
    keep(at, min(len(plain.text), at + _AFTER))
    return Reading(text="".join(text), starts=starts, ends=ends, changed=tuple(changed))


_LONGEST_WORD: Final = 12


def encoded(text: str) -> Iterator[str]:
    """The stretches of a text that hide readable words in hex, base64 or percent encoding."""
    for disguise in ENCODINGS:
        for start, end in disguise.stretches(text):
            found = text[start:end]
            hidden = disguise.undone(found) if len(found) >= _LONGEST_WORD else None
            if hidden is not None and sum(letter.isalpha() for letter in hidden) > len(hidden) / 2:
                yield found


