"""The Cedar schema of one desk, generated from its catalogue: agents, actions, and the context that rules may read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from remit.domain.catalogue.model import CUSTOMER, Action, Area, Catalogue, Effect, MarkKind, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Json, verify_money
from remit.proof.canonical import canonical

CedarJson: TypeAlias = bool | int | str | Sequence["CedarJson"] | Mapping[str, "CedarJson"] | None
Writer: TypeAlias = Callable[[Json], CedarJson]

_LONG_MOST: Final = 2**63 - 1
_DECIMAL_PLACES: Final = Decimal("0.0001")
_DECIMAL_MOST: Final = Decimal(2**63 - 1).scaleb(-4)
_RESERVED: Final = ("__cedar", "__entity", "__expr", "__extn")


class ScalarShape(StrEnum):
    """A value without parts, by its Cedar type."""

    BOOLEAN = "Boolean"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    LONG = "Long"
    OPAQUE = "opaque"
    STRING = "String"


@struct(frozen=True)
class SetShape:
    """A set of one shape: order and repeats of the array are lost."""

    element: "Shape"


@struct(frozen=True)
class RecordShape:
    """A closed object. `optional` names may be absent."""

    attributes: Mapping[str, "Shape"]
    optional: frozenset[str] = frozenset()


@struct(frozen=True)
class EntityShape:
    """A reference to an entity of one type."""

    name: str


@struct(frozen=True)
class MoneyShape:
    """A money string, split so that rules can compare its amount."""


Shape: TypeAlias = ScalarShape | SetShape | RecordShape | EntityShape | MoneyShape

MONEY_RECORD: Final = RecordShape({"amount": ScalarShape.DECIMAL, "currency": ScalarShape.STRING})

_TYPES: Final[Mapping[str, ScalarShape]] = {
    "boolean": ScalarShape.BOOLEAN,
    "integer": ScalarShape.LONG,
    "number": ScalarShape.DECIMAL,
    "string": ScalarShape.STRING,
}


def shape_of(schema: Json) -> Shape:
    """Return how policies see values of one JSON Schema.

    A definite type decides; without one (nullable, anyOf, open objects, tuples) they see the canonical JSON text.

    Source: docs/decisions/0011-cedar-plug.md.
    """
    if not isinstance(schema, Mapping):
        return ScalarShape.OPAQUE
    if schema.get(MarkKind.MONEY):
        return MoneyShape()
    kind = _definite_type(schema)
    if kind is not None and kind in _TYPES:
        return _TYPES[kind]
    if kind == "array" and "prefixItems" not in schema:
        return SetShape(shape_of(schema.get("items", True)))
    if kind == "object" and _closed(schema):
        return _record(schema)
    return ScalarShape.OPAQUE


def cedar_type(shape: Shape) -> Mapping[str, CedarJson]:
    """Write a shape as a type of Cedar's JSON schema format."""
    written: Mapping[str, CedarJson]
    match shape:
        case ScalarShape.DECIMAL | ScalarShape.DATETIME:
            written = {"type": "Extension", "name": shape.value}
        case ScalarShape():
            written = {"type": ScalarShape.STRING.value if shape is ScalarShape.OPAQUE else shape.value}
        case SetShape(element):
            written = {"type": "Set", "element": cedar_type(element)}
        case RecordShape(attributes, optional):
            typed = {name: {**cedar_type(part), "required": name not in optional} for name, part in attributes.items()}
            written = {"type": "Record", "attributes": typed}
        case EntityShape(name):
            written = {"type": "Entity", "name": name}
        case MoneyShape():
            written = cedar_type(MONEY_RECORD)
    return written


def writer_of(shape: Shape) -> Writer:
    """Build the function that writes schema-valid values of this shape for Cedar.

    It raises `policy.error` for a value that Cedar cannot hold exactly. ⚔ Omitting or rounding such a value would
    silence a `forbid` that compares it.
    """
    match shape:
        case MoneyShape():
            return _money
        case SetShape(element):
            return _set_writer(writer_of(element))
        case RecordShape(attributes, optional):
            writers = {name: writer_of(part) for name, part in attributes.items()}
            return _record_writer(writers, frozenset(attributes) - optional)
        case ScalarShape() if shape in _SCALAR_WRITERS:
            return _SCALAR_WRITERS[shape]
        case ScalarShape() | EntityShape():
            message = "params hold no entities and no times"
            raise TypeError(message)


