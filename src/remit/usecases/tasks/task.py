"""An agent's view of its task besides asking: status, inbox, completion, asks after the end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.dpop import ProofRefused
from remit.domain.ids import is_id
from remit.domain.mandate.cover import counter_key
from remit.domain.mandate.parse_where import format_remaining
from remit.domain.mandate.tools import GrantedAction, granted_actions
from remit.domain.records import (
    OPEN_ASKS,
    AgentRecord,
    AskRecord,
    DeskMessage,
    EndReason,
    TaskRecord,
    TaskState,
    open_asks_key,
)
from remit.domain.structs import struct
from remit.domain.transcript.entry import OpenedEntry, Section
from remit.domain.transcript.receipt import EntryWithProof, Holder, build_tlog_proof
from remit.domain.values import Json
from remit.engine.agents.authenticate import Caller, verify_not_suspended
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.authorization_state import (
    AuthorizationState,
    currently_covered,
    has_pending_work,
    load_authorization_state,
    verify_active,
)
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.desk_reason import current_reason
from remit.engine.ask.read import recheck_disclosure, replay_read
from remit.engine.ask.reply import AskReply, build_reply
from remit.engine.context import DeskContext
from remit.engine.long_poll import read_awaited
from remit.engine.outbound.check import cut_messages
from remit.engine.tasks import EndedTask, end_task
from remit.engine.transcript.record import open_entry
from remit.ports.store import Commit, RecordMissing, Replayed, Versioned
from remit.usecases.transcript.audit import find_entry

_TRIES: Final = 4


@struct(frozen=True, kw_only=True)
class TaskView:
    """A task as its agent sees it."""

    task: TaskRecord
    budgets: Sequence[Mapping[str, Json]]
    waiting: Sequence[str]


async def task_status(desk: DeskContext, workload: Workload) -> TaskView:
    """Return a task's status for its agent, also after its end.

    Raises:
        Refused: `task.ended` for a foreign task, `credential.replayed`.
    """
    state = await _own(desk, workload)
    await mark_proof_used(desk, workload)
    if state.task.record.state is not TaskState.ENDED:
        try:
            await verify_case(desk, state.task.record)
        except Refused:
            state = await _own(desk, workload)
        except Fault as unreadable:
            del unreadable  # the status is Remit's own record and says nothing of the case
    asks = await desk.store.find(AskRecord, "ask.task", open_asks_key(workload.task), limit=1000)
    return TaskView(task=state.task.record, budgets=remaining_budgets(state), waiting=[one.record.id for one in asks])


@struct(frozen=True, kw_only=True)
class TaskTools:
    """The actions a task may ask for now, by the mandate nearest to it."""

    objective: str
    actions: tuple[GrantedAction, ...]


async def verify_open(desk: DeskContext, workload: Workload) -> AuthorizationState:
    """Verify that the caller's task may ask, and return its state.

    ⚔ For requests that tell nothing of a task, too: a dead credential opens nothing, and a proof counts once.

    Raises:
        Refused: the state's own codes, `task.ended` for a foreign task, `credential.replayed`.
    """
    state = await _own(desk, workload)
    await mark_proof_used(desk, workload)
    verify_active(state, desk.world.now(), desk.terms, waiting=await has_pending_work(desk, state))
    return state


async def granted_tools(desk: DeskContext, workload: Workload) -> TaskTools:
    """Return the actions the caller's task grants: those of its mandate, unchanged since the customer signed it.

    Raises:
        Refused: the state's own codes, `task.ended` for a foreign task, `credential.replayed`.

    Source: docs/model/wire.md#mcp; docs/model/model.md#renewed-consent.
    """
    state = await verify_open(desk, workload)
    kept, mandate = state.chain[0]
    current = kept.record.action_digests
    actions = tuple([
        one
        for one in granted_actions(mandate, desk.catalogue)
        if desk.catalogue.matches_signed_digest(one.action.name, current.get(one.action.name))
    ])  # fmt: skip
    return TaskTools(objective=state.task.record.objective, actions=actions)


def remaining_budgets(state: AuthorizationState) -> list[Mapping[str, Json]]:
    """Return the remaining budget of every limited power, by the task's own mandate."""
    kept, mandate = state.chain[0]
    left: list[Mapping[str, Json]] = []
    for place, power in enumerate(mandate.powers):
        root = kept.record.power_roots[place] if kept.record.power_roots else place
        for action in power.actions or ():
            row: dict[str, Json] = {"power": power.power.value, "action": action}
            if power.uses is not None:
                row["uses_left"] = power.uses - state.counters.get((kept.record.id, counter_key(root, action)), 0)
            if power.totals:
                row["total_left"] = {
                    str(total.path): _left(
                        total.limit, state.counters.get((kept.record.id, counter_key(root, str(total.path))), 0)
                    )
                    for total in power.totals
                }
            left.append(row)
    return left


def _left(limit: Json, used_micro: int) -> str:
    number, _, unit = str(limit).partition(" ")
    return format_remaining(int(Decimal(number).scaleb(6)) - used_micro, unit)


