import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.catalogue.model import Action, Area, Effect, MarkKind, ParamMark, PowerKind
from remit.domain.confirm.confirmation import act_digest, ask_digest, challenge, verify_counter_offer
from remit.domain.errors import Code, Refused
from remit.domain.param_paths import parse_path
from remit.domain.policy.confirmers import (
    Confirmer,
    Enrolment,
    FatigueLimits,
    PasskeyTrust,
    RequiredConfirmers,
    add_confirmation,
    barred_persons,
    verify_all_confirmed,
    verify_confirmer,
    verify_invitation_allowed,
    verify_passkey_may_confirm,
    verify_passkey_may_grant,
    verify_passkey_may_remove,
    verify_passkey_may_resume,
)
from remit.domain.values import Instant

HOUR = 3_600_000
NOW = Instant(1_800_000_000_000)
ACTION = Action(
    name="payment.refund",
    title="Refund {amount} for order {order_id} to {iban}",
    power=PowerKind.REQUEST,
    area=Area.PAYMENT,
    effect=Effect.WRITE,
    reversible=False,
    returns=(),
    schema={},
    marks=(
        ParamMark(path=parse_path("order_id"), kind=MarkKind.RESOURCE, of="order"),
        ParamMark(path=parse_path("amount"), kind=MarkKind.MONEY),
        ParamMark(path=parse_path("iban"), kind=MarkKind.RECIPIENT),
        ParamMark(path=parse_path("seat"), kind=MarkKind.RESOURCE, of="seat"),
    ),
    declared=frozenset(),
    builtin=False,
    digest="sha-256:x",
)
OLD = {"order_id": "W1", "amount": "40.00 EUR", "iban": "DE1", "item_ids": ["a", "b", "c"], "seat": 12, "bags": 3, "box": {"n": 2}}


def less(**changed: object) -> dict[str, object]:
    return {**OLD, **changed}


def refused_code(caught: pytest.ExceptionInfo[Refused]) -> Code:
    return caught.value.code


@pytest.mark.parametrize(
    "new",
    [
        less(amount="39.99 EUR"),
        less(item_ids=["a", "c"]),
        less(bags=1),
        less(bags=Decimal("2.5")),
        less(box={"n": 1}),
        less(amount="1.00 EUR", item_ids=["b"]),
    ],
)
def test_less_is_accepted(new: dict[str, object]) -> None:
    assert verify_counter_offer(OLD, new, action=ACTION) == new


