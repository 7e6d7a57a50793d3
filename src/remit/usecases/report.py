"""Governance evidence out of a log: its envelopes are read page by page and proved by the signed checkpoint before anything is told.

What is counted, and what it says, is in domain/evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain import merkle, tiles
from remit.domain.errors import Code, Refused
from remit.domain.evidence import NOTHING, Evidence, Figures, Noted, Period, count, evidence, evidence_json, joined, period_json
from remit.domain.evidence_controls import Framework
from remit.domain.merkle import Frontier
from remit.domain.note import Checkpoint, VerifyEd25519, b64, verify_checkpoint, verify_vkey
from remit.domain.tiles import WIDTH
from remit.domain.transcript import Section, unseal
from remit.domain.values import JsonObject
from remit.ports.log_reader import LogReader, RecordReader
from remit.usecases.parts import Parts

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Evidence, the period it is about, and the head of the log it was counted from."""

    origin: str
    size: int
    root: bytes
    period: Period
    figures: Figures
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A log as far as it was read."""

    frontier: Frontier
    figures: Figures


_UNREAD: Final = _Read(frontier=merkle.EMPTY, figures=NOTHING)


async def report(parts: Parts, *, period: Period, frameworks: Sequence[Framework], progress: Progress) -> Report:
    """Count what this desk's log shows, for its auditors. Contents stay closed: envelopes are all that is read.

    `progress(entries, size)` is called as it goes.

    Raises:
        Refused: `log.damaged` when the entries are not those the checkpoint was signed over: no figure is told then.
        Fault: `fault.store`.
    """
    note = await parts.store.checkpoint()
    if not note:
        head = Checkpoint(origin=parts.terms.log_origin, size=0, root=merkle.EMPTY.root())
        return _told(head, _UNREAD, period, frameworks)
    head = _head(note, parts.signer.log_key(), parts.verify_ed25519)
    read = _UNREAD
    while (low := read.frontier.size) < head.size:
        width = min(WIDTH, head.size - low)
        rows = await parts.store.entries(low=low, limit=width)
        if [one.index for one in rows] != list(range(low, low + width)):
            raise Refused(Code.LOG_DAMAGED, f"the log lacks an entry from {low} on")
        read = _after(read, [one.row.leaf for one in rows], [one.row.envelope for one in rows], period)
        progress(read.frontier.size, head.size)
    return _told(head, read, period, frameworks)


def report_stored(  # a log, its key, and what to tell of it
    log: LogReader,
    records: RecordReader,
    *,
    vkey: str,
    high_water: str,
    verify_ed25519: VerifyEd25519,
    period: Period,
    frameworks: Sequence[Framework],
    progress: Progress,
) -> Report:
    """Count what a stored log shows, also while a desk serves from it.

    `high_water` is the newest checkpoint known from outside the store. ⚔ Without it an older copy of the store would
    report on nothing newer than itself, and nobody would notice what is missing.

    Raises:
        Refused: `log.older` when the log has not reached the high water; `log.damaged` when the entries are not those
            its checkpoint was signed over, or do not begin with those of the high water; `settings.invalid` for a key that is none.
        Fault: `fault.store` when the log cannot be reached.
    """
    head, seen = (_head(note, vkey, verify_ed25519) for note in (log.checkpoint(), high_water))
    if seen.size > head.size:
        raise Refused(Code.LOG_OLDER, f"the log has {head.size} entries, but had {seen.size} when that checkpoint was signed")
    read = _UNREAD
    for bundle in tiles.bundles(head.size):
        leaves = tiles.decode_bundle(bundle, log.bundle(bundle))
        upto = seen.size - read.frontier.size
        if 0 <= upto <= bundle.width and read.frontier.append(merkle.leaf_hashes(leaves[:upto])).root() != seen.root:
            raise Refused(Code.LOG_DAMAGED, f"the entries do not give the signed root at {seen.size} entries: changed or forked")
        read = _after(read, leaves, records.records(bundle), period)
        progress(read.frontier.size, head.size)
    return _told(head, read, period, frameworks)


def report_json(told: Report) -> JsonObject:
    """A report as JSON."""
    return {
        "log": {"name": told.origin, "entries": told.size, "root": b64(told.root)},
        "period": period_json(told.period),
        **evidence_json(told.evidence, told.figures),
    }


def _after(read: _Read, leaves: Sequence[bytes], records: Sequence[bytes], period: Period) -> _Read:
    """Read one page more. Every envelope must be the one its leaf was made from."""
    noted: list[Noted] = []
    for index, (leaf, record) in enumerate(zip(leaves, records, strict=True), start=read.frontier.size):
        opened = unseal(record, None)
        if opened.leaf != leaf:
            raise Refused(Code.LOG_DAMAGED, f"the record of entry {index} is not what was logged")
        if period.holds(opened.at):
            noted.append(Noted(index=index, kind=opened.kind, envelope=opened.sections[Section.ENVELOPE].body or {}))
    return _Read(frontier=read.frontier.append(merkle.leaf_hashes(leaves)), figures=joined(read.figures, count(noted)))


def _told(head: Checkpoint, read: _Read, period: Period, frameworks: Sequence[Framework]) -> Report:
    if read.frontier.root() != head.root:
        raise Refused(Code.LOG_DAMAGED, f"the entries do not give the signed root at {head.size} entries: changed or forked")
    return Report(
        origin=head.origin,
        size=head.size,
        root=head.root,
        period=period,
        figures=read.figures,
        evidence=evidence(read.figures, frameworks),
    )


def _head(note: str, vkey: str, verify_ed25519: VerifyEd25519) -> Checkpoint:
    try:
        key = verify_vkey(vkey.strip())
    except Refused as refused:
        raise Refused(Code.SETTINGS_INVALID, refused.detail) from None
    try:
        return verify_checkpoint(note, [key], verify_ed25519)
    except Refused as refused:
        raise Refused(Code.LOG_DAMAGED, f"a checkpoint does not verify: {refused.detail}") from None
