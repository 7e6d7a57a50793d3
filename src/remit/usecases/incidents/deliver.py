"""Messages about incidents to receivers outside: claimed by one node, sent in order, and then dropped.

Those about one incident reach a receiver in their order, each at least once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from remit.domain.incidents.records import DeliveryRecord
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.claimed_sending import AGAIN_MS, Sending, give_up, send_claimed
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned

_LOG: Final = logging.getLogger("remit.incidents")
LEASE_MS: Final = 60_000
"""Claim duration: longer than a receiver may take to answer."""
_PAGE: Final = 50


async def deliver_incidents(desk: DeskContext, told: Callable[[str], None]) -> int:
    """Send due messages, and return their number; `told` receives each outcome: sent, put_off or failed.

    Raises:
        Fault: `fault.store`; due messages stay.
    """
    due: dict[str, list[Versioned[DeliveryRecord]]] = {}
    for kept in await desk.store.find(DeliveryRecord, "due.delivery", "", high=desk.world.now(), limit=_PAGE):
        due.setdefault(kept.record.to, []).append(kept)
    # ⚔ At once for all receivers: one that does not answer delays no other.
    sent = await asyncio.gather(*(_send_all(desk, one, told) for one in due.values()), return_exceptions=True)
    for one in sent:
        if isinstance(one, BaseException):
            raise one
    return sum(one for one in sent if isinstance(one, int))


async def _send_all(desk: DeskContext, due: Sequence[Versioned[DeliveryRecord]], told: Callable[[str], None]) -> int:
    """Send one receiver's due messages in order; after one that it did not take the others wait, too."""
    done, refused = 0, list[str]()

    def seen(outcome: str) -> None:
        refused.extend([outcome] if outcome == "put_off" else ())
        told(outcome)

    for kept in due:
        try:
            if refused:
                await _wait(desk, kept)
            else:
                done += await _send(desk, kept, seen)
        except (Conflict, RecordMissing):
            continue  # another node has it
    return done


async def _wait(desk: DeskContext, kept: Versioned[DeliveryRecord]) -> None:
    later = replace(kept.record, due_at=Instant(desk.world.now() + AGAIN_MS[0]))
    await desk.store.commit(Commit(puts=(Put(later, kept.rev, kept.record),)))


async def _send(desk: DeskContext, kept: Versioned[DeliveryRecord], told: Callable[[str], None]) -> int:
    message, now = kept.record, desk.world.now()
    receiver = next((one for one in desk.receivers if one.name == message.to), None)
    if receiver is None:
        done = await give_up(desk, kept, "the settings name it no more")
    elif now >= message.until:
        done = await give_up(desk, kept, f"its time was over after {message.tries} tries")
    else:
        first = await desk.store.find(DeliveryRecord, "delivery.line", message.line, limit=1)
        if first and first[0].record.id != message.id:
            wait = Instant(max(first[0].record.due_at, now) + 1)
            await desk.store.commit(Commit(puts=(Put(replace(message, due_at=wait), kept.rev, message),)))
            return 0
        done = await send_claimed(desk, kept, receiver.send, lease_ms=LEASE_MS)
    told(done.outcome)
    _log(message, done)
    return 1


def _log(message: DeliveryRecord, done: Sending) -> None:
    what = (message.event, message.incident)
    if done.outcome == "sent":
        _LOG.info("%s of %s was taken by %s", *what, message.to, extra={"event": "delivery.sent"})
    elif done.outcome == "put_off":
        _LOG.warning(
            "%s of %s was not taken by %s: %s", *what, message.to, done.why, extra={"event": "delivery.put_off"}
        )
    else:
        # ⚔ Security must open the incident on the page: this receiver never learns of it.
        _LOG.error(
            "%s of %s could not be told to %s: %s", *what, message.to, done.why, extra={"event": "delivery.untold"}
        )
