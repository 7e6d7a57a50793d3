"""What a grant binds, and when renewed consent is needed."""

from dataclasses import replace
from typing import Any

import pytest

from desks.example import desk, desk_data, mandate
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.ids import CustomerId, MandateId, OperatorId
from remit.domain.mandate.grant import (
    covered_actions,
    exceeds_routine,
    make_grant,
    signed_form,
    verify_action_current,
    verify_current,
    verify_grant,
)
from remit.domain.mandate.model import Grant
from remit.domain.policy.rulebook import read_catalogue
from remit.proof.canonical import digest

DESK = desk()


def grant(catalogue: Catalogue = DESK, **changed: Any) -> Grant:
    parts: dict[str, Any] = {
        "mandate_id": MandateId("man_1"),
        "iss": "https://support.acme.example",
        "sub": CustomerId("yusuf"),
        "client_id": "agent",
        "actor": "spiffe://helper.example/shop",
        "operator": OperatorId("helper.example"),
        "jkt": "thumb",
        "mandate": mandate(catalogue),
        "rendering_hash": "sha-256:r",
        "nonce": "n",
    }
    return make_grant(catalogue=catalogue, **{**parts, **changed})


def test_the_hash_is_over_the_canonical_signed_form() -> None:
    given = grant()
    assert set(signed_form(given)) == {
        "iss", "sub", "client_id", "act", "operator", "jkt", "mandate", "catalogue_digest", "rendering_hash", "nonce",
    }  # fmt: skip
    assert given.hash == digest(signed_form(given))
    assert verify_grant(given) is given


def test_the_random_id_is_not_under_the_hash() -> None:
    assert grant(mandate_id=MandateId("man_2")).hash == grant().hash


@pytest.mark.parametrize("member", ["iss", "sub", "client_id", "actor", "operator", "jkt", "rendering_hash", "nonce"])
def test_a_grant_cannot_be_moved(member: str) -> None:
    assert grant(**{member: "other"}).hash != grant().hash
    with pytest.raises(Refused) as refused:
        verify_grant(replace(grant(), **{member: "other"}))
    assert refused.value.code is Code.GRANT_INVALID


def test_a_grant_whose_mandate_is_not_the_signed_one_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        verify_grant(replace(grant(), mandate=mandate(DESK, max_tasks=2)))
    assert refused.value.code is Code.GRANT_INVALID


def test_the_digests_are_of_every_covered_action() -> None:
    given = grant()
    assert set(given.action_digests) == {
        "order.read",
        "order.return",
        "payment.refund",
        "case.open",
        "case.comment",
        "case.read",
        "case.close",
    }
    assert covered_actions(mandate(DESK, powers=[{"power": "receive", "attributes": ["identity.*"]}]), DESK) == ("profile.read",)


def test_a_changed_action_needs_renewed_consent_and_the_others_do_not() -> None:
    given = grant()
    data = desk_data()
    data["action"]["payment.refund"]["area"] = "routine"
    changed = read_catalogue(data, today=None)
    assert verify_action_current(given.action_digests, changed.action("order.return"), changed).name == "order.return"
    for action in ("payment.refund", "order.ship"):
        with pytest.raises(Refused) as refused:
            verify_action_current(given.action_digests, changed.action(action), changed)
        assert refused.value.code is Code.MANDATE_INACTIVE
        assert "ask the customer for consent again" in (refused.value.public or "")
    assert "payment.refund" not in verify_current(given.action_digests, changed)
    assert "order.return" in verify_current(given.action_digests, changed)


def test_a_mandate_none_of_whose_desk_actions_is_left_is_inactive() -> None:
    data = desk_data()
    for action in data["action"].values():
        action["title"] += " now"
    with pytest.raises(Refused) as refused:
        verify_current(grant().action_digests, read_catalogue(data, today=None))
    assert refused.value.code is Code.MANDATE_INACTIVE


def test_a_mandate_to_speak_only_stays_current() -> None:
    digests = {"case.open": DESK.actions["case.open"].digest}
    assert verify_current(digests, DESK) == ("case.open",)


@pytest.mark.parametrize(
    ("powers", "above"),
    [
        ([{"power": "represent"}], False),
        ([{"power": "receive", "attributes": ["order.*"]}, {"power": "receive", "actions": ["order.read", "product.read"]}], False),
        ([{"power": "request", "actions": ["order.ship"], "uses": 1}], True),
        ([{"power": "request", "actions": ["order.*"], "uses": 1}], True),
        ([{"power": "receive", "attributes": ["identity.email"]}], False),
        ([{"power": "receive", "attributes": ["identity.birth_date"]}], True),
        ([{"power": "receive", "actions": ["profile.read"]}], False),
        ([{"power": "disclose", "attributes": ["identity.email"]}], True),
        ([{"power": "accept", "actions": ["offer.take"]}], True),
    ],
)
def test_a_mandate_reaches_above_routine_when_one_of_its_powers_does(powers: list[dict[str, Any]], above: bool) -> None:
    assert exceeds_routine(mandate(DESK, powers=powers), DESK) is above
