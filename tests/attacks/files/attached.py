"""A file sent with an ask, and everything the desk keeps of it."""

from typing import Any, Final

from attacks.arena import Arena
from remit.domain.records import FileContent, FileRecord

READ: Final = {"order_id": "W1"}


def kept(arena: Arena, task: Any) -> list[tuple[FileRecord, bytes | None]]:
    """The files of a task, with what is kept of each."""

    async def found() -> list[tuple[FileRecord, bytes | None]]:
        out: list[tuple[FileRecord, bytes | None]] = []
        for one in await arena.context.store.find(FileRecord, "file.task", task.id):
            data = None
            if one.record.whole:
                sealed = (await arena.context.store.get(FileContent, one.record.id)).record.sealed
                data = await arena.context.vault.unseal(one.record.customer, sealed)
            out.append((one.record, data))
        return out

    return arena.run(found())
