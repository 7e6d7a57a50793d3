"""Values in the words of a text: what part of a number, a date or an address identifies it, and what does not.

Source: docs/model/model.md#outbound.
"""

from decimal import Decimal

import pytest

from remit.domain.secrets.value_tokens import spoken_places, token_text
from remit.domain.values import Json


def told(text: str, name: str, value: Json) -> list[str]:
    """The stretches of a text that tell a value."""
    return [text[slice(*span)] for span in spoken_places(token_text(text), name, value)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+49 40 5550142", "The last are oh one four two, ending in 0142."),
        ("+49 40 5550142", "It is five five five zero one four two."),
        ("W 7315 0042", "It says 7315 on it."),
        ("1204.11 EUR", "one thousand two hundred and four euros and eleven cents"),
        ("40.00 EUR", "forty euros"),
        (Decimal(48213), "forty-eight thousand two hundred and thirteen"),
        (48213, "4 8 2 1 3"),
        ("1984-03-12", "the twelfth of March nineteen eighty-four"),
        ("1984-03-12T10:00:00Z", "XII.III.MCMLXXXIV"),
        ("Beethovenstr. 18, 53115 Bonn", "Beethovenstrasse, as always"),
        ("18 Rue Haute, 1000 Bruxelles", "rue haute"),
        ("Beethovenstr. 18, 1010 Wien", "1010 in Wien"),
        ("bram@mail.example", "Bravo Romeo Alfa Mike"),
    ],
)
def test_a_value_is_told_in_words_and_in_part(value: Json, text: str) -> None:
    assert told(text, "contact.any", value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+49 40 5550142", "It is 0142."),
        ("W 1999 0042", "It was in 1999."),
        ("40.00 EUR", "forty parcels"),
        (True, "true"),
        ("1984-03-12", "one day in March"),
        ("1984-03-12T10:00:00Z", "at ten"),
        ("Beethovenstr. 18, 1010 Wien", "1010 parcels"),
        ("Beethovenstr. 18, 53115 Bonn", "Beethoven is played"),
        ("Weg 1, 53115 Bonn", "this weg"),
    ],
)
def test_a_part_that_many_share_tells_nothing(value: Json, text: str) -> None:
    assert told(text, "contact.any", value) == []


def test_initials_tell_a_name_and_nothing_else() -> None:
    assert told("It belongs to A. B., says the file.", "identity.name", "Anna Berg") == ["A. B."]
    assert told("It belongs to A. B., says the file.", "payment.merchant", "Anna Berg") == []
    assert told("It belongs to A. C.", "identity.name", "Anna Berg") == []
