import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.store.risk_history import decode_risk_history, encode_risk_history
from remit.domain.errors import Code, Fault
from remit.domain.policy.decision import EndTask, HoldTask, NoConsequence, RiskThresholds, risk_consequence
from remit.domain.policy.risk import (
    HALF_LIFE_MS,
    AskPermitted,
    AskRefused,
    AskRepeated,
    RiskHistory,
    RiskHistoryEvent,
    RiskScore,
    SubjectKind,
    SubjectOpened,
    TaskReviewed,
    WordsDrifted,
    advance_risk_history,
    new_risk_history,
    overall_risk,
    risk_of_history,
)
from remit.domain.values import Instant

HOUR = 60 * 60 * 1000
NOW = Instant(1_800_000_000_000)
SETTINGS = RiskThresholds()
DATA = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[4] / "shared")) / "data"


def at(ms: int) -> Instant:
    return Instant(NOW + ms)


def run(kind: SubjectKind, *events: RiskHistoryEvent, step: int = 1000) -> RiskHistory:
    trail = new_risk_history(kind, "s")
    for place, event in enumerate(events):
        trail = advance_risk_history(trail, event, at(place * step))
    return trail


def not_owned(about: str) -> AskRefused:
    return AskRefused(code=Code.PARAMS_NOT_OWNED, about=about)


REFUND = AskPermitted(action="payment.refund", write=True, capped=True, target="W1")


def test_a_new_subject_carries_no_risk() -> None:
    assert overall_risk([new_risk_history(kind, "s") for kind in SubjectKind], NOW, "") == RiskScore(0, 0)


def test_ten_small_refunds_on_one_target_are_held_by_the_sixth_and_ended_by_the_tenth() -> None:
    held = [risk_consequence(risk_of_history(run(SubjectKind.GRANT, *[REFUND] * count), at(20_000)), SETTINGS) for count in range(1, 11)]
    assert held[:3] == [NoConsequence()] * 3
    assert isinstance(held[5], HoldTask)
    assert isinstance(held[9], EndTask)


def test_slices_spread_over_half_a_day_are_still_noticed() -> None:
    trail = run(SubjectKind.TARGET, *[REFUND] * 10, step=HOUR)
    assert isinstance(risk_consequence(risk_of_history(trail, at(10 * HOUR)), SETTINGS), HoldTask | EndTask)


def test_refunds_of_different_targets_are_no_slices() -> None:
    events = [AskPermitted(action="payment.refund", write=True, capped=True, target=f"W{n}") for n in range(10)]
    assert risk_of_history(run(SubjectKind.GRANT, *events), at(10_000)) == 0


def test_many_reads_of_own_records_leave_no_trace() -> None:
    events = [AskPermitted(action="order.read", write=False, target=f"W{n % 7}") for n in range(200)]
    assert risk_of_history(run(SubjectKind.TASK, *events), at(200_000)) == 0


def test_sweeping_ids_holds_and_then_ends_the_task() -> None:
    assert isinstance(risk_consequence(risk_of_history(run(SubjectKind.TASK, *map(not_owned, "abcdefgh")), at(8_000)), SETTINGS), HoldTask)
    assert isinstance(
        risk_consequence(risk_of_history(run(SubjectKind.TASK, *map(not_owned, "abcdefghijklm")), at(13_000)), SETTINGS), EndTask
    )


def test_retrying_one_wrong_id_weighs_less_than_sweeping() -> None:
    same = risk_of_history(run(SubjectKind.TASK, *[not_owned("a")] * 6), at(6_000))
    swept = risk_of_history(run(SubjectKind.TASK, *map(not_owned, "abcdef")), at(6_000))
    assert same < swept / 2


def test_schema_errors_faults_and_the_desks_own_noes_do_not_count() -> None:
    quiet = [Code.PARAMS_INVALID, Code.REQUEST_MALFORMED, Code.FAULT_STORE, Code.DESK_REFUSED, Code.ACTION_UNKNOWN, Code.TASK_BUSY]
    assert risk_of_history(run(SubjectKind.TASK, *[AskRefused(code=code) for code in quiet * 50]), at(300_000)) == 0


def test_asking_again_after_a_decline_is_held_at_the_third() -> None:
    assert isinstance(risk_consequence(risk_of_history(run(SubjectKind.OPERATOR, *[AskRepeated()] * 3), at(3_000)), SETTINGS), HoldTask)