async def ask_status(desk: DeskContext, workload: Workload, ask_id: str, *, wait_s: float) -> AskReply:
    """Return an ask's outcome for its agent, waiting up to `wait_s` seconds for news.

    Raises:
        Refused: `request.not_found` for an unknown or foreign ask, `credential.replayed`.
        Fault: `fault.case`: nothing is delivered while the case cannot be read.
    """
    record = await own_ask(desk, workload, ask_id)
    await mark_proof_used(desk, workload)
    if wait_s > 0 and not _settled(record):
        record = await read_awaited(
            desk, f"ask:{ask_id}", lambda: own_ask(desk, workload, ask_id), _settled, wait_s=wait_s
        )
    return await current_reply(desk, record)


async def follow_ask(desk: DeskContext, workload: Workload, ask_id: str, *, wait_s: float) -> AskReply:
    """Return an ask's present state within a request with its proof marked already, waiting as `ask_status` does.

    Standing and case are read again before any attribute is disclosed, each time.

    Raises:
        Refused: `request.not_found` for an unknown or foreign ask.
        Fault: `fault.case`: nothing is delivered while the case cannot be read.

    Source: docs/model/model.md#standing-again.
    """
    record = await read_awaited(desk, f"ask:{ask_id}", lambda: own_ask(desk, workload, ask_id), _settled, wait_s=wait_s)
    return await current_reply(desk, record)


async def task_asks(desk: DeskContext, workload: Workload, *, limit: int) -> Sequence[tuple[AskRecord, int]]:
    """Return the newest asks of the caller's task with the time in ms of their last change, the last changed first.

    Raises:
        Refused: `task.ended` for a foreign task, `credential.replayed`.
    """
    await _own(desk, workload)
    await mark_proof_used(desk, workload)
    found = await desk.store.find(AskRecord, "ask.task", workload.task, limit=limit, newest=True)
    dated = [(kept.record, await changed_at(desk, kept.record)) for kept in found]
    return sorted(dated, key=lambda one: (one[1], one[0].id), reverse=True)


async def changed_at(desk: DeskContext, record: AskRecord) -> int:
    """Return when an ask came into its state, in ms: only one that people were asked about changes later than at once."""
    if not record.confirmation:
        return record.at
    newest = await desk.store.entries(ref=record.id, limit=1, newest=True)
    return max([record.at, *(entry.row.at for entry in newest)])


def _settled(record: AskRecord) -> bool:
    """Return whether nothing more is to come of an ask."""
    return record.state not in OPEN_ASKS


async def ask_status_after_end(desk: DeskContext, caller: Caller, ask_id: str, *, wait_s: float) -> AskReply:
    """Return an ask's state, outcome and receipt to its authenticated workload without a token.

    Raises:
        Refused: `request.not_found` for an unknown ask and one of another client, actor or key, `credential.replayed`.
        Fault: `fault.store`.

    Source: docs/model/model.md#after-the-end; docs/decisions/0015-asking-after-the-end.md.
    """
    who = (caller.agent.record.id, caller.actor, caller.jkt)
    try:
        await desk.store.commit(Commit(marks=caller.marks))
    except Replayed as stands:
        raise caller.replayed(stands) from None
    record = await ask_of(desk, who, ask_id)
    if wait_s > 0 and not _settled(record):
        record = await read_awaited(desk, f"ask:{ask_id}", lambda: ask_of(desk, who, ask_id), _settled, wait_s=wait_s)
        await verify_not_suspended(desk, (await desk.store.get(AgentRecord, caller.agent.record.id)).record)
    return await build_reply(desk, record, attributes=False)


async def current_reply(desk: DeskContext, record: AskRecord) -> AskReply:
    """Return the reply to an ask in its present state."""
    try:
        state = await load_authorization_state(desk, record.task)
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
        record = await replay_read(desk, record)
        covered = await recheck_disclosure(desk, record) if record.result else currently_covered(desk, state, record)
    except Refused:
        return await build_reply(desk, record, attributes=False)
    return await build_reply(desk, record, covered=covered, reason=await current_reason(desk, record))


