"""What ends in the moment a passkey is stored, most of all a recovered one. Who may recover, and how it is resumed, is elsewhere."""

from dataclasses import dataclass, replace

from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import Invitation, Passkey, Person
from remit.engine.context import Parts
from remit.engine.people.sessions import of_logins
from remit.ports.store import Drop, Kept, Put

_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What ends in the same moment as a passkey begins."""

    puts: tuple[Put, ...]
    drops: tuple[Drop, ...]


async def recovery_of(parts: Parts, kept: Kept[Person], *, invitation: str) -> Ends:
    """What a recovered passkey ends: all mandates pause, old passkeys and other links are dead, sessions with their passkeys or by name.

    ⚔ A lost passkey may be a stolen one, and a link that was sent earlier may lie in a mailbox somebody else reads.

    Source: docs/model/model.md#passkeys.
    """
    person = kept.record
    keys = await parts.store.find(Passkey, "passkey.person", person.id, limit=_MOST)
    links = await _other_links(parts, person, invitation)
    sessions = await of_logins(parts, person)
    return Ends(
        puts=(
            Put(replace(person, paused=True), kept.rev, person),
            *(Put(replace(one.record, revoked=True), one.rev, one.record) for one in keys),
        ),
        drops=(*(Drop(one.record, one.rev) for one in links), *(Drop(one.record, one.rev) for one in sessions)),
    )


async def links_beside(parts: Parts, kept: Kept[Person], *, invitation: str) -> Ends:
    """What a first passkey ends: links by mail, which would add another one without it. Nothing where an old one agreed ("").

    Source: docs/model/model.md#passkeys: adding one needs an old one.
    """
    links = await _other_links(parts, kept.record, invitation) if invitation else []
    return Ends(
        puts=(), drops=tuple(Drop(one.record, one.rev) for one in links if one.record.how == Enrolment.LINK.value)
    )


async def _other_links(parts: Parts, person: Person, invitation: str) -> list[Kept[Invitation]]:
    """Somebody's links besides the one that is used. ⚔ However many others have one: links are found by when they end alone."""
    found: list[Kept[Invitation]] = []
    low, seen = 0, set[str]()
    while True:
        page = await parts.store.find(Invitation, "due.invitation", "", low=low, limit=_MOST)
        fresh = [one for one in page if one.record.id not in seen]
        if not fresh:
            return found
        seen.update(one.record.id for one in fresh)
        found.extend(one for one in fresh if one.record.person == person.id and one.record.id != invitation)
        low = fresh[-1].record.expires_at