def test_asking_alike_after_a_decline_counts_too() -> None:
    assert risk_of_history(run(SubjectKind.OPERATOR, AskRepeated(alike=True)), NOW) > 0


def test_drifting_words_add_up_with_refused_words() -> None:
    trail = run(SubjectKind.TASK, *[WordsDrifted(), AskRefused(code=Code.WORDS_WIDER)] * 4)
    assert isinstance(risk_consequence(risk_of_history(trail, at(8_000)), SETTINGS), HoldTask)


def test_risk_fades_by_half_each_half_life() -> None:
    trail = run(SubjectKind.TASK, *map(not_owned, "abcde"))
    assert risk_of_history(trail, at(4_000)) == 39 or risk_of_history(trail, at(4_000)) == 40
    assert risk_of_history(trail, at(4_000 + HALF_LIFE_MS)) in {19, 20}


def test_a_clock_that_steps_back_never_raises_risk() -> None:
    trail = run(SubjectKind.TASK, *map(not_owned, "abcde"))
    assert risk_of_history(trail, Instant(NOW - HOUR)) <= 40


def test_risk_is_the_highest_of_the_subjects_and_never_the_customers() -> None:
    bad = run(SubjectKind.CUSTOMER, *map(not_owned, "abcdefghijklmnop"))
    mild = run(SubjectKind.TASK, not_owned("a"))
    assert overall_risk([bad, mild], at(20_000), "") == RiskScore(risk_of_history(mild, at(20_000)), risk_of_history(bad, at(20_000)))
    assert overall_risk([bad], at(20_000), "").adds_confirmation(SETTINGS)


def test_a_busy_honest_operator_is_not_held_for_its_customers_wrong_numbers() -> None:
    trail = new_risk_history(SubjectKind.OPERATOR, "big")
    for n in range(2_000):
        event: RiskHistoryEvent = not_owned(str(n)) if n % 20 == 0 else AskPermitted(action="order.read", write=False)
        trail = advance_risk_history(trail, event, at(n * 1000))
    assert risk_consequence(risk_of_history(trail, at(2_000_000)), SETTINGS) == NoConsequence()


def test_an_operator_that_spreads_a_sweep_over_many_tasks_is_ended() -> None:
    assert isinstance(
        risk_consequence(risk_of_history(run(SubjectKind.OPERATOR, *[not_owned(str(n)) for n in range(200)]), at(200_000)), SETTINGS),
        EndTask,
    )


def test_opening_much_is_a_hint_and_holds_nobody_alone() -> None:
    trail = run(SubjectKind.OPERATOR, *[SubjectOpened(what="agent")] * 500)
    assert 0 < risk_of_history(trail, at(500_000)) < SETTINGS.hold


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), min_size=1, max_size=60),
    st.sampled_from([SubjectKind.AGENT, SubjectKind.OPERATOR]),
)
def test_whoever_uses_what_it_opens_is_no_risk_by_opening_it(customers: list[tuple[int, int]], kind: SubjectKind) -> None:
    trail, now = new_risk_history(kind, "busy"), 0
    for requested, asked in customers:
        events: list[RiskHistoryEvent] = [SubjectOpened(what="mandate")] * requested + [SubjectOpened(what="task")]
        for event in [*events, *[AskPermitted(action="order.read", write=False)] * asked]:
            now += 60_000
            trail = advance_risk_history(trail, event, at(now))
            assert risk_of_history(trail, at(now)) == 0


def test_whoever_opens_and_never_asks_is_a_hint_and_more_together_with_a_sweep() -> None:
    opened: list[RiskHistoryEvent] = [SubjectOpened(what="mandate"), SubjectOpened(what="task")] * 35
    swept: list[RiskHistoryEvent] = [not_owned(str(n)) for n in range(6)]
    alone, both = run(SubjectKind.OPERATOR, *opened), run(SubjectKind.OPERATOR, *opened, *swept)
    assert risk_consequence(risk_of_history(alone, at(60_000)), SETTINGS) == NoConsequence()
    assert not overall_risk([alone], at(60_000), "").adds_confirmation(SETTINGS)
    assert isinstance(risk_consequence(risk_of_history(both, at(60_000)), SETTINGS), HoldTask)


def test_a_trail_stays_small_and_survives_the_store() -> None:
    events: list[RiskHistoryEvent] = []
    for n in range(300):
        events += [not_owned(str(n)), AskPermitted(action="a.b", write=True, target=str(n))]
    trail = run(SubjectKind.GRANT, *events)
    kept = encode_risk_history(trail)
    assert len(kept) < 8_000
    assert decode_risk_history(kept) == trail


