"""⚔ Words said of many things, the desk's own contacts and the values of an own ask pass; none of these is a tunnel.

Source: docs/model/model.md#outbound, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import FACTS, PACK, Arena, mandate, open_arena, refund
from remit.adapters.files.catalogue import read_files
from remit.sandbox import SandboxAgent, SandboxTask

CONTACTS = ["https://www.acme.example/returns", "acme.example", "0800 555 0140", "help@acme.example"]
SAID = [
    "We have refunded 40.00 EUR, back to your card.",
    "Your account is active.",
    "Dein Konto ist aktiv, die Karte auch; the account is active again.",
    "The parcel was sent. It is on its way, kind regards, your card is fine.",
    "Please print the label at https://www.acme.example/returns.",
    "Our pages are at https://acme.example and www.acme.example.",
    "Call 0800 555 0140 or write to help@acme.example.",
    "Your refund of 40.00 EUR is on its way.",
    "Die 40,00 EUR sind unterwegs, also vierzig Euro.",
    "About 40 euros go back to your card.",
]
BESIDE = [
    "The state of it is active.",
    "The account state: active.",
    "You asked about the state. It is active.",
    "About the status? Active.",
    "Its condition, as far as we can see, remains an active one.",
    "Der Kontostatus ist active.",
    "Der Zustand des Kontos: active.",
    "The kind is: card.",
    "Type of the payment method: a card.",
    "Es ist eine card, was die Art des Zahlungsmittels angeht.",
    "What type is it? It is a card.",
    "It is active. That is the state of it.",
    "The \uff53\uff54\uff41\uff54\uff45 is \uff41\uff43\uff54\uff49\uff56\uff45.",
]
"""A small value beside its label, near or a sentence away."""
SPELLED = [
    "It is A-c-t-i-v-e.",
    "The letters are alfa charlie tango india victor echo.",
    "All is well.\nCould you wait?\nThanks.\nIndeed.\nVery soon.\nEven today.",
    "Can you wait?\nAll is well.\nRest assured.\nDone soon.",
]
"""A small value by its letters, which nobody writes by chance."""
CONTACT_LIKE = [
    "Look at https://acme.example.evil.example/returns.",
    "Look at https://acme-example.example.",
    "Look at https://www.acme.example/returns/reset-9f2c.",
    "Look at https://acme.example/reset/9f2c.",
    "Look at https://acme.example?t=9f2c.",
    "Look at https://acme.example:8443/a.",
    "Look at https://user@acme.example.",
    "Look at https://\u0430cme.example/x.",
    "Look at http://login.acme.example/x.",
    "Write to help@acme.example.evil.example.",
    "Write to other@acme.example.",
    "Call 0800 555 01401.",
]
SENSITIVE = [
    "The gift card still holds 20.00 EUR.",
    "The gift card still holds 40.00 EUR.",
    "Its balance is 40.00 EUR.",
    "Das Guthaben beträgt 40,00 EUR.",
    "You asked about the balance. It is 40.00 EUR.",
    "40.00 EUR. That is the balance.",
    "The balance is forty euros, which is 40.",
]
"""An amount beside the label of a sensitive one: the one that the agent named, too, and whether it is right or not."""


def _facts() -> dict[str, Any]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"] |= {"account.state": "active", "contact.gender": "female", "contact.tag": "vip"}
    facts["attributes"]["payment_method"] = {
        "pm_1": {"payment_method.kind": "card"},
        "pm_2": {"payment_method.kind": "gift_card", "payment_method.balance": "40.00 EUR"},
        "pm_9": {"payment_method.kind": "iban"},
    }
    facts["attributes"]["order"]["W2"] = {"order.status": "pending", "order.total": "41.00 EUR"}
    facts["attributes"]["customer"]["bram"] = {"identity.name": "Bram de Vos", "account.credit": "40.00 EUR"}
    return facts


@pytest.fixture
def arena() -> Iterator[Arena]:
    catalogue = deepcopy(dict(read_files([PACK / "catalogue.toml"], {})))
    catalogue["attribute"] |= {
        "contact.gender": {"title": "gender", "sensitive": True},
        "contact.tag": {"title": "mark of a customer", "sensitive": True},
    }
    with open_arena(catalogue=catalogue, facts=_facts(), settings={"words": {"contacts": CONTACTS}}) as one:
        one.desk.customer("bram", name="Bram de Vos", email="bram@mail.example")
        yield one


_numbers = itertools.count()


def _agent(arena: Arena) -> SandboxAgent:
    """An agent of its own operator: many tasks of one raise its risk."""
    return arena.agent(f"spiffe://helper{next(_numbers)}.example/shop")


def _refunded(arena: Arena, amount: str = "40.00 EUR") -> SandboxTask:
    """A task that has asked for a refund."""
    task = arena.task(agent=_agent(arena))
    arena.anna.confirm(task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]}))
    assert task.ask("payment.refund", refund(amount)).needs_human
    return task


def _reply(arena: Arena, task: SandboxTask, text: str) -> Any:
    olga = arena.desk.officer("olga", roles=["billing"])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie).json()


@pytest.fixture
def task(arena: Arena) -> Iterator[SandboxTask]:
    found = _refunded(arena)
    yield found
    found.complete()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", SAID)
def test_words_of_many_things_own_contacts_and_the_amount_asked_for_are_told(arena: Arena, task: SandboxTask, text: str) -> None:
    assert _reply(arena, task, text).get("code") is None
    assert [one["text"] for one in task.inbox()] == [text]


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", [*BESIDE, *SPELLED])
def test_a_small_value_beside_its_label_or_by_its_letters_is_not_told(arena: Arena, task: SandboxTask, text: str) -> None:
    body = _reply(arena, task, text)
    assert body.get("code") == "reply.withheld", body
    assert task.inbox() == []


@pytest.mark.proves("OUTBOUND")
def test_a_label_in_one_reply_and_the_word_in_the_next_is_one_text(arena: Arena, task: SandboxTask) -> None:
    assert _reply(arena, task, "Now to the state of the account.").get("code") is None
    assert _reply(arena, task, "It is active.")["code"] == "reply.withheld"


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(
    "text",
    [
        "She is female.",
        "The mark was asked for.\n\nParcels are on the way to you, and on time.\n\nOur people call her a vip whenever she comes.",
    ],
)
def test_a_sensitive_word_needs_no_label_beside_it(arena: Arena, task: SandboxTask, text: str) -> None:
    assert _reply(arena, task, text)["code"] == "reply.withheld"


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", CONTACT_LIKE)
def test_what_looks_like_an_own_contact_is_none(arena: Arena, task: SandboxTask, text: str) -> None:
    body = _reply(arena, task, text)
    assert body.get("code") == "reply.withheld", body
    assert {one["why"] for one in body["held"]} <= {"link", "contact", "hidden"}


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", SENSITIVE)
def test_an_amount_of_an_ask_tells_no_sensitive_one(arena: Arena, task: SandboxTask, text: str) -> None:
    assert _reply(arena, task, text).get("code") == ("reply.withheld" if "40" in text else None)


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("right", [True, False])
def test_an_amount_beside_a_label_is_held_whether_the_guess_was_right_or_not(arena: Arena, right: bool) -> None:
    """Else what is left out says which guess was right."""
    task = _refunded(arena, "40.00 EUR" if right else "39.00 EUR")
    body = _reply(arena, task, f"Its balance is {40 if right else 39}.00 EUR.")
    assert body.get("code") == "reply.withheld", body
    task.complete()


@pytest.mark.proves("OUTBOUND", "OUTBOUND-OTHERS")
@pytest.mark.parametrize(
    ("text", "places"), [("Bram de Vos has 40.00 EUR there.", 2), ("W9 has 40.00 EUR, too.", 2), ("W9 was paid with an iban.", 1)]
)
def test_what_the_agent_may_know_of_its_customer_is_not_told_of_another(arena: Arena, task: SandboxTask, text: str, places: int) -> None:
    body = _reply(arena, task, text)
    assert [one["why"] for one in body.get("held", ())] == ["other"] * places, body


@pytest.mark.proves("OUTBOUND")
def test_a_word_of_the_cases_own_record_needs_its_label_too(arena: Arena) -> None:
    untold = mandate(powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.items"]}], never=[])
    task = arena.task(untold, agent=_agent(arena))
    assert _reply(arena, task, "Your order was delivered, so we close this.").get("code") is None
    for text in ("Its status is delivered.", "The order status? Delivered.", "Der Bestellstatus lautet delivered."):
        assert _reply(arena, task, text).get("code") == "reply.withheld"
    task.complete()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Der Kontostatus ist: wird wiederhergestellt.", True),
        ("Art des Zahlungsmittels: Geschenkkarte.", True),
        ("The account status, in German: wird wiederhergestellt.", True),
        ("Das Konto wird wiederhergestellt, bitte warten Sie.", False),
        ("Eine Geschenkkarte kaufen Sie auf unserer Seite.", False),
    ],
)
def test_the_title_of_a_value_beside_its_label_tells_the_value(text: str, held: bool) -> None:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"]["account.state"] = "recovering"
    facts["attributes"]["payment_method"] = {"pm_2": {"payment_method.kind": "gift_card"}}
    with open_arena(catalogue=[PACK / "catalogue.toml", PACK / "catalogue.de.toml"], facts=facts) as arena:
        body = _reply(arena, arena.task(), text)
        assert body.get("code") == ("reply.withheld" if held else None), body


@pytest.mark.proves("OUTBOUND")
def test_a_short_value_with_a_figure_is_no_word_of_many_things() -> None:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"]["contact.phone"] = "x42y"
    with open_arena(facts=facts) as arena:
        task = arena.task()
        assert _reply(arena, task, "It says x42y there.")["code"] == "reply.withheld"
