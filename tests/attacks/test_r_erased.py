"""What two people erased at the desk's door is gone from the working records too, and no restore brings it back."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest

from attacks.arena import SEND_BACK, Arena, code_of, mandate, open_arena, refund
from remit.adapters.vault.file import FileVault
from remit.engine.transcript.erase import ERASURES
from remit.engine.transcript.record import open_entry
from remit.sandbox.people import SandboxPerson
from remit.usecases.transcript.replay_erasures import finish_erasures

AUNT = "The kettle of my aunt Gertrud leaks."


def security(arena: Arena, name: str) -> SandboxPerson:
    return arena.desk.officer(name, roles=["security"])


def proposed(arena: Arena) -> str:
    made = security(arena, "sam").post("/security/v1/erasures", {"customer": "anna", "reason": "asked for it"})
    return str(made["proposal"]["proposal"])


def agreed(arena: Arena, proposal: str) -> httpx.Response:
    return arena.person("POST", f"/security/v1/proposals/{proposal}", {"answer": "yes"}, cookie=security(arena, "kim").cookie)


def erased(arena: Arena) -> None:
    assert agreed(arena, proposed(arena)).is_success


def told(arena: Arena, ref: str) -> list[bool]:
    """Of each entry about a task or a mandate, whether more than its envelope still opens."""

    async def opened() -> list[bool]:
        kept = await arena.context.store.entries(ref=ref)
        return [len((await open_entry(arena.context, one.row)).sections) > 1 for one in kept]

    return arena.run(opened())


def everything_said(arena: Arena) -> None:
    """Have Gertrud's name, and 17.43 EUR, said wherever anybody can say something about Anna."""
    agent, olga = arena.agent(), arena.desk.officer("olga", roles=["audit", "billing", "care"])
    wanted = mandate()
    wanted["objective"] = {**wanted["objective"], "summary": "Gertrud sends it back"}
    request, _ = agent.push(wanted)
    path = f"/me/v1/requests/{request.rpartition(':')[2]}"
    arena.anna.get(path)
    arena.anna.post(path, {"answer": "decline"})
    granted = arena.anna.grant(agent, wanted)
    task = agent.open(granted)
    assert task.ask("case.comment", {"text": AUNT}).outcome == "done"
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK, words="Please send Gertrud's kettle of order W1 back.")).outcome == "done"
    olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": "Greetings to Gertrud."})
    terms = {"kind": "goodwill credit", "order_id": "W1", "amount": "17.43 EUR"}
    olga.post(f"/desk/v1/cases/{task.case}/offers", {"action": "offer.accept", "terms": terms, "ttl_s": 3600})
    asked = task.ask("payment.refund", refund("19.00 EUR"))
    arena.anna.post(f"/me/v1/confirmations/{arena.anna.invitation(asked)}/less", {"params": refund("17.43 EUR")})
    entry = arena.run(arena.context.store.entries(ref=task.id))[0].index
    arena.anna.post(f"/me/v1/entries/{entry}/contest", {"text": "Gertrud was not there."})
    arena.anna.revoke(granted)
    (contest,) = olga.get("/audit/v1/contests")["contests"]
    olga.post(f"/audit/v1/contests/{contest['contest']}", {"text": "It was Gertrud."})


def rows_with(store: Path, *words: str) -> set[str]:
    """The tables of a store, and kinds of records, in which any of these words stands in a row."""
    with closing(sqlite3.connect(store)) as file:
        tables = [name for (name,) in file.execute("select name from sqlite_schema where type = 'table'")]
        rows = [(table, row) for table in tables for row in file.execute(f"select * from {table}")]
    return {
        str(row[0]) if table == "record" else table
        for table, row in rows
        for value in row
        if any(word.encode() in (value if isinstance(value, bytes) else str(value).encode()) for word in words)
    }


