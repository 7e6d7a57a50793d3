"""The sandbox's transcript is told only when the client's own verifier proves it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.client.errors import ReceiptInvalid
from remit.sandbox import Sandbox


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        customer, agent = made.customer("yusuf"), made.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        task.ask("order.read", {"order_id": "W1"})
        customer.confirm(task.ask("payment.refund", REFUND))
        yield made


def test_every_entry_is_told_in_order_with_its_sections(desk: Sandbox) -> None:
    entries = desk.transcript()
    assert [entry["index"] for entry in entries] == list(range(len(entries)))
    kinds = [entry["kind"] for entry in entries]
    assert [kind for kind in kinds if kind in {"mandate.granted", "task.opened", "confirmation.answered", "act.performed"}] == [
        "mandate.granted",
        "task.opened",
        "confirmation.answered",
        "act.performed",
    ]
    decided = [entry for entry in entries if entry["kind"] == "ask.decided"]
    assert [entry["envelope"]["decision"] for entry in decided] == ["permit", "needs_human", "permit"]
    assert decided[1]["customer"] is not None
    assert decided[1]["desk"] is not None


def test_reading_more_than_one_page_gives_every_entry(desk: Sandbox) -> None:
    task = desk.agent(SHOP).open(desk.customer("yusuf").grant(desk.agent(SHOP), MANDATE))
    before = len(desk.transcript())
    for _ in range(260):
        task.ask("order.read", {"order_id": "W1"})
    entries = desk.transcript()
    assert len(entries) == before + 520
    assert [entry["index"] for entry in entries] == list(range(len(entries)))


def test_a_changed_transcript_is_not_told(desk: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def envelope(entry: dict[str, Any]) -> None:
        entry["sections"]["envelope"]["body"]["decision"] = "permit"

    def hidden(entry: dict[str, Any]) -> None:
        entry["sections"]["desk"]["body"] = {}

    def moved(entry: dict[str, Any]) -> None:
        entry["index"] += 1

    for change in (envelope, hidden, moved):
        with monkeypatch.context() as patch:
            _through(desk, patch, lambda receipt, change=change: change(receipt["entries"][-4]))
            with pytest.raises(ReceiptInvalid):
                desk.transcript()
    assert desk.transcript()


def test_a_transcript_with_an_entry_left_out_is_not_told(desk: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (0, 2):
        with monkeypatch.context() as patch:
            _through(desk, patch, lambda receipt, place=place: receipt["entries"].pop(place))
            with pytest.raises(ReceiptInvalid):
                desk.transcript()


def test_another_log_in_the_place_of_this_one_is_not_told(desk: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.transcript()
    with Sandbox(CATALOGUE, facts=FACTS) as other:
        other.customer("yusuf")
        other.customer("mei")
        page = other.room.control("GET", "/sandbox/v1/transcript")
    monkeypatch.setattr(desk.room, "control", lambda *_: page)
    with pytest.raises(ReceiptInvalid):
        desk.transcript()


def test_a_log_that_forgot_what_it_told_is_not_told(desk: Sandbox) -> None:
    desk.transcript()
    reader = desk._log
    assert reader is not None
    reader._told = [*reader._told[:-1], reader._told[0]]
    with pytest.raises(ReceiptInvalid):
        desk.transcript()


def _through(desk: Sandbox, patch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], Any]) -> None:
    real = desk.room.control

    def control(method: str, path: str) -> Any:
        found = deepcopy(real(method, path))
        change(found["receipt"])
        return found

    patch.setattr(desk.room, "control", control)