def _definite_type(schema: Mapping[str, Json]) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    if kind is None:
        return _type_of_values(schema)
    if isinstance(kind, Sequence) and len(kind) == 1 and isinstance(kind[0], str):
        return kind[0]
    return None


def _type_of_values(schema: Mapping[str, Json]) -> str | None:
    """Return the type that all listed values share, where a schema lists values instead of naming a type."""
    listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        return None
    kinds = {type(value) for value in listed}
    return {str: "string", int: "integer", bool: "boolean"}.get(kinds.pop()) if len(kinds) == 1 else None


def _branching(schema: Mapping[str, Json]) -> bool:
    return any(word in schema for word in ("$ref", "allOf", "anyOf", "dependentSchemas", "if", "oneOf"))


def _closed(schema: Mapping[str, Json]) -> bool:
    opened = (
        schema.get("additionalProperties", False) is not False
        or schema.get("unevaluatedProperties", False) is not False
    )
    return not opened and "patternProperties" not in schema and not _branching(schema)


def _record(schema: Mapping[str, Json]) -> RecordShape:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    if not isinstance(properties, Mapping) or not isinstance(required, Sequence):
        raise Refused(Code.POLICY_INVALID, "a params schema is malformed: properties must be a table, required a list")
    for name in properties:
        if name in _RESERVED:
            raise Refused(
                Code.POLICY_INVALID,
                f"a parameter cannot be called {name!r}: Cedar reads that name as an escape; rename it",
            )
    return RecordShape(
        {name: shape_of(member) for name, member in properties.items()},
        frozenset(properties) - {str(name) for name in required},
    )


def _unfit(reason: str) -> Refused:
    return Refused(
        Code.POLICY_ERROR,
        f"a parameter {reason}",
        public=f"A parameter {reason}, so the company's policies cannot read it.",
    )


def _text(value: Json) -> CedarJson:
    if not isinstance(value, str) or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise _unfit("is not a text")
    return value


def _flag(value: Json) -> CedarJson:
    if not isinstance(value, bool):
        raise _unfit("is not true or false")
    return value


def _long(value: Json) -> CedarJson:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | Decimal)
        or not -_LONG_MOST <= value <= _LONG_MOST
        or value != int(value)
    ):
        raise _unfit("is not an integer of 64 bits")
    return int(value)


def _decimal(value: Json) -> CedarJson:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _unfit("is not a number")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > _DECIMAL_MOST:
        raise _unfit("is a number beyond 922337203685477.5807")
    written = number.quantize(_DECIMAL_PLACES)
    if written != number:
        raise _unfit("has more than four digits after the point")
    return f"{written:f}" if written else "0.0000"


def _money(value: Json) -> CedarJson:
    money = verify_money(value)
    return {"amount": _decimal(money.amount), "currency": money.currency}


def _opaque(value: Json) -> CedarJson:
    return canonical(value).decode()


_SCALAR_WRITERS: Final[Mapping[ScalarShape, Writer]] = {
    ScalarShape.BOOLEAN: _flag,
    ScalarShape.DECIMAL: _decimal,
    ScalarShape.LONG: _long,
    ScalarShape.OPAQUE: _opaque,
    ScalarShape.STRING: _text,
}


def _set_writer(write: Writer) -> Writer:
    def write_set(value: Json) -> CedarJson:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise _unfit("is not a list")
        return [write(item) for item in value]

    return write_set


def _record_writer(writers: Mapping[str, Writer], required: frozenset[str]) -> Writer:
    def write_record(value: Json) -> CedarJson:
        if not isinstance(value, (dict, Mapping)) or not required <= value.keys() <= writers.keys():
            raise _unfit("is not an object with the declared members")
        return {name: writers[name](member) for name, member in value.items()}

    return write_record


TIERS: Final = frozenset({"unproved", "known", "trusted"})
CONFIRMATION_KINDS: Final = frozenset({"none", "fresh", "preapproved"})

