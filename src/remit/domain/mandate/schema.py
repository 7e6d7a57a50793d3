"""The JSON Schema of a `remit_mandate`, made from the catalogue.

It lets agents build requests that will be read; reading itself is `parse.py`, and stricter: a mandate that is read fits
the schema, not the other way round.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from remit.domain.catalogue.model import Catalogue, Objective, PowerKind
from remit.domain.catalogue.schema import DIALECT
from remit.domain.mandate.model import ConditionOp
from remit.domain.mandate.parse import MAX_CHAIN, MAX_POWERS, MAX_SUMMARY_LENGTH, MAX_TASKS, MAX_USES, TYPE
from remit.domain.mandate.parse_where import MAX_CONDITIONS, MAX_TEXT_LENGTH, MAX_VALUES
from remit.domain.values import Json, JsonObject

VERSION: Final = "1.0"
_GLOB: Final[JsonObject] = {"type": "string", "pattern": r"^[a-z0-9_.-]+\.\*$"}
_ID: Final[JsonObject] = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_LENGTH}
_WHERE: Final[JsonObject] = {
    "type": "object",
    "description": "Tests by the path of a parameter, such as amount or items[*].id",
    "maxProperties": MAX_CONDITIONS,
    "additionalProperties": {
        "type": "object",
        "properties": {op.value: {} for op in ConditionOp},
        "additionalProperties": False,
        "minProperties": 1,
    },
}
_TOTAL: Final[JsonObject] = {
    "type": "object",
    "description": "Running limits by path: money such as 40.00 EUR, or a number",
    "minProperties": 1,
    "maxProperties": MAX_CONDITIONS,
    "additionalProperties": {"type": ["string", "number"]},
}


def mandate_schema(catalogue: Catalogue) -> JsonObject:
    """Return the schema of a mandate that an agent may ask for at this desk.

    Source: draft-ietf-oauth-rar-metadata-remediation (authorization_details_types_metadata_endpoint); RFC 9396 §2.
    """
    return {
        "$schema": DIALECT,
        "title": "Mandate",
        "type": "object",
        "required": ["type", "objective", "powers"],
        "properties": {
            "type": {"const": TYPE},
            "objective": _purpose(catalogue.objectives),
            "powers": {"type": "array", "minItems": 1, "maxItems": MAX_POWERS, "items": _power(catalogue)},
            "never": {"type": "array", "maxItems": MAX_POWERS, "items": _negative(catalogue)},
            "expires_at": {"type": "string", "format": "date-time"},
            "max_tasks": {"type": "integer", "minimum": 1, "maximum": MAX_TASKS},
            "chain": {"type": "integer", "minimum": 0, "maximum": MAX_CHAIN},
            "chain_operators": _list(_ID),
        },
        "additionalProperties": False,
        "allOf": [_of_objective(catalogue, objective) for objective in catalogue.objectives.values()],
    }


def _purpose(objectives: Mapping[str, Objective]) -> JsonObject:
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": sorted(objectives)},
            "target": {"type": "object"},
            "summary": {"type": "string", "maxLength": MAX_SUMMARY_LENGTH},
        },
        "additionalProperties": False,
    }


def _of_objective(catalogue: Catalogue, objective: Objective) -> JsonObject:
    """Return the terms of one objective: its target, and the actions inside it."""
    target: dict[str, Json] = {"properties": {"target": False}}
    if objective.target is not None:
        of_kind: JsonObject = {
            "type": "object",
            "required": [objective.target],
            "properties": {objective.target: _list(_ID)},
            "additionalProperties": False,
        }
        target = {"required": ["target"], "properties": {"target": of_kind}}
    inside = [name for name in catalogue.actions if name in objective.actions]
    return {
        "if": {"properties": {"objective": {"properties": {"type": {"const": objective.name}}}}},
        "then": {
            "properties": {
                "objective": target,
                "powers": {"items": {"properties": {"actions": {"items": _names(inside)}}}},
            }
        },
    }


def _power(catalogue: Catalogue) -> JsonObject:
    acting: JsonObject = {"where": _WHERE, "uses": _USES, "total": _TOTAL}
    attributes = _list(_names(catalogue.attributes))
    by_kind: Mapping[PowerKind, JsonObject] = {
        PowerKind.REPRESENT: {"uses": _USES},
        PowerKind.REQUEST: {
            "actions": _actions(catalogue, PowerKind.REQUEST),
            **acting,
            "preapproved": {"type": "boolean"},
        },
        PowerKind.ACCEPT: {"actions": _actions(catalogue, PowerKind.ACCEPT), **acting},
        PowerKind.DISCLOSE: {"attributes": attributes, "where": _WHERE, "uses": _USES},
        PowerKind.RECEIVE: {"actions": _actions(catalogue, PowerKind.RECEIVE), "attributes": attributes, **acting},
    }
    return {"oneOf": [_closed(kind, members) for kind, members in by_kind.items()]}


def _negative(catalogue: Catalogue) -> JsonObject:
    """Return the schema of a negative: its names may be globs, and of any objective."""
    actions, attributes = _list(_names(catalogue.actions)), _list(_names(catalogue.attributes))
    by_kind: Mapping[PowerKind, JsonObject] = {
        PowerKind.REPRESENT: {},
        PowerKind.REQUEST: {"actions": actions, "where": _WHERE},
        PowerKind.ACCEPT: {"actions": actions, "where": _WHERE},
        PowerKind.DISCLOSE: {"attributes": attributes, "where": _WHERE},
        PowerKind.RECEIVE: {"actions": actions, "attributes": attributes, "where": _WHERE},
    }
    return {"oneOf": [_closed(kind, members) for kind, members in by_kind.items()]}


_USES: Final[JsonObject] = {"type": "integer", "minimum": 1, "maximum": MAX_USES}


def _closed(kind: PowerKind, members: JsonObject) -> JsonObject:
    properties = {"power": {"const": kind.value}, **members}
    return {"type": "object", "required": ["power"], "properties": properties, "additionalProperties": False}


def _actions(catalogue: Catalogue, kind: PowerKind) -> JsonObject:
    return _list(_names(name for name, action in catalogue.actions.items() if action.power is kind))


def _names(known: Iterable[str]) -> JsonObject:
    """Return the schema of a known name, or of a glob over names."""
    return {"anyOf": [{"enum": sorted(known)}, _GLOB]}


def _list(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_VALUES, "uniqueItems": True}
