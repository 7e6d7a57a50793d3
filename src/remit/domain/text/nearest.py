"""The nearest known name to a mistyped one."""

import difflib
from collections.abc import Iterable
from typing import Final

_NEAR: Final = 0.6
_LONGEST: Final = 80


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like a mistyped one; "" where none is near."""
    if len(name) > _LONGEST:
        return ""
    names = sorted(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=_NEAR)
    if not found:
        lowered = {one.lower(): one for one in names}
        found = [lowered[one] for one in difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=_NEAR)]
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remark that names the nearest known name, to stand after a mistyped one; "" where none is near."""
    found = nearest(name, known)
    return f" (did you mean {found}?)" if found else ""
