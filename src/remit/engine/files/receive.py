"""Acceptance of an ask's files: stored without secrets, held for an officer, or rejected.

An ask with a rejected file is refused on the record, and nothing of it is done.
"""

from collections.abc import Sequence
from dataclasses import field
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import FileRecord, FileState
from remit.domain.secrets.find import RemovedSecret, find_secrets, redact, removed_secrets, secret_values
from remit.domain.secrets.repeats import KnownSecret
from remit.domain.structs import replace, struct
from remit.domain.values import JsonObject
from remit.domain.words.verdict import MAX_NAME_LENGTH, check_file_name
from remit.engine.context import DeskContext
from remit.engine.files.read import ExternalReaders, ScannedFile, UploadedFile, read_file
from remit.engine.redact import report_secrets
from remit.engine.transcript.record import keyed_digest
from remit.ports.store import RecordMissing

MAX_HELD: Final = 10
"""⚔ Maximum held files per task: more would flood a queue that people read, and are refused."""


@struct(frozen=True, kw_only=True)
class CleanedFiles:
    """Files without secrets: (name, digest) of each as the ask binds them; `unfit` is why they are rejected.

    `kept` go with the ask, `held` now wait for an officer, `secrets` are those found.
    """

    files: tuple[tuple[str, str], ...]
    unfit: Refused | None
    secrets: tuple[JsonObject, ...]
    kept: tuple[ScannedFile, ...] = ()
    held: tuple[ScannedFile, ...] = ()
    known: tuple[str, ...] = ()
    """Ids of files held before: still waiting, or decided."""
    seen: tuple[str, ...] = field(default=(), repr=False)
    """⚔ Unpacked or decoded content, secrets included: for scanning, and never stored."""
    values: tuple[KnownSecret, ...] = field(default=(), repr=False)
    """⚔ The secrets found, for finding them in other texts: never stored."""


async def clean_files(
    desk: DeskContext,
    caller: str,
    size: int,
    task: str,
    files: Sequence[UploadedFile],
    known: Sequence[KnownSecret] = (),
) -> CleanedFiles:
    """Redact files; if one is rejected, all are. `known` are secrets of the ask's other texts.

    ⚔ Nothing of a rejected file is stored that lets a secret be guessed: no digest but of the rest. A secret that one
    piece of a file reveals may stand in another, or in another file: they are read once more.

    Source: docs/model/model.md#inbound.
    """
    outside = ExternalReaders(desk, caller)
    first = await _clean_once(outside, size, task, files, known)
    every = tuple(dict.fromkeys([*first.values, *known]))
    if len(every) == len(known):
        return first
    return replace(await _clean_once(outside, size, task, files, every), values=first.values)


async def _clean_once(
    outside: ExternalReaders, size: int, task: str, files: Sequence[UploadedFile], known: Sequence[KnownSecret]
) -> CleanedFiles:
    desk = outside.context
    values: list[KnownSecret] = []
    bound: list[tuple[str, str]] = []
    found: list[RemovedSecret] = []
    kept: list[ScannedFile] = []
    held: list[ScannedFile] = []
    before_held: list[str] = []
    seen: list[str] = []
    unfit: Refused | None = None
    for number, file in enumerate(files, 1):
        where = f"attachment {number}"
        length = str(len(file.data or b""))
        if unfit is not None or len(file.name) > MAX_NAME_LENGTH:
            # ⚔ A file to be rejected is not read: names may be as long as messages, and reading takes time.
            unfit = unfit or _unfit(f"{where} has a name that is more than a name")
            bound.append((where, length))
            continue
        named = find_secrets(file.name, known=known)
        values += secret_values(file.name, named)
        found += removed_secrets(where, file.name, named)
        name = redact(file.name, named)
        if named or file.data is None or not check_file_name(file.name, desk.lexicon.vocabulary).passes:
            unfit = _unfit(f"{where} has no name or no data that can be accepted", secret=bool(named))
            bound.append((name, length))
            continue
        read = await read_file(outside, size, file, where, known)
        found += read.taken
        values += read.values
        seen += read.seen
        bound.append((name, length if read.spoiled else read.digest))
        if read.spoiled or (read.taken and desk.terms.secrets == "refuse"):
            unfit = _unfit(f"{where} holds a secret", secret=True)
        elif read.why:
            before = await _held_before(desk, task, read)
            unfit = _held_back(before, read, where) if before is not None else await _waits(desk, task, read, where)
            before_held += [before.id] if before is not None else []
            held += [read] if unfit is not None and unfit.public == _WAITS else []
        else:
            kept.append(read)
    return CleanedFiles(
        files=tuple(bound),
        unfit=unfit,
        secrets=report_secrets(desk, found),
        kept=() if unfit else tuple(kept),
        held=tuple(held),
        known=tuple(before_held),
        seen=tuple(seen),
        values=tuple(dict.fromkeys(values)),
    )


def held_file_id(desk: DeskContext, task: str, read: ScannedFile) -> str:
    """Return a held file's id: one per file and task. ⚔ It is keyed, so that only the desk can compute it."""
    return f"file_{keyed_digest(desk, f'{task} {read.digest}')}"


async def refresh_held_files(desk: DeskContext, task: str, files: CleanedFiles) -> CleanedFiles:
    """Refresh an ask's files before recording. ⚔ Concurrent asks may have held the same file or filled the queue."""
    known = tuple(
        [held_file_id(desk, task, one) for one in files.held if await _held_before(desk, task, one) is not None]
    )
    held = tuple([one for one in files.held if held_file_id(desk, task, one) not in known])
    unfit = await _waits(desk, task, held[0], "an attachment") if held else files.unfit
    if unfit is not None and unfit.public == _FULL:
        held = ()
    return replace(files, held=held, known=(*files.known, *known), unfit=files.unfit if held or known else unfit)


async def _held_before(desk: DeskContext, task: str, read: ScannedFile) -> FileRecord | None:
    """Return the record of a file already held in this task."""
    try:
        return (await desk.store.get(FileRecord, held_file_id(desk, task, read))).record
    except RecordMissing:
        return None


def _held_back(before: FileRecord, read: ScannedFile, where: str) -> Refused | None:
    """Return why a file held before is rejected; None where an officer released it."""
    if before.state is FileState.RELEASED:
        return None
    if before.state is FileState.HELD:
        return _unfit(f"{where} is held back: {read.why}", public=_STILL)
    return _unfit(f"{where} was discarded", public="The support team rejected this file.")


async def _waits(desk: DeskContext, task: str, read: ScannedFile, where: str) -> Refused:
    waiting = await desk.store.find(FileRecord, "file.held_task", task, limit=MAX_HELD)
    if len(waiting) >= MAX_HELD:
        return _unfit(f"{where} is held back ({read.why}), and too many are", public=_FULL)
    return _unfit(f"{where} is held back: {read.why}", public=_WAITS)


_WAITS: Final = (
    "The attachment could not be checked and is on hold for review. Ask again without it, or once it is approved."
)
_FULL: Final = "Too many of your files are on hold for review."
_STILL: Final = "The attachment is still on hold for review. Ask again without it, or once it is approved."


def _unfit(detail: str, *, secret: bool = False, public: str | None = None) -> Refused:
    return Refused(
        Code.WORDS_ATTACHMENT, detail, public="The attachment contains a secret; it was not kept." if secret else public
    )
