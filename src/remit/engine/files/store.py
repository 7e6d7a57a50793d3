"""Storage of an ask's files with its record, sealed like all customer content, and their descriptions."""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Final

from remit.domain.files.detect import MEDIA_TYPES, TEXT_KINDS, FileKind
from remit.domain.ids import timed_id
from remit.domain.records import NEVER, AskRecord, FileContent, FileRecord, FileState, TaskRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, JsonObject
from remit.engine.context import DeskContext
from remit.engine.files.read import ScannedFile
from remit.engine.files.receive import MAX_HELD, CleanedFiles, held_file_id
from remit.ports.store import Put, RecordMissing, Reserve, Versioned
from remit.ports.vault import ContentErased

HELD_FOR_S: Final = 7 * 86_400
"""Time for an officer's decision; a week has a working day in it. ⚔ An undecided file is discarded, never released."""


_HELD: Final = "held"


@struct(frozen=True, kw_only=True)
class SealedFile:
    """A file ready to be recorded with its ask."""

    record: FileRecord
    content: FileContent


async def seal_files(desk: DeskContext, task: TaskRecord, files: CleanedFiles) -> tuple[SealedFile, ...]:
    """Seal the accepted or held files of an ask.

    Raises:
        Fault: `fault.store` when the content key cannot be had.
    """
    return tuple([await _one(desk, task, one) for one in (*files.kept, *files.held)])


async def _one(desk: DeskContext, task: TaskRecord, read: ScannedFile) -> SealedFile:
    now = desk.world.now()
    held = bool(read.why)
    name = held_file_id(desk, task.id, read) if held else timed_id("file", now, desk.world.random(10))
    return SealedFile(
        record=FileRecord(
            id=name,
            ask="",
            task=task.id,
            case=task.case,
            customer=task.customer,
            name=read.name,
            kind=read.kind,
            media_type=read.media_type,
            size=len(read.data),
            digest=read.digest,
            state=FileState.HELD if held else FileState.KEPT,
            at=now,
            removed=read.removed,
            why=read.why,
            due_at=Instant(now + HELD_FOR_S * 1000) if held else NEVER,
        ),
        content=FileContent(id=name, sealed=await desk.vault.seal(task.customer, read.data)),
    )


def reserve_queue_slots(files: Iterable[SealedFile]) -> tuple[Reserve, ...]:
    """Return the queue slots of held files. ⚔ Taken with the record: concurrent asks do not see each other."""
    return tuple(
        [Reserve(_queue_of(one.record), _HELD, 1, MAX_HELD) for one in files if one.record.state is FileState.HELD]
    )


def release_queue_slot(file: FileRecord) -> Reserve:
    """Release the queue slot of a file that no longer waits."""
    return Reserve(_queue_of(file), _HELD, -1, None)


def _queue_of(file: FileRecord) -> str:
    return f"files {file.task}"


def file_puts(files: Iterable[SealedFile], ask: AskRecord) -> tuple[Put, ...]:
    """Return the puts that record the files of an ask."""
    return tuple(put for one in files for put in (Put(replace(one.record, ask=ask.id), 0), Put(one.content, 0)))


def held_only(files: Sequence[SealedFile]) -> tuple[SealedFile, ...]:
    """Return the files that stay with a refused ask: only held ones."""
    return tuple(one for one in files if one.record.state is FileState.HELD)


def files_entry(files: Sequence[FileRecord]) -> JsonObject:
    """Return the files as the ask's entry lists them. ⚔ A held file was not read: only its size describes it."""
    return {"attachments": [_entry(one) for one in files]} if files else {}


def _entry(file: FileRecord) -> JsonObject:
    return {
        "file": file.id,
        "name": file.name,
        "size": file.size,
        **({"held": file.why} if file.why else {"kind": file.kind, "digest": file.digest}),
        **({"removed": dict(file.removed)} if file.removed else {}),
    }


async def ask_files(desk: DeskContext, ask: AskRecord) -> tuple[FileRecord, ...]:
    """Return the files that came with an ask, as they are now."""
    found: list[FileRecord] = []
    for file_id in ask.files:
        try:
            found.append((await desk.store.get(FileRecord, file_id)).record)
        except RecordMissing:
            continue
    return tuple(found)


async def deliverable_files(desk: DeskContext, ask: AskRecord) -> tuple[FileRecord, ...]:
    """Return the files to attach with an ask. ⚔ A file released before is there already, and never sent again."""
    return tuple([one for one in await ask_files(desk, ask) if one.ask == ask.id])


def agent_file_status(files: Iterable[FileRecord]) -> tuple[JsonObject, ...]:
    """Return the files as told to the agent: detected kind, counts of removals, and state."""
    return tuple(
        {
            "name": one.name,
            "state": one.state.value,
            **({"kind": one.kind} if one.kind else {}),
            **({"removed": dict(one.removed)} if one.removed else {}),
            **({"why": one.why} if one.why else {}),
        }
        for one in files
        if one.name
    )


@struct(frozen=True, kw_only=True)
class FileBytes:
    """A file for download. ⚔ Name and type are those of its detected kind, never those it came with."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


async def read_file_bytes(desk: DeskContext, record: FileRecord) -> FileBytes | None:
    """Return a file's bytes under a name of its detected kind; None once they are gone.

    Raises:
        Fault: `fault.store`.
    """
    data = await stored_bytes(desk, record)
    if data is None:
        return None
    if not record.kind:
        return FileBytes(name=f"{record.id}.unread", media_type="application/octet-stream", data=data)
    kind = FileKind(record.kind)
    written = kind in TEXT_KINDS
    return FileBytes(
        name=record.name, media_type="text/plain; charset=utf-8" if written else MEDIA_TYPES[kind], data=data
    )


async def stored_bytes(desk: DeskContext, record: FileRecord) -> bytes | None:
    """Return the bytes of a file, None once they are gone."""
    if not record.whole:
        return None
    try:
        return await desk.vault.unseal(record.customer, (await desk.store.get(FileContent, record.id)).record.sealed)
    except (RecordMissing, ContentErased):
        return None


async def droppable_content(desk: DeskContext, record: FileRecord) -> Versioned[FileContent] | None:
    """Return a file's content record for dropping, without its bytes; None if there is none."""
    if not record.whole:
        return None
    try:
        kept = await desk.store.get(FileContent, record.id)
    except RecordMissing:
        return None
    return Versioned(FileContent(id=record.id, sealed=b""), kept.rev)
