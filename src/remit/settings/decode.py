"""Decoding of a table of `remit.toml` into a typed value by msgspec, with one shape for refused settings."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
from msgspec import inspect

from remit.domain.errors import Code, Refused
from remit.domain.text.nearest import nearest

T = TypeVar("T")
_WHERE: Final = re.compile(r" - at `(?:key` in `)?\$(?P<path>[^`]*)`\Z")
_STEP: Final = re.compile(r"\.(?P<name>\w+)|\[(?P<place>\d+|\.\.\.)\]", re.ASCII)
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of `remit.toml`: typed keys and no others."""


class InvalidSetting(Refused):
    """A wrong setting: its full key, an optional note on its place, and the problem with its cure."""

    def __init__(self, key: str, problem: str, *, note: str = "", cure: str = "") -> None:
        """Build the one line that says all of it."""
        detail = f"{key}{f' ({note})' if note else ''} {problem}"
        super().__init__(
            Code.SETTINGS_INVALID, "".join(one if one.isprintable() else _escaped(one) for one in detail), cure=cure
        )
        self.key = key
        self._problem = problem

    def set_by(self, variable: str) -> "InvalidSetting":
        """Return the same, for a value given by an environment variable."""
        return InvalidSetting(self.key, self._problem, note=f"set by {variable}", cure=self.cure)


def decode(kind: type[T], data: object, at: str = "") -> T:
    """Decode `data`, strictly, into `kind`. `at` is the key it stands under.

    Raises:
        InvalidSetting: `settings.invalid` for the first key that is wrong, unknown or missing.
    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        found = _WHERE.search(str(error))
        raise _refusal(inspect.type_info(kind), data, at, found["path"] if found else "") from None


def nth_table(number: int, of: int) -> str:
    """Return the note that tells one of several tables of a name from the others."""
    return f"table {number} of {of}" if of > 1 else ""


def _refusal(kind: inspect.Type, value: Any, key: str, path: str) -> InvalidSetting:  # noqa: ANN401  # TOML, not yet decoded
    """Find the wrong setting by the path that msgspec names."""
    kind, holder, note = _plain(kind), kind, ""
    expected = _expected(kind)
    for step in _STEP.finditer(path):
        name, place = step["name"], step["place"]
        if name and isinstance(kind, inspect.StructType):
            field = _field(kind, name)
            holder, value, key = kind, value[name], _joined(key, name)
            kind, expected = _plain(field.type), _expected(field.type)
        elif isinstance(kind, inspect.DictType) and isinstance(holder, inspect.StructType):
            name, value = _wrong_entry(holder.cls, key.rpartition(".")[2], value)
            key, expected = _joined(key, name), _expected(kind.value_type)
            kind = _plain(kind.value_type)
        elif (
            place
            and place.isdigit()
            and isinstance(kind, inspect.VarTupleType)
            and isinstance(_plain(kind.item_type), inspect.StructType)
        ):
            note = nth_table(int(place) + 1, len(value))
            value, kind = value[int(place)], _plain(kind.item_type)
        else:
            break  # one item of a list of texts: the whole list is named
    if isinstance(kind, inspect.StructType) and isinstance(value, Mapping):
        return _unknown_or_missing(kind, value, key, note)
    return InvalidSetting(key or "remit.toml", f"must be {expected}", note=note)


def _unknown_or_missing(kind: inspect.StructType, value: Mapping[Any, Any], key: str, note: str) -> InvalidSetting:
    names = [field.encode_name for field in kind.fields]
    for name in value:
        if name not in names:
            what = "is unknown" if key else "is an unknown table"
            near = nearest(str(name), names)
            cure = f"Did you mean {_joined(key, near)}? Rename it, or take it out." if near else ""
            return InvalidSetting(_joined(key, str(name)), f"{what}; known are {_listed(names)}", note=note, cure=cure)
    missing = next((field for field in kind.fields if field.required and field.encode_name not in value), None)
    if missing is None:
        return InvalidSetting(key or "remit.toml", "must be a table", note=note)
    key, of = _joined(key, missing.encode_name), _plain(missing.type)
    if isinstance(of, inspect.StructType):
        return _unknown_or_missing(of, {}, key, note)
    return InvalidSetting(key, f"is missing; write {_expected(missing.type)}", note=note)


def _wrong_entry(holder: type, name: str, entries: Mapping[Any, Any]) -> tuple[str, Any]:
    """Find the wrong entry of a free table: msgspec does not name it."""
    alone = msgspec.defstruct("Alone", [(name, get_type_hints(holder, include_extras=True)[name])])
    for key, value in entries.items():
        try:
            msgspec.convert({name: {key: value}}, alone, strict=True)
        except msgspec.ValidationError:
            return str(key), value
    return name, entries


def _expected(kind: inspect.Type) -> str:
    """Describe an expected value by its type, or the description of its type."""
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(said)}):
            expected = said
        case inspect.UnionType():
            expected = _expected(_not_none(kind))
        case inspect.IntType():
            expected = f"a whole number from {kind.ge} to {kind.le}"
        case inspect.BoolType():
            expected = "true or false"
        case inspect.LiteralType():
            expected = f"one of {', '.join(str(value) for value in kind.values)}"
        case inspect.EnumType():
            expected = f"one of {', '.join(str(one.value) for one in kind.cls)}"
        case inspect.StrType():
            expected = "a text, and not an empty one" if kind.min_length else "a text"
        case inspect.VarTupleType():
            expected = "a list of texts"
        case _:
            expected = "a table"
    return expected


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return a type without its description, and without None."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _plain(_not_none(kind))
    return kind


def _not_none(kind: inspect.UnionType) -> inspect.Type:
    return next(one for one in kind.types if not isinstance(one, inspect.NoneType))


def _field(kind: inspect.StructType, name: str) -> inspect.Field:
    return next(field for field in kind.fields if field.encode_name == name)


def _joined(key: str, name: str) -> str:
    """Join a key in TOML's own dotted form; a name that is not plain is quoted."""
    name = name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return f"{key}.{name}" if key else name


def _escaped(character: str) -> str:
    """⚔ Escape a setting's value, so that it cannot begin a line of its own."""
    return character.encode("unicode_escape").decode("ascii")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
