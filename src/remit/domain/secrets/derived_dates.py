"""Facts derived from a date: age, year, decade, month, season, sign, weekday, days ago. ⚔ Each tells part of the date."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from remit.domain.secrets.fact_text import FactText
from remit.domain.secrets.value_tokens import MONTH_OF, Span
from remit.domain.text.tokens import german_number

_ADULT: Final = 18
_LONG_AGO: Final = 14
"""Years after which a date is as telling as a birthday."""
_WIDE: Final = 14
_CLOSE: Final = 6
_ABOUT: Final = 2
_DECADE: Final = 10
_LAST_OF_SIGN: Final = (19, 18, 20, 19, 20, 20, 22, 22, 22, 22, 21, 21)
"""Last day of the sign that ends in each month."""
_WEEK: Final = 7
_FEW_YEARS: Final = 3


def birth_facts(text: FactText, born: date) -> Iterator[Span]:
    """Yield where a text states a fact about a date of birth."""
    yield from _ages(text, born)
    yield from _years(text, born)
    yield from _decades(text, born)
    yield from _birthday(text, born)
    yield from _signs(text, born)


def _ages(text: FactText, born: date) -> Iterator[Span]:
    age = _age(born, text.today)
    yield from _compound_ages(text, age)
    for at in text.read.numbers:
        token = text.tokens[at]
        if token.number == born.year + _ADULT and (text.near("adult", at, _WIDE) or text.near("birth", at, _WIDE)):
            yield text.span(at, at)
        elif token.number in {age, age + 1} and len(token.digits) == 2:  # noqa: PLR2004  # an age
            person = text.near("person", at, 4, 0) and text.near("is", at, 1, 0) and not _counts(text, at)
            years = text.near("year", at, 0, 1) and text.near("person", at, _WIDE, 0)
            if text.near("birth", at, 4, 3) or person or years:
                yield text.span(at, at)
        elif abs(token.number - age) <= _ABOUT and text.near("about", at, 3, 0) and text.near("person", at, _CLOSE, 0):
            if not _counts(text, at):
                yield text.span(at, at)
        elif (
            token.number == age // _DECADE * _DECADE
            and text.near("late", at, 1, 0)
            and text.near("person", at, _WIDE, 3)
        ):
            yield text.span(at, at)


def _compound_ages(text: FactText, age: int) -> Iterator[Span]:
    """Yield German compounds of an age: a one-and-forty-year-old in one word."""
    for word, places in text.places.items():
        count, found, _ = word.partition("jahrig")
        if found and german_number(count) in {age, age + 1}:
            for at in places:
                yield text.span(at, at)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _counts(text: FactText, at: int) -> bool:
    """Return whether a number counts something: a noun without a sign follows it at once."""
    after = text.tokens[at + 1 : at + 2]
    gap = text.read.text[text.tokens[at].end : after[0].start] if after else "."
    return gap.strip() == "" and bool(after) and not {"birth", "person"} & text.words.cues.kinds(after[0].word)


def _years(text: FactText, born: date) -> Iterator[Span]:
    year = f"{born.year:04}"
    for at, after in pairwise(text.read.numbers):
        first, second = text.tokens[at], text.tokens[after]
        joined = after == at + 1 and first.digits + second.digits == year
        sums = {first.number + second.number, abs(first.number - second.number)}
        if joined or (born.year in sums and text.near("birth", at, _WIDE)):
            yield text.span(at, after)
    for at in text.read.numbers:
        token = text.tokens[at]
        if token.digits == year:
            yield text.span(at, at)
        elif token.digits == year[2:] and not token.nth:
            ending = text.near("ends", at, 4, 0) and text.near("year", at, _CLOSE)
            if ending or text.near("birth", at, 4, 1):
                yield text.span(at, at)


def _decades(text: FactText, born: date) -> Iterator[Span]:
    age = _age(born, text.today)
    for at, ten in _tens(text):
        if (ten == age // _DECADE * _DECADE and (text.near("person", at, _CLOSE) or text.near("late", at, 1, 0))) or (
            ten == born.year % 100 // _DECADE * _DECADE
            and (text.near("birth", at, _WIDE) or text.near("person", at, _CLOSE))
        ):
            yield text.span(at, at)


def _tens(text: FactText) -> Iterator[tuple[int, int]]:
    """Yield places of decades: words ("thirties"), or figures with an ending ("80s", "1980er")."""
    for word in text.words.decades.keys() & text.places.keys():
        for at in text.places[word]:
            yield at, text.words.decades[word]
    for at in text.read.numbers:
        token = text.tokens[at]
        after = text.tokens[at + 1] if at + 1 < len(text.tokens) else None
        if (
            after is not None
            and after.start - token.end <= 1
            and after.word in {"s", "er", "ern"}
            and token.number % _DECADE == 0
        ):
            yield at, token.number % 100


def _birthday(text: FactText, born: date) -> Iterator[Span]:
    """Yield parts of a day of the year beside a word of birth."""
    if "birth" not in text.cues:
        return
    words, upcoming = text.words, _next(born, text.today)
    weekdays = {born.weekday(), upcoming.weekday()} if abs((upcoming - text.today).days) <= _WIDE else {born.weekday()}
    for at, token in enumerate(text.tokens):
        if not text.near("birth", at, _WIDE):
            continue
        part = (
            MONTH_OF.get(token.word) == born.month
            or words.weekdays.get(token.word) in weekdays
            or born.month in words.months.get(token.word, ())
            or (token.number == born.month and text.near("month", at, 2))
            or (token.number == (born.month + 2) // 3 and text.near("quarter", at, 2))
            or (token.number == born.day and text.near("birth", at, _CLOSE) and (token.nth or text.near("day", at, 2)))
            or (token.number == born.timetuple().tm_yday and text.near("day", at, 3))
        )
        if part or _is_holiday(text, at, born) or _days_from(text, at, upcoming):
            yield text.span(at, at)


def _is_holiday(text: FactText, at: int, born: date) -> bool:
    joined = ""
    for token in text.tokens[at : at + 4]:
        joined += token.word
        if text.words.holidays.get(joined) == (born.month, born.day):
            return True
    return False


def _next(born: date, today: date) -> date:
    """Return the birthday nearest to today."""
    days = [_on(born, today.year + more) for more in (-1, 0, 1)]
    return min(days, key=lambda one: abs((one - today).days))


def _on(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _signs(text: FactText, born: date) -> Iterator[Span]:
    month = born.month if born.day <= _LAST_OF_SIGN[born.month - 1] else born.month % 12 + 1
    for word in text.words.zodiac.keys() & text.places.keys():
        if text.words.zodiac[word] == month:
            for at in text.places[word]:
                if any(text.near(kind, at, _WIDE) for kind in ("birth", "sign", "person")):
                    yield text.span(at, at)


def event_facts(text: FactText, day: date, labels: Collection[str]) -> Iterator[Span]:
    """Yield where a text states the day of an event beside a word of it: weekday, date, week, days ago."""
    far = abs((day - text.today).days)
    for at in sorted(set(text.where(labels))):
        for place in range(max(0, at - _CLOSE), min(len(text.tokens), at + _WIDE)):
            token = text.tokens[place]
            told = (
                (far <= 2 * _WEEK and text.words.weekdays.get(token.word) == day.weekday())
                or (far > 2 * _WEEK and MONTH_OF.get(token.word) == day.month)
                or (token.nth and token.number == day.day)
                or (token.digits == f"{day.year:04}" and far > 2 * 365)
                or (token.number == day.isocalendar().week and text.near("week", place, 2))
                or _days_from(text, place, day)
                or _years_since(text, place, day)
            )
            if told:
                yield text.span(min(at, place), max(at, place))


def _days_from(text: FactText, at: int, day: date) -> bool:
    """Return whether a token, seen from today, says a day: tomorrow, six days ago, in two weeks, next week."""
    token = text.tokens[at]
    away = (day - text.today).days
    # "day after tomorrow" and "après-demain" stand in the list as one word
    for size in (3, 2, 1):
        word = "".join(one.word for one in text.tokens[at : at + size])
        if word in text.words.days:
            return text.words.days[word] == away
    if token.digits and len(token.digits) <= 3 and (text.near("ago", at, 2, 2) or text.near("ahead", at, 2, 0)):  # noqa: PLR2004  # what the words say
        if text.near("day", at, 0, 1):
            return token.number == abs(away)
        if text.near("week", at, 0, 1):
            return 0 < token.number == round(abs(away) / _WEEK)
        if text.near("month", at, 0, 1):
            return 0 < token.number == round(abs(away) / 30.4)
    if token.word in {"next", "last", "this", "nachste", "nachsten", "letzte", "letzten", "diese", "dieser", "dieses"}:
        same = text.today + timedelta(days=_shift(token.word) * _WEEK)
        return text.near("week", at, 0, 1) and day.isocalendar()[:2] == same.isocalendar()[:2]
    return False


def _shift(word: str) -> int:
    return 1 if word.startswith("n") else -1 if word.startswith("l") else 0


def _years_since(text: FactText, at: int, day: date) -> bool:
    years = (text.today - day).days / 365.25
    token = text.tokens[at]
    return years >= _FEW_YEARS and token.number in {int(years), round(years)} and text.near("year", at, 0, 1)


def is_birth(name: str, day: date, today: date) -> bool:
    """Return whether a date is one of birth, by its attribute's name or its distance."""
    last = name.rpartition(".")[2]
    return any(word in last for word in ("birth", "born", "dob", "geburt")) or today.year - day.year > _LONG_AGO
