"""Reading a mandate against the catalogue. Globs in powers are expanded here; in `never` they stay open."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Area, Catalogue, MarkKind, Objective, PowerKind
from remit.domain.errors import Refused
from remit.domain.ids import expand_pattern, is_glob, is_pattern, is_word, matches
from remit.domain.mandate.model import ConditionOp, Mandate, MandateObjective, Power
from remit.domain.mandate.parse_where import (
    bounded_array,
    closed_object,
    mandate_error,
    read_total,
    read_where,
    text_list,
    text_value,
    whole_number,
)
from remit.domain.secrets.find import find_secrets, redact
from remit.domain.values import Instant, Json, JsonObject, instant_text, verify_instant

MAX_USES: Final = 1_000_000
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
    """Read one power; its globs become the names they match now.

    Raises:
        Refused: `mandate.invalid` naming the member.

    Source: docs/model/model.md#powers.
    """
    kind = _kind(value, where)
    found = closed_object(value, where, required=("power",), optional=_MEMBERS[kind])
    inside = [action for name, action in catalogue.actions.items() if name in objective.actions]
    possible = [action for action in inside if action.power is kind]
    actions = _granted_actions(found, where, possible) if "actions" in found else None
    attributes = _granted_attributes(found, where, catalogue) if "attributes" in found else None
    if actions is None and attributes is None and kind is not PowerKind.REPRESENT:
        naming = " or ".join(member for member in _MEMBERS[kind] if member in {"actions", "attributes"})
        raise mandate_error(where, f"a {kind} power names {naming}")
    listed = [catalogue.actions[name] for name in actions or ()]
    reached = possible if kind is PowerKind.RECEIVE else inside
    if "total" in found and not listed:
        raise mandate_error(f"{where}.total", "needs actions to count")
    tests = found.get("where")
    power = Power(
        power=kind,
        actions=actions,
        attributes=attributes,
        where=read_where(tests, f"{where}.where", listed=listed, possible=reached, negative=False)
        if "where" in found
        else (),
        uses=whole_number(found["uses"], f"{where}.uses", least=1, most=MAX_USES) if "uses" in found else None,
        totals=read_total(found["total"], f"{where}.total", listed=listed) if "total" in found else (),
        preapproved=_flag(found.get("preapproved", False), f"{where}.preapproved"),
    )
    for total in power.totals:
        if str(total.path) in catalogue.actions:
            raise mandate_error(
                f"{where}.total.{total.path}",
                "is also the name of an action; its counter could not be distinguished from the action's",
            )
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
    allowed = tuple(member for member in _NEGATIVE_MEMBERS if member in _MEMBERS[kind])
    found = closed_object(value, where, required=("power",), optional=allowed)
    possible = [action for action in catalogue.actions.values() if kind in {action.power, PowerKind.DISCLOSE}]
    actions = text_list(found["actions"], f"{where}.actions") if "actions" in found else None
    listed: list[Action] = []
    for place, pattern in enumerate(actions or ()):
        listed += _forbidden(pattern, f"{where}.actions[{place}]", possible, kind)
    attributes = text_list(found["attributes"], f"{where}.attributes") if "attributes" in found else None
    for place, pattern in enumerate(attributes or ()):
        _verify_pattern(pattern, f"{where}.attributes[{place}]", catalogue.attributes, "attribute")
    tests = (
        read_where(found["where"], f"{where}.where", listed=listed, possible=possible, negative=True)
        if "where" in found
        else ()
    )
    return Power(power=kind, actions=actions, attributes=attributes, where=tests)


def _kind(value: Json, where: str) -> PowerKind:
    if not isinstance(value, Mapping):
        raise mandate_error(where, "must be an object")
    name = value.get("power")
    for kind in PowerKind:
        if name == kind.value:
            return kind
    raise mandate_error(f"{where}.power", f"must be one of {', '.join(PowerKind)}")


def _flag(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise mandate_error(where, "must be true or false")
    return value


def _granted_actions(found: Mapping[str, Json], where: str, possible: Sequence[Action]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    known = [action.name for action in possible]
    for place, pattern in enumerate(text_list(found["actions"], f"{where}.actions")):
        meant = expand_pattern(pattern, known) if is_pattern(pattern) else ()
        if not meant:
            problem = f"no action {pattern[:80]!r} of this objective takes that power"
            raise mandate_error(f"{where}.actions[{place}]", problem)
        names.update(dict.fromkeys(meant))
    return tuple(names)


def _granted_attributes(found: Mapping[str, Json], where: str, catalogue: Catalogue) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for place, pattern in enumerate(text_list(found["attributes"], f"{where}.attributes")):
        meant = expand_pattern(pattern, catalogue.attributes) if is_pattern(pattern) else ()
        if not meant:
            raise mandate_error(f"{where}.attributes[{place}]", f"there is no attribute {pattern[:80]!r}")
        names.update(dict.fromkeys(meant))
    return tuple(names)


def _forbidden(pattern: str, where: str, possible: Sequence[Action], kind: PowerKind) -> list[Action]:
    """Return the actions a negative names today."""
    meant = [action for action in possible if matches(pattern, action.name)]
    if not meant and not is_glob(pattern):
        raise mandate_error(where, f"there is no action {pattern[:80]!r} to {kind}")
    return meant


def _verify_pattern(pattern: str, where: str, known: Mapping[str, object], what: str) -> None:
    if not is_glob(pattern) and pattern not in known:
        raise mandate_error(where, f"there is no {what} {pattern[:80]!r}")


def _verify_preapproved(power: Power, listed: Sequence[Action], where: str) -> None:
    """Verify that an advance approval approves exactly one act.

    Raises:
        Refused: `mandate.invalid`.

    Source: docs/model/model.md#pre-approval.
    """
    if power.uses != 1:
        raise mandate_error(where, "needs uses: 1")
    fixed = {str(test.path) for test in power.where if test.op is ConditionOp.EQUALS}
    for action in listed:
        if action.area in {Area.IDENTITY, Area.SECURITY}:
            problem = f"{action.name} changes {action.area} settings and cannot be approved in advance"
            raise mandate_error(where, problem)
        if action.marked(MarkKind.FREE_TEXT):
            raise mandate_error(where, f"{action.name} takes free text and cannot be approved in advance")
        properties = action.schema.get("properties", {})
        open_params = [name for name in properties if name not in fixed] if isinstance(properties, Mapping) else []
        if open_params:
            raise mandate_error(where, f"needs an equals test on {', '.join(open_params[:5])}")


TYPE: Final = "remit_mandate"
DEFAULT_LIFE_MS: Final = 7 * 24 * 3600 * 1000
MAX_CHAIN: Final = 5
"""The longest chain of a mandate; a token names at most five actors anyway (docs/decisions/0018-five-actors.md)."""
MAX_POWERS: Final = 64
MAX_TASKS: Final = 1000
MAX_SUMMARY_LENGTH: Final = 500
_REQUIRED: Final = ("type", "objective", "powers")
_OPTIONAL: Final = ("never", "expires_at", "max_tasks", "chain", "chain_operators")


def read_mandate(wire: Json, catalogue: Catalogue, *, now: Instant) -> Mandate:
    """Read a `remit_mandate` object: closed, bounded, every name known, every test fitting its parameter.

    Raises:
        Refused: `mandate.invalid` naming the member, or `objective.unknown`.

    Source: docs/model/model.md#mandate; RFC 9396 §2.
    """
    found = closed_object(wire, "mandate", required=_REQUIRED, optional=_OPTIONAL)
    if found["type"] != TYPE:
        raise mandate_error("type", f"must be {TYPE}")
    purpose, objective = _purpose(found["objective"], catalogue)
    chain = whole_number(found.get("chain", 0), "chain", least=0, most=MAX_CHAIN)
    operators = text_list(found["chain_operators"], "chain_operators") if "chain_operators" in found else ()
    if operators and not chain:
        raise mandate_error("chain_operators", "names operators, but chain is 0")
    return Mandate(
        objective=purpose,
        powers=tuple(
            read_power(power, f"powers[{place}]", catalogue, objective)
            for place, power in enumerate(bounded_array(found["powers"], "powers", most=MAX_POWERS))
        ),
        never=tuple(
            read_negative(power, f"never[{place}]", catalogue)
            for place, power in enumerate(bounded_array(found.get("never", []), "never", least=0, most=MAX_POWERS))
        ),
        expires_at=_expiry(found["expires_at"], now) if "expires_at" in found else Instant(now + DEFAULT_LIFE_MS),
        max_tasks=whole_number(found.get("max_tasks", 1), "max_tasks", least=1, most=MAX_TASKS),
        chain=chain,
        chain_operators=operators,
    )


def _purpose(value: Json, catalogue: Catalogue) -> tuple[MandateObjective, Objective]:
    found = closed_object(value, "objective", required=("type",), optional=("target", "summary"))
    name = text_value(found["type"], "objective.type")
    objective = catalogue.objective(name if is_word(name) else "")
    summary = found.get("summary", "")
    if not isinstance(summary, str) or len(summary) > MAX_SUMMARY_LENGTH:
        raise mandate_error("objective.summary", f"must be a text of at most {MAX_SUMMARY_LENGTH} characters")
    # ⚔ Shown to people and signed for good, so it must hold no secret; redacting it changes no authority.
    summary = redact(summary, find_secrets(summary))[:MAX_SUMMARY_LENGTH]
    return MandateObjective(type=name, target=_target(found, objective), summary=summary), objective


def _target(found: JsonObject, objective: Objective) -> Mapping[str, tuple[str, ...]]:
    """Return the mandate's records: required exactly when the objective names a kind."""
    if objective.target is None:
        if "target" in found:
            raise mandate_error("objective.target", f"{objective.name} has no target")
        return {}
    if "target" not in found:
        raise mandate_error("objective.target", f"{objective.name} needs the {objective.target} it is about")
    target = closed_object(found["target"], "objective.target", required=(objective.target,))
    return {objective.target: text_list(target[objective.target], f"objective.target.{objective.target}")}


