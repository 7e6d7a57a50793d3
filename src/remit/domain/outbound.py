"""What an officer's text to an agent may not say: secrets, links, and the customer's actual values that are not covered.

Which values are covered is decided by the use case; here texts are only compared with values.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from remit.domain.plain import View, view
from remit.domain.secrets import find_secrets
from remit.domain.values import Json, same

_SHORTEST: Final = 3
_SHORTEST_NUMBER: Final = 4
_LINK: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)+/\S*|\bmailto:\S+", re.IGNORECASE)
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Held:
    """A stretch of the text that must not leave: character offsets, and why (`secret`, `link` or `attribute`), with the attribute's name."""

    start: int
    end: int
    why: str
    name: str = ""


def find_held(text: str, values: Mapping[str, Json]) -> tuple[Held, ...]:
    """Find what must not leave in a text: secrets and codes, links, and the actual values given, in order.

    Values are found in other spellings too: upper and lower case, dates in words or figures, numbers with spaces or
    signs in between, full-width and look-alike letters.

    Source: 2-model.md §7 (Outbound).
    """
    seen = view(text)
    found = [Held(start=one.start, end=one.end, why="secret", name=one.kind) for one in find_secrets(text)]
    found += [_held(seen, match.span(), "link", "") for match in _LINK.finditer(seen.text)]
    for name, value in values.items():
        for one in _texts(value):
            found += [_held(seen, span, "attribute", name) for span in _places(seen.text, one)]
    return _apart(found)


def values_beside(rows: Iterable[tuple[str, str, Json]], beside: Mapping[str, Collection[str]]) -> list[Json]:
    """What records say of one attribute: each row a kind, an id and a value.

    Of the kinds in `beside`, only what other records than those say, and those do not.

    Source: 2-model.md §7 (Outbound), §3 (Target).
    """
    known = list(rows)
    if not beside:
        return [value for _, _, value in known]
    listed = [one for kind, record_id, value in known if record_id in beside.get(kind, ()) for one in _single(value)]
    others = [one for kind, record_id, value in known if record_id not in beside.get(kind, ()) for one in _single(value)]
    return [one for one in others if not any(same(one, told) for told in listed)]


def _single(value: Json) -> list[Json]:
    """The single values in a value: what one record says may stand in a list or an object of another."""
    if isinstance(value, Mapping):
        return [one for each in value.values() for one in _single(each)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [one for each in value for one in _single(each)]
    return [value]


def speaking(value: Json) -> list[Json]:
    """The parts of a value that tell of whom they are by themselves: numbers, and texts of several words or with a digit.

    A lone word ("pending") is said of many things, and tells nothing of a record that is not named beside it.
    """
    return [one for one in _single(value) if _speaks(one)]


def _speaks(one: Json) -> bool:
    if isinstance(one, str):
        return any(letter.isdigit() or letter.isspace() for letter in one.strip())
    return one is not None and not isinstance(one, bool)


def without(text: str, held: Sequence[Held]) -> str:
    """The text with each stretch that must not leave replaced by a mark."""
    out: list[str] = []
    at = 0
    for one in sorted(held):
        if one.end <= at:
            continue
        out += [text[at : max(at, one.start)], "[withheld]"]
        at = one.end
    return "".join([*out, text[at:]])


def _held(seen: View, span: tuple[int, int], why: str, name: str) -> Held:
    start, end = seen.span(*span)
    return Held(start=start, end=end, why=why, name=name)


def _texts(value: Json) -> Iterator[str]:
    """The texts a value would be written as. A bare yes or no, or a very short text, says nothing by itself."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | Decimal):
        yield f"{value:f}" if isinstance(value, Decimal) else str(value)
    elif isinstance(value, str):
        yield value
        yield from _dates(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    else:
        for one in value:
            yield from _texts(one)


def _dates(text: str) -> Iterator[str]:
    found = _DAY.match(text)
    if found is None:
        return
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return
    month = _MONTHS[day.month - 1]
    for form in (month, month[:3]):
        yield f"{day.day} {form} {day.year}"
        yield f"{form} {day.day} {day.year}"
        yield f"{form} {day.day}, {day.year}"
    for one in ("{d}.{m}.{y}", "{d}/{m}/{y}", "{m}/{d}/{y}", "{d}-{m}-{y}", "{y}/{m}/{d}", "{y}{m}{d}", "{d}{m}{y}"):
        yield one.format(d=f"{day.day:02}", m=f"{day.month:02}", y=day.year)
        yield one.format(d=day.day, m=day.month, y=day.year)


def _places(text: str, value: str) -> Iterator[tuple[int, int]]:
    plain = view(value).text.strip()
    digits = re.sub(r"[^0-9]", "", plain)
    if digits and re.fullmatch(r"[0-9+()\s./-]+", plain):
        if len(digits) >= _SHORTEST_NUMBER:
            pattern = r"(?<![0-9])[+(]{0,2}" + r"[\s().+/-]{0,2}".join(digits) + r"(?![0-9])"
            yield from (match.span() for match in re.finditer(pattern, text))
        return
    if len(plain) < _SHORTEST:
        return
    words = [re.escape(word) for word in re.split(r"[\s,;]+", plain) if word]
    pattern = r"(?<!\w)" + r"[\s,;]{1,3}".join(words) + r"(?!\w)"
    yield from (match.span() for match in re.finditer(pattern, text, re.IGNORECASE))


def _apart(found: Sequence[Held]) -> tuple[Held, ...]:
    """In order, not overlapping; what covers more wins."""
    out: list[Held] = []
    for one in sorted(found, key=lambda held: (held.start, -held.end)):
        if out and one.start < out[-1].end:
            if one.end > out[-1].end:
                out[-1] = Held(start=out[-1].start, end=one.end, why=out[-1].why, name=out[-1].name)
            continue
        out.append(one)
    return tuple(out)
