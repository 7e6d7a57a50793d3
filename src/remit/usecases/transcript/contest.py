"""Contests of entries: recorded, and the entry's content is not erased while one is open."""

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.records import Contest, PersonRecord
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.leaks.scan_staff_text import redact_staff_text
from remit.engine.transcript.erase import erasure_guard
from remit.engine.transcript.record import draft_entry, pseudonym
from remit.ports.store import Commit, Conflict, LimitReached, Precondition, Put, StoredEntry

_MAX_LENGTH = 4000
_MAX_OPEN = 20
_LOOKED_AT = 1000


async def verify_own_entry(desk: DeskContext, person: PersonRecord, entry_id: str) -> StoredEntry:
    """Return an entry that is about this person.

    Raises:
        Refused: `request.not_found` for an unknown or foreign entry.
    """
    if not entry_id.isascii() or not entry_id.isdecimal() or len(entry_id) > 15:  # noqa: PLR2004  # more entries than any log has
        raise Refused(Code.REQUEST_NOT_FOUND, "not an entry")
    index = int(entry_id)
    found = await desk.store.entries(ref=person.id, low=index, limit=1)
    if not found or found[0].index != index:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such entry of this person")
    return found[0]


async def contest_entry(
    desk: DeskContext, person: PersonRecord, entry_id: str, text: str, *, agent: str = ""
) -> Contest:
    """Contest one of one's own entries, once until settled; `agent` is the one the customer disowns.

    ⚔ Endless contests would push other people's contests, and incidents, off the desk's lists.

    Raises:
        Refused: `request.not_found` for an unknown or foreign entry, `request.malformed` without a reason,
            `request.conflict` for one that is contested, or beside too many that wait, `task.busy`.
    """
    if not text.strip() or len(text) > _MAX_LENGTH:
        public = marked("Enter a reason, in at most 4000 characters.")
        raise Refused(Code.REQUEST_MALFORMED, "say why, in at most 4000 characters", public=public)
    index = (await verify_own_entry(desk, person, entry_id)).index
    text = await redact_staff_text(desk, text, where="contest", by=person)
    turn = await erasure_guard(desk, person.id)  # ⚔ concurrent contests do not see each other
    known = await desk.store.find(Contest, "contest.customer", person.id, limit=_LOOKED_AT, newest=True)
    waiting = [one.record for one in known if one.record.open]
    if any(one.entry == index for one in waiting):
        public = marked("You already disputed this. We haven't answered yet.")
        raise Refused(Code.REQUEST_CONFLICT, "contested already", public=public)
    if len(waiting) >= _MAX_OPEN:
        public = f"{_MAX_OPEN} of your disputes are still open. You can raise another once one is answered."
        raise Refused(Code.REQUEST_CONFLICT, "too many contests wait", public=public)
    # ⚔ before anything is sealed: see `erase`
    raising = Precondition(PersonRecord.KIND, person.id, (await desk.store.get(PersonRecord, person.id)).rev)
    made = Contest(
        id=new_id("con", desk.world.random(16)),
        customer=person.id,
        entry=index,
        text=text,
        at=desk.world.now(),
        agent=agent,
    )
    draft = draft_entry(
        desk,
        Kind.CONTEST_RAISED,
        envelope={"contest": made.id, "entry": index, "customer": pseudonym(desk, person.id)},
        customer={"text": text},
        desk={"text": text},
        subject=person.id,
        refs=(person.id, made.id),
    )
    cause = IncidentCause(
        kind=IncidentKind.DISOWNED if agent else IncidentKind.CONTEST, agent=agent, customer=person.id
    )
    raised = Commit(preconditions=(raising,), puts=(Put(made, 0),), reserves=(turn,))
    try:
        await commit_with_incident(desk, cause, draft, raised)
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
    except LimitReached:
        raise Refused(Code.TASK_BUSY, "another contest or grant came between", retry_after_s=1) from None
    await desk.notify.incident(kind="contest", details={"entry": entry_id, "contest": made.id})
    return made
