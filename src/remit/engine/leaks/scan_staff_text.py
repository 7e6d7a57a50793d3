"""Looking through what the desk's own people write, in Remit or in the helpdesk itself, for what must not be seen."""

import asyncio

from remit.domain.errors import Code, Fault
from remit.domain.records import Person, TaskRecord
from remit.domain.secrets.find import find_secrets, redact
from remit.engine.context import Parts
from remit.engine.leaks.revoke import end_in_text
from remit.engine.leaks.scan import SeenAt
from remit.engine.outbound.check import Checked, check_reply, tasks_of, verify_text


async def look_through(parts: Parts, case: str, text: str, *, where: str, by: Person) -> None:
    """Make useless each credential of ours in a text that an officer writes in a case, whether it is sent or not.

    ⚔ It was somewhere before it came into this text. This comes first: it may have been of this very case's task.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`; nothing of the text is then sent.

    Source: docs/model/model.md#leaks.
    """
    task = (await tasks_of(parts, case))[-1]
    await end_in_text(parts, text, SeenAt(where=where, agent=task.client_id, task=task.id, person=by.id), caller=by.id)


async def kept_text(parts: Parts, text: str, *, where: str, by: Person) -> str:
    """What a person writes for the record, without its secrets. ⚔ A credential of ours in it is dead: whoever copied it here had it from somewhere.

    Raises:
        Fault: `fault.store`; nothing is then kept.

    Source: docs/model/model.md#leaks, #log-secrets.
    """
    await end_in_text(parts, text, SeenAt(where=where, person=by.id), caller=by.id)
    return redact(text, find_secrets(text))


async def preview_reply(parts: Parts, officer: Person, case: str, text: str) -> Checked:
    """Hold an officer's text against what the agent of a case may be told. Nothing is sent; a credential of ours in it is dead all the same.

    Raises:
        Refused, Fault: as `check_reply`.
    """
    verify_text(text)
    await look_through(parts, case, text, where="reply", by=officer)
    return await check_reply(parts, case, text)


async def look_through_notes(parts: Parts, task: TaskRecord, *, since: int = 0) -> None:
    """Make useless each credential of ours in what was written natively into a task's case, from note `since` on.

    ⚔ Nothing else is done with what such a note says: it goes into no entry, no notice and no inbox.

    Raises:
        Fault: `fault.case`, `fault.store`.
    """
    try:
        async with asyncio.timeout(parts.terms.desk_timeout_s):
            notes = await parts.helpdesk.notes(task.case)
    except TimeoutError:
        raise Fault(Code.FAULT_CASE, "the helpdesk did not answer in time") from None
    for note in notes:
        if note.native and note.n >= since:
            at = SeenAt(where="native_note", agent=task.client_id, task=task.id, person=note.author)
            await end_in_text(parts, note.text, at, caller=note.author)
