"""Which words name an attribute, and whether one stands beside a place (docs/model/model.md#outbound)."""

import pytest

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.attribute_labels import LabelRules, Sentences, label_words, names_label
from remit.domain.secrets.stated_values import amounts_of, statements_of
from remit.domain.secrets.value_tokens import token_text

WORDS = read_fact_words()


@pytest.mark.parametrize(
    ("name", "titles", "has", "lacks"),
    [
        ("account.state", ["state of the account", "Zustand des Kontos"], {"state", "status", "zustand"}, {"account", "konto", "of"}),
        ("payment_method.kind", ["kind of a payment method", "Art des Zahlungsmittels"], {"kind", "art", "type"}, {"payment", "method"}),
        ("order.delivered_on", ["day of delivery"], {"delivered"}, {"day", "delivery"}),
        ("payment_method.balance", ["what a gift card still holds"], {"balance", "guthaben", "holds"}, {"gift", "card", "still"}),
        ("booking.changeable", ["whether a booking can be changed"], {"changeable"}, {"booking", "whether"}),
    ],
)
def test_an_attribute_is_named_by_its_own_word_its_titles_head_and_synonyms(
    name: str, titles: list[str], has: set[str], lacks: set[str]
) -> None:
    found = label_words(name, titles, WORDS)
    assert has <= found
    assert not lacks & found


@pytest.mark.parametrize(
    ("name", "titles", "has", "lacks"),
    [
        ("account.state", ["account status", "Kontostatus"], {"state", "status", "kontostatus"}, {"account"}),
        ("payment_method.balance", ["gift card balance"], {"balance", "gift"}, {"card"}),
        ("contact.phone", ["phone number"], {"phone", "number"}, set()),
        ("card.number", ["account"], {"account"}, set()),
        ("account.os", ["account OS"], {"os"}, {"o", "account"}),
        ("account.is_locked", [], {"locked"}, {"is"}),
        ("flight.to", ["where the flight goes", "wohin der Flug geht"], {"go", "geht"}, {"to", "where", "wohin"}),
        ("device.os", ["operating system"], {"operating", "system"}, {"os"}),
    ],
)
def test_before_a_titles_last_word_a_thing_names_no_attribute(name: str, titles: list[str], has: set[str], lacks: set[str]) -> None:
    found = label_words(name, titles, WORDS, things={"account", "card", "order"})
    assert has <= found
    assert not lacks & found


@pytest.mark.parametrize(
    ("word", "named"), [("status", True), ("kontostatus", True), ("statusse", False), ("kinds", True), ("kindly", False)]
)
def test_a_label_has_endings_and_ends_compounds(word: str, named: bool) -> None:
    assert names_label(word, {"status", "kind"}) is named


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("The status is active.", True),
        ("You asked for the status. It is active.", True),
        ("The status? Active.", True),
        ("It is active. That is the status.", True),
        ("You asked for the status.\nYour account is active now.", False),
        ("Your account is active. Kind regards", False),
    ],
)
def test_a_label_counts_in_its_sentence_and_in_the_one_that_this_one_leans_on(text: str, beside: bool) -> None:
    at = text.lower().index("active")
    assert Sentences(token_text(text), WORDS).has_label((at, at + 6), frozenset({"status", "kind"})) is beside


def test_a_place_with_a_cue_comes_with_the_sentence_that_has_it() -> None:
    text = "Thank you. Nein. It is X 4 there. Bye now, and a very good day to you."
    at = text.index("X 4")
    place = Sentences(token_text(text), WORDS).beside_cue((at, at + 3), "agree")
    assert place is not None
    assert text[slice(*place)] == "Nein. It is X 4 there"
    assert Sentences(token_text("It is X 4."), WORDS).beside_cue((6, 9), "agree") is None
    assert Sentences(token_text("So it is: X 4, yes  \n"), WORDS).beside_cue((10, 13), "agree") == (0, 18)


def test_amounts_and_data_are_told_apart_from_reasons() -> None:
    texts = ["40.00 EUR", "too late", "Lindenweg 4", "Anna Berg", "a@b.example", "x", "The box was crushed", "1988-04-17"]
    assert amounts_of(texts) == ("40.00 EUR",)
    assert statements_of(texts) == (("Lindenweg 4", "Anna Berg", "a@b.example", "1988-04-17"), False)


