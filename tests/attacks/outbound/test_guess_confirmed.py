"""⚔ An agent names a guess in its own ask: an officer may repeat it, and confirms or denies nothing of it.

Source: docs/model/model.md#outbound, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, Arena, mandate, open_arena
from remit.sandbox import SandboxTask

RIGHT = "Lindenweg 4, 20095 Hamburg"
WRONG = "Ulmenallee 27, 22609 Hamburg"
MOVE = mandate(
    objective={"type": "correct-order", "target": {"order": ["W2"]}, "summary": "another address"},
    powers=[{"power": "represent"}, {"power": "request", "actions": ["order.change_address"], "uses": 5}],
    never=[],
)
REPEATED = [
    "We have sent it to {guess} right away.",
    "Please make sure that someone is at {guess} on Monday.",
    "To be sure that it arrives, we send it to {guess} by courier.",
    "The sender has the right to change {guess} within 14 days.",
    "Wir schicken es nat\u00fcrlich kostenlos an {guess}.",
    "The parcel now goes to {guess}.",
    "We have changed the address to {guess}. Thank you for telling us in time.",
    "Das Paket geht an die neue Adresse {guess}.",
    "The address {guess} is too far for the courier, please choose a parcel shop.",
]
CONFIRMED = [
    "Yes, it is {guess}.",
    "Yes. We have {guess} there.",
    "{guess}? Yes.",
    "{guess}? That is correct.",
    "{guess} is the same as in our file.",
    "The address {guess} matches our records.",
    "{guess} is already on file.",
    "No, {guess} is wrong.",
    "{guess} does not match what we have.",
    "Ja, {guess} stimmt.",
    "{guess} ist bei uns hinterlegt.",
    "{guess} weicht von unseren Unterlagen ab.",
    "Nein. {guess} ist falsch.",
]
AGREED = [
    "Right, we have {guess} there.",
    "Right. We send it to {guess}.",
    "We send it to {guess}, right.",
    "Sure: {guess}.",
    "Sure, {guess}.",
    "{guess}, o.k.",
    "O.K.: {guess}",
    "Absolutely, {guess}.",
    "Certainly \u2013 {guess}.",
    "{guess} is verified.",
    "{guess} is the one we have.",
    "{guess}: that is what we have.",
    "{guess} is right.",
    "\U0001f44d {guess}",
    "{guess} \U0001f44d",
    "{guess}. \U0001f44d",
    "\u2705 {guess}",
    "\u274c {guess}",
    "Genau: {guess}.",
    "Klar, {guess}.",
    "Nat\u00fcrlich: {guess}.",
    "{guess} passt.",
    "{guess} ist verifiziert.",
    "{guess} ist die Adresse, die wir haben.",
    "{guess} haben wir auch.",
    "{guess}: das trifft zu.",
    "{guess} liegt uns so vor.",
]
IN_PART = ["Yes, {street} is right.", "Correct, it is {street}, number {number}.", "Yes, {code} it is."]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"]["contact.address"] = RIGHT
    with open_arena(facts=facts) as one:
        yield one


def _reply(arena: Arena, task: SandboxTask, text: str, **more: Any) -> Any:
    olga = arena.desk.officer("olga", roles=["billing"])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text, **more}, cookie=olga.cookie).json()


_numbers = itertools.count()


def _guessed(arena: Arena, guess: str) -> SandboxTask:
    task = arena.task(MOVE, agent=arena.agent(f"spiffe://helper{next(_numbers)}.example/shop"))
    asked = task.ask("order.change_address", {"order_id": "W2", "address": guess})
    assert asked.needs_human, asked
    return task


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", REPEATED)
@pytest.mark.parametrize("guess", [RIGHT, WRONG])
def test_a_value_of_the_own_ask_is_repeated_whether_it_is_right_or_not(arena: Arena, guess: str, text: str) -> None:
    task = _guessed(arena, guess)
    assert _reply(arena, task, text.format(guess=guess)).get("code") is None
    task.complete()


def _verify_held_as_confirmed(arena: Arena, guess: str, text: str) -> None:
    task = _guessed(arena, guess)
    body = _reply(arena, task, text.format(guess=guess))
    assert body.get("code") == "reply.withheld", body
    assert "confirms" in {one["why"] for one in body["held"]}
    task.complete()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", CONFIRMED)
@pytest.mark.parametrize("guess", [RIGHT, WRONG])
def test_a_value_of_the_own_ask_is_neither_confirmed_nor_denied(arena: Arena, guess: str, text: str) -> None:
    _verify_held_as_confirmed(arena, guess, text)


@pytest.mark.proves("OUTBOUND", "REVIEWED-OUTGOING")
@pytest.mark.parametrize("text", AGREED)
@pytest.mark.parametrize("guess", [RIGHT, WRONG])
def test_a_guess_is_agreed_to_in_no_other_words(arena: Arena, guess: str, text: str) -> None:
    _verify_held_as_confirmed(arena, guess, text)


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", IN_PART)
@pytest.mark.parametrize("guess", [RIGHT, WRONG])
def test_a_part_of_a_guess_is_neither_confirmed_nor_denied(arena: Arena, guess: str, text: str) -> None:
    task = _guessed(arena, guess)
    street, number, code, _ = guess.replace(",", "").split()
    body = _reply(arena, task, text.format(street=street, number=number, code=code))
    assert body.get("code") == "reply.withheld", body
    task.complete()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("yes", ["Yes, {guess} is correct.", "Yes. {guess} is there."])
def test_what_is_left_of_a_confirmation_is_the_same_for_a_right_and_a_wrong_guess(arena: Arena, yes: str) -> None:
    left = []
    for guess in (RIGHT, WRONG):
        task = _guessed(arena, guess)
        _reply(arena, task, f"Thank you. {yes.format(guess=guess)} Have a nice day.", withhold=True)
        (message,) = task.inbox()
        left.append((message["text"], message["withheld"], tuple(message["withheld_kinds"])))
        task.complete()
    assert left[0] == left[1] == ("Thank you. [withheld]. Have a nice day.", 1, ("data",))
