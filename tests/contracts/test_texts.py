"""Our texts in other languages: none is missing, none has other values or other markup than the English one, and nothing of a page is left out."""

import re
from collections import Counter
from pathlib import Path

import polib
import pytest

import texts
from remit.adapters.files.translations import load_translations
from remit.domain.i18n import ENGLISH, OUR_YES_AND_NO, TranslatableText, Translator, said
from remit.entrypoints.web.layout import script_texts

CATALOGUES = sorted(texts.FOLDER.glob("*.po"))
TEMPLATES = sorted(one for one in (texts.SOURCE / "entrypoints" / "web" / "templates").glob("*.html") if one.name != "report.html")
"""But the report: it speaks English, as the frameworks do that it speaks of, and says so (`lang`)."""
_VALUES = re.compile(r"\{[^{}]*\}")
_SAID = re.compile(r"""\b(?:_|plural)\((?:\s*(?:'[^']*'|"[^"]*"),?)+""")
_TAGS = re.compile(r"<[^<>]*>")


@pytest.fixture(scope="module")
def found() -> dict[texts.Text, list[str]]:
    return texts.found()


def test_the_list_of_texts_is_what_people_can_be_told(found: dict[texts.Text, list[str]]) -> None:
    listed = [(one.msgid, one.msgid_plural) for one in polib.pofile(str(texts.TEMPLATE))]
    assert listed == list(found), "run make texts"


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_text_is_said_in_every_language_with_the_same_values_and_markup(file: Path, found: dict[texts.Text, list[str]]) -> None:
    catalogue = polib.pofile(str(file))
    assert [(one.msgid, one.msgid_plural) for one in catalogue] == list(found), "run make texts"
    assert [one.msgid for one in catalogue.untranslated_entries() + catalogue.fuzzy_entries()] == []
    for one in catalogue:
        forms = list(one.msgstr_plural.values()) or [one.msgstr]
        for place, form in enumerate(forms):
            english = {*_VALUES.findall(one.msgid), *_VALUES.findall(one.msgid_plural)}
            lacking = english - set(_VALUES.findall(form))
            assert set(_VALUES.findall(form)) <= english, form
            assert lacking <= ({"{count}"} if place == 0 and one.msgid_plural else set()), form
            assert Counter(_TAGS.findall(form)) == Counter(_TAGS.findall(one.msgid)), form
            assert '"' not in _TAGS.sub("", form), "a text may stand in an attribute"
            assert form == form.strip() or one.msgid != one.msgid.strip(), form
    say = load_translations()[file.stem]
    assert {say("yes"), say("no")} <= OUR_YES_AND_NO
    assert [say.form(count) for count in (0, 1, 2, 21)] == [1, 0, 1, 1]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_no_page_says_anything_that_cannot_be_said_in_another_language(file: Path) -> None:
    whole = re.sub(r"\{% block (?:page|width) %\}\w+", "", file.read_text(encoding="utf-8"))
    code = _SAID.sub("", " ".join(re.findall(r"\{%.*?%\}|\{\{.*?\}\}", whole, flags=re.DOTALL)))
    assert [one for one in re.findall(r"'[^']*'|\"[^\"]*\"", code) if re.search(r"[A-Za-z]+ [A-Za-z]+|[A-Z][a-z]", one)] == []
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", whole, flags=re.DOTALL)
    attributes = [
        value for name, value in re.findall(r'\s(aria-label|placeholder|title|alt|label|data-name)="([^"]*)"', text) if value.strip()
    ]
    left = [one.strip() for one in _TAGS.sub("\n", re.sub(r"<(script|pre|code)\b.*?</\1>", "", text, flags=re.DOTALL)).split("\n")]
    assert [one for one in (*left, *attributes) if re.search(r"[A-Za-z]{2}", one)] == []


def test_the_programs_of_a_page_are_given_every_text_they_say(found: dict[texts.Text, list[str]]) -> None:
    said_there = {one for (one, _), places in found.items() if any(place.endswith(".js") for place in places)}
    assert script_texts() == said_there


def test_a_text_is_filled_in_and_what_fills_it_is_no_text() -> None:
    speech = Translator(language="xx", texts={"{one} sees": ("{one} sieht",), "{count} thing": ("ein Ding", "{count} Dinge")})
    assert speech("{one} sees", one="{two}") == "{two} sieht"
    assert speech("unknown {x}", x=1) == "unknown 1"
    assert speech("as it {is}") == "as it {is}"
    assert [speech.plural("{count} thing", "{count} things", count) for count in (1, 2)] == ["ein Ding", "2 Dinge"]
    assert [ENGLISH.plural("{count} thing", "{count} things", count) for count in (0, 1)] == ["0 things", "1 thing"]


def test_what_was_said_in_english_is_said_again_or_not_at_all() -> None:
    speech = Translator(language="xx", texts={"{one} sees": ("{one} sieht",), "Whole.": ("Ganz.",)})
    again = said("{one} sees", one="Anna")
    assert (again, again.text) == ("Anna sees", "{one} sees")
    assert isinstance(again, TranslatableText)
    assert speech.again(again) == "Anna sieht"
    assert speech.again("Whole.") == "Ganz."
    assert speech.again("Anna sees") == speech.again(said("{two} hears", two=1)) == ""
    assert ENGLISH.again(again) == "Anna sees"
