"""The grant: the hashed and signed form around a mandate, and whether it still fits the catalogue."""

from collections.abc import Mapping

from remit.domain.catalogue.model import Action, Area, Catalogue, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.ids import CustomerId, MandateId, OperatorId
from remit.domain.mandate.model import Grant, Mandate
from remit.domain.mandate.parse import wire_mandate
from remit.domain.structs import replace
from remit.domain.values import JsonObject
from remit.proof.canonical import digest

_RENEW = "The company changed this action after the customer signed; ask the customer for consent again."


def make_grant(  # noqa: PLR0913  # a grant binds these parts, each named
    *,
    mandate_id: MandateId,
    iss: str,
    sub: CustomerId,
    client_id: str,
    actor: str,
    operator: OperatorId,
    jkt: str,
    mandate: Mandate,
    catalogue: Catalogue,
    rendering_hash: str,
    nonce: str,
) -> Grant:
    """Bind a mandate to its desk, customer, agent, operator, key, catalogue (in its reader's language) and rendering.

    ⚔ Everything but the random id is under the hash, so the grant cannot move to another agent, key, customer or desk.

    Source: docs/model/model.md#grant; RFC 8785.
    """
    unsigned = Grant(
        id=mandate_id,
        iss=iss,
        sub=sub,
        client_id=client_id,
        actor=actor,
        operator=operator,
        jkt=jkt,
        mandate=mandate,
        wire=wire_mandate(mandate),
        action_digests={name: catalogue.actions[name].digest for name in covered_actions(mandate, catalogue)},
        catalogue_digest=catalogue.digest,
        rendering_hash=rendering_hash,
        nonce=nonce,
        hash="",
    )
    return replace(unsigned, hash=digest(signed_form(unsigned)))


def signed_form(grant: Grant) -> JsonObject:
    """Return the JSON object whose canonical SHA-256 is the grant's hash."""
    return {
        "iss": grant.iss,
        "sub": grant.sub,
        "client_id": grant.client_id,
        "act": {"sub": grant.actor},
        "operator": grant.operator,
        "jkt": grant.jkt,
        "mandate": grant.wire,
        "catalogue_digest": grant.catalogue_digest,
        "rendering_hash": grant.rendering_hash,
        "nonce": grant.nonce,
    }


def verify_grant(unverified: Grant) -> Grant:
    """Return the grant if its hash covers exactly its members, and its mandate is the one on its wire.

    Raises:
        Refused: `grant.invalid`.

    Source: docs/model/model.md#grant.
    """
    same_mandate = digest(wire_mandate(unverified.mandate)) == digest(unverified.wire)
    if digest(signed_form(unverified)) != unverified.hash or not same_mandate:
        raise Refused(Code.GRANT_INVALID, "the grant differs from the signed one")
    return unverified


def covered_actions(mandate: Mandate, catalogue: Catalogue) -> tuple[str, ...]:
    """Return every action of the objective that a power covers, in catalogue order."""
    inside = catalogue.objective(mandate.objective.type).actions
    return tuple(name for name, action in catalogue.actions.items() if name in inside and _is_covered(mandate, action))


def exceeds_routine(mandate: Mandate, catalogue: Catalogue) -> bool:
    """Return whether a mandate goes beyond everyday things.

    That is any covered action outside the routine area, any covered write that names where something goes, any
    sensitive attribute, and every power to bind the customer or to disclose their data.

    Source: docs/model/model.md#passkeys.
    """
    if any(power.power in {PowerKind.ACCEPT, PowerKind.DISCLOSE} for power in mandate.powers):
        return True
    if any(catalogue.attributes[name].sensitive for power in mandate.powers for name in power.attributes or ()):
        return True
    covered = [catalogue.actions[name] for name in covered_actions(mandate, catalogue)]
    return any(action.area is not Area.ROUTINE or action.names_recipient for action in covered)


def _is_covered(mandate: Mandate, action: Action) -> bool:
    for power in mandate.powers:
        if power.power is PowerKind.REPRESENT and action.builtin:
            return True
        if power.power is action.power and action.name in (power.actions or ()):
            return True
        receives = power.power is action.power is PowerKind.RECEIVE
        if receives and set(action.returns) & set(power.attributes or ()):
            return True
    return False


def verify_action_current(action_digests: Mapping[str, str], action: Action, catalogue: Catalogue) -> Action:
    """Return a covered action if it is still the one the customer signed, in their language. Call after coverage.

    ⚔ An action whose schema, effect, area, title or returns changed since, or that only now came under a power, was
    never consented to.

    Raises:
        Refused: `mandate.inactive`, with renewed consent as the cure.

    Source: docs/model/model.md#renewed-consent.
    """
    if not catalogue.matches_signed_digest(action.name, action_digests.get(action.name)):
        raise Refused(Code.MANDATE_INACTIVE, f"{action.name} changed since signing", public=_RENEW)
    return action


def verify_current(action_digests: Mapping[str, str], catalogue: Catalogue) -> tuple[str, ...]:
    """Return the covered actions that are unchanged since signing, for opening a task.

    Single changed actions are refused when asked for; a mandate without any unchanged desk action is dead.

    Raises:
        Refused: `mandate.inactive`, with renewed consent as the cure.

    Source: docs/model/model.md#renewed-consent.
    """
    current = tuple([name for name, signed in action_digests.items() if catalogue.matches_signed_digest(name, signed)])
    wanted = {name for name in action_digests if not name.startswith("case.")}
    if (wanted and wanted.isdisjoint(current)) or (action_digests and not current):
        raise Refused(Code.MANDATE_INACTIVE, "every covered action changed since signing", public=_RENEW)
    return current
