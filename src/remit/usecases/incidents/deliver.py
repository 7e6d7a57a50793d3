"""Messages about incidents to receivers outside: claimed by one node, sent in order, and then dropped.

At least once, as with notices (docs/decisions/0023-notices-are-records.md): if a node dies in between, another one
sends it. Those about one incident reach a receiver in their order.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from remit.domain.incidents.records import DeliveryRecord
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned

_LOG: Final = logging.getLogger("remit.incidents")
LEASE_MS: Final = 60_000
"""Claim duration: longer than a receiver may take to answer."""
_PAGE: Final = 50
_AGAIN_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000)
"""Time before a message that was not accepted is tried again."""


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
    later = replace(kept.record, due_at=Instant(desk.world.now() + _AGAIN_MS[0]))
    await desk.store.commit(Commit(puts=(Put(later, kept.rev, kept.record),)))


async def _send(desk: DeskContext, kept: Versioned[DeliveryRecord], told: Callable[[str], None]) -> int:
    message, now = kept.record, desk.world.now()
    receiver = next((one for one in desk.receivers if one.name == message.to), None)
    if receiver is None or now >= message.until:
        why = "the settings name it no more" if receiver is None else f"its time was over after {message.tries} tries"
        return await _given_up(desk, kept, told, why)
    first = await desk.store.find(DeliveryRecord, "delivery.line", message.line, limit=1)
    if first and first[0].record.id != message.id:
        wait = Instant(max(first[0].record.due_at, now) + 1)
        await desk.store.commit(Commit(puts=(Put(replace(message, due_at=wait), kept.rev, message),)))
        return 0
    claimed = replace(message, due_at=Instant(now + LEASE_MS))
    # ⚔ Of several nodes that found it one gets past here: the others' claim is a conflict.
    await desk.store.commit(Commit(puts=(Put(claimed, kept.rev, message),)))
    mine = Versioned(claimed, kept.rev + 1)
    try:
        await receiver.send(message)
    except DeliveryFailed as unsent:
        if unsent.holdup is DeliveryObstacle.NEVER:
            return await _given_up(desk, mine, told, unsent.reason)
        return await _put_off(desk, mine, told, unsent.reason)
    except Exception as broken:  # noqa: BLE001  # ⚔ an unforeseen answer must not end the rounds
        return await _put_off(desk, mine, told, f"{type(broken).__name__} while sending")
    # A crash here leaves it claimed; repaired after the lease by sending once more, under the same id.
    await desk.store.commit(Commit(drops=(Drop(claimed, mine.rev),)))
    told("sent")
    _LOG.info("%s of %s was taken by %s", message.event, message.incident, message.to, extra={"event": "delivery.sent"})
    return 1


async def _put_off(desk: DeskContext, kept: Versioned[DeliveryRecord], told: Callable[[str], None], why: str) -> int:
    message = kept.record
    wait_ms = _AGAIN_MS[min(message.tries, len(_AGAIN_MS) - 1)]
    again = replace(message, tries=message.tries + 1, due_at=Instant(desk.world.now() + wait_ms))
    await desk.store.commit(Commit(puts=(Put(again, kept.rev, message),)))
    told("put_off")
    _LOG.warning(
        "%s of %s was not taken by %s: %s",
        message.event,
        message.incident,
        message.to,
        why,
        extra={"event": "delivery.put_off"},
    )
    return 1


async def _given_up(desk: DeskContext, kept: Versioned[DeliveryRecord], told: Callable[[str], None], why: str) -> int:
    message = kept.record
    await desk.store.commit(Commit(drops=(Drop(message, kept.rev),)))
    told("failed")
    # ⚔ Somebody must look at the incident on the page: this receiver never learns of it.
    _LOG.error(
        "%s of %s could not be told to %s: %s",
        message.event,
        message.incident,
        message.to,
        why,
        extra={"event": "delivery.untold"},
    )
    return 1
