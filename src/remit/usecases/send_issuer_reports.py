"""Delivery of reports to issuers of leaked credentials: claimed by one node, sent at least once, and then dropped."""

import logging
from collections.abc import Callable
from typing import Final

from remit.domain.records import LeakReport
from remit.engine.claimed_sending import Sending, give_up, send_claimed
from remit.engine.context import DeskContext
from remit.ports.store import Conflict, RecordMissing, Versioned

_LOG: Final = logging.getLogger("remit.leaks")
LEASE_MS: Final = 120_000
"""Claim duration: longer than an issuer may take to answer."""
_PAGE: Final = 50


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
    if owner is None:
        done = await give_up(desk, kept, "the settings name its owner no more")
    elif now >= report.until:
        done = await give_up(desk, kept, f"its time was over after {report.tries} tries")
    else:
        done = await send_claimed(desk, kept, owner.tell, lease_ms=LEASE_MS)
    told(done.outcome)
    _log(report, done)
    return 1


def _log(report: LeakReport, done: Sending) -> None:
    if done.outcome == "sent":
        _LOG.info("report %s was taken by %s", report.id, report.owner, extra={"event": "leak.told"})
    elif done.outcome == "put_off":
        _LOG.warning(
            "report %s was not taken by %s: %s", report.id, report.owner, done.why, extra={"event": "leak.put_off"}
        )
    else:
        # ⚔ The operator must notify the issuer otherwise: the report's id finds its log entry.
        _LOG.error(
            "report %s of a leaked %s could not be reported to %s: %s",
            report.id,
            report.found,
            report.owner,
            done.why,
            extra={"event": "leak.untold"},
        )
