"""Fresh facts of an ask: owners of its records, and whether its case still carries the task."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import Final, TypeVar

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import RecordFacts
from remit.domain.records import EndReason
from remit.domain.structs import struct
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.case_state import case_ending
from remit.engine.context import DeskContext

T = TypeVar("T")

FRESH_S: Final = 0.1
"""Maximum age, in seconds, of a case read."""


@struct(frozen=True)
class CaseReading:
    """A case read: when (in ticks), and why it ends the task, if it does."""

    ending: EndReason | None
    at_s: float


async def fetch_facts_and_case(
    desk: DeskContext, state: AuthorizationState, records: Sequence[tuple[str, str]]
) -> tuple[Sequence[RecordFacts], CaseReading | None]:
    """Fetch the facts of an ask's records and its case at the same time."""
    case_id = state.task.record.case
    if not records:
        return (), await _read_case(desk, case_id)
    return await fetch_with_case(desk, case_id, fetch_owned(desk, state, records))


async def fetch_with_case(
    desk: DeskContext, case_id: str, asked: Coroutine[None, None, T]
) -> tuple[T, CaseReading | None]:
    """Fetch something from the desk and read the case at the same time; None for an unreadable case.

    ⚔ Acting and disclosing depend on this read: a slow desk must not leave it seconds old.
    """
    case = _begun(_read_case(desk, case_id))
    try:
        found = await asked
    except BaseException:
        case.cancel()
        raise
    read = await case
    if read is not None and desk.world.ticks() - read.at_s > FRESH_S:
        read = await _read_case(desk, case_id)
    return found, read


def _begun(work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
    """Start work now where this Python can, not with the loop's next turn, so that answers keep their order."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.ensure_future(work)


async def _read_case(desk: DeskContext, case_id: str) -> CaseReading | None:
    """Read the case; None when it cannot be read, and a permitted act then waits in the outbox."""
    try:
        return CaseReading(await case_ending(desk, case_id), desk.world.ticks())
    except Fault:
        return None


async def fetch_facts(
    desk: DeskContext, records: Sequence[tuple[str, str]], *, customer: str
) -> Sequence[RecordFacts | None]:
    """Fetch the owners of records: an answer for each of them, in time, or none at all.

    Raises:
        Fault: `fault.backoffice`.
    """
    try:
        async with asyncio.timeout(desk.terms.facts_timeout_s):
            answers: object = await desk.backoffice.facts(records, customer=customer)
    except TimeoutError:
        raise Fault(Code.FAULT_BACKOFFICE, "facts took too long") from None
    if not isinstance(answers, list | tuple) or len(answers) != len(records):
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about records is malformed")
    if [one for one in answers if one is not None and not isinstance(one, RecordFacts)]:
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's fact about a record is malformed")
    return answers


async def fetch_owned(
    desk: DeskContext, state: AuthorizationState, records: Sequence[tuple[str, str]]
) -> Sequence[RecordFacts]:
    """Fetch the facts of an ask's records, fresh; unknown and foreign records answer alike.

    Raises:
        Refused: `params.not_owned`, `params.invalid`.
        Fault: `fault.backoffice`.
    """
    if not records:
        return ()
    customer = state.task.record.customer
    answers = await fetch_facts(desk, records, customer=customer)
    known: list[RecordFacts] = []
    for (kind, record_id), fact in zip(records, answers, strict=True):
        if fact is None or customer not in fact.owners:
            raise Refused(Code.PARAMS_NOT_OWNED, f"{kind} {record_id} is not {customer}'s")
        if fact.id != record_id:
            public = f"Write the {kind} exactly as the company does."
            raise Refused(Code.PARAMS_INVALID, f"{kind} {record_id} is not the canonical id", public=public)
        known.append(fact)
    return known
