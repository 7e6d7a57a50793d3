"""⚔ 2-model.md §7: comparing a guessed value is disclosure, so there are three tries a customer over all agents."""

from typing import Any

import pytest

from remit.sandbox import Sandbox

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Bank", "currency": "EUR"},
    "attribute": {
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "identity.matches": {"title": "whether it matches"},
    },
    "action": {
        "identity.check": {
            "title": "Check the date of birth",
            "power": "receive",
            "area": "routine",
            "effect": "read",
            "returns": ["identity.matches"],
            "params": {"properties": {"birth_date": {"type": "string", "x-attribute": "identity.birth_date"}}, "required": ["birth_date"]},
        }
    },
    "objective": {"identify": {"title": "Be recognised", "actions": ["identity.check"]}},
}
MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "identify"},
    "powers": [{"power": "receive", "actions": ["identity.check"]}, {"power": "disclose", "attributes": ["identity.birth_date"]}],
}
FACTS: dict[str, Any] = {"owners": {}, "attributes": {"customer": {"yu": {"identity.matches": "no"}}}, "records": {}}


@pytest.mark.proves("W-GUESS")
def test_a_fourth_value_is_refused_over_all_agents_and_told_nothing() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        first, second = desk.agent("shop"), desk.agent("other", operator="elsewhere")
        task = first.open(customer.grant(first, MANDATE))
        assert [task.ask("identity.check", {"birth_date": f"1980-01-0{day}"}).outcome for day in (1, 2)] == ["done", "done"]
        elsewhere = second.open(customer.grant(second, MANDATE))
        assert elsewhere.ask("identity.check", {"birth_date": "1980-01-03"}).outcome == "done"
        refused = elsewhere.ask("identity.check", {"birth_date": "1980-01-04"})
        assert (refused.decision, list(refused.codes), dict(refused.result)) == ("refuse", ["desk.refused"], {})
        assert task.ask("identity.check", {"birth_date": "1980-01-01"}).outcome == "done"
        assert [entry["envelope"]["code"] for entry in desk.transcript() if entry["kind"] == "ask.decided"].count("desk.refused") == 1
