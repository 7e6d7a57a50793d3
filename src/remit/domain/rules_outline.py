"""What of the rules in force must be known to tell whether new ones only tighten them (2-model.md §1, One rule digest).

Floors only rise, waivers only go, policies that permit only go, policies that forbid only come, all else is the same. Cedar
denies by default and a forbid wins, so that each of these takes answers away and adds none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from remit.domain.canonical import canonical, digest
from remit.domain.catalogue import Catalogue
from remit.domain.catalogue_reading import catalogue_digest
from remit.domain.errors import Refused
from remit.domain.values import Json, kept_object


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesOutline:
    """The rules, cut into what may change when they only tighten, and `rest`, a digest of everything else.

    `floors` are confirmer words by area; the others are digests of each waiver, and of each policy by what it does.
    """

    rest: str
    floors: Mapping[str, frozenset[str]]
    waivers: frozenset[str]
    permits: frozenset[str]
    forbids: frozenset[str]

    def text(self) -> str:
        """The outline as it is kept."""
        return canonical(
            {
                "rest": self.rest,
                "floors": {area: sorted(who) for area, who in self.floors.items()},
                "waivers": sorted(self.waivers),
                "permits": sorted(self.permits),
                "forbids": sorted(self.forbids),
            }
        ).decode()


def outline_of(catalogue: Catalogue, statements: Sequence[tuple[bool, str]], rest: Json) -> RulesOutline:
    """Outline rules. `statements` say of each policy whether it permits, with its digest; `rest` are the settings that decide."""
    return RulesOutline(
        rest=digest({"catalogue": catalogue_digest(replace(catalogue, floors={}, waivers=())), "settings": rest}),
        floors={area.value: who for area, who in catalogue.floors.items()},
        waivers=frozenset(digest([one.action, one.limit, one.reason, one.owner, one.ends.isoformat()]) for one in catalogue.waivers),
        permits=frozenset(one for permits, one in statements if permits),
        forbids=frozenset(one for permits, one in statements if not permits),
    )


def read_outline(text: str) -> RulesOutline | None:
    """Read a kept outline; None for one that an older Remit did not keep, or that cannot be read: then nothing is known to tighten."""
    try:
        kept = kept_object(text)
    except Refused:
        return None
    rest, floors = kept.get("rest"), kept.get("floors")
    sets = {name: _texts(kept.get(name)) for name in ("waivers", "permits", "forbids")}
    if not isinstance(rest, str) or not isinstance(floors, Mapping):
        return None
    read = {area: _texts(who) for area, who in floors.items()}
    return RulesOutline(rest=rest, floors=read, waivers=sets["waivers"], permits=sets["permits"], forbids=sets["forbids"])


def only_tightens(before: RulesOutline, after: RulesOutline) -> bool:
    """Tell whether nothing that was refused, or that needed somebody's yes, can now go through, or go through without it."""
    return (
        after.rest == before.rest
        and after.floors.keys() == before.floors.keys()
        and all(after.floors[area] >= who for area, who in before.floors.items())
        and after.waivers <= before.waivers
        and after.permits <= before.permits
        and after.forbids >= before.forbids
    )


def _texts(value: Json) -> frozenset[str]:
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else frozenset()
