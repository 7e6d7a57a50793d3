"""Mentions of colleagues: made with a note, listed on the colleague's queue until they have seen them."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id
from remit.domain.mentions import Mention, mentioned_in
from remit.domain.records import PersonRecord
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing

_OFFICERS: Final = 200
_SHOWN: Final = 50


async def mentions_of(
    desk: DeskContext, by: PersonRecord, text: str, *, case: str, confirmation: str = ""
) -> tuple[Put, ...]:
    """Return the mentions that a note makes, to be written with it; a mention of oneself does not count."""
    if "@" not in text:
        return ()
    found = await desk.store.find(PersonRecord, "person.kind", "officer", limit=_OFFICERS)
    officers = [one.record for one in found if one.record.roles and not one.record.paused]
    return tuple(
        Put(
            Mention(
                id=new_id("mention", desk.world.random(16)),
                person=one.id,
                by=by.id,
                name=by.name or by.id,
                case=case,
                confirmation=confirmation,
                at=desk.world.now(),
            ),
            0,
        )
        for one in mentioned_in(text, officers)
        if one.key != by.key
    )


async def record_mentions(desk: DeskContext, by: PersonRecord, text: str, *, case: str) -> None:
    """Write the mentions of an internal note, which stands in the helpdesk already.

    Raises:
        Fault: `fault.store`; the note stays.
    """
    puts = await mentions_of(desk, by, text, case=case)
    if puts:
        await desk.store.commit(Commit(puts=puts))


async def list_mentions(desk: DeskContext, officer: PersonRecord) -> list[Mapping[str, Json]]:
    """List the mentions an officer has not marked as seen, newest first."""
    found = await desk.store.find(Mention, "mention.person", officer.id, limit=_SHOWN, newest=True)
    return [
        {
            "mention": one.record.id,
            "by": one.record.by,
            "name": one.record.name,
            "case": one.record.case,
            "confirmation": one.record.confirmation,
            "at": instant_text(one.record.at),
        }
        for one in found
    ]


async def dismiss_mention(desk: DeskContext, officer: PersonRecord, mention_id: str) -> None:
    """Mark a mention of oneself as seen; one that is gone already is no error.

    Raises:
        Refused: `request.not_found` for another person's.
    """
    try:
        kept = await desk.store.get(Mention, mention_id)
        if kept.record.person != officer.id:
            raise Refused(Code.REQUEST_NOT_FOUND, "another person's mention")
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except (Conflict, RecordMissing):
        return
