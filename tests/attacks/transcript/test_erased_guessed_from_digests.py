"""What stays after an erasure tells nobody who tries values what was erased: no digest that anybody can make stands there."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena, refund
from remit.domain.confirm.confirmation import act_digest
from remit.entrypoints.http.wire import body_digest
from remit.proof.canonical import digest

AMOUNT = "23.45 EUR"
ASKED = json.dumps({"action": "payment.refund", "params": refund(AMOUNT)}).encode()
SAID = "Your return of 17 July is done."
TERMS = {"kind": "goodwill credit", "order_id": "W1", "amount": "17.00 EUR"}


def everything(folder: Path) -> str:
    """All that stands in the store's tables, as text."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as store:
        tables = [name for (name,) in store.execute("select name from sqlite_schema where type = 'table'")]
        rows = [row for table in tables for row in store.execute(f"select * from {table}")]  # its own tables
    return "\n".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for row in rows for one in row)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk where something was asked, declined, said and offered, stopped again."""
    with open_arena(store=tmp_path) as arena:
        ask_and_decline(arena)
        task = arena.task()
        officer = arena.desk.officer("zoe", roles=["care", "billing"])
        officer.post(f"/desk/v1/cases/{task.case}/reply", {"text": SAID})
        officer.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": TERMS})
    return tmp_path


def ask_and_decline(arena: Arena) -> None:
    """A refund that Anna says no to."""
    task = arena.task()
    arena.anna.confirm(task.ask("order.return", SEND_BACK))
    assert arena.send(task, f"/v1/tasks/{task.id}/asks", ASKED).json()["decision"] == "needs_human"
    (waiting,) = arena.anna.waiting()
    arena.anna.post(f"/me/v1/confirmations/{waiting['confirmation']}", {"answer": "no"})


@pytest.mark.proves("ERASED")
@pytest.mark.parametrize(
    "guess",
    [
        pytest.param(body_digest(ASKED), id="what was asked"),
        pytest.param(act_digest(action="payment.refund", params=refund(AMOUNT), customer="anna"), id="what was declined"),
    ],
)
def test_whoever_guesses_right_is_told_nothing_by_what_is_kept_beside(folder: Path, guess: str) -> None:
    assert guess not in everything(folder)


@pytest.mark.proves("ERASED")
@pytest.mark.parametrize(("kind", "guess"), [("reply.sent", digest(SAID)), ("offer.made", digest(TERMS))])
def test_nor_by_an_envelope_which_is_never_erased(folder: Path, kind: str, guess: str) -> None:
    with open_arena(store=folder) as arena:
        told = arena.entries(kind)[-1]
        assert told["envelope"]["digest"]
        assert guess not in json.dumps(told["envelope"])
