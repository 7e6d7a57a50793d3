"""The dialect of roundup: whose words are whose. `tests/real/test_roundup.py` tries the same at a real one."""

import asyncio
from typing import Any

import pytest

from contracts.roundup_in_memory import ANN, BOT, REMIT, RoundupInMemory
from remit.adapters.helpdesk.remote.roundup import Roundup
from remit.domain.errors import Code, Fault

LATE = 4_000_000_000_000


def dialect(rows: RoundupInMemory) -> Roundup:
    made: Any = rows
    return Roundup(made, password="a password", account="remit")


def native(rows: RoundupInMemory, **asked: int) -> list[tuple[int, str, str]]:
    found = asyncio.run(dialect(rows).native(**{"after": 0, "before_ms": LATE, "limit": 100, **asked}))
    return [(one.place, one.author, one.address) for one in found]


@pytest.mark.proves("HELPDESK-WRITER")
def test_a_reply_is_its_writers_who_put_it_into_the_ticket(rows: RoundupInMemory) -> None:
    """⚔ bot puts an officer's old words into another customer's ticket: an officer said them, and not here."""
    rows.say("1", "reply", "We look into it.", by=ANN)
    rows.say("1", "reply", "Yes, we pay.", by=BOT, writer=ANN)
    rows.say("1", "reply", "You get a refund.", by=ANN, writer=BOT)
    assert native(rows) == [(1, "ann", "ann@desk.test"), (2, "bot", ""), (3, "ann", "")]


@pytest.mark.proves("HELPDESK-WRITER")
def test_a_note_is_remits_where_remit_wrote_it_and_put_it_there(rows: RoundupInMemory) -> None:
    """⚔ The card of one case, put into the ticket of another; or bot's words, put there by Remit's account."""
    rows.say("1", "note", "Remit: at work", by=REMIT)
    rows.say("1", "note", "Remit: speaks for anna", by=BOT, writer=REMIT)
    rows.say("1", "note", "Remit: released", by=REMIT, writer=BOT)
    assert [entry.own for entry in asyncio.run(dialect(rows).entries("1"))] == [True, False, False]


@pytest.mark.proves("HELPDESK-WRITER")
def test_a_ticket_of_a_case_is_one_that_remit_created(rows: RoundupInMemory) -> None:
    rows.put("issue", "1", remit_case="case_1", creator=BOT)
    rows.put("issue", "2", remit_case="CASE_1", creator=REMIT)
    rows.put("issue", "3", remit_case="case_1", creator=REMIT)
    assert asyncio.run(dialect(rows).find("case_1")) == ["3"]


def test_replies_come_in_order_once_and_none_too_early(rows: RoundupInMemory) -> None:
    for number in range(5):
        rows.say("1", "reply", str(number), by=REMIT if number == 1 else ANN, at=f"2026-11-29.18:00:0{number}")
    assert [place for place, *_ in native(rows)] == [1, 3, 4, 5]
    assert [place for place, *_ in native(rows, after=3)] == [4, 5]
    assert [place for place, *_ in native(rows, limit=2)] == [1, 3]
    assert [place for place, *_ in native(rows, before_ms=1_795_975_203_000)] == [1, 3]


@pytest.mark.parametrize(("times", "kept"), [(0, True), (3, True), (9, False)])
def test_a_ticket_that_was_changed_meanwhile_is_read_again(rows: RoundupInMemory, times: int, kept: bool) -> None:
    rows.put("issue", "1", status="8", messages=["7"], files=[])
    rows.refused = times
    adding = dialect(rows).add("1", public=False, text="A note.")
    if not kept:
        with pytest.raises(Fault) as broken:
            asyncio.run(adding)
        assert broken.value.code is Code.FAULT_CASE
    else:
        asyncio.run(adding)
    assert rows.rows["issue"]["1"]["messages"] == (["7", "1"] if kept else ["7"])
    assert rows.rows["issue"]["1"]["status"] == "8"
    assert list(rows.rows["msg"]) == ["1"]


@pytest.mark.parametrize("ref", ["1/../../user/1", "", "²", "x"])
def test_what_is_no_id_goes_into_no_address(rows: RoundupInMemory, ref: str) -> None:
    with pytest.raises(Fault):
        asyncio.run(dialect(rows).file_data(ref))


@pytest.fixture
def rows() -> RoundupInMemory:
    return RoundupInMemory()
