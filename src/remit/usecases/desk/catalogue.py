"""The public catalogue for agents: actions, objectives and attributes, without secrets."""

from collections.abc import Mapping

from remit.domain.catalogue.model import Catalogue
from remit.domain.mandate.parse import TYPE
from remit.domain.mandate.schema import VERSION, mandate_schema
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


def show_detail_types(catalogue: Catalogue, *, issuer: str) -> Mapping[str, Json]:
    """The kinds of `authorization_details` that can be asked for here, each with its JSON Schema.

    Source: draft-ietf-oauth-rar-metadata-remediation, Authorization Details Types Metadata Endpoint.
    """
    return {
        TYPE: {
            "version": VERSION,
            "description": f"What a customer lets an agent do for them at {catalogue.desk}: objective, powers, limits.",
            "documentation_uri": f"{issuer}/openapi.json",
            "schema": mandate_schema(catalogue),
        }
    }
