"""Assembly of a desk's observability: metrics, traces, and the status job."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from remit import __version__
from remit.adapters.store.highwater import probe_writable
from remit.adapters.store.instrumented import InstrumentedStore
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.tracing.off import NoTracing
from remit.adapters.world.system import node_name, usage
from remit.domain.catalogue.model import Action
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.ops.commit_metrics import CommitMetrics
from remit.entrypoints.ops.health import Health
from remit.entrypoints.ops.jobs import Jobs, RowsJob, StatusJob
from remit.entrypoints.ops.metrics import Metrics
from remit.ports.store import Commit, Committed, PublishedCheckpoint, Store
from remit.ports.tracing import Tracing
from remit.ports.world import World
from remit.settings import InvalidSetting, Settings, Telemetry

__all__ = ["Observability", "build_observability", "node_name", "verify_telemetry"]


@struct(frozen=True, kw_only=True)
class Observability:
    """The observability of one process of a desk."""

    metrics: Metrics
    watch: CommitMetrics
    tracing: Tracing
    world: World

    def watched(self, store: Store, wake: Callable[[str], None]) -> Store:
        """Wrap a store so that its commits are counted and traced, and wake the pages of the people they concern."""

        def told(commit: Commit, committed: Committed | None, how: str, seconds: float) -> None:
            self.watch.committed(commit, committed, how, seconds)
            for row in () if committed is None else commit.entries:
                wake(f"person:{row.subject}")

        return InstrumentedStore(store, ticks=self.world.ticks, told=told, tracing=self.tracing)

    def jobs(
        self,
        desk: DeskContext,
        health: Health,
        *,
        outside: PublishedCheckpoint,
        high_water: Path,
        rows: RowMacs,
        verify_rows: Callable[[], object],
        alone: bool,
    ) -> Jobs:
        """Add the status job to the jobs."""
        status = StatusJob(
            desk,
            outside=outside,
            try_outside=lambda: probe_writable(high_water),
            forged_rows=rows.take_reports,
            metrics=self.metrics,
            watch=self.watch,
            health=health,
        )
        comparing = RowsJob(desk, verify=verify_rows, stop=rows.stop, health=health)
        return Jobs(desk, looking=status, rows=comparing, metrics=self.metrics, health=health, alone=alone)


def build_observability(settings: Settings, world: World, actions: Mapping[str, Action]) -> Observability:
    """Build the observability of these settings.

    Raises:
        Refused: `settings.invalid` where traces are wanted and their extra is not installed.
    """
    metrics = Metrics(world, node=node_name(), usage=usage)
    watch = CommitMetrics(metrics, world, actions)
    return Observability(metrics=metrics, watch=watch, tracing=_tracing(settings.telemetry), world=world)


def verify_telemetry(settings: Settings) -> None:
    """Verify that the extra for traces is installed, where the settings want any. Nothing is contacted.

    Raises:
        Refused: `settings.invalid`.
    """
    if settings.telemetry.endpoint:
        _plug()


def _plug() -> Any:  # noqa: ANN401  # a module that is there or not
    try:
        return importlib.import_module("remit.adapters.tracing.otel")
    except ImportError as missing:
        cure = "Install it (`pip install remit[otel]`), or take telemetry.otlp_endpoint out."
        raise InvalidSetting("telemetry.otlp_endpoint", f"needs the extra `otel`: {missing.msg}", cure=cure) from None


def _tracing(wanted: Telemetry) -> Tracing:
    """Build the tracer. Its plug is imported only with a collector in the settings: it needs an extra."""
    if not wanted.endpoint:
        return NoTracing()
    tracing: Tracing = _plug().OtelTracing(
        endpoint=wanted.endpoint,
        node=node_name(),
        version=__version__,
        sample_percent=wanted.sample_percent,
        trusts_callers=wanted.trusts_callers,
    )
    return tracing
