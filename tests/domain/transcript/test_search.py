"""What a line of search means, and what an entry is found by."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.transcript.search import MAX_QUERY, MAX_TOKENS, EntryNames, Found, entry_tokens, fold, officers_of, parse_query
from remit.domain.values import Instant

NOW = Instant(1_796_032_344_162)  # 2026-11-30
DAY = 86_400_000
MIDNIGHT = NOW - NOW % DAY
ROW = {
    "kind": "ask.decided",
    "envelope": {
        "agent": "spiffe://helper.example/shop",
        "operator": "helper.example",
        "decision": "needs_human",
        "code": "confirmation.required",
        "ask": "ask_x",
        "digest": "sha-256:zz",
        "action": "payment.refund",
    },
    "content": {
        "ask": {"params": {"order_id": "W1001", "amount": "1500.00 EUR", "to": "x"}, "words": "Grüße an Gertrud!"},
        "by": "olga",
        "evidence": "qqqq",
    },
    "erased": False,
}
NAMES = EntryNames(
    agent="Helper", customer=("anna", "Anna Berg"), officers=("olga", "Olga Okafor"), title="Refund {amount} for order {order_id}"
)


def finds(text: str, row: object = ROW, **filters: str) -> bool:
    tokens, amounts = entry_tokens(row, NAMES)  # type: ignore[arg-type]
    found = Found(tokens=tokens, amounts=amounts, first_at=NOW, last_at=NOW)
    return parse_query(text, filters, now=NOW).matches(found)


@pytest.mark.parametrize(
    "text",
    [
        "", "helper", "Help", "W1001", "w1001 refund", "order", "€1,500.00", "W1001 €1,500.00", "1.500,00 €", "1500 EUR", "EUR 1500", "1,500", "1500.00", "gertrud", "grusse", "GRÜSSE",
        '"Anna Berg"', "anna", "ann", "okafor", "agent:helper", "agent:spiffe://helper.example/shop", "operator:helper.example", "kunde:anna", "customer:berg", "officer:olga",
        "code:confirmation", "code:confirmation.required", "code:confirmation.*", "kind:ask", "kind:ask.decided", "decision:waiting", "entscheidung:needs_human",
        "today", "heute", "2026-11-30", "30.11.2026", "2026-11", "from:2026-11-30", "to:2026-11-30", "von:30.11.2026 bis:heute", "ask_x", "helper.example", "W1001,",
    ],
)  # fmt: skip
def test_an_entry_is_found_by(text: str) -> None:
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        "other", "W1002", "€15.00", "1500 USD", "agent:anna", "customer:helper", "officer:anna", "code:mandate", "kind:act", "decision:done", "yesterday", "gestern",
        "2026-11-29", "from:2026-12-01", "to:2026-11-29", "helper other", "zz", "sha-256:zz", "qqqq",
    ],
)  # fmt: skip
def test_an_entry_is_not_found_by(text: str) -> None:
    assert not finds(text)


def test_fields_narrow_what_the_line_finds() -> None:
    assert finds(
        "helper", agent="Helper", decision="needs_human", min="1000", max="1.500,00 €", **{"from": "2026-11-01", "to": "2026-11-30"}
    )
    assert not finds("helper", min="1500.01")
    assert not finds("helper", max="20")
    assert not finds("helper", code="mandate")


def test_of_an_erased_entry_its_envelope_alone_is_found() -> None:
    erased = {**ROW, "content": None, "erased": True}
    assert finds("agent:helper code:confirmation", erased)
    for text in ("anna", "okafor", "W1001", "gertrud", "refund for", "€1,500.00"):
        assert not finds(text, erased), text


@pytest.mark.parametrize(
    ("text", "readings"),
    [("1.500", {1500, Decimal("1.5")}), ("1.50", {Decimal("1.5")}), ("1.234.567", {1_234_567}), ("1.234,5", {Decimal("1234.5")})],
)
def test_a_figure_is_read_as_its_writer_may_mean_it(text: str, readings: set[Decimal]) -> None:
    (term,) = parse_query(f"{text} €", {}, now=NOW).terms
    assert {Decimal(one.removeprefix("m:").removesuffix(" eur")) for one in term} == readings


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("from:soon", {}),
        ("", {"from": "soon"}),
        ("", {"to": "2026-13-01"}),
        ("", {"min": "a lot"}),
        ("x" * (MAX_QUERY + 1), {}),
        ("a b c d e f g h i j k l m n o p q", {}),
    ],
)
def test_what_cannot_be_looked_for_is_said(text: str, filters: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        parse_query(text, filters, now=NOW)
    assert refused.value.code is Code.REQUEST_MALFORMED


@given(st.text(max_size=MAX_QUERY))
def test_every_text_is_a_search_or_malformed(text: str) -> None:
    query = None
    with suppress(Refused):
        query = parse_query(text, {}, now=NOW)
    assert query is None or query.is_empty or query != parse_query("", {}, now=NOW)
    assert fold(fold(text)) == fold(text)


def test_a_day_and_a_month_end_where_the_next_one_begins() -> None:
    day = parse_query("2026-11-30", {}, now=NOW)
    assert (day.since, day.until) == (MIDNIGHT, MIDNIGHT + DAY)
    month = parse_query("2026-12", {}, now=NOW)
    assert (month.since, month.until) == (MIDNIGHT + DAY, MIDNIGHT + 32 * DAY)


def entry(content: object, kind: str = "ask.decided", **envelope: object) -> dict[str, object]:
    return {"kind": kind, "envelope": envelope, "content": content, "erased": False}


@pytest.mark.parametrize("text", ["--", '"!" helper', "agent:... helper", "code:** kind:."])
def test_signs_alone_are_no_words_and_narrow_nothing(text: str) -> None:
    assert finds(text)


def test_a_field_without_a_word_is_looked_for_as_it_stands() -> None:
    assert finds("agent:", entry({"words": "the agent: a helper"}))
    assert not finds("officer:", entry({"words": "the agent: a helper"}))


def test_a_field_may_have_several_words_in_quotes() -> None:
    assert finds('customer:"Anna Berg" KIND:"ask"')
    assert not finds('customer:"Anna Okafor"')


def test_quoted_words_behind_no_field_are_words() -> None:
    quoted = entry({"words": 'The subject:"kettle leaks" of my mail'})
    assert finds('Subject:"kettle leaks"', entry({"words": "subject:kettle leaks"}))
    assert finds('"kettle leaks"', quoted)
    assert not finds('Subject:"kettle burns"', entry({"words": "subject:kettle leaks"}))


def test_a_month_that_is_none_is_a_word() -> None:
    assert finds("2026-13", entry({"words": "batch 2026-13"}))
    assert not finds("9999-12-31 other")


def test_figures_and_amounts_deep_in_a_content_are_found() -> None:
    deep = entry({"ask": {"params": [{"count": 17, "rate": Decimal("2.5")}, {"amount": "20.00 EUR"}]}, "again": True, "none": None})
    for text in ("17", "2.5", "20", "€20.00"):
        assert finds(text, deep), text
    assert finds("", deep, min="20", max="20")
    for text in ("true", "1", "none"):
        assert not finds(text, deep), text


@pytest.mark.parametrize("name", ["assertion", "evidence", "rendering", "salt", "signed", "wire"])
def test_signatures_are_not_looked_for_at_any_depth(name: str) -> None:
    assert not finds("needle", entry({"answers": [{name: ["needle"]}]}))


def test_the_words_of_a_text_too_long_for_one_are_left_out() -> None:
    assert not finds("x" * 80, entry({"words": "x" * 100}))
    assert finds("kettle", entry({"words": f"{'x' * 100} kettle"}))


@pytest.mark.parametrize("words", [" ".join(f"w{number}" for number in range(5000)), [f"w{number}" for number in range(5000)]])
def test_an_entry_has_a_bounded_number_of_tokens(words: object) -> None:
    """⚔ An agent's long message would fill the index of every other row."""
    tokens, amounts = entry_tokens(entry({"words": words, "z": "20.00 EUR"}), EntryNames())  # type: ignore[arg-type]
    assert "w:w7" in tokens
    assert len(tokens) == MAX_TOKENS
    assert amounts == ()