@contextmanager
def keys_on_a_broken_disk(arena: Arena) -> Iterator[None]:
    """No key can be overwritten meanwhile; new ones can be made."""
    connection = cast("FileVault", arena.context.vault)._connection
    assert connection is not None
    connection.set_authorizer(lambda do, *_: sqlite3.SQLITE_DENY if do == sqlite3.SQLITE_UPDATE else sqlite3.SQLITE_OK)
    yield
    connection.set_authorizer(None)


@pytest.mark.proves("ERASED")
def test_nothing_erased_stays_in_what_the_desk_works_with(arena: Arena) -> None:
    granted, task = arena.granted()
    assert task.ask("case.comment", {"text": AUNT}).outcome == "done"
    refused = arena.person("POST", "/security/v1/erasures", {"customer": "anna", "reason": "now"}, cookie=security(arena, "sam").cookie)
    assert code_of(refused) == "request.conflict", "while a mandate is active"
    arena.anna.revoke(granted)
    olga = arena.desk.officer("olga", roles=["billing"])
    assert any(one["params"] == {"text": AUNT} for one in olga.get(f"/desk/v1/cases/{task.case}")["asks"])
    erased(arena)
    card = olga.get(f"/desk/v1/cases/{task.case}")
    assert all(one["params"] == {} for one in card["asks"])
    assert (card["told"], card["may"]) == ([], {"lines": []})
    for person, page in ((olga, f"/desk/cases/{task.case}"), (arena.anna, "/me"), (arena.anna, f"/me/mandates/{granted.id}")):
        shown = arena.person("GET", page, cookie=person.cookie)
        assert shown.is_success, page
        assert "kettle" not in shown.text or page == f"/desk/cases/{task.case}"


@pytest.mark.proves("ERASED")
def test_an_erasure_at_the_door_names_its_keys_so_that_a_restore_repeats_it(arena: Arena) -> None:
    granted, task = arena.granted()
    task.ask("order.return", SEND_BACK)
    arena.anna.revoke(granted)
    keys = arena.run(arena.context.vault.keys("anna"))
    erased(arena)
    entry = arena.recorded("entry.erased")
    assert set(entry["envelope"]["keys"]) == set(keys) != set()
    assert sorted(entry["desk"]["by"]) == ["kim", "sam"]
    assert len(arena.run(arena.context.store.entries(ref=ERASURES))) == 1


@pytest.mark.proves("ERASED")
def test_nobody_erases_what_is_on_the_record_about_themselves(arena: Arena) -> None:
    sam = security(arena, "sam")
    sam.post("/security/v1/people", {"id": "sam-buys", "kind": "customer", "same_person_as": "sam"})
    refused = arena.person("POST", "/security/v1/erasures", {"customer": "sam-buys", "reason": "x"}, cookie=sam.cookie)
    assert code_of(refused) == "person.not_allowed"
    made = security(arena, "kim").post("/security/v1/erasures", {"customer": "sam-buys", "reason": "x"})["proposal"]["proposal"]
    agreed = arena.person("POST", f"/security/v1/proposals/{made}", {"answer": "yes"}, cookie=sam.cookie)
    assert code_of(agreed) == "person.not_allowed"


@pytest.mark.proves("ERASED")
def test_an_erasure_that_broke_takes_nothing_that_is_recorded_after_it(arena: Arena) -> None:
    granted, before = arena.granted()
    before.ask("case.comment", {"text": AUNT})
    arena.anna.revoke(granted)
    proposal = proposed(arena)
    with keys_on_a_broken_disk(arena):
        assert code_of(agreed(arena, proposal)) == "fault.store"
        assert len(arena.run(arena.context.store.entries(ref=ERASURES))) == 1
        granted, after = arena.granted()
        assert after.ask("case.comment", {"text": "It leaks again."}).outcome == "done"
        assert all(told(arena, before.id)), "nothing could be destroyed yet"
    arena.run(finish_erasures(arena.context))
    assert not any(told(arena, before.id))
    assert all(told(arena, after.id))
    assert after.ask("case.comment", {"text": "Still."}).outcome == "done"


