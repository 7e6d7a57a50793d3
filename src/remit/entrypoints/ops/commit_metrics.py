"""Metrics read from commits: decisions, answers, revocations and their effects.

Only recorded facts are counted, whichever use case recorded them; commits of other processes are not seen.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.domain.catalogue.model import Action
from remit.domain.errors import Code
from remit.domain.records import (
    AgentRecord,
    AskRecord,
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    MandateRecord,
    Suspension,
    TaskRecord,
    TaskState,
)
from remit.domain.transcript.entry import Kind
from remit.entrypoints.ops.metrics import NO_AREA, Metrics
from remit.ports.store import Commit, Committed, Put
from remit.ports.world import World

Stopped = tuple[str, str]
"""A revoked or suspended thing: its kind (agent, customer, mandate, objective, operator) and name."""
_MAX_STOPPED: Final = 256
_MAX_TASKS: Final = 1000
_READ: Final = frozenset({AgentRecord, ConfirmationRecord, MandateRecord, Suspension, TaskRecord})
_BECAUSE: Final = frozenset({Code.AGENT_SUSPENDED.value, Code.MANDATE_INACTIVE.value, Code.TASK_ENDED.value})


@dataclass(slots=True)
class _PendingRevocation:
    """A revocation with pending effect: its time, the tasks it ended, and the last end."""

    began_s: float
    ended: set[str] = field(default_factory=set)
    last_s: float | None = None


class CommitMetrics:
    """The commits of one process, put into its metrics."""

    def __init__(self, metrics: Metrics, world: World, actions: Mapping[str, Action]) -> None:
        self._metrics = metrics
        self._world = world
        self._actions = actions
        self._stops: OrderedDict[Stopped, _PendingRevocation] = OrderedDict()
        self._decided: OrderedDict[str, int] = OrderedDict()
        self.entries = 0
        """Entries of the log, as far as is known here."""

    def committed(self, commit: Commit, committed: Committed | None, how: str, took_s: float) -> None:
        """Count one commit and its effects."""
        self._metrics.commits.add(how)
        if committed is None:
            return
        self._metrics.commit_seconds.observe(took_s)
        self._metrics.last_commit.set(self._world.now() / 1000)
        self.saw_entries(committed.size)
        for put in commit.puts:
            if type(put.record) in _READ:  # every ask goes through here
                self._read(put)
        number = len(commit.prove)
        for row in commit.entries:
            if row.kind == Kind.ASK_DECIDED:
                for put in commit.puts:
                    if isinstance(put.record, AskRecord) and put.record.id in row.refs:
                        self._decided_on(put.record, committed.places[number].index)
            number += 1

    def _read(self, put: Put) -> None:
        match put.record:
            case ConfirmationRecord():
                self._answered(put.record, put.before)
            case TaskRecord(state=TaskState.ENDED):
                self._ended(put.record)
            case MandateRecord() | AgentRecord() | Suspension():
                self._stopped(put)
            case _:
                pass

    def saw_entries(self, size: int) -> None:
        """Note a minimum length of the log."""
        if size > self.entries or not self.entries:
            self.entries = size
            self._metrics.entries.set(size)

    def stops(self) -> tuple[Stopped, ...]:
        """Return revocations and suspensions whose effect is pending."""
        return tuple(self._stops)

    def confirm_stop(self, stopped: Stopped) -> None:
        """Confirm that no task lives under a stop. Its effect was the end of the last task it ended, if any."""
        stop = self._stops.pop(stopped, None)
        if stop is not None and stop.last_s is not None:
            self._metrics.revocations.observe(stop.last_s - stop.began_s, stopped[0], "ended")

    def take_decided(self, most: int) -> dict[str, int]:
        """Take the tasks with a decision other than a refusal since the last call, with their last entries."""
        return dict(self._decided.popitem(last=False) for _ in range(min(most, len(self._decided))))

    def _decided_on(self, ask: AskRecord, place: int) -> None:
        action = self._actions.get(ask.action)
        area = NO_AREA if action is None else str(action.area)
        if ask.state is AskState.REFUSED:
            self._metrics.decisions.add("refuse", ask.code, area)
            self._refused(ask)
            return
        self._metrics.decisions.add("needs_human" if ask.state is AskState.WAITING else "permit", "", area)
        self._decided[ask.task] = place
        if len(self._decided) > _MAX_TASKS:
            self._decided.popitem(last=False)

    def _answered(self, after: ConfirmationRecord, before: object) -> None:
        """Count an answer, once, in the process that recorded it; a timeout is not an answer."""
        if not isinstance(before, ConfirmationRecord):
            return
        for said in after.answers[len(before.answers) :]:
            self._metrics.confirmations.observe((said.at - after.at) / 1000, said.answer)
        if after.state is ConfirmationState.EXPIRED:
            self._metrics.confirmations.observe((self._world.now() - after.at) / 1000, "silence")

    def _stopped(self, put: Put) -> None:
        match put.record, put.before:
            case MandateRecord(state="revoked") as mandate, MandateRecord(state=state) if state != "revoked":
                stopped = ("mandate", mandate.id)
            case AgentRecord(suspended=reason) as agent, AgentRecord(suspended="") if reason:
                stopped = ("agent", agent.id)
            case Suspension(active=True) as suspension, before if not (
                isinstance(before, Suspension) and before.active
            ):
                what, _, name = suspension.id.partition(":")
                stopped = (what, name)
            case _:
                return
        self._stops[stopped] = _PendingRevocation(self._world.ticks())
        if len(self._stops) > _MAX_STOPPED:
            self._stops.popitem(last=False)

    def _ended(self, task: TaskRecord) -> None:
        """Credit the end of a task to every stop above it, for whichever reason it ended."""
        for stop in self._over(
            mandate=task.mandate, client_id=task.client_id, operator=task.operator, customer=task.customer
        ):
            self._stops[stop].last_s = self._world.ticks()
            self._stops[stop].ended.add(task.id)
        objective = self._stops.get(("objective", task.objective))
        if objective is not None:
            objective.last_s = self._world.ticks()
            objective.ended.add(task.id)

    def _refused(self, ask: AskRecord) -> None:
        """Credit a refusal to the stop it names, or to the stop that ended its task."""
        if not self._stops or ask.code not in _BECAUSE:
            return
        under = list(
            self._over(mandate=ask.mandate, client_id=ask.client_id, operator=ask.operator, customer=ask.customer)
        )
        under += [
            stopped for stopped, stop in self._stops.items() if stopped[0] == "objective" and ask.task in stop.ended
        ]
        for stopped in under:
            if ask.code != Code.TASK_ENDED or ask.task in self._stops[stopped].ended:
                stop = self._stops.pop(stopped)
                self._metrics.revocations.observe(self._world.ticks() - stop.began_s, stopped[0], "refused")

    def _over(self, *, mandate: str, client_id: str, operator: str, customer: str) -> Iterator[Stopped]:
        """Return the stops among everything a task depends on."""
        named = (("mandate", mandate), ("agent", client_id), ("operator", operator), ("customer", customer))
        return (one for one in named if one in self._stops)
