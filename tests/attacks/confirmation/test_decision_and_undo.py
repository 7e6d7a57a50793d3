"""What was decided is shown to those who were asked and to nobody else; a yes is taken back only by its giver, and only in time."""

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, gathered
from remit.domain.errors import Refused
from remit.domain.records import ActRecord, PersonRecord
from remit.engine.ask.outbox import dispatch_act
from remit.sandbox import SandboxReply
from remit.sandbox.people import SandboxCustomer
from remit.usecases.confirm.decision import undo_yes


def decision(person: SandboxCustomer, invitation: str) -> dict[str, object]:
    found: dict[str, object] = person.get(f"{person.base}/confirmations/{invitation}/decision")
    return found


def page(arena: Arena, person: SandboxCustomer, invitation: str) -> tuple[int, str]:
    answered = arena.person("GET", f"/confirm/{invitation}", cookie=person.cookie)
    return answered.status_code, answered.text


def queued(arena: Arena) -> tuple[SandboxReply, str]:
    """An act that Anna agreed to, and that waits for the helpdesk."""
    _, reply, invitation = arena.waiting()
    arena.helpdesk.set_unavailable(True)
    assert arena.anna.confirm(reply).state == "permitted"
    assert arena.performed() == []
    return reply, invitation


def back_up(arena: Arena) -> None:
    arena.helpdesk.set_unavailable(False)
    arena.desk.sweep()


def undo(arena: Arena, person: SandboxCustomer, invitation: str) -> str:
    return code_of(arena.person("POST", f"{person.base}/confirmations/{invitation}/undo", {}, cookie=person.cookie))


@pytest.mark.parametrize(("answer", "title", "state"), [("yes", "You approved this", "done"), ("no", "You declined this", "declined")])
def test_an_answer_is_shown_again_with_its_outcome(arena: Arena, answer: str, title: str, state: str) -> None:
    _, reply, invitation = arena.waiting()
    if answer == "yes":
        arena.anna.confirm(reply)
    else:
        arena.anna.decline(reply)
    shown = decision(arena.anna, invitation)
    assert (shown["answer"], shown["own"], shown["state"], shown["undoable"]) == (answer, True, state, False)
    status, text = page(arena, arena.anna, invitation)
    assert status == 200
    assert title in text
    assert 'data-answer="yes"' not in text


@pytest.mark.proves("DECISION-SHOWN")
def test_what_was_decided_is_shown_to_nobody_who_was_not_asked(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    arena.anna.confirm(reply)
    strangers = (
        arena.desk.customer("bram"),
        arena.desk.officer("olga", ["billing"]),
        arena.desk.officer("sam", ["security"]),
    )
    for person in strangers:
        found = arena.person("GET", f"{person.base}/confirmations/{invitation}/decision", cookie=person.cookie)
        assert code_of(found) == "request.not_found"
        status, text = page(arena, person, invitation)
        assert status in {403, 404, 409}
        assert "Send back" not in text


def test_nothing_is_decided_while_it_waits_for_this_person(arena: Arena) -> None:
    _, _, invitation = arena.waiting()
    found = arena.person("GET", f"/me/v1/confirmations/{invitation}/decision", cookie=arena.anna.cookie)
    assert code_of(found) == "request.not_found"


def test_silence_is_shown_as_such(arena: Arena) -> None:
    _, _, invitation = arena.waiting()
    arena.clock.ahead_ms += 601_000
    arena.desk.sweep()
    status, text = page(arena, arena.anna, invitation)
    assert status == 200
    assert "No one answered in time" in text


@pytest.mark.proves("UNDO")
def test_a_yes_is_taken_back_before_anything_is_sent_and_nothing_is_done_after(arena: Arena) -> None:
    reply, invitation = queued(arena)
    assert decision(arena.anna, invitation)["undoable"] is True
    assert undo(arena, arena.anna, invitation) == ""
    back_up(arena)
    assert arena.performed() == []
    assert reply.again().codes == ("confirmation.declined",)
    assert [one["envelope"]["answer"] for one in arena.entries("confirmation.answered")] == ["yes", "no"]
    shown = decision(arena.anna, invitation)
    assert (shown["answer"], shown["state"], shown["undoable"]) == ("no", "declined", False)


@pytest.mark.proves("UNDO")
def test_an_act_that_was_sent_is_not_taken_back(arena: Arena) -> None:
    _, invitation = queued(arena)
    back_up(arena)
    assert arena.performed() == [SEND_BACK]
    with arena.unchanged():
        assert undo(arena, arena.anna, invitation) == "confirmation.replayed"
    assert decision(arena.anna, invitation)["state"] == "done"


@pytest.mark.proves("UNDO")
def test_nobody_takes_back_the_yes_of_another(arena: Arena) -> None:
    """⚔ Nor does the agent, which has no session: the door is a person's."""
    _, invitation = queued(arena)
    for person in (arena.desk.customer("bram"), arena.desk.officer("olga", ["billing"])):
        assert undo(arena, person, invitation) == "request.not_found"
    assert code_of(arena.person("POST", f"/me/v1/confirmations/{invitation}/undo", {})) == "person.not_signed_in"
    back_up(arena)
    assert arena.performed() == [SEND_BACK]


@pytest.mark.proves("UNDO")
@pytest.mark.parametrize("first", ["undo", "send"])
def test_of_undoing_and_sending_at_once_exactly_one_happens(arena: Arena, first: str) -> None:
    reply, invitation = queued(arena)
    arena.helpdesk.set_unavailable(False)
    desk = arena.context
    anna = arena.run(desk.store.get(PersonRecord, "anna")).record
    (act,) = arena.run(desk.store.find(ActRecord, "act.queued", ""))

    async def undone() -> bool:
        try:
            await undo_yes(desk, anna, invitation)
        except Refused:
            return False
        return True

    async def sent() -> bool:
        return await dispatch_act(desk, act.record.id) is not None

    makers = [undone, sent]
    both = gathered(arena, makers if first == "undo" else makers[::-1])
    arena.desk.sweep()
    back = both[0 if first == "undo" else 1]
    assert (len(arena.performed()), reply.again().state) == ((0, "declined") if back else (1, "done"))


def for_two(arena: Arena) -> tuple[SandboxReply, str, SandboxCustomer]:
    """An act that Anna agreed to and that Sam of security is still asked about."""
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "recover-account"},
        "powers": [{"power": "request", "actions": ["account.recover"]}],
    }
    sam = arena.desk.officer("sam", ["security"])
    reply = arena.task(wanted).ask("account.recover", {"contact": "email"})
    invitation = arena.anna.invitation(reply)
    assert arena.anna.confirm(reply).needs_human
    return reply, invitation, sam


@pytest.mark.proves("UNDO")
def test_who_is_asked_too_does_not_take_back_anothers_yes(arena: Arena) -> None:
    reply, invitation, sam = for_two(arena)
    assert undo(arena, sam, invitation) == "request.not_found"
    assert reply.again().state == "waiting"


def test_a_yes_that_waits_for_somebody_else_can_be_taken_back(arena: Arena) -> None:
    reply, invitation, sam = for_two(arena)
    status, text = page(arena, arena.anna, invitation)
    assert status == 200
    assert "Undo my approval" in text
    assert undo(arena, arena.anna, invitation) == ""
    assert reply.again().codes == ("confirmation.declined",)
    shown = decision(sam, invitation)
    assert (shown["answer"], shown["own"]) == ("no", False)
    assert "The customer declined this" in page(arena, sam, invitation)[1]
