"""Bringing recorded files into their case now, if the helpdesk answers; if not, they wait in the outbox like every act."""

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
    """Try each act that was recorded this moment once. ⚔ What is known of the ask does not hang on it: its answer goes out either way."""
    for act in acts:
        with contextlib.suppress(Fault, StaleAct):
            if act.state is OutboxState.SENT:
                await perform_act(desk, Versioned(act, 1), None)
            else:
                await dispatch_act(desk, act.id)


def release_key(file: FileRecord) -> str:
    """Under which key a file that an officer let pass is written, whichever way it goes."""
    return f"release_{file.id}"


async def deliver_released(desk: DeskContext, file: FileRecord, acts: Iterable[ActRecord]) -> None:
    """Bring a file that an officer let pass into its case. It is the officer's act: it goes there also when the agent's task may do nothing.

    `acts` are those of the outbox, which go on trying while the task runs; they write under the same key, so that it is there once.

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
