"""What the agent may be told of a result: the allow-list cut.

Finding secrets in free text is in `secrets`; what a mandate covers is in `mandate_covering`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from remit.domain.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
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


def cut_result(values: Mapping[str, Json], *, returns: Collection[str], covered: Collection[str], known: Collection[str] = ()) -> Cut:
    """Cut a flat result to the declared attributes that the mandate covers.

    Both lists hold plain attribute names; a glob in either matches nothing but itself, so that nobody is told more
    by a name that looks like a pattern. Names compare byte for byte.

    ⚔ What a desk puts into the value of one attribute is no way around: a member there that is named as another attribute of the
    catalogue (`known`) is cut where that one would be, and counted.

    Source: 2-model.md §5 (Reply), 7-peers.md P12.
    """
    declared = frozenset(returns)
    allowed = declared & frozenset(covered)
    hidden = frozenset(known) - allowed
    inside = [0]
    kept = {name: _without(value, hidden, inside) for name, value in values.items() if name in allowed}
    undeclared = tuple(sorted(name for name in values if name not in declared))
    return Cut(result=kept, withheld=len(values) - len(kept) + inside[0], undeclared=undeclared)


def _without(value: Json, hidden: Collection[str], cut: list[int]) -> Json:
    """A value without the members that are not told, whose number is added to `cut`."""
    if isinstance(value, Mapping):
        cut[0] += sum(name in hidden for name in value)
        return {name: _without(one, hidden, cut) for name, one in value.items() if name not in hidden}
    if isinstance(value, list | tuple):
        return [_without(one, hidden, cut) for one in value]
    return value