AGENT: Final = RecordShape(
    {"operator": EntityShape("Operator"), "tier": ScalarShape.STRING, "visitor": ScalarShape.BOOLEAN}
)
"""⚔ Policies see a visitor as an unproved agent with `visitor`: a rule for those holds for visitors, too."""
ENTITIES: Final[Mapping[str, RecordShape]] = {
    "Agent": AGENT,
    "Customer": RecordShape({}),
    "Objective": RecordShape({}),
    "Operator": RecordShape({}),
    "Task": RecordShape({}),
}
_PARENTS: Final[Mapping[str, tuple[str, ...]]] = {"Agent": ("Operator",), "Task": ("Customer", "Objective")}


@struct(frozen=True, kw_only=True)
class ActionModel:
    """One action as policies see it: its groups, its context, the writer of its params."""

    name: str
    groups: frozenset[str]
    context: RecordShape
    write_params: Writer


@struct(frozen=True, kw_only=True)
class DeskModel:
    """Names that policies of one desk can use."""

    actions: Mapping[str, ActionModel]
    groups: frozenset[str]
    vocabulary: Mapping[str, frozenset[str]]
    objectives: frozenset[str]

    def schema(self) -> Mapping[str, CedarJson]:
        """Return the whole schema in Cedar's JSON format."""
        return _schema(self.groups, self.actions.values())


def request_schema(model: ActionModel, parts: frozenset[str], params: frozenset[str] | None) -> Mapping[str, CedarJson]:
    """Return the schema of one action's requests, with only these context members and params (None: all)."""
    shapes = {name: shape for name, shape in model.context.attributes.items() if name in parts}
    whole = shapes["params"]
    if params is not None and isinstance(whole, RecordShape):
        few = {name: shape for name, shape in whole.attributes.items() if name in params}
        shapes["params"] = RecordShape(few, whole.optional & few.keys())
    return _schema(model.groups, [replace(model, context=RecordShape(shapes))])


def _schema(groups: Iterable[str], models: Iterable[ActionModel]) -> Mapping[str, CedarJson]:
    entity_types: dict[str, CedarJson] = {
        name: {"memberOfTypes": _PARENTS.get(name, ()), "shape": cedar_type(shape)} for name, shape in ENTITIES.items()
    }
    actions: dict[str, CedarJson] = {group: {} for group in sorted(groups)}
    for model in models:
        actions[model.name] = {
            "memberOf": [{"id": group} for group in sorted(model.groups)],
            "appliesTo": {"principalTypes": ["Agent"], "resourceTypes": ["Task"], "context": cedar_type(model.context)},
        }
    return {"": {"entityTypes": entity_types, "actions": actions}}


def build_model(catalogue: Catalogue) -> DeskModel:
    """Model a desk for its policies.

    Raises:
        Refused: `policy.invalid` when a parameter has a name that Cedar reserves.
    """
    actions = {name: _action_model(action) for name, action in catalogue.actions.items()}
    words: tuple[tuple[str, Iterable[str]], ...] = (("area", Area), ("effect", Effect), ("power", PowerKind))
    kinds = [f"{word}:{value}" for word, values in words for value in values]
    groups = frozenset(kinds).union(*(model.groups for model in actions.values()))
    vocabulary = {
        "context.confirmation.kind": CONFIRMATION_KINDS,
        "context.confirmed_by": frozenset({CUSTOMER, *(f"officer:{role}" for role in catalogue.roles)}),
        "context.objective": frozenset(catalogue.objectives),
        "principal.tier": TIERS,
    }
    return DeskModel(actions=actions, groups=groups, vocabulary=vocabulary, objectives=frozenset(catalogue.objectives))


def _action_model(action: Action) -> ActionModel:
    params = shape_of(action.schema)
    groups = {
        f"area:{action.area}",
        f"effect:{action.effect}",
        f"power:{action.power}",
        f"{action.name.partition('.')[0]}.*",
    }
    return ActionModel(
        name=action.name, groups=frozenset(groups), context=_context(params), write_params=writer_of(params)
    )


def _context(params: Shape) -> RecordShape:
    return RecordShape(
        {
            "confirmation": RecordShape({"kind": ScalarShape.STRING}),
            "confirmed_by": SetShape(ScalarShape.STRING),
            "objective": ScalarShape.STRING,
            "params": params,
            "records": SetShape(RecordShape({"id": ScalarShape.STRING, "kind": ScalarShape.STRING})),
            "risk": ScalarShape.LONG,
            "time": ScalarShape.DATETIME,
        }
    )
