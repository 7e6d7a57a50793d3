"""Change functions that are imported already to what a changed source would have made of them. For `mutations.py`.

Only what happens inside functions can be changed this way. What a module does when it is imported (its constants, decorators, defaults,
annotations, bodies of classes) cannot: the caller then has to import the changed source in a process that has not.
"""

import gc
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Final

Key = tuple[object, ...]
Place = tuple[str, str, int]
"""Where a function stands: file, qualified name, first line."""
Made = dict[Place, list[FunctionType]]
_FUNCTION: Final = inspect.CO_OPTIMIZED


class NotSwappable(Exception):  # noqa: N818  # an answer, no error
    """The change is more than one inside functions that are there once imported."""


def functions_made() -> Made:
    """Every function there is, by file, qualified name and first line. Not those that `gc.freeze` hid before."""
    made: Made = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            made.setdefault(place_of(one.__code__), []).append(one)
    return made


def place_of(code: CodeType) -> Place:
    """Where a function stands, by its code."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def swap(path: str, before: str, after: str, made: Made) -> set[Place]:
    """Give the functions of a module the code of its changed source. Returns where those stand that were changed.

    Args:
        path: the file as the imported module names it.
        before: the source that was imported.
        after: the changed source.
        made: the functions there are.

    Raises:
        NotSwappable: nothing was changed.
    """
    pairs = list(_differing(compile(before, path, "exec"), compile(after, path, "exec")))
    swaps: list[tuple[FunctionType, CodeType]] = []
    changed: set[Place] = set()
    for old, new in pairs:
        if old.co_freevars != new.co_freevars:
            raise NotSwappable(old.co_qualname)
        found = made.get((path, old.co_qualname, old.co_firstlineno), [])
        # What it had made itself by now, as a decorator does, has the old code and would keep it.
        if not found or any((path, inner.co_qualname, inner.co_firstlineno) in made for inner in _within(old)):
            raise NotSwappable(old.co_qualname)
        swaps += [(one, new) for one in found]
        changed.add((path, old.co_qualname, old.co_firstlineno))
    if not swaps:
        raise NotSwappable("nothing differs")
    for one, new in swaps:
        one.__code__ = new
    return changed


def _differing(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions that differ between two versions of a module or of a class body."""
    if _key(old, inside=False) != _key(new, inside=False):
        raise NotSwappable(old.co_qualname)
    for one, other in zip(_codes(old), _codes(new), strict=True):
        if _key(one) == _key(other):
            continue
        if not one.co_flags & _FUNCTION:
            yield from _differing(one, other)
        elif one.co_name.startswith("<") and one.co_name != "<lambda>":
            raise NotSwappable(one.co_qualname)  # a comprehension at the module's level, which has run
        else:
            yield one, other


def _codes(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _within(code: CodeType) -> Iterator[CodeType]:
    for one in _codes(code):
        yield one
        yield from _within(one)


def _key(code: CodeType, *, inside: bool = True) -> Key:
    """What a code does, without where it stands; not `inside`: without what the functions and classes in it do."""
    consts = [
        ((_key(one) if inside else ("code", one.co_qualname, one.co_flags)) if isinstance(one, CodeType) else (type(one), repr(one)))
        for one in code.co_consts
    ]
    signature = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_qualname, signature, code.co_code, names, code.co_exceptiontable, *consts)
