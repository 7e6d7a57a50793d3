"""The record of an incident, how further causes join it, and the record of a pending delivery.

The time line is the transcript itself: each entry that belongs to an incident is found under its id.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Final

from remit.domain.records import NEVER, Link, TaskRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant

MAX_NAMED: Final = 10
"""Agents, customers, cases, tasks and ended things that one incident names; the rest stands in its entries."""
WINDOW_MS: Final = 24 * 3600 * 1000
"""Time since the last cause within which another one joins the same incident."""


class IncidentKind(StrEnum):
    """The causes of incidents."""

    CANARY = "canary"
    CONTEST = "contest"
    CREDENTIAL = "credential"
    DISOWNED = "disowned"
    LEAK = "leak"
    NATIVE_REPLY = "native_reply"
    OVERRIDE_OBJECTED = "override_objected"
    RISK = "risk"


class IncidentState(StrEnum):
    """The life of an incident: it waits for an owner, has one, or is over."""

    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    OPEN = "open"


class Severity(StrEnum):
    """How urgent an incident is."""

    HIGH = "high"
    LOW = "low"
    MEDIUM = "medium"


class Resolution(StrEnum):
    """The finding about a closed incident."""

    FALSE_ALARM = "false_alarm"
    RESOLVED = "resolved"


RANKS: Final[Mapping[Severity, int]] = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3}
SEVERITIES: Final[Mapping[tuple[IncidentKind, str], Severity]] = {
    (IncidentKind.CANARY, ""): Severity.HIGH,
    (IncidentKind.CONTEST, ""): Severity.LOW,
    (IncidentKind.CREDENTIAL, ""): Severity.MEDIUM,
    (IncidentKind.DISOWNED, ""): Severity.HIGH,
    (IncidentKind.LEAK, ""): Severity.HIGH,
    (IncidentKind.LEAK, "assertion"): Severity.MEDIUM,
    (IncidentKind.LEAK, "credential"): Severity.MEDIUM,
    (IncidentKind.LEAK, "request"): Severity.LOW,
    (IncidentKind.NATIVE_REPLY, ""): Severity.MEDIUM,
    (IncidentKind.OVERRIDE_OBJECTED, ""): Severity.MEDIUM,
    (IncidentKind.RISK, ""): Severity.MEDIUM,
    (IncidentKind.RISK, "ended"): Severity.HIGH,
}
"""Severity by kind and detail; the row without a detail holds for all others of its kind."""


def severity_of(kind: IncidentKind, detail: str) -> Severity:
    """Return the severity of a cause."""
    return SEVERITIES.get((kind, detail)) or SEVERITIES[kind, ""]


@struct(frozen=True, kw_only=True)
class IncidentCause:
    """A cause of an incident: its kind and detail, the parties where known, and the things ended for it at once."""

    kind: IncidentKind
    detail: str = ""
    agent: str = ""
    operator: str = ""
    customer: str = ""
    case: str = ""
    task: str = ""
    ended: tuple[str, ...] = ()
    let_itself_in: bool = False
    """Whether no person of the desk knows the agent, which says itself whose it is."""

    @property
    def crowd(self) -> str:
        """Return the key of the live incidents that it is counted with."""
        return crowd_key(self.kind, self.operator, let_itself_in=self.let_itself_in)

    @property
    def severity(self) -> Severity:
        """Return its severity."""
        return severity_of(self.kind, self.detail)

    @property
    def key(self) -> str:
        """Return the key that causes of one incident share: kind and agent, or the customer where no agent is known."""
        return f"{self.kind} {self.agent or self.customer or '-'}"


def risk_of_task(task: TaskRecord, detail: str, *, ended: tuple[str, ...] = ()) -> IncidentCause:
    """Return the cause of a task that was `held` or `ended` for its risk."""
    return IncidentCause(
        kind=IncidentKind.RISK,
        detail=detail,
        agent=task.client_id,
        operator=task.operator,
        customer=task.customer,
        case=task.case,
        task=task.id,
        ended=ended,
    )


@struct(frozen=True, kw_only=True)
class IncidentRecord:
    """One incident. `key` is shared by the causes that join it; `count` are its causes, the last one at `last_at`.

    Lists are bounded (`MAX_NAMED`, newest last). `ended` are things ended for it, as `kind id`. `resolution` and
    `closed_at` are set once it is closed; reasons and notes are in its entries alone.
    """

    KIND: ClassVar[str] = "incident"
    id: str
    kind: IncidentKind
    detail: str
    severity: Severity
    state: IncidentState
    key: str
    opened_at: Instant
    last_at: Instant
    count: int = 1
    owner: str = ""
    agents: tuple[str, ...] = ()
    operator: str = ""
    customers: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    resolution: str = ""
    closed_at: Instant = NEVER
    let_itself_in: bool = False

    @property
    def agent(self) -> str:
        """Return the first agent ("" where none is known)."""
        return self.agents[0] if self.agents else ""

    @property
    def is_closed(self) -> bool:
        """Return whether it is over."""
        return self.state is IncidentState.CLOSED

    @property
    def crowd(self) -> str:
        """Return the key of the live incidents of its kind and operator."""
        return crowd_key(self.kind, self.operator, let_itself_in=self.let_itself_in)

    def links(self) -> tuple[Link, ...]:
        """Index by key, agent and operator, and globally; until closed also among the live ones."""
        links = [
            Link("incident.all", "", self.opened_at),
            Link("incident.key", self.key, self.opened_at),
            *(Link("incident.agent", one, self.opened_at) for one in self.agents),
        ]
        if self.operator:
            links.append(Link("incident.operator", self.operator, self.opened_at))
        if not self.is_closed:
            links.append(Link("incident.live", "", self.opened_at))
            links.append(Link("incident.crowd", self.crowd, self.opened_at))
        return tuple(links)


def crowd_key(kind: IncidentKind, operator: str, *, let_itself_in: bool = False) -> str:
    """Return the key under which live incidents of one kind and operator are counted.

    ⚔ Agents that let themselves in choose their operator, so that all of them are one crowd.
    """
    return f"{kind} *" if let_itself_in else f"{kind} {operator or '-'}"


def opened_incident(cause: IncidentCause, *, incident_id: str, now: Instant) -> IncidentRecord:
    """Return a new incident of a cause."""
    return IncidentRecord(
        id=incident_id,
        kind=cause.kind,
        detail=cause.detail,
        severity=cause.severity,
        state=IncidentState.OPEN,
        key=cause.key,
        opened_at=now,
        last_at=now,
        agents=_more((), cause.agent),
        operator=cause.operator,
        customers=_more((), cause.customer),
        cases=_more((), cause.case),
        tasks=_more((), cause.task),
        ended=_more((), *cause.ended),
        let_itself_in=cause.let_itself_in,
    )


def takes(incident: IncidentRecord, now: Instant) -> bool:
    """Return whether a cause of this moment joins an incident of its key."""
    return not incident.is_closed and now - incident.last_at <= WINDOW_MS


def joined_incident(incident: IncidentRecord, cause: IncidentCause, *, now: Instant) -> IncidentRecord:
    """Return an incident with one more cause; its severity only rises, and its owner stays."""
    rises = RANKS[cause.severity] > RANKS[incident.severity]
    return replace(
        incident,
        severity=cause.severity if rises else incident.severity,
        detail=cause.detail if rises else incident.detail,
        last_at=now,
        count=incident.count + 1,
        agents=_more(incident.agents, cause.agent),
        operator=incident.operator or cause.operator,
        customers=_more(incident.customers, cause.customer),
        cases=_more(incident.cases, cause.case),
        tasks=_more(incident.tasks, cause.task),
        ended=_more(incident.ended, *cause.ended),
    )


def with_ended(incident: IncidentRecord, ended: str) -> IncidentRecord:
    """Return an incident from which something was stopped."""
    return replace(incident, ended=_more(incident.ended, ended))


def _more(known: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """Return a bounded list with more names, each once; the first one stays, and then the newest do."""
    found = tuple(dict.fromkeys((*known, *(name for name in names if name))))
    return found if len(found) <= MAX_NAMED else (found[0], *found[-MAX_NAMED + 1 :])


class DeliveryEvent(StrEnum):
    """The changes of an incident that are told outside."""

    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    OPENED = "opened"
    RAISED = "raised"
    RELEASED = "released"


@struct(frozen=True, kw_only=True)
class DeliveryRecord:
    """A pending message about an incident to one receiver of the settings, `to`, as the incident was at `at`.

    ⚔ It names agents and operators; a customer's id only where the settings say so, and no text of a person. A sender
    first moves `due_at` on, which claims it. `number` orders those of one incident.
    """

    KIND: ClassVar[str] = "delivery"
    id: str
    to: str
    incident: str
    event: DeliveryEvent
    number: int
    at: Instant
    due_at: Instant
    until: Instant
    """The end of all retries."""
    kind: IncidentKind
    detail: str
    severity: Severity
    state: IncidentState
    opened_at: Instant
    count: int
    agent: str
    agent_name: str
    operator: str
    task: str
    case: str
    resolution: str = ""
    customers: tuple[str, ...] = ()
    tries: int = 0

    @property
    def line(self) -> str:
        """Return the key of the messages that must arrive in order."""
        return f"{self.to} {self.incident}"

    def links(self) -> tuple[Link, ...]:
        """Index by due time, by receiver, and in the order of its incident."""
        return (
            Link("due.delivery", "", self.due_at),
            Link("delivery.line", self.line, self.number),
            Link("delivery.to", self.to, self.at),
        )
