"""Form fields for the parts of a mandate or of an ask's params that a person can remove or lower.

The use cases decide what is allowed when the form comes back; here it is only offered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.confirm.power_lines import attribute_label
from remit.domain.confirm.render_mandate import limit_text, with_part_names
from remit.domain.confirm.render_values import Names, action_label, named_value, param_title
from remit.domain.i18n import Translator
from remit.domain.param_paths import ParamPath, parse_path
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject, list_of, object_of

At: TypeAlias = tuple[str | int, ...]
_LISTS: Final = frozenset({"one_of", "subset_of"})
_CAPS: Final = frozenset({"max", "max_sum"})


@struct(frozen=True, kw_only=True)
class EditableField:
    """One part that can be lowered, at a JSON path. `kind`: money, number, count (a whole number, or none), or items.

    `bare` are the texts of items that name other records, of which the same ids may be other parts.
    """

    at: At
    kind: str
    name: str
    value: str = ""
    unit: str = ""
    items: tuple[tuple[At, str], ...] = ()
    bare: tuple[str, ...] = ()


def power_fields(wire: JsonObject, catalogue: Catalogue, names: Names) -> list[tuple[EditableField, ...]]:
    """Return the fields for each power of a mandate."""
    about = {
        kind: [str(one) for one in list_of(ids)]
        for kind, ids in object_of(object_of(wire.get("objective")).get("target")).items()
    }
    known = (with_part_names(names, about), names)
    return [
        tuple(_of_power(object_of(power), ("powers", place), catalogue, known))
        for place, power in enumerate(list_of(wire.get("powers")))
    ]


def _of_power(power: JsonObject, here: At, catalogue: Catalogue, known: tuple[Names, Names]) -> Iterator[EditableField]:
    say = catalogue.say
    may = say("May see") if power.get("power") == "receive" else say("May share with support")
    for name, title in (("actions", say("Allowed actions")), ("attributes", may)):
        values = [str(one) for one in list_of(power.get(name))]
        if len(values) > 1:
            items = tuple(((*here, name, place), _title(value, name, catalogue)) for place, value in enumerate(values))
            yield EditableField(at=(*here, name), kind="items", name=title, items=items)
    actions = [str(one) for one in list_of(power.get("actions"))]
    for path, tests in object_of(power.get("where")).items():
        called = _called(path, actions, catalogue)
        for op, value in object_of(tests).items():
            told, bare = (
                tuple(limit_text(one, path, actions, catalogue, names) for one in list_of(value)) for names in known
            )
            yield from _of_test((*here, "where", path, op), called, value, told, bare, say)
    for path, value in object_of(power.get("total")).items():
        name = say("{param} (maximum in total)", param=_called(path, actions, catalogue))
        yield from _amount((*here, "total", path), name, value)
    if power.get("power") != "represent":
        uses = power.get("uses")
        yield EditableField(
            at=(*here, "uses"), kind="count", name=say("How often, at most"), value="" if uses is None else str(uses)
        )


def _called(path: str, actions: Sequence[str], catalogue: Catalogue) -> str:
    """Return a param's title, or its name in readable form without a title in this language."""
    known = [catalogue.actions[name].schema for name in actions if name in catalogue.actions]
    titles = {param_title(schema, parse_path(path)) for schema in known}
    title = titles.pop() if len(titles) == 1 else None
    return readable_path(path) if title is None else title


def _of_test(  # one test, by its name
    at: At, name: str, value: Json, told: tuple[str, ...], bare: tuple[str, ...], say: Translator
) -> Iterator[EditableField]:
    op = str(at[-1])
    if op in _CAPS:
        yield from _amount(at, say("{param} (maximum)", param=name), value)
    elif op in _LISTS and len(told) > 1:
        items = tuple(((*at, place), one) for place, one in enumerate(told))
        yield EditableField(at=at, kind="items", name=name, items=items, bare=bare)


def param_fields(action: Action, params: JsonObject, names: Names, say: Translator) -> tuple[EditableField, ...]:
    """Return the fields of an ask's params: numbers and money go down, lists lose elements.

    None for an offer: it is accepted as recorded, or not at all.
    """
    if action.takes_offer:
        return ()

    def called(path: ParamPath, value: Json) -> str:
        return named_value(action, params, names, path, value, say)

    return tuple(_of_params(params, (), ParamPath(()), called, (_lowered(action), action.schema)))


def _lowered(action: Action) -> Callable[[ParamPath, Json], bool]:
    """Return the values that may go down: money, and numbers without another meaning."""
    fixed = {mark.path for mark in action.marks if mark.kind is not MarkKind.MONEY}
    money = {mark.path for mark in action.marked(MarkKind.MONEY)}
    return lambda path, value: path in money or (path not in fixed and _is_number(value))


def _of_params(
    value: Json,
    at: At,
    path: ParamPath,
    told: Callable[[ParamPath, Json], str],
    of: tuple[Callable[[ParamPath, Json], bool], JsonObject],
) -> Iterator[EditableField]:
    lowered, schema = of
    name = param_title(schema, path) or readable_path(
        next((step for step in reversed(path.steps) if step is not None), "")
    )
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _of_params(one, (*at, key), path.child(key), told, of)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) > 1:
            items = tuple(((*at, place), told(path.child(None), one)) for place, one in enumerate(value))
            yield EditableField(at=at, kind="items", name=name, items=items)
    elif lowered(path, value):
        yield from _amount(at, name, value)


def _amount(at: At, name: str, value: Json) -> Iterator[EditableField]:
    if isinstance(value, str):
        number, _, unit = value.partition(" ")
        if unit:
            yield EditableField(at=at, kind="money", name=name, value=number, unit=unit)
    elif _is_number(value):
        yield EditableField(
            at=at, kind="number", name=name, value=f"{value:f}" if isinstance(value, Decimal) else str(value)
        )


def readable_path(path: str) -> str:
    """Return a parameter's name in readable form."""
    words = (
        make_visible(path)
        .replace("[*]", "")
        .replace(".", " ")
        .replace("_ids", "s")
        .replace("_id", "")
        .replace("_", " ")
        .strip()
    )
    return words[:1].upper() + words[1:]


def _title(name: str, member: str, catalogue: Catalogue) -> str:
    if member == "actions":
        action = catalogue.actions.get(name)
        return action_label(action) if action is not None else make_visible(name)
    attribute = catalogue.attributes.get(name)
    if attribute is None:
        return make_visible(name)
    return attribute_label(attribute, catalogue.say)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
