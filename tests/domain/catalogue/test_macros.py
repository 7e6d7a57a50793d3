"""Prepared replies: their form in the catalogue and its languages, and how their placeholders are filled."""

from typing import Any

import pytest

from remit.domain.catalogue.macros import filled_macro, read_macros, translated_macros
from remit.domain.catalogue.model import Macro
from remit.domain.errors import Code, Refused

HELLO: dict[str, Any] = {"name": "hello", "title": "Say hello", "text": "\nHello {customer},\n{agent} wrote in {case}.\n"}


def test_a_macro_keeps_its_lines_and_fills_its_placeholders() -> None:
    (macro,) = read_macros([HELLO])
    assert macro == Macro(name="hello", title="Say hello", text="Hello {customer},\n{agent} wrote in {case}.")
    assert filled_macro(macro, {"customer": "Anna", "agent": "Helper", "case": "C7"}) == "Hello Anna,\nHelper wrote in C7."


def test_a_placeholder_without_a_value_stays_to_be_seen() -> None:
    (macro,) = read_macros([HELLO])
    assert filled_macro(macro, {"customer": "Anna"}) == "Hello Anna,\n{agent} wrote in {case}."


def test_a_value_is_no_template() -> None:
    """⚔ An agent names itself: its name must not pull another member into an officer's reply."""
    (macro,) = read_macros([HELLO])
    assert filled_macro(macro, {"customer": "Anna", "agent": "{customer}", "case": "{case}"}) == "Hello Anna,\n{customer} wrote in {case}."


@pytest.mark.parametrize(
    ("given", "where", "said"),
    [
        ("hello", "macro", "must be a list"),
        ({"hello": HELLO}, "macro", "must be a list"),
        ([{**HELLO, "name": f"m{number}"} for number in range(101)], "macro", "are more than 100"),
        ([{**HELLO, "name": "Say hello"}], "macro[0].name", "is not one word"),
        ([{**HELLO, "name": 7}], "macro[0].name", "is not one word"),
        ([HELLO, HELLO], "macro[1].name", "is the name of another macro"),
        ([{"name": "hello", "title": "x"}], "macro[0]", "text"),
        ([{**HELLO, "body": "x"}], "macro[0]", "body"),
        ([{**HELLO, "text": " \n "}], "macro[0].text", "must be a text"),
        ([{**HELLO, "text": ["x"]}], "macro[0].text", "must be a text"),
        ([{**HELLO, "text": "x" * 4001}], "macro[0].text", "is longer than 4000 characters"),
        ([{**HELLO, "text": "Hello {name}"}], "macro[0].text", "{name} is no placeholder"),
        ([{**HELLO, "text": "Hello {}"}], "macro[0].text", "{} is no placeholder"),
        ([{**HELLO, "text": "Hello {customer"}], "macro[0].text", "has a brace without its partner"),
        ([{**HELLO, "text": "Hello customer}"}], "macro[0].text", "has a brace without its partner"),
    ],
)
def test_a_macro_of_another_form_stops_the_start(given: Any, where: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_macros(given)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert where in refused.value.detail
    assert said in refused.value.detail


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\x00", "\u2028", "\ue000", "\t"])
def test_a_macro_has_no_letter_that_an_officer_cannot_see(letter: str) -> None:
    """⚔ The officer answers for what is sent: text that hides or turns around would be sent unread."""
    with pytest.raises(Refused, match="has invisible characters"):
        read_macros([{**HELLO, "text": f"Hello {letter}there"}])


def test_a_language_translates_every_macro_and_no_other() -> None:
    macros = read_macros([HELLO, {**HELLO, "name": "bye"}])
    german = {"title": "Grüßen", "text": "Hallo {customer}!"}
    whole = translated_macros(macros, {"bye": german, "hello": german}, "language.de.macro")
    assert whole == tuple(Macro(name=name, title="Grüßen", text="Hallo {customer}!") for name in ("hello", "bye"))
    for given, said in (
        ({"hello": german}, 'language.de.macro."bye": is missing'),
        ({"hello": german, "bye": german, "more": german}, 'language.de.macro."more": no such macro is declared'),
        ({"hello": german, "bye": {**german, "text": "Hallo {kundin}!"}}, "{kundin} is no placeholder"),
        ({"hello": german, "bye": {**german, "name": "tschüss"}}, 'language.de.macro."bye"'),
    ):
        with pytest.raises(Refused) as refused:
            translated_macros(macros, given, "language.de.macro")
        assert refused.value.code is Code.CATALOGUE_INVALID
        assert said in refused.value.detail, refused.value.detail
