"""The shapes of messages about incidents, as data, and OCSF's own."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from remit.domain.incidents.ocsf import VERSION, detection_finding
from remit.domain.incidents.records import (
    MAX_NAMED,
    DeliveryEvent,
    DeliveryRecord,
    IncidentCause,
    IncidentKind,
    IncidentState,
    Severity,
    joined_incident,
    opened_incident,
    severity_of,
)
from remit.domain.incidents.shapes import SHAPES, VALUES, shape_of, shaped, values_of
from remit.domain.structs import replace
from remit.domain.values import Instant

NOW = Instant(1_790_000_000_000)
TOLD = DeliveryRecord(
    id="msg_1",
    to="soc",
    incident="inc_1",
    event=DeliveryEvent.OPENED,
    number=1,
    at=NOW,
    due_at=NOW,
    until=NOW,
    kind=IncidentKind.LEAK,
    detail="token",
    severity=Severity.HIGH,
    state=IncidentState.OPEN,
    opened_at=NOW,
    count=3,
    agent="spiffe://helper.example/shop",
    agent_name="Helper",
    operator="helper.example",
    task="task_1",
    case="case_1",
)
DESK = "https://support.acme.example"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_built_in_shape_fills_every_place(name: str) -> None:
    body = json.dumps(shaped(shape_of(SHAPES[name]), TOLD, desk=DESK, key="k"))
    assert "{" + "}" not in body
    assert not [one for one in VALUES if f"{{{one}}}" in body]


def test_a_place_alone_keeps_its_number() -> None:
    shape = shape_of({"body": {"n": "{count}", "t": "{count} times", "list": [1, None, "{kind}"]}})
    assert shaped(shape, TOLD, desk=DESK, key="") == {"n": 3, "t": "3 times", "list": [1, None, "leak"]}


def test_a_map_makes_a_value_of_its_own() -> None:
    shape = shape_of({"body": "{level}", "maps": {"level": {"of": "severity", "high": "P1"}}})
    assert shaped(shape, TOLD, desk=DESK, key="") == "P1"
    assert shaped(shape, replace(TOLD, severity=Severity.LOW), desk=DESK, key="") == ""


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        {},
        {"body": {}, "more": 1},
        {"body": "{nobody}"},
        {"body": {"deep": [{"er": "{customer_name}"}]}},
        {"body": "x", "escape": "html"},
        {"body": "x", "maps": []},
        {"body": "x", "maps": {"a": {"of": "agent"}}},
        {"body": "x", "maps": {"a": {"of": "event", "opened": 1}}},
    ],
)
def test_a_shape_that_is_none_is_refused(wanted: Any) -> None:
    with pytest.raises(ValueError, match=r"must|names|has"):
        shape_of(wanted)


def test_a_name_is_cut_and_shows_what_is_invisible() -> None:
    values = values_of(replace(TOLD, agent_name="a\u202eb" + "x" * 500), desk=DESK)
    assert "\u202e" not in str(values["summary"])
    assert len(str(values["agent_name"])) <= 120


def test_further_causes_raise_a_severity_and_never_lower_it_and_lists_stay_short() -> None:
    low = opened_incident(IncidentCause(kind=IncidentKind.LEAK, detail="request", agent="a"), incident_id="inc", now=NOW)
    high = joined_incident(low, IncidentCause(kind=IncidentKind.LEAK, detail="token", agent="a"), now=NOW)
    again = joined_incident(high, IncidentCause(kind=IncidentKind.LEAK, detail="request", agent="a"), now=NOW)
    assert [one.severity for one in (low, high, again)] == [Severity.LOW, Severity.HIGH, Severity.HIGH]
    for number in range(3 * MAX_NAMED):
        again = joined_incident(again, IncidentCause(kind=IncidentKind.LEAK, task=f"task_{number}", agent=f"a{number}"), now=NOW)
    assert len(again.tasks) == len(again.agents) == MAX_NAMED
    assert (again.agents[0], again.tasks[-1]) == ("a", f"task_{3 * MAX_NAMED - 1}")


def test_every_kind_has_a_severity() -> None:
    assert all(severity_of(kind, "") for kind in IncidentKind)


# OCSF, by its own schema

ROOT: Final = Path(__file__).resolve().parents[3]
SCHEMA: Final = Path(os.environ.get("OCSF_SCHEMA", ROOT / ".bench" / "ocsf-schema"))
TYPES: Final = {"integer_t": int, "long_t": int, "timestamp_t": int, "boolean_t": bool, "json_t": dict}


@cache
def schema(name: str) -> Any:
    """A file of the schema at our version, from a clone of github.com/ocsf/ocsf-schema."""
    if not SCHEMA.is_dir():
        pytest.skip(f"no schema of OCSF at {SCHEMA} (git clone https://github.com/ocsf/ocsf-schema)")
    ran = subprocess.run(["git", "-C", SCHEMA, "show", f"{VERSION}:{name}.json"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def attributes(name: str, folder: str) -> dict[str, Any]:
    """The attributes of a class or object with those it extends."""
    found = schema(f"{folder}/{name}")
    parent = found.get("extends")
    above: dict[str, Any] = {}
    if parent and parent != "object":
        above = attributes(parent, "objects" if folder == "objects" else "events" if parent == "base_event" else folder)
    own = {key: value for key, value in found["attributes"].items() if not key.startswith("$")}
    return above | {
        key: {**above.get(key, {}), **value, "enum": {**above.get(key, {}).get("enum", {}), **value.get("enum", {})}}
        for key, value in own.items()
    }


def wrong(value: dict[str, Any], name: str, folder: str, where: str = "") -> list[str]:
    """What is wrong with a value, by the schema."""
    known, types = attributes(name, folder), schema("dictionary")["attributes"]
    found = [f"{where}{key} is missing" for key, one in known.items() if one.get("requirement") == "required" and key not in value]
    found += [f"{where}{key} is unknown" for key in value if key not in known]
    for key, given in value.items():
        said = {**types.get(key, {}), **{part: own for part, own in known.get(key, {}).items() if part == "type"}}
        for one in given if said.get("is_array") else [given]:
            found += _mistyped(one, key, said.get("type", ""), where)
        enum = {**types.get(key, {}).get("enum", {}), **known.get(key, {}).get("enum", {})}
        if enum and key not in ("category_uid", "class_uid", "type_uid"):
            found += _misnamed(value, key, enum, str(said.get("sibling", "")), where)
    one_of = schema(f"{folder}/{name}").get("constraints", {}).get("at_least_one")
    return [*found, f"{where} has none of {one_of}"] if one_of and not set(one_of) & set(value) else found


def _mistyped(one: Any, key: str, kind: str, where: str) -> list[str]:
    """What is wrong with the type of one value."""
    if kind in TYPES:
        right = isinstance(one, TYPES[kind]) and (kind == "boolean_t" or not isinstance(one, bool))
    elif kind.endswith("_t"):
        right = isinstance(one, str)
    elif isinstance(one, dict):
        return [] if key == "unmapped" else wrong(one, kind, "objects", f"{where}{key}.")
    else:
        right = False
    return [] if right else [f"{where}{key} is no {kind}"]


def _misnamed(value: dict[str, Any], key: str, enum: dict[str, Any], label: str, where: str) -> list[str]:
    """What is wrong with a value out of a list, and with its caption beside it."""
    given = str(value[key])
    if given not in enum:
        return [f"{where}{key} has no value {given}"]
    caption = enum[given]["caption"]
    return [f"{where}{label} is not {caption}"] if label in value and value[label] != caption else []


@pytest.mark.parametrize("event", list(DeliveryEvent))
@pytest.mark.parametrize("changed", [{}, {"customers": ("c1",), "task": "", "case": ""}, {"agent": "", "agent_name": "", "operator": ""}])
def test_a_finding_is_one_by_the_schema_of_ocsf(event: DeliveryEvent, changed: dict[str, Any]) -> None:
    state = {DeliveryEvent.CLOSED: IncidentState.CLOSED, DeliveryEvent.ACKNOWLEDGED: IncidentState.ACKNOWLEDGED}
    told = replace(TOLD, event=event, state=state.get(event, IncidentState.OPEN), **changed)
    finding: Any = detection_finding(told, desk=DESK, product_version="1.0.0")
    assert wrong(finding, "detection_finding", "events/findings") == []
    assert finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"] == 200400 + finding["activity_id"]


def test_a_false_alarm_is_suppressed() -> None:
    told = replace(TOLD, event=DeliveryEvent.CLOSED, state=IncidentState.CLOSED, resolution="false_alarm")
    finding = detection_finding(told, desk=DESK, product_version="1.0.0")
    assert (finding["status_id"], finding["status"], finding["is_alert"]) == (3, "Suppressed", False)
