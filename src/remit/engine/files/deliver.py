"""Immediate delivery of recorded files into their case; undelivered ones wait in the outbox."""

import asyncio
import contextlib
from collections.abc import Iterable

from remit.domain.errors import Code, Fault
from remit.domain.records import ActRecord, FileRecord, OutboxState
from remit.engine.ask.outbox import StaleAct, dispatch_act, perform_act
from remit.engine.context import DeskContext
from remit.engine.files.attach import attach_file
from remit.ports.store import Versioned


async def deliver_files(desk: DeskContext, acts: Iterable[ActRecord]) -> None:
    """Try each just-recorded act once. ⚔ The ask's answer does not depend on it."""
    for act in acts:
        with contextlib.suppress(Fault, StaleAct):
            if act.state is OutboxState.SENT:
                await perform_act(desk, Versioned(act, 1), None)
            else:
                await dispatch_act(desk, act.id)


def release_key(file: FileRecord) -> str:
    """Return the idempotency key of a released file, for every way it is written."""
    return f"release_{file.id}"


async def deliver_released(desk: DeskContext, file: FileRecord, acts: Iterable[ActRecord]) -> None:
    """Attach a released file to its case, as the officer's act: also when the agent's task may do nothing.

    `acts` are those of the outbox, which keep trying while the task runs, under the same key, so that it is written
    once.

    Raises:
        Fault: `fault.case`, `fault.store`; the file is then on the case's page, and not in the ticket.
    """
    await deliver_files(desk, acts)
    for act in acts:
        if (await desk.store.get(ActRecord, act.id)).record.state is OutboxState.DONE:
            return
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            await attach_file(desk, key=release_key(file), file_id=file.id)
    except TimeoutError:
        raise Fault(Code.FAULT_CASE, "the helpdesk took too long with a file") from None
