"""Counting what a customer's attributes are compared with: a desk that says whether a guess is right has told the value."""

from typing import Final

from remit.domain.catalogue import Action, Effect, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.paths import Absent, values_at
from remit.domain.records import Reserved
from remit.domain.values import JsonObject
from remit.proof.canonical import b64url, canonical
from remit.usecases.parts import Parts
from remit.usecases.reserving import COMPARED
from remit.usecases.standing import Standing

_TRIES: Final = 3


async def compared(
    parts: Parts, standing: Standing, action: Action, params: JsonObject, held: tuple[Reserved, ...]
) -> list[tuple[Reserved, int | None]]:
    """Count what a customer's attributes are compared with: three different values each, over all agents.

    ⚔ Comparing a guessed value is disclosure. Reads compare, and so does whatever is told a sensitive attribute; saying
    the same value again tells nothing new. Only a keyed hash of the value is kept.

    Raises:
        Refused: `desk.refused` at the fourth value.

    Source: docs/model/model.md#guessing.
    """
    customer = standing.task.record.customer
    scope = f"{COMPARED}{customer}"
    found: list[tuple[Reserved, int | None]] = []
    for mark in action.marked(MarkKind.ATTRIBUTE):
        if action.effect is not Effect.READ and not parts.catalogue.attributes[mark.of].sensitive:
            continue
        for value in values_at(params, mark.path):
            # ⚔ A date may be an object or a list of its parts: a guess is one in whatever shape.
            if value is not None and not isinstance(value, Absent):
                key = b64url(parts.signer.keyed("compared", canonical([customer, mark.of, value]))[:16])
                found.append((Reserved(scope=scope, key=f"{mark.of} {key}", amount=1), None))
    if not found:
        return []
    used = await parts.store.counters(scope)
    known = {key for key, count in used.items() if count}
    for one, _ in tuple(found):
        attribute = one.key.partition(" ")[0]
        # ⚔ Values that come at once do not see each other here: each new one takes a place, of which the store gives three.
        place = Reserved(scope=scope, key=f"tries/{attribute}", amount=1)
        if one in held:
            found.extend([(place, _TRIES)] if place in held else [])
            continue
        if one.key in known:
            continue
        found.append((place, _TRIES))
        known.add(one.key)
        if sum(key.partition(" ")[0] == attribute for key in known) > _TRIES:
            raise Refused(
                Code.DESK_REFUSED,
                f"{attribute} was compared with {_TRIES} values already",
                public="This was tried too often; the desk's staff must check it with the customer.",
            )
    return found
