"""Vocabularies: each name the rules rely on is there, and every piece and expression of the lists is one."""

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import msgspec
import pytest

from remit.domain.errors import Code, Refused
from remit.domain.structs import replace
from remit.domain.words.parse_vocabulary import Ways, WordLists, vocabulary_of

ENGLISH: WordLists = msgspec.convert(
    tomllib.loads(resources.files("remit").joinpath("vocabulary", "en.toml").read_text("utf-8")), WordLists
)


def without(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    assert name in table
    return {key: value for key, value in table.items() if key != name}


def topic(name: str, **members: Any) -> WordLists:
    ways: Ways = replace(ENGLISH.topics[name], **members)
    return replace(ENGLISH, topics={**ENGLISH.topics, name: ways})


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (lambda: replace(ENGLISH, verbs=without(ENGLISH.verbs, "change")), "verbs.change: is missing"),
        (lambda: replace(ENGLISH, topics=without(ENGLISH.topics, "upgrade")), "topics.upgrade: is missing"),
        (
            lambda: replace(ENGLISH, orders=without(ENGLISH.orders, "a new role for the reader")),
            "orders.a new role for the reader: is missing",
        ),
        (lambda: replace(ENGLISH, about={"deposit": ("money-in",)}), "about.deposit: there is no topic money-in"),
        (lambda: topic("upgrade", stands_for=("betterment",)), "topics.upgrade.stands_for: there is no topic betterment"),
        (lambda: topic("upgrade", says=("{betterment}",)), "topics.upgrade: there is no piece {betterment}"),
        (lambda: topic("upgrade", says=("(upgrade",)), "topics.upgrade: is no regular expression"),
        (lambda: replace(ENGLISH, pieces={**ENGLISH.pieces, "odd": "{later}"}), "pieces.odd: there is no piece {later}"),
    ],
)
def test_a_list_that_the_rules_cannot_use_stops_the_start(lists: Callable[[], WordLists], said: str) -> None:
    """⚔ A rule whose words are missing would let everything pass in silence."""
    with pytest.raises(Refused) as refused:
        vocabulary_of({"en": lists()}, {"en": ()}, ())
    assert refused.value.code is Code.SETTINGS_INVALID
    assert refused.value.detail.startswith(said)
    assert "install Remit again" in refused.value.cure
