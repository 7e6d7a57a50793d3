"""Whether new rules only tighten those in force."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from desk_example import TODAY, desk_data
from remit.domain.catalogue_reading import read_catalogue
from remit.domain.rules_outline import RulesOutline, only_tightens, outline_of, read_outline

WAIVER = {
    "action": "payment.refund",
    "limit": {"amount": {"max": "5.00 EUR"}},
    "reason": "small amounts",
    "owner": "head of billing",
    "ends": "2027-06-30",
}
POLICIES = ((True, "sha-256:p1"), (True, "sha-256:p2"), (False, "sha-256:f1"))
SETTINGS = {"terms": {"task_idle_s": 60}, "secrets": "refuse"}


def rules(change: Callable[[dict[str, Any]], object] = lambda _: None, policies: Any = POLICIES, settings: Any = None) -> RulesOutline:
    data = desk_data()
    data["waiver"] = [deepcopy(WAIVER)]
    change(data)
    return outline_of(read_catalogue(data, today=TODAY), policies, SETTINGS if settings is None else settings)


def raised(data: dict[str, Any]) -> None:
    data["floor"]["payment"] = ["customer", "officer:billing"]


TIGHTER: dict[str, RulesOutline] = {
    "the same rules": rules(),
    "a floor is raised": rules(raised),
    "a waiver goes": rules(lambda data: data.update(waiver=[])),
    "a policy that forbids comes": rules(policies=(*POLICIES, (False, "sha-256:f2"))),
    "a policy that permits goes": rules(policies=POLICIES[1:]),
    "all at once": rules(lambda data: (raised(data), data.update(waiver=[])), policies=(POLICIES[0], POLICIES[2], (False, "sha-256:f3"))),
}
OTHER: dict[str, RulesOutline] = {
    "a policy that permits comes": rules(policies=(*POLICIES, (True, "sha-256:p3"))),
    "a policy that permits is another": rules(policies=((True, "sha-256:p9"), *POLICIES[1:])),
    "a policy that forbids goes": rules(policies=POLICIES[:2]),
    "what forbade now permits": rules(policies=(*POLICIES[:2], (True, "sha-256:f1"))),
    "a waiver comes": rules(lambda data: data["waiver"].append({**deepcopy(WAIVER), "reason": "more"})),
    "a waiver is wider": rules(lambda data: data["waiver"][0]["limit"]["amount"].update(max="6.00 EUR")),
    "a waiver lasts longer": rules(lambda data: data["waiver"][0].update(ends="2027-07-30")),
    "a setting is another": rules(settings={**SETTINGS, "secrets": "redact"}),
    "a title is another": rules(lambda data: data["desk"].update(name="Other")),
    "an action comes": rules(lambda data: data["action"].update({"extra.do": deepcopy(data["action"]["order.read"])})),
    "an objective is reached sooner": rules(lambda data: data["objective"]["return-item"].update(done_when=["order.read"])),
}


@pytest.mark.parametrize("name", TIGHTER)
def test_what_only_tightens_is_known(name: str) -> None:
    assert only_tightens(rules(), TIGHTER[name])


@pytest.mark.parametrize("name", OTHER)
def test_what_may_loosen_is_known(name: str) -> None:
    assert not only_tightens(rules(), OTHER[name])


@pytest.mark.parametrize("name", ["a floor is raised", "a waiver goes", "a policy that forbids comes", "a policy that permits goes"])
def test_taking_back_what_tightened_loosens(name: str) -> None:
    assert not only_tightens(TIGHTER[name], rules())


def test_an_outline_is_kept_and_read_again() -> None:
    for one in (*TIGHTER.values(), *OTHER.values()):
        assert read_outline(one.text()) == one


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"rest":"x"}', '{"rest":1,"floors":{}}', '{"rest":"x","floors":[]}'])
def test_an_outline_that_was_not_kept_is_none(text: str) -> None:
    assert read_outline(text) is None
