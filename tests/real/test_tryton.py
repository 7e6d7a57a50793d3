"""Tryton's ledger with PostgreSQL, behind the mapping of `examples/tryton`."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from real.mapped_line import mapped_line
from real.systems import Line, LiveAct, try_row
from real.tryton_server import TrytonServer
from remit.domain.errors import Fault
from remit.ports.backoffice import Act, ActOutcome

SYSTEM = "Tryton 8.2"


def line_to(tryton: TrytonServer, folder: Path) -> AbstractAsyncContextManager[Line]:
    reading, acting = ({"authorization": f"Bearer {tryton.seed[account]}"} for account in ("read", "act"))
    return mapped_line(folder, "tryton", tryton.url, reading=reading, acting=acting)


def test_a_credit_is_drafted_and_posted_once(tryton: TrytonServer, tmp_path: Path) -> None:
    alice = str(tryton.seed["alice"])
    try_row(
        LiveAct(
            system=SYSTEM,
            promise="prepare-commit",
            line=partial(line_to, tryton),
            action="account.credit",
            customer=alice,
            kind="account",
            record=lambda: alice,
            foreign=str(tryton.seed["bob"]),
            params=lambda account: {"account_id": account, "amount": "1.00 EUR"},
            count=lambda: tryton.posted("alice"),
            move=lambda _: tryton.charge("alice", "1.00"),
            crash=tryton.crash,
            write="POST post",
            read=("account.statement", lambda account: {"account_id": account}),
        ),
        tmp_path,
    )
    assert tryton.drafts() == []


async def reverse(line: Line, alice: str, entry: str, key: str, amount: str) -> Any:
    (fact,) = await line.backoffice.facts([("entry", entry)], customer=alice)
    assert fact is not None
    act = Act(
        key=key,
        action="entry.reverse",
        params={"entry_id": entry, "amount": amount},
        customer=alice,
        case="case_1",
        versions={("entry", entry): fact.version},
        confirmed_by=("customer", "officer:accounts"),
        decision="dec_1",
    )
    return await line.backoffice.perform(act)


def test_an_entry_is_taken_back_no_more_than_once(tryton: TrytonServer, tmp_path: Path) -> None:
    alice, entry = str(tryton.seed["alice"]), tryton.charge("alice", "84.00")

    async def attack() -> list[Any]:
        async with line_to(tryton, tmp_path) as line:
            at_once = await asyncio.gather(*(reverse(line, alice, entry, f"act_{number}", "60.00 EUR") for number in range(4)))
            later = [await reverse(line, alice, entry, f"late_{amount}", amount) for amount in ("24.01 EUR", "24.00 EUR", "0.01 EUR")]
            return [*at_once, *later]

    states = [one.state for one in asyncio.run(attack())]
    assert sorted(states[:4]) == [ActOutcome.DONE, *[ActOutcome.FAILED] * 3]
    assert states[4:] == [ActOutcome.FAILED, ActOutcome.DONE, ActOutcome.FAILED]
    assert tryton.taken_back(entry) == ["24.00", "60.00"]
    assert tryton.drafts() == []


def test_a_draft_whose_answer_was_lost_is_deleted_by_the_fence(tryton: TrytonServer, tmp_path: Path) -> None:
    alice, entry = str(tryton.seed["alice"]), tryton.charge("alice", "10.00")

    async def lose() -> Any:
        async with line_to(tryton, tmp_path) as line:
            line.cuts["POST"] = "after"
            with pytest.raises(Fault):
                await reverse(line, alice, entry, "act_lost", "10.00 EUR")
            assert tryton.drafts() == ["act_lost"]
            line.later()
            act = Act(
                key="act_lost",
                action="entry.reverse",
                params={"entry_id": entry, "amount": "10.00 EUR"},
                customer=alice,
                case="case_1",
                versions={},
                confirmed_by=("customer",),
                decision="dec_1",
            )
            return await line.backoffice.fence(act)

    assert asyncio.run(lose()).state is ActOutcome.FENCED
    assert (tryton.drafts(), tryton.taken_back(entry)) == ([], [])


@pytest.mark.parametrize("alias", ["04", " 4", "4/post", "four", "-4", "4 or true"])
def test_what_is_no_number_is_not_asked_for(tryton: TrytonServer, tmp_path: Path, alias: str) -> None:
    asked = alias.replace("4", str(tryton.seed["alice"]))

    async def ask() -> Any:
        async with line_to(tryton, tmp_path) as line:
            return await line.backoffice.facts([("account", asked), ("entry", asked)], customer=str(tryton.seed["alice"]))

    assert asyncio.run(ask()) == [None, None]


def test_the_account_that_reads_posts_nothing(tryton: TrytonServer, tmp_path: Path) -> None:
    alice, entry = str(tryton.seed["alice"]), tryton.charge("alice", "10.00")

    async def ask() -> Any:
        reading = {"authorization": f"Bearer {tryton.seed['read']}"}
        async with mapped_line(tmp_path, "tryton", tryton.url, reading=reading, acting=reading) as line:
            return await reverse(line, alice, entry, "act_reads", "1.00 EUR")

    assert asyncio.run(ask()).state is ActOutcome.FAILED
    assert tryton.taken_back(entry) == []
