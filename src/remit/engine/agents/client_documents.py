"""Clients without a registration, known by the document at their client id.

Source: docs/model/visitors.md#identity; draft-ietf-oauth-client-id-metadata-document.
"""

from dataclasses import replace

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
from remit.engine.agents.registration import opened_risk_events, registration_of
from remit.engine.agents.registration_checks import registered_entry, verify_redirects
from remit.engine.context import DeskContext
from remit.engine.transcript.record import seal_entries
from remit.ports.identity import PUBLIC_CLIENT, ClientMethod
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned
from remit.proof.canonical import canonical

_COMPARED = 10_000
_TRIES = 3


async def known_client(desk: DeskContext, client_id: str) -> Versioned[AgentRecord] | None:
    """Return a client's record, by its document as it is now where its id is the address of one; None for an unknown.

    Raises:
        Refused: `agent.unknown` for a document that cannot be used, `request.malformed` for its addresses.
        Fault: `fault.identity` while it cannot be read.
    """
    for _ in range(_TRIES):
        kept = await _stored(desk, client_id)
        if kept is None and desk.visitors is not None and is_id(client_id, "dyn"):
            return await _registered(desk, client_id)
        if desk.visitors is None or not is_document_id(client_id) or not _by_document(kept):
            return kept
        loopback = desk.terms.loopback
        verify_document_id(client_id, allow_loopback=loopback)
        raw = await desk.client_documents.document(client_id, now=desk.world.now())
        document = read_client_document(client_id, raw, allow_loopback=loopback)
        if kept is not None and kept.record.document == document.digest:
            return kept
        try:
            return await _store(desk, kept, document)
        except Conflict:
            continue
    raise Refused(Code.TASK_BUSY, "its registration kept changing", retry_after_s=1)


def _by_document(kept: Versioned[AgentRecord] | None) -> bool:
    """Return whether a client's document says how it is. ⚔ One that the desk registered itself stays as registered."""
    return kept is None or kept.record.known_by == KnownBy.DOCUMENT


async def _stored(desk: DeskContext, client_id: str) -> Versioned[AgentRecord] | None:
    try:
        return await desk.store.get(AgentRecord, client_id)
    except RecordMissing:
        return None


async def _registered(desk: DeskContext, client_id: str) -> Versioned[AgentRecord] | None:
    """Return a client that registered itself, now an agent. ⚔ Only its random id tells it from another one."""
    try:
        found = (await desk.store.get(ClientRegistration, client_id)).record
    except RecordMissing:
        return None
    now = desk.world.now()
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
    written = await seal_entries(desk, registered_entry(desk, record, KnownBy.DYNAMIC))
    await desk.store.commit(Commit(puts=(Put(record, 0),), entries=written.rows))
    return await desk.store.get(AgentRecord, record.id)


async def _store(
    desk: DeskContext, kept: Versioned[AgentRecord] | None, document: ClientDocument
) -> Versioned[AgentRecord]:
    """Store a client as its document describes it now. A suspension stays, and so does a tier that the desk gave."""
    now = desk.world.now()
    verify_redirects(document.redirect_uris)
    keyed = document.keys is not None
    old = None if kept is None else kept.record
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
        known_by=KnownBy.DOCUMENT,
        document=document.digest,
    )
    if old is None:
        await _verify_no_registered_host(desk, record)
    else:
        record = replace(record, suspended=old.suspended)
    if keyed:
        await desk.clients.verify_registration(unverified=registration_of(record), now=now)
    written = await seal_entries(desk, registered_entry(desk, record, KnownBy.DOCUMENT))
    steps = opened_risk_events("agent", agent="", operator=record.operator, at=now) if old is None else ()
    rev = 0 if kept is None else kept.rev
    await desk.store.commit(Commit(puts=(Put(record, rev, old),), steps=steps, entries=written.rows))
    return await desk.store.get(AgentRecord, record.id)


async def _verify_no_registered_host(desk: DeskContext, record: AgentRecord) -> None:
    """⚔ Verify that a host does not look like an operator that the desk knows: customers read it where they decide.

    Raises:
        Refused: `agent.unknown`.

    Source: UTS 39 §4.
    """
    for kept in await desk.store.find(AgentRecord, "agent.all", "", limit=_COMPARED, newest=True):
        other = kept.record
        registered = other.known_by not in {KnownBy.DOCUMENT, KnownBy.DYNAMIC} and other.operator != record.operator
        if registered and are_confusable(record.operator, other.operator):
            public = "This client's host looks like that of another operator."
            raise Refused(Code.AGENT_UNKNOWN, f"its host looks like {other.operator!r}", public=public)
