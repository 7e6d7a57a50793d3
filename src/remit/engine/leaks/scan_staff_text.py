"""Scan of staff text, in Remit or natively in the helpdesk, for leaked credentials."""

import asyncio
from collections.abc import Sequence

from remit.domain.errors import Code, Fault
from remit.domain.records import PersonRecord, TaskRecord
from remit.domain.secrets.find import find_secrets, redact
from remit.engine.context import DeskContext
from remit.engine.leaks.revoke import revoke_leaked_in_text
from remit.engine.leaks.scan import LeakSource
from remit.engine.outbound.check import CheckedText, case_tasks, check_reply, verify_text
from remit.ports.helpdesk import CaseNote


async def scan_staff_text(desk: DeskContext, case: str, text: str, *, where: str, by: PersonRecord) -> None:
    """Revoke each credential of ours in an officer's case text, whether it is sent or not.

    ⚔ It leaked before it came into this text. This comes first: it may belong to this very case's task.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`; nothing of the text is then sent.

    Source: docs/model/model.md#leaks.
    """
    task = (await case_tasks(desk, case))[-1]
    await revoke_leaked_in_text(
        desk, text, LeakSource(where=where, agent=task.client_id, task=task.id, person=by.id), caller=by.id
    )


async def redact_staff_text(desk: DeskContext, text: str, *, where: str, by: PersonRecord) -> str:
    """Redact a person's text for the record. ⚔ A credential of ours in it is revoked: it was copied from somewhere.

    Raises:
        Fault: `fault.store`; nothing is then kept.

    Source: docs/model/model.md#leaks, #log-secrets.
    """
    await revoke_leaked_in_text(desk, text, LeakSource(where=where, person=by.id), caller=by.id)
    return redact(text, find_secrets(text))


async def preview_reply(desk: DeskContext, officer: PersonRecord, case: str, text: str) -> CheckedText:
    """Check an officer's text without sending it; a credential of ours in it is revoked all the same.

    Raises:
        Refused, Fault: as `check_reply`.
    """
    verify_text(text)
    await scan_staff_text(desk, case, text, where="reply", by=officer)
    return await check_reply(desk, case, text)


async def scan_native_notes(desk: DeskContext, task: TaskRecord, *, since: int = 0) -> Sequence[CaseNote]:
    """Revoke each credential of ours in native notes of a task's case, from note `since` on; return the notes.

    ⚔ A native text enters no entry or notice, and no inbox but as a checked draft.

    Raises:
        Fault: `fault.case`, `fault.store`.
    """
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            notes = await desk.helpdesk.notes(task.case)
    except TimeoutError:
        raise Fault(Code.FAULT_CASE, "the helpdesk did not answer in time") from None
    for note in notes:
        if note.native and note.n >= since:
            at = LeakSource(where="native_note", agent=task.client_id, task=task.id, person=note.author)
            await revoke_leaked_in_text(desk, note.text, at, caller=note.author)
    return notes
