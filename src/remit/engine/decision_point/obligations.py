"""Obligations: duties of the caller that come with an answer of the decision point."""

from collections.abc import Collection, Sequence
from typing import Final

from remit.domain.catalogue.model import Action
from remit.domain.values import Json, JsonObject
from remit.ports.policy import Obligation

DISCLOSE_ONLY: Final = "urn:remit:obligation:disclose_only"
"""The obligation that goes with a read: the caller tells the agent these attributes and no others."""


def disclosure(action: Action | None, covered: Collection[str]) -> tuple[Obligation, ...]:
    """Return the duty of the caller of a read: to tell the agent no more than its mandate covers."""
    if action is None or not action.returns:
        return ()
    told: list[Json] = [name for name in action.returns if name in covered]
    return (Obligation("disclose", DISCLOSE_ONLY, {"attributes": told}),)


def unmet(obligations: Sequence[Obligation], supported: Collection[str]) -> tuple[str, ...]:
    """Return the types of the obligations that a caller cannot meet."""
    return tuple(sorted({one.type for one in obligations if one.type not in supported}))


def obligations_json(obligations: Sequence[Obligation]) -> JsonObject:
    """Return the member of a context with obligations; none without any."""
    return {"obligations": [one.as_json() for one in obligations]} if obligations else {}
