"""Incidents as OCSF Detection Findings."""

from collections.abc import Mapping
from typing import Final

from remit.domain.incidents.records import DeliveryEvent, DeliveryRecord, IncidentState, Resolution, Severity
from remit.domain.incidents.shapes import values_of
from remit.domain.values import Json, JsonObject

VERSION: Final = "1.5.0"
_CLASS: Final = 2004
_ACTIVITIES: Final[Mapping[DeliveryEvent, tuple[int, str]]] = {
    DeliveryEvent.OPENED: (1, "Create"),
    DeliveryEvent.RAISED: (2, "Update"),
    DeliveryEvent.ACKNOWLEDGED: (2, "Update"),
    DeliveryEvent.RELEASED: (2, "Update"),
    DeliveryEvent.CLOSED: (3, "Close"),
}
_SEVERITIES: Final[Mapping[Severity, tuple[int, str]]] = {
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
}
_STATES: Final[Mapping[IncidentState, tuple[int, str]]] = {
    IncidentState.OPEN: (1, "New"),
    IncidentState.ACKNOWLEDGED: (2, "In Progress"),
    IncidentState.CLOSED: (4, "Resolved"),
}
_SUPPRESSED: Final = (3, "Suppressed")
"""The status of a false alarm."""


def detection_finding(told: DeliveryRecord, *, desk: str, product_version: str) -> JsonObject:
    """Return a message about an incident as a Detection Finding.

    Source: OCSF 1.5.0, class 2004 (`finding_info`, `metadata`, `resources`, statuses of findings).
    """
    values = values_of(told, desk=desk)
    activity, activity_name = _ACTIVITIES[told.event]
    severity, severity_name = _SEVERITIES[told.severity]
    status, status_name = _SUPPRESSED if told.resolution == Resolution.FALSE_ALARM else _STATES[told.state]
    resources: list[Json] = []
    if told.agent:
        resources.append(
            {
                "uid": values["agent"],
                "name": values["agent_name"],
                "type": "agent",
                **({"group": {"name": values["operator"]}} if told.operator else {}),
            }
        )
    resources.extend({"uid": one, "type": "customer"} for one in told.customers)
    return {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "type_uid": _CLASS * 100 + activity,
        "type_name": f"Detection Finding: {activity_name}",
        "time": told.at,
        "start_time": told.opened_at,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "is_alert": told.event in {DeliveryEvent.OPENED, DeliveryEvent.RAISED},
        "message": values["summary"],
        "count": told.count,
        "metadata": {
            "version": VERSION,
            "uid": told.id,
            "log_name": "incidents",
            "product": {"name": "Remit", "vendor_name": "Remit", "version": product_version},
        },
        "finding_info": {
            "uid": told.incident,
            "title": values["title"],
            "types": [told.kind.value],
            "created_time": told.opened_at,
            "modified_time": told.at,
            "src_url": values["page"],
            "analytic": {"type_id": 1, "type": "Rule", "name": f"{told.kind.value} {told.detail}".strip()},
        },
        **({"resources": resources} if resources else {}),
        "unmapped": {name: values[name] for name in ("desk", "detail", "resolution", "task", "case") if values[name]},
    }
