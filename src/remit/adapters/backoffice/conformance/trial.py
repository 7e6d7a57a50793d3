"""One run of the suite: the backoffice under test, its test data, and the acts that were done."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from remit.adapters.backoffice.conformance.probe import Probe, ProbeWrite, params_for
from remit.adapters.backoffice.conformance.promises import BrokenPromiseError, NotTriedError
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.policy.decision import RecordFacts
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult, Backoffice
from remit.ports.world import World
from remit.proof.canonical import b64url

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_BUSY_TRIES: Final = 20
_BUSY_S: Final = 0.1
NO_PROBE: Final = "name the test data of a test system with --probe FILE"
NO_READ: Final = "the probe has no table [read]"
NO_WRITE: Final = "the probe has no table [write]"
NOT_FRESH: Final = "name further records in write.ids, or a write that can be repeated"


@struct(frozen=True)
class Snapshot:
    """A record as it shows itself: its version, and the numbers of the probe's effect."""

    version: str
    effect: Decimal | None = None


@struct(frozen=True)
class Remembered:
    """An act of this run with the state of its key, for a look after a restart."""

    act: Act
    state: ActOutcome


@dataclass(slots=True, kw_only=True)
class Trial:
    """The backoffice under test. `client` makes one, which verifies answers or not; `earlier` are acts before a restart."""

    client: Callable[[bool], Backoffice]
    world: World
    probe: Probe | None
    earlier: Sequence[Remembered] = ()
    answers_verified: bool = True
    acts: list[Remembered] = field(default_factory=list)
    growth: Decimal | None = None
    stale: tuple[str, str] | None = None
    _tries: int = 0

    def backoffice(self) -> Backoffice:
        """Return a client of its own for each check: the faults of one do not open the breaker of the next."""
        return self.client(self.answers_verified)

    def data(self) -> Probe:
        """Return the test data.

        Raises:
            NotTriedError: there are none.
        """
        if self.probe is None:
            raise NotTriedError(NO_PROBE)
        return self.probe

    def writes(self) -> ProbeWrite:
        """Return the write of the test data.

        Raises:
            NotTriedError: there is none.
        """
        write = self.data().write
        if write is None:
            raise NotTriedError(NO_WRITE)
        return write

    def read_of(self, record_id: str) -> tuple[str, Mapping[str, Json]]:
        """Return the probe's read of a record: action and params.

        Raises:
            NotTriedError: there is none.
        """
        read = self.data().read
        if read is None:
            raise NotTriedError(NO_READ)
        return read.action, params_for(read.params, record_id)

    def new_id(self) -> str:
        """Return a key or id that was never used."""
        return new_key(self.world)

    def next_record(self) -> str:
        """Return the record of the next try."""
        ids = self.writes().ids
        self._tries += 1
        return ids[(self._tries - 1) % len(ids)]

    def act(self, record_id: str, *, version: str | None = None, key: str = "") -> Act:
        """Build an act on a record, under a key of its own."""
        data, write = self.data(), self.writes()
        return Act(
            key=key or self.new_id(),
            action=write.action,
            params=params_for(write.params, record_id),
            customer=data.customer,
            case="remit-check",
            versions={} if version is None else {(data.kind, record_id): version},
            confirmed_by=("customer",),
            decision="remit-check",
        )

    async def fact(self, record_id: str) -> RecordFacts | None:
        """Return the facts of one record of the probe's kind."""
        data = self.data()
        (found,) = await self.backoffice().facts([(data.kind, record_id)], customer=data.customer)
        return found

    async def look(self, record_id: str) -> Snapshot:
        """Return a record as it shows itself now.

        Raises:
            NotTriedError: there is no such record.
        """
        found = await self.fact(record_id)
        if found is None:
            raise NotTriedError(f"{record_id} of write.ids is not found")
        return Snapshot(found.version, await self._effect())

    async def done(self, act: Act) -> ActResult:
        """Do an act that must succeed.

        Raises:
            NotTriedError: the backoffice refused it.
            BrokenPromiseError: its answer is none to a new key.
        """
        result = await settled(self.backoffice().perform, act)
        if result.state is ActOutcome.FAILED:
            raise NotTriedError(f"the probe's write failed: {result.reason or 'no reason given'}; {NOT_FRESH}")
        if result.state is not ActOutcome.DONE:
            raise BrokenPromiseError(f"a new key was answered {result.state}")
        self.acts.append(Remembered(act, result.state))
        return result

    def grew(self, before: Snapshot, after: Snapshot) -> Decimal | None:
        """Return how much a record grew: by the effect's numbers, else by versions that are numbers."""
        if before.effect is not None and after.effect is not None:
            return after.effect - before.effect
        if _NUMBER.fullmatch(before.version) and _NUMBER.fullmatch(after.version):
            return Decimal(after.version) - Decimal(before.version)
        return None

    async def _effect(self) -> Decimal | None:
        """Return the sum of all numbers of the effect's attribute over the customer's records."""
        data, name = self.data(), self.writes().effect
        if name is None:
            return None
        values = await self.backoffice().attributes(data.customer, [name])
        return sum(_numbers(values.get(name)), start=Decimal(0))


def unknown_act(world: World) -> Act:
    """Return an act that no backoffice knows, under a key that was never used."""
    return Act(
        key=new_key(world),
        action="remit.check",
        params={},
        customer="remit-check",
        case="remit-check",
        versions={},
        confirmed_by=(),
        decision="remit-check",
    )


def new_key(world: World) -> str:
    """Return a key or id that was never used."""
    return f"remit-check-{b64url(world.random(16))}"


async def settled(call: Callable[[Act], Awaitable[ActResult]], act: Act) -> ActResult:
    """Perform or fence; ask again while the backoffice is busy with the key.

    Raises:
        Fault: `fault.backoffice`.
        BrokenPromiseError: it stays busy.
    """
    for _ in range(_BUSY_TRIES):
        try:
            return await call(act)
        except ExchangeFault as fault:
            if fault.problem is not Problem.BUSY:
                raise
        await asyncio.sleep(_BUSY_S)
    raise BrokenPromiseError(f"still busy with the key after {_BUSY_TRIES * _BUSY_S:g} s")


def _numbers(value: Json) -> Iterator[Decimal]:
    """Yield every number of a value: `3`, "3.00 EUR", or lists and objects of such."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | Decimal):
        yield Decimal(value)
    elif isinstance(value, str):
        found = _NUMBER.match(value)
        if found is not None:
            yield Decimal(found[0])
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _numbers(member)
    else:
        for member in value:
            yield from _numbers(member)
