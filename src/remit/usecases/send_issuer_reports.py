"""Delivery of reports to issuers of leaked credentials: claimed by one node, sent, and then dropped.

At least once, as with notices (docs/decisions/0023-notices-are-records.md): if a node dies in between, another one
sends it.
"""

import logging
from collections.abc import Callable
from typing import Final

from remit.domain.records import LeakReport
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned

_LOG: Final = logging.getLogger("remit.leaks")
LEASE_MS: Final = 120_000
"""Claim duration: longer than an issuer may take to answer."""
_PAGE: Final = 50
_AGAIN_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000)
"""Time before a report that was not accepted is tried again."""


async def send_issuer_reports(desk: DeskContext, told: Callable[[str], None]) -> int:
    """Send due reports, and return their number; `told` receives each outcome: sent, put_off or failed.

    Raises:
        Fault: `fault.store`; due reports stay.
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
    except Exception as broken:  # noqa: BLE001  # ⚔ an unforeseen answer must not end the rounds
        return await _put_off(desk, mine, told, f"{type(broken).__name__} while sending")
    # A crash here leaves it claimed; repaired after the lease by sending once more, under the same id.
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
    # ⚔ The operator must notify the issuer otherwise: the report's id finds its log entry.
    _LOG.error(
        "report %s of a leaked %s could not be reported to %s: %s",
        report.id,
        report.found,
        report.owner,
        reason,
        extra={"event": "leak.untold"},
    )
    return 1
