"""Mentions of colleagues in notes: `@name` in a hand-over note or an internal note.

The note itself stands where notes stand; a mention holds no text of it.
"""

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from remit.domain.records import Link, PersonRecord
from remit.domain.structs import struct
from remit.domain.values import Instant

_MOST: Final = 10


@struct(frozen=True, kw_only=True)
class Mention:
    """A colleague named in a note, until they have seen it. `confirmation` is "" for an internal note of a case."""

    KIND: ClassVar[str] = "mention"
    id: str
    person: str
    by: str
    name: str
    """The name of the note's author."""
    case: str
    confirmation: str
    at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by the mentioned person."""
        return (Link("mention.person", self.person, self.at),)


def mentioned_in(text: str, officers: Iterable[PersonRecord]) -> list[PersonRecord]:
    """Return the officers a text mentions: by `@id`, `@First Last`, or `@First` where only one has that first name."""
    if "@" not in text:
        return []
    people = list(officers)
    first = [one.name.partition(" ")[0].casefold() for one in people]
    found: list[PersonRecord] = []
    for one in people:
        names = {one.id.casefold(), one.name.casefold()}
        own = one.name.partition(" ")[0].casefold()
        if first.count(own) == 1:
            names.add(own)
        if any(name and re.search(rf"(?<!\w)@{re.escape(name)}(?!\w)", text.casefold()) for name in names):
            found.append(one)
    return found[:_MOST]
