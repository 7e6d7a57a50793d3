"""The class decorator behind `remit.domain.structs`: frozen values, written like dataclasses, made as msgspec Structs.

The one module of the domain that imports more than the standard library (docs/decisions/0060).
"""

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from types import new_class
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

T = TypeVar("T")

_OF_THE_PLAIN_CLASS: Final = frozenset({"__dict__", "__weakref__", "__annotations_cache__"})


def struct(
    *, frozen: Literal[True], kw_only: bool = False, order: bool = False, eq: bool = True
) -> Callable[[type[T]], type[T]]:
    """Return the decorator that makes a class of frozen values: built, compared, hashed and copied by msgspec, in C.

    It reads the text of a dataclass, with `field(default_factory=…)` and `field(repr=False)`. The functions of
    `dataclasses` (`fields`, `asdict`, `replace`) take such a value like one of a dataclass.

    Raises:
        TypeError: for a member with `init=False`, `compare=False`, or a `hash` or `kw_only` of its own.
    """
    options = {"frozen": frozen, "kw_only": kw_only, "order": order, "eq": eq}

    def made(plain: type[T]) -> type[T]:
        members = {name: value for name, value in vars(plain).items() if name not in _OF_THE_PLAIN_CLASS}
        own = {name: value for name, value in members.items() if isinstance(value, dataclasses.Field)}
        for name, given in own.items():
            if not given.init or not given.compare or given.hash is not None or given.kw_only is True:
                raise TypeError(f"{plain.__qualname__}.{name}: not a member of a struct; keep the class a dataclass")
            if given.default_factory is not dataclasses.MISSING:
                members[name] = msgspec.field(default_factory=given.default_factory)
            elif given.default is not dataclasses.MISSING:
                members[name] = given.default
            else:
                del members[name]
        hidden = frozenset({name for name, given in own.items() if not given.repr})
        if hidden:
            members = {**_representations(hidden), **members}
        members["__qualname__"] = plain.__qualname__
        members["__dataclass_fields__"] = _Fields()
        members["__dataclass_params__"] = _PLAIN
        bases = tuple(base for base in plain.__bases__ if base is not object)
        kind = new_class(plain.__name__, (msgspec.Struct, *bases), options, lambda space: space.update(members))
        return cast("type[T]", kind)

    return made


def replace(value: T, /, **changes: object) -> T:
    """Return a copy with members changed, of a struct or of a dataclass.

    Raises:
        TypeError: for an unknown member.
    """
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return cast("T", dataclasses.replace(cast("Any", value), **changes))


def _representations(hidden: Collection[str]) -> Mapping[str, object]:
    """Return methods that show a value without its hidden members: for `repr`, and for rich, which msgspec serves too."""

    def shown(self: msgspec.Struct) -> Iterator[tuple[str, object]]:
        return ((name, getattr(self, name)) for name in self.__struct_fields__ if name not in hidden)

    def written(self: msgspec.Struct) -> str:
        return f"{type(self).__qualname__}({', '.join([f'{name}={value!r}' for name, value in shown(self)])})"

    return {"__repr__": written, "__rich_repr__": shown}


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Plain:
    """A dataclass that has no method of `dataclasses`."""


_PLAIN: Final = vars(_Plain)["__dataclass_params__"]
"""Says to `pprint` and the like that no method of a struct comes from `dataclasses`."""


class _Fields:
    """The members of a struct as `dataclasses` describes them, names and types, made on first use to import fast."""

    def __init__(self) -> None:
        self._made: Mapping[str, object] = {}

    def __get__(self, _: object, owner: type[msgspec.Struct]) -> Mapping[str, object]:
        if not self._made:
            types = inspect.get_annotations(owner)
            members = [(name, types[name]) for name in owner.__struct_fields__]
            made = dataclasses.make_dataclass(owner.__name__, members, init=False, repr=False, eq=False)
            self._made = vars(made)["__dataclass_fields__"]
        return self._made
