"""The backoffice at a system's own API: the port by an OpenAPI document and `mapping.toml`.

Source: docs/mapping.md.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from weakref import WeakValueDictionary

from remit.adapters.backoffice.act_journal import ActJournal, JournalEntry
from remit.adapters.backoffice.mapped.holds import RecordHolds
from remit.adapters.backoffice.mapped.mapping import ActionMap, ApiMapping
from remit.adapters.backoffice.mapped.preconditions import Preconditions
from remit.adapters.backoffice.mapped.promises import QUIET_MS, Promises
from remit.adapters.backoffice.mapped.records import MappedRecords
from remit.adapters.backoffice.mapped.requests import UnusableValue
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.domain.policy.decision import RecordFacts
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

_CHANGED: Final = "It has changed meanwhile."
_FRESH_MS: Final = 2_000
"""Time after its entry within which an act may be sent; later, it is entered anew."""
_BUSY: Final = "Something else is being done with it at this moment."
_UNKNOWN: Final = "This is not possible here yet."
_UNSENT: Final = "It cannot be sent like this."


class MappedBackoffice:
    """The port over a mapped system. Every fault is `fault.backoffice`."""

    def __init__(self, wire: Wire, world: World, mapping: ApiMapping, catalogue: Catalogue, database: DeskJobs) -> None:
        """Keep the journal of acts in the desk's own database.

        Raises:
            Refused: `settings.invalid` when that database holds another version of it.
        """
        public = frozenset(name for name, kind in catalogue.resources.items() if kind.public)
        self._wire = wire
        self._world = world
        self._actions = mapping.file.action
        self._records = MappedRecords(wire, world, mapping, public_kinds=public)
        self._promises = Promises(wire, mapping, self._records, currency=catalogue.currency)
        self._preconditions = Preconditions(self._records, catalogue)
        self._journal = ActJournal(database, world)
        self._holds = RecordHolds(database, world, life_ms=2 * QUIET_MS)
        self._public = public
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts."""
        return await self._records.facts(records, customer=customer)

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the records."""
        return await self._records.contents(records, customer=customer)

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read with its mapped values."""
        return await self._records.read(action, params, customer=customer)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values of the named attributes."""
        return await self._records.attributes(customer, names, beside=beside)

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""
        return await self._records.records(customer, kind)

    async def perform(self, act: Act) -> ActResult:
        """Do the act once: entered in the journal, its records held, its versions and limit compared, sent."""
        known = self._actions.get(act.action)
        if known is None:
            return ActResult(state=ActOutcome.FAILED, values={}, reason=_UNKNOWN)
        async with self._lock(act.key):
            self._wire.verify_closed()
            entry = await self._journal.begin(
                act.key, act.action, draft=self._promises.mark(known, now=self._world.now())
            )
            if entry.settled is not None:
                return entry.settled
            if not entry.fresh:
                return await self._again(act, known, entry)
            try:
                obstacle = await self._obstacle(act, known)
                entry = await self._still_ours(act, entry)
            except BaseException:
                await self._drop(entry)
                raise
            if obstacle:
                return await self._fail(act, obstacle)
            return await self._send(act, known, entry, again=False)

    async def outcome(self, act: Act) -> ActResult:
        """Return the fate of the act's key, by its promise where the journal has none."""
        entry = await self._journal.find(act.key)
        if entry is None:
            return ActResult(state=ActOutcome.UNSEEN, values={})
        if entry.settled is not None:
            return entry.settled
        known = self._actions.get(act.action)
        return await self._resolve(act, known, await self._with_draft(act, known, entry))

    async def fence(self, act: Act) -> ActResult:
        """Fence the act's key, or return its outcome. ⚔ Unclear rather than fenced where it may still arrive."""
        async with self._lock(act.key):
            entry = await self._journal.fence(act.key, act.action)
            if entry.settled is not None:
                return entry.settled
            known = self._actions.get(act.action)
            entry = await self._with_draft(act, known, entry)
            found = await self._resolve(act, known, entry)
            if found.state is not ActOutcome.UNSEEN:
                return found
            if known is None or not self._promises.proves_absence(known):
                return ActResult(state=ActOutcome.UNCLEAR, values={})
            entry = await self._journal.send_again(entry)  # ⚔ no other node commits the draft that is deleted
            await self._promises.undo(known, act, entry)
            await self._journal.settle_fenced(entry)
            await self._holds.release(act.key)
            return ActResult(state=ActOutcome.FENCED, values={})

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _obstacle(self, act: Act, known: ActionMap) -> str:
        """Return why an act may not be sent now, "" where it may; its records are then held.

        ⚔ Two acts decided on one version, or two amounts that only together are too much, would both be done by a
        system that compares nothing. A version need not move with the owner.
        """
        if not await self._take(act):
            return _BUSY
        records = list(act.versions)
        facts = await self._records.facts(records, customer=act.customer) if records else ()
        for record, fact in zip(records, facts, strict=True):
            if fact is None or fact.relation == "none" or fact.version != act.versions[record]:
                return _CHANGED
        return await self._preconditions.unmet(known, act)

    async def _take(self, act: Act) -> bool:
        return await self._holds.take(act.key, [one for one in act.versions if one[0] not in self._public])

    async def _still_ours(self, act: Act, entry: JournalEntry) -> JournalEntry:
        """Return the entry of an act that is sent next.

        ⚔ Another node takes an act that was entered long ago for one that never arrived, and fences it or sends it.

        Raises:
            Fault: `fault.backoffice` when another node has the act, or one of its records.
        """
        if self._world.now() - entry.sent_at <= _FRESH_MS:
            return entry
        if not await self._take(act):
            raise Fault(Code.FAULT_BACKOFFICE, "another act has a record of this one")
        return await self._journal.send_again(entry)

    async def _again(self, act: Act, known: ActionMap, entry: JournalEntry) -> ActResult:
        """Find out about an act that was sent before, and send it again only where that cannot act twice."""
        entry = await self._with_draft(act, known, entry)
        found = await self._resolve(act, known, entry)
        if found.state is not ActOutcome.UNSEEN:
            return found
        taken = await self._journal.send_again(entry)
        if await self._promises.undo_unfinished(known, act, taken):
            taken = await self._journal.keep_draft(taken, "")
        obstacle = await self._obstacle(act, known)
        if obstacle not in {"", _BUSY} and _is_drafted(known, taken):
            # ⚔ Only without the draft it shows whether the draft itself is in the way.
            taken = await self._still_ours(act, taken)
            await self._promises.undo(known, act, taken)
            taken = await self._journal.keep_draft(taken, "")
            obstacle = await self._obstacle(act, known)
        if obstacle == _BUSY:
            raise Fault(Code.FAULT_BACKOFFICE, "another act has a record of this one")
        taken = await self._still_ours(act, taken)
        if obstacle and self._promises.proves_absence(known):
            return await self._fail(act, obstacle)
        return await self._send(act, known, taken, again=True)

    async def _with_draft(self, act: Act, known: ActionMap | None, entry: JournalEntry) -> JournalEntry:
        """Return the entry with the draft of its act, which is looked for where the answer was lost."""
        draft = "" if known is None else await self._promises.lost_draft(known, act, entry)
        return await self._journal.keep_draft(entry, draft) if draft else entry

    async def _resolve(self, act: Act, known: ActionMap | None, entry: JournalEntry) -> ActResult:
        """Return the fate of a sent act; nothing is said while its request may still be on its way."""
        if known is None:
            return ActResult(state=ActOutcome.UNCLEAR, values={})
        found = await self._promises.look_up(known, act, entry, now=self._world.now())
        if found.state in {ActOutcome.DONE, ActOutcome.FAILED}:
            return await self._settle(act, found)
        if self._world.now() - entry.sent_at < QUIET_MS:
            raise Fault(Code.FAULT_BACKOFFICE, "the act may still be on its way")
        return found

    async def _send(self, act: Act, known: ActionMap, entry: JournalEntry, *, again: bool) -> ActResult:
        async def keep_draft(draft: str) -> None:
            nonlocal entry
            if entry.draft != draft:
                entry = await self._journal.keep_draft(entry, draft)
            entry = await self._still_ours(act, entry)

        try:
            found = await self._promises.send(known, act, entry, keep_draft=keep_draft, again=again)
        except UnusableValue:
            if again:
                raise Fault(Code.FAULT_BACKOFFICE, "an act cannot be sent again") from None
            return await self._fail(act, _UNSENT)
        except ExchangeFault as fault:
            if fault.problem is Problem.UNREACHED and not again and not _is_drafted(known, entry):
                await self._drop(entry)
            raise
        return found if found.state is ActOutcome.UNCLEAR else await self._settle(act, found)

    async def _drop(self, entry: JournalEntry) -> None:
        """Forget an act of which nothing was sent, unless another node has it now."""
        if await self._journal.drop(entry):
            await self._holds.release(entry.key)

    async def _fail(self, act: Act, reason: str) -> ActResult:
        return await self._settle(act, ActResult(state=ActOutcome.FAILED, values={}, reason=reason))

    async def _settle(self, act: Act, result: ActResult) -> ActResult:
        settled = await self._journal.settle(act.key, result)
        await self._holds.release(act.key)
        return settled


def _is_drafted(known: ActionMap, entry: JournalEntry) -> bool:
    return known.prepare_commit is not None and bool(entry.draft)
