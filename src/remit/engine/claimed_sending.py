"""Sending a stored message under a claim: of several nodes one sends it, and a failure waits longer each time.

At least once, as with notices (docs/decisions/0023-notices-are-records.md): if a node dies in between, another one
sends it after the lease, under the same id.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from remit.domain.incidents.records import DeliveryRecord
from remit.domain.records import LeakReport
from remit.domain.structs import replace, struct
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.ports.store import Commit, Drop, Put, Versioned

AGAIN_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000)
"""Time before a message that was not accepted is tried again."""


M = TypeVar("M", DeliveryRecord, LeakReport)
"""A stored message: with its tries so far, and the time of the next one (`due_at`)."""


@struct(frozen=True)
class Sending:
    """The outcome of a try: `sent`, `put_off` or `failed`, and the reason of the latter two."""

    outcome: str
    why: str = ""


async def send_claimed(
    desk: DeskContext, kept: Versioned[M], send: Callable[[M], Awaitable[None]], *, lease_ms: int
) -> Sending:
    """Claim a due message, send it, and drop it; a failure puts it off, one for good gives it up.

    `lease_ms` is the claim's duration: longer than the other side may take to answer.

    Raises:
        Conflict: another node has it.
        Fault: `fault.store`; it stays claimed until the lease is over.
    """
    message = kept.record
    claimed = replace(message, due_at=Instant(desk.world.now() + lease_ms))
    # ⚔ Of several nodes that found it one gets past here: the others' claim is a conflict.
    await desk.store.commit(Commit(puts=(Put(claimed, kept.rev, message),)))
    mine = Versioned(claimed, kept.rev + 1)
    try:
        await send(message)
    except DeliveryFailed as unsent:
        if unsent.holdup is DeliveryObstacle.NEVER:
            return await give_up(desk, mine, unsent.reason)
        return await _put_off(desk, mine, unsent.reason)
    except Exception as broken:  # noqa: BLE001  # ⚔ an unforeseen answer must not end the rounds
        return await _put_off(desk, mine, f"{type(broken).__name__} while sending")
    # A crash here leaves it claimed; repaired after the lease by sending once more, under the same id.
    await desk.store.commit(Commit(drops=(Drop(claimed, mine.rev),)))
    return Sending("sent")


async def give_up(desk: DeskContext, kept: Versioned[M], why: str) -> Sending:
    """Drop a message that cannot be sent.

    Raises:
        Conflict: another node has it.
        Fault: `fault.store`.
    """
    await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    return Sending("failed", why)


async def _put_off(desk: DeskContext, kept: Versioned[M], why: str) -> Sending:
    message = kept.record
    wait_ms = AGAIN_MS[min(message.tries, len(AGAIN_MS) - 1)]
    again = replace(message, tries=message.tries + 1, due_at=Instant(desk.world.now() + wait_ms))
    await desk.store.commit(Commit(puts=(Put(again, kept.rev, message),)))
    return Sending("put_off", why)
