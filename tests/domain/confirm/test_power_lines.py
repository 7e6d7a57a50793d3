"""One sentence for each power: what, how much, how often; nothing sounds more limited than it is, and nothing sensitive is left out."""

from copy import deepcopy
from typing import Any

import pytest

from desks.shop import CATALOGUE as SHOP
from remit.adapters.files.pack import read_pack
from remit.adapters.files.translations import load_translations
from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.render_ask import RenderedLine
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.errors import Code, Refused
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant

DATA: dict[str, Any] = deepcopy(dict(read_pack("consumer").catalogue))
CATALOGUE = read_catalogue(DATA, today=None, speeches=load_translations())
GERMAN = CATALOGUE.in_language("de")
NOW = Instant(1_790_000_000_000)
NAMES = {("payment_method", "pm_7"): "Card ending 4242", ("payment_method", "pm_8"): "Card ending 4242", ("order/W1", "i1"): "Kettle"}


def lines(power: dict[str, Any], catalogue: Catalogue = CATALOGUE) -> list[RenderedLine]:
    needs = str(power.get("actions", [""])[0])
    objective = {"offer.accept": "complain", "order.change_address": "correct-order"}.get(needs, "return-item")
    wire = {
        "type": "remit_mandate",
        "objective": {"type": objective, "target": {"order": ["W1"]}, "summary": "it leaks"},
        "powers": [{"power": "represent"}, power],
        "never": [],
    }
    made = render_mandate(read_mandate(wire, catalogue, now=NOW), catalogue, NAMES)
    return [line for line in made.lines if line.place == 1]


def line(power: dict[str, Any], catalogue: Catalogue = CATALOGUE) -> str:
    return lines(power, catalogue)[0].text


def refund(**limits: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["payment.refund"], **limits}


MAX = {"amount": {"max": "80.00 EUR"}}


@pytest.mark.parametrize(
    ("power", "english", "german"),
    [
        (refund(uses=1, where=MAX), "Request one refund of up to €80.00", "Eine Erstattung von bis zu 80,00 € beantragen"),
        (
            refund(uses=3, where=MAX),
            "Request up to 3 refunds of up to €80.00 each",
            "Bis zu 3 Erstattungen von je bis zu 80,00 € beantragen",
        ),
        (
            refund(uses=3, where=MAX, total={"amount": "80.00 EUR"}),
            "Request up to 3 refunds, up to €80.00 in total",
            "Bis zu 3 Erstattungen beantragen, insgesamt bis zu 80,00 €",
        ),
        (
            refund(uses=3, where=MAX, total={"amount": "100.00 EUR"}),
            "Request up to 3 refunds of up to €80.00 each, up to €100.00 in total",
            "Bis zu 3 Erstattungen von je bis zu 80,00 € beantragen, insgesamt bis zu 100,00 €",
        ),
        (
            refund(uses=1, where={"amount": {"equals": "80.00 EUR"}}),
            "Request one refund of exactly €80.00",
            "Eine Erstattung von genau 80,00 € beantragen",
        ),
        ({"power": "request", "actions": ["order.return"], "uses": 1}, "Request one return", "Eine Rücksendung beantragen"),
        (
            {"power": "receive", "attributes": ["order.status", "order.shipping_address"]},
            "See order status and address the order goes to (sensitive)",
            "Bestellstatus und Adresse, an die die Bestellung geht (vertraulich) sehen",
        ),
    ],
)
def test_a_power_reads_as_a_person_would_say_it(power: dict[str, Any], english: str, german: str) -> None:
    assert line(power) == english
    assert line(power, GERMAN) == german


@pytest.mark.parametrize(
    ("power", "text"),
    [
        (refund(), "Request refunds of any amount, any number of times"),
        (refund(uses=1), "Request one refund of any amount"),
        (refund(where=MAX), "Request refunds of up to €80.00 each, any number of times"),
        (refund(uses=2, where={"amount": {"min": "5.00 EUR"}}), "Request up to 2 refunds of any amount"),
        ({"power": "accept", "actions": ["offer.accept"], "uses": 1}, "Accept one offer of any amount, binding for you"),
    ],
)
def test_a_missing_limit_is_said(power: dict[str, Any], text: str) -> None:
    """⚔ A sentence without a limit must not read like one with it."""
    assert line(power) == text


