"""⚔ What an agent stated opens the firewall for its own words only, delays no one, and is confirmed however much it is.

Source: docs/model/model.md#outbound, docs/decisions/0067-what-an-officer-may-repeat.md.
"""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from attacks.arena import COMPLAIN, FACTS, Arena, catalogue, open_arena
from remit.domain.secrets.stated_values import repeated_places, repeated_spans
from remit.domain.secrets.value_tokens import token_text
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
@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("text", BETWEEN)
def test_a_stated_date_opens_nothing_that_stands_between_its_parts(arena: Arena, stated: str, text: str) -> None:
    task = _complained(arena, stated)
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


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_the_place_of_a_stated_value_is_hardly_wider_than_it() -> None:
    read = token_text("May she come to see us there and then, within 14 days?")
    assert [*repeated_spans(read, "2014-05-14")]
    assert repeated_places(read, ["2014-05-14"]) == []
    near = token_text("It was on the 14th of May 2014.")
    assert [near.text[one.start : one.end] for one in repeated_places(near, ["2014-05-14"])]


@pytest.mark.proves("REVIEWED-OUTGOING")
def test_a_text_that_begins_with_a_date_is_no_date() -> None:
    assert repeated_places(token_text("We have 14 boxes in May."), ["2014-05-14 the kettle arrived broken"]) == []
    assert repeated_places(token_text("We have 14 boxes in May."), ["2014-05-14T10:00:00Z"])
