"""A vocabulary as files: what is wrong in it is told with its file, its key and the cure, and nothing is left out silently."""

from importlib import resources
from pathlib import Path

import pytest

from packaged import ENGLISH
from remit.adapters.files.vocabulary import vocabulary_in
from remit.domain.errors import Code, Refused

WRITTEN = resources.files("remit").joinpath("vocabulary")


def changed(folder: Path, right: str, wrong: str, file: str = "en.toml") -> Path:
    for name in ("common.toml", "en.toml"):
        text = WRITTEN.joinpath(name).read_text("utf-8")
        if name == file:
            assert right in text
            text = text.replace(right, wrong, 1)
        folder.joinpath(name).write_text(text, encoding="utf-8")
    folder.joinpath("words").mkdir()
    folder.joinpath("words", "en.txt").write_text(WRITTEN.joinpath("words", "en.txt").read_text("utf-8"), encoding="utf-8")
    return folder


def test_a_word_that_is_written_is_read(tmp_path: Path) -> None:
    folder = changed(tmp_path, "accept = ['accept\\w*'", "accept = ['snap up', 'accept\\w*'")
    found = vocabulary_in(folder, "en")
    assert found.says_verb("accept").search("Please snap up the offer.")
    assert not ENGLISH.says_verb("accept").search("Please snap up the offer.")
    assert found.patterns.imperative.match("Snap up the offer.")
    assert found.topics.keys() == ENGLISH.topics.keys()


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("[topics.upgrade]", "[topics.betterment]", "topics.upgrade: is missing"),
        ("change = [", "changing = [", "verbs.change: is missing"),
        ('[orders."a new role for the reader"]', '[orders."a role"]', "orders.a new role for the reader: is missing"),
        ("'money-out'", "'money-in'", "about.deposit: there is no topic money-in"),
        (
            "'account-close', 'order-cancel'",
            "'account-shut', 'order-cancel'",
            "topics.cancelling it.stands_for: there is no topic account-shut",
        ),
        ("(?:{create})", "(?:{creation})", "topics.account-open: there is no piece {creation}"),
        ("{as_verb}(?<!", "{a_verb}(?<!", "pieces.no_noun: there is no piece {a_verb}"),
        ("(?:upgrad\\w+)\\b", "(?:upgrad\\w+\\b", "topics.upgrade: is no regular expression"),
        ("needs = ['upgrad']", "need = ['upgrad']", "topics.upgrade.need: nothing is called this"),
        ("needs = ['upgrad']", "", "missing required field `needs` - at `$.topics[...]`"),
        ("\nwish = [", "\nwishes = [", "cues.wishes: nothing is called this"),
        ("\njoins = ['and'", "\njoins = ['(and'", "cues.joins: is no regular expression"),
        ("filler = [", "fillers = [", "fillers: nothing is called this"),
        ("filler = [", "filler = ", "en.toml: "),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_cure(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        vocabulary_in(changed(tmp_path, right, wrong), "en")
    assert refused.value.code is Code.SETTINGS_INVALID
    assert refused.value.detail.startswith("vocabulary/en.toml: ")
    assert told in refused.value.detail
    assert "install Remit again" in refused.value.cure


def test_a_language_without_its_known_words_is_refused(tmp_path: Path) -> None:
    folder = changed(tmp_path, "en", "en")
    folder.joinpath("words", "en.txt").unlink()
    with pytest.raises(Refused, match=r"vocabulary/words/en\.txt: ") as refused:
        vocabulary_in(folder, "en")
    assert refused.value.code is Code.SETTINGS_INVALID


def test_the_words_of_no_language_are_a_list(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"vocabulary/common\.toml: .*\$\[\.\.\.\]"):
        vocabulary_in(changed(tmp_path, "neutral = [", "neutral = 3\nothers = [", "common.toml"), "en")


def test_a_language_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        vocabulary_in(changed(tmp_path, "en", "en"), "xx")
    assert refused.value.code is Code.SETTINGS_INVALID
    assert "vocabulary/xx.toml" in refused.value.detail
