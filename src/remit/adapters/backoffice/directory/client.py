"""The backoffice at a directory: the port by `directory.toml`.

Source: docs/directory.md.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from remit.adapters.backoffice.directory.changes import Changes
from remit.adapters.backoffice.directory.connection import Directory
from remit.adapters.backoffice.directory.journal import MarkerJournal
from remit.adapters.backoffice.directory.once import MarkerOnce, Once, TransactionOnce
from remit.adapters.backoffice.directory.records import DirectoryRecords
from remit.adapters.backoffice.directory.rules import DirectoryFile, DirectoryRules
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.domain.policy.decision import RecordFacts
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

_UNKNOWN: Final = ActResult(state=ActOutcome.FAILED, values={}, reason="This is not possible here yet.")


class DirectoryBackoffice:
    """The port over a directory. Every fault is `fault.backoffice`."""

    def __init__(
        self, directory: Directory, world: World, rules: DirectoryRules, catalogue: Catalogue, database: DeskJobs
    ) -> None:
        """Use the directory's own promise; marks have their journal in the desk's database.

        Raises:
            Refused: `settings.invalid` when that database holds another version of it.
        """
        self._directory = directory
        self._actions = rules.file.action
        self._catalogue = catalogue
        self._records = DirectoryRecords(directory, world, rules.file, catalogue)
        self._once = _once(directory, world, rules.file, self._records, database)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts."""
        return await self._records.facts(records, customer=customer)

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:  # noqa: ARG002  # the port's
        """Return no parts: an entry has none."""
        return [{} for _ in records]

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read with the values of the rules."""
        return await self._records.read(self._catalogue.action(action), params, customer=customer)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values of the named attributes."""
        return await self._records.attributes(customer, names, beside or {})

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""
        return await self._records.records(customer, kind)

    async def perform(self, act: Act) -> ActResult:
        """Do the act once."""
        rule = self._actions.get(act.action)
        return _UNKNOWN if rule is None else await self._once.perform(act, rule)

    async def outcome(self, act: Act) -> ActResult:
        """Return the fate of the act's key."""
        rule = self._actions.get(act.action)
        if rule is None:
            # ⚔ The rules of an act that was sent are gone: nothing is said of it, rather than that it was not done.
            raise Fault(Code.FAULT_BACKOFFICE, f"{act.action} has no rule in directory.toml any more")
        return await self._once.outcome(act, rule)

    async def fence(self, act: Act) -> ActResult:
        """Fence the act's key, or return its outcome."""
        rule = self._actions.get(act.action)
        if rule is None:
            raise Fault(Code.FAULT_BACKOFFICE, f"{act.action} has no rule in directory.toml any more")
        return await self._once.fence(act, rule)

    def close(self) -> None:
        """Close the connections."""
        self._directory.close()


def _once(
    directory: Directory, world: World, file: DirectoryFile, records: DirectoryRecords, database: DeskJobs
) -> Once:
    changes = Changes(records, world)
    if file.transaction is not None:
        return TransactionOnce(directory, file.transaction, changes)
    if file.marker is not None:
        return MarkerOnce(directory, file, file.marker, changes, MarkerJournal(database, world))
    raise Fault(Code.FAULT_BACKOFFICE, "directory.toml names no way to do an act once")
