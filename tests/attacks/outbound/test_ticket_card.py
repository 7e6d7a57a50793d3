"""The card in a ticket of the company's own helpdesk: what officers must know, in Remit's words alone.

Source: docs/model/model.md#ticket-card.
"""

from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, gathered, mandate
from remit.domain.confirm.case_phrases import SIGNS
from remit.domain.records import AgentRecord, TaskRecord
from remit.ports.store import Commit, Drop
from remit.sandbox import SandboxTask
from remit.usecases.ticket_cards import ticket_card, write_ticket_cards


@pytest.fixture
def shown(arena: Arena) -> Arena:
    arena.helpdesk.shows_cards = True
    return arena


def cards(arena: Arena, task: SandboxTask) -> list[Any]:
    for _ in range(2):
        arena.desk.sweep()
    return arena.helpdesk.cards.get(task.case, [])


@pytest.mark.proves("TICKET-CARD")
def test_a_card_says_who_speaks_for_whom_and_what_it_may(shown: Arena) -> None:
    task = shown.task()
    (card,) = cards(shown, task)
    assert card.state == "the agent is working"
    assert "helper.example" in card.identity
    lines = card.text.split("\n")
    assert any("acts for the customer anna." in line for line in lines)
    assert "The operator is known." in lines
    assert any(line.startswith("Risk: 0 of 100") for line in lines)
    assert any("Request up to 3 returns" in line for line in lines)
    assert any(line.startswith("- The agent may never see: everything under “identity.*”") for line in lines)
    assert any(line.endswith(f"/desk/cases/{task.case}") for line in lines)
    assert "Anna Berg" not in card.text
    assert shown.run(shown.helpdesk.notes(task.case)) == ()


@pytest.mark.proves("TICKET-CARD")
def test_a_card_says_what_waits_for_whom_and_until_when(shown: Arena) -> None:
    task, reply, invitation = shown.waiting()
    card = cards(shown, task)[-1]
    assert card.state == "waiting for approval by the customer"
    (line,) = [one for one in card.text.split("\n") if f"/confirm/{invitation}" in one]
    assert "UTC" in line
    shown.anna.confirm(reply)
    assert cards(shown, task)[-1].state == "the agent is working"


@pytest.mark.proves("TICKET-CARD")
@pytest.mark.parametrize("how", ["held", "over"])
def test_the_card_says_that_a_task_is_held_or_over(shown: Arena, how: str) -> None:
    task = shown.task()
    if how == "over":
        task.complete()
        assert cards(shown, task)[-1].state == "ended: the agent finished"
        return
    for number in range(40):
        task.ask("order.return", {"order_id": f"W9{number}", "item_ids": ["i1"]})
    assert shown.entries("task.held") or shown.entries("task.ended")
    assert cards(shown, task)[-1].state.startswith(("on hold", "ended"))


@pytest.mark.proves("TICKET-CARD")
def test_each_change_makes_one_card_however_many_nodes_look(shown: Arena) -> None:
    task = shown.task()
    gathered(shown, [lambda: write_ticket_cards(shown.context) for _ in range(4)])
    assert len(cards(shown, task)) == 1
    task.ask("order.return", SEND_BACK)
    assert len(cards(shown, task)) == 2


@pytest.mark.proves("TICKET-CARD")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_whose_answer_was_lost_is_written_once(shown: Arena, when: Any) -> None:
    task = shown.task()
    shown.helpdesk.fail_next(when)
    for _ in range(3):
        shown.desk.sweep()
    assert len(cards(shown, task)) == 1


def named(arena: Arena) -> SandboxTask:
    agent = arena.desk.agent("spiffe://helper.example/other", "known", name="Shop”, run by “Acme")
    return arena.task(agent=agent)


def summed(arena: Arena) -> SandboxTask:
    wanted = mandate()
    wanted["objective"]["summary"] = "send back the kettle, which is certified"
    return arena.task(wanted)


def written(arena: Arena) -> SandboxTask:
    task = arena.task()
    task.ask("case.comment", {"text": "Remit: released"})
    return task


FORGERIES = {"a name": named, "a summary": summed, "a comment": written}


@pytest.mark.proves("TICKET-CARD")
@pytest.mark.parametrize("how", FORGERIES)
def test_no_text_of_the_agent_passes_for_a_line_of_the_card(shown: Arena, how: str) -> None:
    task = FORGERIES[how](shown)
    card = cards(shown, task)[-1]
    assert sum(line.startswith("Remit:") for line in card.text.split("\n")) == 1
    assert "released" not in card.text
    assert "certified" not in card.text
    assert "“Shop”" not in card.text
    assert card.text.split("\n")[1].startswith("“")


@pytest.mark.proves("TICKET-CARD")
def test_a_desk_whose_pages_are_its_card_writes_none(arena: Arena) -> None:
    task = arena.task()
    assert cards(arena, task) == []


@pytest.mark.proves("TICKET-CARD")
def test_no_card_tells_of_a_canary(shown: Arena) -> None:
    """⚔ A bait that everybody in the helpdesk reads of is none."""
    bait = "petra.falke@decoy.example"
    sam = shown.desk.officer("sam", roles=["security"])
    sam.post("/security/v1/canaries", {"kind": "email", "name": "petra", "place": "the address book", "value": bait})
    task = shown.task()
    task.ask("order.read", {"order_id": "W1"}, words=f"Is {bait} known to you?")
    task.ask("order.return", SEND_BACK)
    card = cards(shown, task)[-1]
    assert any(line.startswith("Risk: ") and "Risk: 0 " not in line for line in card.text.split("\n"))
    assert SIGNS["canary"] not in card.text
    assert "petra" not in card.text


@pytest.mark.proves("TICKET-CARD")
def test_the_card_of_an_agent_that_is_registered_no_more_says_so(shown: Arena) -> None:
    task = shown.task()

    async def forget() -> None:
        store = shown.context.store
        kept = await store.get(AgentRecord, task.agent.client_id)
        await store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))

    shown.run(forget())
    card = shown.run(ticket_card(shown.context, shown.run(shown.context.store.get(TaskRecord, task.id)).record))
    assert card["identity"].endswith("(no longer registered)")
    assert "This agent is no longer registered. Its identity can't be verified anymore." in card["text"]
    assert "Verified identity" not in card["text"]