def test_a_title_that_no_noun_belongs_to_stands_with_its_limits() -> None:
    data = deepcopy(DATA)
    for action in ("payment.refund", "offer.accept"):
        del data["action"][action]["counted"]
        del data["language"]["de"]["action"][action]["counted"]
    plain = read_catalogue(data, today=None, speeches=load_translations())
    title = "Refund money for an order"
    assert line(refund(uses=1, where=MAX), plain) == f"{title}, up to €80.00, once"
    assert line(refund(uses=2, where=MAX), plain) == f"{title}, up to €80.00 each time, up to 2 times"
    assert line(refund(), plain) == f"{title}, any amount, any number of times"
    german = "Geld für eine Bestellung erstatten, bis zu 80,00 €, einmal"
    assert line(refund(uses=1, where=MAX), plain.in_language("de")) == german
    accept = {"power": "accept", "actions": ["offer.accept"], "uses": 1, "where": MAX}
    assert line(accept, plain) == "Accept an offer of the store, binding for you, up to €80.00, once"


def test_many_attributes_are_counted_and_the_sensitive_ones_all_named() -> None:
    """⚔ What is folded is never the sensitive part."""
    names = ["order.status", "order.items", "order.total", "order.delivered_on", "order.payment_method", "order.shipping_address"]
    made = lines({"power": "receive", "attributes": names})[0]
    assert made.text == "See order status, order items, address the order goes to (sensitive) and 3 more details"
    assert made.details[0].count(";") == len(names) - 1


def test_every_limit_stands_in_the_details() -> None:
    where = {"order_id": {"equals": "W1"}, "payment_method_id": {"equals": "pm_7"}, **MAX}
    power, at, caution = lines(refund(uses=2, where=where, total={"amount": "100.00 EUR"}))
    assert power.details == (
        "Refund money for an order",
        "Amount: at most €80.00",
        "Order: only W1",
        "Payment method: only pm_7 (“Card ending 4242”)",
        "At most 2 times",
        "Amount: at most €100.00 in total",
        "“Refund money for an order” cannot be undone",
    )
    assert (at.kind, at.text) == ("at", "Payment method: pm_7 (“Card ending 4242”)")
    assert (caution.kind, caution.text) == ("caution", "This cannot be undone.")


def test_two_records_of_one_name_are_told_apart() -> None:
    """⚔ A name says nothing where two records have it."""
    found = lines(refund(uses=1, where={"payment_method_id": {"one_of": ["pm_7", "pm_8"]}, **MAX}))
    assert [one.text for one in found if one.kind == "at"] == ["Payment method: pm_7 (“Card ending 4242”), pm_8 (“Card ending 4242”)"]


def test_a_recipient_with_deceptive_letters_is_warned_of_beside_the_power() -> None:
    """⚔ The warning is a line of its own: no page folds it with the limits."""
    where = {"address": {"equals": "Lindenweg 4, Hаmburg"}}  # noqa: RUF001  # a Cyrillic letter
    power = {"power": "request", "actions": ["order.change_address"], "uses": 1, "where": where}
    found = lines(power)
    assert [one.text for one in found if one.kind == "at"] == ["Address: “Lindenweg 4, Hаmburg”"]  # noqa: RUF001
    assert any("U+0430" in one.text for one in found if one.kind == "caution")


@pytest.mark.parametrize(
    "counted",
    [
        {"one": "one refund"},
        {"one": "one", "many": "refunds"},
        {"one": "{count}", "many": "{count} refunds"},
        {"one": "a", "many": "{n} b"},
    ],
)
def test_a_noun_that_counts_nothing_stops_the_start(counted: dict[str, str]) -> None:
    data = deepcopy(DATA)
    data["action"]["payment.refund"]["counted"] = counted
    with pytest.raises(Refused) as refused:
        read_catalogue(data, today=None, speeches=load_translations())
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert 'action."payment.refund".counted' in refused.value.detail


def test_another_noun_is_another_action_to_a_signer() -> None:
    """⚔ The noun is read and signed: when it changes, consent is asked for again."""
    data = deepcopy(DATA)
    data["action"]["payment.refund"]["counted"] = {"one": "one gift", "many": "{count} gifts"}
    changed = read_catalogue(data, today=None, speeches=load_translations())
    assert changed.action("payment.refund").digest != CATALOGUE.action("payment.refund").digest


