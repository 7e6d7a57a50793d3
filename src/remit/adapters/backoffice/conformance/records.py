"""Checks of facts and reads, over the port."""

import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Final

from remit.adapters.backoffice.conformance.promises import BrokenPromiseError, NotTriedError
from remit.adapters.backoffice.conformance.trial import Trial
from remit.ports.backoffice import ActOutcome, ActResult

_PAIRS: Final = 30
_MEASURE_S: Final = 3.0
_NOISE_S: Final = 0.003
_SHARE: Final = 0.25
_ROUNDS: Final = 3
_FULL_WIDTH: Final = 0xFEE0
_FIRST_ASCII, _LAST_ASCII = "!", "~"
_LONG: Final = 2_000


async def facts_in_order(trial: Trial) -> str:
    """Check order and null."""
    data = trial.data()
    asked = [data.id, data.unknown, data.foreign, data.id]
    found = await trial.backoffice().facts([(data.kind, one) for one in asked], customer=data.customer)
    if len(found) != len(asked):
        raise BrokenPromiseError(f"{len(found)} answers to {len(asked)} records")
    if found[1] is not None:
        raise BrokenPromiseError(f"the unknown id {data.unknown} is found, as {found[1].id}")
    if found[0] is None or found[2] is None:
        raise NotTriedError(f"{data.id if found[0] is None else data.foreign} of the probe is not found")
    if found[0] != found[3] or found[0].id == found[2].id:
        raise BrokenPromiseError("the same record twice is not answered twice alike, in its places")
    return ""


async def facts_of_owners(trial: Trial) -> str:
    """Check that owners are named, also to others."""
    data = trial.data()
    own, foreign = await trial.fact(data.id), await trial.fact(data.foreign)
    if own is None or data.customer not in own.owners:
        raise BrokenPromiseError(f"{data.id} is not owned by {data.customer}")
    if foreign is None:
        raise BrokenPromiseError(f"{data.foreign} is not found for {data.customer}, who does not own it")
    if not foreign.owners or data.customer in foreign.owners:
        raise BrokenPromiseError(f"{data.foreign} names the owners {sorted(foreign.owners)}")
    return ""


async def facts_are_canonical(trial: Trial) -> str:
    """Check id and version."""
    data = trial.data()
    own = await trial.fact(data.id)
    if own is None or not own.id or not own.version:
        raise BrokenPromiseError(f"{data.id} has no id or no version")
    again = await trial.fact(own.id)
    if again is None or again.id != own.id:
        raise BrokenPromiseError(f"the id {own.id} that was answered does not lead to itself")
    if again.version != own.version:
        raise BrokenPromiseError(f"{own.id} has another version at each look")
    return ""


async def aliases_are_no_ids(trial: Trial) -> str:
    """Check other spellings of the id, those of the probe among them."""
    data = trial.data()
    own = await trial.fact(data.id)
    if own is None:
        raise NotTriedError(f"{data.id} of the probe is not found")
    spellings = [*dict.fromkeys((*data.aliases, *_spellings(own.id)))]
    found = await trial.backoffice().facts([(data.kind, one) for one in spellings], customer=data.customer)
    listed = {one.id for one in await trial.backoffice().records(data.customer, data.kind)}
    for spelling, fact in zip(spellings, found, strict=True):
        if fact is not None and fact.id not in {own.id, *listed} and fact.owners & own.owners:
            raise BrokenPromiseError(f"{spelling[:60]!r} is found as {fact.id[:60]!r}, and is {own.id!r}")
    return f"{len(spellings)} spellings"


def _spellings(record_id: str) -> Iterator[str]:
    """Yield other spellings of an id, which databases and parsers are known to fold."""
    wide = "".join(
        chr(ord(letter) + _FULL_WIDTH) if _FIRST_ASCII <= letter <= _LAST_ASCII else letter for letter in record_id
    )
    plain = (
        *(record_id.lower(), record_id.upper(), record_id.swapcase(), unicodedata.normalize("NFKD", record_id), wide),
        *(
            f" {record_id}",
            f"{record_id} ",
            f"{record_id}\t",
            f"{record_id}\n",
            f"{record_id}\u200b",
            f"\ufeff{record_id}",
        ),
        *(
            f"0{record_id}",
            f"+{record_id}",
            f"{record_id}.0",
            f"{record_id}/",
            f"{record_id}%20",
            f"{record_id}' or '1'='1",
        ),
        *(record_id.lstrip("0"), record_id[:1] + "0" + record_id[1:], f"{record_id};", "*", "%", "", "x" * _LONG),
    )
    yield from (one for one in plain if one != record_id)


async def read_of_own(trial: Trial) -> str:
    """Check a read of the customer's own record."""
    data = trial.data()
    before = await trial.fact(data.id)
    answer = await _read(trial, data.id)
    if answer.state is not ActOutcome.DONE:
        raise BrokenPromiseError(f"{data.id} is answered {answer.state}: {answer.reason or 'no reason given'}")
    if await trial.fact(data.id) != before and before is not None:
        after = await trial.fact(data.id)
        if after is None or after.version != before.version:
            raise BrokenPromiseError(f"{data.id} has another version after a read")
    return ""


