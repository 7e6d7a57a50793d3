"""What waits for somebody's answer: a customer's own, or an officer's role by role, the most urgent first, with all that helps to decide."""

from collections.abc import Iterable, Mapping
from typing import Final

from remit.domain.confirmers import OFFICER
from remit.domain.escalation_rules import amounts_of
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, Person, Tier
from remit.domain.values import Instant, Json, JsonObject, instant_text
from remit.domain.waiting import holder
from remit.ports.store import Missing
from remit.usecases.invite import shown_in
from remit.usecases.parts import Parts
from remit.usecases.replies import params_of
from remit.usecases.take_waiting import may_receive
from remit.usecases.words_shown import words_shown

_PAGE: Final = 200
_COLLEAGUES: Final = 50


async def what_waits(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """Everything that waits for this person's answer: a customer's the oldest first, an officer's the most urgent first."""
    if person.kind != "customer":
        return await waiting_list(parts, person)
    now = parts.world.now()
    found = await parts.store.find(ConfirmationRecord, "confirmation.waiting", person.id, limit=_PAGE)
    return [
        invitation_row(parts, kept.record, (await parts.store.get(AskRecord, kept.record.ask)).record)
        for kept in found
        if now < kept.record.due
    ]


async def waiting_list(parts: Parts, officer: Person) -> list[Mapping[str, Json]]:
    """Everything that waits for a role of this officer, by when it must be answered. What waits for other roles is not among it.

    What a person may not answer, since they are the customer or have answered already, is there with `yours` false.
    """
    now = parts.world.now()
    found: list[tuple[ConfirmationRecord, str]] = []
    colleagues: dict[str, list[Person]] = {}
    for role in officer.roles:
        kept = await parts.store.find(ConfirmationRecord, "confirmation.waiting", f"{OFFICER}{role}", limit=_PAGE)
        found.extend((one.record, role) for one in kept if now < one.record.due)
        colleagues[role] = [one.record for one in await parts.store.find(Person, "person.role", role, limit=_COLLEAGUES)]
    found.sort(key=lambda one: one[0].due)
    return [await _row(parts, officer, record, role, colleagues[role]) for record, role in found]


async def _row(parts: Parts, officer: Person, record: ConfirmationRecord, role: str, colleagues: Iterable[Person]) -> Mapping[str, Json]:
    ask = (await parts.store.get(AskRecord, record.ask)).record
    agent, customer = await _agent(parts, ask.client_id), await _person(parts, record.customer)
    word, now = f"{OFFICER}{role}", parts.world.now()
    able = await may_receive(parts, record, ask, word, (*colleagues, officer))
    yours = any(one.id == officer.id for one in able)
    return {
        **invitation_row(parts, record, ask),
        "role": role,
        "case": ask.case,
        "customer": record.customer,
        "customer_name": customer.name if customer is not None else record.customer,
        "agent": ask.client_id,
        "agent_name": agent.name if agent is not None else ask.client_id,
        "tier": (agent.tier if agent is not None else Tier.UNPROVED).value,
        "amounts": list(amounts_of(parts.catalogue.actions.get(ask.action), params_of(ask))),
        "risk": record.risk,
        "signs": list(record.signs),
        "rule": record.rule,
        "reason": _reason(parts, record) if word in record.step else "",
        "due_at": instant_text(record.due),
        "then": list(record.then[0].roles) if record.then and word in record.step else [],
        "answered": sorted({one.confirms_as for one in record.answers}),
        "yours": yours,
        "taken": _taken(record, word, officer, now),
        "colleagues": [{"id": one.id, "name": one.name} for one in able if one.key != officer.key],
        "roles": [] if record.words else sorted(_roles(parts, record, word)),
        "words": list(words_shown(parts, ask)) if record.words else [],
    }


def invitation_row(parts: Parts, record: ConfirmationRecord, ask: AskRecord) -> Mapping[str, Json]:
    """What everybody who is asked sees of what waits for them."""
    return {
        "confirmation": record.id,
        "ask": ask.id,
        "action": ask.action,
        "operator": ask.operator,
        "rendering": shown_in(record, parts.catalogue.say.language),
        "who": list(record.who),
        "at": instant_text(record.at),
        "expires_at": instant_text(record.expires_at),
        "page": f"/confirm/{record.id}",
    }


def _reason(parts: Parts, record: ConfirmationRecord) -> str:
    """Why the rule asks, in the reader's language where the rule still says what it said."""
    return next(
        (one.reason for one in parts.catalogue.escalations if one.name == record.rule and one.meant == record.reason), record.reason
    )


def _taken(record: ConfirmationRecord, word: str, officer: Person, now: Instant) -> JsonObject | None:
    held = holder(record, word, now)
    if held is None:
        return None
    return {"by": held.person, "name": held.name, "until": instant_text(held.until), "mine": held.person_key == officer.key}


def _roles(parts: Parts, record: ConfirmationRecord, word: str) -> set[str]:
    """The roles it might be handed to; whether the rules take their yes is asked when it is."""
    named = {role for step in record.then for role in step.roles} if word in record.step else set(parts.catalogue.roles)
    return {one for one in named if f"{OFFICER}{one}" not in record.who}


async def _agent(parts: Parts, client_id: str) -> AgentRecord | None:
    try:
        return (await parts.store.get(AgentRecord, client_id)).record
    except Missing:
        return None


async def _person(parts: Parts, person_id: str) -> Person | None:
    try:
        return (await parts.store.get(Person, person_id)).record
    except Missing:
        return None
