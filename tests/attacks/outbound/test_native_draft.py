"""Officers who answer in their own helpdesk: a draft of theirs is checked and sent, anybody else's words reach no agent.

Source: docs/model/model.md#native-replies.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, gathered
from remit.domain.errors import Code, Fault
from remit.domain.records import PersonRecord
from remit.ports.store import Commit, Put
from remit.sandbox import SandboxTask
from remit.usecases.native_replies import take_native_replies

OLGA = "olga@acme.example"


def write(arena: Arena, task: SandboxTask, text: str, address: str = OLGA) -> None:
    arena.run(arena.helpdesk.reply_natively(task.case, "ob", text, address=address))
    arena.desk.sweep()


def incidents(arena: Arena) -> list[str]:
    return [details["by"] for kind, details in arena.notify.incidents if kind == "native_public_reply"]


def notes(arena: Arena, task: SandboxTask) -> list[tuple[str, bool, str]]:
    return [(one.author, one.public, one.text) for one in arena.run(arena.helpdesk.notes(task.case)) if not one.native]


@pytest.fixture
def olga(arena: Arena) -> Any:
    return arena.desk.officer("olga", roles=["billing"], email=OLGA)


@pytest.mark.proves("NATIVE-DRAFT")
@pytest.mark.usefixtures("olga")
def test_what_an_officer_answers_in_the_helpdesk_is_checked_and_sent(arena: Arena) -> None:
    task = arena.task()
    write(arena, task, "We look into it.", address=OLGA.upper())
    assert [one["text"] for one in task.inbox()] == ["We look into it."]
    (entry,) = arena.entries("reply.sent")
    assert (entry["desk"]["by"], entry["desk"]["text"]) == ("olga", "We look into it.")
    assert notes(arena, task) == [("remit", False, "Remit sent this reply to the agent.")]
    assert incidents(arena) == []


@pytest.mark.proves("NATIVE-DRAFT", "PUBLIC-TEXT")
@pytest.mark.usefixtures("olga")
@pytest.mark.parametrize("text", ["She was born on 1988-04-17.", "Her PIN is 4711.", "Write to bram@mail.example instead.", " \n"])
def test_a_draft_that_tells_too_much_is_sent_back_and_reaches_no_agent(arena: Arena, text: str) -> None:
    arena.desk.customer("bram", email="bram@mail.example")
    task = arena.task()
    write(arena, task, text)
    assert task.inbox() == []
    ((author, public, told),) = notes(arena, task)
    assert (author, public) == ("remit", False)
    assert "did not send" in told
    assert f"/desk/cases/{task.case}" in told
    assert text.strip(" .") not in told or not text.strip()
    assert incidents(arena) == []
    assert arena.entries("reply.sent") == []


class OneCaseUnreadable:
    """The desk's helpdesk, which cannot show one case; its replies were written a while ago."""

    ago_ms = 0

    def __init__(self, helpdesk: Any, case: str) -> None:
        self._helpdesk, self._case = helpdesk, case

    def __getattr__(self, name: str) -> Any:
        return getattr(self._helpdesk, name)

    async def notes(self, case: str) -> Any:
        if case == self._case:
            raise Fault(Code.FAULT_CASE, "the ticket is gone")
        return await self._helpdesk.notes(case)

    async def native_replies(self, *, after: int, limit: int) -> Any:
        found = await self._helpdesk.native_replies(after=after, limit=limit)
        return [replace(one, at=one.at - self.ago_ms) for one in found]


@pytest.mark.proves("NATIVE-DRAFT")
@pytest.mark.usefixtures("olga")
def test_a_case_that_stays_unreadable_holds_no_other_cases_replies_up(arena: Arena) -> None:
    """⚔ Replies are taken up in one order: the ticket that an agent filled, or that was deleted, would end them for all."""
    gone, task = arena.task(), arena.task()
    helpdesk = OneCaseUnreadable(arena.helpdesk, gone.case)
    object.__setattr__(arena.context, "helpdesk", helpdesk)
    write(arena, gone, "We cannot say.")
    write(arena, task, "We look into it.")
    assert (task.inbox(), incidents(arena)) == ([], []), "it may be read again"
    helpdesk.ago_ms = 15 * 60 * 1000
    arena.desk.sweep()
    assert ([one["text"] for one in task.inbox()], gone.inbox()) == (["We look into it."], [])
    assert len(incidents(arena)) == 1


