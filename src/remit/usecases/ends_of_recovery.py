"""What ends in the moment a recovered passkey is stored. Who may recover, and how it is resumed, is elsewhere."""

from dataclasses import dataclass, replace

from remit.domain.records import Invitation, Passkey, Person, Session
from remit.ports.store import Drop, Kept, Put
from remit.usecases.parts import Parts

_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What ends in the same moment as a recovered passkey begins."""

    puts: tuple[Put, ...]
    drops: tuple[Drop, ...]


async def recovery_of(parts: Parts, kept: Kept[Person], *, invitation: str) -> Ends:
    """What a recovered passkey ends: all mandates pause, and old passkeys, sessions and other links are dead.

    ⚔ A lost passkey may be a stolen one, and a link that was sent earlier may lie in a mailbox somebody else reads.

    Source: 2-model.md §8 (Passkeys).
    """
    person = kept.record
    keys = await parts.store.find(Passkey, "passkey.person", person.id, limit=_MOST)
    sessions = await parts.store.find(Session, "session.person", person.id, limit=_MOST)
    links = [
        one
        for one in await parts.store.find(Invitation, "due.invitation", "", limit=_MOST)
        if one.record.person == person.id and one.record.id != invitation
    ]
    return Ends(
        puts=(
            Put(replace(person, paused=True), kept.rev, person),
            *(Put(replace(one.record, revoked=True), one.rev, one.record) for one in keys),
        ),
        drops=(*(Drop(one.record, one.rev) for one in sessions), *(Drop(one.record, one.rev) for one in links)),
    )