@pytest.mark.proves("ERASED")
def test_what_broke_is_completed_while_the_desk_serves(arena: Arena) -> None:
    granted, task = arena.granted()
    task.ask("case.comment", {"text": AUNT})
    arena.anna.revoke(granted)
    keys = arena.run(arena.context.vault.keys("anna"))
    proposal = proposed(arena)
    with keys_on_a_broken_disk(arena):
        agreed(arena, proposal)
        assert arena.run(arena.context.vault.retired()) == keys
    assert arena.desk.desk is not None
    arena.run(arena.desk.desk.jobs.round())
    assert arena.run(arena.context.vault.keys("anna")) == arena.run(arena.context.vault.retired()) == ()


@pytest.mark.proves("ERASED")
def test_what_is_granted_while_two_people_erase_is_neither_emptied_nor_erased(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = arena.granted()
    arena.anna.revoke(first)
    proposal = proposed(arena)
    security(arena, "kim")  # enrolled before anything is slow
    agent, read, go_on = arena.agent(), threading.Event(), asyncio.Event()
    vault = arena.context.vault
    seal = vault.seal

    async def slow(subject: str, content: bytes) -> bytes:
        if not subject and not read.is_set():  # the erasure has read what it would empty, and is about to be recorded
            read.set()
            await go_on.wait()
        return await seal(subject, content)

    answers: list[httpx.Response] = []
    monkeypatch.setattr(vault, "seal", slow)
    erasing = threading.Thread(target=lambda: answers.append(agreed(arena, proposal)))
    erasing.start()
    assert read.wait(20)
    granted = arena.anna.grant(agent, mandate())

    async def let_go() -> None:
        go_on.set()

    arena.run(let_go())
    erasing.join(20)
    assert [code_of(one) for one in answers] == ["task.busy"]
    assert agent.open(granted).ask("case.comment", {"text": "hello"}).outcome == "done"
    assert code_of(agreed(arena, proposal)) == "request.conflict", (
        "the same two people may agree again, and are told what stands against it"
    )
    arena.run(finish_erasures(arena.context))
    assert all(told(arena, granted.id) + told(arena, first.id)), "an erasure that was refused destroys nothing"
    assert len(told(arena, granted.id)) > 1


SAID_IN = {"ask", "ceremony", "confirmation", "contest", "mandate", "message", "offer", "request"}


@pytest.mark.proves("ERASED")
def test_what_was_said_about_somebody_stands_in_no_row_of_the_store(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        everything_said(arena)
    assert rows_with(tmp_path / "store.sqlite", "Gertrud", "17.43") == SAID_IN
    with open_arena(store=tmp_path) as arena:
        erased(arena)
    assert rows_with(tmp_path / "store.sqlite", "Gertrud", "17.43") == set()


def files_with(store: Path, word: bytes) -> set[str]:
    return {one.name for one in store.iterdir() if one.is_file() and word in one.read_bytes()}


@pytest.mark.proves("ERASED")
def test_what_was_erased_stands_in_no_file_of_the_store_while_it_serves(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        everything_said(arena)
        assert files_with(tmp_path, b"Gertrud")
        erased(arena)
        assert files_with(tmp_path, b"Gertrud") == set()


@pytest.mark.proves("ERASED")
def test_who_reads_the_store_meanwhile_only_puts_it_off(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        everything_said(arena)
        proposal = proposed(arena)
        with closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)) as reader:
            reader.execute("begin")
            assert reader.execute("select count(*) from record").fetchone() > (0,)
            assert code_of(agreed(arena, proposal)) == "fault.store"
            assert arena.run(arena.context.vault.keys("anna")) == (), "the keys do not wait for it"
        assert files_with(tmp_path, b"Gertrud")
        assert arena.desk.desk is not None
        arena.run(arena.desk.desk.jobs.round())
        assert files_with(tmp_path, b"Gertrud") == set()
