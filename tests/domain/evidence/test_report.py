"""Evidence: what counts as a fact, that figures add up and only grow, and that nothing is said of what nothing has shown."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packaged import FRAMEWORKS
from remit.domain.errors import Code, Refused
from remit.domain.evidence.facts import SET_UP, TITLES, EvidenceFact, facts_of
from remit.domain.evidence.report import (
    NO_FIGURES,
    PLACES,
    SUMS,
    ControlState,
    CountedEntry,
    Figures,
    count_facts,
    evaluate_controls,
    evidence_json,
    frameworks_named,
    merge_figures,
    read_period,
)
from remit.domain.records import EndReason
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant

DECIDED = st.one_of(
    st.fixed_dictionaries(
        {"decision": st.just("permit"), "code": st.just(""), "waiver": st.integers(-1, 2)},
        optional={"who": st.just(["customer"]), "confirmed_by": st.just(["customer"])},
    ),
    st.fixed_dictionaries(
        {
            "decision": st.just("needs_human"),
            "who": st.sampled_from([["customer"], ["officer:security"], ["customer", "officer:billing"], ["officer:a", "officer:b"]]),
        },
        optional={"words": st.sampled_from(["held", "released", "stripped"])},
    ),
    st.fixed_dictionaries({"decision": st.just("refuse"), "code": st.sampled_from([one.value for one in Code])}),
)
ENVELOPES: Mapping[Kind, Any] = {
    Kind.ASK_DECIDED: DECIDED,
    Kind.CONFIRMATION_ANSWERED: st.fixed_dictionaries({"answer": st.sampled_from(["yes", "no", "less", "no_and_end", "silence"])}),
    Kind.WORDS_ANSWERED: st.fixed_dictionaries({"answer": st.sampled_from(["release", "strip", "no", "silence"])}),
    Kind.ACT_PERFORMED: st.fixed_dictionaries({"outcome": st.sampled_from(["done", "failed", "unknown", "void"])}),
    Kind.ACT_RECONCILED: st.fixed_dictionaries({"outcome": st.sampled_from(["done", "failed", "unknown", "void"])}),
    Kind.TASK_ENDED: st.fixed_dictionaries(
        {
            "reason": st.sampled_from([one.value for one in EndReason]),
            "voided": st.fixed_dictionaries({"confirmations": st.integers(0, 2), "acts": st.integers(0, 2)}),
            "already_sent": st.lists(st.just("ask_1"), max_size=1),
        }
    ),
    Kind.REPLY_SENT: st.fixed_dictionaries({"withheld": st.integers(0, 3)}),
    Kind.MESSAGE_BLOCKED: st.fixed_dictionaries({}, optional={"why": st.just("native_public_reply")}),
    Kind.MANDATE_GRANTED: st.fixed_dictionaries({}, optional={"parent": st.just("mnd_1")}),
}
NOTHING_MORE: Any = st.just({})
TOLD = st.sampled_from(list(Kind)).flatmap(lambda kind: st.tuples(st.just(kind), ENVELOPES.get(kind, NOTHING_MORE)))
LOGS = st.lists(TOLD, max_size=40).map(
    lambda rows: [CountedEntry(index=index, kind=kind, envelope=envelope) for index, (kind, envelope) in enumerate(rows)]
)
PARTS: Mapping[EvidenceFact, tuple[EvidenceFact, ...]] = {
    **SUMS,
    EvidenceFact.PERMITTED: (EvidenceFact.PERMITTED_AT_ONCE, EvidenceFact.PERMITTED_AFTER),
    EvidenceFact.HELD: tuple(one for one in EvidenceFact if one.value.startswith("ask.decided:held:")),
    EvidenceFact.REFUSED: tuple(one for one in EvidenceFact if one.value.startswith("ask.decided:refused:")),
    EvidenceFact.ENDED: tuple(one for one in EvidenceFact if one.name.startswith("ENDED_")),
}


def exercised(figures: Figures) -> set[str]:
    return {
        each.control.id for one in evaluate_controls(figures, FRAMEWORKS) for each in one.controls if each.state is ControlState.EXERCISED
    }


def note(kind: Kind, index: int = 0, **envelope: Any) -> CountedEntry:
    return CountedEntry(index=index, kind=kind, envelope=envelope)


@pytest.mark.proves("P5")
def test_of_an_empty_log_every_control_of_every_framework_is_not_exercised() -> None:
    assert exercised(NO_FIGURES) == set()
    told = evidence_json(evaluate_controls(NO_FIGURES, FRAMEWORKS), NO_FIGURES)
    assert {each["state"] for one in _list(told["frameworks"]) for each in one["controls"]} == {"not exercised"}
    assert {one["total"] for one in _list(told["figures"])} == {0}


@pytest.mark.proves("P5")
@pytest.mark.parametrize("kind", sorted(SET_UP))
def test_set_up_exercises_nothing_however_much_of_it_there_is(kind: Kind) -> None:
    figures = count_facts([note(kind, index) for index in range(1000)])
    assert (figures.entries, figures.set_up, figures.facts, exercised(figures)) == (1000, 1000, {}, set())


@pytest.mark.proves("P5")
def test_a_harmless_ask_exercises_recording_alone() -> None:
    figures = count_facts([note(Kind.TASK_OPENED), note(Kind.ASK_DECIDED, 1, decision="permit", waiver=-1)])
    assert exercised(figures) == {"5", "T8", "T44", "MEASURE 2.4", "AML.M0024"}


@settings(max_examples=60)
@given(LOGS)
def test_figures_add_up(log: list[CountedEntry]) -> None:
    figures = count_facts(log)
    assert figures.entries == len(log)
    for whole, shares in PARTS.items():
        assert figures.of(whole).total == sum(figures.of(one).total for one in shares), whole


@settings(max_examples=60)
@given(LOGS, TOLD)
def test_an_entry_more_never_lowers_a_figure_and_never_takes_a_state_back(log: list[CountedEntry], more: tuple[Kind, Any]) -> None:
    before = count_facts(log)
    after = count_facts([*log, CountedEntry(index=len(log), kind=more[0], envelope=more[1])])
    assert all(before.of(fact).total <= after.of(fact).total <= before.of(fact).total + 1 for fact in EvidenceFact)
    assert exercised(before) <= exercised(after)


@settings(max_examples=60)
@given(LOGS, st.integers(0, 40))
def test_a_log_read_in_parts_gives_the_same_figures_in_any_order(log: list[CountedEntry], cut: int) -> None:
    head, tail = count_facts(log[:cut]), count_facts(log[cut:])
    assert count_facts(log) == merge_figures(head, tail) == merge_figures(tail, head) == count_facts(reversed(log))


@settings(max_examples=60)
@given(LOGS)
def test_the_places_of_a_figure_are_its_first_entries(log: list[CountedEntry]) -> None:
    figures = count_facts(log)
    for fact in EvidenceFact:
        telling = [one.index for one in log if fact in facts_of(one.kind, one.envelope)]
        assert (figures.of(fact).total, figures.of(fact).places) == (len(telling), tuple(telling[:PLACES]))


@settings(max_examples=60)
@given(LOGS)
def test_a_control_is_exercised_exactly_when_an_entry_shows_it(log: list[CountedEntry]) -> None:
    told = {fact for one in log for fact in facts_of(one.kind, one.envelope)}
    for one in evaluate_controls(count_facts(log), FRAMEWORKS):
        for each in one.controls:
            assert (each.state is ControlState.EXERCISED) == bool(told & set(each.control.shown)), each.control.id


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        ("mandate.power_missing", EvidenceFact.REFUSED_MANDATE),
        ("mandate.uses_spent", EvidenceFact.REFUSED_SPENT),
        ("mandate.total_spent", EvidenceFact.REFUSED_SPENT),
        ("params.not_owned", EvidenceFact.REFUSED_OWNER),
        ("params.invalid", EvidenceFact.REFUSED_PARAMS),
        ("action.unknown", EvidenceFact.REFUSED_PARAMS),
        ("words.secret", EvidenceFact.REFUSED_SECRET),
        ("words.wider", EvidenceFact.REFUSED_WORDS),
        ("objective.step_order", EvidenceFact.REFUSED_OBJECTIVE),
        ("policy.no_rule", EvidenceFact.REFUSED_POLICY),
        ("confirmation.too_many", EvidenceFact.REFUSED_CONFIRMATION),
        ("fault.backoffice", EvidenceFact.REFUSED_OTHER),
        ("task.held", EvidenceFact.REFUSED_OTHER),
    ],
)
def test_a_refusal_is_counted_under_its_reason(code: str, fact: EvidenceFact) -> None:
    assert facts_of(Kind.ASK_DECIDED, {"decision": "refuse", "code": code}) == (EvidenceFact.DECIDED, EvidenceFact.REFUSED, fact)


def test_an_officer_who_wrote_past_remit_is_no_blocked_message_of_an_agent() -> None:
    assert facts_of(Kind.MESSAGE_BLOCKED, {"why": "native_public_reply"}) == (EvidenceFact.NATIVE_REPLY,)
    assert facts_of(Kind.MESSAGE_BLOCKED, {}) == (EvidenceFact.MESSAGE_BLOCKED,)


@pytest.mark.parametrize(
    ("envelope", "fact"),
    [
        ({}, EvidenceFact.PERMITTED_AT_ONCE),
        ({"who": [], "confirmed_by": []}, EvidenceFact.PERMITTED_AT_ONCE),
        ({"who": ["customer"], "confirmed_by": ["customer"]}, EvidenceFact.PERMITTED_AFTER),
        ({"who": [], "confirmed_by": ["officer:billing"]}, EvidenceFact.PERMITTED_AFTER),
    ],
)
def test_what_waited_for_a_person_was_not_permitted_at_once(envelope: Any, fact: EvidenceFact) -> None:
    assert facts_of(Kind.ASK_DECIDED, {"decision": "permit", **envelope}) == (EvidenceFact.DECIDED, EvidenceFact.PERMITTED, fact)


def test_words_that_are_looked_at_or_left_out_are_no_confirmations() -> None:
    held: Any = {"decision": "needs_human", "who": ["officer:care"], "words": "held"}
    assert facts_of(Kind.ASK_DECIDED, held) == (EvidenceFact.DECIDED, EvidenceFact.HELD, EvidenceFact.HELD_WORDS)
    assert facts_of(Kind.ASK_DECIDED, held | {"words": "released"}) == (EvidenceFact.DECIDED, EvidenceFact.HELD, EvidenceFact.HELD_OFFICER)
    left: Any = {"decision": "permit", "words": "stripped"}
    assert EvidenceFact.LEFT_OUT in facts_of(Kind.ASK_DECIDED, left)
    assert EvidenceFact.LEFT_OUT not in facts_of(Kind.ASK_DECIDED, left | {"confirmed_by": ["customer"]})
    assert facts_of(Kind.WORDS_ANSWERED, {"answer": "release"}) == (EvidenceFact.WORDS_ANSWERED, EvidenceFact.WORDS_RELEASED)


def test_a_waiver_counts_where_it_let_something_through() -> None:
    assert EvidenceFact.WAIVED in facts_of(Kind.ASK_DECIDED, {"decision": "permit", "waiver": 0})
    assert EvidenceFact.WAIVED not in facts_of(Kind.ASK_DECIDED, {"decision": "permit", "waiver": -1})
    assert EvidenceFact.WAIVED not in facts_of(Kind.ASK_DECIDED, {"decision": "needs_human", "who": ["customer"], "waiver": 0})


@pytest.mark.parametrize(
    ("kind", "envelope"),
    [
        (Kind.ASK_DECIDED, {}),
        (Kind.ASK_DECIDED, {"decision": "allow"}),
        (Kind.ASK_DECIDED, {"decision": "needs_human", "who": []}),
        (Kind.ASK_DECIDED, {"decision": "needs_human", "who": "customer"}),
        (Kind.CONFIRMATION_ANSWERED, {"answer": "maybe"}),
        (Kind.WORDS_ANSWERED, {"answer": "yes"}),
        (Kind.ACT_PERFORMED, {}),
        (Kind.TASK_ENDED, {"reason": "bored"}),
    ],
)
def test_what_an_envelope_says_and_nobody_knows_is_no_figure(kind: Kind, envelope: Any) -> None:
    with pytest.raises(Refused) as refused:
        count_facts([note(Kind.TASK_OPENED), CountedEntry(index=7, kind=kind, envelope=envelope)])
    assert refused.value.code is Code.LOG_DAMAGED
    assert "entry 7" in refused.value.detail


def test_every_fact_has_a_title_and_every_control_is_named_once() -> None:
    assert set(TITLES) == set(EvidenceFact)
    for one in FRAMEWORKS:
        named = [*(each.id for each in one.controls), *(each.id for each in one.silent)]
        assert len(named) == len(set(named))
        assert all(each.shown and not set(each.shown) & set(each.beside) for each in one.controls)


def test_every_kind_is_counted_as_a_fact_or_known_to_be_none() -> None:
    told = {kind for kind in Kind if kind in ENVELOPES or facts_of(kind, {})}
    assert set(Kind) - told == SET_UP | {
        Kind.CONFIRMATION_HANDED,
        Kind.CONFIRMATION_TAKEN,
        Kind.CONFIRMATION_INVITED,
        Kind.INCIDENT_ASSIGNED,
        Kind.INCIDENT_CLOSED,
        Kind.INCIDENT_NOTED,
        Kind.INCIDENT_OPENED,
        Kind.NOISE_COUNTED,
        Kind.TRANSCRIPT_EXPORTED,
        Kind.WAIVER_USED,
    }


def test_nothing_in_a_report_can_be_read_as_a_score() -> None:
    names = set(_names(evidence_json(evaluate_controls(NO_FIGURES, FRAMEWORKS), NO_FIGURES)))
    assert names == {
        *("meaning", "counted", "entries", "set_up", "kinds", "figures", "frameworks", "framework", "title", "controls", "id", "does"),
        *("state", "shown", "beside", "fact", "total", "silent", "why", "rest"),
    }
    assert {one.value for one in ControlState} == {"exercised", "not exercised"}


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    period = read_period("1970-01-02", "1970-01-03T00:00:00.001Z")
    day = 24 * 60 * 60 * 1000
    assert [period.holds(Instant(at)) for at in (day - 1, day, 2 * day, 2 * day + 1)] == [False, True, True, False]
    assert read_period("", "").holds(Instant(0))


@pytest.mark.parametrize(
    ("since", "until"),
    [("yesterday", ""), ("", "2026-13-01"), ("2026-11-25 08:00", ""), ("2026-11-26", "2026-11-25"), ("2026-11-25", "2026-11-25")],
)
def test_a_period_that_is_none_is_refused(since: str, until: str) -> None:
    with pytest.raises(Refused) as refused:
        read_period(since, until)
    assert refused.value.code is Code.REQUEST_MALFORMED


def test_frameworks_are_chosen_by_name() -> None:
    assert frameworks_named([], FRAMEWORKS) == FRAMEWORKS
    assert [one.name for one in frameworks_named(["mitre-atlas", "owasp-asi"], FRAMEWORKS)] == ["owasp-asi", "mitre-atlas"]
    with pytest.raises(Refused) as refused:
        frameworks_named(["iso-42001"], FRAMEWORKS)
    assert refused.value.code is Code.REQUEST_MALFORMED


def _list(value: Any) -> list[Any]:
    return list(value)


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
