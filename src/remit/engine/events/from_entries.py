"""Events made from entries of the transcript, cut to one receiver's limits.

The log is the outbox: an event follows from an entry that is recorded, so that nothing is sent that did not happen.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from remit.domain.events.kinds import EventType
from remit.domain.events.parties import Receiver, SubjectFormat
from remit.domain.records import AgentRecord, EndReason, MandateRecord, PersonRecord, TaskRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind, Section
from remit.domain.values import Instant, Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.transcript.record import open_entry
from remit.ports.store import RecordMissing, StoredEntry
from remit.proof.canonical import b64url

_CREDENTIAL: Final = "urn:remit:credential-type:"
_FOREIGN: Final = "credential"
_BY_PEOPLE: Final = frozenset(
    {EndReason.CUSTOMER_DECLINED, EndReason.REVOKED, EndReason.COMPLETED, EndReason.OBJECTIVE_REACHED}
)


@struct(frozen=True, kw_only=True)
class Signal:
    """An event before it is cut for a receiver: `session` is a task's or mandate's id, `agent` a client id."""

    type: EventType
    event: Mapping[str, Json]
    customer: str = ""
    agent: str = ""
    operator: str = ""
    session: str = ""


@struct(frozen=True)
class _Entry:
    """An opened entry: its envelope and the customer it is about ("" for none)."""

    envelope: JsonObject
    subject: str
    at: Instant

    def text(self, name: str) -> str:
        value = self.envelope.get(name)
        return value if isinstance(value, str) else ""


async def signals_of_entry(desk: DeskContext, stored: StoredEntry) -> tuple[Signal, ...]:
    """Return the events that follow from an entry.

    Raises:
        Fault: `fault.store`.
    """
    opened = await open_entry(desk, stored.row)
    teller = _TELLERS.get(opened.kind)
    if teller is None:
        return ()
    return await teller(desk, _Entry(opened.sections[Section.ENVELOPE].body or {}, stored.row.subject, opened.at))


def is_for(receiver: Receiver, signal: Signal) -> bool:
    """Return whether a receiver may know of an event. ⚔ An operator learns of its own agents alone."""
    return receiver.operator in {"", signal.operator}


async def subject_for(desk: DeskContext, receiver: Receiver, signal: Signal) -> JsonObject:
    """Build the subject of an event as one receiver may know it.

    Source: RFC 9493 §3.2; SSF 1.0 §3.3.
    """
    issuer = desk.terms.issuer
    members: dict[str, Json] = {}
    if signal.customer:
        members["user"] = await _person(desk, receiver, signal.customer)
    if signal.agent:
        members["application"] = {"format": "iss_sub", "iss": issuer, "sub": signal.agent}
    if signal.session:
        members["session"] = {"format": "opaque", "id": signal.session}
    if signal.operator:
        members["tenant"] = {"format": "opaque", "id": signal.operator}
    return {"format": "complex", **members}


async def _person(desk: DeskContext, receiver: Receiver, customer: str) -> JsonObject:
    """⚔ Two receivers cannot join their pseudonyms: each is keyed by the receiver's name."""
    match receiver.subject:
        case SubjectFormat.ISS_SUB:
            return {"format": "iss_sub", "iss": desk.terms.issuer, "sub": customer}
        case SubjectFormat.EMAIL if address := await _address(desk, customer):
            return {"format": "email", "email": address}
        case _:
            named = f"{len(receiver.name)} {receiver.name} {customer}"
            return {"format": "opaque", "id": b64url(desk.signer.keyed("event subject", named.encode())[:16])}


async def _address(desk: DeskContext, customer: str) -> str:
    try:
        return (await desk.store.get(PersonRecord, customer)).record.email
    except RecordMissing:
        return ""


