"""Text that an officer writes in the helpdesk itself, past the disclosure firewall.

Source: docs/model/model.md#native-replies.
"""

import asyncio
from typing import Any

import pytest

from attacks.arena import Arena, gathered
from remit.usecases.native_replies import take_native_replies

TEXT = "Her birthday is 1988-04-17, and her PIN is 4711."


def _told(arena: Arena) -> list[dict[str, str]]:
    return [dict(details) for kind, details in arena.notify.incidents if kind == "native_public_reply"]


def _blocked(arena: Arena) -> list[dict[str, Any]]:
    return [one for one in arena.entries("message.blocked") if one["envelope"].get("why") == "native_public_reply"]


@pytest.mark.proves("PUBLIC-TEXT", "NATIVE-REPLY")
def test_a_public_reply_written_natively_is_an_incident_and_tells_the_agent_nothing(arena: Arena) -> None:
    task = arena.task()
    before = arena.ask(task, "case.read", {}).json()["result"]
    arena.run(arena.helpdesk.reply_natively(task.case, "ann", TEXT))
    with arena.unchanged():
        arena.desk.sweep()
    (incident,) = _told(arena)
    assert incident == {"case": task.case, "task": task.id, "note": "1", "by": "officer:ann"}
    (entry,) = _blocked(arena)
    assert (entry["envelope"]["task"], entry["envelope"]["case"], entry["envelope"]["note"]) == (task.id, task.case, 1)
    assert entry["desk"]["by"] == "officer:ann"
    seen = arena.desk.officer("sam", roles=["security"]).get("/security/v1/events")["events"]
    assert [one["entry"] for one in seen if one["kind"] == "message.blocked"] == [entry["index"]]
    assert task.inbox() == []
    read = arena.ask(task, "case.read", {})
    assert read.json()["result"] == before
    for text in (read.text, str(arena.entries()), str(_told(arena)), str(seen)):
        assert "1988-04-17" not in text
        assert "PIN is" not in text


@pytest.mark.proves("PUBLIC-TEXT")
def test_a_subject_rewritten_natively_is_not_told(arena: Arena) -> None:
    task = arena.task()
    before = arena.ask(task, "case.read", {}).json()["result"]
    assert before["case.subject"] == "Return an item and get the money back"
    arena.helpdesk._change(task.case, subject=TEXT)
    read = arena.ask(task, "case.read", {})
    assert read.json()["result"] == before
    assert "1988-04-17" not in read.text


@pytest.mark.proves("NATIVE-REPLY")
def test_each_native_reply_is_told_once_however_often_and_from_wherever_it_is_looked_for(arena: Arena) -> None:
    first, second = arena.task(), arena.task()
    for case in (first.case, second.case, first.case):
        arena.run(arena.helpdesk.reply_natively(case, "ann", TEXT))
    gathered(arena, [lambda: take_native_replies(arena.context) for _ in range(4)])
    for _ in range(3):
        arena.desk.sweep()
    arena.run(arena.helpdesk.reply_natively(second.case, "ann", TEXT))
    arena.desk.sweep()
    places = [(first.case, "1"), (second.case, "1"), (first.case, "2"), (second.case, "2")]
    assert [(one["case"], one["note"]) for one in _told(arena)] == places
    assert [(one["envelope"]["case"], str(one["envelope"]["note"])) for one in _blocked(arena)] == places


@pytest.mark.proves("NATIVE-REPLY")
def test_what_was_written_while_the_helpdesk_was_away_is_told_afterwards(arena: Arena) -> None:
    task = arena.task()
    arena.run(arena.helpdesk.reply_natively(task.case, "ann", TEXT))
    arena.helpdesk.set_unavailable(True)
    arena.desk.sweep()
    assert _told(arena) == []
    arena.helpdesk.set_unavailable(False)
    task.complete()
    arena.desk.sweep()
    assert [one["task"] for one in _told(arena)] == [task.id]


@pytest.mark.proves("PUBLIC-TEXT")
def test_internal_notes_and_what_remit_writes_itself_are_no_incidents(arena: Arena) -> None:
    task = arena.task()
    assert task.ask("case.comment", {"text": "The kettle leaks."}).outcome == "done"
    arena.desk.officer("olga", roles=["billing"]).post(f"/desk/v1/cases/{task.case}/reply", {"text": "We look into it."})
    arena.run(arena.helpdesk.reply_natively(task.case, "ann", TEXT, public=False))
    arena.desk.sweep()
    assert (_told(arena), _blocked(arena)) == ([], [])
    assert [one["text"] for one in task.inbox()] == ["We look into it."]


@pytest.mark.proves("NATIVE-REPLY")
def test_looking_costs_one_question_however_many_cases_there_are(arena: Arena) -> None:
    for _ in range(5):
        arena.task()
    asked: list[int] = []
    real = arena.helpdesk.native_replies

    async def counted(*, after: int, limit: int) -> Any:
        asked.append(after)
        await asyncio.sleep(0)
        return await real(after=after, limit=limit)

    arena.helpdesk.native_replies = counted  # type: ignore[method-assign]  # it counts
    arena.desk.sweep()
    assert asked == [0]
