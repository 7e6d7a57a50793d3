"""Incidents: which causes join one, how urgent it becomes, and under which keys it is found."""

from typing import Any

import pytest

from remit.domain.incidents.records import (
    MAX_NAMED,
    SEVERITIES,
    WINDOW_MS,
    DeliveryEvent,
    DeliveryRecord,
    IncidentCause,
    IncidentKind,
    IncidentState,
    Severity,
    joined_incident,
    opened_incident,
    risk_of_task,
    severity_of,
    takes,
    with_ended,
)
from remit.domain.records import TaskRecord, TaskState
from remit.domain.structs import replace
from remit.domain.values import Instant

AT, LATER = Instant(1_000), Instant(2_000)
AGENT = "spiffe://helper.example/shop"


def cause(**members: Any) -> IncidentCause:
    given: dict[str, Any] = {
        "kind": IncidentKind.LEAK,
        "detail": "request",
        "agent": AGENT,
        "operator": "helper.example",
        "customer": "anna",
        "case": "c1",
    }
    return IncidentCause(**{**given, "task": "t1", **members})


OPEN = opened_incident(cause(), incident_id="inc_1", now=AT)


def keys(incident: Any) -> set[tuple[str, str]]:
    return {(link.name, link.key) for link in incident.links()}


def test_an_incident_is_found_by_its_agents_its_operator_and_among_the_live_ones() -> None:
    always = {
        ("incident.all", ""),
        ("incident.key", f"leak {AGENT}"),
        ("incident.agent", AGENT),
        ("incident.operator", "helper.example"),
    }
    assert keys(OPEN) == always | {("incident.live", ""), ("incident.crowd", "leak helper.example")}
    closed = replace(OPEN, state=IncidentState.CLOSED, closed_at=LATER)
    assert closed.is_closed
    assert keys(closed) == always


def test_where_no_agent_is_known_the_customer_joins_causes() -> None:
    unknown = cause(agent="", operator="")
    assert (unknown.key, cause(agent="", customer="").key) == ("leak anna", "leak -")
    opened = opened_incident(unknown, incident_id="inc_2", now=AT)
    assert (opened.agent, opened.agents) == ("", ())
    assert not {name for name, _ in keys(opened)} & {"incident.agent", "incident.operator"}


def test_agents_that_let_themselves_in_are_one_crowd_whatever_operator_they_name() -> None:
    """⚔ A flood under a thousand made-up operators is one flood."""
    crowds = {cause(operator=f"o{number}.example", let_itself_in=True).crowd for number in range(3)}
    assert crowds == {"leak *"}
    assert opened_incident(cause(let_itself_in=True), incident_id="inc_3", now=AT).crowd == "leak *"
    assert {cause(operator=name).crowd for name in ("a.example", "")} == {"leak a.example", "leak -"}


@pytest.mark.parametrize("kind", list(IncidentKind))
def test_a_kind_has_a_severity_whatever_its_detail(kind: IncidentKind) -> None:
    assert severity_of(kind, "of a later Remit") is SEVERITIES[kind, ""]


def test_severity_only_rises() -> None:
    """⚔ A trifle after a leak must not bury it."""
    raised = joined_incident(OPEN, cause(detail="credential"), now=LATER)
    assert (OPEN.severity, raised.severity, raised.detail) == (Severity.LOW, Severity.MEDIUM, "credential")
    again = joined_incident(replace(raised, owner="olga"), cause(task="t2", agent="other"), now=Instant(3_000))
    assert (again.severity, again.detail, again.owner) == (Severity.MEDIUM, "credential", "olga")
    assert (again.count, again.last_at, again.agents, again.tasks) == (3, 3_000, (AGENT, "other"), ("t1", "t2"))


def test_a_cause_joins_until_the_incident_is_closed_or_quiet_for_a_while() -> None:
    assert takes(OPEN, Instant(AT + WINDOW_MS))
    assert not takes(OPEN, Instant(AT + WINDOW_MS + 1))
    assert not takes(replace(OPEN, state=IncidentState.CLOSED), LATER)


def test_the_first_one_stays_named_and_then_the_newest_do() -> None:
    """⚔ A flood neither fills the record nor hides who began."""
    incident = OPEN
    for number in range(MAX_NAMED + 5):
        incident = joined_incident(incident, cause(agent=f"a{number}", task="t1"), now=LATER)
    assert len(incident.agents) == MAX_NAMED
    assert (incident.agent, incident.agents[-1]) == (AGENT, f"a{MAX_NAMED + 4}")
    assert incident.tasks == ("t1",)
    assert incident.count == MAX_NAMED + 6


def test_what_was_stopped_for_it_is_listed_once() -> None:
    ended = with_ended(with_ended(OPEN, "task t1"), "task t1")
    assert joined_incident(ended, cause(ended=("mandate m1", "task t1")), now=LATER).ended == ("task t1", "mandate m1")


def test_a_task_held_or_ended_for_its_risk_is_a_cause_with_all_its_parties() -> None:
    task = TaskRecord(
        id="t1", mandate="m1", root="m1", customer="anna", objective="return-item", case="c1", state=TaskState.HELD, opened_at=AT,
        ends_at=LATER, client_id=AGENT, actor=AGENT, operator="helper.example", jkt="k",
    )  # fmt: skip
    held, ended = risk_of_task(task, "held"), risk_of_task(task, "ended", ended=("task t1",))
    assert (held.agent, held.operator, held.customer, held.case, held.task) == (AGENT, "helper.example", "anna", "c1", "t1")
    assert (held.severity, ended.severity, ended.ended) == (Severity.MEDIUM, Severity.HIGH, ("task t1",))
    assert held.key == ended.key


def test_messages_about_one_incident_reach_a_receiver_in_order() -> None:
    message = DeliveryRecord(
        id="d", to="pager", incident="inc_1", event=DeliveryEvent.RAISED, number=3, at=AT, due_at=LATER, until=LATER,
        kind=OPEN.kind, detail="", severity=OPEN.severity, state=OPEN.state, opened_at=AT, count=1, agent=AGENT, agent_name="Helper",
        operator="helper.example", task="t1", case="c1",
    )  # fmt: skip
    found = {(link.name, link.key, link.at) for link in message.links()}
    assert found == {("due.delivery", "", LATER), ("delivery.line", "pager inc_1", 3), ("delivery.to", "pager", AT)}
    assert replace(message, to="siem").line != message.line
