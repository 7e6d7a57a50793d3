"""A customer's value told in other words: in number words, in part, spelled, over several replies, or as another person's.

Source: docs/model/model.md#outbound.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, Arena, mandate, open_arena, refund
from remit.sandbox import SandboxTask

CUSTOMER = {
    "identity.name": "Anna Berg",
    "identity.birth_date": "1984-03-12",
    "contact.email": "bram@mail.example",
    "contact.phone": "+49 40 5550142",
    "contact.address": "Beethovenstr. 18, 53115 Bonn",
}
IN_WORDS = [
    "She was born on the twelfth of March nineteen eighty-four.",
    "In der Akte steht der zwölfte März vierundachtzig.",
    "It prints XII.III.MCMLXXXIV there.",
    "We tried her on zero four zero, triple five, zero one four two.",
    "Die Nummer endet auf fünfundfünfzig null eins zweiundvierzig.",
    "The last four are 0142.",
    "It goes to Beethovenstraße achtzehn.",
    "It goes to the Beethovenstrasse, as always.",
    "The town is number five three one one five.",
    "Bravo Romeo Alfa Mike stands before the sign.",
    "The owner is A-n-n-a and then B, E, R, G.",
    "It belongs to A. B., says the file.",
    "The total was one thousand two hundred and four euros and eleven cents.",
]
OTHER_PEOPLE = [
    "It was delivered to Mr de Wit.",
    "The parcel of Frau Sato lies beside it.",
    "Your neighbour, Ms Unknown, has it.",
    "Your neighbour, Ms  Unknown, has it.",
    "MR. SATO has it.",
    "Mr.Sato has it.",
]
SAID = [
    "Dear Ms Berg, your return is on its way.",
    "Olga writes for Ms Officer, who is on leave.",
    "We have refunded 40.00 EUR, back to your card.",
    "Please print the label at https://www.acme.example/returns.",
    "Call 0800 555 0140, extension 4400.",
    "Three of the twelve parcels took five to seven days, the second one ten.",
    "In March we close at 4 pm on the 3rd and the 18th.",
    "The kettle weighs two hundred and thirteen grams and costs nothing.",
]


@pytest.fixture
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"] = CUSTOMER
    facts["attributes"]["order"]["W1"]["order.total"] = "1204.11 EUR"
    contacts = ["https://www.acme.example/returns", "0800 555 0140", "4400"]
    with open_arena(facts=facts, settings={"words": {"contacts": contacts}}) as one:
        one.desk.customer("bram", name="Bram de Wit")
        one.desk.officer("olive", roles=["billing"], name="Olive Officer")
        yield one


def _reply(arena: Arena, task: SandboxTask, text: str) -> Any:
    olga = arena.desk.officer("olga", roles=["billing"])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie).json()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", IN_WORDS)
def test_a_value_is_not_told_in_other_words(arena: Arena, text: str) -> None:
    task = arena.task()
    body = _reply(arena, task, text)
    assert body["code"] == "reply.withheld", body
    assert "attribute" in {one["why"] for one in body["held"]}
    assert task.inbox() == []


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(
    "parts",
    [
        ("The day of hers is the 12th.", "The month was March, of the year eighty-four."),
        ("The day of hers is the 12th.", "The month was March.", "The year was eighty-four."),
        ("The year is eighty-four.", "The month was March.", "It is the twelfth."),
        ("First half: 040 555.", "Second half: 0142."),
        ("We asked in the shop, dear Anna.", "Berg"),
    ],
)
def test_a_value_is_not_told_over_several_replies(arena: Arena, parts: tuple[str, ...]) -> None:
    task = arena.task()
    *told, last = parts
    for one in told:
        assert _reply(arena, task, one).get("code") is None
    assert _reply(arena, task, last)["code"] == "reply.withheld"
    assert [one["text"] for one in task.inbox()] == told


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
@pytest.mark.parametrize("text", OTHER_PEOPLE)
def test_another_person_is_not_named_by_family_name(arena: Arena, text: str) -> None:
    task = arena.task()
    body = _reply(arena, task, text)
    assert body["code"] == "reply.withheld", body
    assert {one["why"] for one in body["held"]} == {"other"}


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", SAID)
def test_ordinary_words_and_the_desks_own_contacts_are_told(arena: Arena, text: str) -> None:
    task = arena.task(mandate(never=[{"power": "accept"}]))
    task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    task.ask("payment.refund", refund("40.00 EUR"))
    assert _reply(arena, task, text).get("code") is None
    assert [one["text"] for one in task.inbox()] == [text]


@pytest.mark.proves("OUTBOUND")
def test_a_value_that_the_agent_named_in_its_ask_is_told() -> None:
    facts = deepcopy(FACTS)
    facts["attributes"]["order"]["W2"] = {"order.status": "pending", "order.total": "40.00 EUR"}
    with open_arena(facts=facts) as arena:
        task = arena.task()
        text = "The 40.00 EUR are on their way."
        refused = task.ask("payment.refund", refund("40.00 EUR"))
        assert refused.codes == ("objective.step_order",)  # what the desk refused is still a guess
        assert _reply(arena, task, text)["code"] == "reply.withheld"
        task = arena.sent_back()
        task.ask("payment.refund", refund("40.00 EUR"))
        assert _reply(arena, task, text).get("code") is None


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(
    "link", ["https://www.acme.example/returns/9f2c", "https://www.acme.example/returns?t=9f2c", "https://acme.example/returns"]
)
def test_only_the_desks_own_link_itself_is_told(arena: Arena, link: str) -> None:
    body = _reply(arena, arena.task(), f"Please open {link} now.")
    assert {one["why"] for one in body["held"]} == {"link"}