async def _revoked(desk: DeskContext, entry: _Entry) -> tuple[Signal, ...]:
    mandate = (await desk.store.get(MandateRecord, entry.text("mandate"))).record
    by_user = entry.envelope.get("by_customer") is True
    event = _event(entry, "user" if by_user else "admin", "The mandate was revoked.")
    return (
        Signal(
            type=EventType.CREDENTIAL_CHANGE,
            event={**event, "credential_type": f"{_CREDENTIAL}mandate", "change_type": "revoke"},
            customer=mandate.customer,
            agent=mandate.client_id,
            operator=mandate.operator,
            session=mandate.id,
        ),
    )


async def _ended(desk: DeskContext, entry: _Entry) -> tuple[Signal, ...]:
    task, reason = await _task(desk, entry.text("task")), entry.text("reason")
    by = "user" if reason in _BY_PEOPLE else "policy"
    ended = _of_task(task, EventType.SESSION_REVOKED, _event(entry, by, f"The task ended: {reason.replace('_', ' ')}."))
    return (ended, _risk(task, entry, "HIGH")) if reason == EndReason.RISK else (ended,)


async def _held(desk: DeskContext, entry: _Entry) -> tuple[Signal, ...]:
    return (_risk(await _task(desk, entry.text("task")), entry, "MEDIUM"),)


async def _suspended(desk: DeskContext, entry: _Entry) -> tuple[Signal, ...]:
    what, name = entry.text("what"), entry.text("name")
    event = _event(entry, "admin", f"The {what} was suspended.")
    match what:
        case "agent":
            operator = (await desk.store.get(AgentRecord, name)).record.operator
            return (Signal(type=EventType.SESSION_REVOKED, event=event, agent=name, operator=operator),)
        case "operator":
            return (Signal(type=EventType.SESSION_REVOKED, event=event, operator=name),)
        case "customer" if entry.subject:
            return (Signal(type=EventType.SESSION_REVOKED, event=event, customer=entry.subject),)
        case _:
            return ()


async def _leaked(_desk: DeskContext, entry: _Entry) -> tuple[Signal, ...]:
    """Tell of a leaked credential of this desk; one of another issuer is reported to that issuer alone."""
    what = entry.text("what")
    if what == _FOREIGN:
        return ()
    event = _event(entry, "system", "The credential was seen where it must not be, and was revoked.")
    return (
        Signal(
            type=EventType.CREDENTIAL_CHANGE,
            event={**event, "credential_type": f"{_CREDENTIAL}{what}", "change_type": "revoke"},
            customer=entry.subject,
            agent=entry.text("agent"),
            operator=entry.text("operator"),
            session=entry.text("task") or entry.text("mandate"),
        ),
    )


_TELLERS: Final[Mapping[Kind, Callable[[DeskContext, _Entry], Awaitable[tuple[Signal, ...]]]]] = {
    Kind.AGENT_SUSPENDED: _suspended,
    Kind.LEAK_FOUND: _leaked,
    Kind.MANDATE_REVOKED: _revoked,
    Kind.TASK_ENDED: _ended,
    Kind.TASK_HELD: _held,
}
SENT_KINDS: Final = frozenset(_TELLERS)
"""The kinds of entries from which events follow."""


def _event(entry: _Entry, by: str, reason: str) -> JsonObject:
    """Build the common members; ⚔ the reason is one of ours, never a text that a person wrote.

    Source: CAEP 1.0 §2 (optional event claims); CAEP interoperability profile §3 (`reason_admin`).
    """
    return {"event_timestamp": entry.at // 1000, "initiating_entity": by, "reason_admin": {"en": reason}}


def _risk(task: TaskRecord, entry: _Entry, level: str) -> Signal:
    event = _event(entry, "policy", "The task's conduct raised its risk.")
    return _of_task(task, EventType.RISK_LEVEL_CHANGE, {**event, "principal": "SESSION", "current_level": level})


def _of_task(task: TaskRecord, kind: EventType, event: JsonObject) -> Signal:
    return Signal(
        type=kind,
        event=event,
        customer=task.customer,
        agent=task.client_id,
        operator=task.operator,
        session=task.id,
    )


async def _task(desk: DeskContext, task: str) -> TaskRecord:
    return (await desk.store.get(TaskRecord, task)).record
