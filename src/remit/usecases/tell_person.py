"""Telling somebody about their own access: at their address, and for a while at the one before it."""

from remit.domain.confirmers import YOUNG_MS
from remit.domain.records import Person
from remit.usecases.parts import Parts


async def tell_person(parts: Parts, person: Person, *, subject: str, text: str) -> None:
    """Tell somebody what happened to their own access.

    ⚔ Whoever moved the address and then takes the account over would otherwise be the only one who is told.

    Source: 2-model.md §8 (notices go to old and new address).
    """
    for address in addresses(parts, person):
        await parts.notify.tell(person=person.id, address=address, subject=subject, text=text, page=f"{parts.terms.issuer}/me")


def addresses(parts: Parts, person: Person) -> tuple[str, ...]:
    """Where a person is told: their address and, while the change of it is young, the one from before."""
    moved = person.contact_changed_at and parts.world.now() - person.contact_changed_at < YOUNG_MS
    return (person.email, person.contact_before) if moved and person.contact_before else (person.email,)
