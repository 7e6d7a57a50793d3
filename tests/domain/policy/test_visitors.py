"""Visitors, agents that prove no key: what a preset may hold, and the people that their acts need."""

from copy import deepcopy
from typing import Any

import pytest

from desks.shop import CATALOGUE
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.mandate.cover import ChargedPowers
from remit.domain.policy.floors import Floor
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.policy.strangers import verify_stranger_may
from remit.domain.policy.visitors import (
    VISITOR_REASON,
    is_visitor,
    officer_areas,
    shown_tier,
    verify_presets,
    verify_visitor_action,
    visitor_floor,
    visitor_mandate,
    visitor_marks,
)
from remit.domain.records import WEB_BOT_AUTH, AgentRecord, KnownBy, Tier
from remit.domain.structs import replace
from remit.domain.values import Instant

NOW = Instant(1_790_000_000_000)
SEES = {"power": "receive", "attributes": ["order.status"]}
NOBODY = Floor(who=frozenset(), reasons=())
AGENT = AgentRecord(
    id="a", actor="b", operator="h.example", name="A", tier=Tier.KNOWN, method="jwt", keys="{}", redirect_uris=(), created_at=Instant(1)
)


def catalogue(*powers: dict[str, Any], objective: str = "return-item", **more: Any) -> Catalogue:
    data: dict[str, Any] = deepcopy(CATALOGUE)
    data["objective"][objective]["visitors"] = {"powers": [{"power": "represent"}, *powers], **more}
    return read_catalogue(data, today=None)


OPEN = catalogue(SEES)


def charged(*attributes: str) -> list[ChargedPowers]:
    return [ChargedPowers(powers=(), charges=(), attributes=frozenset(attributes))]


def test_a_visitor_asks_for_the_preset_about_its_records_for_a_day() -> None:
    wire = visitor_mandate(OPEN.objectives["return-item"], ("W1001",), now=NOW)
    assert wire["objective"] == {"type": "return-item", "target": {"order": ["W1001"]}}
    assert wire["powers"] == [{"power": "represent"}, SEES]
    assert wire["expires_at"] == "2026-09-22T14:13:20.000Z"
    made = catalogue({"power": "request", "actions": ["account.unlock"]}, objective="unlock")
    assert visitor_mandate(made.objectives["unlock"], (), now=NOW)["objective"] == {"type": "unlock"}


def test_an_objective_without_a_preset_is_closed_to_visitors() -> None:
    with pytest.raises(Refused) as refused:
        visitor_mandate(OPEN.objectives["unlock"], (), now=NOW)
    assert refused.value.code is Code.OBJECTIVE_UNKNOWN


@pytest.mark.parametrize(
    ("power", "said"),
    [
        ({"power": "accept", "actions": ["offer.accept"]}, "lets a visitor accept"),
        ({"power": "request", "actions": ["account.unlock"]}, "account.unlock"),
        ({"power": "request", "actions": ["order.lose"]}, "order.lose"),
        ({"power": "wish"}, "power"),
    ],
)
def test_a_preset_beyond_the_rights_of_a_visitor_stops_the_start(power: dict[str, Any], said: str) -> None:
    """⚔ Nobody proves a visitor: it neither binds the customer nor goes beyond the purpose, whatever a catalogue says."""
    with pytest.raises(Refused) as refused:
        verify_presets(catalogue(power))
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert 'objective."return-item".visitors' in refused.value.detail
    assert said in refused.value.detail


def test_a_preset_approves_nothing_in_advance() -> None:
    """⚔ A copied token would act before its customer sees it."""
    refund = {
        "power": "request",
        "actions": ["payment.refund"],
        "uses": 1,
        "where": {"amount": {"equals": "5.00 EUR"}, "payment_method_id": {"equals": "pm_7"}, "order_id": {"equals": "W1001"}},
        "total": {"amount": "5.00 EUR"},
    }
    verify_presets(catalogue(refund))
    with pytest.raises(Refused, match="approves in advance"):
        verify_presets(catalogue({**refund, "preapproved": True}))


