"""Common parts of the tests of real directories: the adapter on one, cut at will, and the two copies of the example's rules."""

import asyncio
import ssl
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar

import msgspec

from real.systems import Line
from remit.adapters.backoffice.directory.client import DirectoryBackoffice
from remit.adapters.backoffice.directory.connection import Account, Directory, LdapConnection
from remit.adapters.backoffice.directory.messages import LdapResult, Write
from remit.adapters.backoffice.directory.rules import DirectoryRules, read_directory_rules
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.world.system import SystemWorld
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "directory"
CUT: Final = "write"
T = TypeVar("T")


class CutConnection(LdapConnection):
    """A connection that is cut before an act is sent, or after it was answered."""

    cuts: dict[str, str]

    async def write(self, write: Write) -> LdapResult:
        return await self._cut(super().write(write))

    async def write_together(self, writes: Sequence[Write]) -> LdapResult:
        return await self._cut(super().write_together(writes))

    async def _cut(self, writing: Any) -> LdapResult:
        cut = self.cuts.pop(CUT, "")
        if cut == "before":
            writing.close()
            raise Fault(Code.FAULT_BACKOFFICE, "cut before")
        result: LdapResult = await writing
        if cut == "after":
            raise Fault(Code.FAULT_BACKOFFICE, "cut after")
        return result


class CutDirectory(Directory):
    """A directory whose connections are cut as `cuts` says, and which has more time, on a machine that does much else."""

    cuts: dict[str, str]

    async def _bounded(self, run: Callable[[], Awaitable[T]], seconds: float) -> T:
        return await super()._bounded(run, 10 * seconds)

    async def connect(self) -> LdapConnection:
        made = await super().connect()
        made.__class__ = CutConnection
        made.cuts = self.cuts  # type: ignore[attr-defined]  # it is one now
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryDesk:
    """The adapter on one directory: its address, accounts, rules and catalogue, and the folder of the desk's journal.

    One desk has one journal for as long as it acts on a directory, whichever folder a test has for itself.
    """

    url: str
    ca: Path
    reader: tuple[str, str]
    actor: tuple[str, str]
    rules: DirectoryRules
    catalogue: Catalogue
    journal: Path | None = None

    def directory(self, cuts: dict[str, str] | None = None) -> Directory:
        """Make connections."""
        made = CutDirectory(
            self.url,
            tls=ssl.create_default_context(cafile=self.ca),
            world=SystemWorld(),
            reading=Account(*self.reader),
            acting=Account(*self.actor),
            allow_loopback=True,
        )
        made.cuts = {} if cuts is None else cuts
        return made

    @asynccontextmanager
    async def line(self, folder: Path) -> AsyncIterator[Line]:
        """Open the adapter with its journal in a folder."""
        cuts: dict[str, str] = {}
        database = DeskDatabase((self.journal or folder) / "journal.db")
        backoffice = DirectoryBackoffice(self.directory(cuts), SystemWorld(), self.rules, self.catalogue, database)
        try:
            yield Line(backoffice=backoffice, cuts=cuts, later=lambda: None)
        finally:
            backoffice.close()
            database.close()

    def run(self, folder: Path, job: Callable[[DirectoryBackoffice], Awaitable[T]]) -> T:
        """Do one job with the adapter."""

        async def work() -> T:
            async with self.line(folder) as line:
                assert isinstance(line.backoffice, DirectoryBackoffice)
                return await job(line.backoffice)

        return asyncio.run(work())

    def ask(self, folder: Path, action: str, record: tuple[str, str], params: Mapping[str, Json], *, customer: str = "alice") -> ActResult:
        """Do one act on a record as it stands."""

        async def job(backoffice: DirectoryBackoffice) -> ActResult:
            (fact,) = await backoffice.facts([record], customer=customer)
            assert fact is not None
            return await backoffice.perform(act(action, params, {record: fact.version}, customer=customer))

        return self.run(folder, job)


def act(action: str, params: Mapping[str, Json], versions: Mapping[tuple[str, str], str], *, customer: str = "alice") -> Act:
    """Build an act under a new key."""
    return Act(
        key=f"act_{token_hex(8)}",
        action=action,
        params=params,
        customer=customer,
        case="case_real",
        versions=versions,
        confirmed_by=("customer",),
        decision="ask_real",
    )


def example_catalogue(*, owned_groups: bool = False) -> Catalogue:
    """Read the example's catalogue; with `owned_groups` a group belongs to its owner, not to all."""
    raw = tomllib.loads((EXAMPLES / "rules" / "catalogue.toml").read_text())
    if owned_groups:
        del raw["resource"]["group"]["public"]
    return read_catalogue(raw, today=None)


def owned(rules: DirectoryRules, owner: str) -> DirectoryRules:
    """Return the rules with groups that belong to the customer whose entry they name."""
    group = msgspec.structs.replace(rules.file.kind["group"], owner_entry=owner)
    return replace(rules, file=msgspec.structs.replace(rules.file, kind={**rules.file.kind, "group": group}))


def example_rules(system: str) -> DirectoryRules:
    """Read the example's rules for a system."""
    return read_directory_rules(EXAMPLES / system / "directory.toml", example_catalogue())


DONE: Final = ActOutcome.DONE
FAILED: Final = ActOutcome.FAILED
