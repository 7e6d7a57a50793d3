"""Clients without a registration, known by the document at their client id.

Source: docs/model/visitors.md#identity; draft-ietf-oauth-client-id-metadata-document.
"""

from remit.domain.errors import Code, Refused
from remit.domain.identity.client_documents import (
    ClientDocument,
    is_document_id,
    read_client_document,
    verify_document_id,
)
from remit.domain.ids import is_id
from remit.domain.records import AgentRecord, ClientRegistration, KnownBy, Tier
from remit.domain.text.confusables import are_confusable
from remit.domain.words.verdict import check_name
from remit.engine.agents.registration import registration_of
from remit.engine.agents.registration_checks import (
    commit_new_agent,
    compared_agents,
    registered_entry,
    verify_redirects,
)
from remit.engine.context import DeskContext
from remit.engine.transcript.record import seal_entries
from remit.ports.identity import PUBLIC_CLIENT, ClientMethod, DocumentLane
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned
from remit.proof.canonical import canonical

_TRIES = 3


async def known_client(
    desk: DeskContext, client_id: str, *, newcomers: DocumentLane | None = None
) -> Versioned[AgentRecord] | None:
    """Return a client's record, by its document as it is now where that is how it is known; None for an unknown.

    With `newcomers`, the lane to read it in, a client that the desk never met comes at revision 0: `admit_client`
    stores it. ⚔ Its address is read for a caller that proved nothing, so nothing is stored for the asking.

    Raises:
        Refused: `agent.unknown` for a document that cannot be used, `request.malformed` for its addresses.
        Fault: `fault.identity` while it cannot be read.
    """
    for _ in range(_TRIES):
        kept = await _stored(desk, client_id)
        if kept is None:
            return None if newcomers is None or desk.visitors is None else await _newcomer(desk, client_id, newcomers)
        # ⚔ One that the desk registered itself stays as registered.
        if desk.visitors is None or kept.record.known_by != KnownBy.DOCUMENT:
            return kept
        document = await _document(desk, client_id, DocumentLane.KNOWN, kept.record.document)
        if kept.record.document == document.digest:
            return kept
        try:
            return await _replace(desk, kept, document)
        except Conflict:
            continue
    raise Refused(Code.TASK_BUSY, "its registration kept changing", retry_after_s=1)


async def admit_client(desk: DeskContext, found: Versioned[AgentRecord]) -> Versioned[AgentRecord]:
    """Store a newcomer whose key was proved, or whose request a customer takes up; return others as they are.

    Raises:
        Refused: `agent.unknown` for a host that looks like another operator; `task.busy`.
    """
    if found.rev:
        return found
    record = found.record
    await verify_newcomer(desk, record)
    try:
        await commit_new_agent(desk, record, by=record.known_by)
    except Conflict:
        kept = await _stored(desk, record.id)
        if kept is None or kept.record.document != record.document:
            raise Refused(Code.TASK_BUSY, "it was stored differently meanwhile", retry_after_s=1) from None
        return kept
    return await desk.store.get(AgentRecord, record.id)


async def _stored(desk: DeskContext, client_id: str) -> Versioned[AgentRecord] | None:
    try:
        return await desk.store.get(AgentRecord, client_id)
    except RecordMissing:
        return None


async def _newcomer(desk: DeskContext, client_id: str, lane: DocumentLane) -> Versioned[AgentRecord] | None:
    if is_id(client_id, "dyn"):
        return await _registered(desk, client_id)
    if not is_document_id(client_id):
        return None
    return Versioned(await _described(desk, None, await _document(desk, client_id, lane)), 0)


async def _document(desk: DeskContext, client_id: str, lane: DocumentLane, digest: str = "") -> ClientDocument:
    """Return the document of a client, known by `digest` ("" for a newcomer).

    ⚔ One that cannot be used or differs is read again: another node may have read a newer one.
    """
    loopback, now = desk.terms.loopback, desk.world.now()
    verify_document_id(client_id, allow_loopback=loopback)
    raw = await desk.client_documents.document(client_id, now=now, lane=lane)
    try:
        document = read_client_document(client_id, raw, allow_loopback=loopback)
        if digest in {"", document.digest}:
            return document
    except Refused:
        pass
    raw = await desk.client_documents.document(client_id, now=now, lane=lane, newest=True)
    return read_client_document(client_id, raw, allow_loopback=loopback)


async def _registered(desk: DeskContext, client_id: str) -> Versioned[AgentRecord] | None:
    """Return the record of a client that registered itself, at revision 0; None for an unknown or expired one.

    ⚔ Its name is its own choice: its operator is its random id.
    """
    try:
        found = (await desk.store.get(ClientRegistration, client_id)).record
    except RecordMissing:
        return None
    now = desk.world.now()
    if now >= found.expires_at:
        return None
    record = AgentRecord(
        id=found.id,
        actor=found.id,
        operator=found.id,
        name=found.name if found.name and check_name(found.name, desk.lexicon.vocabulary).passes else found.id,
        tier=Tier.VISITOR,
        method=PUBLIC_CLIENT,
        keys="{}",
        redirect_uris=found.redirect_uris,
        created_at=now,
        known_by=KnownBy.DYNAMIC,
    )
    return Versioned(record, 0)


async def _replace(desk: DeskContext, kept: Versioned[AgentRecord], document: ClientDocument) -> Versioned[AgentRecord]:
    """Store a client as its document describes it now. A suspension stays, and so does a tier that the desk gave."""
    record = await _described(desk, kept.record, document)
    written = await seal_entries(desk, registered_entry(desk, record, KnownBy.DOCUMENT))
    await desk.store.commit(Commit(puts=(Put(record, kept.rev, kept.record),), entries=written.rows))
    return await desk.store.get(AgentRecord, record.id)


async def _described(desk: DeskContext, old: AgentRecord | None, document: ClientDocument) -> AgentRecord:
    """Return the record of a client as its document describes it."""
    now = desk.world.now()
    verify_redirects(document.redirect_uris)
    keyed = document.keys is not None
    tier = Tier.VISITOR if not keyed else Tier.UNPROVED if old is None or old.tier is Tier.VISITOR else old.tier
    record = AgentRecord(
        id=document.client_id,
        actor=document.client_id,
        operator=document.host,
        name=document.name if check_name(document.name, desk.lexicon.vocabulary).passes else document.host,
        tier=tier,
        method=ClientMethod.PRIVATE_KEY_JWT.value if keyed else PUBLIC_CLIENT,
        keys=canonical(document.keys or {}).decode(),
        redirect_uris=document.redirect_uris,
        created_at=now if old is None else old.created_at,
        suspended="" if old is None else old.suspended,
        known_by=KnownBy.DOCUMENT,
        document=document.digest,
    )
    if keyed:
        await desk.clients.verify_registration(unverified=registration_of(record), now=now)
    return record


async def verify_newcomer(desk: DeskContext, record: AgentRecord) -> None:
    """⚔ Verify that a host neither is nor looks like an operator whose agents the desk registers itself.

    Customers read it where they decide; policies and sub-mandates may trust that operator's name.

    Raises:
        Refused: `agent.unknown`.

    Source: UTS 39 §4.
    """
    for other in await compared_agents(desk):
        same = other.operator == record.operator
        if (same and not other.known_by) or (not same and are_confusable(record.operator, other.operator)):
            public = "This client's host is, or looks like, an operator that the company registered itself."
            raise Refused(Code.AGENT_UNKNOWN, f"its host looks like {other.operator!r}", public=public)
