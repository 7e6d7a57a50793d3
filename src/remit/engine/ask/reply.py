"""Replies to an agent, cut to its mandate's present coverage."""

from collections.abc import Collection, Mapping
from typing import Final

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.errors import Code, Fault, Refused
from remit.domain.mandate.cover import CURED_BY_GRANT, remedy_mandate
from remit.domain.records import AskRecord, AskState, ConfirmationRecord, MandateRecord
from remit.domain.secrets.disclosure import NOTHING_CUT, CutResult, cut_result
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.structs import struct
from remit.domain.transcript.receipt import Holder
from remit.domain.values import Instant, Json, JsonObject, parse_stored_object
from remit.domain.words.excess import WordsState, code_of_marks, read_marks, strip_notice
from remit.engine.ask.authorization_state import mandate_of
from remit.engine.context import DeskContext
from remit.engine.files.store import agent_file_status, ask_files
from remit.engine.leaks.scan import LeakSource
from remit.engine.transcript.record import receipt_for_entries
from remit.ports.store import RecordMissing


async def remedy_of(desk: DeskContext, *, mandate: str, action: str, params: JsonObject) -> JsonObject | None:
    """Return the `remit_mandate` that would cover an ask under this mandate, or None; `params` are the stored ones.

    ⚔ Redacted params never enter it or a header: such an ask gets no remedy.

    Raises:
        Fault: `fault.store`.

    Source: docs/model/standards.md#refusal-ladder.
    """
    known = desk.catalogue.actions.get(action)
    if known is None:
        return None
    try:
        desk.params.verify(action, params)
        granted = mandate_of(desk.catalogue, (await desk.store.get(MandateRecord, mandate)).record)
    except (Refused, RecordMissing):
        return None
    return remedy_mandate(granted, desk.catalogue, known, params, now=desk.world.now())


_DECISIONS: Mapping[AskState, str] = {
    AskState.REFUSED: "refuse",
    AskState.WAITING: "needs_human",
    AskState.DECLINED: "refuse",
    AskState.EXPIRED: "refuse",
    AskState.COUNTERED: "needs_human",
    AskState.VOID: "refuse",
}
"""Decisions by ask state: a no or silence is final, a counter-offer continues in the ask that replaced it."""

_GOES_ON: Final = frozenset({AskState.WAITING, AskState.COUNTERED})
NEVER: Final = Instant(0)


@struct(frozen=True, kw_only=True)
class AskReply:
    """An ask as shown to its agent; `outcome` is "" while unknown, `who` set while people are asked.

    After a counter-offer, `who` and `expires_at` are those of `countered_by`, the ask that replaced it.
    """

    ask: str
    task: str
    state: AskState
    decision: str
    outcome: str
    result: Mapping[str, Json]
    withheld: int
    who: tuple[str, ...]
    expires_at: Instant
    code: Code | None
    public: str
    countered_by: str
    receipt: JsonObject
    remedy: JsonObject | None = None
    """The `remit_mandate` that would cover a refused ask."""
    words: str = ""
    """`held`, `released` or `stripped` where the agent's words exceed its ask."""
    notice: str = ""
    """Notice to an agent whose words were left out."""
    files: tuple[JsonObject, ...] = ()
    """States of the files that came with it."""
    retry_after_s: int | None = None
    """When a person can be asked again."""
    asked_at: Instant = NEVER
    """Time of the ask."""
    confirmation: str = ""
    """The confirmation that is waited for: its page, opened by a person who is signed in, is all it leads to."""


def confirmation_page(issuer: str, confirmation: str, who: Collection[str]) -> str:
    """Return the page where the customer answers; "" where only officers are asked, on pages of their own."""
    return f"{issuer}/confirm/{confirmation}" if confirmation and CUSTOMER in who else ""


