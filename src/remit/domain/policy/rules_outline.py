"""The outline of the rules in force, which tells whether new ones only tighten them (docs/model/model.md#rule-digest).

They do where all that is new are policies that forbid regardless of confirmations: Cedar denies by default and a forbid
wins, so each takes answers away. Any other change can bring another confirmer or let a refused ask through.
"""

from collections.abc import Mapping, Sequence

from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, parse_stored_object
from remit.proof.canonical import canonical, digest


@struct(frozen=True, kw_only=True)
class PolicyOutline:
    """One policy's outline: a digest of its text, whether it forbids, and whether it ignores all confirmations."""

    digest: str
    forbids: bool
    blind: bool


@struct(frozen=True, kw_only=True)
class RulesOutline:
    """The rules, split into policies that may be added while only tightening, and `rest`, a digest of everything else.

    `forbids` are digests of the policies that forbid regardless of confirmations. `words_model` is the model that messages
    are judged with, "" for none; it is part of `rest`, too.

    ⚔ Nothing else is told apart, for each of these has let more through, or let another person's yes suffice: a raised
    floor or a dropped waiver (a policy may want two officers, which only then are asked), a dropped permit (one that
    errs refuses; without it another permit may accept another confirmer), a forbid that depends on the confirmations
    (it shuts out the customer's yes).
    """

    rest: str
    forbids: frozenset[str]
    words_model: str = ""

    def text(self) -> str:
        """Return the outline as stored."""
        model: JsonObject = {"words_model": self.words_model} if self.words_model else {}
        return canonical({"rest": self.rest, "forbids": sorted(self.forbids), **model}).decode()


def outline_of(statements: Sequence[PolicyOutline], rest: Json, *, words_model: str = "") -> RulesOutline:
    """Outline rules. `rest` is the rest of the decision's basis: the catalogue's digest and the settings."""
    forbids = frozenset(policy.digest for policy in statements if policy.forbids and policy.blind)
    others = [[policy.digest, policy.forbids] for policy in statements if not (policy.forbids and policy.blind)]
    return RulesOutline(rest=digest({"rest": rest, "policies": others}), forbids=forbids, words_model=words_model)


def read_outline(text: str) -> RulesOutline | None:
    """Read a stored outline; None for a missing (older Remit) or unreadable one: then no change only tightens."""
    try:
        kept: Mapping[str, Json] = parse_stored_object(text)
    except Refused:
        return None
    rest, forbids = kept.get("rest"), kept.get("forbids")
    if not isinstance(rest, str) or not isinstance(forbids, list | tuple):
        return None
    digests = frozenset(text for text in forbids if isinstance(text, str))
    model = kept.get("words_model")
    known = RulesOutline(rest=rest, forbids=digests, words_model=model if isinstance(model, str) else "")
    return known if len(digests) == len(forbids) else None


def only_tightens(before: RulesOutline, after: RulesOutline) -> bool:
    """Return whether no ask that was refused, or needed a confirmation, can now pass, or pass without it."""
    return after.rest == before.rest and after.forbids >= before.forbids
