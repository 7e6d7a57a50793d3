"""Offers: what the officer recorded is what is accepted, no more and no less."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.client import Refused
from remit.domain.records import ActRecord, PersonRecord
from remit.ports.store import Commit, Committed, Put
from remit.sandbox import Sandbox, SandboxCustomer, SandboxPerson, SandboxTask


@pytest.mark.proves("OFFERS")
def test_an_agent_adds_no_terms_of_its_own_to_an_offer() -> None:
    catalogue, wanted = copy.deepcopy(CATALOGUE), copy.deepcopy(MANDATE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    for power in wanted["powers"]:
        if power["power"] == "accept":
            power.pop("where", None)
    with Sandbox(catalogue, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(desk.customer("anna", name="Anna Berg").grant(agent, wanted))
        olga = desk.officer("olga", ["billing"])
        terms = {"kind": "goodwill"}
        made = olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": terms})
        accepts = {"offer_id": made["offer_id"], "digest": made["digest"]}
        for more in ({"amount": "5000.00 EUR"}, {"amount": "1.00 EUR", **terms}):
            assert task.ask("offer.accept", {**accepts, **more}).codes == ("offer.unknown",)
        assert task.ask("offer.accept", {**accepts, **terms}).who == ("customer",)


@pytest.mark.proves("OFFERS")
@pytest.mark.parametrize("roles", [(), ("shipping",), ("audit",)])
def test_an_offer_counts_for_nothing_once_its_officer_may_not_make_it(roles: tuple[str, ...]) -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    catalogue["role"]["shipping"] = {"title": "Shipping officer", "offers": {}}
    with Sandbox(catalogue, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(desk.customer("anna", name="Anna Berg").grant(agent, MANDATE))
        olga = desk.officer("olga", ["billing"])
        made = [
            olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": {"kind": "goodwill", "amount": amount}})
            for amount in ("5.00 EUR", "4.00 EUR")
        ]
        first, second = ({"offer_id": one["offer_id"], "digest": one["digest"]} for one in made)
        waiting = task.ask("offer.accept", first)
        assert waiting.who == ("customer",)
        assert desk.desk is not None
        store, backoffice = desk.desk.context.store, desk.desk.backoffice
        assert isinstance(backoffice, SandboxBackoffice)

        async def move() -> None:
            kept = await store.get(PersonRecord, "olga")
            await store.commit(Commit(puts=(Put(replace(kept.record, roles=roles), kept.rev, kept.record),)))

        desk.room.thread.run(move())
        assert task.ask("offer.accept", second).codes == ("offer.expired",)
        # What waits for the customer is decided again on their yes.
        with pytest.raises(Refused) as refused:
            desk.customer("anna").answer(waiting, "yes")
        assert refused.value.code == "offer.expired"
        assert [*backoffice.performed] == []


@pytest.mark.proves("OFFERS")
def test_an_officer_who_is_stopped_between_check_and_record_is_seen() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    with Sandbox(catalogue, facts=FACTS) as desk:
        agent = desk.agent("spiffe://helper.example/shop", name="Helper")
        task = agent.open(desk.customer("anna", name="Anna Berg").grant(agent, MANDATE))
        olga = desk.officer("olga", ["billing"])
        terms = {"kind": "goodwill", "amount": "5.00 EUR"}
        made = olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": terms})
        waiting = task.ask("offer.accept", {"offer_id": made["offer_id"], "digest": made["digest"]})
        assert desk.desk is not None
        store, backoffice = desk.desk.context.store, desk.desk.backoffice
        assert isinstance(backoffice, SandboxBackoffice)
        real = store.commit
        moved: list[bool] = []

        async def commit(one: Commit) -> Committed:
            if not moved and any(isinstance(put.record, ActRecord) for put in one.puts):
                moved.append(True)
                kept = await store.get(PersonRecord, "olga")
                await real(Commit(puts=(Put(replace(kept.record, paused=True), kept.rev, kept.record),)))
            return await real(one)

        store.commit = commit  # type: ignore[method-assign]  # she is stopped at the last moment
        with pytest.raises(Refused) as refused:
            desk.customer("anna").answer(waiting, "yes")
        assert (refused.value.code, moved) == ("offer.expired", [True])
        assert [*backoffice.performed] == []


_CHECKED = """
@id("offer-two") permit(principal, action == Action::"offer.accept", resource)
when { context.confirmed_by.contains("customer") && context.confirmed_by.contains("officer:billing") };
@id("rest") permit(principal, action, resource) when { context.risk < 90 };
@id("offer-not-one") forbid(principal, action == Action::"offer.accept", resource)
unless { context.confirmed_by.contains("officer:billing") };
"""


@pytest.mark.proves("OFFERS")
def test_who_makes_an_offer_confirms_its_acceptance_under_no_account() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    with Sandbox(catalogue, _CHECKED, facts=FACTS) as desk:
        task, anna = _opened(desk)
        olga, ben = desk.officer("olga", ["billing"]), desk.officer("ben", ["billing"])
        waiting = task.ask("offer.accept", _offered(olga, task.case, "5.00 EUR"))
        assert sorted(waiting.who) == ["customer", "officer:billing"]
        with pytest.raises(Refused) as refused:
            olga.confirm(waiting)
        assert refused.value.code == "confirmation.wrong_person"
        anna.confirm(waiting)
        assert ben.confirm(waiting).outcome == "done"


@pytest.mark.proves("OFFERS")
def test_the_offers_of_a_case_keep_within_the_limit_together_and_an_officers_within_the_day() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    with Sandbox(catalogue, facts=FACTS, settings={"terms": {"offers_per_day": 3}}) as desk:
        task, anna = _opened(desk)
        olga, ben = desk.officer("olga", ["billing"]), desk.officer("ben", ["billing"])
        assert anna.confirm(task.ask("offer.accept", _offered(olga, task.case, "6.00 EUR"))).outcome == "done"
        for officer in (olga, ben):
            with pytest.raises(Refused) as refused:
                _offered(officer, task.case, "4.01 EUR")
            assert refused.value.code == "person.not_allowed"
        _offered(ben, task.case, "4.00 EUR")
        for _ in range(2):
            _offered(olga, task.case, None)
        with pytest.raises(Refused) as refused:
            _offered(olga, task.case, None)
        assert refused.value.code == "person.not_allowed"
        assert "3 offers" in str(refused.value)


@pytest.mark.proves("OFFERS")
def test_of_alternatives_one_is_accepted_and_the_largest_counts() -> None:
    catalogue = copy.deepcopy(CATALOGUE)
    catalogue["role"]["billing"]["offers"] = {"offer.accept": "10.00 EUR"}
    wanted = copy.deepcopy(MANDATE)
    wanted["powers"][-1] |= {"uses": 9}
    with Sandbox(catalogue, facts=FACTS, settings={"terms": {"offers_per_day": 2}}) as desk:
        task, anna = _opened(desk, wanted)
        olga = desk.officer("olga", ["billing"])
        first = _offered(olga, task.case, "6.00 EUR")
        second = _offered(olga, task.case, "7.00 EUR", first)
        third = _offered(olga, task.case, "5.00 EUR", second)
        assert _states(olga, task.case) == ["open"] * 3
        page = desk.room.raw("GET", f"/desk/cases/{task.case}", headers={"cookie": olga.cookie}, check=False).text
        assert first["offer_id"] in page
        with pytest.raises(Refused) as refused:
            _offered(olga, task.case, "3.01 EUR")
        assert refused.value.code == "person.not_allowed", "beside the largest of the three"
        beside = _offered(olga, task.case, "3.00 EUR")
        waiting = task.ask("offer.accept", third)
        assert task.ask("offer.accept", first).codes == ("offer.expired",)
        assert anna.confirm(waiting).outcome == "done"
        assert [task.ask("offer.accept", one).codes for one in (first, second)] == [("offer.expired",)] * 2
        assert _states(olga, task.case) == ["open", "used", "expired", "expired"]
        for instead, code in ((second, "offer.expired"), ({"offer_id": "off_none"}, "offer.unknown")):
            with pytest.raises(Refused) as refused:
                _offered(olga, task.case, "1.00 EUR", instead)
            assert refused.value.code == code
        with pytest.raises(Refused) as refused:
            _offered(olga, task.case, "5.01 EUR", beside)
        assert refused.value.code == "person.not_allowed", "five were accepted"
        _offered(olga, task.case, "5.00 EUR", beside)


def _states(officer: SandboxPerson, case: str) -> list[str]:
    return [one["state"] for one in officer.get(f"/desk/v1/cases/{case}")["offers"]]


_STOPS = """
@id("all") permit(principal, action, resource);
@id("risk-stops") forbid(principal, action in Action::"effect:write", resource)
when { context.risk >= 40 } unless { context.confirmed_by.contains("officer:billing") };
"""


@pytest.mark.proves("OFFERS")
def test_asking_for_what_officers_offered_is_no_slicing_that_voids_the_customers_last_yes() -> None:
    wanted = copy.deepcopy(MANDATE)
    wanted["powers"][-1] |= {"uses": 9}
    with Sandbox(CATALOGUE, _STOPS, facts=FACTS) as desk:
        task, anna = _opened(desk, wanted)
        olga = desk.officer("olga", ["billing"])
        waiting = [task.ask("offer.accept", _offered(olga, task.case, f"{number}.00 EUR")) for number in range(1, 6)]
        assert {one.who for one in waiting} == {("customer",)}
        assert [anna.confirm(one).outcome for one in waiting] == ["done"] * 5


def _opened(desk: Sandbox, wanted: Mapping[str, Any] = MANDATE) -> tuple[SandboxTask, SandboxCustomer]:
    anna, agent = desk.customer("anna", name="Anna Berg"), desk.agent("spiffe://helper.example/shop", name="Helper")
    return agent.open(anna.grant(agent, wanted)), anna


def _offered(officer: SandboxPerson, case: str, amount: str | None, instead_of: Mapping[str, str] | None = None) -> dict[str, str]:
    terms = {"kind": "goodwill", **({} if amount is None else {"amount": amount})}
    more = {} if instead_of is None else {"instead_of": instead_of["offer_id"]}
    made = officer.post(f"/desk/v1/cases/{case}/offers", {"action": "offer.accept", "terms": terms, **more})
    return {"offer_id": made["offer_id"], "digest": made["digest"]}
