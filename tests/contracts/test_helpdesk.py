"""The contract of the helpdesk port, over every plug, and what officers do at a helpdesk by themselves."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.desk_plugs import DATABASES, NOW, StandingWorld, run
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.adapters.helpdesk.memory import MemoryHelpdesk
from remit.domain.errors import Code, Fault
from remit.ports.helpdesk import WriteState

Plug = BuiltinHelpdesk | MemoryHelpdesk


@pytest.fixture(params=[*DATABASES, "memory"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plug]:
    if request.param == "memory":
        yield MemoryHelpdesk(StandingWorld())
        return
    database = DATABASES[request.param](tmp_path)
    try:
        yield BuiltinHelpdesk(database, StandingWorld())
    finally:
        database.close()


def opened(desk: Plug, case: str = "case_1", key: str = "k-open", text: str = "The kettle leaks.") -> None:
    run(desk.open(case=case, key=key, requester="remit@desk.example", subject="Kettle", text=text))


def faults(code: Code, asked: object) -> None:
    with pytest.raises(Fault) as broken:
        run(asked)  # type: ignore[arg-type]  # always a coroutine
    assert broken.value.code is code


def test_an_opened_case_can_be_read_with_its_first_note(desk: Plug) -> None:
    opened(desk)
    case = run(desk.read("case_1"))
    assert (case.id, case.open, case.requester, case.merged_into, case.subject) == ("case_1", True, "remit@desk.example", "", "Kettle")
    (note,) = run(desk.notes("case_1"))
    assert (note.n, note.at, note.author, note.public, note.native, note.text) == (1, NOW, "agent", False, False, "The kettle leaks.")


def test_a_case_without_words_has_no_note(desk: Plug) -> None:
    opened(desk, text="")
    assert list(run(desk.notes("case_1"))) == []


def test_every_write_counts_once_by_its_key(desk: Plug) -> None:
    for _ in range(2):
        opened(desk)
        run(desk.note(case="case_1", key="k-note", author="agent", public=False, text="again"))
        run(desk.close(case="case_1", key="k-close"))
    assert [note.text for note in run(desk.notes("case_1"))] == ["The kettle leaks.", "again"]
    assert not run(desk.read("case_1")).open


def test_a_file_comes_into_its_case_once_by_its_key_and_as_it_was(desk: Plug) -> None:
    opened(desk)
    opened(desk, case="case_2", key="k-open-2")
    data = bytes(range(256)) * 3
    for _ in range(2):
        run(desk.attach(case="case_1", key="k-file", author="agent", name="a.bin", media_type="application/octet-stream", data=data))
    run(desk.attach(case="case_1", key="k-file-2", author="agent", name="Grüße.txt", media_type="text/plain", data=b""))
    assert [(one.n, one.at, one.author, one.name, one.media_type, one.data) for one in run(desk.files("case_1"))] == [
        (1, NOW, "agent", "a.bin", "application/octet-stream", data),
        (2, NOW, "agent", "Grüße.txt", "text/plain", b""),
    ]
    assert list(run(desk.files("case_2"))) == []
    assert run(desk.outcome("k-file")) is WriteState.DONE
    assert run(desk.fence("k-late")) is WriteState.FENCED
    faults(Code.FAULT_CASE, desk.attach(case="case_1", key="k-late", author="agent", name="b", media_type="text/plain", data=b"b"))
    faults(Code.FAULT_CASE, desk.attach(case="case_9", key="k-none", author="agent", name="b", media_type="text/plain", data=b"b"))
    faults(Code.FAULT_CASE, desk.files("case_9"))
    assert len(run(desk.files("case_1"))) == 2


def test_a_write_that_comes_many_times_at_once_counts_once(desk: Plug) -> None:
    opened(desk)

    async def storm() -> None:
        await asyncio.gather(*(desk.note(case="case_1", key="k", author="remit", public=True, text="once") for _ in range(20)))

    run(storm())
    assert [note.text for note in run(desk.notes("case_1"))] == ["The kettle leaks.", "once"]


def test_a_late_close_by_an_old_key_does_not_close_again(desk: Plug) -> None:
    opened(desk)
    run(desk.close(case="case_1", key="k-close"))
    run(desk.reopen_natively("case_1"))
    run(desk.close(case="case_1", key="k-close"))
    case = run(desk.read("case_1"))
    assert case.open
    assert case.reopened == 1


def test_a_second_opening_of_the_same_case_is_a_fault_and_changes_nothing(desk: Plug) -> None:
    opened(desk)
    faults(Code.FAULT_CASE, desk.open(case="case_1", key="other", requester="mallory@mail.example", subject="Mine", text="mine"))
    assert run(desk.read("case_1")).requester == "remit@desk.example"
    assert len(run(desk.notes("case_1"))) == 1


def test_a_key_of_one_case_writes_nothing_into_another(desk: Plug) -> None:
    opened(desk)
    opened(desk, case="case_2", key="k-open-2")
    run(desk.note(case="case_1", key="k", author="remit", public=True, text="for one"))
    faults(Code.FAULT_CASE, desk.note(case="case_2", key="k", author="remit", public=True, text="for two"))
    assert len(run(desk.notes("case_2"))) == 1


def test_a_case_that_is_not_there_is_a_fault_everywhere(desk: Plug) -> None:
    faults(Code.FAULT_CASE, desk.read("case_9"))
    faults(Code.FAULT_CASE, desk.notes("case_9"))
    faults(Code.FAULT_CASE, desk.note(case="case_9", key="k", author="agent", public=False, text="x"))
    faults(Code.FAULT_CASE, desk.close(case="case_9", key="k"))
    faults(Code.FAULT_CASE, desk.reassign("case_9", "ann"))
    faults(Code.FAULT_CASE, desk.close_natively("case_9"))


def test_a_write_that_failed_may_be_tried_again_with_its_key(desk: Plug) -> None:
    faults(Code.FAULT_CASE, desk.note(case="case_1", key="k", author="agent", public=False, text="early"))
    opened(desk)
    run(desk.note(case="case_1", key="k", author="agent", public=False, text="early"))
    assert len(run(desk.notes("case_1"))) == 2


def test_a_merged_case_says_where_it_went_and_is_closed(desk: Plug) -> None:
    opened(desk)
    opened(desk, case="case_2", key="k-open-2")
    run(desk.merge("case_1", "case_2"))
    case = run(desk.read("case_1"))
    assert (case.merged_into, case.open) == ("case_2", False)
    assert run(desk.read("case_2")).open


def test_a_case_is_not_merged_into_itself_or_into_nothing(desk: Plug) -> None:
    opened(desk)
    faults(Code.FAULT_CASE, desk.merge("case_1", "case_1"))
    faults(Code.FAULT_CASE, desk.merge("case_1", "case_9"))
    assert run(desk.read("case_1")).open


def test_what_officers_change_by_themselves_shows_at_the_next_read(desk: Plug) -> None:
    opened(desk)
    run(desk.reassign("case_1", "ann"))
    run(desk.change_requester("case_1", "mallory@mail.example"))
    case = run(desk.read("case_1"))
    assert (case.assignee, case.requester) == ("ann", "mallory@mail.example")
    run(desk.close_natively("case_1"))
    assert not run(desk.read("case_1")).open


def test_a_native_public_reply_can_be_told_from_remits_own(desk: Plug) -> None:
    opened(desk)
    run(desk.note(case="case_1", key="k", author="remit", public=True, text="We look into it."))
    run(desk.reply_natively("case_1", "ann", "Her birth date is on file."))
    run(desk.reply_natively("case_1", "ann", "internal", public=False))
    incidents = [(note.n, note.author) for note in run(desk.notes("case_1")) if note.native and note.public]
    assert incidents == [(3, "officer:ann")]


def places(desk: Plug, after: int = 0, limit: int = 100) -> list[tuple[str, int, str]]:
    return [(one.case, one.n, one.author) for one in run(desk.native_replies(after=after, limit=limit))]


def test_public_notes_written_past_remit_are_told_over_all_cases_and_nothing_else_is(desk: Plug) -> None:
    opened(desk)
    opened(desk, case="case_2", key="k-open-2")
    assert places(desk) == []
    run(desk.note(case="case_1", key="k", author="remit", public=True, text="We look into it."))
    run(desk.reply_natively("case_2", "ann", "one"))
    run(desk.reply_natively("case_1", "ann", "internal", public=False))
    run(desk.reply_natively("case_1", "ben", "two"))
    assert places(desk) == [("case_2", 2, "officer:ann"), ("case_1", 4, "officer:ben")]


def test_what_was_told_once_stands_below_the_next_place(desk: Plug) -> None:
    opened(desk)
    for text in ("one", "two", "three"):
        run(desk.reply_natively("case_1", "ann", text))
    (first,) = run(desk.native_replies(after=0, limit=1))
    rest = run(desk.native_replies(after=first.place, limit=100))
    assert [first.n, *(one.n for one in rest)] == [2, 3, 4]
    assert first.place < rest[0].place < rest[1].place
    assert list(run(desk.native_replies(after=rest[-1].place, limit=100))) == []


def test_a_desks_file_from_before_tells_what_was_written_past_remit_until_then(tmp_path: Path) -> None:
    database = DeskDatabase(tmp_path / "desk.db")
    try:
        desk = BuiltinHelpdesk(database, StandingWorld())
        opened(desk)
        run(desk.reply_natively("case_1", "ann", "Her birth date is on file."))
    finally:
        database.close()
    with sqlite3.connect(tmp_path / "desk.db") as before:
        before.executescript("drop table native_reply; delete from part where name = 'native_reply'")
    before.close()
    database = DeskDatabase(tmp_path / "desk.db")
    try:
        assert places(BuiltinHelpdesk(database, StandingWorld())) == [("case_1", 2, "officer:ann")]
    finally:
        database.close()


def test_a_write_can_be_asked_after_by_its_key(desk: Plug) -> None:
    assert run(desk.outcome("k-open")) is WriteState.UNSEEN
    opened(desk)
    faults(Code.FAULT_CASE, desk.note(case="case_9", key="k-note", author="agent", public=False, text="nowhere"))
    assert [run(desk.outcome(key)) for key in ("k-open", "k-note")] == [WriteState.DONE, WriteState.UNSEEN]


def test_nothing_is_written_by_a_fenced_key(desk: Plug) -> None:
    opened(desk)
    for _ in range(2):
        assert run(desk.fence("k")) is WriteState.FENCED
    faults(Code.FAULT_CASE, desk.note(case="case_1", key="k", author="agent", public=False, text="late"))
    faults(Code.FAULT_CASE, desk.close(case="case_1", key="k"))
    faults(Code.FAULT_CASE, desk.open(case="case_2", key="k", requester="remit@desk.example", subject="Late", text="late"))
    assert run(desk.outcome("k")) is WriteState.FENCED
    assert [case.id for case in run(desk.cases())] == ["case_1"]
    assert (run(desk.read("case_1")).open, len(run(desk.notes("case_1")))) == (True, 1)


def test_what_was_written_cannot_be_fenced_any_more(desk: Plug) -> None:
    opened(desk)
    assert (run(desk.fence("k-open")), run(desk.outcome("k-open"))) == (WriteState.DONE, WriteState.DONE)
    opened(desk)
    assert len(run(desk.notes("case_1"))) == 1


def test_a_fence_and_a_write_at_once_agree_on_what_happened(desk: Plug) -> None:
    opened(desk)

    async def storm() -> list[WriteState | BaseException | None]:
        writes = (desk.note(case="case_1", key=f"k{n}", author="agent", public=False, text=f"{n}") for n in range(20))
        fences = (desk.fence(f"k{n}") for n in range(20))
        told = await asyncio.gather(*(one for pair in zip(writes, fences, strict=True) for one in pair), return_exceptions=True)
        return list(told)[1::2]

    states = run(storm())
    written = {note.text for note in run(desk.notes("case_1"))}
    assert states == [WriteState.DONE if f"{n}" in written else WriteState.FENCED for n in range(20)]


def test_a_fence_survives_a_restart_and_holds_in_a_file_from_before(tmp_path: Path) -> None:
    for first in (True, False):
        database = DeskDatabase(tmp_path / "desk.db")
        try:
            desk = BuiltinHelpdesk(database, StandingWorld())
            opened(desk)
            if first:
                run(desk.fence("k"))
            faults(Code.FAULT_CASE, desk.note(case="case_1", key="k", author="agent", public=False, text="late"))
        finally:
            database.close()
    with sqlite3.connect(tmp_path / "desk.db") as before:
        before.executescript("drop table fenced_write; delete from part where name = 'fenced_write'")
    before.close()
    database = DeskDatabase(tmp_path / "desk.db")
    try:
        desk = BuiltinHelpdesk(database, StandingWorld())
        assert (run(desk.outcome("k-open")), run(desk.outcome("k"))) == (WriteState.DONE, WriteState.UNSEEN)
    finally:
        database.close()


def test_the_helpdesk_lists_its_cases(desk: Plug) -> None:
    opened(desk)
    opened(desk, case="case_2", key="k-open-2")
    assert [case.id for case in run(desk.cases())] == ["case_1", "case_2"]


def test_cases_survive_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        database = DeskDatabase(tmp_path / "desk.db")
        try:
            desk = BuiltinHelpdesk(database, StandingWorld())
            opened(desk)
            assert len(run(desk.notes("case_1"))) == 1
        finally:
            database.close()


def test_a_memory_helpdesk_fails_when_told_before_or_after_it_stored() -> None:
    desk = MemoryHelpdesk(StandingWorld())
    opened(desk)
    desk.fail_next("before")
    faults(Code.FAULT_CASE, desk.note(case="case_1", key="k1", author="agent", public=False, text="one"))
    assert len(run(desk.notes("case_1"))) == 1
    desk.fail_next("after")
    faults(Code.FAULT_CASE, desk.note(case="case_1", key="k1", author="agent", public=False, text="one"))
    run(desk.note(case="case_1", key="k1", author="agent", public=False, text="one"))
    assert len(run(desk.notes("case_1"))) == 2
    desk.set_unavailable(True)
    faults(Code.FAULT_CASE, desk.read("case_1"))
    faults(Code.FAULT_CASE, desk.notes("case_1"))
    faults(Code.FAULT_CASE, desk.native_replies(after=0, limit=1))
    faults(Code.FAULT_CASE, desk.outcome("k1"))
    faults(Code.FAULT_CASE, desk.fence("k2"))
