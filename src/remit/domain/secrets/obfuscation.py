"""Readings of a text that reveal a disguised secret: spaced, broken, encoded, spelled, backwards.

Each reading maps its characters to the original. That of a disguise covers only the surroundings of the changes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from remit.domain.secrets.decoders import BETWEEN, ENCODINGS, ESCAPES, OBFUSCATIONS, Obfuscation, rot13_decoded
from remit.domain.secrets.kinds import any_of
from remit.domain.structs import struct
from remit.domain.text.normalize import fold_text

_BEFORE, _AFTER = 160, 420
"""Characters read before and behind a changed span: a label stands before a value, and a value may run on."""
Stretch: TypeAlias = tuple[int, int]
_MAX_PIECE_LENGTH: Final = 2000
_FEW: Final = 12
"""Joints examined at each end of a longer row: a value cut into that many pieces stands alone."""
_NUMBER: Final = re.compile(r"[ ()+-]*\d[\d ./()+-]*(?!\w)")
_MAX_NUMBER_LENGTH: Final = 40
_FOURS: Final = re.compile(r"\s*\d{4}(?:[ -]\d{4})*\s*")
_WAYS: Final = ((0, 2), (1, 2), (1, 1))
"""Subsets of a row of joints: each second, the others, all but the first."""
_DEEPEST: Final = 3
"""Levels of nested encoding that are undone, whatever is sent."""
_BACKWARDS: Final = ("drowssap", "trowssap", "trownnek", "nekot", "terces", "yek", "nip", "edoc", "vvc", "nat", "pto")
_begins_backwards: Final = any_of(_BACKWARDS)
_BACKWARDS_WHOLE: Final = re.compile(rf"[^a-z](?=[dtnyevp])(?:{'|'.join(_BACKWARDS)})(?![a-z])")


@struct(frozen=True, kw_only=True)
class DecodedText:
    """Reading of a text, with the original's start and end of each character."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that a span of the reading came from."""
        return min(self.starts[start], self.starts[end - 1]), max(self.ends[start], self.ends[end - 1])


def deobfuscated_readings(text: str) -> Iterator[DecodedText]:
    """Yield the plain reading, one for each disguise that occurs, and the nested ones of encoded text."""
    plain = plain_reading(text)
    yield plain
    yield from obfuscated_readings(plain)


def plain_reading(text: str) -> DecodedText:
    """Return the text folded: hidden characters removed, look-alikes plain."""
    seen = fold_text(text)
    return DecodedText(text=seen.text, starts=seen.places, ends=seen.ends or range(1, len(seen.places) + 1))


_FIRST: Final = (*OBFUSCATIONS, *ENCODINGS)
_DEEPER: Final = (*ENCODINGS, *ESCAPES)


def obfuscated_readings(plain: DecodedText) -> Iterator[DecodedText]:
    """Yield one reading for each disguise that occurs, and the nested ones of encoded text."""
    level = [plain]
    for depth in range(_DEEPEST):
        inner: list[DecodedText] = []
        for reading in level:
            for disguise in _FIRST if depth == 0 else _DEEPER:
                for changed in _undone(reading, disguise):
                    yield changed
                    if disguise.deep:
                        inner.append(changed)
        level = inner
    turned = rot13_decoded(plain.text)
    if turned is not None:
        yield DecodedText(text=turned, starts=plain.starts, ends=plain.ends)


def _undone(reading: DecodedText, disguise: Obfuscation) -> Iterator[DecodedText]:
    if stretches := disguise.places(reading.text):
        for some in (stretches, *(ways_to_join(reading.text, stretches) if disguise.joins else ())):
            changed = _changed(reading, disguise, some)
            if changed is not None:
                yield changed


def reversed_reading(reading: DecodedText) -> DecodedText:
    """Return the text read from its end."""
    return DecodedText(text=reading.text[::-1], starts=reading.starts[::-1], ends=reading.ends[::-1])


def has_reversed_label(low: str) -> bool:
    """Return whether a text in small letters has a label written backwards."""
    return _begins_backwards(low) is not None and _BACKWARDS_WHOLE.search(f"\n{low}") is not None


class _TextAssembler:
    """Reading under assembly from pieces of another."""

    def __init__(self, plain: DecodedText) -> None:
        self._plain = plain
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def keep(self, begin: int, end: int) -> None:
        """Take a span as it is."""
        self._text.append(self._plain.text[begin:end])
        self._starts.extend(self._plain.starts[begin:end])
        self._ends.extend(self._plain.ends[begin:end])

    def put(self, text: str, start: int, end: int) -> None:
        """Replace a span by a text: each of its characters comes from the whole span."""
        self._text.append(text)
        self._starts.extend([self._plain.starts[start]] * len(text))
        self._ends.extend([self._plain.ends[end - 1]] * len(text))

    def reading(self) -> DecodedText:
        """Return the assembled reading."""
        return DecodedText(text="".join(self._text), starts=self._starts, ends=self._ends)


