"""Registration of an agent, so that its own identity can be proved later."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import AgentRecord, KnownBy, Tier
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json
from remit.engine.agents.authenticate import get_agent
from remit.engine.agents.registration import malformed_registration, registration_of
from remit.engine.agents.registration_checks import (
    commit_new_agent,
    registered_entry,
    verify_names,
    verify_no_lookalike,
    verify_notification,
    verify_redirects,
)
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.transcript.record import prepare_entry, seal_entries
from remit.ports.identity import PUBLIC_CLIENT
from remit.ports.store import Commit, Conflict, Put, RecordMissing
from remit.proof.canonical import canonical


@struct(frozen=True, kw_only=True)
class NewAgent:
    """The desk's description of an agent.

    `keys` is its key source as JSON: one of `{"jwks"}`, `{"jwks_file"}`, `{"jwks_url"}`, `{"federated_issuer"}`,
    `{"directory"}`, or `bundle_file`, `bundle_url` or `workload_api` (true) with `trust_domain`; empty for a public
    client, whose method is `none` and whose tier is always `visitor`.
    """

    client_id: str
    actor: str
    operator: str
    name: str
    tier: Tier
    method: str
    keys: Mapping[str, Json]
    redirect_uris: tuple[str, ...]
    notification_uri: str = ""


async def register_agent(desk: DeskContext, new: NewAgent, *, by: str) -> AgentRecord:
    """Add an agent; its key source is read once, so that a wrong one is noticed now.

    Raises:
        Refused: `request.malformed` for an unusable description, `request.conflict` when the client id is taken.
        Fault: `fault.identity` when its key source cannot be read.
    """
    return await store_agent(desk, await read_description(desk, new), by=by)


async def store_agent(desk: DeskContext, record: AgentRecord, *, by: str) -> AgentRecord:
    """Store a described agent and record it.

    Raises:
        Refused: `request.conflict` when the client id is taken.
    """
    try:
        await commit_new_agent(desk, record, by=by)
    except Conflict:
        public = marked("That client_id is already registered.")
        raise Refused(Code.REQUEST_CONFLICT, f"{record.id} is registered already", public=public) from None
    return record


async def reregister_agent(desk: DeskContext, new: NewAgent, *, by: str) -> AgentRecord:
    """Replace a registered agent's keys, tier, name and redirects.

    Its operator stays, and a suspension too. ⚔ For sandboxes alone: elsewhere anyone who may add an agent could take
    over another one, with every mandate it was granted.

    Raises:
        Refused: `person.not_allowed` at a desk that is no sandbox, `request.malformed`, `agent.unknown`, `task.busy`,
            `request.conflict` when another party registered it.
        Fault: `fault.identity` when its key source cannot be read.
    """
    if not desk.terms.sandbox:
        raise Refused(Code.PERSON_NOT_ALLOWED, "only a sandbox gives an agent new keys on request")
    record = await read_description(desk, new)
    try:
        kept = await desk.store.get(AgentRecord, record.id)
    except RecordMissing:
        raise Refused(Code.AGENT_UNKNOWN, f"no agent {record.id!r}") from None
    old = kept.record
    if (record.actor, record.operator) != (old.actor, old.operator):
        public = f"That client_id is registered for operator {old.operator} as {old.actor}; keep both, or choose another client_id."
        raise Refused(Code.REQUEST_CONFLICT, "another operator or actor", public=public)
    changed = replace(record, created_at=old.created_at, suspended=old.suspended)
    written = await seal_entries(desk, registered_entry(desk, changed, by))
    await commit_retryable(desk, Commit(puts=(Put(changed, kept.rev, old),), entries=written.rows))
    return changed


async def read_description(desk: DeskContext, new: NewAgent) -> AgentRecord:
    """Return the agent as described, once that is usable and its keys were read.

    Raises:
        Refused: `request.malformed`.
        Fault: `fault.identity` when its key source cannot be read.
    """
    now = desk.world.now()
    public = new.method == PUBLIC_CLIENT
    if public and (new.keys or not new.redirect_uris):
        raise malformed_registration("a public client has redirect addresses and no keys")
    record = AgentRecord(
        id=new.client_id,
        actor=new.actor,
        operator=new.operator,
        name=new.name,
        tier=Tier.VISITOR if public else new.tier,
        method=new.method,
        keys=canonical(new.keys).decode(),
        redirect_uris=new.redirect_uris,
        created_at=now,
        known_by=KnownBy.REGISTERED.value if public else "",
        notification_uri=new.notification_uri,
    )
    if record.notification_uri:
        verify_notification(desk, record.notification_uri)
    verify_names(record, desk.lexicon.vocabulary)
    verify_redirects(record.redirect_uris)
    await verify_no_lookalike(desk, record)
    if not public:
        await desk.clients.verify_registration(unverified=registration_of(record), now=now)
    return record


_ORDER: Final = (Tier.VISITOR, Tier.UNPROVED, Tier.KNOWN, Tier.TRUSTED)


async def set_tier(desk: DeskContext, client_id: str, tier: Tier, *, by: str) -> AgentRecord:
    """Change an agent's tier and record it; raising takes two people, checked by the caller.

    Raises:
        Refused: `agent.unknown`, `task.busy`; `agent.untrusted` for a client that proves no key.
    """
    kept = await get_agent(desk, client_id)
    if kept.record.method == PUBLIC_CLIENT:
        public = marked("This agent has no verified key, so it stays a visitor.")
        raise Refused(Code.AGENT_UNTRUSTED, "a public client stays a visitor", public=public)
    changed = replace(kept.record, tier=tier)
    written = await prepare_entry(
        desk,
        Kind.AGENT_TRUSTED,
        envelope={"agent": client_id, "from": kept.record.tier.value, "to": tier.value},
        desk={"by": by},
        refs=(client_id,),
    )
    await commit_retryable(desk, Commit(puts=(Put(changed, kept.rev, kept.record),), entries=written.rows))
    return changed


def raises_trust(old: Tier, new: Tier) -> bool:
    """Return whether a change of tier loosens something."""
    return _ORDER.index(new) > _ORDER.index(old)