async def read_inbox(desk: DeskContext, workload: Workload, *, after: int, wait_s: float) -> Sequence[DeskMessage]:
    """Return a task's messages after number `after`, waiting for one, cut to the present disclosures.

    Raises:
        Refused: the state's own codes; an ended task gets none.
        Fault: `fault.case`; `fault.backoffice` where a message must be checked again and the facts cannot be read.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    state = await _own(desk, workload)
    verify_active(state, desk.world.now(), desk.terms, waiting=await has_pending_work(desk, state))
    await mark_proof_used(desk, workload)

    async def read() -> tuple[Sequence[Versioned[DeskMessage]], bool]:
        """Return the messages, and whether none will come: ⚔ the task may have ended before this was awaited."""
        found = await desk.store.find(DeskMessage, "message.task", workload.task, low=after + 1, limit=100)
        waits = not found and wait_s > 0
        return found, waits and (await desk.store.get(TaskRecord, workload.task)).record.state is not TaskState.OPEN

    found, _ = await read_awaited(desk, f"task:{workload.task}", read, any, wait_s=wait_s)
    for _ in range(_TRIES):
        state = await _own(desk, workload)
        verify_active(state, desk.world.now(), desk.terms, waiting=True)
        messages = await cut_messages(desk, state, [one.record for one in found])
        await verify_case(desk, state.task.record)
        if await desk.store.unchanged(state.preconditions):  # ⚔ case and desk reads took time
            return messages
    raise Refused(Code.TASK_BUSY, "the task kept changing", retry_after_s=1)


async def entry_receipt(desk: DeskContext, workload: Workload, entry_id: str) -> str:
    """Return the receipt of an entry of the caller's task as C2SP tlog-proof, opened for its agent.

    ⚔ After a narrowing, or while anything moves, only the envelope opens: a receipt discloses nothing its reply would
    not.

    Raises:
        Refused: `request.not_found`, the same for an unknown entry and one of another task; the state's own codes,
            `credential.replayed`.
        Fault: `fault.case`, `fault.store`.

    Source: docs/model/wire.md#log; docs/model/model.md#standing-again, #sections.
    """
    state = await _own(desk, workload)
    verify_active(state, desk.world.now(), desk.terms, waiting=await has_pending_work(desk, state))
    await mark_proof_used(desk, workload)
    entry = await find_entry(desk, entry_id, ref=workload.task)
    opened = await open_entry(desk, entry.row, about=state.task.record.customer)
    told = await _disclosable_entry(desk, state, opened)
    await verify_case(desk, state.task.record)
    holder = Holder.AGENT if told and await desk.store.unchanged(state.preconditions) else Holder.PUBLIC
    committed = await desk.store.prove((entry.index,))
    proved = EntryWithProof(index=entry.index, opened=opened, proof=committed.places[0].proof)
    return build_tlog_proof(holder=holder, entry=proved, checkpoint=committed.checkpoint)


async def _disclosable_entry(desk: DeskContext, state: AuthorizationState, opened: OpenedEntry) -> bool:
    envelope = opened.sections[Section.ENVELOPE].body or {}
    ask_id, message = envelope.get("ask"), envelope.get("message")
    try:
        if isinstance(message, int):
            # ⚔ A message can be checked and cut again in another state; its entry cannot.
            return (
                await desk.store.get(DeskMessage, f"{state.task.record.id} {message}")
            ).record.epochs == state.epochs
        if not isinstance(ask_id, str):
            return True
        record = (await desk.store.get(AskRecord, ask_id)).record
    except RecordMissing:
        return False
    return (
        currently_covered(desk, state, record).issuperset(record.covered)
        and await current_reason(desk, record) == record.reason
    )


async def complete_task(desk: DeskContext, workload: Workload) -> EndedTask:
    """End one's own task; the case stays.

    Raises:
        Refused: `task.ended` for a foreign task, `credential.replayed`.
    """
    state = await _own(desk, workload)
    await mark_proof_used(desk, workload)
    if state.task.record.state is TaskState.ENDED:
        raise Refused(Code.TASK_ENDED, f"the task ended: {state.task.record.reason}")
    return await end_task(desk, workload.task, EndReason.COMPLETED)


async def mark_proof_used(desk: DeskContext, workload: Workload) -> None:
    """Mark this request's proof as used.

    Raises:
        Refused: `credential.replayed`.
    """
    try:
        await desk.store.commit(Commit(marks=workload.marks))
    except Replayed:
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None


async def _own(desk: DeskContext, workload: Workload) -> AuthorizationState:
    state = await load_authorization_state(desk, workload.task)
    task = state.task.record
    if (task.client_id, task.actor, task.jkt) != (workload.client_id, workload.actor, workload.jkt):
        raise Refused(Code.TASK_ENDED, "another workload's task")
    return state


async def own_ask(desk: DeskContext, workload: Workload, ask_id: str) -> AskRecord:
    """Return an ask of the caller; unknown and foreign ones answer alike.

    Raises:
        Refused: `request.not_found`.
    """
    return await ask_of(desk, (workload.client_id, workload.actor, workload.jkt), ask_id)


async def ask_of(desk: DeskContext, who: tuple[str, str, str], ask_id: str) -> AskRecord:
    """Return an ask of this client, actor and key; unknown and foreign ones answer alike.

    Raises:
        Refused: `request.not_found`.
    """
    if not is_id(ask_id, "ask"):
        raise Refused(Code.REQUEST_NOT_FOUND, "no such ask")
    try:
        record = (await desk.store.get(AskRecord, ask_id)).record
        task = (await desk.store.get(TaskRecord, record.task)).record
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such ask") from None
    if (task.client_id, task.actor, task.jkt) != who:
        raise Refused(Code.REQUEST_NOT_FOUND, "another workload's ask")
    return record
