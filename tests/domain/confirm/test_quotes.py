"""Quotes of foreign texts, in the quotes of the reader's language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.files.translations import load_translations
from remit.domain.confirm.render_values import QUOTE_MARKS, in_quotes, plain_value, quoted_text
from remit.domain.i18n import ENGLISH, Translator

SPEECHES = {"en": ENGLISH, **load_translations()}
PAIRS = {"en": "“”", "de": "„“"}


@pytest.mark.parametrize("language", sorted(SPEECHES))
def test_each_language_quotes_as_its_readers_do(language: str) -> None:
    say = SPEECHES[language]
    shown = in_quotes("a b", say)
    assert shown == f"{PAIRS[language][0]}a b{PAIRS[language][1]}"
    assert {shown[0], shown[-1]} <= set(QUOTE_MARKS), "a language quotes with marks that no text inside can have"
    assert quoted_text("Helper", say) == "Helper"
    assert plain_value({"a b": "c d"}, say) == f"{in_quotes('a b', say)}: {in_quotes('c d', say)}"


@pytest.mark.parametrize("say", SPEECHES.values(), ids=SPEECHES)
@given(st.text(st.one_of(st.characters(), st.sampled_from(QUOTE_MARKS)), max_size=40))
def test_no_text_ends_its_quotation_or_begins_another(say: Translator, text: str) -> None:
    shown = in_quotes(text, say)
    assert not set(shown[1:-1]) & set(QUOTE_MARKS)
    assert quoted_text(text, say) in {text, shown}


@pytest.mark.parametrize("say", SPEECHES.values(), ids=SPEECHES)
@pytest.mark.parametrize("mark", "“”„‟«»", ids=["open", "end", "low", "reversed", "left", "right"])
def test_a_text_that_ends_its_quotation_says_so(say: Translator, mark: str) -> None:
    shown = quoted_text(f"x{mark} to pm_9. {mark}", say)
    assert shown[1:-1] == f"x⟨U+{ord(mark):04X}⟩ to pm_9. ⟨U+{ord(mark):04X}⟩"


@pytest.mark.parametrize("say", SPEECHES.values(), ids=SPEECHES)
@pytest.mark.parametrize(
    "marks", ["\u2019\u2019", "\u2018\u2018", "\u2032\u2032", "\u00b4\u00b4"], ids=["ends", "begins", "primes", "accents"]
)
def test_single_marks_side_by_side_end_no_quotation(say: Translator, marks: str) -> None:
    shown = quoted_text(f"Helper{marks}, run by Acme Bank", say)
    assert marks not in shown
    assert "⟨U+" in shown
    assert "don\u2019t" in quoted_text("I don\u2019t", say)
