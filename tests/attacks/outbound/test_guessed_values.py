"""⚔ Comparing a guessed value is disclosure: three tries a customer over all agents (docs/model/model.md#guessing)."""

from collections.abc import Mapping
from typing import Any

import pytest

from attacks.arena import open_arena
from desks.bank import CATALOGUE, FACTS, MANDATE
from remit.domain.values import Json
from remit.ports.backoffice import ActOutcome, ActResult
from remit.sandbox import Sandbox


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


@pytest.mark.proves("W-GUESS")
def test_a_desk_that_calls_a_wrong_value_failed_gives_no_tries_without_end() -> None:
    with open_arena(catalogue=CATALOGUE, policies=None, facts=FACTS) as arena:
        agent = arena.agent()
        task = agent.open(arena.anna.grant(agent, MANDATE))
        seen: list[Json] = []

        async def read(action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
            assert (action, customer) == ("identity.check", "anna")
            seen.append(params["birth_date"])
            return ActResult(state=ActOutcome.FAILED, values={}, reason="The date of birth does not match.")

        arena.backoffice.read = read  # type: ignore[method-assign]  # a desk of another make
        guesses = [f"1980-01-0{day}" for day in range(1, 8)]
        answers = [task.ask("identity.check", {"birth_date": guess}) for guess in guesses]
        assert [answer.outcome for answer in answers[:3]] == ["failed"] * 3
        assert [tuple(answer.codes) for answer in answers[3:]] == [("desk.refused",)] * 4
        assert task.ask("identity.check", {"birth_date": guesses[0]}).outcome == "failed"  # saying it again tells nothing new
        assert seen == [*guesses[:3], guesses[0]]


@pytest.mark.proves("W-GUESS")
def test_an_act_that_fails_on_a_wrong_value_gives_no_tries_without_end() -> None:
    rules = {
        **CATALOGUE,
        "action": {
            "card.activate": {
                "title": "Activate the card",
                "power": "request",
                "area": "routine",
                "effect": "write",
                "params": CATALOGUE["action"]["identity.check"]["params"],
            }
        },
        "objective": {"activate": {"title": "Have a card activated", "actions": ["card.activate"]}},
    }
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "activate"},
        "powers": [
            {"power": "request", "actions": ["card.activate"], "uses": 1},
            {"power": "disclose", "attributes": ["identity.birth_date"]},
        ],
    }

    def perform(_action: str, params: Mapping[str, Any], _customer: str) -> Mapping[str, Any]:
        if params["birth_date"] != "1980-01-17":
            raise ValueError("The date of birth does not match.")
        return {}

    with open_arena(catalogue=rules, policies=None, facts=FACTS, perform=perform) as arena:
        agent = arena.agent()
        task = agent.open(arena.anna.grant(agent, wanted))
        answers = [task.ask("card.activate", {"birth_date": f"1980-01-{day}"}) for day in range(11, 18)]
        assert [answer.outcome for answer in answers[:3]] == ["failed"] * 3  # the one use of the power was given back each time
        assert [tuple(answer.codes) for answer in answers[3:]] == [("desk.refused",)] * 4


@pytest.mark.proves("W-GUESS")
@pytest.mark.parametrize("shape", ["object", "lists"])
def test_a_guess_in_parts_is_a_guess(shape: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "object": {"type": "object", "properties": {"day": {"type": "integer"}, "month": {"type": "integer"}}, "required": ["day"]},
        "lists": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    }
    check = {
        **CATALOGUE["action"]["identity.check"],
        "params": {"properties": {"birth_date": {**kinds[shape], "x-attribute": "identity.birth_date"}}, "required": ["birth_date"]},
    }
    with Sandbox({**CATALOGUE, "action": {"identity.check": check}}, facts=FACTS) as desk:
        customer, agent = desk.customer("yu"), desk.agent("shop")
        task = agent.open(customer.grant(agent, MANDATE))
        guesses: list[Any] = [{"day": day, "month": 1} if shape == "object" else [[day, 1]] for day in range(1, 6)]
        answers = [task.ask("identity.check", {"birth_date": guess}) for guess in guesses]
        assert [answer.outcome for answer in answers] == ["done"] * 3 + [None] * 2
        assert answers[3].codes == ["desk.refused"]
        assert task.ask("identity.check", {"birth_date": guesses[0]}).outcome == "done"  # saying it again tells nothing new
