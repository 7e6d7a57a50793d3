"""Bringing the files of an ask into its case at the helpdesk: one act for each in the outbox, with the ask's own record."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import timed_id
from remit.domain.records import NEVER, PERMITTED_ASKS, ActRecord, ActState, AskRecord, AskState, FileRecord, FileState
from remit.domain.values import kept_object
from remit.engine.context import Parts
from remit.engine.files.store import bytes_of
from remit.ports.store import Missing
from remit.proof.canonical import canonical

_ATTACH: Final = '"do":"attach"'


def acts_for(parts: Parts, files: Iterable[FileRecord], *, epochs: str, sent: bool = False) -> tuple[ActRecord, ...]:
    """What brings each file into its case, queued, or on its way with the act it belongs to. `epochs` is what its ask was permitted on.

    ⚔ Only what was cleaned or let pass: nothing that is held back gets here.
    """
    now = parts.world.now()
    return tuple(
        ActRecord(
            id=timed_id("act", now, parts.world.random(10)),
            ask="",
            task=one.task,
            case=one.case,
            door="helpdesk",
            payload=canonical({"do": "attach", "file": one.id}).decode(),
            state=ActState.SENT if sent else ActState.QUEUED,
            queued_at=now,
            sent_at=now if sent else NEVER,
            tries=1 if sent else 0,
            epochs=epochs,
        )
        for one in files
        if one.state in {FileState.KEPT, FileState.RELEASED}
    )


def attaches(act: ActRecord) -> bool:
    """Whether an act brings a file into a case: like every write of an agent it is done only in a case that was read again."""
    return _ATTACH in act.payload


class Fate(StrEnum):
    """What becomes of an act that brings a file into a case."""

    GOES = "goes"
    WAITS = "waits"
    NEVER = "never"


async def fate_of(parts: Parts, act: ActRecord, epochs: str) -> Fate:
    """Whether a file may go into its case as things stand: `epochs` is what the task stands on now.

    ⚔ It goes with its ask. Where that waits to be decided again, its file waits too; where that was refused after all, it never goes.
    What an officer let pass goes by that answer alone.
    """
    try:
        file = (await parts.store.get(FileRecord, str(kept_object(act.payload).get("file", "")))).record
        ask = (await parts.store.get(AskRecord, file.ask)).record
    except (Missing, Refused):
        return Fate.NEVER
    if file.state is FileState.RELEASED:
        return Fate.GOES
    if ask.state not in PERMITTED_ASKS:
        return Fate.NEVER
    return Fate.WAITS if ask.state is AskState.PERMITTED and act.epochs != epochs else Fate.GOES


async def attach(parts: Parts, *, key: str, file_id: str) -> None:
    """Bring one file into its case, once for all by its key.

    Raises:
        Fault: `fault.case`; `fault.store` where the file is gone: nothing of it will ever be written.
    """
    try:
        record = (await parts.store.get(FileRecord, file_id)).record
    except Missing:
        raise Fault(Code.FAULT_STORE, "an act for a file that is not there") from None
    if record.state not in {FileState.KEPT, FileState.RELEASED}:
        raise Fault(Code.FAULT_STORE, "an act for a file that is held back")
    file = await bytes_of(parts, record)
    if file is None:
        raise Fault(Code.FAULT_STORE, "an act for a file that is gone")
    await parts.helpdesk.attach(
        case=record.case, key=key, author="agent", name=file.name, media_type=file.media_type, data=file.data
    )
