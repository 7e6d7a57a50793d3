"""The outline of the rules in force that tells whether new ones only tighten them (docs/model/model.md#rule-digest).

They do where nothing is new but policies that forbid whoever has confirmed: Cedar denies by default and a forbid wins, so that
each takes answers away and adds none. Anything else can bring another confirmer or let through what was refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remit.domain.errors import Refused
from remit.domain.values import Json, parse_stored_object
from remit.proof.canonical import canonical, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutline:
    """What one policy does: a digest of its text, whether it forbids, and whether it looks at nobody's confirmation."""

    digest: str
    forbids: bool
    blind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesOutline:
    """The rules, cut into what may be added when they only tighten, and `rest`, a digest of everything else.

    `forbids` are digests of the policies that forbid and are blind to who has confirmed.

    ⚔ No more than that is told apart, for each of these has let more through, or another person's yes suffice: a raised floor or a
    dropped waiver (a policy may want two officers, which only then are asked), a dropped permit (one that errs refuses; without it
    another permit may be content with somebody else), a forbid that looks at who has confirmed (it shuts out the customer's yes).
    """

    rest: str
    forbids: frozenset[str]

    def text(self) -> str:
        """The outline as it is kept."""
        return canonical({"rest": self.rest, "forbids": sorted(self.forbids)}).decode()


def outline_of(statements: Sequence[PolicyOutline], rest: Json) -> RulesOutline:
    """Outline rules. `rest` is whatever else decides: the catalogue's digest and the settings."""
    others = [[one.digest, one.forbids] for one in statements if not (one.forbids and one.blind)]
    return RulesOutline(
        rest=digest({"rest": rest, "policies": others}),
        forbids=frozenset(one.digest for one in statements if one.forbids and one.blind),
    )


def read_outline(text: str) -> RulesOutline | None:
    """Read a kept outline; None for one that an older Remit did not keep, or that cannot be read: then nothing is known to tighten."""
    try:
        kept: Mapping[str, Json] = parse_stored_object(text)
    except Refused:
        return None
    rest, forbids = kept.get("rest"), kept.get("forbids")
    if not isinstance(rest, str) or not isinstance(forbids, list | tuple):
        return None
    digests = frozenset(one for one in forbids if isinstance(one, str))
    return RulesOutline(rest=rest, forbids=digests) if len(digests) == len(forbids) else None


def only_tightens(before: RulesOutline, after: RulesOutline) -> bool:
    """Tell whether nothing that was refused, or that needed somebody's yes, can now go through, or go through without it."""
    return after.rest == before.rest and after.forbids >= before.forbids
