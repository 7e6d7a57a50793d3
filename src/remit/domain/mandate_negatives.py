"""What `never` does to an ask: forbid it, or keep attributes from being told.

It beats every power and cannot be confirmed away. What powers cover is for `mandate_covering`.
"""

from collections.abc import Sequence

from remit.domain.catalogue import Action, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.mandate import Mandate, Power
from remit.domain.mandate_tests import touches
from remit.domain.names import matches
from remit.domain.values import JsonObject


def verify_not_forbidden(
    mandate: Mandate, speech: PowerKind, action: Action, params: JsonObject, disclosed: Sequence[str]
) -> frozenset[str]:
    """Check every negative. Returns the attributes that must not be told.

    Raises:
        Refused: `mandate.forbidden`.

    Source: docs/model/model.md#never.
    """
    silent: set[str] = set()
    for place, negative in enumerate(mandate.never):
        if negative.power is PowerKind.DISCLOSE:
            if any(_among(negative.attributes, attribute) for attribute in disclosed) and _touched(negative, params):
                raise _forbidden(place, negative)
        elif negative.power is PowerKind.RECEIVE:
            silent |= _silenced(place, negative, speech, action, params)
        elif negative.power is speech and _among(negative.actions, action.name) and _touched(negative, params):
            raise _forbidden(place, negative)
    return frozenset(silent)


def _silenced(place: int, negative: Power, speech: PowerKind, action: Action, params: JsonObject) -> set[str]:
    """What one negative *receive* keeps from being told; it forbids a read it names, or whose every return it keeps.

    Raises:
        Refused: `mandate.forbidden`.
    """
    everything = negative.actions is None and negative.attributes is None
    named = everything or (negative.actions is not None and _among(negative.actions, action.name))
    kept = {one for one in action.returns if everything or (negative.attributes is not None and _among(negative.attributes, one))}
    if not (named or kept) or not _touched(negative, params):
        return set()
    if speech is PowerKind.RECEIVE and (named or len(kept) == len(action.returns)):
        raise _forbidden(place, negative)
    return kept


def _among(patterns: tuple[str, ...] | None, name: str) -> bool:
    """Whether a negative speaks of a name; one that names nothing speaks of everything."""
    return patterns is None or any(matches(pattern, name) for pattern in patterns)


def _touched(negative: Power, params: JsonObject) -> bool:
    return all(touches(test, params) for test in negative.where)


def _forbidden(place: int, negative: Power) -> Refused:
    return Refused(
        Code.MANDATE_FORBIDDEN,
        f"never[{place}] ({negative.power}) forbids it",
        public=f"The customer ruled this out in the mandate (never[{place}]); nobody can confirm it.",
    )
