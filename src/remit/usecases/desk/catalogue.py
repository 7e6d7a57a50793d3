"""The public catalogue for agents: actions, objectives and attributes, without secrets."""

from collections.abc import Mapping

from remit.domain.catalogue.model import Catalogue
from remit.domain.values import Json


def show_catalogue(catalogue: Catalogue) -> Mapping[str, Json]:
    """The catalogue as JSON, with the JSON Schema of every action's params."""
    return {
        "desk": catalogue.desk,
        "currency": catalogue.currency,
        "digest": catalogue.digest,
        "actions": {
            name: {
                "title": action.title,
                "power": action.power.value,
                "area": action.area.value,
                "effect": action.effect.value,
                "reversible": action.reversible,
                "returns": list(action.returns),
                "params": action.schema,
                "confirmed_by": sorted(catalogue.floors[action.area]) if action.effect.value == "write" else [],
            }
            for name, action in catalogue.actions.items()
        },
        "objectives": {
            name: {
                "title": objective.title,
                "target": objective.target,
                "actions": sorted(objective.actions),
                "after": {action: list(before) for action, before in objective.after.items()},
                "done_when": list(objective.done_when),
                "examples": list(objective.examples),
            }
            for name, objective in catalogue.objectives.items()
        },
        "attributes": {
            name: {"title": one.title, "sensitive": one.sensitive} for name, one in catalogue.attributes.items()
        },
        "resources": {kind: {"title": one.title, "public": one.public} for kind, one in catalogue.resources.items()},
    }