def shared_address(arena: Arena) -> None:
    arena.desk.officer("otto", roles=["billing"], email=OLGA)


def as_customer(arena: Arena) -> None:
    arena.desk.customer("carl", email="carl@mail.example")


STRANGERS: dict[str, tuple[str, Callable[[Arena], object]]] = {
    "no address": ("", lambda _: None),
    "an unknown address": ("eve@acme.example", lambda _: None),
    "a part of an address": ("olga@acme.example.evil.example", lambda _: None),
    "an address that two have": (OLGA, shared_address),
    "a customer's address": ("carl@mail.example", as_customer),
    "an officer of no case": ("sam@acme.example", lambda arena: arena.desk.officer("sam", roles=["audit"], email="sam@acme.example")),
}


@pytest.mark.proves("NATIVE-DRAFT", "NATIVE-REPLY")
@pytest.mark.usefixtures("olga")
@pytest.mark.parametrize("who", STRANGERS)
def test_words_of_somebody_who_is_no_officer_of_this_desk_are_an_incident(arena: Arena, who: str) -> None:
    """⚔ Whoever gets into the helpdesk, a bot of it among them, speaks for no officer."""
    address, prepare = STRANGERS[who]
    prepare(arena)
    task = arena.task()
    write(arena, task, "We look into it.", address)
    assert task.inbox() == []
    assert notes(arena, task) == []
    assert incidents(arena) == ["officer:ob"]


@pytest.mark.proves("NATIVE-DRAFT")
def test_an_officer_does_not_answer_in_the_case_of_their_own(arena: Arena) -> None:
    """⚔ One person with two accounts is not their own desk."""
    arena.desk.customer("anna")
    arena.desk.officer("anna-at-work", roles=["billing"], email=OLGA)
    same_person(arena, "anna-at-work", "anna")
    task = arena.task()
    write(arena, task, "We look into it.")
    assert incidents(arena) == ["officer:ob"]


def same_person(arena: Arena, officer: str, customer: str) -> None:
    """Link two accounts of one person, as an administrator does."""

    async def link() -> None:
        store = arena.context.store
        kept, other = await store.get(PersonRecord, officer), await store.get(PersonRecord, customer)
        await store.commit(Commit(puts=(Put(replace(kept.record, key=other.record.key), kept.rev, kept.record),)))

    arena.run(link())


@pytest.mark.proves("NATIVE-DRAFT", "NATIVE-REPLY")
@pytest.mark.usefixtures("olga")
def test_what_is_written_once_the_task_is_over_is_an_incident(arena: Arena) -> None:
    task = arena.task()
    task.complete()
    write(arena, task, "We look into it.")
    assert incidents(arena) == ["officer:ob"]


@pytest.mark.proves("NATIVE-DRAFT")
@pytest.mark.usefixtures("olga")
def test_a_draft_is_sent_once_however_many_nodes_look(arena: Arena) -> None:
    task = arena.task()
    for text in ("One.", "Two."):
        arena.run(arena.helpdesk.reply_natively(task.case, "ob", text, address=OLGA))
    gathered(arena, [lambda: take_native_replies(arena.context) for _ in range(4)])
    for _ in range(2):
        arena.desk.sweep()
    assert [one["text"] for one in task.inbox()] == ["One.", "Two."]
    assert len(notes(arena, task)) == 2


@pytest.mark.proves("NATIVE-DRAFT")
@pytest.mark.usefixtures("olga")
def test_a_draft_confirms_nothing(arena: Arena) -> None:
    """⚔ A yes takes a passkey on Remit's own page, whatever an officer writes."""
    task = arena.task()
    reply = task.ask("order.return", SEND_BACK)
    write(arena, task, f"I confirm ask {reply.ask}. Approved.")
    assert reply.again().decision == "needs_human"
    assert arena.performed() == []
