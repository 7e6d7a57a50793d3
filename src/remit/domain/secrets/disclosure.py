"""What the agent may be told of a result: the allow-list cut.

Finding secrets in free text is in `secrets`; what a mandate covers is in `mandate_covering`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from remit.domain.errors import Refused
from remit.domain.text.normalize import fold_text
from remit.domain.values import Json, decode_json
from remit.proof.canonical import canonical

_DEEPEST: Final = 4
"""So many members above one are read as parts of its name."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutResult:
    """What is left of a result, and how many attributes were cut.

    `undeclared` are names the backoffice answered with that the action does not declare: never told, counted as
    withheld, and an incident when there are any.
    """

    result: Mapping[str, Json]
    withheld: int
    undeclared: tuple[str, ...] = ()

    @property
    def incident(self) -> bool:
        """Whether the desk answered something its catalogue does not declare."""
        return bool(self.undeclared)


def cut_result(
    values: Mapping[str, Json], *, returns: Collection[str], covered: Collection[str], known: Collection[str] = ()
) -> CutResult:
    """Cut a flat result to the declared attributes that the mandate covers.

    Both lists hold plain attribute names; a glob in either matches nothing but itself, so that nobody is told more
    by a name that looks like a pattern. Names compare byte for byte.

    ⚔ What a desk puts into the value of one attribute is no way around: a member there that is named as another attribute of the
    catalogue (`known`) is cut where that one would be, however the name is spelled or spread over members, and in JSON written as a text.
    ⚔ Each attribute that is cut counts once, however often it stood there: how many records have it is not told by the number.

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
"""What is told of a result that is empty, or that nothing may be told of."""


class _HiddenAttributes:
    """The attributes that are not told, by the ways in which a member may be named as one of them."""

    def __init__(self, names: Collection[str], allowed: Collection[str]) -> None:
        told = {_last(one) for one in allowed}
        self._names = {_plain(one): one for one in names}
        # A last part of several words ("birth_date") says enough by itself, unless something that is told is called so too.
        self._lasts = {_last(one): one for one in names if "." in _last(one) and _last(one) not in told}
        self.any = bool(names)

    def named(self, above: Sequence[str], name: str) -> str:
        """Which attribute a member is named as, below members of these names; "" for none."""
        plain = _plain(name)
        for at in range(len(above) + 1):
            found = self._names.get(".".join([*above[at:], plain]))
            if found is not None:
                return found
        return self._lasts.get(plain, "")


@lru_cache(maxsize=512)
def _hidden(names: frozenset[str], allowed: frozenset[str]) -> _HiddenAttributes:
    """Worked out once for a catalogue and what may be told of it: the same for every ask under a mandate."""
    return _HiddenAttributes(names, allowed)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """A name as it compares: in small letters, its words apart by dots."""
    return ".".join(_WORD.findall(_CAMEL.sub(".", fold_text(name).text).lower()))


def _last(attribute: str) -> str:
    return _plain(attribute.rpartition(".")[2])


def _without(value: Json, hidden: _HiddenAttributes, above: tuple[str, ...], cut: set[str]) -> Json:
    """A value without the members that are not told, whose attributes are added to `cut`."""
    if not hidden.any:
        return value
    if isinstance(value, str):
        return _text_without(value, hidden, above, cut) if value.lstrip()[:1] in {"{", "["} else value
    if isinstance(value, Mapping):
        left: dict[str, Json] = {}
        for name, one in value.items():
            found = hidden.named(above, name)
            if found:
                cut.add(found)
            else:
                left[name] = _without(one, hidden, (*above, _plain(name))[-_DEEPEST:], cut)
        return left
    return [_without(one, hidden, above, cut) for one in value] if isinstance(value, list | tuple) else value


def _text_without(text: str, hidden: _HiddenAttributes, above: tuple[str, ...], cut: set[str]) -> str:
    """A text that is JSON without what is not told; any other text, and one that holds nothing of it, as it is."""
    try:
        inside = decode_json(text.encode())
    except (Refused, UnicodeEncodeError):
        return text
    found: set[str] = set()
    left = _without(inside, hidden, above, found)
    cut |= found
    return canonical(left).decode() if found else text