@pytest.mark.parametrize(
    "damage", [{"levels": []}, {"levels": {"sweep": [1]}}, {"kind": "moon"}, {"levels": {"sweep": {"milli": 1}}}, {"asks": "x"}]
)
def test_a_damaged_trail_is_not_a_clean_slate(damage: dict[str, object]) -> None:
    with pytest.raises(Fault) as fault:
        decode_risk_history(json.dumps({**json.loads(encode_risk_history(new_risk_history(SubjectKind.TASK, "t"))), **damage}))
    assert fault.value.code is Code.FAULT_STORE


_EVENTS = st.one_of(
    st.builds(AskRefused, code=st.sampled_from(Code), about=st.text(max_size=3)),
    st.builds(AskPermitted, action=st.just("a.b"), write=st.booleans(), capped=st.booleans(), target=st.text(max_size=1)),
    st.just(AskRepeated()),
    st.just(WordsDrifted()),
    st.builds(SubjectOpened, what=st.sampled_from(["agent", "mandate", "task"])),
)


@given(st.lists(_EVENTS, max_size=40), st.sampled_from([SubjectKind.TASK, SubjectKind.GRANT, SubjectKind.TARGET]))
def test_no_event_lowers_the_risk_of_a_task_grant_or_target(events: list[RiskHistoryEvent], kind: SubjectKind) -> None:
    trail = new_risk_history(kind, "s")
    for event in events:
        more = advance_risk_history(trail, event, NOW)
        assert 0 <= risk_of_history(trail, NOW) <= risk_of_history(more, NOW) <= 100
        trail = more


@pytest.mark.parametrize("name", ["tau_retail", "tau_airline", "tau_banking"])
def test_honest_replays_are_never_held(name: str) -> None:
    folder = DATA / name
    if not folder.exists():
        pytest.skip("no shared data; set REMIT_SHARED")
    facts = json.loads((folder / "facts_dev.json").read_text())["owners"]
    writes = {tool["name"] for tool in json.loads((folder / "tools.json").read_text()) if tool["effect"] == "write"}
    operator, now = new_risk_history(SubjectKind.OPERATOR, "o"), 0
    for task in json.loads((folder / "tasks_dev.json").read_text()):
        trail = new_risk_history(SubjectKind.TASK, task["id"])
        for call in task["calls"]:
            now += 1000
            event = _as_event(call, task["principal"], facts, writes)
            trail, operator = advance_risk_history(trail, event, at(now)), advance_risk_history(operator, event, at(now))
            assert risk_consequence(overall_risk([trail, operator], at(now), "").highest, SETTINGS) == NoConsequence(), task["id"]


def _as_event(call: dict[str, dict[str, object]], principal: str, facts: dict[str, object], writes: set[str]) -> RiskHistoryEvent:
    ids = [value for value in call["arguments"].values() if isinstance(value, str)]
    foreign = [one for one in ids if one in facts and facts[one] != principal]
    if foreign:
        return not_owned(foreign[0])
    capped = any(isinstance(value, int | float) for value in call["arguments"].values())
    return AskPermitted(action=str(call["tool"]), write=call["tool"] in writes, capped=capped, target=ids[0] if ids else "")


def test_what_was_looked_at_is_taken_off_and_what_others_did_meanwhile_stays() -> None:
    seen = run(SubjectKind.OPERATOR, *map(not_owned, "abc"))
    later = advance_risk_history(advance_risk_history(seen, not_owned("d"), at(10_000)), AskRepeated(alike=False), at(10_000))
    looked = advance_risk_history(later, TaskReviewed(levels=seen.levels), at(10_000))
    alone = advance_risk_history(run(SubjectKind.OPERATOR), not_owned("d"), at(10_000))
    assert looked.levels.keys() == later.levels.keys()
    for sign, level in alone.levels.items():
        assert looked.levels[sign].milli == pytest.approx(level.milli, abs=1)
    assert advance_risk_history(seen, TaskReviewed(levels=seen.levels), at(2_000)).levels == {}
    task = run(SubjectKind.TASK, *map(not_owned, "abc"))
    assert advance_risk_history(task, TaskReviewed(levels={}), at(2_000)).levels == {}


