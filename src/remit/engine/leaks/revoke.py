"""Revocation of our own leaked credentials: before anything else happens, on the record, and notified.

A token is recognised by its signature, also after expiry; a random value by its stored keyed digest. Owner and author
do not matter: anyone may have copied it. Detection is in `leaks/scan`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.identity.assertions import AssertionType
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.policy.decision import LEAKED
from remit.domain.records import (
    EndReason,
    Invitation,
    MandateRecord,
    PersonRecord,
    PushedRequest,
    RequestState,
    SessionRecord,
    TaskRecord,
    TaskState,
    TokenFamily,
)
from remit.domain.secrets.own_credentials import OwnCredentialKind
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json, JsonObject
from remit.engine.agents.authenticate import prove_client
from remit.engine.agents.authenticate_request import TokenVerifier, Workload
from remit.engine.agents.token_families import read_refresh_token
from remit.engine.ask.authorization_state import remembered_plan
from remit.engine.ask.redact import AskRequest, open_text
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.leaks.notify_issuers import notify_issuers
from remit.engine.leaks.scan import LeakSource
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.notices import access_notices
from remit.engine.people.sessions import keyed_id
from remit.engine.scan_executor import LONG
from remit.engine.tasks import end_task
from remit.engine.transcript.record import code_hash, draft_entry, pseudonym
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Replayed, Reserve

_TRIES: Final = 4
_A_TURN: Final = 1024 * 1024
_ENDED: Final = ("task", "mandate", "request")
"""The members of an entry that name what ended for a leak, the narrowest first."""
_TASK: Final = marked(
    "A credential of an agent that acts for you appeared in a message. We ended the agent's task, so "
    "no one can use the credential any more."
)
_MANDATE: Final = marked(
    "A credential of an agent that acts for you appeared in a message. We revoked the agent's "
    "permission, so no one can use the credential any more."
)
_SESSION: Final = marked(
    "Your sign-in appeared in a message. We signed you out of that session, so no one can use it any more."
)
_INVITATION: Final = marked(
    "A link for adding a passkey to your account appeared in a message. We disabled the link, so no "
    "one can use it any more. Ask us for a new one."
)


@struct(frozen=True, kw_only=True)
class _DeadCredential:
    """A revoked credential: its kind, owner, entry and notice."""

    what: str
    person: str
    envelope: JsonObject
    agent: str = ""
    refs: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""


async def revoke_leaked_credentials(
    desk: DeskContext, tokens: TokenVerifier, workload: Workload, request: AskRequest
) -> None:
    """Revoke each credential of ours in an ask's words, params, names or files; notify issuers of others.

    ⚔ This comes before the ask that carries it is decided.

    Raises:
        Refused: `request.rate_limited`.
        Fault: `fault.store`: nothing is then decided.

    Source: docs/model/model.md#leaks.
    """
    if request.size >= LONG:
        desk.scan_executor.verify_room(workload.limited_as, request.size)
    at = LeakSource(where="ask", agent=workload.client_id, task=workload.task)
    # ⚔ What was planted since a text was read, or has no shape of its own, is looked for in every text.
    plan = None if await desk.leak_scanner.seeks_values() else remembered_plan(desk, workload.task, request.action)
    await revoke_leaked_in_text(desk, open_text(desk, plan, request), at, caller=workload.limited_as, tokens=tokens)


async def revoke_leaked_in_files(desk: DeskContext, workload: Workload, request: AskRequest) -> None:
    """Revoke credentials found in unpacked or decoded files of an ask, known once they were read.

    Raises:
        Fault: `fault.store`: nothing is then decided.

    Source: docs/model/model.md#leaks.
    """
    at = LeakSource(where="ask", agent=workload.client_id, task=workload.task)
    for text in _turns(dict.fromkeys(request.read.seen)):
        await revoke_leaked_in_text(desk, text, at, caller=workload.limited_as)


def _turns(texts: Iterable[str]) -> Iterator[str]:
    """Join texts up to one turn's limit. ⚔ A file may hold only short ones: each alone would cost as much."""
    turn: list[str] = []
    size = 0
    for one in texts:
        if turn and size + len(one) > _A_TURN:
            yield "\n".join(turn)
            turn, size = [], 0
        turn.append(one)
        size += len(one)
    yield from ("\n".join(turn),) if turn else ()