def settle(**limits: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["order.settle"], **limits}


def two_amounts() -> Catalogue:
    """A desk with an action of two amounts, one of them titled, and one of an amount for each of many parts."""
    data = deepcopy(DATA)
    del data["language"]
    order = {"type": "string", "x-resource": "order"}
    money = {"x-money": True}
    part = {"type": "object", "properties": {"amount": money}, "required": ["amount"]}
    for name, title, params in (
        ("order.settle", "Settle {deposit} and {fee} of order {order_id}", {"deposit": {**money, "title": "Deposit"}, "fee": money}),
        ("order.share", "Share {parts} of order {order_id}", {"parts": {"type": "array", "items": part}}),
    ):
        data["action"][name] = {
            "title": title,
            "short": title.partition(" ")[0],
            "power": "request",
            "area": "payment",
            "effect": "write",
            "params": {"properties": {"order_id": order, **params}, "required": ["order_id", *params]},
        }
        data["objective"]["return-item"]["actions"].append(name)
    return read_catalogue(data, today=None)


@pytest.mark.parametrize(
    ("power", "text"),
    [
        (settle(uses=1), "Settle, Deposit: any amount, fee: any amount, once"),
        (settle(uses=1, where={"deposit": {"max": "80.00 EUR"}}), "Settle, Deposit: up to €80.00, fee: any amount, once"),
        (settle(uses=1, where={"fee": {"equals": "5.00 EUR"}}), "Settle, Deposit: any amount, fee: exactly €5.00, once"),
        (settle(uses=1, where={"fee": {"one_of": ["5.00 EUR"]}, "deposit": {"min": "1.00 EUR"}}), "Settle, Deposit: any amount, once"),
        (
            settle(uses=2, where={"fee": {"max": "5.00 EUR"}}, total={"fee": "5.00 EUR"}),
            "Settle, Deposit: any amount, up to 2 times, fee: up to €5.00 in total",
        ),
        (
            settle(uses=2, where={"deposit": {"max": "80.00 EUR"}}, total={"deposit": "100.00 EUR"}),
            "Settle, Deposit: up to €80.00, fee: any amount, up to 2 times, Deposit: up to €100.00 in total",
        ),
        (
            {"power": "request", "actions": ["order.share"], "uses": 1, "where": {"parts[*].amount": {"max": "5.00 EUR"}}},
            "Share, parts[*].amount: up to €5.00, once",
        ),
        ({"power": "request", "actions": ["order.share"], "uses": 1}, "Share, parts[*].amount: any amount, once"),
    ],
)
def test_of_several_amounts_each_has_its_own_limit_or_is_said_to_have_none(power: dict[str, Any], text: str) -> None:
    """⚔ A limit of one amount, or a total of it, must not read as one of the other."""
    assert line(power, two_amounts()) == text


def test_a_total_that_says_no_more_than_the_single_act_is_left_out() -> None:
    assert line(refund(uses=1, where=MAX, total={"amount": "80.00 EUR"})) == "Request one refund of up to €80.00"
    assert line(refund(uses=1, where=MAX, total={"amount": "60.00 EUR"})) == "Request one refund of up to €80.00, up to €60.00 in total"


@pytest.mark.parametrize(
    ("power", "text"),
    [
        ({"power": "disclose", "attributes": ["contact.*"]}, "Share with support: telephone number (sensitive)"),
        ({"power": "receive", "actions": ["order.*"]}, "Look at order … (without sensitive data)"),
        ({"power": "receive", "attributes": ["account.*"], "uses": 1}, "See store credit, once"),
        (
            {"power": "receive", "actions": ["order.read"], "attributes": ["order.address", "order.status"], "uses": 2},
            "See address an order goes to (sensitive) and status of an order; Look at order … (without sensitive data), up to 2 times",
        ),
    ],
)
def test_an_open_pattern_names_everything_under_it(power: dict[str, Any], text: str) -> None:
    """⚔ A signer must see what a short pattern opens, the sensitive part marked."""
    assert line(power, read_catalogue(SHOP, today=None)) == text
