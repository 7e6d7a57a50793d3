"""The readings of a text in which a disguised secret shows itself: spaced, broken, encoded, spelled, backwards.

Each reading remembers where its characters came from. One of a disguise holds no more of the text than what stands around what was changed.
What a stretch hides is undone in `secret_undone`; what is a secret is for `secret_shapes`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from remit.domain.secrets.decoders import BETWEEN, ENCODINGS, ESCAPES, OBFUSCATIONS, Obfuscation, rot13_decoded
from remit.domain.text.normalize import fold_text

_BEFORE, _AFTER = 160, 420
"""So much of the text before and behind a changed stretch is read with it: a label stands before a value, and a value may run on."""
Stretch: TypeAlias = tuple[int, int]
_MAX_PIECE_LENGTH: Final = 2000
_FEW: Final = 12
"""Of a longer row, so many joints at its beginning and at its end are looked at: what is cut in so many pieces stands alone."""
_NUMBER: Final = re.compile(r"[ ()+-]*\d[\d ./()+-]*(?!\w)")
_MAX_NUMBER_LENGTH: Final = 40
_FOURS: Final = re.compile(r"\s*\d{4}(?:[ -]\d{4})*\s*")
_WAYS: Final = ((0, 2), (1, 2), (1, 1))
"""Of a row of joints: each second, the others, all but the first."""
_DEEPEST: Final = 3
"""What was encoded twice or three times is read; how often more is tried does not grow with what is sent."""
_BACKWARDS: Final = ("drowssap", "trowssap", "trownnek", "nekot", "terces", "yek", "nip", "edoc", "vvc", "nat", "pto")
_BACKWARDS_WHOLE: Final = re.compile(rf"[^a-z](?=[dtnyevp])(?:{'|'.join(_BACKWARDS)})(?![a-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedText:
    """One reading of a text; for each character, where its original starts and ends."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original a stretch of the reading came from."""
        return min(self.starts[start], self.starts[end - 1]), max(self.ends[start], self.ends[end - 1])


def deobfuscated_readings(text: str) -> Iterator[DecodedText]:
    """The plain reading first, then one for each disguise that occurs, and of what was encoded also what is encoded in it."""
    plain = plain_reading(text)
    yield plain
    yield from obfuscated_readings(plain)


def plain_reading(text: str) -> DecodedText:
    """The text with its characters folded: hidden ones gone, look-alikes plain."""
    seen = fold_text(text)
    return DecodedText(text=seen.text, starts=seen.places, ends=seen.ends or range(1, len(seen.places) + 1))


_FIRST: Final = (*OBFUSCATIONS, *ENCODINGS)
_DEEPER: Final = (*ENCODINGS, *ESCAPES)


def obfuscated_readings(plain: DecodedText) -> Iterator[DecodedText]:
    """One reading for each disguise that occurs, and of what was encoded also what is encoded in it."""
    deep = [plain]
    for depth in range(_DEEPEST):
        found: list[DecodedText] = []
        for reading in deep:
            text = reading.text
            for disguise in _FIRST if depth == 0 else _DEEPER:
                stretches = (
                    [] if disguise.sign is not None and disguise.sign.search(text) is None else disguise.places(text)
                )
                if not stretches:
                    continue
                for some in (stretches, *(ways_to_join(text, stretches) if disguise.joins else ())):
                    changed = _changed(reading, disguise, some)
                    if changed is not None:
                        yield changed
                        if disguise.deep:
                            found.append(changed)
        deep = found
    turned = rot13_decoded(plain.text)
    if turned is not None:
        yield DecodedText(text=turned, starts=plain.starts, ends=plain.ends)


def reversed_reading(reading: DecodedText) -> DecodedText:
    """The text read from its end."""
    return DecodedText(text=reading.text[::-1], starts=reading.starts[::-1], ends=reading.ends[::-1])


def has_reversed_label(low: str) -> bool:
    """Whether a text in small letters has a label that was written backwards."""
    return any(word in low for word in _BACKWARDS) and _BACKWARDS_WHOLE.search(f"\n{low}") is not None


