"""Traces over OpenTelemetry: spans of a request and its steps, sent to a collector by a thread (OTLP over HTTP).

Needs the extra `otel`; only `wiring` imports it, and only where the settings name a collector.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Thread
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Tracer as OtelTracer

from remit.domain.errors import Fault, Refused
from remit.ports.tracing import SpanAttribute, SpanName

_PARENT: Final = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})", re.ASCII)
"""Version 00 of W3C Trace Context §3.2; other trace headers (tracestate, baggage) are ignored."""
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SEND_S: Final = 5.0
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


class OtelTracing:
    """Tracing port over OpenTelemetry's SDK. Not global: other libraries of the process send nothing.

    ⚔ With `trusts_callers` a request's `traceparent` counts, its sampling included: for a desk behind own proxies that
    rewrite this header. Else any caller could steer sampling, and join other traces.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        node: str,
        version: str,
        sample_percent: int,
        trusts_callers: bool,
        exporter: SpanExporter | None = None,
    ) -> None:
        """Start sending. `exporter` is for tests; without it spans go to the collector at `endpoint`."""
        ours = TraceIdRatioBased(sample_percent / 100)
        # Resources and samplers of the environment are ignored: the content of spans is decided here.
        resource = Resource({"service.name": "remit", "service.version": version, "service.instance.id": node})
        self._provider = TracerProvider(sampler=ParentBased(ours), resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint, timeout=_SEND_S))
        )
        self._tracer: OtelTracer = self._provider.get_tracer("remit", version)
        self._trusts_callers = trusts_callers
        self._open: ContextVar[Span | None] = ContextVar("remit_span", default=None)

    @contextmanager
    def start_request(self, *, traceparent: Callable[[], str], door: str, method: str) -> Iterator[None]:
        """Open the span of a request: the root of its trace, or a child of a trusted proxy's."""
        above = _above(traceparent()) if self._trusts_callers else None
        span = self._start(SpanName.DOOR, above, SpanKind.SERVER)
        _say(span, SpanAttribute.DOOR, door)
        _say(span, SpanAttribute.METHOD, method if method in _METHODS else "_OTHER")
        with self._within(span):
            yield

    def step(self, step: SpanName) -> AbstractContextManager[None]:
        """Open the span of a step, below the open one."""
        above = self._open.get()
        return (
            _NOTHING
            if above is None or not above.is_recording()
            else self._within(self._start(step, above, SpanKind.INTERNAL))
        )

    def note(self, fact: SpanAttribute, value: str | int) -> None:
        """Set an attribute of the open span."""
        span = self._open.get()
        if span is not None:
            _say(span, fact, value)

    def close(self) -> None:
        """Flush for some seconds at most: a collector that is down delays no stop."""
        sending = Thread(target=self._provider.shutdown, name="remit-traces", daemon=True)
        sending.start()
        sending.join(_SEND_S)

    def _start(self, step: SpanName, above: Span | None, kind: SpanKind) -> Span:
        # ⚔ Under a context of its own: no span of another library in this process ever becomes its parent.
        context = Context() if above is None else set_span_in_context(above, Context())
        return self._tracer.start_span(f"remit.{step.value}", context, kind)

    @contextmanager
    def _within(self, span: Span) -> Iterator[None]:
        """Run inside a span. ⚔ No text of an exception is kept: it may hold parts of the request."""
        before = self._open.set(span)
        try:
            yield
        except (Refused, Fault) as known:
            _say(span, SpanAttribute.CODE, known.code.value)
            if isinstance(known, Fault):
                span.set_status(Status(StatusCode.ERROR))
            raise
        except BaseException:
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            self._open.reset(before)
            span.end()


def _above(traceparent: str) -> Span | None:
    """Parse a proxy's span; None for anything malformed."""
    parent = _PARENT.fullmatch(traceparent)
    if parent is None:
        return None
    flags = TraceFlags(int(parent["flags"], 16) & 1)
    context = SpanContext(int(parent["trace"], 16), int(parent["span"], 16), is_remote=True, trace_flags=flags)
    return NonRecordingSpan(context) if context.is_valid else None


def _say(span: Span, fact: SpanAttribute, value: str | int) -> None:
    span.set_attribute(fact.value, value)