def ways_to_join(text: str, between: Sequence[Stretch]) -> list[tuple[Stretch, ...]]:
    """Return subsets of the joints between pieces in a row: some pieces of a row may be one value.

    ⚔ Joined with the lines around it, a token does not begin where one may, nor does a number end. Every second joint
    alone serves values cut in two; the row without its first serves values cut more often behind other text.
    """
    rows: list[list[Stretch]] = []
    for before, joint in pairwise(between):
        if not _is_one_row(text, before[1], joint[0]):
            continue
        if rows and rows[-1][-1] == before:
            rows[-1].append(joint)
        else:
            rows.append([before, joint])
    rows = [part for row in rows for part in ((row,) if len(row) <= 2 * _FEW else (row[:_FEW], row[-_FEW:]))]
    rows = [_no_list(text, row) for row in rows]
    if not rows:
        return []
    ways = [tuple([joint for row in rows for joint in row[begin::step]]) for begin, step in _WAYS]
    return [way for way in dict.fromkeys(ways) if way]


def _no_list(text: str, row: list[Stretch]) -> list[Stretch]:
    """Drop joints between numbers, except two in groups of four: any two numbers of a list may look like a card."""
    first, last = row[0][0], row[-1][1]
    sides = [
        _NUMBER.match(text[max(0, first - _MAX_NUMBER_LENGTH) : first][::-1]),
        *(_NUMBER.fullmatch(text, joint[1], then[0]) for joint, then in pairwise(row)),
        _NUMBER.match(text, last),
    ]
    numbers = [number[0] for number in sides if number is not None]
    if len(numbers) == 2 and all(_FOURS.fullmatch(number) for number in numbers):  # noqa: PLR2004  # halves of a card
        return row
    return [joint for joint, beside in zip(row, pairwise(sides), strict=True) if None in beside]


def _is_one_row(text: str, start: int, end: int) -> bool:
    """Return whether the text between two joints may be one value's piece: one word, or numbers in groups."""
    if end - start > _MAX_PIECE_LENGTH:
        return False
    pieces = text[start:end].split()
    return len(pieces) == 1 or (bool(pieces) and all(any(map(str.isdigit, piece)) for piece in pieces))


def _changed(plain: DecodedText, disguise: Obfuscation, stretches: Iterable[Stretch]) -> DecodedText | None:
    """Replace each span by its hidden text; of the rest keep the surroundings, from one word's edge to another's."""
    kept = _TextAssembler(plain)
    at = -1
    for start, end in stretches:
        if start < at or (hidden := disguise.decoder(plain.text[start:end])) is None:
            continue
        if at < 0 or start - at > _BEFORE + _AFTER:
            if at >= 0:
                kept.keep(at, _last_edge(plain.text, at))
                kept.put(BETWEEN, at - 1, at)
            kept.keep(_first_edge(plain.text, start), start)
        else:
            kept.keep(at, start)
        kept.put(hidden, start, end)
        at = end
    if at < 0:
        return None
    kept.keep(at, _last_edge(plain.text, at))
    return kept.reading()


def _first_edge(text: str, start: int) -> int:
    """Return where the kept text before a span begins: not within a word, half of which may look like another."""
    begin = max(0, start - _BEFORE)
    edge = _EDGE.search(text, begin, start) if begin else None
    return begin if edge is None else edge.end()


def _last_edge(text: str, end: int) -> int:
    """Return where the kept text behind a span ends, likewise."""
    last = min(len(text), end + _AFTER)
    if last == len(text):
        return last
    edges = _EDGE.search(text[end:last][::-1])
    return last if edges is None else last - edges.start()


_EDGE: Final = re.compile(r"[\s\"',;<>]")
_MAX_WORD_LENGTH: Final = 12


def encoded_spans(text: str) -> Iterator[str]:
    """Yield the spans of a text that hide readable words in hex, base64 or percent encoding."""
    for disguise in ENCODINGS:
        for start, end in disguise.stretches(text):
            run = text[start:end]
            hidden = disguise.decoder(run) if len(run) >= _MAX_WORD_LENGTH else None
            if hidden is not None and sum(letter.isalpha() for letter in hidden) > len(hidden) / 2:
                yield run
