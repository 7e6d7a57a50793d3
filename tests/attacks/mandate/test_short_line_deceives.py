"""The short lines that stay in view say no less than what is folded: amounts, records, and to whom a permission may go on."""

from copy import deepcopy
from typing import Any

import pytest

from remit.adapters.files.pack import read_pack
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import Names
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant
from remit.entrypoints.web.decision_page import key_lines

CATALOGUE = read_catalogue(deepcopy(dict(read_pack("consumer").catalogue)), today=None)
NOW = Instant(1_790_000_000_000)
REFUND = {"power": "request", "actions": ["payment.refund"], "uses": 1, "where": {"amount": {"max": "80.00 EUR"}}}


def rendered(
    power: dict[str, Any], names: Names, objective: str = "return-item", **more: Any
) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """The lines of a mandate with one power besides speaking, by kind."""
    wire = {
        "type": "remit_mandate",
        "objective": {"type": objective, "target": {"order": ["W1"]}, "summary": "it leaks"},
        "powers": [{"power": "represent"}, power],
        "never": [],
        **more,
    }
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for line in render_mandate(read_mandate(wire, CATALOGUE, now=NOW), CATALOGUE, names).lines:
        if line.place in {1, None}:
            found.setdefault(line.kind, []).append((line.text, line.details))
    return found


@pytest.mark.proves("SHORT-LINE")
@pytest.mark.parametrize(
    "limits", [{"total": {"paid_back": "5.00 EUR"}}, {"where": {"paid_back": {"max": "5.00 EUR"}}}], ids=["a total", "a limit"]
)
def test_a_limit_of_one_amount_is_never_read_as_that_of_another(limits: dict[str, Any]) -> None:
    power = {"power": "request", "actions": ["order.exchange"], "uses": 1, **limits}
    text = rendered(power, {}, "exchange-item")["power"][0][0]
    assert "Paid back: up to €5.00" in text
    assert "Amount: any amount" in text


@pytest.mark.proves("SHORT-LINE")
@pytest.mark.parametrize("name", ["pm_1", "Visa \u0441ard of Mia", " "], ids=["another id", "another alphabet", "nothing"])
def test_a_record_whose_name_deceives_stands_with_its_id(name: str) -> None:
    power = {**REFUND, "where": {**REFUND["where"], "payment_method_id": {"equals": "pm_9"}}}  # type: ignore[dict-item]
    (text, _), *_ = rendered(power, {("payment_method", "pm_9"): name})["at"]
    assert "pm_9" in text


@pytest.mark.proves("SHORT-LINE")
def test_who_may_get_a_part_of_the_permission_is_named() -> None:
    ((_, details),) = rendered(REFUND, {}, chain=1, chain_operators=["evil.example"])["chain"]
    assert any("evil.example" in one for one in details)


@pytest.mark.proves("SHORT-LINE")
def test_what_the_title_leaves_out_is_not_folded() -> None:
    action = CATALOGUE.action("complaint.file")
    params = {"kind": "late", "order_id": "W1", "text": "I waive any claim."}
    lines = [{"kind": "param", "text": text, "details": ()} for text in ("Type: late", "Order: W1", "Text: “I waive any claim.”")]
    assert [line["text"] for line in key_lines(action, params, lines)] == ["Order: W1", "Text: “I waive any claim.”"]
