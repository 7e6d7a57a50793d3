"""Mentions in notes: which colleagues a text names, and who finds a mention."""

import pytest

from remit.domain.mentions import Mention, mentioned_in
from remit.domain.records import PersonRecord
from remit.domain.values import Instant


def officer(person: str, name: str) -> PersonRecord:
    return PersonRecord(id=person, kind="officer", key=person, name=name, email="", roles=("billing",), created_at=Instant(1))


OLGA, OTTO, ANNA, ANNE = (
    officer("olga", "Olga Frey"),
    officer("o.tto+1", "Otto Frey"),
    officer("anna", "Anna Berg"),
    officer("a2", "Anna Kern"),
)
STAFF = (OLGA, OTTO, ANNA, ANNE)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("@olga please look", ["olga"]),
        ("please look, @OLGA!", ["olga"]),
        ("(@Olga Frey) and @o.tto+1", ["olga", "o.tto+1"]),
        ("@otto", ["o.tto+1"]),
        ("@Anna Kern, not the other one", ["anna", "a2"]),
        ("@a2", ["a2"]),
        ("@frey", []),
        ("olga frey", []),
        ("write to desk@olga", []),
        ("@olgas case", []),
        ("@o-tto+1", []),
        ("@", []),
    ],
)
def test_a_colleague_is_named_by_id_by_name_and_by_a_first_name_of_their_own(text: str, people: list[str]) -> None:
    assert [one.id for one in mentioned_in(text, STAFF)] == people


def test_a_first_name_that_two_have_names_neither() -> None:
    two = (officer("a1", "Anna Berg"), ANNE)
    assert mentioned_in("@anna", two) == []
    assert mentioned_in("@anna berg", two) == [two[0]]


def test_a_person_without_a_name_is_not_named_by_every_sign() -> None:
    assert mentioned_in("an @ alone", [officer("x", "")]) == []


def test_a_note_calls_ten_colleagues_at_most() -> None:
    """⚔ One note does not fill the queue of the whole staff."""
    staff = [officer(f"p{number}", f"P{number} X") for number in range(20)]
    assert mentioned_in(" ".join(f"@p{number}" for number in range(20)), staff) == staff[:10]


def test_a_mention_is_found_by_the_mentioned_person_alone() -> None:
    one = Mention(id="m", person="olga", by="otto", name="Otto Frey", case="case_1", confirmation="", at=Instant(5))
    assert [(link.name, link.key, link.at) for link in one.links()] == [("mention.person", "olga", 5)]