class _TextAssembler:
    """A reading as it is put together from pieces of another."""

    def __init__(self, plain: DecodedText) -> None:
        self._plain = plain
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def keep(self, begin: int, end: int) -> None:
        """Take a stretch as it is."""
        self._text.append(self._plain.text[begin:end])
        self._starts.extend(self._plain.starts[begin:end])
        self._ends.extend(self._plain.ends[begin:end])

    def put(self, text: str, start: int, end: int) -> None:
        """Take a text for a stretch: its characters all come from the whole of it."""
        self._text.append(text)
        self._starts.extend([self._plain.starts[start]] * len(text))
        self._ends.extend([self._plain.ends[end - 1]] * len(text))

    def reading(self) -> DecodedText:
        """What was put together."""
        return DecodedText(text="".join(self._text), starts=self._starts, ends=self._ends)


def ways_to_join(text: str, between: Sequence[Stretch]) -> list[tuple[Stretch, ...]]:
    """What stands between pieces, some of it at a time, where pieces follow each other in a row: of a row, a few may be one thing.

    ⚔ Joined with the lines before and behind it, a token does not begin where one may, nor does a number end: each second joint alone is for
    what was cut in two, and the row without its first for what was cut more often behind something else.
    """
    rows: list[list[Stretch]] = []
    for before, one in pairwise(between):
        if not _is_one_row(text, before[1], one[0]):
            continue
        if rows and rows[-1][-1] == before:
            rows[-1].append(one)
        else:
            rows.append([before, one])
    rows = [part for row in rows for part in ((row,) if len(row) <= 2 * _FEW else (row[:_FEW], row[-_FEW:]))]
    rows = [_no_list(text, row) for row in rows]
    if not rows:
        return []
    ways = [tuple([one for row in rows for one in row[begin::step]]) for begin, step in _WAYS]
    return [way for way in dict.fromkeys(ways) if way]


def _no_list(text: str, row: list[Stretch]) -> list[Stretch]:
    """A row without what stands between numbers, but for two in groups of four: of numbers in a list, any two may look like a card."""
    first, last = row[0][0], row[-1][1]
    before = _NUMBER.match(text[max(0, first - _MAX_NUMBER_LENGTH) : first][::-1])
    sides = [
        before,
        *(_NUMBER.fullmatch(text, one[1], then[0]) for one, then in pairwise(row)),
        _NUMBER.match(text, last),
    ]
    numbers = [one[0] for one in sides if one is not None]
    if len(numbers) == 2 and all(_FOURS.fullmatch(one) for one in numbers):  # noqa: PLR2004  # the halves of a card
        return row
    return [one for one, beside in zip(row, pairwise(sides), strict=True) if None in beside]


def _is_one_row(text: str, start: int, end: int) -> bool:
    """Whether what stands between two joints may be a piece of what stands beyond both: one word, or numbers in groups."""
    if end - start > _MAX_PIECE_LENGTH:
        return False
    pieces = text[start:end].split()
    return len(pieces) == 1 or (bool(pieces) and not [piece for piece in pieces if not any(map(str.isdigit, piece))])


def _changed(plain: DecodedText, disguise: Obfuscation, stretches: Iterable[Stretch]) -> DecodedText | None:
    """Replace each stretch by what it hides. Of the rest, only what stands around it is kept, from one word's edge to another's."""
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
    """Where what is kept before a stretch begins: not within a word, of which half may look like something else."""
    begin = max(0, start - _BEFORE)
    edge = _EDGE.search(text, begin, start) if begin else None
    return begin if edge is None else edge.end()


def _last_edge(text: str, end: int) -> int:
    """Where what is kept behind a stretch ends, likewise."""
    last = min(len(text), end + _AFTER)
    if last == len(text):
        return last
    edges = _EDGE.search(text[end:last][::-1])
    return last if edges is None else last - edges.start()


_EDGE: Final = re.compile(r"[\s\"',;<>]")
_MAX_WORD_LENGTH: Final = 12


def encoded_spans(text: str) -> Iterator[str]:
    """The stretches of a text that hide readable words in hex, base64 or percent encoding."""
    for disguise in ENCODINGS:
        for start, end in disguise.stretches(text):
            found = text[start:end]
            hidden = disguise.decoder(found) if len(found) >= _MAX_WORD_LENGTH else None
            if hidden is not None and sum(letter.isalpha() for letter in hidden) > len(hidden) / 2:
                yield found
