"""Cut of a result to the attributes that may be disclosed to the agent."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final

from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.text.normalize import fold_text
from remit.domain.values import Json, decode_json
from remit.proof.canonical import canonical

_DEEPEST: Final = 4
"""Levels above a member that are read as parts of its name."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD: Final = re.compile(r"[^\W_]+")


@struct(frozen=True, kw_only=True)
class CutResult:
    """Rest of a result, and the number of attributes cut.

    `undeclared` names were answered by the backoffice without the action declaring them: withheld, and an incident.
    """

    result: Mapping[str, Json]
    withheld: int
    undeclared: tuple[str, ...] = ()

    @property
    def incident(self) -> bool:
        """Whether the backoffice answered anything its catalogue does not declare."""
        return bool(self.undeclared)


def cut_result(
    values: Mapping[str, Json], *, returns: Collection[str], covered: Collection[str], known: Collection[str] = ()
) -> CutResult:
    """Cut a flat result to the declared attributes that the mandate covers.

    Both lists hold plain attribute names, compared byte for byte: ⚔ a glob matches only itself.

    ⚔ The value of one attribute is no way around: a member named as another attribute of the catalogue (`known`) is cut
    where that one would be, however the name is spelled, spread over members, or hidden in JSON text.
    ⚔ Each cut attribute counts once: the number does not tell how many records have it.

    Source: docs/model/model.md#reply, docs/model/peers.md#p12.
    """
    declared = frozenset(returns)
    allowed = declared & frozenset(covered)
    hidden = _hidden(frozenset(known) - allowed, allowed)
    cut = {name for name in values if name not in allowed}
    kept = {name: _without(value, hidden, (), cut) for name, value in values.items() if name in allowed}
    undeclared = tuple(sorted([name for name in values if name not in declared]))
    return CutResult(result=kept, withheld=len(cut), undeclared=undeclared)


NOTHING_CUT: Final = CutResult(result={}, withheld=0)
"""Cut of a result that is empty or wholly withheld."""


class _HiddenAttributes:
    """Withheld attributes, by the names a member may have for one of them."""

    def __init__(self, names: Collection[str], allowed: Collection[str]) -> None:
        shown = {_last(name) for name in allowed}
        self._names = {_plain(name): name for name in names}
        # A last part of several words ("birth_date") is enough, unless a disclosed attribute ends alike.
        self._lasts = {_last(name): name for name in names if "." in _last(name) and _last(name) not in shown}
        self.any = bool(names)

    def named(self, above: Sequence[str], name: str) -> str:
        """Return the attribute that a member is named as, below members of these names; "" for none."""
        plain = _plain(name)
        for at in range(len(above) + 1):
            found = self._names.get(".".join([*above[at:], plain]))
            if found is not None:
                return found
        return self._lasts.get(plain, "")


@lru_cache(maxsize=512)
def _hidden(names: frozenset[str], allowed: frozenset[str]) -> _HiddenAttributes:
    """Build the hidden attributes once per catalogue and coverage: the same for every ask under a mandate."""
    return _HiddenAttributes(names, allowed)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """Return a name as it compares: in small letters, its words separated by dots."""
    return ".".join(_WORD.findall(_CAMEL.sub(".", fold_text(name).text).lower()))


def _last(attribute: str) -> str:
    return _plain(attribute.rpartition(".")[2])


def _without(value: Json, hidden: _HiddenAttributes, above: tuple[str, ...], cut: set[str]) -> Json:
    """Return a value without withheld members; their attributes are added to `cut`."""
    if not hidden.any:
        return value
    if isinstance(value, str):
        return _text_without(value, hidden, above, cut) if value.lstrip()[:1] in {"{", "["} else value
    if isinstance(value, Mapping):
        left: dict[str, Json] = {}
        for name, member in value.items():
            if attribute := hidden.named(above, name):
                cut.add(attribute)
            else:
                left[name] = _without(member, hidden, (*above, _plain(name))[-_DEEPEST:], cut)
        return left
    return [_without(item, hidden, above, cut) for item in value] if isinstance(value, list | tuple) else value


def _text_without(text: str, hidden: _HiddenAttributes, above: tuple[str, ...], cut: set[str]) -> str:
    """Return JSON text without its withheld members; any other text unchanged."""
    try:
        inside = decode_json(text.encode())
    except (Refused, UnicodeEncodeError):
        return text
    found: set[str] = set()
    left = _without(inside, hidden, above, found)
    cut |= found
    return canonical(left).decode() if found else text
