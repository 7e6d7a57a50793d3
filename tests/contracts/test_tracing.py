"""What every plug for traces promises, and what the one over OpenTelemetry keeps."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from remit.adapters.tracing.off import NoTracing
from remit.adapters.tracing.otel import OtelTracing
from remit.domain.errors import Code, Fault, Refused
from remit.ports.tracing import SpanAttribute, SpanName, Tracing

TRACE, ABOVE = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PROXY = f"00-{TRACE}-{ABOVE}-01"


class Kept(SpanExporter):
    """A collector in memory."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def otel(kept: SpanExporter, **changed: Any) -> OtelTracing:
    given = {"endpoint": "", "node": "n", "version": "1", "sample_percent": 100, "trusts_callers": False, "exporter": kept}
    return OtelTracing(**(given | changed))


PLUGS: dict[str, Callable[[], Tracing]] = {"off": NoTracing, "otel": lambda: otel(Kept())}


@pytest.fixture(params=list(PLUGS))
def tracing(request: pytest.FixtureRequest) -> Iterator[Tracing]:
    plug = PLUGS[request.param]()
    yield plug
    plug.close()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def nothing() -> str:
    return ""


def arrive(plug: Tracing, said: str = "", method: str = "POST") -> Any:
    return plug.start_request(traceparent=lambda: said, door="agents", method=method)


def test_what_goes_on_inside_a_span_goes_on_as_without_it(tracing: Tracing) -> None:
    with arrive(tracing), tracing.step(SpanName.RULES):
        tracing.note(SpanAttribute.CODE, "params.invalid")
    for error in (Refused(Code.PARAMS_INVALID, "x"), Fault(Code.FAULT_STORE), ValueError("x")):
        with pytest.raises(type(error)) as raised, arrive(tracing), tracing.step(SpanName.ACT):
            raise error
        assert raised.value is error


def test_a_step_or_a_word_outside_a_request_is_nothing(tracing: Tracing) -> None:
    with tracing.step(SpanName.RECORD):
        tracing.note(SpanAttribute.OUTCOME, "done")


def test_closing_twice_is_nothing(tracing: Tracing) -> None:
    tracing.close()
    tracing.close()
    with arrive(tracing), tracing.step(SpanName.RECORD):
        tracing.note(SpanAttribute.OUTCOME, "done")


def test_steps_lie_below_the_request_they_are_part_of_also_when_requests_run_side_by_side(kept: Kept) -> None:
    plug = otel(kept)

    async def one(door: str) -> None:
        with plug.start_request(traceparent=nothing, door=door, method="POST"):
            await asyncio.sleep(0)
            with plug.step(SpanName.STANDING):
                await asyncio.sleep(0)
            with plug.step(SpanName.RECORD):
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(one("agents"), one("oauth"))

    asyncio.run(both())
    plug.close()
    roots = [span for span in kept.spans if span.parent is None]
    assert {span.attributes[SpanAttribute.DOOR] for span in roots if span.attributes} == {"agents", "oauth"}
    assert len({span.context.trace_id for span in roots}) == 2
    for root in roots:
        below = [span.name for span in kept.spans if span.parent is not None and span.parent.span_id == root.context.span_id]
        assert below == ["remit.standing", "remit.record"]


def test_a_step_outside_a_request_is_kept_nowhere(kept: Kept) -> None:
    plug = otel(kept)
    with plug.step(SpanName.RECORD):
        plug.note(SpanAttribute.OUTCOME, "done")
    plug.close()
    assert kept.spans == []


def test_of_what_an_exception_says_its_code_alone_is_kept(kept: Kept) -> None:
    plug = otel(kept)
    for error in (Refused(Code.PARAMS_INVALID, "planted-1"), Fault(Code.FAULT_STORE, "planted-2"), ValueError("planted-3")):
        with pytest.raises(type(error)), arrive(plug):
            raise error
    plug.close()
    assert [span.status.status_code for span in kept.spans] == [StatusCode.UNSET, StatusCode.ERROR, StatusCode.ERROR]
    assert [(span.attributes or {}).get(SpanAttribute.CODE) for span in kept.spans] == ["params.invalid", "fault.store", None]
    assert "planted" not in "".join(span.to_json() for span in kept.spans)


def test_a_method_that_nobody_knows_is_not_kept_as_it_came(kept: Kept) -> None:
    plug = otel(kept)
    with arrive(plug, method="PLANTED"):
        pass
    plug.close()
    assert [(span.attributes or {})[SpanAttribute.METHOD] for span in kept.spans] == ["_OTHER"]


@pytest.mark.parametrize("sampled", ["00", "01"])
def test_a_callers_trace_is_not_joined_and_its_choice_of_sampling_not_taken(kept: Kept, sampled: str) -> None:
    plug = otel(kept)
    with arrive(plug, f"00-{TRACE}-{ABOVE}-{sampled}"):
        pass
    plug.close()
    (span,) = kept.spans
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


def test_a_trusted_proxys_trace_is_joined_and_its_choice_of_sampling_taken(kept: Kept) -> None:
    plug = otel(kept, trusts_callers=True, sample_percent=1)
    with arrive(plug, PROXY), plug.step(SpanName.RULES):
        pass
    with arrive(plug, PROXY[:-1] + "0"), plug.step(SpanName.RULES):
        pass
    plug.close()
    step, door = kept.spans
    assert (step.name, door.name) == ("remit.rules", "remit.door")
    assert door.parent is not None
    assert f"{door.context.trace_id:032x} {door.parent.span_id:016x}" == f"{TRACE} {ABOVE}"


@pytest.mark.parametrize(
    "said", ["", "x", PROXY.upper(), f"{PROXY}-", f"ff{PROXY[2:]}", f"00-{'0' * 32}-{ABOVE}-01", f"00-{TRACE}-{'0' * 16}-01", PROXY * 2]
)
def test_what_is_no_trace_begins_a_new_one_also_from_a_trusted_proxy(kept: Kept, said: str) -> None:
    plug = otel(kept, trusts_callers=True)
    with arrive(plug, said):
        pass
    plug.close()
    assert [span.parent for span in kept.spans] == [None]


def test_a_collector_that_never_answers_holds_up_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    class Stuck(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            del spans
            never.wait()
            return SpanExportResult.SUCCESS

    monkeypatch.setattr("remit.adapters.tracing.otel._SEND_S", 0.05)
    plug = otel(Stuck())
    with arrive(plug):
        pass
    plug.close()
    assert not never.is_set()
    never.set()


def test_a_node_says_who_it_is_and_nothing_of_its_environment(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "planted=1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    plug = otel(kept, node="host-1-ab12", version="9")
    with arrive(plug):
        pass
    plug.close()
    (span,) = kept.spans
    assert dict(span.resource.attributes) == {"service.name": "remit", "service.version": "9", "service.instance.id": "host-1-ab12"}
