"""What is kept of words that say more than their ask, how it is told, and what the settings of a desk say of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.pack_words import judge
from desks.example import TODAY, desk_data
from packaged import ENGLISH
from remit.domain.confirm.explain_words import explain_marks, explain_reason
from remit.domain.errors import Code, Refused
from remit.domain.evidence.facts import facts_of
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.transcript.entry import Kind
from remit.domain.words.excess import (
    MAX_MARKED,
    ExcessSpan,
    ExcessWordsRules,
    WordsHandling,
    ask_texts,
    code_of_marks,
    encode_marks,
    judge_excess,
    read_marks,
    releasing_role,
    strip_notice,
    strip_texts,
)
from remit.domain.words.sentences import judge_sentences
from remit.domain.words.verdict import WordsRelation, WordsSpan, WordsVerdict
from remit.entrypoints.web.phrases import split_marked
from remit.settings.words import deciding, verify_officer_role
from settings_made import settings_made

DESK = read_catalogue(desk_data(), today=TODAY)
TEXT = "The kettle leaks. Refund me 500 EUR! Thanks."
MARKS = (
    ExcessSpan(where="words", start=18, end=36, said=WordsRelation.WIDER, why="asks for something else: refund"),
    ExcessSpan(where="words", start=28, end=35, said=WordsRelation.CONTRADICTS, why="another amount"),
)
RULES = ExcessWordsRules(beyond=WordsHandling.HOLD, unreadable=WordsHandling.REFUSE, officer="care")


def verdict(said: WordsRelation, count: int = 1) -> WordsVerdict:
    spans = tuple(WordsSpan(start=place, end=place + 1, why=f"{said} {place}", said=said) for place in range(count))
    return WordsVerdict(said=said, spans=spans, reason=spans[0].why if spans else "")


def test_a_verdict_marks_everything_that_says_more_and_what_contradicts_first() -> None:
    params = {"order_id": "W1001", "item_ids": ["i1"]}
    found = judge("consumer", "return-item", "order.return", params, "It leaks. Cancel order W1002 too. Also close my account.")
    assert found.said is WordsRelation.CONTRADICTS
    assert found.spans[0].said is WordsRelation.CONTRADICTS
    assert {one.said for one in found.spans} == {WordsRelation.CONTRADICTS, WordsRelation.WIDER}


def test_the_stricter_way_counts_and_what_it_is_for_stands_first() -> None:
    assert judge_excess([("words", verdict(WordsRelation.MATCH)), ("note", verdict(WordsRelation.NARROWER))], RULES) is None
    one = judge_excess([("words", verdict(WordsRelation.WIDER)), ("note", verdict(WordsRelation.UNREADABLE))], RULES)
    assert one is not None
    assert (one.way, one.said, one.code, one.marked[0].where) == (
        WordsHandling.REFUSE,
        WordsRelation.UNREADABLE,
        Code.WORDS_UNREADABLE,
        "note",
    )
    assert one.places == {"words", "note"}
    held = judge_excess([("words", verdict(WordsRelation.CONTRADICTS))], RULES)
    assert held is not None
    assert (held.way, held.reason) == (WordsHandling.HOLD, "contradicts 0")


def test_no_more_is_kept_than_there_is_room_for_and_never_what_it_says() -> None:
    judged = judge_excess([("words", verdict(WordsRelation.WIDER, 500))], RULES)
    assert judged is not None
    assert len(judged.marked) == MAX_MARKED
    kept = encode_marks(judged)
    assert read_marks(kept) == judged.marked
    assert code_of_marks(kept) is Code.WORDS_WIDER


@pytest.mark.parametrize("damaged", ["", "{", "{}", '{"marked":3}', '{"marked":[{"where":"words"}]}', '{"marked":[{"where":"w","start":0,"end":1,"said":"odd","why":"x"}]}'])  # fmt: skip
def test_what_is_kept_and_damaged_marks_nothing(damaged: str) -> None:
    assert read_marks(damaged) == ()
    assert code_of_marks(damaged) is Code.WORDS_UNREADABLE


def test_each_text_of_an_ask_has_a_place_and_only_what_may_be_left_out_is() -> None:
    data = desk_data()
    params: Any = {
        "note": {"type": "string", "x-free-text": True},
        "lines": {"type": "array", "items": {"type": "string", "x-free-text": True}},
    }
    data["action"]["do.it"] = {"title": "Do it", "power": "request", "area": "routine", "effect": "write", "params": {"properties": params}}
    action = read_catalogue(data, today=TODAY).action("do.it")
    asked: Any = {"note": "a", "lines": ["b", " ", "c"]}
    assert dict(ask_texts(action, asked, "d")) == {"words": "d", "note": "a", "lines[*]": "b", "lines[*]#3": "c"}
    assert list(ask_texts(None, asked, None)) == []
    left = strip_texts(action, asked, "d", {"note"})
    assert left is not None
    assert (left.params, left.words) == ({"lines": ["b", " ", "c"]}, "d")
    assert strip_texts(action, asked, "d", {"lines[*]#3"}) is None
    spoken = strip_texts(action, asked, "d", {"words"})
    assert spoken is not None
    assert (spoken.params, spoken.words) == (asked, None)


def test_whose_role_looks_at_words() -> None:
    security = next(one for one in DESK.actions.values() if one.area == "security" and not one.builtin)
    assert releasing_role(DESK, security, None, "care") == "security"
    assert releasing_role(DESK, DESK.action("case.comment"), None, "care") == "care"


def test_every_reason_is_told_in_words() -> None:
    raw = {
        name for name in ENGLISH.topics if explain_reason(f"asks for something else: {name}", DESK).endswith(f": {name.replace('-', ' ')}")
    }
    assert raw == set()
    plain = {name for name in ENGLISH.orders if explain_reason(name, DESK) == name}
    assert plain == set()
    assert explain_reason("another amount, with the message before", DESK).startswith(
        "combined with the previous message: names a different amount"
    )
    assert explain_reason("asks for another action: payment.refund", DESK).startswith("asks for something else: Refund")
    assert explain_reason("a sentence in another language (de)", DESK) == "contains a sentence in a language that isn't supported"
    assert explain_reason("something \u202enew", DESK) == "something ⟨U+202E⟩new"
    assert explain_marks(MARKS, {"words": TEXT}, DESK) == (
        "“Refund me 500 EUR!”: asks for something else: a refund",
        "500 EUR: names a different amount than the request",
    )
    assert explain_marks(
        [ExcessSpan(where="words", start=0, end=99, said=WordsRelation.UNREADABLE, why="encoded text")], {"words": TEXT}, DESK
    ) == ("contains encoded text",)


def test_a_text_is_judged_sentence_by_sentence() -> None:
    assert [(TEXT[one.start : one.end], one.said, one.whys) for one in judge_sentences(TEXT, MARKS)] == [
        ("The kettle leaks.", WordsRelation.MATCH, ()),
        ("Refund me 500 EUR!", WordsRelation.CONTRADICTS, ("asks for something else: refund", "another amount")),
        ("Thanks.", WordsRelation.MATCH, ()),
    ]


PLACES = st.tuples(st.integers(-5, 70), st.integers(-5, 70))


@given(st.text(max_size=60), st.lists(PLACES, max_size=6))
def test_nothing_of_a_text_is_left_out_however_it_is_marked(text: str, places: list[tuple[int, int]]) -> None:
    found: Any = [{"start": start, "end": end, "why": "adds another wish"} for start, end in places]
    assert "".join(piece for piece, _ in split_marked({"text": text, "found": found})) == text
    marked = [ExcessSpan(where="words", start=start, end=end, said=WordsRelation.WIDER, why="adds another wish") for start, end in places]
    assert all(0 <= one.start < one.end <= len(text) for one in judge_sentences(text, marked))


def test_of_a_long_text_the_sentences_with_something_in_them_are_told() -> None:
    text = "It leaks. " * 2_000 + "Cancel it now! " + "It leaks. " * 2_000
    place = text.index("Cancel")
    mark = ExcessSpan(where="words", start=place, end=place + 9, said=WordsRelation.WIDER, why="adds another wish")
    assert [(text[one.start : one.end], one.said) for one in judge_sentences(text, [mark])] == [("Cancel it now!", WordsRelation.WIDER)]
    whole = ExcessSpan(where="words", start=0, end=len(text), said=WordsRelation.UNREADABLE, why="encoded text")
    assert len(judge_sentences(text, [whole, mark])) < 200


def test_an_agent_is_told_why_and_nothing_of_the_desks() -> None:
    for code in (Code.WORDS_WIDER, Code.WORDS_CONTRADICTS, Code.WORDS_UNREADABLE):
        assert code in strip_notice(code)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"beyond": "allow"}, "words.beyond must be one of hold, refuse, strip"),
        ({"beyond": True}, "words.beyond must be one of"),
        ({"unreadable": "strip", "officer": "care"}, "words.unreadable must be one of hold, refuse"),
        ({"beyond": "hold"}, "words.officer is missing"),
        ({"unreadable": "hold"}, "words.officer is missing"),
        ({"officer": "Care Team"}, "words.officer must be the name of a role"),
        ({"officer": 3}, "words.officer must be the name of a role"),
    ],
)
def test_a_setting_that_is_wrong_is_told_with_its_cure(tmp_path: Path, table: dict[str, Any], key: str) -> None:
    with pytest.raises(Refused) as refused:
        settings_made(tmp_path, words=table)
    assert refused.value.code is Code.SETTINGS_INVALID
    assert key in refused.value.detail


def test_an_officer_must_be_of_the_catalogue_and_what_is_not_said_changes_no_digest() -> None:
    verify_officer_role(ExcessWordsRules(), ())
    verify_officer_role(RULES, ("billing", "care"))
    with pytest.raises(Refused) as refused:
        verify_officer_role(RULES, ("billing",))
    assert "known are billing" in refused.value.detail
    assert deciding(ExcessWordsRules()) == {}
    assert deciding(RULES) == {"words": {"beyond": "hold", "unreadable": "refuse", "officer": "care"}}


def test_the_settings_of_a_desk_have_it(tmp_path: Path) -> None:
    for words in ({}, {"beyond": "refuse", "unreadable": "refuse"}):
        assert settings_made(tmp_path, words=words).beyond == ExcessWordsRules()
    assert settings_made(tmp_path, words={"beyond": "strip"}).beyond == ExcessWordsRules(beyond=WordsHandling.STRIP)
    assert facts_of(Kind.WORDS_ANSWERED, {"answer": "strip"})
