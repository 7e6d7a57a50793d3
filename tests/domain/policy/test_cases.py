"""Policy cases are data, and what is wrong in them is said with file, case and key."""

import json
from typing import Any

import pytest

from desks.policies import DESK
from desks.policies import DESK as POLICY_DESK
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.errors import Code, Refused
from remit.domain.policy.cases import CaseAnswer, CaseResult, ExpectedDecision, PolicyCase, compare_case, read_policy_cases
from remit.usecases.policy import run_cases

POLICIES = """
@id("reads") permit(principal, action in Action::"effect:read", resource);
@id("refunds") permit(principal, action in Action::"area:payment", resource) when { context.confirmed_by.contains("customer") };
@id("large") forbid(principal, action == Action::"payment.refund", resource)
  when { context.params.amount.amount.greaterThan(decimal("100.0")) }
  unless { context.confirmed_by.contains("officer:billing") };
@id("risky") forbid(principal, action, resource) when { context.risk >= 80 };
"""
CASES = """
[[case]]
title = "Anybody known may look"
action = "order.read"
params = { order_id = "W1" }
expect = "allow"
by = ["reads"]

[[case]]
title = "A refund needs the customer"
action = "payment.refund"
params = { order_id = "W1", amount = "40.00 EUR", rate = 0.25 }
expect = "needs"
who = ["customer"]

[[case]]
title = "A large refund needs the billing officer too"
action = "payment.refund"
params = { order_id = "W1", amount = "140.00 EUR" }
expect = "needs"
who = ["customer", "officer:billing"]
by = ["refunds"]

[[case]]
title = "A confirmed refund goes through"
action = "payment.refund"
params = { order_id = "W1", amount = "40.00 EUR" }
confirmed_by = ["customer"]
expect = "allow"

[[case]]
title = "Nobody confirms risk away"
action = "payment.refund"
params = { order_id = "W1", amount = "40.00 EUR" }
risk = 90
expect = "deny"
by = ["risky"]
"""


def run(text: str, file: str = "cases.toml") -> tuple[CaseResult, ...]:
    return run_cases.run_policy_cases(
        read_policy_cases(file, text, DESK),
        policy=CedarPolicy([("p.cedar", POLICIES)], DESK),
        params=JsonSchemaParams(DESK),
        catalogue=DESK,
    )


def test_cases_that_hold_pass() -> None:
    assert [one.difference for one in run(CASES)] == [""] * 5


def test_cases_may_be_json() -> None:
    text = '{"case": [{"title": "t", "action": "order.read", "params": {"order_id": "W1"}, "expect": "allow"}]}'
    assert run(text, "cases.json")[0].passed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('expect = "allow"\nby', 'expect = "deny"\nby', "expected deny, but the policies say allow (by reads)"),
        ('expect = "needs"\nwho = ["customer"]', 'expect = "needs"\nwho = ["officer:billing"]', "but the policies need customer"),
        ('by = ["risky"]', 'by = ["large"]', "expected to be decided by large"),
        ('by = ["risky"]', "by = []", "expected to be decided by no policy"),
        ('params = { order_id = "W1" }', "params = { order_id = 5 }", "params.invalid"),
        ("rate = 0.25", "rate = 0.00001", "policy.error"),
    ],
)
def test_cases_that_do_not_hold_say_what_came(old: str, new: str, said: str) -> None:
    assert old in CASES
    differences = [one.difference for one in run(CASES.replace(old, new, 1)) if not one.passed]
    assert len(differences) == 1
    assert said in differences[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('action = "order.read"', 'action = "order.raed"', "`action`"),
        ('by = ["reads"]', 'bye = ["reads"]', "unknown key `bye`"),
        ('title = "Anybody known may look"\n', "", "`title` is missing"),
        ('expect = "allow"\nby', 'expect = "maybe"\nby', "`expect`"),
        ('expect = "allow"\nby', 'expect = "allow"\nwho = ["customer"]\nby', "`who` goes with"),
        ('who = ["customer"]', "", "`who` goes with"),
        ('who = ["customer"]', 'who = ["officer:boss"]', "officer:boss"),
        ('who = ["customer"]', 'who = "customer"', "list of texts"),
        ("risk = 90", "risk = 101", "`risk`"),
        ("risk = 90", "risk = true", "`risk`"),
        ("risk = 90", 'tier = "best"', "`tier`"),
        ("risk = 90", 'objective = "other"', "`objective`"),
        ("risk = 90", 'time = "noon"', "`time`"),
        ("risk = 90", 'records = ["W1"]', "kind:id"),
        ("risk = 90", 'confirmation = "maybe"', "`confirmation`"),
        ('params = { order_id = "W1" }', "params = { order_id = 2026-01-01 }", "`params`"),
        ('params = { order_id = "W1" }', "params = 5", "`params`"),
        ("[[case]]", "[[cases]]\n[[case]]", "[[case]]"),
        ("[[case]]", "case = 1\n[other]", "cases.toml"),
        ("[[case]]", "[[case]", "cases.toml"),
    ],
)
def test_a_malformed_case_is_refused_by_file_case_and_key(old: str, new: str, said: str) -> None:
    assert old in CASES
    with pytest.raises(Refused) as caught:
        read_policy_cases("cases.toml", CASES.replace(old, new, 1), DESK)
    assert caught.value.code is Code.POLICY_INVALID
    assert said in caught.value.detail
    assert caught.value.detail.startswith("cases.toml")


def test_a_case_that_could_not_be_asked_never_passes() -> None:
    (case, *_) = read_policy_cases("cases.toml", CASES, DESK)
    assert isinstance(case, PolicyCase)
    assert not compare_case(case, CaseAnswer(expect=None, note="down")).passed
    assert compare_case(case, CaseAnswer(expect=ExpectedDecision.ALLOW, policies=frozenset({"reads"}))).passed


def test_json_cases_are_read_strictly() -> None:
    with pytest.raises(Refused) as caught:
        read_policy_cases("cases.json", '{"case": [], "case": []}', DESK)
    assert caught.value.code is Code.POLICY_INVALID


@pytest.mark.parametrize("text", ["case = 5", 'case = ["one"]', "[]", '{"case": [5]}'])
def test_a_case_file_of_another_shape_says_so(text: str) -> None:
    for name in ("cases.toml", "cases.json"):
        with pytest.raises(Refused) as refused:
            read_policy_cases(name, text, POLICY_DESK)
        assert refused.value.code is Code.POLICY_INVALID
        assert refused.value.detail.startswith(name)


def case_with(**more: Any) -> str:
    return json.dumps({"case": [{"title": "t", "action": "payment.refund", "expect": "deny", **more}]})


def test_a_case_names_records_by_kind_and_takes_nested_params() -> None:
    one = read_policy_cases(
        "c.json", case_with(records=["order:W1", "payment_method:pm:7"], params={"x": [1, {"y": [True]}]}), POLICY_DESK
    )[0]
    assert one.records == (("order", "W1"), ("payment_method", "pm:7"))
    assert one.params == {"x": [1, {"y": [True]}]}


@pytest.mark.parametrize("records", [["order"], ["order:"], [":W1"], "order:W1"])
def test_a_record_without_kind_or_id_is_refused(records: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_policy_cases("c.json", case_with(records=records), POLICY_DESK)
    assert refused.value.code is Code.POLICY_INVALID
