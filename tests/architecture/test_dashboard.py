"""The dashboard and the alerts: they parse, speak of metrics that are emitted, of labels they have, and leave none out."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from architecture.sources import ROOT
from remit.entrypoints.ops.metrics import OTHER, Counter, Gauge, Histogram, Metrics
from remit.ports.world import ResourceUsage

FOLDER = ROOT / "docs" / "grafana"
DASHBOARD = json.loads((FOLDER / "remit.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
NAME = re.compile(r"\b(?:remit|process)_[a-z_]+\b")
SELECTED = re.compile(r"(?P<name>(?:remit|process)_[a-z_]+)\{(?P<labels>[^}]*)\}")
LABEL = re.compile(r'(?P<label>[a-z_]+)(?P<how>=~|!~|!=|=)"(?P<value>[^"]*)"')
OF_PROMETHEUS = {"job", "instance"}


class World:
    def ticks(self) -> float:
        return 0.0

    def now(self) -> int:
        return 0

    def random(self, size: int) -> bytes:
        return bytes(size)


METRICS = Metrics(World(), node="n", usage=lambda: ResourceUsage(0.0, 0))  # type: ignore[arg-type]
KNOWN: dict[str, Counter | Gauge | Histogram] = {one.name: one for one in METRICS.instruments()}  # type: ignore[misc]
EMITTED = set(re.findall(r"^# TYPE (\S+) ", METRICS.text(limited={}).decode(), re.MULTILINE))


def of(name: str) -> str:
    """The metric that a series belongs to."""
    return next((name.removesuffix(part) for part in ("_bucket", "_sum", "_count") if name.removesuffix(part) in KNOWN), name)


def panels() -> Iterator[Mapping[str, Any]]:
    yield from (one for one in DASHBOARD["panels"] if one["type"] != "row")


def queries() -> list[str]:
    return [target["expr"] for one in panels() for target in one["targets"]]


EXPRESSIONS = [*queries(), *(rule["expr"] for rule in RULES)]


def test_every_metric_is_on_the_dashboard_and_everything_on_it_is_emitted() -> None:
    shown = {of(name) for query in queries() for name in NAME.findall(query)}
    assert shown == EMITTED


def test_alerts_speak_of_metrics_that_are_emitted() -> None:
    assert {of(name) for rule in RULES for name in NAME.findall(rule["expr"])} <= EMITTED


@pytest.mark.parametrize("query", EXPRESSIONS)
def test_what_is_selected_and_grouped_by_are_labels_and_values_that_there_are(query: str) -> None:
    assert query.count("(") == query.count(")")
    named = NAME.findall(query)
    for name, inside in SELECTED.findall(query):
        labels = KNOWN[of(name)].labels if of(name) in KNOWN else {}
        for label, how, value in LABEL.findall(inside):
            assert label in labels or label in OF_PROMETHEUS, (name, label)
            if label in labels and how in {"=", "!="}:
                assert value in labels[label] | {OTHER}, (name, label, value)
            if label in labels and how in {"=~", "!~"}:
                assert any(re.fullmatch(value, known) for known in labels[label]), (name, label, value)
    groups = {label.strip() for inside in re.findall(r"\bby \(([^)]*)\)", query) for label in inside.split(",")}
    allowed = {label for name in named if of(name) in KNOWN for label in KNOWN[of(name)].labels} | OF_PROMETHEUS | {"le"}
    assert groups <= allowed


@pytest.mark.parametrize("query", EXPRESSIONS)
def test_counters_are_shown_by_how_they_grow_and_gauges_as_they_are(query: str) -> None:
    for name in NAME.findall(query):
        kind = KNOWN.get(of(name))
        grows = bool(re.search(rf"\b(?:rate|increase)\({name}\b", query))
        if isinstance(kind, Counter | Histogram) or name == "process_cpu_seconds_total":
            assert grows, name
        else:
            assert not grows, name


def test_panels_have_a_title_words_of_their_own_and_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for one in DASHBOARD["panels"]:
        place = one["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, one["title"]
        taken |= cells
        assert one["title"]
        assert one["type"] == "row" or one["description"].endswith("."), one["title"]
    assert len({one["id"] for one in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert DASHBOARD["uid"]
    assert DASHBOARD["schemaVersion"] >= 39
    assert {one["name"] for one in DASHBOARD["templating"]["list"]} == {"source", "job"}


def test_alerts_say_what_is_wrong_and_what_to_look_at() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert re.fullmatch(r"Remit[A-Za-z]+", rule["alert"])
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values())
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


def test_every_alert_and_every_metric_is_in_the_operators_page() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert sorted(name for name in EMITTED if f"`{name}`" not in page and f"`{name}{{" not in page) == []
    assert [rule["alert"] for rule in RULES if rule["alert"] not in page] == []
