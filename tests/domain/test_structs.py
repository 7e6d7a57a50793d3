"""Frozen values: what they take from dataclasses' text, what they keep out of a repr, and how they are copied."""

import ast
import copy
import dataclasses
import pprint
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import ClassVar, Generic, TypeVar

import msgspec
import pytest

from architecture.sources import Module, modules
from remit.domain.structs import replace, struct

T = TypeVar("T")


@struct(frozen=True, kw_only=True)
class Key:
    KIND: ClassVar[str] = "key"
    name: str
    secret: str = field(repr=False)
    uses: Mapping[str, int] = field(default_factory=dict)
    label: str = field(default="none", repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a key has a name")

    @property
    def shown(self) -> str:
        return f"{self.KIND} {self.name}"


@struct(frozen=True)
class Pair(Generic[T]):
    left: T
    right: T


@struct(frozen=True, order=True)
class Level:
    number: int


@struct(frozen=True, eq=False)
class Handle:
    number: int


KEY = Key(name="k", secret="s3cret")


def test_it_is_a_struct_with_the_members_defaults_and_methods_of_its_class() -> None:
    assert isinstance(KEY, msgspec.Struct)
    assert (Key.__name__, Key.__qualname__, Key.__module__) == ("Key", "Key", __name__)
    assert (KEY.name, KEY.uses, KEY.label, KEY.shown) == ("k", {}, "none", "key k")
    assert KEY.uses is not Key(name="k", secret="s3cret").uses


def test_what_it_hides_stands_in_no_text_made_of_it() -> None:
    """⚔ A secret in a log line or a traceback is a secret given away."""
    assert repr(KEY) == str(KEY) == pprint.pformat(KEY) == "Key(name='k', uses={})"
    assert repr([Pair(KEY, KEY)]) == "[Pair(left=Key(name='k', uses={}), right=Key(name='k', uses={}))]"
    assert dict(KEY.__rich_repr__()) == {"name": "k", "uses": {}}  # type: ignore[attr-defined]  # rich asks for it


def test_no_member_is_set_added_or_taken_away() -> None:
    for name in ("name", "secret", "other"):
        with pytest.raises(AttributeError):
            setattr(KEY, name, "x")
    with pytest.raises(AttributeError):
        del KEY.name  # type: ignore[misc]  # it is frozen for type checkers too


def test_a_copy_has_the_members_given_and_is_checked_like_a_new_value() -> None:
    assert replace(KEY, name="other") == Key(name="other", secret="s3cret") != KEY
    assert copy.deepcopy(KEY) == KEY
    for change in (replace, dataclasses.replace):
        with pytest.raises(ValueError, match="a key has a name"):
            change(KEY, name="")
        with pytest.raises(TypeError):
            change(KEY, no_such_member="x")  # type: ignore[call-arg]  # that is what is tried


def test_values_are_equal_and_hash_by_their_members_within_one_class() -> None:
    assert Pair(1, 2) == Pair(1, 2) != Pair(2, 1)
    assert len({Pair(1, 2), Pair(1, 2), Pair(2, 1)}) == 2
    assert Level(1) < Level(2)
    assert Level(1) != Handle(1) != Handle(1)
    assert Level(1) != Pair(1, 1)
    with pytest.raises(TypeError):
        hash(KEY)  # it holds a dict
    with pytest.raises(TypeError):
        assert Pair(1, 1) < Pair(1, 2)  # type: ignore[operator]  # it has no order


def test_positional_members_match_by_their_place() -> None:
    match Pair("a", "b"):
        case Pair(left, "b"):
            assert left == "a"
        case _:
            pytest.fail("it matches")
    assert Key.__match_args__ == ()
    with pytest.raises(TypeError):
        Key("k", "s")  # type: ignore[misc]  # its members have names


def test_dataclasses_own_functions_take_it() -> None:
    assert is_dataclass(KEY)
    assert is_dataclass(Key)
    assert [one.name for one in fields(Key)] == ["name", "secret", "uses", "label"]
    assert asdict(Pair(KEY, KEY))["left"] == {"name": "k", "secret": "s3cret", "uses": {}, "label": "none"}
    assert dataclasses.replace(KEY, name="other") == replace(KEY, name="other")


def test_a_dataclass_is_copied_too() -> None:
    @dataclass(frozen=True)
    class Plain:
        number: int

    assert replace(Plain(1), number=2) == Plain(2)


@pytest.mark.parametrize("given", [{"init": False}, {"compare": False}, {"hash": False}, {"kw_only": True}])
def test_a_member_that_a_struct_cannot_have_stops_the_start(given: dict[str, bool]) -> None:
    with pytest.raises(TypeError, match="number"):

        @struct(frozen=True)
        class Odd:
            number: int = field(default=1, **given)  # type: ignore[call-overload]  # that is what is tried


STAY = {"Action", "AskScope", "Condition", "McpDoor", "Obfuscation", "Rendering", "Waiver"}
"""Frozen dataclasses with members outside `__init__` or comparison."""
ROOMS = {"adapters", "cli", "domain", "engine", "entrypoints", "ports", "settings", "usecases", "wiring"}


def frozen_dataclasses(one: Module) -> set[str]:
    return {
        node.name
        for node in ast.walk(one.tree)
        if isinstance(node, ast.ClassDef)
        and any(
            ast.unparse(decorator).startswith("dataclass(") and "frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list
        )
    }


def test_every_frozen_value_is_a_struct_but_those_that_cannot_be() -> None:
    assert {name for one in modules() if one.room in ROOMS for name in frozen_dataclasses(one)} == STAY
