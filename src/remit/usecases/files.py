"""What the desk's people see of files that agents sent: those of a case, those that wait, one to look at and one to save.

Deciding about one that is held back is in `settle_files`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.file_kinds import PICTURES, WRITTEN
from remit.domain.records import PERMITTED_ASKS, AskRecord, AskState, FileRecord, FileState
from remit.domain.secrets import find_secrets, redact
from remit.domain.speech import marked
from remit.domain.values import Json, instant_text
from remit.ports.store import Kept, Missing
from remit.usecases.keep_files import FileBytes, bytes_of, stored_bytes
from remit.usecases.parts import Parts

_PAGE: Final = 100
_MOST_SHOWN: Final = 200_000
"""Letters of a file on a page: what is longer is read where it was saved."""
_MOST_GUESSED: Final = 8_000
"""Letters shown of what was not read: enough to see what it is."""
_RUNS: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file as an officer sees it: what is known of it, the text of it, and whether that is all of it.

    Of a file that was not read, `text` is what stands readable in it, without secrets; of a picture there is none.
    """

    facts: Mapping[str, Json]
    text: str
    cut: bool


async def case_files(parts: Parts, case: str) -> list[Mapping[str, Json]]:
    """The files that came in a case, newest first."""
    return [await _facts(parts, one.record) for one in await parts.store.find(FileRecord, "file.case", case, limit=_PAGE, newest=True)]


async def held_files(parts: Parts) -> list[Mapping[str, Json]]:
    """The files that wait for an officer, those first that are discarded first."""
    return [await _facts(parts, one.record) for one in await parts.store.find(FileRecord, "due.file", "", limit=_PAGE)]


async def file_view(parts: Parts, file_id: str) -> FileView:
    """One file, to look at.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    kept = await file_of(parts, file_id)
    data = await stored_bytes(parts, kept.record)
    if data is None or kept.record.kind in {one.value for one in PICTURES}:
        return FileView(facts=await _facts(parts, kept.record), text="", cut=False)
    if kept.record.kind in {one.value for one in WRITTEN}:
        text, most = data.decode("utf-8", errors="replace"), _MOST_SHOWN
    else:
        text, most = "\n".join(one[0].decode("ascii") for one in _RUNS.finditer(data))[: _MOST_GUESSED + 1], _MOST_GUESSED
        text = redact(text, find_secrets(text))
    return FileView(facts=await _facts(parts, kept.record), text=text[:most], cut=len(text) > most)


async def file_bytes(parts: Parts, file_id: str) -> FileBytes:
    """One file, to save.

    Raises:
        Refused: `request.not_found`, also where it was discarded or erased.
        Fault: `fault.store`.
    """
    found = await bytes_of(parts, (await file_of(parts, file_id)).record)
    if found is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "the file is gone", public=marked("The file is gone."))
    return found


async def file_of(parts: Parts, file_id: str) -> Kept[FileRecord]:
    """A file as it is recorded.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        return await parts.store.get(FileRecord, file_id)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such file") from None


async def _stands(parts: Parts, record: FileRecord) -> str:
    """Where a file is: as its state says, but that one goes into its case with its ask and not before. ⚔ Nobody is told that it is in a ticket it is not in."""
    if record.state is not FileState.KEPT:
        return record.state.value
    try:
        ask = (await parts.store.get(AskRecord, record.ask)).record.state
    except Missing:
        return "dropped"
    return "waiting" if ask is AskState.WAITING else record.state.value if ask in PERMITTED_ASKS else "dropped"


async def _facts(parts: Parts, record: FileRecord) -> Mapping[str, Json]:
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
        "stands": await _stands(parts, record),
        "why": record.why,
        "removed": dict(record.removed),
        "at": instant_text(record.at),
        "due_at": instant_text(record.due_at) if record.due_at else None,
        "by": record.by,
        "decided_at": instant_text(record.decided_at) if record.decided_at else None,
        "whole": record.whole,
    }
