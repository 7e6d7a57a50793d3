"""What a node does for everybody now and then: replay marks that have expired are forgotten, and more entries are given room."""

import contextlib
import time
from typing import Final

from remit.adapters.postgres import BROKEN, Connection
from remit.adapters.store.forgetting import FORGOTTEN, KEEP_MS, Passed
from remit.adapters.store.migrations.postgres import AHEAD, PARTITION
from remit.adapters.store.postgres_schema import make_partition

LONGEST_MARK_MS: Final = 600_000
"""No replay mark is wanted for longer than this from when it is set: by its end the time can be told where there are no entries."""
_PURGE_EVERY_S: Final = 60.0
_AGAIN_S: Final = 5.0
_PORTION: Final = 10_000
_PURGE: Final = f"""with over as materialized (select least($2, (extract(epoch from clock_timestamp()) * 1000)::bigint - {KEEP_MS}) as at),
forgotten as (insert into mark (desk, key, until) select $1, '{FORGOTTEN}', at from over
on conflict (desk, key) do update set until = greatest(mark.until, excluded.until))
delete from mark where desk = $1 and key in (select key from mark
where desk = $1 and until < (select at from over) and key <> '{FORGOTTEN}' order by until limit {_PORTION})"""  # noqa: S608  # a number and a fixed word


class Tidying:
    """When it was last done here, and how far there is room."""

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self._passed = Passed()
        self.after = 0.0
        self._partitions = 0

    async def tidy(self, connection: Connection, size: int, newest: int, *, at_least: bool) -> None:
        """Do it where it is time. What fails is tried again a little later, not with every group.

        ⚔ A mark has expired when entries, the server's clock and the time that has passed here all say so: a clock that jumps must not
        open a desk to replays. Up to when marks were forgotten is recorded with it.
        """
        over = self._passed.over(newest, at_least=at_least)
        now = time.monotonic()
        if now < self.after:
            return
        self.after = now + _AGAIN_S
        with contextlib.suppress(*BROKEN):
            taken = await connection.execute(_PURGE, self._desk, over)
            if taken != f"DELETE {_PORTION}":  # else there are more: the next portion in a few seconds
                self.after = now + _PURGE_EVERY_S
        if size + AHEAD >= self._partitions:
            with contextlib.suppress(*BROKEN):
                await make_partition(connection, size + AHEAD)
                self._partitions = (size + AHEAD) // PARTITION * PARTITION + PARTITION
