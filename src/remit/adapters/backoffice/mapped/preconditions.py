"""Conditions of the records for an act to be sent, besides their versions.

Source: docs/mapping.md#preconditions.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from remit.adapters.backoffice.mapped.mapping import ActionMap, Limit
from remit.adapters.backoffice.mapped.pointers import find
from remit.adapters.backoffice.mapped.records import MappedRecords
from remit.adapters.backoffice.mapped.requests import UnusableValue, is_one_of, money_of, text_of
from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.param_paths import values_at
from remit.domain.values import Json
from remit.ports.backoffice import Act

_NO_PART: Final = "There is no such part of the record."
_NO_AMOUNT: Final = "It is no amount in the currency of the record."
_TOO_MUCH: Final = "It is more than what is left of it."
_OTHER_STATE: Final = "It is not in a state in which that can be done."


class Preconditions:
    """The parts that an act names, the states that the mapping requires, and the limits of amounts."""

    def __init__(self, records: MappedRecords, catalogue: Catalogue) -> None:
        """Read by `records`."""
        self._records = records
        self._actions = catalogue.actions
        self._currency = catalogue.currency

    async def unmet(self, action: ActionMap, act: Act) -> str:
        """Return why an act is not sent, "" where nothing is in its way.

        ⚔ A system that is told a part of another record may take it, such as another customer's payment.

        Raises:
            Fault: `fault.backoffice`.
        """
        named = list(_parts(self._actions[act.action], act.params))
        found = await self._records.contents([record for record, _ in named], customer=act.customer) if named else ()
        if any(part not in parts for (_, part), parts in zip(named, found, strict=True)):
            return _NO_PART
        for one in action.only_if:
            record_id = text_of(find(act.params, one.param))
            if not is_one_of(await self._records.found_at(one.kind, record_id, one.at), one.is_):
                return _OTHER_STATE
        return "" if action.limit is None else await self._beyond(action.limit, act)

    async def _beyond(self, limit: Limit, act: Act) -> str:
        """Return why an amount is not sent: it is more than what its record sums up to, or cannot be compared."""
        try:
            wanted = money_of(find(act.params, limit.amount), limit.amount)
        except UnusableValue:
            return _NO_AMOUNT
        if wanted.currency != self._currency:
            return _NO_AMOUNT
        left = await self._records.left_of(limit, text_of(find(act.params, limit.param)))
        return _TOO_MUCH if wanted.amount > left else ""


def _parts(action: Action, params: Mapping[str, Json]) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield each part that the params name, with its record."""
    records = {str(mark.path): mark for mark in action.marked(MarkKind.RESOURCE)}
    for mark in action.marked(MarkKind.PART):
        record = records[mark.of]
        (record_id,) = values_at(params, record.path)
        for part in values_at(params, mark.path):
            if isinstance(part, str):
                yield (record.of, text_of(record_id)), part
