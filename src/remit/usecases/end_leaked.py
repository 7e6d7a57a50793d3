"""One of our own tokens, seen in what an agent sends: its task is over before anything else happens, on the record, and told.

A token is known by its signature, wherever it was copied from, and also after it has run out. What stands in a message is
found as it stands; in whatever disguise, it is still taken out as a secret like any other (`redacting`).
"""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.errors import Refused
from remit.domain.records import EndReason, Person, TaskRecord, TaskState
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.domain.values import Json
from remit.ports.store import Commit, Missing
from remit.usecases.ask import Workload
from remit.usecases.end import end_task
from remit.usecases.parts import Parts
from remit.usecases.prove_workload import Tokens
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.redact_ask import AskIn
from remit.usecases.tell_person import about_access

_BEGINS: Final = "eyJ"
_RUN: Final = re.compile(r"[A-Za-z0-9_.-]{100,}")
_SIGNATURE: Final = 86
"""Letters of an ES256 signature."""
_MOST: Final = 8


def may_carry_token(raw: bytes) -> bool:
    """Whether the bytes of a body could hold a token of ours: every one begins alike. Files are not looked into here."""
    return _BEGINS.encode() in raw or b"\\u" in raw


async def end_leaked(parts: Parts, tokens: Tokens, workload: Workload, request: AskIn) -> None:
    """End the task of each token of ours that an ask carries in its words, params or files.

    ⚔ Whoever copied it may be anybody: the task ends, whosever it is, before the ask that carries the token is decided.
    A token that opens no task has none to end, and is not reported.

    Raises:
        Refused: `request.rate_limited`.
        Fault: `fault.store`: nothing is then decided.

    Source: 2-model.md §7 (Leak loop).
    """
    parts.long_reads.verify_room(workload.client_id, request.size)
    for text in await parts.long_reads.read(workload.client_id, request.size, lambda: _candidates(request)):
        try:
            token = tokens.verify(parts, text)
            task = (await parts.store.get(TaskRecord, token.task)).record
        except (Refused, Missing):
            continue
        if task.state is not TaskState.ENDED:
            await _end(parts, task, workload)


async def _end(parts: Parts, task: TaskRecord, seen_from: Workload) -> None:
    await end_task(parts, task.id, EndReason.LEAK)
    written = await write(
        parts,
        draft(
            parts,
            Kind.LEAK_FOUND,
            envelope={
                "what": "token",
                "where": "ask",
                "task": task.id,
                "case": task.case,
                "mandate": task.mandate,
                "agent": task.client_id,
                "operator": task.operator,
                "customer": pseudonym(parts, task.customer),
            },
            customer={"what": "token", "agent": task.client_id},
            desk={"sent_by": seen_from.client_id, "sent_in": seen_from.task},
            subject=task.customer,
            refs=(task.id, task.customer),
        ),
    )
    customer = (await parts.store.get(Person, task.customer)).record
    text = marked("A credential of an agent that acts for you stood in a message. Its task was ended, so nobody can use it any more.")
    notices = about_access(parts, customer, subject=marked("An agent's task was ended"), text=text)
    await parts.store.commit(Commit(puts=notices.puts, entries=written.rows))
    await parts.notify.incident(kind="leak", details={"task": task.id, "agent": task.client_id, "sent_by": seen_from.client_id})
    await notices.recorded(parts)


def _candidates(request: AskIn) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in _texts(request):
        if _BEGINS not in text:
            continue
        for run in _RUN.finditer(text):
            pieces = run[0].split(".")
            for first, second, third in zip(pieces, pieces[1:], pieces[2:], strict=False):
                at = first.find(_BEGINS)
                if at >= 0 and len(third) >= _SIGNATURE:
                    found[f"{first[at:]}.{second}.{third[:_SIGNATURE]}"] = None
                if len(found) == _MOST:
                    return tuple(found)
    return tuple(found)


def _texts(request: AskIn) -> Iterator[str]:
    yield request.action
    yield request.words or ""
    yield from (part for file in request.files for part in (file.name, file.text))
    yield from _strings(dict(request.params))


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
