"""Escalation rules: what is no rule stops the start, the first that fits counts, and a rule only ever adds."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desks.example import desk, desk_data
from remit.adapters.store import codec
from remit.domain.catalogue.model import Catalogue, Escalation, EscalationStep
from remit.domain.confirm.confirmation import advance_escalation, current_assignment, reassigned_to_role, verify_unassigned, with_assignment
from remit.domain.errors import Code, Refused
from remit.domain.policy.escalation import candidate_sets, matching_rule, outstanding_confirmers, role_confirmers
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.records import Assignment, ConfirmationAnswer, ConfirmationRecord, ConfirmationState
from remit.domain.values import Instant, Money, decode_json
from remit.proof.canonical import canonical

RULE: dict[str, Any] = {
    "name": "large",
    "reason": "much money",
    "actions": ["payment.refund"],
    "roles": ["billing"],
    "due": "2h",
    "then": "refuse",
}
HOUR = 3_600_000


def with_rules(*rules: dict[str, Any]) -> Catalogue:
    return read_catalogue({**desk_data(), "escalation": list(rules)}, today=None)


def fits(catalogue: Catalogue, params: dict[str, Any], *, action: str = "payment.refund", tier: str = "known", risk: int = 0) -> str:
    found = matching_rule(catalogue.escalations, catalogue.actions[action], params, tier=tier, risk=risk)
    return "" if found is None else found.name


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"name": None}, "escalation[0].name"),
        ({"name": "Two words"}, "escalation[0].name"),
        ({"reason": ""}, "escalation[0].reason"),
        ({"roles": []}, "escalation[0].roles"),
        ({"roles": ["nobody"]}, "escalation[0].roles"),
        ({"roles": ["officer:billing"]}, "escalation[0].roles"),
        ({"due": "2 hours"}, "escalation[0].due"),
        ({"due": "0m"}, "escalation[0].due"),
        ({"due": "25h"}, "escalation[0].due"),
        ({"due": None}, "escalation[0].due"),
        ({"then": None}, "escalation[0].then"),
        ({"then": "permit"}, "escalation[0].then"),
        ({"then": {"role": "security"}}, "escalation[0].then.due"),
        ({"then": {"role": "billing", "due": "1h"}}, "escalation[0].then.role"),
        ({"then": {"role": "nobody", "due": "1h"}}, "escalation[0].then.role"),
        ({"then": {"role": "security", "due": "1h", "then": "permit"}}, "escalation[0].then.then"),
        ({"then": {"role": "security", "due": "23h"}}, "escalation[0].due"),
        ({"areas": ["payments"]}, "escalation[0].areas"),
        ({"areas": ["security"]}, "escalation[0]: can never match"),
        ({"actions": ["payment.nothing"]}, "escalation[0].actions"),
        ({"actions": ["case.*"]}, "escalation[0].actions"),
        ({"actions": ["order.ship"], "at_least": "5.00 EUR"}, "escalation[0]: can never match"),
        ({"at_least": "5"}, "escalation[0].at_least"),
        ({"at_least": 5}, "escalation[0].at_least"),
        ({"tiers": ["new"]}, "escalation[0].tiers"),
        ({"tiers": []}, "escalation[0].tiers"),
        ({"risk": 101}, "escalation[0].risk"),
        ({"risk": True}, "escalation[0].risk"),
        ({"instead": "yes"}, "escalation[0].instead"),
        ({"until": "2h"}, "escalation[0].until"),
    ],
)
def test_what_is_no_rule_stops_the_start_and_names_its_key(changed: dict[str, Any], key: str) -> None:
    rule = {name: value for name, value in {**RULE, **changed}.items() if value is not None}
    with pytest.raises(Refused) as refused:
        with_rules(rule)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith(key)
    assert ";" in refused.value.detail


@pytest.mark.parametrize(
    "later",
    [
        {},
        {"at_least": "100.00 EUR"},
        {"tiers": ["unproved"]},
        {"risk": 50},
        {"actions": ["payment.refund"], "areas": ["payment"]},
    ],
)
def test_a_rule_behind_one_that_fits_all_of_it_stops_the_start(later: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        with_rules(RULE, {**RULE, **later, "name": "second"})
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith("escalation[1]: can never match")
    assert len(with_rules({**RULE, **later, "name": "second", "at_least": "500.00 EUR"}, RULE).escalations) == 2


def test_names_are_given_once() -> None:
    with pytest.raises(Refused) as refused:
        with_rules({**RULE, "at_least": "100.00 EUR"}, RULE)
    assert refused.value.detail.startswith("escalation[1].name")


def test_rules_are_part_of_the_digest_and_a_desk_without_any_keeps_its_own() -> None:
    none, one, other = desk().digest, with_rules(RULE).digest, with_rules({**RULE, "due": "3h"}).digest
    assert len({none, one, other}) == 3
    assert read_catalogue({**desk_data(), "escalation": []}, today=None).digest == none


def test_the_first_that_fits_counts() -> None:
    found = with_rules({**RULE, "name": "huge", "at_least": "500.00 EUR", "roles": ["security"]}, {**RULE, "at_least": "100.00 EUR"})
    assert [fits(found, {"amount": amount}) for amount in ("99.99 EUR", "100.00 EUR", "499.99 EUR", "500.00 EUR")] == [
        "",
        "large",
        "large",
        "huge",
    ]
    assert fits(found, {"amount": "500.00 EUR"}, action="offer.take") == ""


def test_another_currency_and_what_cannot_be_read_count_as_that_much() -> None:
    found = with_rules({**RULE, "at_least": "500.00 EUR"})
    assert [fits(found, {"amount": amount}) for amount in ("1.00 USD", "much", 5, ["1.00 EUR"], None)] == [
        "large",
        "large",
        "large",
        "",
        "",
    ]
    assert fits(found, {}) == ""


def test_amounts_in_several_params_count_together() -> None:
    data = desk_data()
    data["action"]["payment.refund"]["params"]["properties"]["fees"] = {"type": "array", "items": {"x-money": True}}
    data["action"]["payment.refund"]["title"] += " with {fees}"
    found = read_catalogue({**data, "escalation": [{**RULE, "at_least": "100.00 EUR"}]}, today=None)
    assert fits(found, {"amount": "40.00 EUR", "fees": ["30.00 EUR", "30.00 EUR"]}) == "large"
    assert fits(found, {"amount": "40.00 EUR", "fees": ["30.00 EUR", "29.99 EUR"]}) == ""


def test_tier_and_risk_are_looked_at() -> None:
    found = with_rules({**RULE, "tiers": ["unproved", "known"], "risk": 30})
    told = {(tier, risk): fits(found, {}, tier=tier, risk=risk) for tier in ("unproved", "known", "trusted") for risk in (29, 30)}
    assert {key for key, name in told.items() if name} == {("unproved", 30), ("known", 30)}


ROLES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=2, unique=True).map(tuple)
WORDS = st.frozensets(st.sampled_from(["customer", "officer:a", "officer:b", "officer:c", "officer:d"]))


@st.composite
def rules(draw: st.DrawFn) -> Escalation:
    steps = draw(
        st.lists(st.builds(EscalationStep, roles=ROLES, due_ms=st.integers(1, 10).map(lambda n: n * 60_000)), min_size=1, max_size=3)
    )
    return Escalation(
        name="r",
        reason="r",
        actions=frozenset({"x.y"}),
        tiers=frozenset({"known"}),
        at_least=draw(st.none() | st.just(Money(amount=5, currency="EUR"))),  # type: ignore[arg-type]  # an int is exact enough here
        risk=0,
        instead=draw(st.booleans()),
        steps=tuple(steps),
    )


@given(rules(), WORDS, WORDS)
def test_a_rule_only_adds_people_and_replaces_nobody_of_the_floor_nor_the_customer(
    rule: Escalation, floor: frozenset[str], more: frozenset[str]
) -> None:
    who = floor | more
    for one in candidate_sets(rule, who, floor):
        assert one >= floor
        assert one >= role_confirmers(rule.steps[0].roles)
        assert ("customer" in one) >= ("customer" in who)
        assert rule.instead or one >= who
    assert candidate_sets(rule, who, floor)[-1] >= who


@given(rules(), WORDS, WORDS)
def test_stricter_never_loosens(rule: Escalation, needed: frozenset[str], confirmed: frozenset[str]) -> None:
    without = needed <= confirmed
    with_it = needed | outstanding_confirmers(rule, confirmed) <= confirmed
    assert without or not with_it
    assert outstanding_confirmers(None, confirmed) == frozenset()
    assert not with_it or any(role_confirmers(step.roles) <= confirmed for step in rule.steps)


def invitation(rule: Escalation, who: frozenset[str], answered: frozenset[str]) -> ConfirmationRecord:
    first = role_confirmers(rule.steps[0].roles)
    return ConfirmationRecord(
        id="cnf",
        ask="ask",
        task="task",
        customer="anna",
        operator="o",
        who=tuple(sorted(who | first)),
        decision="ask",
        digest="d",
        rendering="{}",
        rendering_hash="h",
        nonce="n",
        state=ConfirmationState.WAITING,
        at=Instant(0),
        expires_at=Instant(rule.total_ms),
        answers=tuple(
            ConfirmationAnswer(person=one, person_key=one, confirms_as=one, answer="yes", at=Instant(0), evidence="")
            for one in sorted(answered & (who | first))
        ),
        rule=rule.name,
        step=tuple(sorted(first)),
        due_at=Instant(rule.steps[0].due_ms),
        then=rule.steps[1:],
    )


@given(rules(), WORDS, WORDS, st.integers(0, 40))
def test_time_that_passes_hands_on_or_ends_and_gives_nobody_more(
    rule: Escalation, who: frozenset[str], answered: frozenset[str], minutes: int
) -> None:
    now, record = Instant(minutes * 60_000), invitation(rule, who, answered)
    later = advance_escalation(record, now)
    assert later.expires_at == record.expires_at == rule.total_ms
    assert (now < later.due) is (now < rule.total_ms)
    assert {one.confirms_as for one in later.answers} <= set(later.who)
    assert set(record.who) - role_confirmers(rule.steps[0].roles) <= set(later.who) | {
        word for step in rule.steps for word in role_confirmers(step.roles)
    }
    assert advance_escalation(later, now) == later
    # Looked at once at the end, or at every moment on the way: the same people are asked at the end.
    along = record
    for at in range(minutes + 1):
        along = advance_escalation(along, Instant(at * 60_000))
    assert along == later


def test_what_a_rule_asks_for_goes_only_where_the_rule_says() -> None:
    steps = tuple(EscalationStep(roles=(role,), due_ms=HOUR) for role in ("a", "b", "c"))
    rule = Escalation(name="r", reason="", actions=frozenset(), tiers=frozenset(), at_least=None, risk=0, instead=False, steps=steps)
    record = invitation(rule, frozenset({"customer", "officer:e"}), frozenset())
    handed = reassigned_to_role(record, "officer:a", "c", Instant(HOUR // 2))
    assert (handed.who, handed.step, handed.then, handed.due) == (
        ("customer", "officer:c", "officer:e"),
        ("officer:c",),
        (),
        HOUR + HOUR // 2,
    )
    for word, role in (("officer:a", "d"), ("officer:a", "e"), ("officer:b", "c"), ("customer", "customer")):
        with pytest.raises(Refused) as refused:
            reassigned_to_role(record, word, role, Instant(0))
        assert refused.value.code is Code.CONFIRMATION_WRONG_PERSON
    assert reassigned_to_role(record, "officer:e", "d", Instant(0)).who == ("customer", "officer:a", "officer:d")


def test_what_is_taken_is_free_again_after_a_while() -> None:
    rule = Escalation(
        name="r",
        reason="",
        actions=frozenset(),
        tiers=frozenset(),
        at_least=None,
        risk=0,
        instead=False,
        steps=(EscalationStep(roles=("a",), due_ms=HOUR),),
    )
    record = invitation(rule, frozenset(), frozenset())
    taken = with_assignment(record, Assignment(word="officer:a", person="ann", person_key="k", name="Ann", until=Instant(600_000)))
    verify_unassigned(taken, "officer:a", person_key="k", now=Instant(0))
    verify_unassigned(taken, "customer", person_key="other", now=Instant(0))
    with pytest.raises(Refused) as refused:
        verify_unassigned(taken, "officer:a", person_key="other", now=Instant(599_999))
    assert (refused.value.code, refused.value.retry_after_s) == (Code.CONFIRMATION_TAKEN, 1)
    verify_unassigned(taken, "officer:a", person_key="other", now=Instant(600_000))
    moved = with_assignment(taken, replace(taken.taken[0], person="bea"))
    held = current_assignment(moved, "officer:a", Instant(0))
    assert held is not None
    assert (held.person, len(moved.taken)) == ("bea", 1)


def test_an_invitation_is_kept_with_what_its_rule_says_and_one_from_before_rules_is_due_when_it_ends() -> None:
    steps = (EscalationStep(roles=("a",), due_ms=HOUR), EscalationStep(roles=("b", "c"), due_ms=HOUR))
    rule = Escalation(name="r", reason="", actions=frozenset(), tiers=frozenset(), at_least=None, risk=0, instead=False, steps=steps)
    taken = Assignment(word="officer:a", person="ann", person_key="k", name="Ann", until=Instant(600_000))
    record = with_assignment(invitation(rule, frozenset({"customer"}), frozenset()), taken)
    assert codec.decode_record(ConfirmationRecord.KIND, codec.encode_record(record)) == record
    assert {link.name: link.at for link in record.links()}["due.confirmation"] == HOUR
    kept = decode_json(codec.encode_record(record))
    assert isinstance(kept, dict)
    old = {
        name: value for name, value in kept.items() if name not in {"rule", "reason", "step", "due_at", "then", "taken", "risk", "signs"}
    }
    before = codec.decode_record(ConfirmationRecord.KIND, canonical(old))
    assert {link.name: link.at for link in before.links()}["due.confirmation"] == 2 * HOUR
