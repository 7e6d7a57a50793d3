"""One writer for each record of a mapped system: an act holds its records until it is settled or can no longer arrive."""

from collections.abc import Collection
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.domain.errors import Code
from remit.domain.values import Instant
from remit.ports.world import World
from remit.proof.canonical import canonical

_VERSION: Final = 1
_TABLES: Final = """
create table mapped_hold (
    record text primary key, key text not null, until integer not null
) strict, without rowid
"""


class RecordHolds:
    """Holds in the desk's own database, so that they count for all its nodes.

    Raises:
        Fault: `fault.backoffice` from every method when the database does not answer.
    """

    def __init__(self, database: DeskJobs, world: World, *, life_ms: int) -> None:
        """Create missing tables; `life_ms` is how long a request may still arrive.

        Raises:
            Refused: `settings.invalid` when the database holds another version of them.
        """
        database.prepare("mapped_holds", _VERSION, _TABLES)
        self._database = database
        self._world = world
        self._life_ms = life_ms

    async def take(self, key: str, records: Collection[tuple[str, str]]) -> bool:
        """Take, or renew, the records (kind, id) for one act; False, with none taken, where another act has one."""
        if not records:
            return True
        names = [canonical(list(one)).decode() for one in sorted(records)]
        now = self._world.now()

        def job(connection: DeskConnection) -> bool:
            for name in names:
                row = connection.execute("select key, until from mapped_hold where record = ?", (name,)).fetchone()
                if row is not None and row[0] != key and row[1] > now:
                    return False
            for name in names:
                connection.execute("delete from mapped_hold where record = ?", (name,))
                connection.execute(
                    "insert into mapped_hold (record, key, until) values (?, ?, ?)", (name, key, self._until(now))
                )
            return True

        return await self._database.write(job, fault=Code.FAULT_BACKOFFICE)

    async def release(self, key: str) -> None:
        """Release what an act holds."""
        delete = "delete from mapped_hold where key = ?"
        await self._database.write(lambda connection: connection.execute(delete, (key,)), fault=Code.FAULT_BACKOFFICE)

    def _until(self, now: Instant) -> Instant:
        return Instant(now + self._life_ms)
