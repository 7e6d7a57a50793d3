"""Somebody who reads the traces, or wants to steer them: spans say how long what took, never for whom, and no caller joins one."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from attacks.arena import SEND_BACK, SHOP, Arena, code_of, open_arena
from remit.ports.tracing import SpanAttribute, SpanName

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAID = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"
ASKED: dict[str, str] = {
    "door": "the door a request comes in by",
    "identity": "prove",
    "standing": "standing",
    "rules": "rules, words",
    "policy": "policies",
    "record": "record",
    "act": "act",
    "outcome": "outcome",
}


class Kept(SpanExporter):
    """A collector in memory, in place of one that is reached over HTTP."""

    spans: ClassVar[list[ReadableSpan]] = []

    def __init__(self, **_: Any) -> None:
        self.spans.clear()

    def export(self, spans: Any) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def traced(monkeypatch: pytest.MonkeyPatch, **telemetry: Any) -> Iterator[Arena]:
    monkeypatch.setattr("remit.adapters.tracing.otel.OTLPSpanExporter", Kept)
    with open_arena(settings={"telemetry": {"otlp_endpoint": "http://localhost:4318", **telemetry}}) as one:
        yield one


@pytest.fixture
def arena(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Arena]:
    yield from traced(monkeypatch, **getattr(request, "param", {}))


def spans(arena: Arena) -> list[ReadableSpan]:
    """Everything that was kept."""
    arena.context.tracing.close()
    return list(Kept.spans)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.proves("TRACES-SILENT")
def test_an_ask_leaves_its_steps_in_their_order_below_the_door(arena: Arena) -> None:
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": "correct-order", "target": {"order": ["W1"]}},
        "powers": [
            {"power": "represent"},
            {"power": "request", "actions": ["order.change_address"], "uses": 3, "where": {"address": {"equals": "New Street 1"}}},
        ],
    }
    task = arena.task(wanted)
    answer = arena.ask(task, "order.change_address", {"order_id": "W1", "address": "New Street 1"})
    assert answer.json()["outcome"] == "done"
    kept = spans(arena)
    (door,) = [span for span in kept if attributes(span).get(SpanAttribute.REQUEST) == answer.headers["x-request-id"]]
    below = sorted(
        (span for span in kept if span.context.trace_id == door.context.trace_id and span is not door),
        key=lambda span: span.start_time or 0,
    )
    names = [span.name.removeprefix("remit.") for span in below]
    assert [name for place, name in enumerate(names) if name not in names[:place]] == [step for step in ASKED if step != "door"]
    assert set(ASKED) == {step.value for step in SpanName}
    assert attributes(door) == {
        "remit.door": "agents",
        "remit.request": answer.headers["x-request-id"],
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "remit.decision": "permit",
        "remit.area": "routine",
        "remit.outcome": "done",
    }


@pytest.mark.proves("TRACES-SILENT")
def test_spans_say_nothing_of_who_asks_for_whom_or_of_what(arena: Arena) -> None:
    task = arena.sent_back()
    planted = [
        "anna",
        "W1",
        "i1",
        "pm_1",
        SHOP,
        "helper.example",
        "return-item",
        "order.return",
        task.id,
        task.case,
        task.token,
        arena.anna.cookie,
    ]
    reply = task.ask("order.return", SEND_BACK, words="The lamp is broken, please take it back. Planted words.")
    arena.anna.decline(reply)
    arena.ask(task, "planted.action", {"planted": "planted"}, words="planted")
    arena.room.raw(
        "GET", "/planted/path?planted=1", check=False, headers={"user-agent": "planted", "baggage": "planted=1", "tracestate": "planted=1"}
    )

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted " + " ".join(planted))

    arena.backoffice.facts = broken  # type: ignore[method-assign]
    assert code_of(arena.ask(task, "order.return", SEND_BACK)) == "fault.internal"
    told = " ".join(span.to_json(indent=None) for span in spans(arena))
    for span in Kept.spans:  # made at random, they may hold two letters of anything
        told = told.replace(str(attributes(span).get(SpanAttribute.REQUEST)), "")
    for one in [*planted, reply.ask, "Planted", "planted", "broken"]:
        assert one not in told, one
    kept = Kept.spans
    assert {name for span in kept for name in attributes(span)} <= {fact.value for fact in SpanAttribute}
    assert {span.name for span in kept} <= {f"remit.{step.value}" for step in SpanName}
    assert not any(span.events or span.links for span in kept)
    assert all(
        isinstance(value, int) or re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", value) for span in kept for value in attributes(span).values()
    )


@pytest.mark.proves("TRACES-UNSTEERED")
def test_no_caller_joins_a_trace_or_chooses_what_is_kept(arena: Arena) -> None:
    for said in (SAID, UNSAMPLED):
        arena.room.raw("GET", "/me", headers={"traceparent": said}, check=False)
    kept = [span for span in spans(arena) if attributes(span).get(SpanAttribute.DOOR) == "pages"]
    assert [span.parent for span in kept] == [None, None]
    assert not {f"{span.context.trace_id:032x}" for span in kept} & {TRACE}


@pytest.mark.proves("TRACES-UNSTEERED")
@pytest.mark.parametrize("arena", [{"trust_traceparent": True, "sample_percent": 1}], indirect=True)
def test_a_proxy_of_our_own_does_where_a_setting_says_so(arena: Arena) -> None:
    for said in (SAID, UNSAMPLED):
        arena.room.raw("GET", "/me", headers={"traceparent": said}, check=False)
    pair = [("traceparent", SAID), ("traceparent", SAID), ("host", "localhost")]
    arena.pairs("GET", "/desk", pair)
    kept = [span for span in spans(arena) if f"{span.context.trace_id:032x}" == TRACE]
    assert [f"{span.parent.span_id:016x}" for span in kept if span.parent is not None] == ["00f067aa0ba902b7"]


@pytest.mark.proves("TRACES-SILENT")
def test_health_and_what_runs_beside_the_doors_are_traced_nowhere(arena: Arena) -> None:
    arena.task()
    spans_before = len(Kept.spans)
    for path in ("/healthz", "/readyz", "/metrics"):
        arena.room.raw("GET", path)
    arena.run(arena.desk.desk.jobs.round())  # type: ignore[union-attr]
    kept = spans(arena)
    assert all(span.parent is not None or span.name == "remit.door" for span in kept)
    assert "public" not in {attributes(span).get(SpanAttribute.DOOR) for span in kept[spans_before:]}
