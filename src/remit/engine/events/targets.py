"""The targets of a received event, within the limits of its transmitter.

⚔ A transmitter of customers speaks of logins at the company's own provider, one of an operator of that operator's agents
and tasks. Anything else is as unknown as a subject that does not exist.
"""

from collections.abc import Sequence

from remit.domain.events.kinds import EventEffect, EventType, effect_on_agent, effect_on_person
from remit.domain.events.parties import Transmitter
from remit.domain.events.security_event import SecurityEvent
from remit.domain.identity.oidc_login import login_id, sid_id
from remit.domain.ids import is_id
from remit.domain.records import AgentRecord, MandateRecord, PersonRecord, SessionRecord, TaskRecord
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing

_ACCOUNTS = 10
_USERS = ("", "user")
_AGENTS = ("", "application", "user")
_SESSIONS = ("", "session")
_TENANTS = ("", "tenant")


@struct(frozen=True, kw_only=True)
class EventTargets:
    """An effect and its targets, as `kind:name`; none where the event means nothing here."""

    effect: EventEffect
    targets: tuple[str, ...]


NOTHING = EventTargets(effect=EventEffect.NONE, targets=())


async def targets_of(
    desk: DeskContext, transmitter: Transmitter, event: SecurityEvent, kind: EventType
) -> EventTargets:
    """Return the effect of a verified event and its targets.

    Raises:
        Fault: `fault.store`.

    Source: RFC 9493; SSF 1.0 §11.1 (a receiver decides of whom a transmitter may speak).
    """
    if transmitter.operator:
        return await _of_operator(desk, transmitter.operator, event, kind)
    return await _of_people(desk, transmitter, event, kind)


async def _of_people(
    desk: DeskContext, transmitter: Transmitter, event: SecurityEvent, kind: EventType
) -> EventTargets:
    """Find people by their login at the company's provider, as a sign-in does; an e-mail address is no person."""
    effect = effect_on_person(kind, event.event, revoked_session=transmitter.revoked_session)
    if desk.logins is None or effect is EventEffect.NONE:
        return NOTHING
    issuer, logins, sids = desk.logins.issuer, list[str](), list[str]()
    for one in event.subject.of(*_USERS):
        if one.get("format") == "iss_sub" and one.get("iss") == issuer:
            logins.append(login_id(issuer, str(one["sub"])))
    if not logins and kind is EventType.SESSION_REVOKED:
        sids = [sid_id(issuer, str(one["id"])) for one in event.subject.of(*_SESSIONS) if _is_opaque(one)]
    people = [
        kept.record
        for login in logins
        for kept in await desk.store.find(PersonRecord, "person.login", login, limit=_ACCOUNTS)
    ]
    if people:
        return EventTargets(effect=effect, targets=tuple(f"{one.kind}:{one.id}" for one in people))
    known = [sid for sid in sids if await desk.store.find(SessionRecord, "session.sid", sid, limit=1)]
    return EventTargets(effect=EventEffect.SESSIONS, targets=tuple(f"sid:{one}" for one in known)) if known else NOTHING


async def _of_operator(desk: DeskContext, operator: str, event: SecurityEvent, kind: EventType) -> EventTargets:
    effect = effect_on_agent(kind, event.event)
    if effect is EventEffect.NONE:
        return NOTHING
    if effect is EventEffect.TASKS:
        sessions = [str(one["id"]) for one in event.subject.of(*_SESSIONS) if _is_opaque(one)]
        engaged = [named for one in sessions if (named := await _session(desk, operator, one))]
        if engaged:
            return EventTargets(effect=effect, targets=tuple(dict.fromkeys(engaged)))
    agents = [one for named in event.subject.of(*_AGENTS) for one in await _agents(desk, operator, named)]
    if agents:
        return EventTargets(effect=effect, targets=tuple(f"agent:{one}" for one in dict.fromkeys(agents)))
    whole = any(_name(one) == operator for one in event.subject.of(*_TENANTS))
    return EventTargets(effect=effect, targets=(f"operator:{operator}",)) if whole else NOTHING


async def _agents(desk: DeskContext, operator: str, named: JsonObject) -> Sequence[str]:
    """Return the operator's agents of a client id or an actor. ⚔ Another operator's agent is none."""
    name = _name(named)
    try:
        found = [(await desk.store.get(AgentRecord, name)).record] if name else []
    except RecordMissing:
        found = [kept.record for kept in await desk.store.find(AgentRecord, "agent.actor", name, limit=_ACCOUNTS)]
    return [one.id for one in found if one.operator == operator]


async def _session(desk: DeskContext, operator: str, name: str) -> str:
    """Return the operator's task or mandate of an id, as a target; "" for none."""
    try:
        if is_id(name, "task"):
            return f"task:{name}" if (await desk.store.get(TaskRecord, name)).record.operator == operator else ""
        if is_id(name, "man"):
            return f"mandate:{name}" if (await desk.store.get(MandateRecord, name)).record.operator == operator else ""
    except RecordMissing:
        return ""
    return ""


def _is_opaque(one: JsonObject) -> bool:
    return one.get("format") == "opaque"


def _name(one: JsonObject) -> str:
    """Return the name that an identifier gives an agent or operator."""
    value: Json = {"iss_sub": one.get("sub"), "opaque": one.get("id"), "uri": one.get("uri")}.get(
        str(one.get("format"))
    )
    return value if isinstance(value, str) else ""