@pytest.mark.parametrize(
    ("text", "anywhere", "beside"),
    [
        ("So, in short, that one is active for you. We hope it helps. The other question was about the status there.", False, False),
        ("So, in short, that one is active for you. We hope it helps. The other question was about the status there.", True, True),
        ("The status was asked. Thank you. Well then. It is active.", False, False),
        ("The status? Yes. It is active.", False, True),
        ("It is active for you, as we see it. That was the status of it.", False, True),
        ("active", False, False),
    ],
)
def test_a_label_reaches_as_far_as_sentences_lean_on_it(text: str, anywhere: bool, beside: bool) -> None:
    at = text.index("active")
    assert Sentences(token_text(text), WORDS).has_label((at, at + 6), {"status"}, anywhere=anywhere) is beside


@pytest.mark.parametrize("text", ["", " . ! ?"])
def test_a_text_without_sentences_tells_nothing(text: str) -> None:
    sentences = Sentences(token_text(text), WORDS)
    assert not sentences.has_label((0, 0), {"status"})
    assert sentences.beside_cue((0, len(text)), "agree") is None


def test_kind_is_a_courtesy_before_what_one_sends() -> None:
    def names(text: str) -> bool:
        return Sentences(token_text(text), WORDS).has_label((0, len(text)), {"kind"})

    assert names("It is of a kind, card")
    assert not names("Your card is here, kind regards")
    assert not names("We received your card with kind words")


CONFIRMED = [
    "Nein. It is X 4 there.",
    "It is X 4 there. That is quite right, thank you.",
    "You are right there. It is X 4.",
    "It is X 4 there \U0001f44d",
    "\u2705 X 4",
    "X 4? Yes.",
    "Yes, X 4.",
    "X 4 is what we have on file.",
    "X 4, o.k.",
    "That is cor rect: X 4.",
]
"""Ways to say yes or no to what the agent stated, right or wrong."""


@pytest.mark.parametrize("text", CONFIRMED)
def test_a_yes_or_no_beside_a_statement_is_found(text: str) -> None:
    at = text.index("X 4")
    place = Sentences(token_text(text), WORDS).beside_cue((at, at + 3), "agree")
    assert place is not None
    assert place[0] <= at < at + 3 <= place[1]


@pytest.mark.parametrize(
    "text",
    [
        "You wrote X 4 to us. Somebody of our team in Hamburg is going to look at that, and the parcel is right here.",
        "X 4 was written by you in your letter of last week. Our shop on the right side of the street is open until noon.",
    ],
)
def test_a_yes_about_something_else_confirms_nothing(text: str) -> None:
    at = text.index("X 4")
    assert Sentences(token_text(text), WORDS).beside_cue((at, at + 3), "agree") is None


def test_without_words_nothing_is_a_cue() -> None:
    assert Sentences(token_text("Yes. X 4.")).beside_cue((5, 8), "agree") is None


def test_an_attribute_without_titles_is_named_by_its_own_name() -> None:
    rules = LabelRules(labels={"account.state": frozenset({"zustand"})}, words=WORDS)
    assert rules.of("account.state") == {"zustand"}
    assert {"kind", "type", "art"} <= rules.of("payment_method.kind")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("X 4", False),
        ("Anna " * 40 + "4", False),
        ("12.00 EUR", False),
        ("anna berg", False),
        ("Anna-Maria von Berg", False),
        ("Anna Maria Berg", True),
        ("Flat 4", True),
        ("me@it", True),
    ],
)
def test_what_could_be_personal_data_is_a_statement(text: str, data: bool) -> None:
    assert statements_of([text, text]) == (((text,) if data else ()), False)


def test_of_very_many_statements_the_first_are_looked_for_one_by_one() -> None:
    """The rest is not forgotten: that there are more is said, and any figure counts then."""
    many = [f"Lindenweg {number}" for number in range(100)]
    assert statements_of(many) == (tuple(many[:64]), True)
    long = [f"{number} " + "Lindenweg " * 15 for number in range(30)]
    found, overflowed = statements_of(long)
    assert overflowed
    assert sum(map(len, found)) <= 3200
    assert found == tuple(long[: len(found)])
