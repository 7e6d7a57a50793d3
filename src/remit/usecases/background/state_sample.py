"""Periodic sample of the desk's state: open work, waiting times, and progress of the log's outside copy."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

from remit.domain.errors import Refused
from remit.domain.records import ActRecord, ConfirmationRecord, NoticeRecord, OutboxState, TaskRecord, TaskState
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.store import PublishedCheckpoint, RecordMissing, Versioned

LIMIT: Final = 500
"""Maximum counted per kind."""
_LIVE: Final[Mapping[str, str]] = {
    "agent": "task.live_agent",
    "customer": "task.live_customer",
    "mandate": "task.live_mandate",
    "objective": "task.live_objective",
    "operator": "task.live_operator",
}
_PAGE: Final = 200
_MAX_PAGES: Final = 10


@struct(frozen=True, kw_only=True)
class StateSample:
    """One sample; ages are in seconds, unknown values None.

    `asks` counts by state; `unknown` are the ages of sent acts without outcome; `full` says that there are more than
    counted.
    """

    asks: Mapping[str, int]
    unknown: tuple[float, ...]
    queued_s: float
    sent_s: float
    notices: int
    notices_s: float
    full: bool
    entries: int
    newest_at: Instant | None
    unpublished: int | None
    unpublished_s: float | None


async def take_sample(desk: DeskContext, outside: PublishedCheckpoint) -> StateSample:
    """Take one sample.

    Raises:
        Fault: `fault.store`.
    """
    now = desk.world.now()
    waiting = await desk.store.find(ConfirmationRecord, "due.confirmation", "", limit=LIMIT)
    queued = await desk.store.find(ActRecord, "act.queued", "", limit=LIMIT)
    sent = await desk.store.find(ActRecord, "act.sent", "", limit=LIMIT)
    notices = await desk.store.find(NoticeRecord, "notice.waiting", "", limit=LIMIT) if desk.carriers else ()
    unknown = [one.record for one in sent if one.record.state is OutboxState.UNKNOWN]
    published = await asyncio.to_thread(_published, desk, outside)
    # ⚔ After the outside copy: in the other order, a checkpoint published meanwhile would seem ahead of the log.
    note = await desk.store.checkpoint()
    entries = int(note.split("\n", 2)[1]) if note else 0
    newest = await desk.store.entries(newest=True, limit=1)
    behind = None if published is None else max(0, entries - published)
    oldest = await desk.store.entries(low=published or 0, limit=1) if behind else ()
    return StateSample(
        asks={
            "acting": sum(1 for one in sent if one.record.ask and one.record.state is OutboxState.SENT),
            "permitted": sum(1 for one in queued if one.record.ask),
            "unknown": sum(1 for one in unknown if one.ask),
            "waiting": len(waiting),
        },
        unknown=tuple((now - one.sent_at) / 1000 for one in unknown),
        queued_s=_age(now, queued[0].record.queued_at) if queued else 0.0,
        sent_s=_age(now, sent[0].record.sent_at) if sent else 0.0,
        notices=len(notices),
        notices_s=_age(now, notices[0].record.at) if notices else 0.0,
        full=max(len(waiting), len(queued), len(sent), len(notices)) == LIMIT,
        entries=entries,
        newest_at=Instant(newest[0].row.at) if newest else None,
        unpublished=behind,
        unpublished_s=None if behind is None else _age(now, oldest[0].row.at) if oldest else 0.0,
    )


async def no_live_tasks(desk: DeskContext, what: str, name: str) -> bool:
    """Return whether no task is left under a suspended name.

    Raises:
        Fault: `fault.store`.
    """
    return not await desk.store.find(TaskRecord, _LIVE[what], name, limit=1)


async def find_orphans(desk: DeskContext, decided: Mapping[str, int]) -> Collection[str]:
    """Find tasks decided, other than by refusal, after their own end: by the order of the log, not by any clock.

    `decided` are places of such decisions, by task. ⚔ There must never be one; this is independent of the rules that
    prevent it.

    Raises:
        Fault: `fault.store`.
    """
    found: list[str] = []
    for task, place in decided.items():
        try:
            kept: Versioned[TaskRecord] = await desk.store.get(TaskRecord, task)
        except RecordMissing:
            continue
        if kept.record.state is TaskState.ENDED and await _ended_before(desk, task, place):
            found.append(task)
    return found


async def _ended_before(desk: DeskContext, task: str, place: int) -> bool:
    """Return whether a task's end precedes a place of the log."""
    for _ in range(_MAX_PAGES):
        page = await desk.store.entries(ref=task, low=place, limit=_PAGE)
        if any(one.row.kind == Kind.TASK_ENDED for one in page):
            return False
        if len(page) < _PAGE:
            return True
        place = page[-1].index + 1
    return False


def _published(desk: DeskContext, outside: PublishedCheckpoint) -> int | None:
    """Return the number of entries in the outside checkpoint; None without one that verifies."""
    try:
        note = outside.published()
        return verify_checkpoint(note, [verify_vkey(desk.signer.log_key())], desk.verify_ed25519).size if note else None
    except Refused:
        return None


def _age(now: Instant, at: int) -> float:
    return max(0.0, (now - at) / 1000)
