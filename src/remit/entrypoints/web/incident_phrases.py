"""Phrases about incidents: their kinds, severity, states, and the events in their time line."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked

KINDS: Final[Mapping[str, str]] = {
    "canary": marked("Canary (decoy value)"),
    "contest": marked("Dispute"),
    "credential": marked("Misused sign-in"),
    "disowned": marked("“This wasn't me”"),
    "leak": marked("Leaked secret"),
    "native_reply": marked("Unchecked reply"),
    "override_objected": marked("Objection to a reply"),
    "risk": marked("Suspicious behavior"),
}
"""The kinds, for a choice."""
SEVERITIES: Final[Mapping[str, str]] = {"high": marked("High"), "medium": marked("Medium"), "low": marked("Low")}
LOOKS: Final[Mapping[str, str]] = {"high": "no", "medium": "wait", "low": ""}
STATES: Final[Mapping[str, str]] = {
    "open": marked("Open"),
    "acknowledged": marked("In progress"),
    "closed": marked("Closed"),
}
RESOLUTIONS: Final[Mapping[str, str]] = {
    "resolved": marked("Resolved"),
    "false_alarm": marked("False alarm"),
}
ENDED: Final[Mapping[str, str]] = {
    "agent": marked("Agent stopped: {name}"),
    "customer": marked("Everything stopped for customer {name}"),
    "mandate": marked("Permission revoked: {name}"),
    "objective": marked("Purpose stopped: {name}"),
    "operator": marked("All agents of {name} stopped"),
    "request": marked("Permission request cancelled: {name}"),
    "task": marked("Task ended: {name}"),
}
"""What was ended for an incident, by its kind."""
OPENED: Final = marked("Incident opened.")
TAKEN: Final = marked("{name} is working on it.")
GIVEN: Final = marked("{by} assigned it to {name}.")
RELEASED: Final = marked("{by} removed the owner.")
NOTED: Final = marked("Note by {by}")
CLOSED: Final = marked("{by} closed the incident: {resolution}.")
STOPPED: Final[Mapping[str, str]] = {
    "agent": marked("{by} stopped the agent {name}."),
    "customer": marked("{by} stopped everything for a customer."),
    "objective": marked("{by} stopped the purpose {name}."),
    "operator": marked("{by} stopped all agents of {name}."),
}
DECIDED: Final[Mapping[str, str]] = {
    "allowed": marked("allowed"),
    "blocked": marked("blocked"),
    "waiting": marked("waiting for approval"),
    "declined": marked("declined or expired"),
}
TASK_STATES: Final[Mapping[str, str]] = {"open": marked("running"), "held": marked("on hold for review")}
