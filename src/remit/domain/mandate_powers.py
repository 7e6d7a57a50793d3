"""Reading one power, or one negative, against the catalogue and the objective.

Globs in powers are expanded here; in `never` they stay open.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue import Action, Area, Catalogue, MarkKind, Objective, PowerKind
from remit.domain.ids import is_dotted
from remit.domain.mandate import Op, Power
from remit.domain.mandate_limits import read_total, read_where
from remit.domain.mandate_members import count, invalid, lines, members
from remit.domain.names import expand, is_glob, matches
from remit.domain.values import Json

MOST_USES: Final = 1_000_000
_ACTING: Final = ("actions", "where", "uses", "total")
_MEMBERS: Final[Mapping[PowerKind, tuple[str, ...]]] = {
    PowerKind.ACCEPT: _ACTING,
    PowerKind.DISCLOSE: ("attributes", "where", "uses"),
    PowerKind.RECEIVE: ("actions", "attributes", "where", "uses", "total"),
    PowerKind.REPRESENT: ("uses",),
    PowerKind.REQUEST: (*_ACTING, "preapproved"),
}
_NEGATIVE_MEMBERS: Final = ("actions", "attributes", "where")


def read_power(value: Json, where: str, catalogue: Catalogue, objective: Objective) -> Power:
    """Read one power; its globs become the names they stand for now.

    Raises:
        Refused: `mandate.invalid` naming the member.

    Source: docs/model/model.md#powers.
    """
    kind = _kind(value, where)
    found = members(value, where, required=("power",), optional=_MEMBERS[kind])
    possible = [action for name, action in catalogue.actions.items() if action.power is kind and name in objective.actions]
    actions = _granted_actions(found, where, possible) if "actions" in found else None
    attributes = _granted_attributes(found, where, catalogue) if "attributes" in found else None
    if actions is None and attributes is None and kind is not PowerKind.REPRESENT:
        raise invalid(where, f"a {kind} power names {' or '.join(one for one in _MEMBERS[kind] if one in {'actions', 'attributes'})}")
    listed = [catalogue.actions[name] for name in actions or ()]
    reached = (
        possible if kind is PowerKind.RECEIVE else [catalogue.actions[name] for name in catalogue.actions if name in objective.actions]
    )
    if "total" in found and not listed:
        raise invalid(f"{where}.total", "needs actions to count")
    power = Power(
        power=kind,
        actions=actions,
        attributes=attributes,
        where=read_where(found["where"], f"{where}.where", listed=listed, possible=reached, negative=False) if "where" in found else (),
        uses=count(found["uses"], f"{where}.uses", least=1, most=MOST_USES) if "uses" in found else None,
        totals=read_total(found["total"], f"{where}.total", listed=listed) if "total" in found else (),
        preapproved=_flag(found.get("preapproved", False), f"{where}.preapproved"),
    )
    for total in power.totals:
        if str(total.path) in catalogue.actions:
            raise invalid(f"{where}.total.{total.path}", "is also the name of an action; its counter could not be told from the action's")
    if power.preapproved:
        _verify_preapproved(power, listed, f"{where}.preapproved")
    return power


def read_negative(value: Json, where: str, catalogue: Catalogue) -> Power:
    """Read one negative. Its globs stay open, and it may be broader than the objective.

    Raises:
        Refused: `mandate.invalid` naming the member.

    Source: docs/model/model.md#never.
    """
    kind = _kind(value, where)
    allowed = tuple(one for one in _NEGATIVE_MEMBERS if one in _MEMBERS[kind])
    found = members(value, where, required=("power",), optional=allowed)
    possible = [action for action in catalogue.actions.values() if kind in {action.power, PowerKind.DISCLOSE}]
    actions = lines(found["actions"], f"{where}.actions") if "actions" in found else None
    listed: list[Action] = []
    for place, pattern in enumerate(actions or ()):
        listed += _forbidden(pattern, f"{where}.actions[{place}]", possible, kind)
    attributes = lines(found["attributes"], f"{where}.attributes") if "attributes" in found else None
    for place, pattern in enumerate(attributes or ()):
        _verify_pattern(pattern, f"{where}.attributes[{place}]", catalogue.attributes, "attribute")
    tests = read_where(found["where"], f"{where}.where", listed=listed, possible=possible, negative=True) if "where" in found else ()
    return Power(power=kind, actions=actions, attributes=attributes, where=tests)


def _kind(value: Json, where: str) -> PowerKind:
    if not isinstance(value, Mapping):
        raise invalid(where, "must be an object")
    said = value.get("power")
    for kind in PowerKind:
        if said == kind.value:
            return kind
    raise invalid(f"{where}.power", f"must be one of {', '.join(PowerKind)}")


def _flag(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(where, "must be true or false")
    return value


def _granted_actions(found: Mapping[str, Json], where: str, possible: Sequence[Action]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    known = [action.name for action in possible]
    for place, pattern in enumerate(lines(found["actions"], f"{where}.actions")):
        meant = expand(pattern, known) if is_glob(pattern) else expand(pattern, known) if is_dotted(pattern) else ()
        if not meant:
            raise invalid(f"{where}.actions[{place}]", f"no action {pattern[:80]!r} of this objective takes that power")
        names.update(dict.fromkeys(meant))
    return tuple(names)


def _granted_attributes(found: Mapping[str, Json], where: str, catalogue: Catalogue) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for place, pattern in enumerate(lines(found["attributes"], f"{where}.attributes")):
        meant = expand(pattern, catalogue.attributes) if is_glob(pattern) or is_dotted(pattern) else ()
        if not meant:
            raise invalid(f"{where}.attributes[{place}]", f"this desk has no attribute {pattern[:80]!r}")
        names.update(dict.fromkeys(meant))
    return tuple(names)


def _forbidden(pattern: str, where: str, possible: Sequence[Action], kind: PowerKind) -> list[Action]:
    """The actions a negative names today."""
    meant = [action for action in possible if matches(pattern, action.name)]
    if not meant and not is_glob(pattern):
        raise invalid(where, f"this desk has no action {pattern[:80]!r} to {kind}")
    return meant


def _verify_pattern(pattern: str, where: str, known: Mapping[str, object], what: str) -> None:
    if not is_glob(pattern) and pattern not in known:
        raise invalid(where, f"this desk has no {what} {pattern[:80]!r}")


def _verify_preapproved(power: Power, listed: Sequence[Action], where: str) -> None:
    """Check that a yes given in advance is a yes to exactly one act.

    Raises:
        Refused: `mandate.invalid`.

    Source: docs/model/model.md#pre-approval.
    """
    if power.uses != 1:
        raise invalid(where, "needs uses: 1")
    fixed = {str(test.path) for test in power.where if test.op is Op.EQUALS}
    for action in listed:
        if action.area in {Area.IDENTITY, Area.SECURITY}:
            raise invalid(where, f"{action.name} changes {action.area} settings and cannot be approved in advance")
        if action.marked(MarkKind.FREE_TEXT):
            raise invalid(where, f"{action.name} takes free text and cannot be approved in advance")
        properties = action.schema.get("properties", {})
        open_params = [name for name in properties if name not in fixed] if isinstance(properties, Mapping) else []
        if open_params:
            raise invalid(where, f"needs an equals test on {', '.join(open_params[:5])}")
