"""Acts whose outcome nothing shows: listed for officers, and settled by what an officer found in the system."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import ActRecord, AskRecord, OutboxState, PersonRecord
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, instant_text
from remit.engine.ask.outbox import record_outcome
from remit.engine.context import DeskContext
from remit.ports.backoffice import ActOutcome, ActResult
from remit.ports.store import RecordMissing

_MOST: Final = 1000
_ROLES: Final = frozenset({"admin", "security"})


@struct(frozen=True, kw_only=True)
class UnclearAct:
    """One act that waits for an officer's word."""

    act: str
    action: str
    customer: str
    case: str
    sent_at: Instant

    def row(self) -> Mapping[str, Json]:
        """Return it as JSON."""
        sent_at = instant_text(self.sent_at)
        return {
            "act": self.act,
            "action": self.action,
            "customer": self.customer,
            "case": self.case,
            "sent_at": sent_at,
        }


async def list_unclear(desk: DeskContext) -> list[UnclearAct]:
    """Return the acts that wait for an officer's word, oldest first.

    Raises:
        Fault: `fault.store`.
    """
    found = []
    for kept in await desk.store.find(ActRecord, "act.unclear", "", limit=_MOST):
        act = kept.record
        ask = (await desk.store.get(AskRecord, act.ask)).record
        found.append(
            UnclearAct(act=act.id, action=ask.action, customer=ask.customer, case=act.case, sent_at=act.sent_at)
        )
    return found


async def settle_unclear(desk: DeskContext, act_id: str, *, done: bool, officer: str, seat: str) -> None:
    """Record what an officer found: done keeps what the act used, failed gives it back. Nothing is sent.

    Raises:
        Refused: `person.not_allowed` for anyone but an admin or a security officer, `request.not_found` for an act
            that is not unclear.
        Fault: `fault.store`.

    Source: docs/model/model.md#act-exactly-once.
    """
    try:
        person = (await desk.store.get(PersonRecord, officer)).record
    except RecordMissing:
        person = None
    if person is None or not _ROLES & frozenset(person.roles):
        raise Refused(Code.PERSON_NOT_ALLOWED, f"{officer} is neither an admin nor a security officer here")
    try:
        act = (await desk.store.get(ActRecord, act_id)).record
    except RecordMissing:
        act = None
    if act is None or act.state is not OutboxState.UNCLEAR:
        raise Refused(Code.REQUEST_NOT_FOUND, f"no act {act_id} waits for an officer's word")
    state = ActOutcome.DONE if done else ActOutcome.FAILED
    result = ActResult(state=state, values={}, reason="" if done else "An officer found that it was not done.")
    await record_outcome(desk, act_id, result, by=f"{person.id} ({seat})")
