"""What this node has seen of a store on PostgreSQL: whatever is read from now on must go on from it, at whichever server it is read.

Where it does not, the store lost what it had kept: nothing is served from it any more, here and at every other node.
"""

import contextlib
from collections.abc import Awaitable
from typing import Final

from remit.adapters.postgres import BROKEN, Connection
from remit.adapters.store.decoded import Decoded
from remit.adapters.store.highwater import HighWater
from remit.adapters.store.postgres_ground import LOST, Standing, read_ground
from remit.adapters.store.postgres_tree import Lost, Tree

_TELL: Final = "insert into record (desk, kind, id, rev, body) values ($1, $2, $3, 1, $4) on conflict do nothing"
_FORGET: Final = "delete from record where desk = $1 and kind = $2 and id = $3"


class Seen:
    """The tree as far as this node has seen it, and whether the store still has that."""

    def __init__(self, desk: str, tree: Tree, *, decoded: Decoded, high_water: HighWater) -> None:
        self._desk = desk
        self._decoded = decoded
        self._high_water = high_water
        self.tree = tree
        self.lost: Lost | None = None
        """What whoever reads is told, while the store lacks what was seen."""

    async def stand(self, connection: Connection, ground: Standing | None = None) -> None:
        """Stand on the head that was read, or that is read now. One at a time: what is seen here moves on.

        Raises:
            Fault: `fault.store`, as `Lost` where the store lacks what was seen.
        """
        ground = ground or await self._ground(connection)
        if self._high_water.frozen:  # a recovery goes on from what is there
            ground.lost = ""
        await self._told(connection, self.tree.stand(connection, ground))
        self.lost = None

    async def verify(self, connection: Connection) -> None:
        """Check that the server at the end of a new connection has all that was seen when it was made.

        Raises:
            Fault: as `stand`.
        """
        known = self.tree.head
        ground = await self._ground(connection)
        if self._high_water.frozen:
            ground.lost = ""
        await self._told(connection, self.tree.verify(connection, known, ground))

    async def forget_lost(self, connection: Connection) -> None:
        """What was lost is lost: the end of a recovery."""
        await connection.execute(_FORGET, self._desk, *LOST)

    async def _ground(self, connection: Connection) -> Standing:
        return await read_ground(connection, self._desk, (), self._decoded, since=self.tree.head.size)

    async def _told(self, connection: Connection, verifying: Awaitable[None]) -> None:
        """Check something of the store; where it lost what was seen, say so to all other nodes, in the store itself.

        ⚔ A node that never saw what was lost would go on from what is left, and its history would grow over it.
        """
        try:
            await verifying
        except Lost as lost:
            self.lost = lost
            with contextlib.suppress(*BROKEN):
                await connection.execute(_TELL, self._desk, *LOST, self.tree.head.note.encode())
            raise