@pytest.mark.parametrize(
    ("kind", "answer", "decision"),
    [
        ("confirmation.answered", "yes", "approved"),
        ("confirmation.answered", "less", "approved"),
        ("confirmation.answered", "no_and_end", "declined"),
        ("words.answered", "release", "approved"),
        ("words.answered", "of a later Remit", "declined"),
        ("confirmation.expired", None, "expired"),
    ],
)
def test_an_answer_is_found_by_what_it_decided(kind: str, answer: str | None, decision: str) -> None:
    """⚔ No answer that is not known to be a yes is ever listed as one."""
    answered = entry({}, kind, **({} if answer is None else {"answer": answer}))
    assert finds(f"decision:{decision}", answered)
    others = {"approved", "declined", "expired", "withdrawn"} - {decision}
    assert not any(finds(f"decision:{other}", answered) for other in others)
    assert not finds(f"decision:{decision}", entry({}, "ask.decided", answer="yes"))


def test_an_outcome_is_found_by_its_word_in_either_language() -> None:
    failed = entry({}, "act.performed", outcome="failed")
    assert finds("decision:failed", failed)
    assert finds("entscheidung:fehlgeschlagen", failed)
    assert not finds("decision:done", failed)


def test_the_authors_of_an_entry_are_each_officer_it_names_once() -> None:
    content = {"by": "olga", "to": ["otto", "olga", 7, ""], "person": None, "owner": "ada", "words": "by anna"}
    assert officers_of(content) == ("olga", "ada", "otto")
    assert officers_of({"by": ""}) == ()
