"""How a pattern's matches begin, and texts that are searched at these places alone: what is found is the same."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.files.vocabulary import read_vocabulary
from remit.domain.text.beginnings import beginnings
from remit.domain.text.normalize import CaselessPattern, IndexedText, PatternIndex
from remit.domain.words.vocabulary import Vocabulary

_LANGUAGES = (("en",), ("de",), ("en", "de"))


@pytest.mark.parametrize(
    ("pattern", "texts", "others"),
    [
        (r"\b(?:ask|tell me)\b", {"ask", "tell "}, set()),
        (r"\bask(?:ed|s)?\b", {"ask", "asked", "asks"}, set()),
        (r"\b(?:i|we)\s(?:want)", {"i", "we"}, set()),
        (r"\?|\b[nm]ow", {"?", "now", "mow"}, set()),
        (r"\s(?:and|or)\b", {" and", " or"}, set()),
        (r"[,:;]\s+(?=the)", {",", ":", ";"}, set()),
        (r"\b(?=(?:stop|go)\b)(?:\w+\s)", {"stop", "go"}, set()),
        (r"(?<!no )\bmore\b", {"more"}, set()),
        (r"^(?:so|as)\b", {"so", "as"}, set()),
        (r"\b(?:was|\w{2,}ed|\w*konto\w*)\b", {"was", "konto"}, {"ed", "konto"}),
        (r"\b\w+[>]", set(), {">"}),
    ],
)
def test_how_a_pattern_begins_is_read_from_it(pattern: str, texts: set[str], others: set[str]) -> None:
    assert beginnings(pattern) == (texts, others)


@pytest.mark.parametrize(
    "pattern",
    ["ask", r"n't", r"\w+", r"\b", r"(?=ask)", r"\b(?=ask)(?:me)?", r"\s+ask", r"\bask|", r"(?i)ask", r"\b(?P=a)", "a)", "(a", "*"],
)
def test_what_may_begin_in_a_word_or_is_not_understood_is_unknown(pattern: str) -> None:
    assert beginnings(pattern) is None


@cache
def _pieces(languages: tuple[str, ...]) -> list[str]:
    """Words that the patterns of a vocabulary begin with, with what may stand around them."""
    known = read_vocabulary(*languages).index.known
    begun = {text for pattern in known if (found := pattern.beginnings) is not None for text in (*found.texts, *found.others)}
    around = [*" .,;:!?\n\t'\"()_-", "  ", "\u00e9", "\u00df", "\u0130", "\u017f", "1", "W1001", "x", "Re: ", "> "]
    told = "refund the order to my brother's card as well, because it was never delivered by someone else and please do not cancel it"
    german = "bitte die Adresse ändern, weil sie nicht geliefert wurde und das Konto auch noch auf meinen Bruder umschreiben"
    return sorted(begun) + 40 * (around + told.split() + german.split())


def _texts(languages: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(_pieces(languages)), max_size=25).map(
        lambda pieces: "".join(f"{piece} " * (len(piece) > 1) or piece for piece in pieces)
    )


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(_LANGUAGES))
def test_an_indexed_text_is_found_in_what_the_text_alone_is(data: st.DataObject, languages: tuple[str, ...]) -> None:
    vocabulary = read_vocabulary(*languages)
    text = data.draw(_texts(languages))
    indexed = vocabulary.indexed(text)
    _compare(vocabulary, indexed, text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    _compare(vocabulary, indexed.part(start, end), text[start:end])


def _compare(vocabulary: Vocabulary, indexed: IndexedText, text: str) -> None:
    for pattern in vocabulary.index.known:
        assert [one.span() for one in pattern.finditer(indexed)] == [one.span() for one in pattern.finditer(text)], pattern.pattern
        first, plain = pattern.search(indexed), pattern.search(text)
        assert (first and first.span()) == (plain and plain.span()), pattern.pattern


def test_a_part_that_begins_inside_a_word_is_read_as_it_stands() -> None:
    ask = CaselessPattern(r"\bask\b")
    text = IndexedText("Unask me, or mask_ask", PatternIndex((ask,)))
    assert ask.search(text) is None
    assert ask.search(text.part(2, 8)) is not None
    assert ask.search(text.part(18, 21)) is not None


def test_under_another_index_a_text_is_searched_for_its_patterns() -> None:
    ask, tell = CaselessPattern(r"\bask\b"), CaselessPattern(r"\btell\b")
    text = IndexedText("Ask and tell", PatternIndex((ask,)))
    assert text.places(tell) is None
    assert text.under(PatternIndex((tell,))).places(tell) == [8]
    assert text.places(ask) == [0]
