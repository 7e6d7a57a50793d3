"""The built-in backoffice of a sandbox's server; once given facts, and while it runs, a desk of those facts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from remit.adapters.backoffice import books
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.effects import EFFECTS
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.decision import RecordFacts
from remit.domain.values import Json, JsonObject
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

_NEEDS_FACTS: Final = "The built-in backoffice has no such action; a sandbox that gives facts does it."


class SwitchableBackoffice(BuiltinBackoffice):
    """Built-in or facts-driven backoffice; keys and fences in the file still count, so no act is done twice."""

    def __init__(
        self, database: DeskJobs, world: World, catalogue: Catalogue, *, on_point: Callable[[str], None] | None = None
    ) -> None:
        """Start as the built-in one; a catalogue of other actions starts too, since facts can do anything."""
        others = {name: _cannot for name in catalogue.actions if name not in EFFECTS}
        super().__init__(database, world, catalogue, effects={**EFFECTS, **others}, on_point=on_point)
        self._given: SandboxBackoffice | None = None

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Use these facts from now on.

        Raises:
            Refused: `settings.invalid` when the facts have another shape, or name something undeclared.
        """
        if self._given is None:
            self._given = SandboxBackoffice(self._catalogue, self._world, facts)
        else:
            self._given.replace_facts(facts)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts."""
        if self._given is not None:
            return await self._given.facts(records, customer=customer)
        return await super().facts(records, customer=customer)

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the records."""
        if self._given is not None:
            return await self._given.contents(records, customer=customer)
        return await super().contents(records, customer=customer)

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read."""
        if self._given is not None:
            return await self._given.read(action, params, customer=customer)
        return await super().read(action, params, customer=customer)

    async def perform(self, act: Act) -> ActResult:
        """Do the act once."""
        if self._given is None:
            return await super().perform(act)
        before = await super().outcome(act)
        return before if before.state is not ActOutcome.UNSEEN else await self._given.perform(act)

    async def outcome(self, act: Act) -> ActResult:
        """Return the state of the act's key."""
        before = await super().outcome(act)
        if before.state is not ActOutcome.UNSEEN or self._given is None:
            return before
        return await self._given.outcome(act)

    async def fence(self, act: Act) -> ActResult:
        """Prevent the act's key from ever executing."""
        if self._given is None:
            return await super().fence(act)
        before = await super().outcome(act)
        if before.state is not ActOutcome.UNSEEN:
            return before
        fenced = await self._given.fence(act)  # first: from here on no act under way is done on facts
        if fenced.state is ActOutcome.FENCED:
            await super().fence(act)  # kept in the file across a restart
        return fenced

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values."""
        if self._given is not None:
            return await self._given.attributes(customer, names, beside=beside)
        return await super().attributes(customer, names, beside=beside)

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of a kind."""
        if self._given is not None:
            return await self._given.records(customer, kind)
        return await super().records(customer, kind)


def _cannot(_book: books.Books, _params: JsonObject) -> Mapping[str, Json]:
    raise books.ActFailed(_NEEDS_FACTS)
