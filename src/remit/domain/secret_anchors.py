"""Finding what begins with a long run before its sign: from the sign backwards, so that a long run is read once.

⚔ A pattern such as `[a-z]{1,40}=` is tried at each letter of a run, and reads the run on from each of them. Here the sign is
looked for first, and then the run before it is measured once. What is found is exactly what the whole pattern finds.
"""

import re
from collections.abc import Iterator
from typing import Final

_KEY: Final = re.compile(r"[\w.-]*")
_INSIDE: Final = re.compile(r"[\w.]")
_KEY_LONGEST: Final = 60
_KEY_SHORTEST: Final = 2
_ASSIGNED: Final = re.compile(
    r"(?<=[\w.-][\w.-])[\"'`]?\s{0,3}(?:[:=]{1,3}|=>|\"?\|\|:?=)\s{0,3}[\"'`]?(?P<v>[A-Za-z0-9][A-Za-z0-9_.~+/=:-]{14,4000})"
)
_LEADING: Final = re.compile(r"[_.\- ]?[A-Za-z0-9.\-]*", re.IGNORECASE)
_LEADING_LONGEST: Final = 41
_UNESCAPED: Final = re.compile(r"[^\s%]*")
_UNESCAPED_LONGEST: Final = 200
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}[^\s%]{0,80}(?:%[0-9A-Fa-f]{2}[^\s%]{0,80}){2,1999}")


def assigned(text: str) -> Iterator[re.Match[str]]:
    """Each value `v` that is given to a key, a run of two to sixty letters, digits, dots and dashes that begins no word within."""
    at = look = 0
    while (found := _ASSIGNED.search(text, look)) is not None:
        if _behind_key(text, found.start(), at):
            yield found
            at = look = found.end()
        else:
            look = found.start() + 1


def _behind_key(text: str, end: int, at: int) -> bool:
    """Whether a key ends here. It begins where a run of its letters does, or behind a dash in it."""
    begin = _run_before(_KEY, text, end, least=at, longest=_KEY_LONGEST)
    last = end - _KEY_SHORTEST
    return begin <= last and (not _INSIDE.match(text[max(0, begin - 1) : begin]) or text.find("-", begin, last) >= 0)


def labelled(text: str, near: re.Pattern[str], whole: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Each match of `whole`, which is `near` with one more word of up to forty letters before it, or without."""
    at = 0
    while (found := near.search(text, at)) is not None:
        begin = _run_before(_LEADING, text, found.start(), least=at, longest=_LEADING_LONGEST)
        found = whole.search(text, begin) or found
        yield found
        at = found.end()


def escaped(text: str) -> Iterator[tuple[int, int]]:
    """Each stretch with three or more letters in percent encoding, with up to 200 letters before them: where it starts and ends."""
    at = 0
    while (found := _ESCAPED.search(text, at)) is not None:
        yield _run_before(_UNESCAPED, text, found.start(), least=at, longest=_UNESCAPED_LONGEST), found.end()
        at = found.end()


def _run_before(letters: re.Pattern[str], text: str, end: int, *, least: int, longest: int) -> int:
    """Where a run that ends here begins: not before `least`, and of so many letters at most."""
    back = letters.match(text[max(least, end - longest) : end][::-1])
    return end - (back.end() if back else 0)
