"""Facts that tell part of a customer's value without writing it, by the kind of value. ⚔ What follows from a value is the value.

Source: docs/model/model.md#outbound.
"""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from remit.domain.secrets.derived_amounts import amount_facts, number_facts
from remit.domain.secrets.derived_dates import birth_facts, event_facts, is_birth
from remit.domain.secrets.derived_texts import (
    address_facts,
    first_letters,
    initialled,
    mail_facts,
    name_facts,
    thing_facts,
)
from remit.domain.secrets.fact_text import FactText
from remit.domain.secrets.value_tokens import Span
from remit.domain.text.tokens import plain_word
from remit.domain.values import Json, leaves

_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
_MONEY: Final = re.compile(r"([0-9][0-9,]{0,18}(?:\.[0-9]{1,3})?) [A-Z]{3}", re.ASCII)
_NAMED: Final = ("name", "passengers", "travellers", "holder", "contact_person", "manager")
_MIN_LABEL: Final = 3
_BEGIN: Final = 6


def derived_facts(
    text: FactText, name: str, value: Json, *, everyday: bool = False, sensitive: bool = False
) -> Iterator[Span]:
    """Yield where a text states a fact that follows from a value of an attribute; of an everyday one, dates and amounts.

    Of a `sensitive` name each part is one.

    Source: docs/model/model.md#outbound.
    """
    labels = _labels(text, name)
    if sensitive and name.endswith(_NAMED):
        yield from (span for one in leaves(value) if isinstance(one, str) for span in name_facts(text, one, bare=True))
    for single in _different(value):
        if isinstance(single, str):
            yield from _of_text(text, name, single.strip(), labels, everyday=everyday)
        elif isinstance(single, int | Decimal) and not isinstance(single, bool):
            yield from amount_facts(text, Decimal(single), labelled=_beside(text, labels))


def _different(value: Json) -> Iterator[Json]:
    """Yield the single values in a value, each text once."""
    seen: set[str] = set()
    for single in leaves(value):
        if not isinstance(single, str) or single not in seen:
            yield single
        if isinstance(single, str):
            seen.add(single)


def _labels(text: FactText, name: str) -> frozenset[str]:
    """Return the words that people use for an attribute: those of its name, and of what happens there."""
    own = {plain_word(word) for word in re.split(r"[._-]", name.rpartition(".")[2]) if len(word) >= _MIN_LABEL}
    told = {
        other for word in own for begin, words in text.words.events.items() if word.startswith(begin) for other in words
    }
    return frozenset(own | told)


def _beside(text: FactText, labels: Collection[str]) -> Callable[[int], bool]:
    return lambda at: text.near_words(labels, at, 8, 8)


def _of_text(text: FactText, name: str, value: str, labels: Collection[str], *, everyday: bool) -> Iterator[Span]:
    if (day := _day(value)) is not None:
        yield from birth_facts(text, day) if is_birth(name, day, text.today) else event_facts(text, day, labels)
        return
    if (money := _MONEY.fullmatch(value)) is not None:
        yield from amount_facts(text, Decimal(money[1].replace(",", "")), labelled=_beside(text, labels))
        return
    if everyday:
        return
    if "@" in value:
        yield from mail_facts(text, value)
    elif any(letter.isdigit() for letter in value):
        if "," in value or "\n" in value:
            yield from address_facts(text, value)
        else:
            yield from number_facts(text, "".join(letter for letter in value if letter.isdigit()))
    elif name.rpartition(".")[2].endswith(_NAMED):
        yield from name_facts(text, value, bare=False)
    else:
        yield from thing_facts(text, value)
    yield from first_letters(text, value)
    yield from initialled(text, value)


def _day(value: str) -> date | None:
    found = _DAY.match(value)
    try:
        return date(*map(int, found.groups())) if found is not None else None
    except ValueError:
        return None
