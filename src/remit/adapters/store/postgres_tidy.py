"""What a node does for everybody now and then: replay marks that have expired are forgotten, and more entries are given room."""

import contextlib
import time
from typing import Final

from remit.adapters.postgres import BROKEN, Connection
from remit.adapters.store.migrations.postgres import AHEAD, PARTITION
from remit.adapters.store.postgres_schema import make_partition

_PURGE_EVERY_S: Final = 60.0
_PURGE: Final = """delete from mark
where desk = $1 and until < least($2, (extract(epoch from clock_timestamp()) * 1000)::bigint) - 120000"""


class Tidying:
    """When it was last done here, and how far there is room."""

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self.after = 0.0
        self._partitions = 0

    async def tidy(self, connection: Connection, size: int, newest: int) -> None:
        """Do it where it is time. What fails is tried with the next group.

        ⚔ A mark has expired when entries and the server's clock both say so: one node whose clock jumps must not open the others to replays.
        """
        now = time.monotonic()
        if now < self.after and size + AHEAD < self._partitions:
            return
        with contextlib.suppress(*BROKEN):
            await connection.execute(_PURGE, self._desk, newest)
            await make_partition(connection, size + AHEAD)
            self._partitions = (size + AHEAD) // PARTITION * PARTITION + PARTITION
            self.after = now + _PURGE_EVERY_S
