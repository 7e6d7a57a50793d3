"""Facts derived from an amount or a number: rounded, compared, as a sum or share, as a range; reversed, its beginning or end."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Final

from remit.domain.secrets.fact_text import Amount, FactText, is_currency
from remit.domain.secrets.value_tokens import Span
from remit.domain.text.tokens import german_number

_EXACT: Final = Decimal("0.005")
_ROUNDED: Final = Decimal("0.08")
_RANGE: Final = Decimal("1.6")
_MIN_ROUNDED: Final = 20
_MIN_SHARE: Final = 100
_MIN_MONTHLY: Final = 1000
_WIDE: Final = 12
_SHORT: Final = frozenset({"k", "grand", "riesen"})
"""Thousands that are said of money alone."""
_WHOLE: Final = 5
_REVERSED: Final = 6
_SAID_GROUP: Final = 3
_GROUP: Final = 4
_TOGETHER: Final = 2
"""Tokens from one figure to the next."""
_PHONE_LIKE: Final = 7


def amount_facts(text: FactText, value: Decimal, *, labelled: Callable[[int], bool]) -> Iterator[Span]:
    """Yield where a text states an amount exactly, rounded, compared, as a range, a share, or by its figures."""
    if value <= 0:
        return
    for one in text.amounts:
        if _states(text, one, value, labelled):
            yield one.span
    for first, second in pairwise(text.amounts):
        if _is_range(text, first, second, value, labelled) or _is_sum(text, first, second, value):
            yield first.span[0], second.span[1]
    yield from _figures(text, value)


def _is_money(text: FactText, one: Amount, labelled: Callable[[int], bool]) -> bool:
    tokens = text.tokens[max(0, one.first - 1) : one.last + 3]
    if text.tokens[one.last].word in _SHORT:
        return True
    return any(map(is_currency, tokens)) or text.near("money", one.first, _WIDE) or labelled(one.first)


def _states(text: FactText, one: Amount, value: Decimal, labelled: Callable[[int], bool]) -> bool:
    off = abs(one.value - value)
    if value >= _MIN_MONTHLY and _is_share(text, one, value):
        return True
    if not _is_money(text, one, labelled):
        return False
    if off <= value * _EXACT and (value >= _MIN_SHARE or off == 0) and not (off and value < _MIN_SHARE):
        return True
    if value >= _MIN_ROUNDED and off <= value * _ROUNDED and _is_about(text, one):
        return True
    return value >= _MIN_SHARE and _is_share(text, one, value)


def _is_about(text: FactText, one: Amount) -> bool:
    return text.near("about", one.first, 4, 0) or text.near("about", one.last, 0, 3)


def _is_share(text: FactText, one: Amount, value: Decimal) -> bool:
    """Return whether an amount by month or year, or a multiple, is the value."""
    shares: list[Decimal] = []
    if text.near("month", one.last, 0, 4):
        shares.append(one.value * 12)
    if text.near("year", one.last, 0, 4):
        shares.append(one.value / 12)
    if text.near("times", one.first, 4, 3):
        shares += [one.value * 2, one.value / 2, one.value / 3, one.value / 4, one.value * 3]
    return any(abs(share - value) <= value * _EXACT for share in shares)


def _is_range(text: FactText, low: Amount, high: Amount, value: Decimal, labelled: Callable[[int], bool]) -> bool:
    if not (low.value <= value <= high.value <= low.value * _RANGE) or high.first - low.last > 5:  # noqa: PLR2004  # words between
        return False
    return text.near("range", low.first, 4, 3) and (_is_money(text, low, labelled) or _is_money(text, high, labelled))


def _is_sum(text: FactText, first: Amount, second: Amount, value: Decimal) -> bool:
    if value < _MIN_SHARE or not first.value or not second.value or second.first - first.last > _WIDE:
        return False
    added, less = first.value + second.value == value, abs(first.value - second.value) == value
    return (
        (added and text.near("plus", second.first, second.first - first.last + 5, 4))
        or (less and text.near("minus", second.first, second.first - first.last + 5, 4))
        or (first.value * second.value == value and text.near("times", second.first, 3, 3))
    )


def _figures(text: FactText, value: Decimal) -> Iterator[Span]:
    """Yield where a text says how many figures an amount has."""
    size = len(str(int(value)))
    if size < _GROUP:
        return
    for at in text.cues.get("figures", ()):
        before = text.tokens[at - 1] if at else None
        if before is not None and before.number == size and text.near("money", at, _WIDE):
            yield text.span(at - 1, at)
    for at, token in enumerate(text.tokens):
        if "stellig" in token.word and german_number(token.word.partition("stellig")[0]) == size:
            yield text.span(at, at)


def number_facts(text: FactText, digits: str) -> Iterator[Span]:
    """Yield where a text states the beginning or end of a number, or all of it reversed, as a sum or in pairs of words."""
    if len(digits) < _SAID_GROUP:
        return
    yield from _edges(text, digits)
    yield from _reversed(text, digits)
    yield from _in_pairs(text, digits)
    yield from _digit_by_digit(text, digits)
    for at in text.read.numbers:
        if _is_next(text, at, digits):
            yield text.span(at, at)
    for first, second in pairwise(text.amounts):
        if _is_offset(text, first, second, digits):
            yield first.span[0], second.span[1]


def _edges(text: FactText, digits: str) -> Iterator[Span]:
    numbers = [at for at in text.read.numbers if not text.tokens[at].nth and not _is_time(text, at)]
    for number, at in enumerate(numbers):
        begins = text.near("begins", at, _PHONE_LIKE, 3) and (
            text.near("number", at, _WIDE) or text.near("ends", at, _WIDE)
        )
        if not begins and not text.near("ends", at, _PHONE_LIKE, 5):
            continue
        told = ""
        for last in numbers[number : number + _GROUP]:
            told += text.tokens[last].digits
            if last - at > _PHONE_LIKE or len(told) > len(digits):
                break
            if len(told) > 1 and (digits.endswith(told) or (begins and digits.startswith(told))):
                yield text.span(at, last)


def _is_time(text: FactText, at: int) -> bool:
    return any(text.near(kind, at, 0, 1) for kind in ("day", "week", "month", "year")) or text.near_words(
        _TIMES, at, 0, 1
    )


_TIMES: Final = frozenset(
    [
        "hours",
        "hour",
        "minutes",
        "minute",
        "working",
        "stunden",
        "stunde",
        "minuten",
        "werktage",
        "werktagen",
        "uhr",
        "am",
        "pm",
        "items",
    ]
)


def _reversed(text: FactText, digits: str) -> Iterator[Span]:
    mirrored = digits[::-1]
    for row in text.read.figures:
        told = row.text
        if len(told) < _SAID_GROUP:
            continue
        if (len(told) >= _REVERSED and told in mirrored) or ("back" in text.cues and told in mirrored):
            yield row.span(0, len(told))


def _in_pairs(text: FactText, digits: str) -> Iterator[Span]:
    """Yield a short number that words or several numbers make up together."""
    if len(digits) > _WHOLE:
        return
    for row in text.read.figures:
        at = row.text.find(digits)
        while at >= 0:
            several = len({token.start for token in row.tokens[at : at + len(digits)]}) > 1
            if at in row.starts and at + len(digits) in row.starts and (several or row.tokens[at].said):
                yield row.span(at, at + len(digits))
            at = row.text.find(digits, at + 1)


def _digit_by_digit(text: FactText, digits: str) -> Iterator[Span]:
    """Yield three or more single figures in words that are a part of a number."""
    rows: list[list[int]] = []
    for at in text.read.numbers:
        token = text.tokens[at]
        if token.said and len(token.digits) == 1 and not token.nth:
            if rows and at - rows[-1][-1] <= _TOGETHER:
                rows[-1].append(at)
            else:
                rows.append([at])
    for row in rows:
        if len(row) >= _SAID_GROUP and "".join(text.tokens[at].digits for at in row) in digits:
            yield text.span(row[0], row[-1])


def _is_next(text: FactText, at: int, digits: str) -> bool:
    """Return whether a number is said to stand one before or after the value's."""
    token = text.tokens[at]
    if len(token.digits) < _GROUP or not (text.near("plus", at, 3, 3) or text.near("minus", at, 3, 3)):
        return False
    return any(digits.endswith(str(token.number + step).zfill(len(token.digits))) for step in (1, -1))


def _is_offset(text: FactText, first: Amount, second: Amount, digits: str) -> bool:
    if second.first - first.last > _PHONE_LIKE:
        return False
    added, less = (
        str(int(first.value + second.value)).zfill(_GROUP),
        str(abs(int(first.value - second.value))).zfill(_GROUP),
    )
    plus = text.near("plus", second.first, 5, 3) and len(added) >= _GROUP and digits.endswith(added)
    minus = text.near("minus", second.first, 5, 3) and len(less) >= _GROUP and digits.endswith(less)
    return plus or minus