async def revoke_leaked_in_text(
    desk: DeskContext, text: str, at: LeakSource, *, caller: str, tokens: TokenVerifier | None = None
) -> None:
    """Revoke each credential of ours in a text, whoever wrote it; notify issuers of others.

    Raises:
        Fault: `fault.store`.
    """
    found = await desk.leak_scanner.scan(text, at, caller=caller)
    if not found.traces and not found.owned:
        return
    known = tokens or TokenVerifier()
    for trace in found.traces:
        dead = await _WORKS[trace.kind](desk, known, trace.value)
        if dead is not None:
            await _tell(desk, dead, at)
    await notify_issuers(desk, found.owned, at)


async def _token(desk: DeskContext, tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    """Revoke a token: a task's ends the task; a mandate's revokes the mandate and all opened under it."""
    try:
        token = tokens.verify(desk, value)
    except Refused:
        return None
    if not token.task:
        return await _mandate(desk, token.mandate, "mandate_token")
    return await _task(desk, token.task)


async def _refresh_token(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    """End the task of a visitor's refresh token. ⚔ An earlier one, too: the same place holds the newest by now."""
    found = read_refresh_token(desk, value)
    if found is None:
        return None
    try:
        family = (await desk.store.get(TokenFamily, found[0])).record
    except RecordMissing:
        return None
    return await _task(desk, family.task)


async def _task(desk: DeskContext, task_id: str) -> _DeadCredential | None:
    try:
        task = (await desk.store.get(TaskRecord, task_id)).record
    except RecordMissing:
        return None
    if task.state is TaskState.ENDED:
        return None
    await end_task(desk, task.id, EndReason.LEAK)
    return _from_customer(desk, "token", task, _TASK, {"task": task.id, "case": task.case, "mandate": task.mandate})


async def _assertion(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    """Use up a client or actor assertion, which counts once.

    A reusable one (a JWT-SVID) is worthless without its key, and cannot be used up.
    """
    try:
        caller = await prove_client(desk, assertion_type=AssertionType.JWT_BEARER, assertion=value, claimed_id="")
        if not caller.marks:
            return None
        await desk.store.commit(Commit(marks=caller.marks))
    except (Refused, Replayed):
        return None
    except Fault as fault:
        if fault.code is not Code.FAULT_IDENTITY:
            raise
        return None  # ⚔ an issuer with unreadable keys proves nothing either, and an ask does not depend on it
    agent = caller.agent.record
    return _DeadCredential(
        what="assertion",
        person="",
        envelope={"agent": agent.id, "operator": agent.operator},
        agent=agent.id,
        refs=(agent.id,),
    )


async def _mandate(desk: DeskContext, mandate_id: str, what: str) -> _DeadCredential | None:
    try:
        mandate = (await desk.store.get(MandateRecord, mandate_id)).record
    except RecordMissing:
        return None
    if mandate.state == "revoked":
        return None
    await revoke_mandate(desk, mandate.id, customer=None, by="remit", ending=EndReason.LEAK)
    return _from_customer(desk, what, mandate, _MANDATE, {"mandate": mandate.id})


def _from_customer(
    desk: DeskContext, what: str, source: TaskRecord | MandateRecord, text: str, ids: Mapping[str, Json]
) -> _DeadCredential:
    customer = source.customer
    return _DeadCredential(
        what=what,
        person=customer,
        envelope={**ids, "agent": source.client_id, "operator": source.operator, "customer": pseudonym(desk, customer)},
        agent=source.client_id,
        refs=(source.id, customer),
        subject=customer,
        text=text,
    )


async def _code(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    """Use up an authorization code and revoke its grant: it may have been redeemed this moment.

    Source: RFC 6749 §4.1.2 (a code that is seen twice takes back what came of it).
    """
    for _ in range(_TRIES):
        found = await desk.store.find(PushedRequest, "request.code", code_hash(desk, value), limit=1)
        if not found:
            return None
        request = found[0].record
        used = replace(request, phase=RequestState.USED, code="")
        try:
            await desk.store.commit(Commit(puts=(Put(used, found[0].rev, request),)))
        except Conflict:
            continue
        return await _mandate(desk, request.mandate, "code")
    return None


async def _request(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    """Drop an unanswered mandate request, which can then no longer be answered."""
    try:
        kept = await desk.store.get(PushedRequest, value)
        if kept.record.phase is not RequestState.PUSHED:
            return None
        await desk.store.commit(
            Commit(puts=(Put(replace(kept.record, phase=RequestState.DECLINED), kept.rev, kept.record),))
        )
    except (RecordMissing, Conflict):
        return None  # anyone answering it now has signed in, and signs the rendering
    request = kept.record
    return _DeadCredential(
        what="request",
        person="",
        envelope={"request": request.id, "agent": request.client_id, "operator": request.operator},
        agent=request.client_id,
        refs=(request.client_id,),
    )


async def _session(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    for _ in range(_TRIES):
        try:
            kept = await desk.store.get(SessionRecord, keyed_id(desk, "session", value))
            await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
        except RecordMissing:
            return None
        except Conflict:  # used at this very moment
            continue
        return _persons(desk, "session", kept.record.person, _SESSION)
    return None


async def _invitation(desk: DeskContext, _tokens: TokenVerifier, value: str) -> _DeadCredential | None:
    try:
        kept = await desk.store.get(Invitation, keyed_id(desk, "invitation", value))
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))
    except (RecordMissing, Conflict):
        return None
    return _persons(desk, "invitation", kept.record.person, _INVITATION)


def _persons(desk: DeskContext, what: str, person: str, text: str) -> _DeadCredential:
    return _DeadCredential(
        what=what,
        person=person,
        envelope={"person": pseudonym(desk, person)},
        refs=(person,),
        subject=person,
        text=text,
    )


_WORKS: Final[
    Mapping[OwnCredentialKind, Callable[[DeskContext, TokenVerifier, str], Awaitable[_DeadCredential | None]]]
] = {
    OwnCredentialKind.ASSERTION: _assertion,
    OwnCredentialKind.CODE: _code,
    OwnCredentialKind.INVITATION: _invitation,
    OwnCredentialKind.REFRESH_TOKEN: _refresh_token,
    OwnCredentialKind.REQUEST: _request,
    OwnCredentialKind.SESSION: _session,
    OwnCredentialKind.TOKEN: _token,
}


async def _tell(desk: DeskContext, dead: _DeadCredential, at: LeakSource) -> None:
    """Record the revocation, and notify security and the owner."""
    draft = draft_entry(
        desk,
        Kind.LEAK_FOUND,
        envelope={"what": dead.what, "where": at.where, **dead.envelope},
        customer={"what": dead.what, **({"agent": dead.agent} if dead.agent else {})},
        desk={"sent_by": at.agent or at.person, "sent_in": at.task},
        subject=dead.subject,
        refs=dead.refs,
    )
    leaked = (Reserve(at.task, LEAKED, 1, None),) if at.task else ()
    cause = IncidentCause(
        kind=IncidentKind.LEAK,
        detail=dead.what,
        agent=at.agent or dead.agent,
        task=str(dead.envelope.get("task", "")) or at.task,
        ended=tuple(f"{name} {dead.envelope[name]}" for name in _ENDED if name in dead.envelope)[:1],
    )
    commit, told = Commit(reserves=leaked), None
    if dead.person:
        person = (await desk.store.get(PersonRecord, dead.person)).record
        subject = (
            marked("We ended an agent's task") if dead.what == "token" else marked("We disabled a leaked credential")
        )
        told = access_notices(desk, person, subject=subject, text=dead.text)
        commit = replace(commit, puts=told.puts)
        cause = replace(cause, customer=person.id if person.kind == "customer" else "")
    await commit_with_incident(desk, cause, draft, commit)
    names = {
        name: str(dead.envelope[name])
        for name in ("task", "mandate", "agent", "request", "person")
        if name in dead.envelope
    }
    # Receivers of incidents must be able to find the person, by the desk's own id.
    details = {**names, **({"person": dead.person} if "person" in names else {}), "what": dead.what, "where": at.where}
    await desk.notify.incident(kind="leak", details={**details, "sent_by": at.agent or at.person})
    if told is not None:
        await told.log_unsent(desk)
