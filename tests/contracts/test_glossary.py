"""What texts say: no retired word, German quotes, full stops and capitals as docs/glossary.md says."""

import re
from collections.abc import Iterator

import pytest

import texts
from wording import Said, catalogue_texts, every_text, retired_in, retired_words

WORDS = retired_words()
GLOSSARY = texts.SOURCE.parent.parent / "docs" / "glossary.md"
_VALUE = re.compile(r"\{[^{}]*\}|<[^<>]*>")
_ENDS = ".?!:…;,"


def excused(text: str) -> bool:
    """Whether a text is one of the exceptions that the data names."""
    return any(text == one["text"] for one in WORDS.get("exception", ()))


def badly_put(said: Said) -> Iterator[str]:
    """What is wrong with a text's marks and capitals."""
    text = _VALUE.sub("X", said.text).strip()
    opening, closing = ("„", "“") if said.language == "german" else ("“", "”")
    quotes = "".join(one for one in text if one in '"“”„«»')
    if quotes.replace(f"{opening}{closing}", ""):
        yield f"quotes: {opening}…{closing}"
    if re.search(r"[a-zß”“)]\. [A-ZÄÖÜ]", text) and text[-1] not in f"{_ENDS}”“)X":
        yield "several sentences, and no full stop at the end"
    if said.language == "english" and text[-1:] not in _ENDS:
        last = re.split(r"(?<=[.?!:]) ", text)[-1]
        for name in WORDS["names"]:
            last = last.replace(name, name.lower())
        words = re.findall(r"[A-Za-z][\w'-]*", last)
        if any(one[0].isupper() and not one.isupper() for one in words[1:]):
            yield "sentence case: capitals for the first word and for names alone"


def test_no_text_uses_a_retired_word() -> None:
    found = [(one.place, one.text, used) for one in every_text() if (used := retired_in(one, WORDS)) and not excused(one.text)]
    assert found == []


def test_exceptions_are_few_and_dated() -> None:
    exceptions = WORDS.get("exception", [])
    assert len(exceptions) <= 20
    assert all({"text", "where", "since"} <= one.keys() for one in exceptions)


def test_quotes_full_stops_and_capitals_are_those_of_the_glossary() -> None:
    assert [(one.text, wrong) for one in catalogue_texts() for wrong in badly_put(one)] == []


def test_a_german_text_ends_as_the_english_one_does() -> None:
    texts_of = list(catalogue_texts())
    english = {one.text for one in texts_of if one.language == "english"}
    for one in texts_of:
        source = one.place.removeprefix("de.po: ")
        if one.language == "german" and source in english and re.search("[A-Za-z]", _VALUE.sub("", source)):
            assert _end(one.text) == _end(source), one.text


def _end(text: str) -> str:
    last = text.rstrip()[-1:]
    return last if last in _ENDS else ""


@pytest.mark.parametrize("language", ["english", "german"])
def test_every_retired_word_stands_in_the_glossary_with_another_for_it(language: str) -> None:
    page = " ".join(GLOSSARY.read_text(encoding="utf-8").split())
    assert [one["name"] for one in WORDS[language] if one["name"] not in page] == []
    assert all(one["instead"] for one in WORDS[language])


@pytest.mark.parametrize(
    ("text", "language", "readers", "used"),
    [
        ("Nobody answered in time, so nothing was done.", "english", "agents", ["nobody"]),
        ("What waits for you", "english", "people", ["what waits", "waits for"]),
        ("The desk could not do it", "english", "people", ["desk"]),
        ("The agent may be told: {what}", "english", "people", ["told"]),
        ("You took it back", "english", "people", ["take back"]),
        ("Ask the desk to register the agent.", "english", "agents", ["desk"]),
        ("Das Mandat wurde zurückgenommen. Niemand kann es nutzen.", "german", "people", ["Mandat", "zurückgenommen", "Niemand"]),
        ("Ask the desk to register the agent.", "english", "operators", []),
        ("Serve `remit desk serve` at {desk}; set desk.database under [desk].", "english", "people", []),
        ("Waiting for approval", "english", "people", []),
        ("Die Helpdesk-Anfrage wurde blockiert.", "german", "people", []),
    ],
)
def test_the_check_finds_what_it_is_for(text: str, language: str, readers: str, used: list[str]) -> None:
    assert retired_in(Said(text, "a test", readers, language), WORDS) == used


@pytest.mark.parametrize(
    ("text", "language", "wrong"),
    [
        ('Say "yes" or no.', "english", ["quotes: “…”"]),
        ("„Ja“ oder “nein”.", "german", ["quotes: „…“"]),
        ("The task ended. Nothing was sent", "english", ["several sentences, and no full stop at the end"]),
        ("Waiting For Approval", "english", ["sentence case: capitals for the first word and for names alone"]),
        ("Export as JSON Lines", "english", []),
        ("Sie wählen „Ja“.", "german", []),
        ("The agent “{name}” asks to refund {amount}", "english", []),
    ],
)
def test_the_check_of_marks_and_capitals_finds_what_it_is_for(text: str, language: str, wrong: list[str]) -> None:
    assert list(badly_put(Said(text, "a test", language=language))) == wrong
