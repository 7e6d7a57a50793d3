"""The Cedar schema of one desk, generated from its catalogue: who asks, what is asked for, what a rule may look at.

Shapes of single params are in `cedar_shapes`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.adapters.policy.cedar_shapes import CedarJson, EntityOf, Record, Scalar, SetOf, Shape, Writer, cedar_type, shape_of, writer_of
from remit.domain.catalogue import CUSTOMER, Action, Area, Catalogue, Effect, PowerKind

TIERS: Final = frozenset({"unproved", "known", "trusted"})
CONFIRMATION_KINDS: Final = frozenset({"none", "fresh", "preapproved"})

AGENT: Final = Record({"operator": EntityOf("Operator"), "tier": Scalar.STRING})
ENTITIES: Final[Mapping[str, Record]] = {
    "Agent": AGENT,
    "Customer": Record({}),
    "Objective": Record({}),
    "Operator": Record({}),
    "Task": Record({}),
}
_PARENTS: Final[Mapping[str, tuple[str, ...]]] = {"Agent": ("Operator",), "Task": ("Customer", "Objective")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionModel:
    """One action as policies see it: the groups it is in, the context it brings, the writer of its params."""

    name: str
    groups: frozenset[str]
    context: Record
    write_params: Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskModel:
    """Everything policies of one desk can name."""

    actions: Mapping[str, ActionModel]
    groups: frozenset[str]
    vocabulary: Mapping[str, frozenset[str]]
    objectives: frozenset[str]

    def schema(self) -> Mapping[str, CedarJson]:
        """The whole schema in Cedar's JSON format."""
        return _schema(self.groups, self.actions.values())


def request_schema(model: ActionModel, parts: frozenset[str], params: frozenset[str] | None) -> Mapping[str, CedarJson]:
    """The schema of one action's requests, with only these members of the context and of the params (None: all)."""
    shapes = {name: shape for name, shape in model.context.attributes.items() if name in parts}
    whole = shapes["params"]
    if params is not None and isinstance(whole, Record):
        few = {name: shape for name, shape in whole.attributes.items() if name in params}
        shapes["params"] = Record(few, whole.optional & few.keys())
    return _schema(model.groups, [replace(model, context=Record(shapes))])


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


def model_of(catalogue: Catalogue) -> DeskModel:
    """Model a desk for its policies.

    Raises:
        Refused: `policy.invalid` when a parameter has a name Cedar keeps for itself.
    """
    actions = {name: _action_model(action) for name, action in catalogue.actions.items()}
    kinds = [f"{word}:{one}" for word, values in (("area", Area), ("effect", Effect), ("power", PowerKind)) for one in values]
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
    return ActionModel(name=action.name, groups=frozenset(groups), context=_context(params), write_params=writer_of(params))


def _context(params: Shape) -> Record:
    return Record(
        {
            "confirmation": Record({"kind": Scalar.STRING}),
            "confirmed_by": SetOf(Scalar.STRING),
            "objective": Scalar.STRING,
            "params": params,
            "records": SetOf(Record({"id": Scalar.STRING, "kind": Scalar.STRING})),
            "risk": Scalar.LONG,
            "time": Scalar.DATETIME,
        }
    )