async def build_reply(
    desk: DeskContext,
    record: AskRecord,
    receipt: JsonObject | None = None,
    *,
    expires_at: Instant = NEVER,
    attributes: bool = True,
    covered: Collection[str] | None = None,
    reason: str | None = None,
    cut: CutResult | None = None,
) -> AskReply:
    """Build the reply to an ask; without `attributes`, only state, outcome and receipt (after the task's end).

    `covered` are the attributes still disclosable under a narrowed mandate, `reason` the disclosable reason, `cut` the
    result just cut to the recorded coverage.

    Raises:
        Fault: `fault.store`.
    """
    attributes, cut = (attributes, cut) if cut is not None else _cut(desk, record, covered, attributes=attributes)
    covered = frozenset(record.covered if covered is None else covered)
    if cut.result and desk.leak_scanner.canaries:
        disclosable = LeakSource(where="result", agent=record.client_id, task=record.task)
        desk.leak_scanner.present((flatten_text(cut.result),), disclosable)
    # ⚔ A reason is the desk's free text: it is withheld wherever attributes are.
    reason = (record.reason if reason is None else reason) if attributes else ""
    # A receipt opens everything disclosed, or nothing.
    attributes = attributes and covered.issuperset(record.covered) and reason == record.reason
    if receipt is None:
        receipt = await _receipt(desk, record, Holder.AGENT if attributes else Holder.PUBLIC)
    open_ask = await _open_ask(desk, record) if record.state is AskState.COUNTERED else record
    if record.state in _GOES_ON and not expires_at:
        expires_at = await _expiry(desk, open_ask)
    outcome = str(record.state) if record.state in {AskState.DONE, AskState.FAILED, AskState.UNKNOWN} else ""
    return AskReply(
        ask=record.id,
        task=record.task,
        state=record.state,
        decision=_DECISIONS.get(record.state, "permit"),
        outcome=outcome,
        result=cut.result,
        withheld=cut.withheld,
        who=open_ask.who if open_ask.state is AskState.WAITING else (),
        expires_at=expires_at,
        code=Code(record.code) if record.code else None,
        public=record.public or (reason if record.state is AskState.FAILED else ""),
        countered_by=record.countered_by,
        receipt=receipt,
        remedy=await _remedy(desk, record) if attributes and record.state is AskState.REFUSED else None,
        words=record.current_words_state,
        notice=strip_notice(code_of_marks(record.marked), read_marks(record.marked))
        if record.marked and record.words_state == WordsState.STRIPPED
        else "",
        files=agent_file_status(await ask_files(desk, record)) if record.files else (),
        asked_at=record.at,
        confirmation=open_ask.confirmation if open_ask.state is AskState.WAITING else "",
    )


def _cut(
    desk: DeskContext, record: AskRecord, covered: Collection[str] | None, *, attributes: bool
) -> tuple[bool, CutResult]:
    """Return the recorded result cut to the present coverage, and whether any of it is readable."""
    if record.result in {"", "{}"} or not attributes:
        return attributes, NOTHING_CUT
    action = desk.catalogue.actions.get(record.action)
    try:
        values = parse_stored_object(record.result)
    except Refused:
        # ⚔ The act is done: an unreadable result is withheld, but never reported as not permitted.
        return False, NOTHING_CUT
    returns = action.returns if action is not None else ()
    disclosable = frozenset(record.covered if covered is None else covered)
    return True, cut_result(values, returns=returns, covered=disclosable, known=desk.catalogue.attributes)


def recorded_params(record: AskRecord) -> JsonObject:
    """Return the params of a recorded ask.

    Raises:
        Fault: `fault.store` when they are damaged.
    """
    try:
        return parse_stored_object(record.params)
    except Refused:
        raise Fault(Code.FAULT_STORE, "an ask's params are damaged") from None


async def _receipt(desk: DeskContext, record: AskRecord, holder: Holder) -> JsonObject:
    """Return the receipt. ⚔ Agent sections hold disclosed values: without attributes only envelopes open."""
    entries = await desk.store.entries(ref=record.id, limit=20)
    return await receipt_for_entries(desk, [entry.index for entry in entries], holder, about=record.customer)


async def _remedy(desk: DeskContext, record: AskRecord) -> JsonObject | None:
    if record.state is not AskState.REFUSED or record.code not in CURED_BY_GRANT:
        return None
    return await remedy_of(desk, mandate=record.mandate, action=record.action, params=recorded_params(record))


async def _open_ask(desk: DeskContext, record: AskRecord) -> AskRecord:
    """Return the ask now open: this one, or the one a counter-offer replaced it with."""
    if record.state is not AskState.COUNTERED:
        return record
    try:
        return (await desk.store.get(AskRecord, record.countered_by)).record
    except RecordMissing:
        return record


async def _expiry(desk: DeskContext, record: AskRecord) -> Instant:
    try:
        return (await desk.store.get(ConfirmationRecord, record.confirmation)).record.expires_at
    except RecordMissing:
        return Instant(0)
