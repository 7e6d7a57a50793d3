"""An officer's text that is sent although values in it were marked: its entry, and whether a second person looks at it."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.records import DeskMessage, OverrideReview, PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.context import DeskContext
from remit.engine.outbound.check import CheckedText
from remit.engine.outbound.override import Override, is_overridden, verify_overrider
from remit.engine.transcript.record import draft_entry
from remit.ports.store import Precondition, Put, Reserve

_FIRST: Final = 10
"""An officer's first overrides, all of which are looked at."""
_MADE: Final = "made"
_DRAW_BYTES: Final = 8
_OWN: Final = marked("You can't send this in your own case. Ask a colleague.")


@struct(frozen=True, kw_only=True)
class OverriddenReply:
    """The commit's parts beside an overridden reply."""

    attributes: tuple[str, ...]
    entry: EntryDraft
    puts: tuple[Put, ...]
    reserves: tuple[Reserve, ...]
    preconditions: tuple[Precondition, ...]


async def verified_override(
    desk: DeskContext,
    state: AuthorizationState,
    officer: PersonRecord,
    text: str,
    checked: CheckedText,
    override: Override,
) -> Precondition | None:
    """Return the precondition of an override that counts; None for one of another text, or of findings that none lets through.

    Raises:
        Refused: `person.not_allowed`.

    Source: docs/model/model.md#override.
    """
    standing = await verify_overrider(desk, officer)
    if state.customer.record.key == officer.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "an officer overrides nothing in their own case", public=_OWN)
    return standing if await is_overridden(desk, officer, text, checked, override) else None


async def overridden_reply(
    desk: DeskContext,
    state: AuthorizationState,
    officer: PersonRecord,
    message: DeskMessage,
    *,
    reason: str,
    standing: Precondition,
) -> OverriddenReply:
    """Draft the entry of an overridden reply, and draw whether a second person looks at it.

    ⚔ The draw is made with the commit, and by the desk: no officer knows it beforehand. The names of what was overridden
    are for the desk and the customer alone: an agent that had them would know which words are the actual value.
    """
    task, now = state.task.record, desk.world.now()
    scope = f"overrides by {officer.key}"
    made = (await desk.store.counters(scope)).get(_MADE, 0)
    review = OverrideReview(
        id=new_id("ovr", desk.world.random(16)),
        case=task.case,
        customer=task.customer,
        by=officer.id,
        by_key=officer.key,
        at=now,
    )
    drawn = int.from_bytes(desk.world.random(_DRAW_BYTES)) % 100 < desk.terms.override_review_percent
    names = list(message.overridden)
    entry = draft_entry(
        desk,
        Kind.REPLY_OVERRIDDEN,
        envelope={"case": task.case, "message": message.n},
        customer={"attributes": names, "text": message.text},
        desk={"by": officer.id, "attributes": names, "reason": reason, "text": message.text},
        subject=task.customer,
        refs=(review.id, task.case, task.customer),
    )
    return OverriddenReply(
        attributes=message.overridden,
        entry=entry,
        puts=(Put(review, 0),) if made < _FIRST or drawn else (),
        reserves=(Reserve(scope, _MADE, 1, made + 1),),
        preconditions=(standing,),
    )
