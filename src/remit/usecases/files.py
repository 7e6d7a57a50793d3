"""Agents' files for the desk's staff: listing, viewing, saving, and deciding on held ones."""

import contextlib
import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.files.detect import PICTURES, TEXT_KINDS
from remit.domain.i18n import marked
from remit.domain.mandate.cover import verify_may_speak
from remit.domain.records import (
    PERMITTED_ASKS,
    ActRecord,
    AskRecord,
    AskState,
    FileRecord,
    FileState,
    PersonRecord,
    TaskRecord,
    TaskState,
)
from remit.domain.secrets.find import find_secrets, redact
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json, instant_text
from remit.engine.ask.authorization_state import load_authorization_state
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.files.attach import attachment_acts
from remit.engine.files.deliver import deliver_released, release_key
from remit.engine.files.store import FileBytes, droppable_content, read_file_bytes, release_queue_slot, stored_bytes
from remit.engine.transcript.record import prepare_entry, pseudonym
from remit.ports.store import Commit, Drop, Put, RecordMissing, Versioned

_PAGE: Final = 100
_MAX_SHOWN: Final = 200_000
"""Letters of a file shown on a page; the rest is read by saving it."""
_MAX_GUESSED: Final = 8_000
"""Letters shown of an unscanned file: enough to recognise it."""
_RUNS: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")


@struct(frozen=True, kw_only=True)
class FileView:
    """A file as an officer sees it: its facts, its text, and whether that is complete."""

    facts: Mapping[str, Json]
    text: str
    cut: bool


async def case_files(desk: DeskContext, case: str) -> list[Mapping[str, Json]]:
    """List the files of a case, newest first."""
    return [
        await _facts(desk, one.record)
        for one in await desk.store.find(FileRecord, "file.case", case, limit=_PAGE, newest=True)
    ]


async def held_files(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the files waiting for an officer, by expiry."""
    return [await _facts(desk, one.record) for one in await desk.store.find(FileRecord, "due.file", "", limit=_PAGE)]


async def file_view(desk: DeskContext, file_id: str) -> FileView:
    """Return one file for viewing.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    kept = await get_file(desk, file_id)
    data = await stored_bytes(desk, kept.record)
    if data is None or kept.record.kind in {one.value for one in PICTURES}:
        return FileView(facts=await _facts(desk, kept.record), text="", cut=False)
    if kept.record.kind in {one.value for one in TEXT_KINDS}:
        text, most = data.decode("utf-8", errors="replace"), _MAX_SHOWN
    else:
        text, most = (
            "\n".join(one[0].decode("ascii") for one in _RUNS.finditer(data))[: _MAX_GUESSED + 1],
            _MAX_GUESSED,
        )
        text = redact(text, find_secrets(text))
    return FileView(facts=await _facts(desk, kept.record), text=text[:most], cut=len(text) > most)


async def file_bytes(desk: DeskContext, file_id: str) -> FileBytes:
    """Return one file for saving.

    Raises:
        Refused: `request.not_found`, also where it was discarded or erased.
        Fault: `fault.store`.
    """
    found = await read_file_bytes(desk, (await get_file(desk, file_id)).record)
    if found is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "the file is gone", public=marked("The file is no longer available."))
    return found


async def get_file(desk: DeskContext, file_id: str) -> Versioned[FileRecord]:
    """Return a file's record.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        return await desk.store.get(FileRecord, file_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such file") from None


async def _stands(desk: DeskContext, record: FileRecord) -> str:
    """Return a file's displayed state. ⚔ A file is attached only with its ask: never show it as in a ticket before."""
    if record.state is not FileState.KEPT:
        return record.state.value
    try:
        ask = (await desk.store.get(AskRecord, record.ask)).record.state
    except RecordMissing:
        return "dropped"
    return "waiting" if ask is AskState.WAITING else record.state.value if ask in PERMITTED_ASKS else "dropped"


