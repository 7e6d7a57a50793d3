"""Remembering which language somebody reads: what is written to them is written in it."""

from dataclasses import replace
from typing import Final

from remit.domain.records import Person
from remit.ports.store import Commit, Conflict, Put
from remit.usecases.parts import Parts

_TRIES: Final = 5


async def choose_language(parts: Parts, person: Person, language: str) -> None:
    """Keep somebody's language. Nothing is decided by it, so it does not go on the record.

    Where the person keeps changing, what was chosen is kept by their browser alone.
    """
    for _ in range(_TRIES):
        kept = await parts.store.get(Person, person.id)
        if kept.record.language == language:
            return
        try:
            await parts.store.commit(Commit(puts=(Put(replace(kept.record, language=language), kept.rev, kept.record),)))
        except Conflict:
            continue
        return
