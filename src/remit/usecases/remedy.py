"""What to grant for an ask that was refused, found again from what is kept of ask and mandate."""

from remit.domain.errors import Refused
from remit.domain.mandate_remedy import remedy
from remit.domain.records import MandateRecord
from remit.domain.values import JsonObject
from remit.ports.store import Missing
from remit.usecases.parts import Parts
from remit.usecases.standing import mandate_of


async def remedy_of(parts: Parts, *, mandate: str, action: str, params: JsonObject) -> JsonObject | None:
    """The `remit_mandate` that would cover an ask under this mandate; None where none would. `params` are those that were kept.

    ⚔ What was taken out of them is neither written into it nor into any header: such an ask gets none.

    Raises:
        Fault: `fault.store`.

    Source: docs/model/standards.md#refusal-ladder.
    """
    known = parts.catalogue.actions.get(action)
    if known is None:
        return None
    try:
        parts.params.verify(action, params)
        granted = mandate_of(parts.catalogue, (await parts.store.get(MandateRecord, mandate)).record)
    except (Refused, Missing):
        return None
    return remedy(granted, parts.catalogue, known, params, now=parts.world.now())
