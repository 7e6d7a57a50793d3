"""Names that stand alone in a sentence: of records beside each other, and of agents beside our own words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, TypeAlias

from remit.domain.text.confusables import look_alike, looks

_Names: TypeAlias = Mapping[tuple[str, str], str]

_LIKE_AN_ID: Final = re.compile(r"(?=.*[0-9])\S+", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_WORDS: Final = re.compile(r"\w+")
_OURS: Final = """
    admin agent allowed approved approval audit auditor blocked cancelled colleague customer declined desk done
    entry expired failed no nobody nothing officer operator outcome permission remit request role rules security
    someone somebody staff stopped support system task team the they unknown user waiting we yes you your
    abgelehnt abgelaufen anfrage aufgabe auditor blockiert der die das du ein eine eintrag erlaubnis erlaubt erledigt
    fehlgeschlagen ihr ihre ja jemand kollege kollegin kunde kundin kundendienst mitarbeiter mitarbeiterin nein nichts
    niemand nutzer protokoll regeln sicherheit sie team wir
    """
"""Words with which a sentence of ours may begin, or that stand for somebody or an outcome in it."""


class RecordNames(dict[tuple[str, str], str]):
    """Names of records that keeps which of them stand alone."""

    @cached_property
    def alone(self) -> frozenset[tuple[str, str]]:
        """The records that `stand_alone`."""
        return stand_alone(self)


def names_alone(names: _Names) -> frozenset[tuple[str, str]]:
    """Return the records that `stand_alone`; found once for `RecordNames`."""
    return names.alone if isinstance(names, RecordNames) else stand_alone(names)


def stand_alone(names: _Names) -> frozenset[tuple[str, str]]:
    """Return the records (kind, id) that their name tells apart without their id.

    ⚔ None whose name is or looks like the name or the id of another one, and none whose name could pass for an id.
    """
    seen: dict[str, set[tuple[str, str]]] = {}
    for place, name in names.items():
        for look in (*looks(name), *looks(place[1])):
            seen.setdefault(look, set()).add(place)
    return frozenset(
        place
        for place, name in names.items()
        if name.strip() and not _LIKE_AN_ID.fullmatch(name) and all(seen[look] == {place} for look in looks(name))
    )


def passes_for_ours(name: str, own: Iterable[str]) -> bool:
    """Return whether a name could be read as a word of ours at the beginning of a sentence.

    `own` are texts of the desk: its name, the titles of its roles. ⚔ Only one plain word that is none of ours does not.
    """
    return not _WORD.fullmatch(name) or any(look_alike(name, word) for word in _words_of((_OURS, *own)))


def passes_for_person(name: str, person: str) -> bool:
    """Return whether a name is or looks like a person's, or a word of it."""
    return look_alike(name, person) or any(look_alike(name, word) for word in _words_of((person,)))


def _words_of(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _WORDS.findall(text)
