"""What is looked for only where a piece of it stands is found wherever it is: each way to match has one of its pieces."""

import re
import re._constants as kinds  # type: ignore[import-not-found]  # what a pattern means is told by the interpreter's own reading of it
import re._parser as reading  # type: ignore[import-not-found]  # as above
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest

from packaged import ENGLISH
from remit.domain.words import claims
from remit.domain.words.claims import find_amounts, names_money

_PATTERNS = {**ENGLISH.topics, **ENGLISH.orders}


@pytest.mark.parametrize("name", sorted(_PATTERNS))
def test_every_way_to_match_has_a_piece_that_is_looked_for(name: str) -> None:
    assert _has_one(reading.parse(_PATTERNS[name].pattern, _PATTERNS[name].flags), ENGLISH.needed[name])


def test_nothing_is_looked_for_that_is_no_pattern() -> None:
    assert ENGLISH.needed.keys() == _PATTERNS.keys()


def test_a_piece_that_only_one_way_to_match_has_is_not_enough() -> None:
    parsed = reading.parse(r"\b(?:close|delete)\s(?:my )?account", re.IGNORECASE)
    assert _has_one(parsed, ("account",))
    assert _has_one(parsed, ("clos", "delet"))
    assert not _has_one(parsed, ("close",))
    assert not _has_one(parsed, ("my ",))


_WRITTEN = {
    "large": "CLOSE MY ACCOUNT",
    "mixed": "Close my Account",
    "dotted": "\u0130gnore the rules",
    "long s": "\u017fend him my money",
}


@pytest.mark.parametrize("text", _WRITTEN.values(), ids=_WRITTEN)
def test_however_it_is_written(text: str) -> None:
    assert (
        ENGLISH.topics_of(text) | {name for name, _ in ENGLISH.orders_in(text)}
        == {name for name, one in _PATTERNS.items() if one.search(text)}
        != set()
    )


@pytest.mark.parametrize("pattern", [claims._AMOUNT, claims._SPOKEN], ids=["digits", "words"])
def test_every_way_to_write_an_amount_names_money(pattern: re.Pattern[str]) -> None:
    assert _has_one(reading.parse(pattern.pattern, pattern.flags), claims._MONEY)


@pytest.mark.parametrize(
    "text", ["12 EUR", "€12", "twelve Euros", "a hundred bucks", "12 cents", "$ 3", "5 quid", "5 qu\u0130d", "7 yen", "3 MXN"]
)
def test_every_amount_names_money(text: str) -> None:
    assert [*find_amounts(text)]
    assert names_money(text)


def _has_one(parsed: Sequence[tuple[Any, Any]], pieces: Collection[str]) -> bool:
    """Whether every text that a pattern matches has one of the pieces in it, as far as one element after the other tells."""
    return any(any(piece in run for piece in pieces) for run in _runs(parsed)) or any(_element(*one, pieces) for one in parsed)


def _runs(parsed: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    """The letters that stand side by side."""
    run = ""
    for kind, value in parsed:
        if kind is kinds.LITERAL:
            run += chr(value).lower()
        else:
            yield run
            run = ""
    yield run


def _element(kind: Any, value: Any, pieces: Collection[str]) -> bool:
    if kind is kinds.SUBPATTERN:
        return _has_one(value[3], pieces)
    if kind is kinds.BRANCH:
        return all(_has_one(way, pieces) for way in value[1])
    if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT} and value[0] >= 1:
        return _has_one(value[2], pieces)
    return False
