"""Entities of the decision point, and questions about them, in Cedar's JSON form.

An entity is written as Cedar writes it (`uid`, `attrs`, `parents`), or as AuthZEN does (`type`, `id`, `properties`) with
`parents` beside it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from remit.adapters.policy.cedar_check import policy_error
from remit.domain.decision_point.question import Entity
from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject

Uid: TypeAlias = tuple[str, str]
Cedar: TypeAlias = object
"""A value in Cedar's JSON form."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_ESCAPES: Final = frozenset({"__entity", "__expr", "__extn"})
_LONG_MOST: Final = 2**63 - 1
_PLACES: Final = Decimal("0.0001")
_DECIMAL_MOST: Final = Decimal(2**63 - 1).scaleb(-4)
_CURE: Final = 'Write each entity as {"type": …, "id": …, "properties": {…}, "parents": [{"type": …, "id": …}]}.'


class UnfitValueError(ValueError):
    """A value that Cedar cannot hold exactly."""


@struct(frozen=True, kw_only=True)
class StoredEntity:
    """A known entity: attributes in Cedar's form, and parents."""

    uid: Uid
    attrs: Mapping[str, Cedar]
    parents: tuple[Uid, ...]

    def as_json(self) -> Mapping[str, Cedar]:
        """Return it in Cedar's form."""
        return entity_json(self.uid, self.attrs, self.parents)


def entity_json(uid: Uid, attrs: Mapping[str, Cedar], parents: Iterable[Uid] = ()) -> Mapping[str, Cedar]:
    """Write an entity in Cedar's form."""
    return {"uid": uid_json(uid), "attrs": attrs, "parents": [uid_json(one) for one in parents]}


def uid_json(uid: Uid) -> Mapping[str, str]:
    """Write a reference to an entity."""
    return {"type": uid[0], "id": uid[1]}


def is_type_name(text: str) -> bool:
    """Return whether Cedar can hold an entity of this type: any other one is in no policy."""
    return _NAME.fullmatch(text) is not None


def read_entities(given: Sequence[Json]) -> Mapping[Uid, StoredEntity]:
    """Read the entities of the settings, in order.

    Raises:
        Refused: `policy.invalid` naming each wrong one.
    """
    found: dict[Uid, StoredEntity] = {}
    problems: list[str] = []
    for number, one in enumerate(given, start=1):
        try:
            entity = _read(one)
        except (ValueError, TypeError) as wrong:
            problems.append(f"entity {number}: {wrong}")
            continue
        if entity.uid in found:
            problems.append(f'entity {number}: {entity.uid[0]}::"{entity.uid[1]}" stands twice')
        found[entity.uid] = entity
    if problems:
        raise policy_error(problems, _CURE)
    return found


def _read(given: Json) -> StoredEntity:
    if not isinstance(given, Mapping):
        message = "is not an object"
        raise TypeError(message)
    parents = given.get("parents", ())
    if not isinstance(parents, Sequence) or isinstance(parents, str):
        message = "parents is not a list"
        raise TypeError(message)
    cedar = "uid" in given
    name, known = (
        ("attrs", {"uid", "attrs", "parents"}) if cedar else ("properties", {"type", "id", "properties", "parents"})
    )
    unknown = given.keys() - known
    members = given.get(name, {})
    if unknown or not isinstance(members, Mapping):
        message = f"knows no {', '.join(sorted(unknown))}" if unknown else f"{name} is not an object"
        raise ValueError(message)
    return StoredEntity(
        uid=_uid(given["uid"] if cedar else given),
        attrs=write_members(members, escapes=cedar),
        parents=tuple(map(_uid, parents)),
    )


def _uid(given: Json) -> Uid:
    if isinstance(given, Mapping) and isinstance(given.get("__entity"), Mapping):
        given = given["__entity"]
    kind = given.get("type") if isinstance(given, Mapping) else None
    name = given.get("id") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or not isinstance(name, str) or not is_type_name(kind):
        message = "has no type and id; a type is letters, digits and _ (parts joined by ::)"
        raise ValueError(message)
    return kind, name


def write_members(
    members: JsonObject, *, names: frozenset[str] | None = None, escapes: bool = False
) -> dict[str, Cedar]:
    """Write an object's members for Cedar, those with these names (None: all); null is absence.

    Raises:
        UnfitValueError: for a value that Cedar cannot hold exactly. ⚔ Left out, it would silence a `forbid`.
    """
    return {
        name: write_value(value, escapes=escapes)
        for name, value in members.items()
        if value is not None and (names is None or name in names)
    }


def write_value(value: Json, *, escapes: bool = False) -> Cedar:
    """Write one value. With `escapes`, an object may be an escape of Cedar's own, such as `__entity`.

    Raises:
        UnfitValueError: as `write_members`; for an escape in what a caller sent.
    """
    match value:
        case bool() | str():
            return value
        case int():
            if abs(value) > _LONG_MOST:
                message = "an integer is beyond 64 bits"
                raise UnfitValueError(message)
            return value
        case Decimal():
            return _decimal(value)
        case Mapping():
            if not escapes and not _ESCAPES.isdisjoint(value):
                message = "an object has a name that Cedar reads as an escape"
                raise UnfitValueError(message)
            return write_members(value, escapes=escapes)
        case None:
            message = "a list holds null"
            raise UnfitValueError(message)
        case _:
            return [write_value(one, escapes=escapes) for one in value]


def _decimal(value: Decimal) -> Cedar:
    """Write a fraction; one without a fractional part is an integer, as JSON does not tell them apart."""
    if value == value.to_integral_value() and abs(value) <= _LONG_MOST:
        return int(value)
    if abs(value) > _DECIMAL_MOST or value.quantize(_PLACES) != value:
        message = "a number has more than four digits after the point"
        raise UnfitValueError(message)
    return {"__extn": {"fn": "decimal", "arg": f"{value.quantize(_PLACES):f}"}}


def overlaid(stored: StoredEntity | None, sent: Mapping[str, Cedar]) -> Mapping[str, Cedar]:
    """Return an entity's attributes with those sent over the stored ones: the caller knows the present ones."""
    return sent if stored is None else {**stored.attrs, **sent}


def uid_of(entity: Entity) -> Uid:
    """Return the reference to a subject or resource."""
    return entity.type, entity.id


def unfit(wrong: Refused | Exception) -> str:
    """Return why a question could not be put, in one line."""
    return str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__
