"""⚔ What an agent stated opens the firewall for its own words only, delays no one, and is confirmed however much it is.

Source: docs/model/model.md#outbound, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import COMPLAIN, FACTS, Arena, catalogue, open_arena
from remit.domain.records import DeskMessage
from remit.domain.secrets import stated_values
from remit.domain.secrets.outbound import find_withheld
from remit.domain.secrets.stated_values import StatedPlaces, StatedValues, repeated_places, repeats
from remit.domain.secrets.value_tokens import token_text
from remit.domain.text.normalize import fold_text
from remit.engine.outbound import stated
from remit.engine.scan_executor import LONG
from remit.sandbox import SandboxTask

STATED = [
    "2014-05-14 the kettle arrived broken",
    "2014-05-14",
]
BETWEEN = [
    "You may return the kettle that we sent to Lindenweg 4, 10115 Berlin (tax number TX99812345) within 14 days.",
    "May we ask for TX99812345 within 14 days?",
    "The 14th: she lives at Lindenweg 4, 10115 Berlin, since May 2014.",
    "14 TX99812345 May 2014.",
]
CODE = "order W7781-2290"
"""An everyday value that a stated date must not open either."""


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["attributes"]["customer"]["anna"] |= {
        "contact.address": "Lindenweg 4, 10115 Berlin",
        "identity.tax_number": "TX99812345",
        "account.state": CODE,
    }
    rules = catalogue()
    rules["attribute"]["identity.tax_number"] = {"title": "tax number", "sensitive": True}
    with open_arena(catalogue=rules, facts=facts) as one:
        yield one


_numbers = itertools.count()


def _complained(arena: Arena, *texts: str) -> SandboxTask:
    task = arena.task(COMPLAIN, agent=arena.agent(f"spiffe://stating{next(_numbers)}.example/shop"))
    for text in texts:
        asked = task.ask("complaint.file", {"kind": "damaged", "text": text})
        assert asked.decision != "refuse", asked
    return task


def _reply(arena: Arena, task: SandboxTask, text: str) -> Any:
    olga = arena.desk.officer("olga", roles=["billing"])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie).json()


@pytest.mark.proves("REVIEWED-OUTGOING")
@pytest.mark.parametrize("value", STATED)
@pytest.mark.parametrize("text", BETWEEN)
def test_a_stated_date_opens_nothing_that_stands_between_its_parts(arena: Arena, value: str, text: str) -> None:
    task = _complained(arena, value)
    assert _reply(arena, task, text).get("code") == "reply.withheld"
    task.complete()


@pytest.mark.proves("REVIEWED-OUTGOING")
@pytest.mark.parametrize("text", [f"In May the {CODE} was open for 14 days.", f"On the 14th {CODE} was open, in May 2014."])
def test_a_stated_date_opens_no_everyday_value_either(arena: Arena, text: str) -> None:
    task = _complained(arena, "2014-05-14")
    assert _reply(arena, task, text).get("code") == "reply.withheld"
    task.complete()


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_of_many_stated_places_no_part_tells_the_right_one(arena: Arena) -> None:
    task = _complained(arena, "Ulmenallee 4, Lindenweg 4, Hauptweg 4, 22609 Hamburg, 10115 Berlin")
    assert _reply(arena, task, "The courier was in the Lindenweg.").get("code") == "reply.withheld"
    task.complete()


def _places(text: str) -> StatedPlaces:
    return StatedPlaces(token_text(text))


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_the_place_of_a_stated_value_is_hardly_wider_than_it() -> None:
    wide = _places("May she come to see us there and then, within 14 days?")
    assert wide.of(["2014-05-14"])
    assert repeated_places(wide, ["2014-05-14"]) == []
    assert repeated_places(_places("It was on the 14th of May 2014."), ["2014-05-14"])


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_only_the_own_words_of_a_stated_value_are_repeated() -> None:
    narrow = _places("14 TX99812345 May 2014.")
    places = repeated_places(narrow, ["2014-05-14"])
    assert repeats(narrow.read, (14, 17), places, whole=False)
    assert not repeats(narrow.read, (3, 13), places, whole=False)


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_a_text_that_begins_with_a_date_is_no_date() -> None:
    near = _places("We have 14 boxes in May.")
    assert repeated_places(near, ["2014-05-14 the kettle arrived broken"]) == []
    assert repeated_places(near, ["2014-05-14T10:00:00Z"])


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_a_stated_value_is_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def noted(value: str) -> list[str]:
        searched.append(value)
        return []

    monkeypatch.setattr(stated_values, "spelling_patterns", noted)
    both = StatedValues(statements=("Lindenweg 4",) * 2, repeated=("Lindenweg 4",), asked=("Lindenweg 4",))
    find_withheld("The Lindenweg 4.", {}, stated=both)
    assert searched == ["Lindenweg 4"]


LOOK_ALIKE = [
    "Look at https://\u0430cme.example.",
    "Look at \u0430cme.example/ for it.",
    "Look at www.acm\u0435.example/ for it.",
    "Look at https://www.acme.example/r\u0435turns.",
    "Look at https://\uff41cme.example.",
    "Look at https://acme\u200b.example.",
    "Write to help@\u0430cme.example.",
    "Write to h\u0435lp@acme.example.",
]


@pytest.mark.proves("REVIEWED-OUTGOING")
@pytest.mark.parametrize("text", LOOK_ALIKE)
def test_a_look_alike_of_an_own_contact_is_none(text: str) -> None:
    contacts = ("acme.example", "https://www.acme.example/returns", "help@acme.example")
    assert {one.why for one in find_withheld(text, {}, contacts=contacts)} <= {"link", "contact"}
    assert find_withheld(text, {}, contacts=contacts)
    plain = fold_text(text).text
    assert find_withheld(plain, {}, contacts=contacts) == ()


GUESS = "Ulmenallee 27, 22609 Hamburg"
MANY = [f"Hauptweg {number}, {10000 + number} Berlin, at the door number {number}" for number in range(80)]


def _stating(arena: Arena, monkeypatch: pytest.MonkeyPatch, *texts: str) -> SandboxTask:
    """Return a task whose agent has stated many texts, as if in as many asks."""
    task = _complained(arena, texts[-1])

    def statements(*_: object) -> Iterator[str]:
        return reversed(texts)

    monkeypatch.setattr(stated, "_statements", statements)
    return task


@pytest.mark.proves("REVIEWED-OUTGOING")
@pytest.mark.parametrize("texts", [(GUESS, *MANY), (*MANY[:40], GUESS, *MANY[40:]), (*MANY, GUESS)])
def test_a_guess_among_many_statements_is_not_confirmed(arena: Arena, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, ...]) -> None:
    task = _stating(arena, monkeypatch, *texts)
    for text in (f"Yes, {GUESS} is correct.", "Yes, number 27 it is.", "Yes. Ulmenallee 27."):
        body = _reply(arena, task, text)
        assert "confirms" in {one["why"] for one in body.get("held", ())}, body
    assert _reply(arena, task, "Yes, we have received it, thank you.").get("code") is None
    task.complete()


def _inline(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the lengths of what the executor is given from now on."""
    given: list[int] = []
    read = arena.context.scan_executor.read

    async def noted(caller: str, length: int, work: Any) -> Any:
        given.append(length)
        return await read(caller, length, work)

    monkeypatch.setattr(arena.context.scan_executor, "read", noted)
    return given


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_a_reply_beside_many_stated_values_is_not_read_on_the_loop(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task = _stating(arena, monkeypatch, *MANY)
    given = _inline(arena, monkeypatch)
    assert _reply(arena, task, "Thank you, we have received it.").get("code") is None
    assert max(given) >= LONG
    task.complete()


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_what_an_agent_reads_again_is_not_read_on_the_loop(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task = _complained(arena)
    for _ in range(3):
        assert _reply(arena, task, "Thank you for it, we have received that. " * 20).get("code") is None
    given = _inline(arena, monkeypatch)
    monkeypatch.setattr(DeskMessage, "epochs", property(lambda _: ""))
    assert len(task.inbox()) == 3
    assert given
    assert max(given) >= LONG + 1000
    task.complete()