async def reads_alike(trial: Trial) -> str:
    """Check that nothing in an answer tells a foreign record from an unknown one."""
    data = trial.data()
    foreign, unknown = await _read(trial, data.foreign), await _read(trial, data.unknown)
    if foreign.state is ActOutcome.DONE:
        raise BrokenPromiseError(f"{data.foreign} of another customer is told to {data.customer}")
    told = [
        (answer.state, answer.values, answer.reason.replace(record_id, "…"))
        for answer, record_id in ((foreign, data.foreign), (unknown, data.unknown))
    ]
    if told[0] != told[1]:
        raise BrokenPromiseError(
            f"{data.foreign} is answered {foreign.state} {foreign.reason!r}, {data.unknown} {unknown.state} {unknown.reason!r}"
        )
    return ""


async def _read(trial: Trial, record_id: str) -> ActResult:
    action, params = trial.read_of(record_id)
    return await trial.backoffice().read(action, params, customer=trial.data().customer)


async def times_alike(trial: Trial) -> str:
    """Check that the time does not tell a foreign record from an unknown one; a difference must show three times."""
    data = trial.data()

    async def facts(record_id: str) -> object:
        return await trial.fact(record_id)

    async def read(record_id: str) -> object:
        return await _read(trial, record_id)

    told = []
    for name, look in (("facts", facts), ("read", read)) if data.read is not None else (("facts", facts),):
        differing = [await _medians(trial, look)]
        while _differ(*differing[-1]) and len(differing) < _ROUNDS:
            differing.append(await _medians(trial, look))
        foreign_s, unknown_s = differing[-1]
        told.append(f"{name} {1000 * foreign_s:.1f} and {1000 * unknown_s:.1f} ms")
        if _differ(foreign_s, unknown_s):
            raise BrokenPromiseError(f"medians of {_PAIRS}, another's and unknown: {told[-1]}")
    return f"medians: {', '.join(told)}"


def _differ(foreign_s: float, unknown_s: float) -> bool:
    return abs(foreign_s - unknown_s) > _NOISE_S + _SHARE * min(foreign_s, unknown_s)


async def _medians(trial: Trial, look: Callable[[str], Awaitable[object]]) -> tuple[float, float]:
    """Measure both in turns, so that a slower moment meets both."""
    data, ticks = trial.data(), trial.world.ticks
    seen: dict[str, list[float]] = {data.foreign: [], data.unknown: []}
    began = ticks()
    for turn in range(_PAIRS):
        for record_id in (data.foreign, data.unknown) if turn % 2 else (data.unknown, data.foreign):
            at = ticks()
            await look(record_id)
            seen[record_id].append(ticks() - at)
        if ticks() - began > _MEASURE_S:
            break
    return median(seen[data.foreign]), median(seen[data.unknown])


async def contents_of_own(trial: Trial) -> str:
    """Check contents."""
    data = trial.data()
    asked = [data.foreign, data.unknown, data.id]
    found = await trial.backoffice().contents([(data.kind, one) for one in asked], customer=data.customer)
    if len(found) != len(asked):
        raise BrokenPromiseError(f"{len(found)} answers to {len(asked)} records")
    for record_id, parts in zip(asked[:2], found, strict=False):
        if parts:
            raise BrokenPromiseError(f"{record_id} is answered with {len(parts)} parts")
    return ""


async def records_of_own(trial: Trial) -> str:
    """Check the list of records."""
    data = trial.data()
    listed = [one.id for one in await trial.backoffice().records(data.customer, data.kind)]
    own, foreign = await trial.fact(data.id), await trial.fact(data.foreign)
    if own is not None and own.id not in listed:
        raise BrokenPromiseError(f"{own.id} is not among the {len(listed)} records of {data.customer}")
    if foreign is not None and foreign.id in listed:
        raise BrokenPromiseError(f"{foreign.id} of another customer is listed")
    if await trial.backoffice().records(trial.new_id(), data.kind):
        raise BrokenPromiseError("records are listed for a customer that does not exist")
    return ""


async def attributes_of_own(trial: Trial) -> str:
    """Check attributes."""
    data = trial.data()
    if not data.attributes:
        raise NotTriedError("name some of the customer's attributes in the probe")
    names = [*data.attributes, "remit.check.unknown"]
    found = await trial.backoffice().attributes(data.customer, names)
    missing = sorted(set(data.attributes) - set(found))
    if missing:
        raise BrokenPromiseError(f"{data.customer} has no {', '.join(missing)}")
    if "remit.check.unknown" in found:
        raise BrokenPromiseError("an attribute that does not exist has a value")
    stranger = await trial.backoffice().attributes(trial.new_id(), names)
    if stranger:
        raise BrokenPromiseError(f"an unknown customer has {', '.join(sorted(stranger))}")
    return ""
