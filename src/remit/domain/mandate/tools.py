"""The actions a mandate grants, as tools for a model: the narrowing that desk and client share, over the desk's catalogue.

⚔ A tool is an offer, never authority: every call is matched with the mandate again. What a schema cannot say exactly
(amounts of money, days, sums, counters) stands in words beside it.
"""

from typing import cast

from remit.domain.catalogue.model import Action, Catalogue
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse import wire_mandate
from remit.domain.structs import struct
from remit.domain.values import JsonObject
from remit.proof import granted_actions as shared
from remit.proof.narrow_schema import without_marks


@struct(frozen=True, kw_only=True)
class GrantedAction:
    """A granted action: the schema of its params as far as granted, and further limits in words."""

    action: Action
    schema: JsonObject
    limits: tuple[str, ...]


def granted_actions(mandate: Mandate, catalogue: Catalogue) -> tuple[GrantedAction, ...]:
    """Return the actions of the objective that the mandate grants, by name.

    Source: docs/model/wire.md#agents-way; docs/model/model.md#powers, #never, #target.
    """
    records = {kind: one.title for kind, one in catalogue.resources.items()}
    found = shared.granted_actions(wire_mandate(mandate), _document(mandate, catalogue))
    return tuple(
        GrantedAction(
            action=catalogue.actions[one.name],
            schema=cast("JsonObject", without_marks(one.schema, records)),  # made of parts of two JSON documents
            limits=tuple(limit.rstrip(".") for limit in one.limits),
        )
        for one in sorted(found, key=lambda one: one.name)
    )


def _document(mandate: Mandate, catalogue: Catalogue) -> JsonObject:
    """Return the members of the public catalogue that the narrowing reads, for one objective."""
    objective = catalogue.objectives.get(mandate.objective.type)
    inside = [] if objective is None else sorted(objective.actions & catalogue.actions.keys())
    return {
        "objectives": {mandate.objective.type: {"actions": inside}},
        "actions": {
            name: {
                "power": catalogue.actions[name].power.value,
                "returns": list(catalogue.actions[name].returns),
                "params": catalogue.actions[name].schema,
            }
            for name in inside
        },
        "attributes": {name: {"sensitive": one.sensitive} for name, one in catalogue.attributes.items()},
    }
