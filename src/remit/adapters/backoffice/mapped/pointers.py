"""JSON pointers: reading a value out of an answer, and writing one into a body.

Source: RFC 6901.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from remit.domain.values import is_list

_FORBIDDEN: Final = frozenset({"__proto__", "constructor", "prototype"})
"""⚔ Names that make a JavaScript system change its own objects when it merges a body."""
_DEPTH: Final = 10
EACH: Final = "*"


class PointerError(ValueError):
    """A pointer that cannot be used."""


def steps_of(pointer: str) -> tuple[str, ...]:
    """Return the steps of a pointer; none for "", the whole.

    Raises:
        PointerError: for any other text.
    """
    if pointer == "":
        return ()
    steps = pointer.split("/")
    if steps[0] or len(steps) > _DEPTH + 1:
        message = f"{pointer!r} is no JSON pointer: it begins with / and has at most {_DEPTH} steps"
        raise PointerError(message)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps[1:])


def verify_writable(pointer: str) -> None:
    """Verify that a value may be written there.

    Raises:
        PointerError: for the whole body, a list, or a name that changes objects of JavaScript.
    """
    steps = steps_of(pointer)
    if not steps or any(step in _FORBIDDEN or step == "-" or not step for step in steps):
        message = f"{pointer!r} is no place that a body can have a value at"
        raise PointerError(message)


def find(node: object, pointer: str) -> object:
    """Return the value at a pointer, None where there is none. Members of tables and places of lists, nothing else."""
    for step in steps_of(pointer):
        node = _at(node, step)
    return node


def find_each(node: object, pointer: str) -> list[object] | None:
    """Return the values at a pointer in which `*` stands for each place of a list, None for a pointer without one."""
    steps = steps_of(pointer)
    if EACH not in steps:
        return None
    found = [node]
    for step in steps:
        if step == EACH:
            found = [inner for one in found if is_list(one) for inner in one]
        else:
            found = [inner for one in found if (inner := _at(one, step)) is not None]
    return found


def _at(node: object, step: str) -> object:
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, list) and step.isascii() and step.isdigit() and str(int(step)) == step:
        return node[int(step)] if int(step) < len(node) else None
    return None


def put(body: dict[str, object], pointer: str, value: object) -> None:
    """Write a value into a body, making tables and lists on the way; a number is a place of a list.

    Raises:
        PointerError: for a place inside a value that is neither, a place of a list behind its next one, or a value
            with a forbidden name in it.
    """
    verify_writable(pointer)
    verify_harmless(value)
    steps = steps_of(pointer)
    node: object = body
    for step, following in pairwise(steps):
        node = _entered(node, step, [] if following.isdecimal() else {}, pointer)
    if isinstance(node, dict):
        node[steps[-1]] = value
    elif isinstance(node, list) and steps[-1] == str(len(node)):
        node.append(value)
    else:
        raise _unwritable(pointer)


def _entered(node: object, step: str, missing: object, pointer: str) -> object:
    """Return the value at one step, put there where it is missing."""
    if isinstance(node, dict):
        return node.setdefault(step, missing)
    if isinstance(node, list) and step == str(len(node)):
        node.append(missing)
        return missing
    found = _at(node, step)
    if found is None:
        raise _unwritable(pointer)
    return found


def _unwritable(pointer: str) -> PointerError:
    return PointerError(f"{pointer!r} leads through a value that is no table, or past the end of a list")


def verify_harmless(value: object) -> None:
    """Verify that no table in a value has a name that changes objects of JavaScript.

    Raises:
        PointerError: for one that has.
    """
    if isinstance(value, Mapping):
        if _FORBIDDEN & value.keys():
            message = "a value has a member that no system may be sent"
            raise PointerError(message)
        for one in value.values():
            verify_harmless(one)
    elif is_list(value):
        for one in value:
            verify_harmless(one)
