"""The facts an officer sees beside a decision: which attributes, and the catalogue's own reads that answer them.

`shown_to_officers` of an action or of its objective lists them. Without it, they are the attributes of the named
records' kinds, without the sensitive ones.
"""

from collections.abc import Iterator, Mapping, Sequence

from remit.domain.catalogue.model import Action, Attribute, Catalogue, Effect, MarkKind, Objective
from remit.domain.catalogue.tables import catalogue_error, toml_key
from remit.domain.param_paths import Absent, values_at
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject


@struct(frozen=True)
class RecordReader:
    """An action that reads one record by one param."""

    action: Action
    kind: str
    param: str


def record_readers(actions: Mapping[str, Action]) -> tuple[RecordReader, ...]:
    """Return the actions that read one record, by nothing but its id."""
    found: list[RecordReader] = []
    for action in actions.values():
        required = action.schema.get("required")
        needed = [one for one in required if isinstance(one, str)] if isinstance(required, Sequence) else []
        named = [mark for mark in action.marked(MarkKind.RESOURCE) if not mark.path.has_wildcard]
        if action.effect is Effect.READ and len(needed) == 1:
            found += [RecordReader(action, one.of, needed[0]) for one in named if str(one.path) == needed[0]]
    return tuple(found)


def named_records(action: Action, params: JsonObject) -> list[tuple[str, str]]:
    """Return the records (kind, id) that the params of an ask name, each once."""
    found: dict[tuple[str, str], None] = {}
    for mark in action.marked(MarkKind.RESOURCE):
        for value in values_at(params, mark.path):
            found |= {(mark.of, one): None for one in _each(value) if isinstance(one, str)}
    return list(found)


def shown_attributes(catalogue: Catalogue, action: Action, objective: Objective | None) -> frozenset[str]:
    """Return the attributes an officer sees beside a decision about an action."""
    listed = action.shown_to_officers
    if listed is None and objective is not None:
        listed = objective.shown_to_officers
    if listed is not None:
        return frozenset(listed)
    kinds = {mark.of for mark in action.marked(MarkKind.RESOURCE)}
    return frozenset(one.name for one in catalogue.attributes.values() if _area(one) in kinds and not one.sensitive)


def customer_attributes(catalogue: Catalogue, shown: frozenset[str]) -> list[str]:
    """Return those of the shown attributes that are the customer's own, and of no record."""
    return sorted(name for name in shown if _area(catalogue.attributes[name]) not in catalogue.resources)


def verify_shown(catalogue: Catalogue) -> None:
    """Verify that each listed attribute is declared, and can be read.

    Raises:
        Refused: `catalogue.invalid`.
    """
    readable = {name for reader in record_readers(catalogue.actions) for name in reader.action.returns}
    for key, names in _listed(catalogue):
        for name in names:
            attribute = catalogue.attributes.get(name)
            if attribute is None:
                cure = f'add [attribute."{name}"] with a title, or correct the name'
                raise catalogue_error(key, f"no attribute {name!r} is declared", cure)
            area = _area(attribute)
            if area in catalogue.resources and name not in readable:
                cure = f"add it to the `returns` of an action that reads one {area} by its id, or remove it"
                raise catalogue_error(key, f"no action reads {name!r}", cure)


def _listed(catalogue: Catalogue) -> Iterator[tuple[str, tuple[str, ...]]]:
    for action in catalogue.actions.values():
        yield f"{toml_key('action', action.name)}.shown_to_officers", action.shown_to_officers or ()
    for objective in catalogue.objectives.values():
        yield f"{toml_key('objective', objective.name)}.shown_to_officers", objective.shown_to_officers or ()


def _area(attribute: Attribute) -> str:
    return attribute.name.partition(".")[0]


def _each(value: Json | Absent) -> Sequence[Json | Absent]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
