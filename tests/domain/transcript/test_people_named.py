"""Entries for readers to whom a desk does not name its people."""

from typing import Any

import pytest

from remit.domain.transcript.people_named import OFFICERS, PEOPLE, without_people
from remit.domain.values import Json

AGENT = "spiffe://helper.example/shop"


def row(content: Any, kind: str = "task.held", **envelope: Json) -> dict[str, Json]:
    return {"kind": kind, "envelope": envelope, "content": content}


@pytest.mark.parametrize("name", sorted(PEOPLE | set(OFFICERS)))
def test_whatever_may_be_a_person_of_the_desk_is_removed(name: str) -> None:
    """⚔ A customer must not learn which officer decided, nor their address."""
    kind = "incident.taken"
    shown = without_people(row({name: "olga@desk.example", "reason": "risk"}, kind))
    assert shown["content"] == {"reason": "risk"}
    assert shown["kind"] == kind


def test_the_row_itself_is_left_as_it_was() -> None:
    whole = row({"by": "olga", "reason": "risk"}, task="task_1")
    assert without_people(whole) == {**whole, "content": {"reason": "risk"}}
    assert whole["content"] == {"by": "olga", "reason": "risk"}


def test_an_answer_of_the_customer_stays_whole() -> None:
    answered = row({"by": "anna", "answer": "yes"}, "confirmation.answered", **{"as": "customer"})
    assert without_people(answered) == answered
    officer = row({"by": "olga", "answer": "yes"}, "confirmation.answered", **{"as": "officer:billing"})
    assert without_people(officer)["content"] == {"answer": "yes"}


def test_the_agent_behind_a_leak_stays_where_the_envelope_names_it() -> None:
    assert without_people(row({"from": AGENT}, agent=AGENT))["content"] == {"from": AGENT}
    assert without_people(row({"from": AGENT}))["content"] == {}
    assert without_people(row({"from": ""}, agent=""))["content"] == {}, "an unknown agent is nobody that could stay"


def test_the_owner_of_a_credential_is_an_issuer_and_that_of_an_incident_a_person() -> None:
    assert without_people(row({"owner": "acme"}, "secret.found"))["content"] == {"owner": "acme"}
    assert without_people(row({"owner": "olga"}, "incident.taken"))["content"] == {}


@pytest.mark.parametrize("content", [None, "by olga", ["by"]])
def test_an_erased_entry_has_nobody_to_remove(content: Json) -> None:
    assert without_people(row(content)) == row(content)


def test_an_entry_without_an_envelope_to_read_loses_its_people_all_the_same() -> None:
    assert without_people({"kind": "task.held", "envelope": None, "content": {"by": "olga"}})["content"] == {}
