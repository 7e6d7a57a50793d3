"""Sending reports to the owners of leaked credentials: each is claimed by one node, handed over, and gone once it was taken.

At least once, as notices are (docs/decisions/0023-notices-are-records.md): a node that dies in between leaves it to another.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from remit.domain.records import LeakReport
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned

_LOG: Final = logging.getLogger("remit.leaks")
LEASE_MS: Final = 120_000
"""So long a report is left to whoever claimed it: longer than an owner may take to answer."""
_PAGE: Final = 50
_AGAIN_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000)
"""How long a report that was not taken waits for its next try."""


async def send_issuer_reports(desk: DeskContext, told: Callable[[str], None]) -> int:
    """Send the reports that are due. Returns how many went on; `told` hears what came of each: sent, put_off or failed.

    Raises:
        Fault: `fault.store`; what is due stays.
    """
    done = 0
    for kept in await desk.store.find(LeakReport, "due.leak", "", high=desk.world.now(), limit=_PAGE):
        try:
            done += await _send(desk, kept, told)
        except (Conflict, RecordMissing):
            continue  # another node has it
    return done


async def _send(desk: DeskContext, kept: Versioned[LeakReport], told: Callable[[str], None]) -> int:
    report, now = kept.record, desk.world.now()
    owner = next((one for one in desk.owners if one.name == report.owner), None)
    if owner is None or now >= report.until:
        why = (
            "the settings name its owner no more" if owner is None else f"its time was over after {report.tries} tries"
        )
        return await _given_up(desk, kept, told, why)
    claimed = replace(report, due_at=Instant(now + LEASE_MS))
    # ⚔ Of several nodes that found it one gets past here: the others' claim is a conflict.
    await desk.store.commit(Commit(puts=(Put(claimed, kept.rev, report),)))
    mine = Versioned(claimed, kept.rev + 1)
    try:
        await owner.tell(report)
    except DeliveryFailed as unsent:
        if unsent.holdup is DeliveryObstacle.NEVER:
            return await _given_up(desk, mine, told, unsent.reason)
        return await _put_off(desk, mine, told, unsent.reason)
    except Exception as broken:  # noqa: BLE001  # ⚔ an answer that nobody thought of must not end the rounds
        return await _put_off(desk, mine, told, f"{type(broken).__name__} while sending")
    # A crash here leaves it claimed: after a while it is sent once more, under the same id.
    await desk.store.commit(Commit(drops=(Drop(claimed, mine.rev),)))
    told("sent")
    _LOG.info("report %s was taken by %s", report.id, report.owner, extra={"event": "leak.told"})
    return 1


async def _put_off(desk: DeskContext, kept: Versioned[LeakReport], told: Callable[[str], None], reason: str) -> int:
    report = kept.record
    wait_ms = _AGAIN_MS[min(report.tries, len(_AGAIN_MS) - 1)]
    again = replace(report, tries=report.tries + 1, due_at=Instant(desk.world.now() + wait_ms))
    await desk.store.commit(Commit(puts=(Put(again, kept.rev, report),)))
    told("put_off")
    _LOG.warning("report %s was not taken by %s: %s", report.id, report.owner, reason, extra={"event": "leak.put_off"})
    return 1


async def _given_up(desk: DeskContext, kept: Versioned[LeakReport], told: Callable[[str], None], reason: str) -> int:
    report = kept.record
    await desk.store.commit(Commit(drops=(Drop(report, kept.rev),)))
    told("failed")
    # ⚔ Whoever runs the desk must tell the owner otherwise: which entry of the log it is about is found by the report's id.
    _LOG.error(
        "report %s of a leaked %s could not be told to %s: %s",
        report.id,
        report.found,
        report.owner,
        reason,
        extra={"event": "leak.untold"},
    )
    return 1
