"""Records whose names are alike, or look so: who signs tells one from the other."""

import pytest

from desks.shop import CATALOGUE as DATA
from remit.domain.confirm.render_ask import AskDetails, PerformedAct, render_ask
from remit.domain.confirm.render_values import Names
from remit.domain.policy.rulebook import read_catalogue

CATALOGUE = read_catalogue(DATA, today=None)
REFUND = CATALOGUE.action("payment.refund")
PARAMS = {"order_id": "W1", "payment_method_id": "pm_1", "amount": "5.00 EUR"}
CARD = "Card ending 4242"


def lines(names: Names, *, done: tuple[PerformedAct, ...] = ()) -> dict[str, list[str]]:
    """What a signer reads, by kind of line."""
    ask = AskDetails(action=REFUND, params=PARAMS, names=names, agent="Helper", operator="helper.example", customer="Anna", done=done)
    found: dict[str, list[str]] = {}
    for line in render_ask(ask, CATALOGUE).lines:
        found.setdefault(line.kind, []).append(line.text)
    return found


@pytest.mark.proves("CONFIRM-SHOWN")
def test_a_title_names_what_its_name_tells_apart_and_the_line_below_both() -> None:
    shown = lines({("payment_method", "pm_1"): CARD})
    assert f"“{CARD}”" in shown["act"][0]
    assert "pm_1" not in shown["act"][0]
    assert any(f"pm_1 (“{CARD}”)" in line for line in shown["param"])


@pytest.mark.proves("CONFIRM-SHOWN")
@pytest.mark.parametrize(
    ("name", "other"),
    [
        (CARD, CARD),
        (CARD, "Card ending 4242 "),
        (CARD, "card ending 4242"),
        (CARD, "\u0421\u0430rd ending 4242"),
        (CARD, "Card  ending\u00a04242"),
        ("Visa", "Vis\u0430"),
        ("Illi", "lIIi"),
    ],
    ids=["equal", "a space", "capitals", "another alphabet", "spaces", "one letter", "capitals like small letters"],
)
def test_two_records_never_look_alike_to_a_signer(name: str, other: str) -> None:
    names = {("payment_method", "pm_1"): name, ("payment_method", "pm_2"): other}
    assert "pm_1" in lines(names)["act"][0]


@pytest.mark.proves("CONFIRM-SHOWN")
@pytest.mark.parametrize("name", ["pm_2", "PM_2", "\u0440m_2", "W1", "Kettle2000", " "])
def test_a_name_that_passes_for_an_id_stands_beside_the_id(name: str) -> None:
    names = {("payment_method", "pm_1"): name, ("payment_method", "pm_2"): "Gift card"}
    assert "pm_1" in lines(names)["act"][0]


@pytest.mark.proves("CONFIRM-SHOWN")
def test_what_was_done_before_is_named_with_its_id_for_no_line_below_says_it() -> None:
    done = PerformedAct(action=REFUND, params=PARAMS, outcome="done")
    (text,) = lines({("payment_method", "pm_1"): CARD}, done=(done,))["done"]
    assert f"pm_1 (“{CARD}”)" in text
