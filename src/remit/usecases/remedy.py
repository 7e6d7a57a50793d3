"""What to grant for an ask that was refused, found again from what is kept of ask and mandate."""

from remit.domain.errors import Refused
from remit.domain.mandate_remedy import remedy
from remit.domain.records import MandateRecord, TaskRecord
from remit.domain.values import JsonObject
from remit.ports.store import Missing
from remit.usecases.parts import Parts
from remit.usecases.redacting import clean_whole
from remit.usecases.standing import mandate_of


async def remedy_of(parts: Parts, *, mandate: str, action: str, params: JsonObject) -> JsonObject | None:
    """The `remit_mandate` that would cover an ask under this mandate; None where none would.

    ⚔ A secret in the params is neither written into it nor into any header: such an ask gets none.

    Raises:
        Fault: `fault.store`.

    Source: 5-standards.md §6 (the refusal ladder).
    """
    known = parts.catalogue.actions.get(action)
    if known is None:
        return None
    try:
        parts.params.verify(action, params)
        granted = mandate_of(parts.catalogue, (await parts.store.get(MandateRecord, mandate)).record)
    except (Refused, Missing):
        return None
    whole = clean_whole(parts, action=action, params=params, words=None)
    return remedy(granted, parts.catalogue, known, whole.params, now=parts.world.now())


async def remedy_in_task(parts: Parts, *, task: str, action: str, params: JsonObject) -> JsonObject | None:
    """The same for an ask that was turned away before it was decided, because its mandate has run out.

    Raises:
        Fault: `fault.store`.
    """
    try:
        record = (await parts.store.get(TaskRecord, task)).record
    except Missing:
        return None
    return await remedy_of(parts, mandate=record.mandate, action=action, params=params)