def _expiry(value: Json, now: Instant) -> Instant:
    try:
        expires_at = verify_instant(value, where="expires_at")
    except Refused as refused:
        raise mandate_error("expires_at", "must be an RFC 3339 time") from refused
    if expires_at <= now:
        raise mandate_error("expires_at", "is not in the future")
    return expires_at


def wire_mandate(mandate: Mandate) -> JsonObject:
    """Write the mandate as a `remit_mandate` object, defaults and expanded globs spelled out; reading reverses it."""
    purpose: dict[str, Json] = {"type": mandate.objective.type, "summary": mandate.objective.summary}
    if mandate.objective.target:
        purpose["target"] = {kind: list(ids) for kind, ids in mandate.objective.target.items()}
    wire: dict[str, Json] = {
        "type": TYPE,
        "objective": purpose,
        "powers": [_wire_power(power) for power in mandate.powers],
        "never": [_wire_power(power) for power in mandate.never],
        "expires_at": instant_text(mandate.expires_at),
        "max_tasks": mandate.max_tasks,
        "chain": mandate.chain,
    }
    if mandate.chain_operators:
        wire["chain_operators"] = list(mandate.chain_operators)
    return wire


def _wire_power(power: Power) -> JsonObject:
    wire: dict[str, Json] = {"power": power.power.value}
    if power.actions is not None:
        wire["actions"] = list(power.actions)
    if power.attributes is not None:
        wire["attributes"] = list(power.attributes)
    if power.where:
        where: dict[str, dict[str, Json]] = {}
        for test in power.where:
            where.setdefault(str(test.path), {})[test.op.value] = test.value
        wire["where"] = where
    if power.uses is not None:
        wire["uses"] = power.uses
    if power.totals:
        wire["total"] = {str(total.path): total.limit for total in power.totals}
    if power.preapproved:
        wire["preapproved"] = True
    return wire
