"""Lease under which a node may use its cached content keys, so that retired and destroyed keys are soon unused.

A lease ends by the node's own clock unless renewed; changing keys waits until every other node has dropped its cache
or its lease must have ended. docs/decisions/0020-content-keys-many-nodes.md
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remit.adapters.db.postgres import Connection
from remit.adapters.vault.postgres.connection import VaultConnection
from remit.adapters.vault.sealing import ContentKey
from remit.domain.errors import Code, Fault, Refused

Clock = Callable[[], float]
LEASE_S: Final = 5.0
"""Time, in seconds, a node may use its cache after the last contact."""
GONE_S: Final = 1.2 * LEASE_S
"""Silence, in seconds, after which a node's lease has surely ended: clocks of two machines differ."""
BEAT_S: Final = 0.05
"""Interval, in seconds, at which a node checks for retired or destroyed keys."""
_RENEW_S: Final = 1.0
_PATIENCE_S: Final = 3 * GONE_S
_LOOK_S: Final = 0.005
_BOOTTIME: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_EPOCH: Final = "select n from epoch where desk = $1"
_JOIN: Final = "insert into node (desk, node, seen, beat) select $1, $2, n, 0 from epoch where desk = $1 returning seen"
_RENEW: Final = """update node set beat = beat + 1, seen = $3 where desk = $1 and node = $2
returning (select n from epoch where desk = $1)"""
_LEAVE: Final = "delete from node where desk = $1 and node = $2"
_BEHIND: Final = "select node, beat from node where desk = $1 and node <> $2 and seen < $3"
_GIVE_UP: Final = "delete from node where desk = $1 and node = $2 and beat = $3"


def since_boot() -> float:
    """Return seconds that include the machine's sleep."""
    return time.clock_gettime(_BOOTTIME)


class LeasedKeys:
    """Keys cached at one epoch, at first none."""

    __slots__ = ("by_id", "current", "epoch", "until")

    def __init__(self, epoch: int, until: float = 0.0) -> None:
        self.epoch = epoch
        self.until = until
        self.current: dict[str, ContentKey] = {}
        self.by_id: dict[tuple[str, bytes], AESGCM] = {}


class KeyLease:
    """Lease of one node. Everything but `held` and `holds` belongs to the loop of its connection."""

    def __init__(self, url: str, desk: str, *, clock: Clock = since_boot, beat_s: float = BEAT_S) -> None:
        self._line = VaultConnection(url, "remit keys beat", answer_s=LEASE_S)
        self._desk = desk
        self._node = secrets.token_hex(8)
        self._clock = clock
        self._beat_s = beat_s
        self._turn = asyncio.Lock()
        self._renew_after = 0.0
        self._beating: asyncio.Task[None] | None = None
        self.held = LeasedKeys(-1)

    def holds(self, held: LeasedKeys) -> bool:
        """Whether these keys may be used. ⚔ Asked after a use too: a process may be delayed in between."""
        return held is self.held and self._clock() < held.until

    async def take(self) -> None:
        """Take or renew the lease.

        Raises:
            Fault: `fault.store` when the database does not answer.
        """
        if not self.holds(self.held):
            async with self._turn:
                if not self.holds(self.held):
                    await self._line.use(self._renew, again=True)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    def forget(self) -> None:
        """Drop the cached keys."""
        self.held = LeasedKeys(self.held.epoch, self.held.until)

    async def wait_until_forgotten(self, connection: Connection) -> None:
        """Drop the cached keys, and wait until no other node uses what was changed before this call.

        Raises:
            Fault: `fault.store` when one does not follow.
        """
        self.forget()
        epoch = await connection.fetchval(_EPOCH, self._desk)
        seen: dict[str, tuple[int, float]] = {}
        began = self._clock()
        while behind := await connection.fetch(_BEHIND, self._desk, self._node, epoch):
            now = self._clock()
            for node, beat in behind:
                if seen.setdefault(node, (beat, now))[0] != beat:
                    seen[node] = (beat, now)  # it is alive and will notice
                    if now - began > _PATIENCE_S:
                        raise Fault(
                            Code.FAULT_STORE, "another node does not forget its content keys; it is tried again"
                        )
                elif now - seen[node][1] > GONE_S:
                    await connection.execute(_GIVE_UP, self._desk, node, beat)
            await asyncio.sleep(_LOOK_S)

    async def leave(self) -> None:
        """Stop using keys and remove this node."""
        if self._beating is None:
            return
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        self.held = LeasedKeys(-1)
        with contextlib.suppress(Fault, Refused):
            await self._line.use(lambda connection: connection.execute(_LEAVE, self._desk, self._node))
        await self._line.close()

    async def _renew(self, connection: Connection) -> None:
        """Renew the lease or take a new one; after a change of keys, drop the cache before acknowledging it."""
        while True:
            began = self._clock()  # before the request: other nodes see this beat later
            epoch = await connection.fetchval(_RENEW, self._desk, self._node, self.held.epoch)
            if epoch is None:
                self.held = LeasedKeys(-1)
                began = self._clock()
                epoch = await connection.fetchval(_JOIN, self._desk, self._node)
                if epoch is None:
                    raise Fault(Code.FAULT_STORE, "the content keys are gone: their database was emptied")
                self.held = LeasedKeys(epoch)
            if epoch == self.held.epoch:
                self.held.until = began + LEASE_S
                self._renew_after = began + _RENEW_S
                return
            self.held = LeasedKeys(epoch)

    async def _beat(self) -> None:
        """Check for changed keys at intervals, and keep this node's beat."""
        while True:
            await asyncio.sleep(self._beat_s)
            async with self._turn:
                with contextlib.suppress(Fault, Refused):
                    await self._line.use(self._look)
            if self._clock() >= self.held.until:
                self.held = LeasedKeys(-1)  # keys that may not be used are not kept either

    async def _look(self, connection: Connection) -> None:
        if self._clock() >= self._renew_after or await connection.fetchval(_EPOCH, self._desk) != self.held.epoch:
            await self._renew(connection)
