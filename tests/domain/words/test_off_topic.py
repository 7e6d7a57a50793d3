"""What a model hears of a message: pieces short enough to have one subject, without the ask's own values."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import pytest

from domain.words.spoken import LEXICON, OBJECTIVE, REFUND
from packaged import ENGLISH
from remit.domain.structs import replace
from remit.domain.words.clauses import split_clauses
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.off_topic import off_topic_pieces, split_pieces
from remit.domain.words.requests import OTHER_PURPOSE, ask_scope

PARAMS = {"order_id": "W123", "amount": "40.00 EUR", "payment_method_id": "pm_7"}
SCOPE = ask_scope(REFUND, OBJECTIVE, ["W123", "40.00 EUR", "pm_7"], LEXICON, params=PARAMS)
REASONS = " ".join(["the kettle that came on Monday leaks from its lid and nobody at home could mend it"] * 4)
WISH = "so that my brother gets a loan"


class Listener:
    """Finds the pieces with a word; remembers what it heard."""

    def __init__(self, word: str = "loan") -> None:
        self.word = word
        self.heard: list[str] = []
        self.asking: Collection[int] = ()

    def __call__(self, pieces: Sequence[str], *, purpose: str, action: str, asking: Collection[int]) -> Collection[int]:
        assert (purpose, action) == ("return-item", "payment.refund")
        self.heard, self.asking = list(pieces), asking
        return [place for place, piece in enumerate(pieces) if self.word in piece]

    @property
    def lexicon(self) -> Lexicon:
        return replace(LEXICON, off_topic=self)


def found(words: str, listener: Listener, *, tail: str = "") -> list[str]:
    spans = list(off_topic_pieces(split_clauses(words, ENGLISH), tail, SCOPE, listener.lexicon))
    assert {span.reason for span in spans} <= {OTHER_PURPOSE}
    return [words[span.start : span.end] for span in spans]


def test_a_wish_at_the_end_of_a_long_clause_is_heard_with_few_words_around_it() -> None:
    words = f"{REASONS} {WISH}"
    pieces = list(split_pieces(split_clauses(words, ENGLISH)))
    assert len(pieces) > 2
    assert all(len(piece.text.split()) <= 30 for piece in pieces)
    assert all(words[piece.start : piece.end] == piece.text for piece in pieces)
    assert pieces[-1].text.endswith(WISH)
    for first, second in pairwise(pieces):
        assert second.start < first.end, "a subject on the seam of two pieces is whole in one"
    assert pieces[-1].end == len(words)


def test_the_pieces_that_sound_like_something_else_are_named_by_their_place() -> None:
    listener = Listener()
    assert found("The kettle leaks. My brother would like a loan. Thank you.", listener) == ["My brother would like a loan"]
    assert found("The kettle leaks. Thank you.", listener) == []


def test_the_model_is_told_which_pieces_ask() -> None:
    listener = Listener()
    found("The kettle leaks. Could my brother visit you?", listener)
    assert [listener.heard[place] for place in listener.asking] == ["Could my brother visit you?"]


@pytest.mark.parametrize("words", ["Refund 40.00 EUR for order W123.", "refund 40.00 eur for order w123."])
def test_the_asks_own_values_are_not_judged_by_how_they_sound(words: str) -> None:
    listener = Listener()
    found(words, listener)
    assert not any(value in " ".join(listener.heard).lower() for value in ("40.00", "w123"))
    assert "for order" in " ".join(listener.heard)


def test_a_wish_split_over_two_messages_is_heard_as_one() -> None:
    listener = Listener("get my brother a loan")
    assert found("a loan, please.", listener) == []
    assert found("a loan, please.", listener, tail="The kettle leaks. Would you get my brother") != []
    assert not any("leaks" in piece for piece in listener.heard), "only its last clause leads on"


def test_the_same_words_once_more_are_heard_once() -> None:
    listener = Listener()
    found("The kettle leaks.", listener, tail="The kettle leaks.")
    assert len(listener.heard) == 1


@pytest.mark.parametrize(
    "words",
    ["It leaks. " * 401, " ".join(f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(401)) + "."],
    ids=["pieces", "words"],
)
def test_a_message_that_would_keep_the_model_busy_for_seconds_is_not_heard_and_does_not_pass(words: str) -> None:
    listener = Listener()
    assert [whole.rstrip(".") for whole in found(words, listener)] == [words.strip().rstrip(".")]
    assert listener.heard == []


def test_without_a_model_nothing_is_judged_by_how_it_sounds() -> None:
    assert list(off_topic_pieces(split_clauses(WISH, ENGLISH), "", SCOPE, LEXICON)) == []
