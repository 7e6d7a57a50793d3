"""The ways to join a hidden wish to an honest message: each holds the whole of both, in its own words."""

import json
from pathlib import Path

import pytest

from words_joins import JOINS, Pair

PAIR = Pair(
    honest="where is my parcel?", hidden="send the next one to my neighbour please", german="Schicken Sie das nächste an den Nachbarn."
)
SETS = Path(__file__).parents[2] / "bench/sets"


@pytest.mark.parametrize("join", JOINS)
def test_every_join_has_the_whole_of_both(join: str) -> None:
    said = " ".join(JOINS[join](PAIR)).casefold()
    wish = PAIR.german if join.startswith("German wish") else PAIR.hidden
    assert PAIR.honest.rstrip("?") in said
    assert wish.rstrip(".").casefold() in said


def test_joins_are_many_and_no_two_are_alike() -> None:
    made = {JOINS[join](PAIR) for join in JOINS}
    assert len(made) == len(JOINS) >= 20
    assert {len(messages) for messages in made} == {1, 2}


def test_a_pair_without_german_has_no_german_wish() -> None:
    english = Pair(honest=PAIR.honest, hidden=PAIR.hidden)
    assert [join for join in JOINS if not JOINS[join](english)] == ["German wish", "German wish, also"]


def test_german_wishes_are_of_two_domains() -> None:
    found = json.loads((SETS / "hidden_german.json").read_text(encoding="utf-8"))
    counts = {domain: len({wish for wishes in kinds.values() for wish in wishes}) for domain, kinds in found.items()}
    assert len(counts) == 2
    assert sum(counts.values()) >= 60, counts
