"""The entries of one ask as one row."""

from typing import Any

import pytest

from desks.shop import CATALOGUE as DATA
from remit.domain.policy.rulebook import read_catalogue
from remit.entrypoints.web.ask_rows import ask_row_text, fold_asks, row_of_each_entry
from remit.entrypoints.web.entry_parties import EntryParties

CATALOGUE = read_catalogue(DATA, today=None)
PARTIES = EntryParties(agents={"a": "Helper"}, staff={"olga": "Olga Frey"}, customer="Anna Berg")
REFUND = {"action": "payment.refund", "params": {"order_id": "W1", "payment_method_id": "pm_1", "amount": "20.00 EUR"}}
ACT = "Refund €20.00 for order W1"


def row(number: int, kind: str, content: Any = None, **envelope: Any) -> dict[str, Any]:
    return {
        "entry": number,
        "kind": kind,
        "at": f"2026-11-30T09:0{number}:00Z",
        "envelope": {"agent": "a", **envelope},
        "content": content or {},
        "erased": False,
    }


def decided(number: int, decision: str = "needs_human", ask: str = "k1", **envelope: Any) -> dict[str, Any]:
    who = {"who": ["customer", "officer:billing"]} if decision == "needs_human" else {}
    asked = {"decision": decision, "action": "payment.refund", "ask": ask, **who, **envelope}
    return row(number, "ask.decided", {"ask": REFUND}, **asked)


def answered(number: int, answer: str, who: str, ask: str = "k1") -> dict[str, Any]:
    return row(number, "confirmation.answered", {"by": "olga"}, answer=answer, ask=ask, **{"as": who})


def told(*rows: dict[str, Any], own: bool) -> str:
    (folded,) = fold_asks(rows)
    return str(ask_row_text(folded, CATALOGUE, own=own, parties=PARTIES)["sentence"])


TAKEN = row(2, "confirmation.taken", {"by": "olga"}, ask="k1", **{"as": "officer:billing"})
DONE = row(5, "act.performed", ask="k1", action="payment.refund", outcome="done")


@pytest.mark.parametrize(
    ("rows", "own", "staff"),
    [
        ([decided(1)], "· waiting for you and support", "· waiting for Anna Berg, Billing officer"),
        ([decided(1), TAKEN], "· waiting for you and support", "· waiting for Anna Berg, Olga Frey"),
        ([decided(1), answered(3, "yes", "officer:billing")], "· waiting for you", "· waiting for Anna Berg"),
        ([decided(1), answered(3, "yes", "customer")], "· waiting for support", "· waiting for Billing officer"),
        ([decided(1), answered(3, "no", "officer:billing")], "· support declined", "· Olga Frey declined"),
        ([decided(1), answered(3, "no", "customer")], "· you declined", "· the customer declined"),
        ([decided(1), answered(3, "silence", "")], "· not answered in time", "· not answered in time"),
        ([decided(1), answered(3, "withdrawn", "")], "· withdrawn", "· withdrawn"),
        ([decided(1), answered(2, "yes", "customer"), answered(3, "yes", "officer:billing")], "· support approved", "· Olga Frey approved"),
        ([decided(1), answered(3, "yes", "customer"), decided(4, "permit"), DONE], "· done", "· done"),
        ([decided(1, "refuse", code="mandate.total_spent")], "· blocked (The permission's total is used up)", "blocked (The permission's total is used up)"),
        ([decided(1, "permit")], "· allowed", "· allowed"),
        ([decided(1, "needs_human", words="held")], "· on hold for review", "· on hold for review"),
    ],
)  # fmt: skip
def test_a_row_tells_the_state_that_its_entries_lead_to(rows: list[dict[str, Any]], own: str, staff: str) -> None:
    for order in (rows, rows[::-1]):
        for is_own, expected in ((True, own), (False, staff)):
            text = told(*order, own=is_own)
            assert expected in text
            waits = "waiting" in expected or "on hold" in expected
            assert text.startswith("Helper asks to refund €20.00 for order W1" if waits else f"Helper · {ACT}")


def test_a_row_stands_where_its_first_entry_does_and_keeps_every_entry() -> None:
    other = row(4, "task.opened", task="t1", objective="return-item")
    rows = [DONE, other, decided(3, "permit", "k2"), answered(2, "yes", "customer"), decided(1)]
    folded = fold_asks(rows)
    assert [one.ask for one in folded] == ["k1", "", "k2"]
    assert [entry["entry"] for one in folded for entry in one.entries] == [1, 2, 5, 4, 3]
    text = ask_row_text(folded[0], CATALOGUE, parties=PARTIES)
    steps: Any = text["steps"]
    assert (text["entry"], text["at"], [one["entry"] for one in steps]) == (5, DONE["at"], [1, 2, 5])
    assert text["details"] == list(dict.fromkeys(text["details"]))  # type: ignore[call-overload]
    assert row_of_each_entry(folded, {1: {"text": "x"}, 4: {"text": "y"}}) == {5: {"text": "x"}, 4: {"text": "y"}}


def test_an_outcome_whose_decision_stands_on_another_page_is_told_by_itself() -> None:
    (folded,) = fold_asks([DONE])
    text = ask_row_text(folded, CATALOGUE, {"k1": REFUND}, parties=PARTIES)
    assert str(text["sentence"]).startswith(f"Helper · {ACT}")
    assert str(ask_row_text(folded, CATALOGUE, parties=PARTIES)["sentence"]) == "Helper · Refund … for order … to … · done"


def test_a_request_handed_over_waits_for_the_other_role() -> None:
    handed = row(3, "confirmation.handed", {"by": "olga"}, ask="k1", **{"from": ["officer:billing"], "to": ["officer:care"]})
    assert "waiting for Anna Berg, " in told(decided(1), TAKEN, handed, own=False)
    assert "Olga" not in told(decided(1), TAKEN, handed, own=False)