@pytest.mark.parametrize(
    "new",
    [
        less(),
        less(amount="40.01 EUR"),
        less(amount="0.00 EUR"),
        less(amount="4.00 USD"),
        less(amount=4),
        less(item_ids=[]),
        less(item_ids=["a", "a"]),
        less(item_ids=["a", "d"]),
        less(item_ids=["c", "a"]),
        less(item_ids="a"),
        less(bags=0),
        less(bags=-1),
        less(bags=4),
        less(bags=True),
        less(bags="1"),
        less(order_id="W0"),
        less(iban="DE0"),
        less(seat=11),
        less(box={}),
        less(box={"n": 1, "m": 1}),
        {key: value for key, value in OLD.items() if key != "iban"},
        less(more=1),
        less(amount="39.00 EUR", iban="DE2"),
        less(amount="39.00 EUR", bags=4),
    ],
)
def test_anything_but_less_is_refused(new: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        verify_counter_offer(OLD, new, action=ACTION)
    assert refused_code(caught) is Code.PARAMS_INVALID


_PARAMS = st.fixed_dictionaries(
    {
        "n": st.integers(min_value=-3, max_value=5),
        "amount": st.integers(min_value=1, max_value=3).map(lambda n: f"{n}.00 EUR"),
        "list": st.lists(st.integers(min_value=0, max_value=2), max_size=3),
    }
)


@given(_PARAMS, _PARAMS)
def test_two_params_are_never_each_less_than_the_other(one: dict[str, object], two: dict[str, object]) -> None:
    assert not (_is_less(one, two) and _is_less(two, one))


@given(_PARAMS, _PARAMS, _PARAMS)
def test_less_than_less_is_less(one: dict[str, object], two: dict[str, object], three: dict[str, object]) -> None:
    if _is_less(one, two) and _is_less(two, three):
        assert _is_less(one, three)


def _is_less(old: dict[str, object], new: dict[str, object]) -> bool:
    try:
        verify_counter_offer(old, new, action=ACTION)
    except Refused:
        return False
    return True


def test_every_part_of_the_ask_changes_its_digest() -> None:
    base = {"task": "t", "action": "a.b", "action_digest": "d", "params": {"x": 1}, "words": None, "salt": "s", "attachments": ("f",)}
    others = [
        {"task": "u"},
        {"action": "a.c"},
        {"action_digest": "e"},
        {"params": {"x": 2}},
        {"words": ""},
        {"salt": "z"},
        {"attachments": ()},
    ]
    digests = {ask_digest(**{**base, **other}) for other in [{}, *others]}
    assert len(digests) == 8


def test_the_challenge_is_sha256_over_the_canonical_members() -> None:
    made = challenge(ask_digest="sha-256:a", rendering_hash="sha-256:b", decision="entry_1", nonce="n")
    text = b'{"ask_digest":"sha-256:a","decision_id":"entry_1","nonce":"n","rendering_hash":"sha-256:b"}'
    assert made == hashlib.sha256(text).digest()
    assert made != challenge(ask_digest="sha-256:a", rendering_hash="sha-256:b", decision="entry_1", nonce="m")
    assert made != challenge(ask_digest="sha-256:b", rendering_hash="sha-256:a", decision="entry_1", nonce="n")


def test_a_decline_binds_the_act_whoever_asks() -> None:
    assert act_digest(action="a.b", params={"x": 1, "y": 2}, customer="c") == act_digest(
        action="a.b", params={"y": 2, "x": 1}, customer="c"
    )
    assert act_digest(action="a.b", params={"x": 1}, customer="c") != act_digest(action="a.b", params={"x": 1}, customer="d")


def confirmers(*who: str, given: dict[str, str] | None = None, barred: frozenset[str] = frozenset()) -> RequiredConfirmers:
    return RequiredConfirmers(who=frozenset(who), customer="p-cust", barred=barred, given=given or {})


ANN = Confirmer(key="p-ann", roles=frozenset({"security", "billing"}))
BOB = Confirmer(key="p-bob", roles=frozenset({"billing"}))
CUSTOMER = Confirmer(key="p-cust")


def test_customer_and_officer_are_both_needed_and_then_complete() -> None:
    both = add_confirmation(add_confirmation(confirmers("customer", "officer:security"), CUSTOMER), ANN)
    assert both.remaining == frozenset()
    assert verify_all_confirmed(both) == {"p-cust", "p-ann"}


@pytest.mark.parametrize(
    ("state", "person"),
    [
        (confirmers("customer"), ANN),
        (confirmers("officer:security"), BOB),
        (confirmers("officer:security"), Confirmer(key="p-cust", roles=frozenset({"security"}))),
        (confirmers("customer", "officer:security", given={"customer": "p-cust"}), Confirmer(key="p-cust", roles=frozenset({"security"}))),
        (confirmers("officer:security", "officer:billing", given={"officer:security": "p-ann"}), ANN),
        (confirmers("officer:billing", barred=frozenset({"p-bob"})), BOB),
        (confirmers("customer", given={"customer": "p-cust"}), CUSTOMER),
        (confirmers("customer"), Confirmer(key="")),
        (confirmers("officer:customer"), CUSTOMER),
    ],
)
def test_the_wrong_person_is_refused(state: RequiredConfirmers, person: Confirmer) -> None:
    with pytest.raises(Refused) as caught:
        verify_confirmer(state, person)
    assert refused_code(caught) is Code.CONFIRMATION_WRONG_PERSON


def test_nobody_missing_and_nobody_twice_before_acting() -> None:
    with pytest.raises(Refused) as caught:
        verify_all_confirmed(confirmers("customer"))
    assert refused_code(caught) is Code.CONFIRMATION_REQUIRED
    for forged in (
        confirmers("customer", "officer:a", given={"customer": "p-cust", "officer:a": "p-cust"}),
        confirmers("officer:a", "officer:b", given={"officer:a": "p-ann", "officer:b": "p-ann"}),
        confirmers("customer", given={"customer": "p-ann"}),
        confirmers("officer:a", given={"officer:a": "p-cust"}),
        confirmers("officer:a", given={"officer:a": "p-bob"}, barred=frozenset({"p-bob"})),
    ):
        with pytest.raises(Refused) as caught:
            verify_all_confirmed(forged)
        assert refused_code(caught) is Code.CONFIRMATION_WRONG_PERSON


def test_an_empty_who_is_never_complete() -> None:
    with pytest.raises(Refused) as caught:
        verify_all_confirmed(confirmers())
    assert refused_code(caught) is Code.CONFIRMATION_REQUIRED


def test_the_operators_people_and_waiver_writers_are_barred() -> None:
    assert barred_persons(operator_people=["p1"], waiver_owners=["p2"]) == {"p1", "p2"}


def test_open_invitations_are_limited() -> None:
    verify_invitation_allowed(waiting=4, declines=[], now=NOW, settings=FatigueLimits())
    with pytest.raises(Refused) as caught:
        verify_invitation_allowed(waiting=5, declines=[], now=NOW, settings=FatigueLimits())
    assert refused_code(caught) is Code.CONFIRMATION_TOO_MANY
    assert caught.value.retry_after_s == 60


def test_a_decline_pauses_and_each_further_one_doubles_the_pause() -> None:
    settings = FatigueLimits(pause_ms=1000)
    one, two = Instant(NOW - 900), Instant(NOW - 1500)
    with pytest.raises(Refused) as caught:
        verify_invitation_allowed(waiting=0, declines=[one], now=NOW, settings=settings)
    assert caught.value.retry_after_s == 1
    verify_invitation_allowed(waiting=0, declines=[Instant(NOW - 1000)], now=NOW, settings=settings)
    with pytest.raises(Refused) as caught:
        verify_invitation_allowed(waiting=0, declines=[two, Instant(NOW - 1900)], now=NOW, settings=settings)
    assert refused_code(caught) is Code.CONFIRMATION_TOO_MANY
    verify_invitation_allowed(waiting=0, declines=[Instant(NOW - 25 * HOUR)] * 9, now=NOW, settings=settings)


def passkey(how: Enrolment, *, age_h: float = 0, **more: Instant) -> PasskeyTrust:
    return PasskeyTrust(how=how, enrolled_at=Instant(NOW - int(age_h * HOUR)), **more)


@pytest.mark.parametrize(
    "young",
    [
        passkey(Enrolment.LINK, age_h=71.9),
        passkey(Enrolment.RECOVERY, age_h=1),
        passkey(Enrolment.OLD_PASSKEY, age_h=900, contact_changed_at=Instant(NOW - HOUR)),
        passkey(Enrolment.OLD_PASSKEY, age_h=1, young_since=Instant(NOW - 2 * HOUR)),
        passkey(Enrolment.VOUCHED, age_h=90, contact_changed_at=Instant(NOW - HOUR)),
        passkey(Enrolment.LINK, age_h=1, vouched_at=Instant(NOW - 2 * HOUR)),
        passkey(Enrolment.LINK, age_h=1, vouched_at=Instant(NOW + HOUR)),
    ],
)
def test_a_young_passkey_confirms_nothing_above_routine(young: PasskeyTrust) -> None:
    for area in Area:
        if area is Area.ROUTINE:
            verify_passkey_may_confirm(young, area=area, now=NOW)
            continue
        with pytest.raises(Refused) as caught:
            verify_passkey_may_confirm(young, area=area, now=NOW)
        assert refused_code(caught) is Code.CONFIRMATION_WRONG_PERSON
        assert caught.value.retry_after_s
    with pytest.raises(Refused):
        verify_passkey_may_confirm(young, area=Area.ROUTINE, now=NOW, sensitive=True)


@pytest.mark.parametrize(
    "trusted",
    [
        passkey(Enrolment.LINK, age_h=72),
        passkey(Enrolment.VOUCHED),
        passkey(Enrolment.OLD_PASSKEY),
        passkey(Enrolment.LINK, age_h=2, vouched_at=Instant(NOW - HOUR)),
        passkey(Enrolment.VOUCHED, age_h=1, contact_changed_at=Instant(NOW - 2 * HOUR)),
        passkey(Enrolment.OLD_PASSKEY, contact_changed_at=Instant(NOW - 73 * HOUR)),
    ],
)
def test_a_trusted_passkey_confirms_everything(trusted: PasskeyTrust) -> None:
    verify_passkey_may_confirm(trusted, area=Area.SECURITY, now=NOW, sensitive=True)


def test_a_passkey_that_waits_removes_none_that_waits_less_long() -> None:
    settled, older, younger = passkey(Enrolment.VOUCHED), passkey(Enrolment.LINK, age_h=2), passkey(Enrolment.LINK, age_h=1)
    order = [settled, older, younger]
    for place, signing in enumerate(order):
        for going in order[place:]:
            verify_passkey_may_remove(signing, going, now=NOW)
        for going in order[:place]:
            with pytest.raises(Refused) as caught:
                verify_passkey_may_remove(signing, going, now=NOW)
            assert refused_code(caught) is Code.CONFIRMATION_WRONG_PERSON


def test_a_passkey_that_waits_grants_everyday_things_and_resumes_nothing() -> None:
    young, settled = passkey(Enrolment.LINK, age_h=1), passkey(Enrolment.LINK, age_h=72)
    verify_passkey_may_grant(young, above_routine=False, now=NOW)
    verify_passkey_may_grant(settled, above_routine=True, now=NOW)
    verify_passkey_may_resume(settled, now=NOW)
    for refused in (
        lambda: verify_passkey_may_grant(young, above_routine=True, now=NOW),
        lambda: verify_passkey_may_resume(young, now=NOW),
    ):
        with pytest.raises(Refused) as caught:
            refused()
        assert refused_code(caught) is Code.CONFIRMATION_WRONG_PERSON
        assert caught.value.retry_after_s


def test_an_amount_written_otherwise_is_the_same_act_wherever_it_stands() -> None:
    def of(params: dict[str, object], customer: str = "c1") -> str:
        return act_digest(action="payment.refund", params=params, customer=customer)  # type: ignore[arg-type]  # they are JSON

    one = of({"amount": "40.00 EUR", "lines": [{"price": "5 EUR"}, 3, True], "note": "40 EURO"})
    assert one == of({"amount": "40 EUR", "lines": [{"price": "5.0 EUR"}, 3, True], "note": "40 EURO"})
    others = [
        of({"amount": "40.01 EUR", "lines": [{"price": "5 EUR"}, 3, True], "note": "40 EURO"}),
        of({"amount": "40.00 EUR", "lines": [3, {"price": "5 EUR"}, True], "note": "40 EURO"}),
        of({"amount": "40.00 EUR", "lines": [{"price": "5 EUR"}, 3, True], "note": "40.00 EURO"}),
        of({"amount": "40.00 EUR", "lines": [{"price": "5 EUR"}, 3, True], "note": "40 EURO"}, "c2"),
    ]
    assert len({one, *others}) == 5
