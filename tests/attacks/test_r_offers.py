"""Offers: what the officer recorded is what is accepted, no more and no less."""

import copy

import pytest

from browser.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox


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
