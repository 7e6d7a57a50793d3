"""What may still be told of an ask that was decided before, on the mandate as it stands now."""

from collections.abc import Mapping

from remit.domain.errors import Refused
from remit.domain.mandate_covering import cover
from remit.domain.records import AskRecord
from remit.domain.values import decode
from remit.usecases.parts import Parts
from remit.usecases.standing import Standing


def still_covered(parts: Parts, standing: Standing, record: AskRecord) -> frozenset[str]:
    """What may still be told of an earlier ask: its mandate may have been narrowed since.

    Source: docs/model/model.md#standing-again.
    """
    action = parts.catalogue.actions.get(record.action)
    told = frozenset(record.covered)
    params = decode(record.params.encode())
    if action is None or not told or not isinstance(params, Mapping):
        return told
    for kept, mandate in standing.chain:
        try:
            found = cover(mandate, parts.catalogue, action, params, roots=kept.record.power_roots or None)
        except Refused:
            return frozenset()
        told &= frozenset().union(*(one.attributes for one in found.telling))
    return told
