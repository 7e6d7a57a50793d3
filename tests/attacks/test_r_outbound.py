"""What leaves through the desk's own people: an officer's text, and where a ticket's mail would go (2-model.md §7)."""

import pytest

from attacks.arena import Arena

UNSENT = [
    "She was born on 17 April 1988.",
    "It went to LINDENWEG 4, 20095 hamburg.",
    "Use sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc for it.",
    "The code for her login is 493817: one-time code 493817.",
    "Look at https://acme.example/track?id=7",
]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", UNSENT)
def test_what_an_agent_may_not_be_told_no_officer_tells_it(arena: Arena, text: str) -> None:
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    with arena.unchanged():
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie)
        assert answer.json()["code"] == "reply.withheld"
    assert task.inbox() == []
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("OUTBOUND")
def test_an_officers_text_that_cannot_be_held_against_the_facts_is_not_sent(arena: Arena) -> None:
    task = arena.task()
    olga = arena.desk.officer("olga", roles=["billing"])
    arena.backoffice.set_down(True)
    with arena.unchanged():
        answer = arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": "We look into it."}, cookie=olga.cookie)
        assert answer.json()["code"] == "fault.backoffice"
    arena.backoffice.set_down(False)
    assert task.inbox() == []
    assert arena.entries("reply.sent") == []


@pytest.mark.proves("PUBLIC-TEXT")
def test_the_helpdesks_own_mail_reaches_nobody_but_remit(arena: Arena) -> None:
    task = arena.task()
    case = arena.run(arena.helpdesk.read(task.case))
    assert case.requester == arena.parts.terms.requester
    people = {"mail.example", task.agent.client_id, task.agent.operator, "anna"}
    assert not any(one in case.requester for one in people)
