"""The working records about a customer: read together, and emptied of everything that is not an id, a state or a digest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.records import (
    AskRecord,
    ConfirmationRecord,
    Contest,
    MandateRecord,
    Message,
    OfferRecord,
    TaskRecord,
)
from remit.ports.store import Kept, Put, Reserve
from remit.usecases.parts import Parts

_MOST: Final = 100_000
_NOTHING: Final = "{}"
_STOOD: Final = "stood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything the desk works with that says something about one customer, each record with the revision it was read at."""

    mandates: Sequence[Kept[MandateRecord]]
    tasks: Sequence[Kept[TaskRecord]]
    asks: Sequence[Kept[AskRecord]]
    shown: Sequence[Kept[ConfirmationRecord]]
    told: Sequence[Kept[Message]]
    offers: Sequence[Kept[OfferRecord]]
    contests: Sequence[Kept[Contest]]


async def read_content(parts: Parts, customer: str) -> Content:
    """Read it all."""
    find = parts.store.find
    mandates = await find(MandateRecord, "mandate.customer", customer, limit=_MOST)
    tasks = [task for one in mandates for task in await find(TaskRecord, "task.mandate", one.record.id, limit=_MOST)]
    cases = sorted({one.record.case for one in tasks})
    return Content(
        mandates=mandates,
        tasks=tasks,
        asks=[ask for one in tasks for ask in await find(AskRecord, "ask.task", one.record.id, limit=_MOST)],
        shown=await find(ConfirmationRecord, "confirmation.customer", customer, limit=_MOST),
        told=[message for one in tasks for message in await find(Message, "message.task", one.record.id, limit=_MOST)],
        offers=[offer for one in cases for offer in await find(OfferRecord, "offer.case", one, limit=_MOST)],
        contests=await find(Contest, "contest.customer", customer, limit=_MOST),
    )


def emptied(content: Content) -> list[Put]:
    """What empties it. Whatever moved since it was read makes the whole commit a conflict."""
    puts = [
        Put(replace(one.record, params=_NOTHING, words="", salt="", result="", reason="", versions={}), one.rev, one.record)
        for one in content.asks
    ]
    puts += [Put(replace(one.record, rendering=_NOTHING), one.rev, one.record) for one in content.shown]
    puts += [Put(replace(one.record, wire=_NOTHING, signed=_NOTHING, evidence=""), one.rev, one.record) for one in content.mandates]
    puts += [Put(replace(one.record, text=""), one.rev, one.record) for one in content.told]
    puts += [Put(replace(one.record, terms=_NOTHING), one.rev, one.record) for one in content.offers]
    return puts


def stood_against(customer: str) -> Reserve:
    """What every commit carries that makes something which stands against an erasure: a grant, a contest, a hold.

    ⚔ It is counted, so that an erasure under way notices what came after it looked; and two of them are in nobody's way.
    """
    return Reserve(f"erasure {customer}", _STOOD, 1, None)


async def nothing_stood_since(parts: Parts, customer: str) -> Reserve:
    """What an erasure's commit carries: it has no room any more once `stood_against` was counted after this was read."""
    scope = f"erasure {customer}"
    counted = (await parts.store.counters(scope)).get(_STOOD, 0)
    return Reserve(scope, _STOOD, 1, counted + 1)
