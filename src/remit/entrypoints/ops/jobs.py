"""Background jobs: expiries, acts at the desk, notices, and status checks, in rounds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.engine.context import DeskContext
from remit.entrypoints.ops.commit_metrics import CommitMetrics
from remit.entrypoints.ops.health import Health
from remit.entrypoints.ops.metrics import AGES, Metrics
from remit.ports.store import PublishedCheckpoint
from remit.usecases.background.state_sample import StateSample, find_orphans, no_live_tasks, take_sample
from remit.usecases.background.sweep import record_noise, sweep, sweep_acts, sweep_due
from remit.usecases.events.poll_transmitters import poll_transmitters
from remit.usecases.events.receive import finish_events
from remit.usecases.events.transmit import EventTransmitter
from remit.usecases.helpdesk_events import read_woken_tickets
from remit.usecases.incidents.deliver import deliver_incidents
from remit.usecases.mandates.ping import send_pings
from remit.usecases.send_issuer_reports import send_issuer_reports
from remit.usecases.send_notices import NoticeSender
from remit.usecases.tasks.expiry import TaskExpiryQueue
from remit.usecases.transcript.retention import RetentionJob

_LOG: Final = logging.getLogger("remit.jobs")
_MAX_TASKS: Final = 500


class StatusJob:
    """The status checks of one process. `try_outside` raises OSError if the outside checkpoint is not writable."""

    def __init__(  # the check, and how it is logged
        self,
        desk: DeskContext,
        *,
        outside: PublishedCheckpoint,
        try_outside: Callable[[], None],
        forged_rows: Callable[[], Sequence[str]],
        metrics: Metrics,
        watch: CommitMetrics,
        health: Health,
    ) -> None:
        self._desk = desk
        self._outside = outside
        self._try_outside = try_outside
        self._forged_rows = forged_rows
        self._metrics = metrics
        self._watch = watch
        self._health = health

    async def run(self) -> None:
        """Check once.

        Raises:
            Fault: `fault.store`; the values of before stay.
        """
        await self._look_outside()
        for row in self._forged_rows():
            _LOG.error("%s was changed by something else, and is not read", row, extra={"event": "row.forged"})
            await self._desk.notify.incident(kind="row_forged", details={"row": row})
        self._show(await take_sample(self._desk, self._outside))
        for stopped in self._watch.stops():
            if await no_live_tasks(self._desk, *stopped):
                self._watch.confirm_stop(stopped)
        for task in await find_orphans(self._desk, self._watch.take_decided(_MAX_TASKS)):
            self._metrics.orphans.add()
            _LOG.error("something was decided in %s after its end", task, extra={"event": "task.orphaned"})
            await self._desk.notify.incident(kind="orphaned_task", details={"task": task})

    async def _look_outside(self) -> None:
        try:
            await asyncio.to_thread(self._try_outside)
        except OSError as problem:
            if self._health.outside_writable:
                fault = Fault(Code.FAULT_STORE, f"log.high_water takes no writes: {problem.strerror}")
                _LOG.error("%s", fault, extra={"event": "high_water.unwritable"})  # the place and the reason are enough
            self._health.outside_writable = False
        else:
            self._health.outside_writable = True
        self._metrics.outside.set(int(self._health.outside_writable))

    def _show(self, seen: StateSample) -> None:
        shown = self._metrics
        self._watch.saw_entries(seen.entries)
        for state, count in seen.asks.items():
            shown.asks.set(count, state)
        below = 0.0
        for age, bound in AGES.items():
            shown.unknown_acts.set(sum(1 for one in seen.unknown if below <= one < bound), age)
            below = bound
        shown.outbox.set(seen.queued_s, "queued")
        shown.outbox.set(seen.sent_s, "sent")
        shown.full.set(int(seen.full))
        shown.notices_waiting.set(seen.notices)
        shown.notices_oldest.set(seen.notices_s)
        shown.newest_entry.set(None if seen.newest_at is None else seen.newest_at / 1000)
        shown.unpublished.set(seen.unpublished)
        shown.unpublished_seconds.set(seen.unpublished_s)


class RowsJob:
    """The comparison of a served store's rows with the sum over them: a start compares them, and rows change after it.

    ⚔ A row that was put back as it once was, or deleted, has no bad MAC. Once that is seen, nothing is committed here.
    """

    def __init__(
        self, desk: DeskContext, *, verify: Callable[[], object], stop: Callable[[], None], health: Health
    ) -> None:
        """Call `verify` in a thread, which raises `log.damaged`; then `stop` makes every later commit fail."""
        self._desk = desk
        self._verify = verify
        self._stop = stop
        self._health = health
        self._due_s = desk.world.ticks() + _ROWS_S

    async def run(self) -> None:
        """Compare once, where that is due: every ten minutes, and a thousandth of the time at most."""
        if self._desk.world.ticks() >= self._due_s:
            await self.compare()

    async def compare(self) -> None:
        """Compare once.

        Raises:
            Fault: `fault.store` when the rows cannot be read, or were changed.
            Refused: `settings.invalid` when the store cannot be opened beside the desk.

        Source: docs/model/model.md#rows.
        """
        began_s = self._desk.world.ticks()
        try:
            await asyncio.to_thread(self._verify)
        except Refused as refused:
            if refused.code is not Code.LOG_DAMAGED:
                raise
            self._stop()
            self._health.rows_intact = False
            await self._desk.notify.incident(kind="rows_changed", details={"found": refused.detail})
            raise Fault(Code.FAULT_STORE, refused.detail, cure=refused.cure) from None
        finally:
            ended_s = self._desk.world.ticks()
            self._due_s = ended_s + max(_ROWS_S, (ended_s - began_s) * _SELDOM)


_ROWS_S: Final = 600.0
_SELDOM: Final = 1000
_PAUSE_S: Final = 1.0
_LOOK_S: Final = 5.0
_PATIENCE_S: Final = 5.0
_LOOKS: Final = 100
"""Maximum live tasks checked in a round, some 30 ms. All are after a start; later each once per idle time."""


class Jobs:
    """The job rounds of one process. A failed round is logged and the next one tries again.

    A slow desk holds up only its own acts: expiries go on.
    """

    def __init__(
        self, desk: DeskContext, *, looking: StatusJob, rows: RowsJob, metrics: Metrics, health: Health, alone: bool
    ) -> None:
        """Prepare the jobs. `alone`: no other process serves from the store, so work under way in it is abandoned."""
        self._desk = desk
        self._looking = looking
        self.rows = rows
        self._metrics = metrics
        self._health = health
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._live = TaskExpiryQueue(_LOOKS)
        self._by_time = RetentionJob()
        self._sending = NoticeSender(metrics.notices.add)
        self._transmitter = EventTransmitter(self._count_event)
        # ⚔ The first round of a lone process takes over at once whatever its predecessor left sent or queued. Beside
        # other nodes it would take over their work of this moment.
        self._patience_s = 0.0 if alone else self._patience(desk)

    def start(self) -> None:
        """Start the rounds."""
        rounds = [("due", self._due, _PAUSE_S), ("acts", self._acts, _PAUSE_S), ("look", self._looking.run, _LOOK_S)]
        rounds += [("rows", self.rows.run, _LOOK_S), ("pings", self._pings, _PAUSE_S), ("keys", self._keys, _LOOK_S)]
        if self._desk.carriers:  # in its own round: a slow mail server holds up nothing else
            rounds.append(("notices", self._notices, _PAUSE_S))
        if self._desk.event_scheme is not None:
            rounds.append(("events", self._events, _PAUSE_S))
        if self._desk.owners:
            rounds.append(("leaks", self._leaks, _PAUSE_S))
        if self._desk.receivers:
            rounds.append(("deliveries", self._deliveries, _PAUSE_S))
        if self._desk.signals is not None:
            rounds.append(("signals", self._signals, _PAUSE_S))
        if self._desk.signals is not None and self._desk.signals.fetches:
            rounds.append(("fetches", self._fetches, _PAUSE_S))
        for job, _, _ in rounds:
            self._health.job_succeeded(job)
        self._tasks = tuple(asyncio.create_task(self._run(job, work, pause_s)) for job, work, pause_s in rounds)

    async def stop(self) -> None:
        """Let the current rounds finish their step, then stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = ()

    async def round(self, *, patience_s: float = _PATIENCE_S) -> int:
        """One round of everything, at once."""
        done = await sweep(self._desk, patience_s=patience_s, live=self._live)
        done += await self._by_time.round(self._desk)
        done += await record_noise(self._desk)
        done += await self._sending.round(self._desk)
        done += await send_issuer_reports(self._desk, self._count_notice)
        done += await deliver_incidents(self._desk, self._count_delivery)
        if self._desk.signals is not None:
            done += await self._send_signals() + await poll_transmitters(self._desk)
        done += await send_pings(self._desk)
        await self._looking.run()
        return done

    async def once(self, job: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run one round of one job, and log how it went."""
        try:
            await work()
        except Fault as fault:
            self._metrics.failed_rounds.add(job)
            _LOG.warning("a round of %s failed: %s", job, fault, extra={"event": "round.failed"})
        except Exception:  # noqa: BLE001  # a round that dies must not end the rounds: it is logged and the next one tries again
            self._metrics.failed_rounds.add(job)
            _LOG.exception("a round of %s failed", job, extra={"event": "round.failed"})
        else:
            self._health.job_succeeded(job)
            self._metrics.rounds.set(self._desk.world.now() / 1000, job)

    async def _due(self) -> None:
        await sweep_due(self._desk, self._live)
        await self._by_time.round(self._desk)
        await record_noise(self._desk)

    async def _acts(self) -> None:
        await sweep_acts(self._desk, patience_s=self._patience_s)
        self._patience_s = self._patience(self._desk)

    async def _notices(self) -> None:
        await self._sending.round(self._desk)

    async def _events(self) -> None:
        await read_woken_tickets(self._desk)

    async def _keys(self) -> None:
        await asyncio.to_thread(self._desk.signer.refresh)

    async def _pings(self) -> None:
        await send_pings(self._desk)

    async def _leaks(self) -> None:
        await send_issuer_reports(self._desk, self._count_notice)

    async def _deliveries(self) -> None:
        await deliver_incidents(self._desk, self._count_delivery)

    async def _signals(self) -> None:
        await self._send_signals()

    async def _fetches(self) -> None:
        await poll_transmitters(self._desk)

    async def _send_signals(self) -> int:
        """Finish received events first: an effect that was cut short is late already."""
        return await finish_events(self._desk) + await self._transmitter.round(self._desk)

    def _count_event(self, result: str) -> None:
        self._metrics.notices.add("events", result)

    def _count_delivery(self, result: str) -> None:
        self._metrics.notices.add("incidents", result)

    def _count_notice(self, result: str) -> None:
        self._metrics.notices.add("leak_hook", result)

    @staticmethod
    def _patience(desk: DeskContext) -> float:
        """Return how long an act is left to the process that has it under way."""
        return max(_PATIENCE_S, desk.terms.desk_timeout_s + 1)

    async def _run(self, job: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            await self.once(job, work)
            asleep_s = self._desk.world.ticks()
            await asyncio.sleep(pause_s)
            self._metrics.late.set(max(0.0, self._desk.world.ticks() - asleep_s - pause_s))
