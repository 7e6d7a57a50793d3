"""Governance evidence from a log: envelopes are read by page and proved by the signed checkpoint first."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.evidence.frameworks import Framework
from remit.domain.evidence.report import (
    NO_FIGURES,
    CountedEntry,
    Evidence,
    Figures,
    Period,
    count_facts,
    evaluate_controls,
    evidence_json,
    merge_figures,
    period_json,
)
from remit.domain.i18n import marked
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Section, unseal_entry
from remit.domain.transcript.verification import decode_bundle, verify_checkpoint, verify_vkey
from remit.domain.values import JsonObject
from remit.engine.context import DeskContext
from remit.ports.log_reader import LogReader, RecordReader
from remit.proof import merkle, tiles
from remit.proof.checkpoint import Checkpoint, VerifyEd25519, b64
from remit.proof.merkle import Frontier
from remit.proof.tiles import WIDTH

Progress = Callable[[int, int], None]


@struct(frozen=True, kw_only=True)
class Report:
    """Evidence, its period, and the log head it was counted from."""

    origin: str
    size: int
    root: bytes
    period: Period
    figures: Figures
    evidence: tuple[Evidence, ...]


@struct(frozen=True, kw_only=True)
class _CountedPart:
    """A log as far as it was read."""

    frontier: Frontier
    figures: Figures


_UNREAD: Final = _CountedPart(frontier=merkle.EMPTY, figures=NO_FIGURES)
_PERIODS: Final = 8
_RETRY_S: Final = 5


@struct(frozen=True, kw_only=True)
class CountProgress:
    """A count under way: entries read, of all entries."""

    entries: int
    size: int


class CountedLog:
    """Verified counts of one desk's log so far, by period: the next report reads only later entries.

    Only the newest few periods are kept. One count per period runs at a time, for all callers.
    """

    def __init__(self) -> None:
        self._read: dict[Period, _CountedPart] = {}
        self._turns: dict[Period, asyncio.Lock] = {}
        self._goes_on: dict[Period, asyncio.Task[Report]] = {}

    async def report(
        self, desk: DeskContext, *, period: Period, frameworks: Sequence[Framework], progress: Progress
    ) -> Report:
        """Return a report, continuing from the last one of this period.

        Raises:
            Refused: `log.damaged`.
            Fault: `fault.store`.
        """
        async with self._turns.setdefault(period, asyncio.Lock()):
            return await self._report(desk, period, frameworks, progress)

    async def report_or_progress(
        self, desk: DeskContext, *, period: Period, frameworks: Sequence[Framework], patience_s: float
    ) -> Report | CountProgress:
        """Return a report if it is ready soon; else the progress of its count, which continues in the background.

        Raises:
            Refused: as `report`, also for errors of a background count; `request.rate_limited` beside too many others.
            Fault: `fault.store`.
        """
        going = self._goes_on.get(period)
        if going is None:
            self._verify_room()
            work = self.report(desk, period=period, frameworks=(), progress=no_progress)
            going = self._goes_on[period] = asyncio.get_running_loop().create_task(work)
            going.add_done_callback(_looked_at)
        await asyncio.wait({going}, timeout=patience_s)
        if not going.done():
            note = await desk.store.checkpoint()
            head = _head(note, desk.signer.log_key(), desk.verify_ed25519)
            return CountProgress(entries=self._read.get(period, _UNREAD).frontier.size, size=head.size)
        if self._goes_on.get(period) is going:
            del self._goes_on[period]
        found = going.result()
        return replace(found, evidence=evaluate_controls(found.figures, frameworks))

    def _verify_room(self) -> None:
        if len(self._goes_on) < _PERIODS:
            return
        for period in [period for period, one in self._goes_on.items() if one.done()]:
            del self._goes_on[period]
        if len(self._goes_on) >= _PERIODS:
            raise Refused(
                Code.REQUEST_RATE_LIMITED,
                "too many counts are running",
                public=marked("Other periods are still being counted."),
                retry_after_s=_RETRY_S,
            )

    async def stop(self) -> None:
        """Stop the background counts."""
        for one in self._goes_on.values():
            one.cancel()
        await asyncio.gather(*self._goes_on.values(), return_exceptions=True)
        self._goes_on.clear()

    async def _report(
        self, desk: DeskContext, period: Period, frameworks: Sequence[Framework], progress: Progress
    ) -> Report:
        note = await desk.store.checkpoint()
        if not note:
            head = Checkpoint(origin=desk.terms.log_origin, size=0, root=merkle.EMPTY.root())
            return _told(head, _UNREAD, period, frameworks)
        head = _head(note, desk.signer.log_key(), desk.verify_ed25519)
        read = self._read.pop(period, _UNREAD)  # the newest is last
        self._keep(period, read)
        while (low := read.frontier.size) < head.size:
            width = min(WIDTH - low % WIDTH, head.size - low)
            rows = await desk.store.entries(low=low, limit=width)
            if [one.index for one in rows] != list(range(low, low + width)):
                raise Refused(Code.LOG_DAMAGED, f"the log lacks an entry from {low} on")
            leaves, envelopes = [one.row.leaf for one in rows], [one.row.envelope for one in rows]
            # Off the event loop: a log of years takes a minute, and asks must not wait for an auditor.
            read = await asyncio.to_thread(_after, read, leaves, envelopes, period)
            self._keep(period, read)
            progress(read.frontier.size, head.size)
        try:
            return _told(head, read, period, frameworks)
        except Refused:
            self._read.pop(period, None)  # nothing builds on a failed verification
            raise

    def _keep(self, period: Period, read: _CountedPart) -> None:
        self._read[period] = read
        while len(self._read) > _PERIODS:
            oldest = next(iter(self._read))
            del self._read[oldest]
            self._turns.pop(oldest, None)


def no_progress(_done: int, _size: int) -> None:
    """Ignore progress where it is not awaited."""


def _looked_at(done: "asyncio.Task[Report]") -> None:
    """Retrieve an unclaimed error, so that it is not reported as forgotten."""
    if not done.cancelled():
        done.exception()


async def report(desk: DeskContext, *, period: Period, frameworks: Sequence[Framework], progress: Progress) -> Report:
    """Count the evidence of this desk's log for auditors, from envelopes alone: contents stay closed.

    Raises:
        Refused: `log.damaged` when the entries are not those the checkpoint was signed over: no figure is told then.
        Fault: `fault.store`.
    """
    return await CountedLog().report(desk, period=period, frameworks=frameworks, progress=progress)


def report_stored(
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
    """Count the evidence of a stored log, also while a desk serves from it.

    `high_water` is the newest checkpoint known from outside the store. ⚔ Without it an older copy of the store would
    report on nothing newer than itself, and the gap would go unnoticed.

    Raises:
        Refused: `log.older` when the log has not reached the high water; `log.damaged` when the entries are not those
            its checkpoint was signed over, or do not begin with those of the high water; `settings.invalid` for an
            invalid key.
        Fault: `fault.store` when the log cannot be reached.
    """
    head, seen = (_head(note, vkey, verify_ed25519) for note in (log.checkpoint(), high_water))
    if seen.size > head.size:
        raise Refused(
            Code.LOG_OLDER, f"the log has {head.size} entries, but had {seen.size} when that checkpoint was signed"
        )
    read = _UNREAD
    for bundle in tiles.bundles(head.size):
        leaves = decode_bundle(bundle, log.bundle(bundle))
        upto = seen.size - read.frontier.size
        if 0 <= upto <= bundle.width and read.frontier.append(merkle.leaf_hashes(leaves[:upto])).root() != seen.root:
            raise Refused(
                Code.LOG_DAMAGED, f"the entries do not give the signed root at {seen.size} entries: changed or forked"
            )
        read = _after(read, leaves, records.records(bundle), period)
        progress(read.frontier.size, head.size)
    return _told(head, read, period, frameworks)


def report_json(told: Report) -> JsonObject:
    """Return a report as JSON."""
    return {
        "log": {"name": told.origin, "entries": told.size, "root": b64(told.root)},
        "period": period_json(told.period),
        **evidence_json(told.evidence, told.figures),
    }


def _after(read: _CountedPart, leaves: Sequence[bytes], records: Sequence[bytes], period: Period) -> _CountedPart:
    """Read one more page; every envelope must match its leaf."""
    noted: list[CountedEntry] = []
    for index, (leaf, record) in enumerate(zip(leaves, records, strict=True), start=read.frontier.size):
        opened = unseal_entry(record, None)
        if opened.leaf != leaf:
            raise Refused(Code.LOG_DAMAGED, f"the record of entry {index} is not what was logged")
        if period.holds(opened.at):
            noted.append(
                CountedEntry(index=index, kind=opened.kind, envelope=opened.sections[Section.ENVELOPE].body or {})
            )
    return _CountedPart(
        frontier=read.frontier.append(merkle.leaf_hashes(leaves)),
        figures=merge_figures(read.figures, count_facts(noted)),
    )


def _told(head: Checkpoint, read: _CountedPart, period: Period, frameworks: Sequence[Framework]) -> Report:
    if read.frontier.root() != head.root:
        raise Refused(
            Code.LOG_DAMAGED, f"the entries do not give the signed root at {head.size} entries: changed or forked"
        )
    return Report(
        origin=head.origin,
        size=head.size,
        root=head.root,
        period=period,
        figures=read.figures,
        evidence=evaluate_controls(read.figures, frameworks),
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