async def _facts(desk: DeskContext, record: FileRecord) -> Mapping[str, Json]:
    return {
        "file": record.id,
        "ask": record.ask,
        "case": record.case,
        "name": record.name,
        "kind": record.kind,
        "media_type": record.media_type,
        "size": record.size,
        "digest": record.digest,
        "state": record.state.value,
        "stands": await _stands(desk, record),
        "why": record.why,
        "removed": dict(record.removed),
        "at": instant_text(record.at),
        "due_at": instant_text(record.due_at) if record.due_at else None,
        "by": record.by,
        "decided_at": instant_text(record.decided_at) if record.decided_at else None,
        "whole": record.whole,
    }


async def decide_file(desk: DeskContext, officer: PersonRecord, file_id: str, *, release: bool) -> FileRecord:
    """Release or discard a held file, for good.

    ⚔ Not in one's own case, nor after expiry: downtime extends no deadline.

    Raises:
        Refused: `request.not_found`, `request.conflict` once it was decided, `person.not_allowed`, `task.busy`;
            `mandate.power_missing` where the customer struck *represent* meanwhile.
        Fault: `fault.store`.

    Source: docs/model/model.md#inbound.
    """
    await expire_file(desk, await get_file(desk, file_id))
    kept = await get_file(desk, file_id)
    if kept.record.state is not FileState.HELD:
        public = marked("A decision about this file was already made.")
        raise Refused(Code.REQUEST_CONFLICT, f"the file is {kept.record.state}", public=public)
    customer = (await desk.store.get(PersonRecord, kept.record.customer)).record
    if customer.key == officer.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "a file in their own case")
    if release:
        await _verify_may_speak(desk, kept.record)
    return await _settle(desk, kept, state=FileState.RELEASED if release else FileState.DISCARDED, by=officer.id)


async def _verify_may_speak(desk: DeskContext, record: FileRecord) -> None:
    """⚔ Verify that the agent may still speak: a release is no *represent*. An ended task's file reaches no ticket."""
    if (await desk.store.get(TaskRecord, record.task)).record.state is not TaskState.ENDED:
        for _, mandate in (await load_authorization_state(desk, record.task)).chain:
            verify_may_speak(mandate)


async def expire_file(desk: DeskContext, kept: Versioned[FileRecord]) -> None:
    """Discard an undecided file in time. ⚔ Silence releases nothing."""
    if kept.record.state is FileState.HELD and desk.world.now() >= kept.record.due_at:
        await _settle(desk, kept, state=FileState.DISCARDED, by="")


async def _settle(desk: DeskContext, kept: Versioned[FileRecord], *, state: FileState, by: str) -> FileRecord:
    record = kept.record
    passes = state is FileState.RELEASED
    settled = replace(record, state=state, by=by, decided_at=desk.world.now(), whole=passes)
    outcome = state.value if by else "lapsed"
    said = {"file": record.id, "name": record.name, "outcome": outcome}
    written = await prepare_entry(
        desk,
        Kind.ATTACHMENT_SETTLED,
        envelope={
            "file": record.id,
            "ask": record.ask,
            "task": record.task,
            "case": record.case,
            "why": record.why,
            "outcome": outcome,
            "customer": pseudonym(desk, record.customer),
        },
        agent=said,
        customer=said,
        desk={**said, "by": by, "size": record.size},
        subject=record.customer,
        refs=(record.ask, record.task, record.case, record.customer),
    )
    content = None if passes else await droppable_content(desk, record)
    drops = () if content is None else (Drop(content.record, content.rev),)
    acts = await _acts(desk, settled)
    puts = (Put(settled, kept.rev, record), *(Put(one, 0) for one in acts))
    await commit_retryable(
        desk, Commit(puts=puts, drops=drops, reserves=(release_queue_slot(record),), entries=written.rows)
    )
    desk.notify.wake(f"ask:{record.ask}")
    if passes:
        with contextlib.suppress(Fault):  # it is on the case's page either way
            await deliver_released(desk, settled, acts)
    return settled


async def _acts(desk: DeskContext, settled: FileRecord) -> tuple[ActRecord, ...]:
    """Return the acts that attach a file through the outbox while its task runs; an ended task's act is never sent."""
    task = (await desk.store.get(TaskRecord, settled.task)).record
    acts = () if task.state is TaskState.ENDED else attachment_acts(desk, (settled,), epochs="")
    return tuple([replace(one, id=release_key(settled)) for one in acts])
