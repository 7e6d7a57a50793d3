"""What the desk's people see of files that agents sent, and letting one pass that was held back, or not.

Whoever lets a file pass, lets it into the case: it gives the agent no power, and the ask it came with stays refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.file_kinds import MEDIA_TYPES, PICTURES, WRITTEN, FileKind
from remit.domain.records import FileContent, FileRecord, FileState, Person, changed
from remit.domain.secrets import find_secrets, redact
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.domain.values import Json, instant_text
from remit.ports.store import Commit, Drop, Kept, Missing, Put
from remit.ports.vault import Erased
from remit.usecases.keep import keep
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write

_PAGE: Final = 100
_MOST_SHOWN: Final = 200_000
"""Letters of a file on a page: what is longer is read where it was saved."""
_MOST_GUESSED: Final = 8_000
"""Letters shown of what was not read: enough to see what it is."""
_RUNS: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_CONTENT_REV: Final = 1  # a content is written once


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file as an officer sees it: what is known of it, the text of it, and whether that is all of it.

    Of a file that was not read, `text` is what stands readable in it, without secrets; of a picture there is none.
    """

    facts: Mapping[str, Json]
    text: str
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """A file to be saved. ⚔ The name and the type are those of what it is, never those it came with."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


async def case_files(parts: Parts, case: str) -> list[Mapping[str, Json]]:
    """The files that came in a case, newest first."""
    return [_facts(one.record) for one in await parts.store.find(FileRecord, "file.case", case, limit=_PAGE, newest=True)]


async def held_files(parts: Parts) -> list[Mapping[str, Json]]:
    """The files that wait for an officer, those first that are discarded first."""
    return [_facts(one.record) for one in await parts.store.find(FileRecord, "due.file", "", limit=_PAGE)]


async def file_view(parts: Parts, file_id: str) -> FileView:
    """One file, to look at.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    kept = await _file(parts, file_id)
    data = await _data(parts, kept.record)
    if data is None or kept.record.kind in {one.value for one in PICTURES}:
        return FileView(facts=_facts(kept.record), text="", cut=False)
    if kept.record.kind in {one.value for one in WRITTEN} or kept.record.why == "orders":
        text, most = data.decode("utf-8", errors="replace"), _MOST_SHOWN
    else:
        text, most = "\n".join(one[0].decode("ascii") for one in _RUNS.finditer(data))[: _MOST_GUESSED + 1], _MOST_GUESSED
        text = redact(text, find_secrets(text))
    return FileView(facts=_facts(kept.record), text=text[:most], cut=len(text) > most)


async def file_bytes(parts: Parts, file_id: str) -> FileBytes:
    """One file, to save.

    Raises:
        Refused: `request.not_found`, also where it was discarded or erased.
        Fault: `fault.store`.
    """
    kept = await _file(parts, file_id)
    data = await _data(parts, kept.record)
    if data is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "the file is gone", public=marked("The file is gone."))
    record = kept.record
    if not record.kind:
        return FileBytes(name=f"{record.id}.unread", media_type="application/octet-stream", data=data)
    kind = FileKind(record.kind)
    written = kind in WRITTEN
    return FileBytes(name=record.name, media_type="text/plain; charset=utf-8" if written else MEDIA_TYPES[kind], data=data)


async def decide_file(parts: Parts, officer: Person, file_id: str, *, release: bool) -> FileRecord:
    """Let a file pass that was held back, or discard it. A decision is for good.

    ⚔ Nobody decides about a file in their own case.

    Raises:
        Refused: `request.not_found`, `request.conflict` once it was decided, `person.not_allowed`, `task.busy`.
        Fault: `fault.store`.

    Source: 2-model.md §7 (Inbound).
    """
    kept = await _file(parts, file_id)
    if kept.record.state is not FileState.HELD:
        raise Refused(
            Code.REQUEST_CONFLICT, f"the file is {kept.record.state}", public=marked("Somebody has decided about this file already.")
        )
    customer = (await parts.store.get(Person, kept.record.customer)).record
    if customer.key == officer.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "a file in their own case")
    return await _settle(parts, kept, state=FileState.RELEASED if release else FileState.DISCARDED, by=officer.id)


async def lapse_file(parts: Parts, kept: Kept[FileRecord]) -> None:
    """Discard a file about which nobody decided in time. ⚔ Silence lets nothing pass."""
    if kept.record.state is FileState.HELD and parts.world.now() >= kept.record.due_at:
        await _settle(parts, kept, state=FileState.DISCARDED, by="")


async def _settle(parts: Parts, kept: Kept[FileRecord], *, state: FileState, by: str) -> FileRecord:
    record = kept.record
    passes = state is FileState.RELEASED
    settled = changed(record, state=state, by=by, decided_at=parts.world.now(), whole=passes)
    outcome = state.value if by else "lapsed"
    said = {"file": record.id, "name": record.name, "outcome": outcome}
    written = await write(
        parts,
        draft(
            parts,
            Kind.ATTACHMENT_SETTLED,
            envelope={
                "file": record.id,
                "ask": record.ask,
                "task": record.task,
                "case": record.case,
                "why": record.why,
                "outcome": outcome,
                "customer": pseudonym(parts, record.customer),
            },
            agent=said,
            customer=said,
            desk={**said, "by": by, "size": record.size},
            subject=record.customer,
            refs=(record.ask, record.task, record.case, record.customer),
        ),
    )
    drops = () if passes else (Drop(FileContent(id=record.id, sealed=b""), _CONTENT_REV),)
    await keep(parts, Commit(puts=(Put(settled, kept.rev, record),), drops=drops, entries=written.rows))
    parts.notify.wake(f"ask:{record.ask}")
    return settled


async def _file(parts: Parts, file_id: str) -> Kept[FileRecord]:
    try:
        return await parts.store.get(FileRecord, file_id)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such file") from None


async def _data(parts: Parts, record: FileRecord) -> bytes | None:
    """The bytes of a file, None once they are gone."""
    if not record.whole:
        return None
    try:
        return await parts.vault.unseal(record.customer, (await parts.store.get(FileContent, record.id)).record.sealed)
    except (Missing, Erased):
        return None


def _facts(record: FileRecord) -> Mapping[str, Json]:
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
        "why": record.why,
        "removed": dict(record.removed),
        "at": instant_text(record.at),
        "due_at": instant_text(record.due_at) if record.due_at else None,
        "by": record.by,
        "decided_at": instant_text(record.decided_at) if record.decided_at else None,
        "whole": record.whole,
    }
