"""Medusa 2 by `examples/medusa`: the promises of each act, a shop that dies, and what Medusa itself would allow."""

import asyncio
import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from real.mapped_line import mapped_line
from real.medusa_seed import SeededCustomer
from real.medusa_server import MedusaServer
from real.systems import Line, LiveAct, try_row
from remit.domain.errors import Fault
from remit.ports.backoffice import Act, ActOutcome, ActResult

STREETS = count(1)


def basic(token: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{token}:'.encode()).decode()}"}


def line(medusa: MedusaServer, folder: Path) -> AbstractAsyncContextManager[Line]:
    """The example's mapping in front of the live shop."""
    return mapped_line(folder, "medusa", medusa.url, reading=basic(medusa.shop.reads), acting=basic(medusa.shop.secret))


class Books:
    """The books of the shop, read as its administrator."""

    def __init__(self, medusa: MedusaServer, customer: SeededCustomer) -> None:
        self.medusa, self.customer = medusa, customer

    def refunds(self) -> list[float]:
        found = self.medusa.call("GET", f"/admin/payments/{self.customer.payment}?fields=*refunds")["payment"]["refunds"]
        return [one["amount"] for one in found]

    def returns(self) -> list[str]:
        found = self.medusa.call("GET", f"/admin/returns?order_id={self.customer.delivered}&fields=id,status&limit=100")["returns"]
        return [one["status"] for one in found]

    def addresses(self) -> int:
        """Count the changes of address in the history of the open order."""
        found = self.medusa.call("GET", f"/admin/orders/{self.customer.open}/changes")["order_changes"]
        return sum(1 for one in found for action in one["actions"] if "address_1" in str(action["details"].get("new")))

    def refund_beside(self, _order: str = "") -> None:
        self.medusa.call("POST", f"/admin/payments/{self.customer.payment}/refund", {"amount": 0.01})

    def move_beside(self, order: str) -> None:
        self.medusa.call("POST", f"/admin/orders/{order}", {"shipping_address": {"address_1": f"Beside {next(STREETS)}"}})


def live(medusa: MedusaServer, action: str) -> LiveAct:
    anna, bram = (medusa.shop.customers[name] for name in ("anna", "bram"))
    books = Books(medusa, anna)
    common = LiveAct(
        system="Medusa 2.21.2",
        promise="marker",
        line=lambda folder: line(medusa, folder),
        action=action,
        customer=anna.id,
        kind="order",
        record=lambda: anna.delivered,
        foreign=bram.delivered,
        params=lambda order: {"order_id": order, "payment_id": anna.payment, "amount": "1.00 EUR"},
        count=lambda: len(books.refunds()),
        move=books.refund_beside,
        crash=medusa.crash,
        write="POST refund",
        read=("order.read", lambda order: {"order_id": order}),
    )
    if action == "order.return":
        item = anna.items["Floor lamp"]
        return replace(
            common,
            promise="prepare-commit",
            params=lambda order: {"order_id": order, "item_id": item, "quantity": 1},
            count=lambda: books.returns().count("requested"),
            write="POST request",
        )
    if action == "order.change_address":
        return replace(
            common,
            record=lambda: anna.open,
            foreign=bram.open,
            params=lambda order: {"order_id": order, "street": f"Oak {next(STREETS)}", "postal_code": "10117", "city": "Berlin"},
            count=books.addresses,
            move=books.move_beside,
            write="POST",
        )
    return common


@pytest.mark.parametrize("action", ["payment.refund", "order.return", "order.change_address"])
def test_each_promise_holds_at_the_live_shop(medusa: MedusaServer, tmp_path: Path, action: str) -> None:
    try_row(live(medusa, action), tmp_path)


def perform(medusa: MedusaServer, folder: Path, wanted: LiveAct, work: Callable[[Line, Act], Any]) -> Any:
    async def run() -> Any:
        async with line(medusa, folder) as opened:
            return await work(opened, await wanted.act(opened))

    return asyncio.run(run())


@pytest.mark.parametrize("fenced", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["returns", "request-items", "request"])
def test_a_return_that_broke_at_any_step_is_whole_or_gone_and_locks_nothing(
    medusa: MedusaServer, tmp_path: Path, step: str, when: str, fenced: bool
) -> None:
    wanted, books = live(medusa, "order.return"), Books(medusa, medusa.shop.customers["anna"])
    before = books.returns().count("requested")

    async def broken(opened: Line, act: Act) -> ActResult:
        opened.cuts[f"POST {step}"] = when
        with pytest.raises(Fault):
            await opened.backoffice.perform(act)
        opened.later()
        return await (opened.backoffice.fence(act) if fenced else opened.backoffice.perform(act))

    found = perform(medusa, tmp_path, wanted, broken)
    done = not fenced or (step, when) == ("request", "after")
    assert found.state is (ActOutcome.DONE if done else ActOutcome.FENCED)
    assert books.returns().count("requested") - before == done
    assert "open" not in books.returns()


@pytest.mark.parametrize(
    ("action", "delay_ms"), [("payment.refund", 20), ("order.return", 20), ("order.return", 250), ("order.change_address", 20)]
)
def test_a_shop_killed_while_it_acts_has_acted_once_or_not_at_all(medusa: MedusaServer, tmp_path: Path, action: str, delay_ms: int) -> None:
    wanted = live(medusa, action)
    before = wanted.count()

    async def killed(opened: Line, act: Act) -> ActResult:
        acting = asyncio.create_task(opened.backoffice.perform(act))
        await asyncio.sleep(0.4 + delay_ms / 1000)
        await asyncio.to_thread(medusa.stop)
        await asyncio.gather(acting, return_exceptions=True)
        await asyncio.to_thread(medusa.start)
        for _ in range(3):
            opened.later()
            found = await opened.backoffice.perform(act)
        return found

    found = perform(medusa, tmp_path, wanted, killed)
    assert (found.state, wanted.count() - before) == (ActOutcome.DONE, 1)


def test_what_medusa_would_do_and_the_mapping_does_not(medusa: MedusaServer, tmp_path: Path) -> None:
    """⚔ Medusa pays back another customer's payment, and moves a delivered parcel."""
    anna, bram = (medusa.shop.customers[name] for name in ("anna", "bram"))
    refund, books = live(medusa, "payment.refund"), Books(medusa, bram)
    foreign = replace(refund, params=lambda order: {"order_id": order, "payment_id": bram.payment, "amount": "1.00 EUR"})
    too_much = replace(refund, params=lambda order: {"order_id": order, "payment_id": anna.payment, "amount": "99999.00 EUR"})
    moved = replace(live(medusa, "order.change_address"), record=lambda: anna.delivered)
    for number, wanted in enumerate((foreign, too_much, moved)):
        (tmp_path / str(number)).mkdir()
        found = perform(medusa, tmp_path / str(number), wanted, lambda opened, act: opened.backoffice.perform(act))
        assert found.state is ActOutcome.FAILED, wanted.action
    assert books.refunds() == []
    here = medusa.call("GET", f"/admin/orders/{anna.delivered}?fields=*shipping_address")["order"]["shipping_address"]
    assert here["address_1"] == "Elm 1"


def test_amounts_in_the_books_are_those_that_were_asked_for(medusa: MedusaServer, tmp_path: Path) -> None:
    anna = medusa.shop.customers["anna"]
    refund, books = live(medusa, "payment.refund"), Books(medusa, anna)
    exact = replace(refund, params=lambda order: {"order_id": order, "payment_id": anna.payment, "amount": "12.34 EUR"})
    found = perform(medusa, tmp_path, exact, lambda opened, act: opened.backoffice.perform(act))
    assert found.state is ActOutcome.DONE
    assert books.refunds().count(12.34) == 1
