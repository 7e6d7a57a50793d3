"""The rules of visitors, agents that prove no key: the presets they may ask for, and the people each act needs.

Source: docs/model/visitors.md#rights.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Action, Area, Catalogue, Effect, Objective, PowerKind
from remit.domain.catalogue.tables import catalogue_error, closed_table, plain_json, toml_key
from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import bound_family
from remit.domain.mandate.cover import ChargedPowers, disclosed_in
from remit.domain.mandate.grant import covered_actions
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse import TYPE, read_mandate
from remit.domain.policy.floors import Floor
from remit.domain.records import AgentRecord, Tier
from remit.domain.values import Instant, Json, JsonObject, instant_text

VISITOR_REASON: Final = "agent.visitor"
_ALONE: Final = frozenset({"case.comment", "case.open", "case.read"})
"""Actions that a visitor may take without its customer, besides routine reads: opening and writing in its case."""
_BOTH: Final = frozenset({Area.IDENTITY, Area.SECURITY})
"""The areas in which a visitor's act needs the customer and an officer."""
_ANY_RECORD: Final = "any"
_LIFE_MS: Final = 24 * 3600 * 1000


def read_preset(value: object, key: str) -> JsonObject:
    """Read `[objective."…".visitors]`: the powers and negatives a visitor asks for. `verify_presets` tests them.

    Raises:
        Refused: `catalogue.invalid`.
    """
    found = closed_table(value, key, required=("powers",), optional=("never",))
    return {name: plain_json(listed, f"{key}.{name}") for name, listed in found.items()}


def verify_presets(catalogue: Catalogue) -> None:
    """Verify that each preset is a mandate of its objective, within the rights of any visitor.

    Raises:
        Refused: `catalogue.invalid` naming the key and the cure.
    """
    for objective in catalogue.objectives.values():
        if objective.visitors is None:
            continue
        key = f"{toml_key('objective', objective.name)}.visitors"
        try:
            mandate = _preset_mandate(catalogue, objective)
        except Refused as refused:
            cure = "write powers as in a mandate, of this objective's actions"
            raise catalogue_error(key, refused.detail, cure) from None
        if any(power.power is PowerKind.ACCEPT for power in mandate.powers):
            raise catalogue_error(key, "lets a visitor accept", "leave accept out: a visitor never binds the customer")
        if any(power.preapproved for power in mandate.powers):
            raise catalogue_error(key, "approves in advance", "leave preapproved out: a visitor's acts are confirmed")


def officer_areas(catalogue: Catalogue) -> Sequence[str]:
    """Return the actions that presets open to visitors and that an officer has to confirm, too."""
    found: dict[str, None] = {}
    for objective in catalogue.objectives.values():
        if objective.visitors is not None:
            names = covered_actions(_preset_mandate(catalogue, objective), catalogue)
            found.update(dict.fromkeys(name for name in names if catalogue.actions[name].area in _BOTH))
    return tuple(found)


def _preset_mandate(catalogue: Catalogue, objective: Objective) -> Mandate:
    """Return the mandate of a preset, about any record and at no particular time."""
    now = Instant(0)
    return read_mandate(visitor_mandate(objective, (_ANY_RECORD,), now=now), catalogue, now=now)


def visitor_mandate(objective: Objective, records: Sequence[str], *, now: Instant) -> Mapping[str, Json]:
    """Return the `remit_mandate` a visitor asks for: the preset of an objective, for these records, for a day.

    Raises:
        Refused: `objective.unknown` for an objective that is not open to visitors.
    """
    if objective.visitors is None:
        public = "Agents without a key cannot act for this purpose."
        raise Refused(Code.OBJECTIVE_UNKNOWN, f"{objective.name} is not open to visitors", public=public)
    purpose: dict[str, Json] = {"type": objective.name}
    if objective.target is not None:
        purpose["target"] = {objective.target: list(records)}
    return {
        "type": TYPE,
        "objective": purpose,
        **objective.visitors,
        "expires_at": instant_text(Instant(now + _LIFE_MS)),
    }


def is_visitor(agent: AgentRecord, binding: str) -> bool:
    """Return whether a grant with this binding is a visitor's. ⚔ One to a token family stays so when its agent gets keys."""
    return agent.tier is Tier.VISITOR or bool(bound_family(binding))


def shown_tier(agent: AgentRecord, binding: str) -> Tier:
    """Return the tier of an agent under a grant with this binding, as rules and people see it."""
    return Tier.VISITOR if is_visitor(agent, binding) else agent.tier


def visitor_marks(agent: AgentRecord, binding: str) -> JsonObject:
    """Return the members of an envelope that tell a visitor: how it became known, and that it proved nothing."""
    if not is_visitor(agent, binding):
        return {}
    return {"tier": Tier.VISITOR.value, "known_by": agent.known_by, "proved": "nothing"}


def verify_visitor_action(action: Action, *, let_in: bool) -> None:
    """Verify that a visitor may ask for an action at all, at a desk that lets visitors in.

    Raises:
        Refused: `agent.untrusted`, also for an action that binds the customer.
    """
    if not let_in:
        raise Refused(Code.AGENT_UNTRUSTED, "this desk lets no visitors in")
    if action.power is PowerKind.ACCEPT:
        public = "An agent without a key of its own cannot enter into agreements."
        cure = "Let the customer answer the offer on our page, or use a key (private_key_jwt, DPoP)."
        raise Refused(Code.AGENT_UNTRUSTED, "a visitor never accepts", public=public, cure=cure)


def visitor_floor(
    floor: Floor,
    catalogue: Catalogue,
    action: Action,
    params: JsonObject,
    chosen: Sequence[ChargedPowers],
    officer: str,
) -> Floor:
    """Return the floor of a visitor's ask: nothing lowers it, and only routine looking and writing needs no person.

    ⚔ A copied bearer token must be worth little: every write, and every read that is not routine, tells a sensitive
    attribute or compares one with a guess, takes the customer's passkey, whatever waivers, approvals in advance and
    policies say. Identity and security take an officer, too: of the role `officer`.

    Raises:
        Refused: `agent.untrusted` where the desk names no such role.
    """
    who = set(floor.who)
    alone = action.name in _ALONE or (action.effect is Effect.READ and action.area is Area.ROUTINE)
    known = (*chosen[0].attributes, *disclosed_in(action, params))
    if not alone or [name for name in known if catalogue.attributes[name].sensitive]:
        who.add(CUSTOMER)
    if action.area in _BOTH:
        if not officer:
            raise Refused(Code.AGENT_UNTRUSTED, "no officer's role is named for visitors")
        who |= {CUSTOMER, f"officer:{officer}"}
    return Floor(who=frozenset(who), reasons=(*floor.reasons, VISITOR_REASON) if who else floor.reasons)