def test_a_preset_has_powers_and_negatives_and_nothing_else() -> None:
    verify_presets(catalogue(SEES, never=[{"power": "accept"}]))
    with pytest.raises(Refused, match="expires_at"):
        catalogue(SEES, expires_at="2030-01-01T00:00:00Z")


def test_the_acts_of_presets_that_an_officer_has_to_confirm_are_known_before_any_ask() -> None:
    assert officer_areas(catalogue({"power": "request", "actions": ["account.unlock"]}, objective="unlock")) == ("account.unlock",)
    assert officer_areas(OPEN) == officer_areas(read_catalogue(CATALOGUE, today=None)) == ()


@pytest.mark.parametrize(
    ("action", "attributes", "who"),
    [
        ("order.read", set(), set()),
        ("order.read", {"order.status"}, set()),
        ("order.read", {"order.address"}, {"customer"}),
        ("case.comment", set(), set()),
        ("case.close", set(), {"customer"}),
        ("order.note", set(), {"customer"}),
        ("account.unlock", set(), {"customer", "officer:security"}),
    ],
)
def test_all_but_routine_looking_and_writing_takes_the_customer(action: str, attributes: set[str], who: set[str]) -> None:
    """⚔ A copied bearer token is worth little: no policy and no waiver lowers this."""
    found = visitor_floor(NOBODY, OPEN, OPEN.actions[action], {}, charged(*attributes), "security")
    assert found.who == who
    assert found.reasons == ((VISITOR_REASON,) if who else ())


def test_a_visitors_floor_only_adds() -> None:
    officer = Floor(who=frozenset({"officer:billing"}), reasons=("area.payment",))
    found = visitor_floor(officer, OPEN, OPEN.actions["order.note"], {}, charged(), "")
    assert found == Floor(who=frozenset({"officer:billing", "customer"}), reasons=("area.payment", VISITOR_REASON))


def test_without_an_officers_role_security_is_closed_to_visitors() -> None:
    with pytest.raises(Refused) as refused:
        visitor_floor(NOBODY, OPEN, OPEN.actions["account.unlock"], {}, charged(), "")
    assert refused.value.code is Code.AGENT_UNTRUSTED


def test_a_visitor_comes_in_where_the_desk_lets_it_and_never_accepts() -> None:
    verify_visitor_action(OPEN.actions["payment.refund"], let_in=True)
    for action, let_in in (("order.read", False), ("offer.accept", True)):
        with pytest.raises(Refused) as refused:
            verify_visitor_action(OPEN.actions[action], let_in=let_in)
        assert refused.value.code is Code.AGENT_UNTRUSTED


def test_a_grant_to_a_token_family_stays_a_visitors_when_its_agent_gets_keys() -> None:
    """⚔ The bearer token that was copied before is still out."""
    visitor = replace(AGENT, tier=Tier.VISITOR, known_by=KnownBy.DOCUMENT)
    family = "family:f1"
    assert [is_visitor(agent, binding) for agent, binding in ((visitor, "k"), (AGENT, family), (AGENT, "k"))] == [True, True, False]
    assert (shown_tier(AGENT, family), shown_tier(AGENT, "k")) == (Tier.VISITOR, Tier.KNOWN)
    assert visitor_marks(visitor, family) == {"tier": "visitor", "known_by": "document", "proved": "nothing"}
    assert visitor_marks(AGENT, "k") == {}


def test_a_stranger_opens_its_case_and_nothing_else() -> None:
    """⚔ Any party can publish a key: an identity is no trust."""
    stranger = replace(AGENT, method=WEB_BOT_AUTH, tier=Tier.UNPROVED)
    verify_stranger_may(stranger, "case.open")
    verify_stranger_may(replace(stranger, tier=Tier.KNOWN), "order.read")
    for action in ("case.comment", "case.read", "order.read", "case.open.more"):
        with pytest.raises(Refused) as refused:
            verify_stranger_may(stranger, action)
        assert refused.value.code is Code.AGENT_UNTRUSTED
