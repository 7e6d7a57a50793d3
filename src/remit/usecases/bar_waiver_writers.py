"""Who wrote a waiver, as far as the desk can know: nobody confirms under one of their own.

How an owner is written and recognised is in `domain/waivers`.
"""

from typing import Final

from remit.domain.records import Person, Rules
from remit.domain.waivers import owns
from remit.ports.store import Missing
from remit.usecases.parts import Parts

_MOST = 10_000


async def waiver_writers(parts: Parts, place: int | None, *, customer: Person) -> frozenset[str]:
    """The person keys that may not confirm under a waiver: whoever is its owner, and whoever proposed the rules it stands in.

    `place` is its place in the catalogue (none, or below zero: no waiver). ⚔ An owner is free text; whoever proposed the
    rules wrote it, whatever it says. Another account of the same person is the same person.

    Source: docs/model/model.md#waivers.
    """
    if place is None or not 0 <= place < len(parts.catalogue.waivers):
        return frozenset()
    owner = parts.catalogue.waivers[place].owner
    officers = [one.record for one in await parts.store.find(Person, "person.kind", "officer", limit=_MOST)]
    proposer = await _proposer(parts)
    titles = {name: role.title for name, role in parts.catalogue.roles.items()}
    writers = {one.key for one in officers if one.id == proposer or owns(owner, _names(one, titles))}
    return frozenset(writers | ({customer.key} if owns(owner, (customer.key, customer.id)) else set()))


def _names(officer: Person, titles: dict[str, str]) -> tuple[str, ...]:
    roles = [text for role in officer.roles for text in (role, f"officer:{role}", titles.get(role, ""))]
    return (officer.key, officer.id, officer.name, officer.email, *roles)


async def _proposer(parts: Parts) -> str:
    """Who proposed the rules in force ("" where one person alone brings them in, on loopback)."""
    try:
        by = (await parts.store.get(Rules, WHAT)).record.by.split(", ")
    except Missing:
        return ""
    return by[0] if len(by) > 1 else ""


WHAT: Final = "rules"
