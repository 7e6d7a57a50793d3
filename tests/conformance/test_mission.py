"""Digests, amounts and actor chains of mission-bound authorization, through the functions our doors call."""

from collections.abc import Mapping
from typing import Any

import pytest

from attacks.arena import EXCHANGE, mandate
from conformance.harness import vector_set
from conformance.live import Live
from remit.domain.errors import Refused
from remit.domain.values import verify_money
from remit.proof.canonical import canonical, digest

INTEGRITY = vector_set("mission-integrity")
FOUND = INTEGRITY.read()
AMOUNTS = FOUND["decimal_amount_fixtures"]
DIGESTS = {f"digest {place} {case['name']}": case for place, case in enumerate(FOUND["vectors"])}


@INTEGRITY.each(DIGESTS)
def test_the_published_digests_are_ours(check: Mapping[str, Any]) -> None:
    value = check["value"] if "value" in check else check["envelope"]
    assert canonical(value).decode() == check["canonical"]
    assert digest(value) == check["digest"]


def test_all_nine_digests_are_there() -> None:
    assert len(DIGESTS) == 9


def money(amount: Any, currency: str = "USD") -> Any:
    """Our own reading of an amount of theirs, which stands beside a currency there and has it behind it here."""
    try:
        return verify_money(None if amount is None else f"{amount} {currency}")
    except Refused:
        return None


@INTEGRITY.each({f"amount valid {amount}": amount for amount in AMOUNTS["valid"]})
def test_valid_amounts_are_read(check: str) -> None:
    assert money(check) is not None


@INTEGRITY.each({f"amount invalid {amount!r}": amount for amount in AMOUNTS["invalid"]})
def test_invalid_amounts_are_refused(check: str) -> None:
    assert money(check) is None


@INTEGRITY.each({f"amount compare {' '.join(row[:2])}": row for row in AMOUNTS["compare"]})
def test_amounts_compare_exactly(check: list[Any]) -> None:
    left, right, expected = money(check[0], "BHD"), money(check[1], "BHD"), check[2]
    assert (left.amount > right.amount) - (left.amount < right.amount) == expected


@INTEGRITY.each({f"ceiling {case['amount_usd']} {case.get('ceiling_currency', 'USD')}": case for case in AMOUNTS["cases"]})
def test_a_ceiling_permits_what_it_permits_there(check: Mapping[str, Any]) -> None:
    found, ceiling = money(check["amount_usd"]), money("500.00", check.get("ceiling_currency", "USD"))
    permitted = found is not None and found.currency == ceiling.currency and found.amount <= ceiling.amount
    assert permitted is check["permit"]


CHAINS = vector_set("mission-actor-chain")
CHAIN = CHAINS.read()
SECOND = "spiffe://courier.example/second"


def flattened(act: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Give the actors root to leaf, as the set writes them."""
    return [*flattened(act.get("act")), {name: value for name, value in act.items() if name != "act"}] if act else []


def test_the_set_is_flattened_as_its_authors_have_it() -> None:
    assert all(flattened(case["act"]) == case["expect"] for case in CHAIN["flatten"])


@pytest.mark.xdist_group("live")
@CHAINS.each({f"flatten {number}": case for number, case in enumerate(CHAIN["flatten"], 1)})
def test_a_chain_of_ours_has_this_shape(live: Live, check: Mapping[str, Any]) -> None:
    """One actor, and two: the agent that was granted, and the one it handed a part on to."""
    agents = [live.agent(), live.agent(SECOND)][: len(check["expect"])]
    wanted = mandate(chain=1, chain_operators=["courier.example"], max_tasks=5, powers=[{"power": "represent"}], never=[])
    granted = live.anna.grant(agents[0].sandbox, wanted).id
    if len(agents) > 1:
        part = {"type": "remit_mandate", "objective": wanted["objective"], "powers": [{"power": "represent"}], "max_tasks": 1}
        granted = agents[0].sandbox.hand_on(granted, agents[1].sandbox, part)
    token = agents[-1].open(granted).raise_for_status().json()["access_token"]
    act = agents[-1].post("/oauth/introspect", {"token": token}).json()["act"]
    found = flattened(act)
    assert found == [{"iss": live.url, "sub": one.id, "sub_profile": "ai_agent"} for one in agents]
    assert [one.keys() >= {"iss", "sub", "sub_profile"} for one in check["expect"]] == [True] * len(found)


@pytest.mark.xdist_group("live")
@CHAINS.each(
    {f"reject {case['why']}": case["act"] for case in CHAIN["reject"]} | {f"accept {case['why']}": None for case in CHAIN["accept"]}
)
def test_a_chain_to_reject_is_an_invalid_request_and_never_cut_short(live: Live, check: Mapping[str, Any]) -> None:
    agent = live.agent()
    token = agent.client_key.signed({"alg": "ES256", "typ": "at+jwt"}, {"iss": live.url, "sub": "anna", "aud": live.url, "act": check})
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    answer = agent.post("/oauth/token", form, agent.key.proof("POST", f"{live.url}/oauth/token"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
