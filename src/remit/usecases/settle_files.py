"""Letting a file pass that was held back, or not: an officer's decision, or the end of the time for one.

Whoever lets a file pass, lets it into the case: it gives the agent no power, and the ask it came with stays refused.
"""

import contextlib

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import ActRecord, FileRecord, FileState, Person, TaskRecord, TaskState, changed
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Drop, Kept, Put
from remit.usecases.attach_file import acts_for
from remit.usecases.deliver_files import deliver_released, key_of_release
from remit.usecases.files import file_of
from remit.usecases.keep import keep
from remit.usecases.keep_files import content_of, room_back
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write


async def decide_file(parts: Parts, officer: Person, file_id: str, *, release: bool) -> FileRecord:
    """Let a file pass that was held back, or discard it. A decision is for good.

    ⚔ Nobody decides about a file in their own case, nor after its time: a desk that was down gives nobody more.

    Raises:
        Refused: `request.not_found`, `request.conflict` once it was decided, `person.not_allowed`, `task.busy`.
        Fault: `fault.store`.

    Source: docs/model/model.md#inbound.
    """
    await lapse_file(parts, await file_of(parts, file_id))
    kept = await file_of(parts, file_id)
    if kept.record.state is not FileState.HELD:
        raise Refused(
            Code.REQUEST_CONFLICT, f"the file is {kept.record.state}", public=marked("Somebody has decided about this file already.")
        )
    customer = (await parts.store.get(Person, kept.record.customer)).record
    if customer.key == officer.key:
        raise Refused(Code.PERSON_NOT_ALLOWED, "a file in their own case")
    return await _settle(parts, kept, state=FileState.RELEASED if release else FileState.DISCARDED, by=officer.id)


async def lapse_file(parts: Parts, kept: Kept[FileRecord]) -> None:
    """Discard a file about which nobody decided in time. ⚔ Silence lets nothing pass."""
    if kept.record.state is FileState.HELD and parts.world.now() >= kept.record.due_at:
        await _settle(parts, kept, state=FileState.DISCARDED, by="")


async def _settle(parts: Parts, kept: Kept[FileRecord], *, state: FileState, by: str) -> FileRecord:
    record = kept.record
    passes = state is FileState.RELEASED
    settled = changed(record, state=state, by=by, decided_at=parts.world.now(), whole=passes)
    outcome = state.value if by else "lapsed"
    said = {"file": record.id, "name": record.name, "outcome": outcome}
    written = await write(
        parts,
        draft(
            parts,
            Kind.ATTACHMENT_SETTLED,
            envelope={
                "file": record.id,
                "ask": record.ask,
                "task": record.task,
                "case": record.case,
                "why": record.why,
                "outcome": outcome,
                "customer": pseudonym(parts, record.customer),
            },
            agent=said,
            customer=said,
            desk={**said, "by": by, "size": record.size},
            subject=record.customer,
            refs=(record.ask, record.task, record.case, record.customer),
        ),
    )
    content = None if passes else await content_of(parts, record)
    drops = () if content is None else (Drop(content.record, content.rev),)
    acts = await _acts(parts, settled)
    puts = (Put(settled, kept.rev, record), *(Put(one, 0) for one in acts))
    await keep(parts, Commit(puts=puts, drops=drops, reserves=(room_back(record),), entries=written.rows))
    parts.notify.wake(f"ask:{record.ask}")
    if passes:
        with contextlib.suppress(Fault):  # it is on the case's page either way
            await deliver_released(parts, settled, acts)
    return settled


async def _acts(parts: Parts, settled: FileRecord) -> tuple[ActRecord, ...]:
    """What brings a file into its case by the outbox, while its task runs: an act of a task that is over is never sent."""
    task = (await parts.store.get(TaskRecord, settled.task)).record
    acts = () if task.state is TaskState.ENDED else acts_for(parts, (settled,), epochs="")
    return tuple([changed(one, id=key_of_release(settled)) for one in acts])
