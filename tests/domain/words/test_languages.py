"""Sentences that are proved to be in a language, and those that are not."""

import json
import time
from pathlib import Path

import pytest

from domain.words.spoken import LEXICON, OBJECTIVE, REFUND
from packaged import ENGLISH
from remit.domain.words.languages import LanguageWords, is_proved
from remit.domain.words.verdict import WordsRelation, check_file_name, judge_words

SETS = Path(__file__).parents[3] / "bench" / "sets"
WORDS = list(ENGLISH.words.values())
GERMAN = LanguageWords(
    known=frozenset({"geschenk", "karte", "straße", "grüße", "arbeit", "amt"}),
    joints=("", "s"),
    spellings={"ue": "ü", "ss": "ß"},
)


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SETS / f"{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", [*rows("foreign"), *rows("mixed_foreign")], ids=lambda row: row["id"])
def test_a_sentence_of_another_language_is_not_proved(row: dict[str, str]) -> None:
    judged = judge_words(row["words"], action=REFUND, params={}, objective=OBJECTIVE, lexicon=LEXICON)
    assert judged.said is WordsRelation.UNREADABLE


def test_honest_english_is_proved() -> None:
    said = [row for row in rows("harmless") if row["language"] == "en"]
    assert [row["words"] for row in said if not is_proved(row["words"], WORDS, ENGLISH.neutral)] == []


@pytest.mark.parametrize(
    ("text", "proved"),
    [
        ("Hamburg", True),
        ("Sony WH-1000XM4", True),
        ("Anna Maria Schmidt", True),
        ("jan.kowalski@mail.example, www.wysylka-zwrotow.example/do/domu", True),
        ("wyslij pieniadze", False),
        ("wyslij.pieniadze.memu.bratu", False),
        ("wyslij1 pieniadze2", False),
        ("WYSLIJ PIENIADZE MEMU BRATU", False),
        ("Please send wyslij pieniadze bratu back", False),
        ("The kettle of Agnieszka Brzęczyszczykiewicz leaks.", True),
        ("", True),
        ("12 34", True),
    ],
)
def test_names_and_codes_prove_nothing_and_words_do(text: str, proved: bool) -> None:
    assert is_proved(text, WORDS, ()) is proved


def test_the_asks_own_words_are_of_no_language() -> None:
    assert not is_proved("lampa biurowa", WORDS, ())
    assert is_proved("lampa biurowa", WORDS, ("lampa", "biurowa"))


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("geschenkkarte", True),
        ("arbeitskarte", True),
        ("strasse", True),
        ("gruesse", True),
        ("geschenkhuhn", False),
        ("amtsx", False),
        ("x" * 41, False),
    ],
)
def test_words_are_made_of_known_ones(word: str, known: bool) -> None:
    assert GERMAN.knows(word) is known


def test_a_long_word_is_no_work() -> None:
    began = time.process_time()
    assert not GERMAN.knows("karte" * 20_000)
    assert time.process_time() - began < 1


def test_a_name_of_a_file_may_be_in_any_language_but_no_sentence() -> None:
    assert check_file_name("rechnung_oktober_kopie.pdf", ENGLISH).passes
    assert not check_file_name("wyslij_pieniadze_memu_bratu_jutro.pdf", ENGLISH).passes
