"""The readings of a text in which a disguised secret shows itself: spaced, broken, encoded, backwards.

Each reading remembers where its characters came from. What is a secret is for `secret_shapes`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote

from remit.domain.plain import view
from remit.domain.secret_anchors import escaped

_SPACED: Final = re.compile(r"(?<![^\s=:'(])\S(?:[ \t]\S){5,4000}(?![^\s.,;)'])")
_LINE_BREAK: Final = re.compile(r"(?<=[^\s])[ \t]?\r?\n(?=[^\s])")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}){6,4000}(?![0-9A-Za-z])")
_HEX_SPACED: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ :]){7,4000}[0-9a-fA-F]{2}(?![0-9A-Za-z])")
_BASE64: Final = re.compile(r"(?<![0-9A-Za-z+/=_-])(?:[0-9A-Za-z+/_-]{4}){2,8000}(?:[0-9A-Za-z+/_-]{2,3}={0,2})?(?![0-9A-Za-z+/=_-])")
_SPOKEN: Final = re.compile(r"\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)(?:[ ,-]{1,2}|\b)){3,40}", re.IGNORECASE)
_DIGITS: Final = {
    "zero": "0",
    "oh": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
_Stretches: TypeAlias = Callable[[str], Iterator[tuple[int, int]]]
_SHORTEST: Final = 6
_LONGEST_WORD: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a text; for each character, where its original starts and ends."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original a stretch of the reading came from."""
        return min(self.starts[start:end]), max(self.ends[start:end])


def readings(text: str) -> Iterator[Reading]:
    """The plain reading first, then one for each disguise that occurs."""
    seen = view(text)
    plain = Reading(text=seen.text, starts=seen.places, ends=tuple(place + 1 for place in seen.places))
    yield plain
    for stretches, change in _CHANGES:
        changed = _changed(plain, stretches, change)
        if changed is not None:
            yield changed


def backwards(reading: Reading) -> Reading:
    """The text read from its end."""
    return Reading(text=reading.text[::-1], starts=reading.starts[::-1], ends=reading.ends[::-1])


def _changed(plain: Reading, stretches: _Stretches, change: Callable[[str], str | None]) -> Reading | None:
    """Replace each stretch by what it hides; its characters all come from the whole stretch."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end in stretches(plain.text):
        hidden = change(plain.text[start:end])
        if hidden is None:
            continue
        text += [plain.text[at:start], hidden]
        starts += [*plain.starts[at:start], *[plain.starts[start]] * len(hidden)]
        ends += [*plain.ends[at:start], *[plain.ends[end - 1]] * len(hidden)]
        at = end
    if not text:
        return None
    text.append(plain.text[at:])
    return Reading(text="".join(text), starts=(*starts, *plain.starts[at:]), ends=(*ends, *plain.ends[at:]))


def _unspaced(text: str) -> str | None:
    return re.sub(r"[ \t]", "", text)


def _joined(_text: str) -> str | None:
    return ""


def _spelled(text: str) -> str | None:
    words = re.findall(r"[a-z]+", text.lower())
    return "".join(_DIGITS[word] for word in words) + (" " if text[-1].isspace() else "")


def _readable(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        return None
    return text if len(text) >= _SHORTEST and text.isprintable() else None


def _unhexed(text: str) -> str | None:
    return _readable(bytes.fromhex(re.sub(r"[ :]", "", text)))


def _unbased(text: str) -> str | None:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _unpercented(text: str) -> str | None:
    return unquote(text)


def _all(pattern: re.Pattern[str]) -> _Stretches:
    return lambda text: (match.span() for match in pattern.finditer(text))


_ENCODED: Final[tuple[tuple[_Stretches, Callable[[str], str | None]], ...]] = (
    (_all(_HEX), _unhexed),
    (_all(_HEX_SPACED), _unhexed),
    (_all(_BASE64), _unbased),
    (escaped, _unpercented),
)
_CHANGES: Final = ((_all(_SPACED), _unspaced), (_all(_LINE_BREAK), _joined), *_ENCODED, (_all(_SPOKEN), _spelled))


def encoded(text: str) -> Iterator[str]:
    """The stretches of a text that hide readable words in hex, base64 or percent encoding."""
    for stretches, change in _ENCODED:
        for start, end in stretches(text):
            found = text[start:end]
            hidden = change(found) if len(found) >= _LONGEST_WORD else None
            if hidden is not None and sum(letter.isalpha() for letter in hidden) > len(hidden) / 2:
                yield found