def test_opening_much_raises_risk_and_time_lowers_it() -> None:
    now = Instant(1_800_000_000_000)
    trail = new_risk_history(SubjectKind.OPERATOR, "h.example")
    for _ in range(200):
        trail = advance_risk_history(trail, SubjectOpened(what="mandate"), now)
    assert risk_of_history(trail, now) > 0
    assert risk_of_history(trail, Instant(now + 30 * 24 * 3600 * 1000)) < risk_of_history(trail, now)


def swept(*customers: str, kind: SubjectKind = SubjectKind.OPERATOR) -> RiskHistory:
    """A trail with one guess at another's record in a task of each of these customers."""
    trail = new_risk_history(kind, "s")
    for place, customer in enumerate(customers):
        trail = advance_risk_history(trail, not_owned(str(place)), at(place), customer)
    return trail


@pytest.mark.parametrize("kind", [SubjectKind.AGENT, SubjectKind.OPERATOR])
def test_one_customers_evidence_weighs_in_full_on_their_own_tasks_and_little_on_others(kind: SubjectKind) -> None:
    trail = swept(*["anna"] * 8, kind=kind)
    assert [risk_of_history(trail, at(8), one) for one in ("anna", "bram", "")] == [64, 24, 24]
    assert risk_of_history(swept(*["anna"] * 8, *["cara"] * 8, kind=kind), at(16), "bram") < SETTINGS.hold


def test_evidence_over_three_customers_holds_the_fourth() -> None:
    assert risk_of_history(swept(*"abcabcab"), at(8), "d") >= SETTINGS.hold


def test_the_lighter_of_many_customers_still_count_together() -> None:
    trail = swept(*(f"c{n}" for n in range(200)))
    assert len(trail.customers) <= 17
    assert risk_of_history(trail, at(200), "other") >= SETTINGS.hold


def test_asks_without_trouble_explain_a_few_bad_days_and_no_sweep() -> None:
    trail = swept(*"abcdefgh")
    before = risk_of_history(trail, at(8), "other")
    for n in range(10):
        trail = advance_risk_history(trail, AskPermitted(action="order.read", write=False), at(8 + n), f"q{n}")
    assert before >= SETTINGS.hold > risk_of_history(trail, at(18), "other") > SETTINGS.confirm
    own = swept(*["a"] * 8)
    for n in range(10):
        own = advance_risk_history(own, AskPermitted(action="order.read", write=False), at(8 + n), f"q{n}")
    assert risk_of_history(own, at(18), "a") >= SETTINGS.hold


def test_what_was_looked_at_is_taken_off_its_customer() -> None:
    trail, task = swept(*["anna"] * 8), swept(*["anna"] * 8, kind=SubjectKind.TASK)
    looked = advance_risk_history(trail, TaskReviewed(levels=task.levels), at(10), "anna")
    assert (looked.levels, looked.customers) == ({}, {})


def wider(n: int) -> AskRefused:
    return AskRefused(code=Code.WORDS_WIDER, mend=f"m{n}")


def mended(n: int) -> AskPermitted:
    return AskPermitted(action="order.read", write=False, mends=(f"m{n}",))


@pytest.mark.parametrize("kind", [SubjectKind.TASK, SubjectKind.GRANT, SubjectKind.AGENT, SubjectKind.OPERATOR])
def test_eight_mended_messages_cost_nothing_and_more_than_that_add_up(kind: SubjectKind) -> None:
    events: list[RiskHistoryEvent] = [event for n in range(8) for event in (wider(n), mended(n))]
    assert risk_of_history(run(kind, *events), at(20_000)) == 0
    more: list[RiskHistoryEvent] = [event for n in range(17) for event in (wider(n), mended(n))]
    assert (risk_of_history(run(kind, *more), at(40_000)) >= SETTINGS.hold) is (kind in {SubjectKind.TASK, SubjectKind.GRANT})


def test_only_what_was_mended_is_taken_off() -> None:
    assert risk_of_history(run(SubjectKind.TASK, wider(1), wider(2), mended(1), mended(1), mended(3)), at(9_000)) == 7


def test_a_trail_of_before_opens_and_a_full_one_stays_small() -> None:
    trail = run(SubjectKind.OPERATOR, *(wider(n) for n in range(300)))
    for n in range(300):
        trail = advance_risk_history(trail, not_owned(str(n)), at(n), f"customer-{n}")
    kept = encode_risk_history(trail)
    assert len(kept) < 8_000
    assert decode_risk_history(kept) == trail
    old = {name: one for name, one in json.loads(kept).items() if name not in {"customers", "unmended", "mended"}}
    assert decode_risk_history(json.dumps(old)).customers == {}
