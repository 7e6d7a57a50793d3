"""The working records about a customer: read together, and emptied of everything that is not an id, a state or a digest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.records import (
    ActRecord,
    AskRecord,
    Ceremony,
    ConfirmationRecord,
    Contest,
    FileContent,
    FileRecord,
    FileState,
    MandateRecord,
    Message,
    OfferRecord,
    PushedRequest,
    TaskRecord,
)
from remit.ports.store import Drop, Kept, Put, Reserve
from remit.usecases.keep_files import content_of
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
    acts: Sequence[Kept[ActRecord]]
    """Those whose outcome is not known: what became of the others keeps nothing of what they had to say."""
    files: Sequence[Kept[FileRecord]]
    bytes_of_files: Sequence[Kept[FileContent]]
    """Without themselves: only that they are there, and at which revision."""
    requests: Sequence[Kept[PushedRequest]]
    ceremonies: Sequence[Kept[Ceremony]]


async def read_content(parts: Parts, customer: str) -> Content:
    """Read it all."""
    find = parts.store.find
    return await _content_under(parts, customer, await find(MandateRecord, "mandate.customer", customer, limit=_MOST))


async def read_dead_content(parts: Parts, customer: str) -> Content:
    """Read what stands under no mandate that is active and in no contest that is open."""
    mandates = await parts.store.find(MandateRecord, "mandate.customer", customer, limit=_MOST)
    content = await _content_under(parts, customer, [one for one in mandates if one.record.state != "active"])
    tasks = {one.record.id for one in content.tasks}
    return replace(
        content,
        shown=[one for one in content.shown if one.record.task in tasks],
        contests=[one for one in content.contests if not one.record.open],
    )


async def _content_under(parts: Parts, customer: str, mandates: Sequence[Kept[MandateRecord]]) -> Content:
    find = parts.store.find
    tasks = [task for one in mandates for task in await find(TaskRecord, "task.mandate", one.record.id, limit=_MOST)]
    cases = sorted({one.record.case for one in tasks})
    shown = await find(ConfirmationRecord, "confirmation.customer", customer, limit=_MOST)
    whose, confirmed = {one.record.id for one in tasks}, {one.record.id for one in shown}
    files = [file for one in tasks for file in await find(FileRecord, "file.task", one.record.id, limit=_MOST)]
    kept = [await content_of(parts, one.record) for one in files]
    return Content(
        mandates=mandates,
        tasks=tasks,
        asks=[ask for one in tasks for ask in await find(AskRecord, "ask.task", one.record.id, limit=_MOST)],
        shown=shown,
        told=[message for one in tasks for message in await find(Message, "message.task", one.record.id, limit=_MOST)],
        offers=[offer for one in cases for offer in await find(OfferRecord, "offer.case", one, limit=_MOST)],
        contests=await find(Contest, "contest.customer", customer, limit=_MOST),
        # What follows lives for minutes and is found under nobody's name.
        acts=[
            one for index in ("act.queued", "act.sent") for one in await find(ActRecord, index, "", limit=_MOST) if one.record.task in whose
        ],
        files=files,
        bytes_of_files=[one for one in kept if one is not None],
        requests=[one for one in await find(PushedRequest, "due.request", "", limit=_MOST) if one.record.customer == customer],
        ceremonies=[
            one
            for one in await find(Ceremony, "due.ceremony", "", limit=_MOST)
            if ("wire" in one.record.extra and one.record.extra.get("customer") == customer) or one.record.subject in confirmed
        ],
    )


def emptied(content: Content) -> tuple[list[Put], list[Drop]]:
    """What empties it. Whatever moved since it was read makes the whole commit a conflict."""
    puts: list[Put] = [Put(_empty_ask(one.record), one.rev, one.record) for one in content.asks]
    puts += [Put(_empty_confirmation(one.record), one.rev, one.record) for one in content.shown]
    puts += [Put(replace(one.record, wire=_NOTHING, signed=_NOTHING, evidence=""), one.rev, one.record) for one in content.mandates]
    puts += [Put(replace(one.record, text="", offer=""), one.rev, one.record) for one in content.told]
    puts += [Put(replace(one.record, terms=_NOTHING), one.rev, one.record) for one in content.offers]
    puts += [Put(replace(one.record, text=""), one.rev, one.record) for one in content.contests]
    # Their task has ended: they are asked after and shut, never carried out.
    puts += [Put(replace(one.record, payload=_NOTHING), one.rev, one.record) for one in content.acts]
    puts += [Put(replace(one.record, wire=_NOTHING), one.rev, one.record) for one in content.requests]
    puts += [Put(_empty_file(one.record), one.rev, one.record) for one in content.files]
    return puts, [
        *(Drop(one.record, one.rev) for one in content.ceremonies),
        *(Drop(one.record, one.rev) for one in content.bytes_of_files),
    ]


def _empty_ask(ask: AskRecord) -> AskRecord:
    return replace(ask, params=_NOTHING, words="", marked="", salt="", public="", result="", reason="", versions={})


def _empty_file(file: FileRecord) -> FileRecord:
    """⚔ One that is still held back waits no more: its bytes go with the rest."""
    state = FileState.DISCARDED if file.state is FileState.HELD else file.state
    return replace(file, name="", removed={}, digest="", whole=False, state=state)


def _empty_confirmation(shown: ConfirmationRecord) -> ConfirmationRecord:
    return replace(shown, rendering=_NOTHING, answers=tuple(replace(one, evidence="") for one in shown.answers))


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
