"""Attachment of an ask's files to its case: one outbox act per file, recorded with the ask."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import (
    PERMITTED_ASKS,
    ActRecord,
    AskRecord,
    AskState,
    FileRecord,
    FileState,
)
from remit.domain.values import parse_stored_object
from remit.engine.context import DeskContext
from remit.engine.files.store import read_file_bytes
from remit.engine.helpdesk_writes import helpdesk_write
from remit.ports.store import RecordMissing

_ATTACH: Final = '"do":"attach"'


def attachment_acts(
    desk: DeskContext, files: Iterable[FileRecord], *, epochs: str, sent: bool = False
) -> tuple[ActRecord, ...]:
    """Return the acts that attach each file, queued or sent with their ask's act; `epochs` are those of the permit.

    ⚔ Only cleaned or released files: no held one gets here.
    """
    now = desk.world.now()
    return tuple(
        helpdesk_write(
            desk, {"do": "attach", "file": one.id}, task=one.task, case=one.case, at=now, sent=sent, epochs=epochs
        )
        for one in files
        if one.state in {FileState.KEPT, FileState.RELEASED}
    )


def is_attachment_act(act: ActRecord) -> bool:
    """Return whether an act attaches a file: like every agent write it needs a fresh case read."""
    return _ATTACH in act.payload


class AttachmentFate(StrEnum):
    """The fate of an attachment act."""

    GOES = "goes"
    WAITS = "waits"
    NEVER = "never"


async def attachment_fate(desk: DeskContext, act: ActRecord, epochs: str) -> AttachmentFate:
    """Return whether a file may go into its case now; `epochs` are the task's present ones.

    ⚔ It goes with its ask: it waits while that waits to be decided again, and never goes after a refusal. A released
    file goes by the officer's answer alone.
    """
    try:
        file = (await desk.store.get(FileRecord, str(parse_stored_object(act.payload).get("file", "")))).record
        ask = (await desk.store.get(AskRecord, file.ask)).record
    except (RecordMissing, Refused):
        return AttachmentFate.NEVER
    if file.state is FileState.RELEASED:
        return AttachmentFate.GOES
    if ask.state not in PERMITTED_ASKS:
        return AttachmentFate.NEVER
    return AttachmentFate.WAITS if ask.state is AskState.PERMITTED and act.epochs != epochs else AttachmentFate.GOES


async def attach_file(desk: DeskContext, *, key: str, file_id: str) -> None:
    """Attach one file to its case, once by its key.

    Raises:
        Fault: `fault.case`; `fault.store` where the file is gone: nothing of it will ever be written.
    """
    try:
        record = (await desk.store.get(FileRecord, file_id)).record
    except RecordMissing:
        raise Fault(Code.FAULT_STORE, "an act for a file that is not there") from None
    if record.state not in {FileState.KEPT, FileState.RELEASED}:
        raise Fault(Code.FAULT_STORE, "an act for a held file")
    file = await read_file_bytes(desk, record)
    if file is None:
        raise Fault(Code.FAULT_STORE, "an act for a file that is gone")
    await desk.helpdesk.attach(
        case=record.case, key=key, author="agent", name=file.name, media_type=file.media_type, data=file.data
    )
