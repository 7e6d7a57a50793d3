"""Which words name an attribute, and whether one stands beside a place (docs/model/model.md#outbound)."""

import pytest

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.attribute_labels import Sentences, label_words, names_label
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


def test_amounts_and_data_are_told_apart_from_reasons() -> None:
    texts = ["40.00 EUR", "too late", "Lindenweg 4", "Anna Berg", "a@b.example", "x", "The box was crushed", "1988-04-17"]
    assert amounts_of(texts) == ("40.00 EUR",)
    assert statements_of(texts) == (("Lindenweg 4", "Anna Berg", "a@b.example", "1988-04-17"), False)
