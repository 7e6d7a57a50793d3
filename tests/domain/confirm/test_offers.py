"""What an officer may offer: the amounts their roles are given."""

from copy import deepcopy
from typing import Any

import pytest

from desks.shop import CATALOGUE
from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.confirmation import verify_counter_offer
from remit.domain.confirm.offers import offer_limit, verify_offer_allowed, verify_terms_complete, widest_limit
from remit.domain.errors import Code, Refused
from remit.domain.i18n import ENGLISH
from remit.domain.policy.rulebook import read_catalogue
from remit.entrypoints.web.edit_form import param_fields
from remit.entrypoints.web.offer_form import offer_forms

OFFER = "offer.accept"


def desk(**limits: Any) -> Catalogue:
    """The shop with the roles `care`, `lead` and `guard`, and these offers."""
    data = deepcopy(CATALOGUE)
    data["role"].update({name: {"title": name.title()} for name in ("care", "lead", "guard")})
    for name, offers in limits.items():
        data["role"][name]["offers"] = offers
    return read_catalogue(data, today=None)


def refused(catalogue: Catalogue, roles: list[str], **terms: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        verify_offer_allowed(catalogue, roles, catalogue.action(OFFER), terms)
    assert caught.value.code is Code.PERSON_NOT_ALLOWED
    assert caught.value.public
    return caught.value


def allowed(catalogue: Catalogue, roles: list[str], **terms: Any) -> None:
    verify_offer_allowed(catalogue, roles, catalogue.action(OFFER), terms)


def test_an_officer_offers_up_to_the_widest_limit_of_their_roles() -> None:
    catalogue = desk(care={OFFER: "20.00 EUR"}, lead={OFFER: "100.00 EUR"}, guard={})
    for roles, most in ((["care"], "20.00"), (["lead"], "100.00"), (["care", "lead"], "100.00"), (["guard", "care"], "20.00")):
        allowed(catalogue, roles, amount=f"{most} EUR")
        assert f"{most} EUR" in str(refused(catalogue, roles, amount=f"{most[:-1]}1 EUR").public)
    assert offer_limit(catalogue, ["care"], catalogue.action(OFFER)) is not None


def test_a_role_without_offers_has_no_limit_and_true_is_none() -> None:
    catalogue = desk(care={OFFER: True}, lead={OFFER: "1.00 EUR"})
    for roles in (["care"], ["guard"], ["lead", "guard"]):
        allowed(catalogue, roles, amount="9999.00 EUR")
        assert offer_limit(catalogue, roles, catalogue.action(OFFER)) is None


def test_a_role_whose_offers_do_not_name_the_action_makes_none() -> None:
    catalogue = desk(guard={})
    refused(catalogue, ["guard"], amount="1.00 EUR")
    allowed(catalogue, ["guard", "care"], amount="1.00 EUR")


def test_another_currency_is_within_no_limit() -> None:
    refused(desk(care={OFFER: "100.00 EUR"}), ["care"], amount="1.00 USD")


def test_whoever_has_no_role_of_the_desk_offers_only_where_no_role_has_a_limit() -> None:
    allowed(desk(), ["admin"], amount="5.00 EUR")
    refused(desk(care={OFFER: "100.00 EUR"}), ["admin"], amount="5.00 EUR")
    refused(desk(care={OFFER: "100.00 EUR"}), [], amount="5.00 EUR")
    allowed(desk(care={OFFER: "100.00 EUR"}), ["admin", "care"], amount="5.00 EUR")


def test_all_amounts_of_an_offer_count_together() -> None:
    data = deepcopy(CATALOGUE)
    properties = data["action"][OFFER]["params"]["properties"]
    properties["voucher"] = {"x-money": True}
    properties["credits"] = {"type": "array", "items": {"type": "object", "properties": {"sum": {"x-money": True}}}}
    data["action"][OFFER]["title"] += " {voucher} {credits[*].sum}"
    data["role"]["billing"]["offers"] = {OFFER: "50.00 EUR"}
    catalogue = read_catalogue(data, today=None)
    allowed(catalogue, ["billing"], amount="25.00 EUR", voucher="25.00 EUR")
    refused(catalogue, ["billing"], amount="25.00 EUR", voucher="25.01 EUR")
    refused(catalogue, ["billing"], credits=[{"sum": "20.00 EUR"}] * 3)


@pytest.mark.parametrize(
    ("offers", "key"),
    [
        ({"payment.refund": "5.00 EUR"}, 'role."care".offers."payment.refund"'),
        ({"no.such": True}, 'role."care".offers."no.such"'),
        ({OFFER: "a lot"}, 'role."care".offers."offer.accept"'),
        ({OFFER: 50}, 'role."care".offers."offer.accept"'),
        ({OFFER: False}, 'role."care".offers."offer.accept"'),
        ("all", 'role."care".offers'),
    ],
)
def test_a_mistake_in_a_roles_offers_is_named(offers: Any, key: str) -> None:
    with pytest.raises(Refused) as caught:
        desk(care=offers)
    assert caught.value.code is Code.CATALOGUE_INVALID
    assert key in caught.value.detail


def test_an_amount_for_terms_without_amounts_is_a_mistake() -> None:
    data = deepcopy(CATALOGUE)
    data["action"]["gift.accept"] = {
        "title": "Accept gift {offer_id}",
        "power": "accept",
        "area": "commitment",
        "effect": "write",
        "params": {
            "properties": {name: {"type": "string", "maxLength": 100} for name in ("offer_id", "digest", "kind")},
            "required": ["offer_id", "digest"],
        },
    }
    data["role"]["billing"]["offers"] = {"gift.accept": "5.00 EUR"}
    with pytest.raises(Refused, match="no amounts"):
        read_catalogue(data, today=None)
    data["role"]["billing"]["offers"] = {"gift.accept": True}
    catalogue = read_catalogue(data, today=None)
    verify_offer_allowed(catalogue, ["billing"], catalogue.action("gift.accept"), {"kind": "mug"})


def test_the_rule_digest_covers_what_may_be_offered() -> None:
    digests = {desk(**one).digest for one in ({}, {"care": {}}, {"care": {OFFER: True}}, {"care": {OFFER: "1.00 EUR"}}, {"lead": {}})}
    assert len(digests) == 5


def test_who_may_override_is_part_of_the_rule_digest_and_nobody_may_by_default() -> None:
    data = deepcopy(CATALOGUE)
    before = read_catalogue(data, today=None)
    assert not any(role.may_override for role in before.roles.values())
    data["role"]["billing"]["may_override"] = False
    assert read_catalogue(data, today=None).digest == before.digest
    data["role"]["billing"]["may_override"] = True
    after = read_catalogue(data, today=None)
    assert after.roles["billing"].may_override
    assert after.digest != before.digest
    data["role"]["billing"]["may_override"] = "yes"
    with pytest.raises(Refused, match="may_override"):
        read_catalogue(data, today=None)


def test_of_several_limits_the_widest_of_each_currency_is_told() -> None:
    catalogue = desk(care={OFFER: "100.00 EUR"}, lead={OFFER: "1000.00 EUR"}, guard={OFFER: "50.00 USD"})
    limits = offer_limit(catalogue, ["care", "lead", "guard"], catalogue.action(OFFER))
    assert [str(one) for one in widest_limit(limits or ())] == ["1000.00 EUR", "50.00 USD"]
    said = str(refused(catalogue, ["care", "lead"], amount="1000.01 EUR").public)
    assert said.startswith("Your role offers at most 1000.00 EUR in one case. ")


def required(names: Any, action: str = OFFER) -> Catalogue:
    data = deepcopy(CATALOGUE)
    data["action"][action]["offer_required"] = names
    return read_catalogue(data, today=None)


def test_an_offer_has_the_terms_it_cannot_be_carried_out_without() -> None:
    catalogue = required(["kind", "amount"])
    verify_terms_complete(catalogue.action(OFFER), {"kind": "goodwill", "amount": "5.00 EUR"})
    with pytest.raises(Refused) as caught:
        verify_terms_complete(catalogue.action(OFFER), {"amount": "5.00 EUR"})
    assert caught.value.code is Code.PARAMS_INVALID
    assert "'kind'" in str(caught.value.public)
    assert "amount" not in str(caught.value.public)
    assert catalogue.digest != required([]).digest
    assert [(one.name, one.required) for one in offer_forms(catalogue, ["care"])[0].terms] == [
        ("amount", True),
        ("item_ids", False),
        ("kind", True),
    ]


@pytest.mark.parametrize(
    ("names", "action"),
    [
        ("kind", OFFER),
        (["offer_id"], OFFER),
        (["digest"], OFFER),
        (["no_such"], OFFER),
        (["kind", "kind"], OFFER),
        (["amount"], "payment.refund"),
    ],
)
def test_a_mistake_in_what_an_offer_must_have_is_named(names: Any, action: str) -> None:
    with pytest.raises(Refused) as caught:
        required(names, action)
    assert caught.value.code is Code.CATALOGUE_INVALID
    assert f'action."{action}".offer_required' in caught.value.detail


def required_for(needs: Any) -> Catalogue:
    data = deepcopy(CATALOGUE)
    data["action"][OFFER]["offer_required_for"] = needs
    return read_catalogue(data, today=None)


def test_a_terms_value_can_need_other_terms_beside_it() -> None:
    catalogue = required_for({"kind": {"goodwill": ["amount"]}})
    action = catalogue.action(OFFER)
    verify_terms_complete(action, {"kind": "goodwill", "amount": "5.00 EUR"})
    verify_terms_complete(action, {"kind": "exception"})
    verify_terms_complete(action, {"item_ids": ["i1"]})
    with pytest.raises(Refused) as caught:
        verify_terms_complete(action, {"kind": "goodwill"})
    assert caught.value.code is Code.PARAMS_INVALID
    assert "'amount'" in str(caught.value.public)
    assert catalogue.digest != required_for({}).digest


@pytest.mark.parametrize(
    "needs",
    [
        "kind",
        {"no_such": {}},
        {"kind": ["amount"]},
        {"kind": {"other": ["amount"]}},
        {"kind": {"goodwill": ["digest"]}},
        {"amount": {"x": []}},
    ],
)
def test_a_mistake_in_what_a_value_needs_is_named(needs: Any) -> None:
    with pytest.raises(Refused) as caught:
        required_for(needs)
    assert caught.value.code is Code.CATALOGUE_INVALID
    assert f'action."{OFFER}".offer_required_for' in caught.value.detail


def test_of_an_offer_nobody_agrees_to_less() -> None:
    action = desk().action(OFFER)
    params = {"offer_id": "off_1", "digest": "sha-256:x", "amount": "5.00 EUR", "item_ids": ["i1", "i2"]}
    assert param_fields(action, params, {}, ENGLISH) == ()
    with pytest.raises(Refused) as caught:
        verify_counter_offer(params, {**params, "amount": "4.00 EUR"}, action=action)
    assert caught.value.code is Code.PARAMS_INVALID
    assert "offer" in str(caught.value.public)
