"""Values that an agent stated itself: what an officer may repeat of them, and that nothing is confirmed by it.

Source: docs/model/model.md#outbound, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

import pytest

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.attribute_labels import LabelRules
from remit.domain.secrets.outbound import find_withheld, mask_spans
from remit.domain.secrets.stated_values import StatedPlaces, StatedValues, repeated_places
from remit.domain.secrets.value_tokens import token_text

WORDS = read_fact_words()
ADDRESS = "Lindenweg 4, 20095 Hamburg"
EVERYDAY, SENSITIVE = LabelRules(words=WORDS), LabelRules(words=WORDS, sensitive=frozenset({"contact.address"}))


def told(text: str, values: dict[str, object], *, rules: LabelRules = EVERYDAY, received: tuple[str, ...] = (), **stated: object) -> str:
    """A text as the agent gets it, having stated these values."""
    found = find_withheld(text, values, rules=rules, received=received, stated=StatedValues(**stated))  # type: ignore[arg-type]
    return mask_spans(text, found)


def test_a_value_that_the_agent_stated_is_repeated_whole_or_in_part() -> None:
    for text in (f"It went to {ADDRESS}.", "It went to Lindenweg 4.", "It went to 20095 Hamburg."):
        assert told(text, {"order.address": ADDRESS}) != text
        assert told(text, {"order.address": ADDRESS}, repeated=(ADDRESS,)) == text


def test_of_a_sensitive_attribute_no_part_is_repeated() -> None:
    """An agent states many: the part that an officer may write would say which was right."""
    guesses = (ADDRESS, "Rosenweg 5, 22083 Hamburg")
    values = {"contact.address": ADDRESS}
    for part in ("Lindenweg 4", "20095 Hamburg"):
        assert told(f"It went to {part}.", values, rules=SENSITIVE, repeated=guesses) == "It went to [withheld]."
    whole = f"It went to {ADDRESS}."
    assert told(whole, values, rules=SENSITIVE, repeated=guesses) == whole
    part = "It went to Lindenweg 4."
    assert told(part, values, rules=SENSITIVE, repeated=guesses, received=("contact.address",)) == part


def test_what_the_agent_stated_opens_nothing_beside_it() -> None:
    """The place of a value ends where the value does: what follows was never said."""
    text = f"It went to {ADDRESS}, and the phone is 040 5550142."
    values = {"order.address": ADDRESS, "contact.phone": "+49 40 5550142"}
    assert told(text, values, repeated=(ADDRESS,)) == f"It went to {ADDRESS}, and the phone is [withheld]."


def test_a_date_is_repeated_only_where_it_stands_in_one_piece() -> None:
    values = {"order.delivered_on": "2026-11-23"}
    near, apart = "It came on 23 November 2026.", "It is 23 pieces, as ordered with us in the month of November, the year 2026."
    assert told(near, values, repeated=("2026-11-23",)) == near
    assert told(apart, values, repeated=("2026-11-23",)) != apart


def test_of_a_text_that_begins_with_a_date_only_all_of_it_is_whole() -> None:
    """Else its day, in other words, would pass for all that the agent stated."""
    stated = "2026-11-23 by courier 77120345"
    text = f"You wrote {stated}. It came on 23 November 2026, on the twenty-third of November twenty twenty-six."
    places = repeated_places(StatedPlaces(token_text(text)), [stated])
    assert [text[place.start : place.end] for place in places if place.whole] == [stated]
    assert not any("twenty" in text[place.start : place.end] for place in places)


def test_an_amount_of_an_ask_is_repeated_in_any_words() -> None:
    values = {"order.total": "40.00 EUR"}
    for text in ("The 40.00 EUR go back to you.", "The forty euros go back to you.", "Die 40,00 EUR sind unterwegs."):
        assert told(text, values) != text
        assert told(text, values, asked=("40.00 EUR",)) == text
        assert told(text, values, asked=("39.00 EUR",)) != text


def test_what_a_mandate_lets_the_agent_know_is_no_word_about_a_sensitive_value() -> None:
    rules = LabelRules(words=WORDS, sensitive=frozenset({"payment_method.balance"}))
    text = "There are 40.00 EUR."
    assert told(text, {"order.total": "40.00 EUR"}, known=("40.00 EUR",)) == text
    assert told(text, {"payment_method.balance": "40.00 EUR"}, rules=rules, known=("40.00 EUR",)) != text


@pytest.mark.parametrize("balance", ["40.00 EUR", "12.00 EUR"])
def test_an_amount_beside_the_name_of_another_is_withheld_right_or_wrong(balance: str) -> None:
    stated = {"asked": ("40.00 EUR",), "money": {"payment_method.balance": frozenset({"balance"}), "order.fee": frozenset({"fee"})}}
    values = {"payment_method.balance": balance}
    assert told("Your balance is 40.00 EUR.", values, **stated) == "Your balance is [withheld]."
    assert told("Without a fee that is 40.00 EUR.", values, **stated) == "Without a fee that is [withheld]."
    assert told("We refund 40.00 EUR to you.", {}, **stated) == "We refund 40.00 EUR to you."


@pytest.mark.parametrize("right", [ADDRESS, "Rosenweg 9, 50667 Koeln"])
@pytest.mark.parametrize("text", [f"Yes. We have {ADDRESS} there.", f"{ADDRESS}? That is wrong, sorry."])
def test_a_yes_or_no_to_a_statement_is_withheld_whole_right_or_wrong(text: str, right: str) -> None:
    left = told(text, {"contact.address": right}, statements=(ADDRESS,))
    assert "[withheld]" in left
    assert not {"Yes", "wrong", "Lindenweg"} & set(left.replace(".", " ").split())


def test_what_is_neither_confirmed_nor_denied_is_free() -> None:
    text = f"You wrote {ADDRESS} to us. We will look into it tomorrow with the team and write back."
    assert told(text, {}, statements=(ADDRESS,)) == text


def test_beyond_the_statements_looked_for_any_figure_address_or_name_counts() -> None:
    """Else a guess leaves by the back of many others."""
    for text in ("Yes, 50667 it is.", "Yes, anna@mail.example it is.", "Yes, it is Anna Berg."):
        assert "Yes" not in told(text, {}, statements=(ADDRESS,), overflowed=True)
        assert "Yes" in told(text, {}, statements=(ADDRESS,))
    assert told("Yes, it is on its way.", {}, statements=(ADDRESS,), overflowed=True) == "Yes, it is on its way."


def test_a_value_is_searched_for_once_however_many_lists_it_is_in() -> None:
    places = StatedPlaces(token_text(f"To {ADDRESS}."))
    assert places.spelled(ADDRESS) is places.spelled(ADDRESS)
    assert places.of([ADDRESS]) == [*places.spelled(ADDRESS), *places.spoken(ADDRESS)]
