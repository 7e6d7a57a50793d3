"""Delivery of recorded notices: claimed by one node, handed to every carrier, dropped once all accepted.

At least once: if a node dies in between, another one sends it under the same id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from remit.domain.ids import new_id
from remit.domain.records import NoticeRecord, NoticeStage, PersonRecord
from remit.domain.structs import replace
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.notices import write_letter
from remit.ports.notify import Carrier, DeliveryFailed, DeliveryObstacle, Letter
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned

_NOTICES: Final = logging.getLogger("remit.notices")
GATHER_MS: Final = 60_000
"""Maximum time for gathering an officer's invitations into one letter; of a short one, a quarter of its time."""
LEASE_MS: Final = 120_000
"""Claim duration: longer than all carriers may take together."""
_PAGE: Final = 100
_AT_ONCE: Final = 8
_MAX_OFFICERS: Final = 200
_MAX_GATHERED: Final = 100
_AGAIN_MS: Final = (30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000)
"""Time before a letter that was put off is tried again."""
_REST_S: Final = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Time an unreachable carrier is left alone."""


class NoticeSender:
    """One process's sender; `told` receives each letter's carrier and outcome: sent, put_off, failed or unaddressed.

    An unreachable carrier is left alone for a while, whatever waits for it: one attempt tells, not one per letter.
    """

    def __init__(self, told: Callable[[str, str], None]) -> None:
        self._told = told
        self._rests_until_s: dict[str, float] = {}
        self._missed: dict[str, int] = {}

    async def round(self, desk: DeskContext) -> int:
        """Send due notices, and return how many were processed.

        Raises:
            Fault: `fault.store`; due notices stay.
        """
        if not desk.carriers:
            return 0
        done = 0
        for stage, work in ((NoticeStage.SPREADING, self._distribute), (NoticeStage.GATHERING, self._send_gathered)):
            for kept in await self._due(desk, stage):
                done += await _attempt_unclaimed(work, desk, kept)
        waiting = await self._due(desk, NoticeStage.SENDING)
        # The first one alone reveals an unreachable carrier; then some at once, so that a slow server delays less.
        for low, high in ((0, 1), *((low, low + _AT_ONCE) for low in range(1, len(waiting), _AT_ONCE))):
            done += sum(
                await asyncio.gather(*(_attempt_unclaimed(self._send, desk, kept) for kept in waiting[low:high]))
            )
        return done

    @staticmethod
    async def _due(desk: DeskContext, stage: NoticeStage) -> Sequence[Versioned[NoticeRecord]]:
        return await desk.store.find(NoticeRecord, "due.notice", stage.value, high=desk.world.now(), limit=_PAGE)

    async def _distribute(self, desk: DeskContext, kept: Versioned[NoticeRecord]) -> int:
        """Distribute a role's invitation to all its officers, to be gathered there with others.

        ⚔ Anyone able to make agents ask must not be able to fill officers' mailboxes.
        """
        notice, now = kept.record, desk.world.now()
        officers = await desk.store.find(
            PersonRecord, "person.role", notice.to.removeprefix("officer:"), limit=_MAX_OFFICERS
        )
        puts: list[Put] = []
        for officer in officers:
            if not _carriers(desk, officer.record.email):
                continue
            try:
                old = await desk.store.get(NoticeRecord, _gathering(officer.record.id))
            except RecordMissing:
                fresh = replace(
                    notice,
                    id=_gathering(officer.record.id),
                    stage=NoticeStage.GATHERING,
                    to=officer.record.id,
                    at=now,
                    due_at=Instant(now + min(GATHER_MS, max(0, notice.until - now) // 4)),
                    left=_carriers(desk, officer.record.email),
                )
                puts.append(Put(fresh, 0))
            else:
                about = tuple(dict.fromkeys((*old.record.about, *notice.about)))[:_MAX_GATHERED]
                puts.append(
                    Put(
                        replace(old.record, about=about, until=max(old.record.until, notice.until)), old.rev, old.record
                    )
                )
        if not puts:
            _NOTICES.warning(
                "notice %s: no one who is %s can be notified of a pending request; it is at /desk",
                notice.id,
                notice.to,
                extra={"event": "notice.unaddressed"},
            )
            for name in notice.left:
                self._told(name, "unaddressed")
        await desk.store.commit(Commit(puts=tuple(puts), drops=(Drop(notice, kept.rev),)))
        return 1

    async def _send_gathered(self, desk: DeskContext, kept: Versioned[NoticeRecord]) -> int:
        """Send gathered notices as one letter; later ones gather anew."""
        now = desk.world.now()
        letter = replace(
            kept.record, id=new_id("ntc", desk.world.random(16)), stage=NoticeStage.SENDING, at=now, due_at=now
        )
        await desk.store.commit(Commit(puts=(Put(letter, 0),), drops=(Drop(kept.record, kept.rev),)))
        return 1

    async def _send(self, desk: DeskContext, kept: Versioned[NoticeRecord]) -> int:
        notice, now = kept.record, desk.world.now()
        if now >= notice.until:
            await desk.store.commit(Commit(drops=(Drop(notice, kept.rev),)))
            for name in notice.left:
                self._undelivered(notice, name, f"its time was over after {notice.tries} tries")
            return 1
        if all(self._rests(desk, name) for name in notice.left):
            return 0
        claimed = replace(notice, due_at=Instant(now + LEASE_MS))
        # ⚔ Of several nodes that found it one gets past here: the others' claim is a conflict.
        await desk.store.commit(Commit(puts=(Put(claimed, kept.rev, notice),)))
        letter = await write_letter(desk, notice)
        left: tuple[str, ...] = ()
        put_off = False
        if letter is not None:
            left, put_off = await self._hand_over(desk, notice, letter)
        # A crash here leaves it claimed; repaired after the lease by sending once more, under the same id.
        if not left:
            await desk.store.commit(Commit(drops=(Drop(claimed, kept.rev + 1),)))
        else:
            tries = notice.tries + put_off
            wait_ms = (
                _AGAIN_MS[min(tries, len(_AGAIN_MS)) - 1]
                if put_off
                else round(1000 * max(self._left_s(desk, one) for one in left))
            )
            again = replace(claimed, left=left, tries=tries, due_at=Instant(desk.world.now() + wait_ms))
            await desk.store.commit(Commit(puts=(Put(again, kept.rev + 1, claimed),)))
        return 1

    async def _hand_over(self, desk: DeskContext, notice: NoticeRecord, letter: Letter) -> tuple[tuple[str, ...], bool]:
        """Hand a letter to all remaining carriers at once, so that a slow one delays no other."""
        came = await asyncio.gather(*(self._offer(desk, name, notice, letter) for name in notice.left))
        left = [
            name
            for name, holdup in zip(notice.left, came, strict=True)
            if holdup in {DeliveryObstacle.CARRIER, DeliveryObstacle.LETTER}
        ]
        return tuple(left), DeliveryObstacle.LETTER in came

    async def _offer(
        self, desk: DeskContext, name: str, notice: NoticeRecord, letter: Letter
    ) -> DeliveryObstacle | None:
        """Hand a letter to the named carrier, if present and able."""
        carrier = next((one for one in desk.carriers if one.name == name), None)
        if carrier is None:
            self._undelivered(notice, name, "the settings name it no more")
            return DeliveryObstacle.NEVER
        if carrier.needs_address and not letter.address:
            _NOTICES.warning(
                "notice %s: %s has no address", notice.id, notice.to, extra={"event": "notice.unaddressed"}
            )
            self._told(name, "unaddressed")
            return DeliveryObstacle.NEVER
        if self._rests(desk, name):
            return DeliveryObstacle.CARRIER
        return await self._carry(desk, carrier, notice, letter)

    async def _carry(
        self, desk: DeskContext, carrier: Carrier, notice: NoticeRecord, letter: Letter
    ) -> DeliveryObstacle | None:
        """Hand a letter to one carrier; None when accepted."""
        try:
            await carrier.carry(letter)
        except DeliveryFailed as unsent:
            holdup, reason = unsent.holdup, unsent.reason
        except Exception as broken:  # noqa: BLE001  # ⚔ an unforeseen answer counts as none, and must not end the rounds
            holdup, reason = DeliveryObstacle.CARRIER, f"{type(broken).__name__} while sending"
        else:
            self._missed.pop(carrier.name, None)
            self._told(carrier.name, "sent")
            _NOTICES.info("notice %s was taken by %s", notice.id, carrier.name, extra={"event": "notice.sent"})
            return None
        if holdup is DeliveryObstacle.NEVER:
            self._undelivered(notice, carrier.name, reason)
            return holdup
        if holdup is DeliveryObstacle.CARRIER:
            missed = self._missed.get(carrier.name, 0)
            self._missed[carrier.name] = missed + 1
            self._rests_until_s[carrier.name] = desk.world.ticks() + _REST_S[min(missed, len(_REST_S) - 1)]
        self._told(carrier.name, "put_off")
        _NOTICES.warning(
            "notice %s was not taken by %s, and is tried again: %s",
            notice.id,
            carrier.name,
            reason,
            extra={"event": "notice.put_off"},
        )
        return holdup

    def _undelivered(self, notice: NoticeRecord, name: str, reason: str) -> None:
        """Log a failed delivery, so that the person can be notified otherwise."""
        self._told(name, "failed")
        what = f"about {', '.join(notice.about)}" if notice.about else f"“{notice.subject}”"
        _NOTICES.error(
            "notice %s for %s, %s, could not be delivered by %s: %s",
            notice.id,
            notice.to,
            what,
            name,
            reason,
            extra={"event": "notice.undelivered"},
        )

    def _rests(self, desk: DeskContext, name: str) -> bool:
        return self._left_s(desk, name) > 0

    def _left_s(self, desk: DeskContext, name: str) -> float:
        return max(0.0, self._rests_until_s.get(name, 0.0) - desk.world.ticks())


async def _attempt_unclaimed(
    work: Callable[[DeskContext, Versioned[NoticeRecord]], Awaitable[int]],
    desk: DeskContext,
    kept: Versioned[NoticeRecord],
) -> int:
    """Run one piece of work, unless another node has it."""
    try:
        return await work(desk, kept)
    except (Conflict, RecordMissing):
        return 0


def _gathering(officer: str) -> str:
    """Return the id of an officer's gathering record, equal on all nodes."""
    return f"gathering {officer}"


def _carriers(desk: DeskContext, address: str) -> tuple[str, ...]:
    """Return the carriers that can reach a person with this address."""
    return tuple(carrier.name for carrier in desk.carriers if address or not carrier.needs_address)
