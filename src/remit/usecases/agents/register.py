"""Registration of an agent, so that its own identity can be proved later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import AgentRecord, Tier
from remit.domain.text.confusables import are_confusable, decoded_labels, mixes_scripts
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.transcript.pseudonyms import registration_digest
from remit.domain.values import Json
from remit.domain.words.verdict import check_name
from remit.domain.words.vocabulary import Vocabulary
from remit.engine.agents.authenticate import get_agent
from remit.engine.agents.registration import malformed_registration, opened_risk_events, registration_of
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.transcript.record import draft_entry, prepare_entry, seal_entries
from remit.ports.store import Commit, Conflict, Put, RecordMissing
from remit.proof.canonical import canonical

_COMPARED: Final = 10_000
_MAX_ADDRESS_LENGTH: Final = 2048
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_REST: Final = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
_REDIRECTS: Final = (
    re.compile(rf"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?{_REST}", re.ASCII),
    re.compile(rf"http://(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{{1,5}})?{_REST}", re.ASCII),
    re.compile(rf"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:{_REST}", re.ASCII),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """The desk's description of an agent.

    `keys` is its key source as JSON: one of `{"jwks"}`, `{"jwks_file"}`,
    `{"jwks_url"}`, `{"bundle_file", "trust_domain"}`, `{"bundle_url", "trust_domain"}`.
    """

    client_id: str
    actor: str
    operator: str
    name: str
    tier: Tier
    method: str
    keys: Mapping[str, Json]
    redirect_uris: tuple[str, ...]


async def register_agent(desk: DeskContext, new: NewAgent, *, by: str) -> AgentRecord:
    """Add an agent; its key source is read once, so that a wrong one is noticed now.

    Raises:
        Refused: `request.malformed` for an unusable description, `request.conflict` when the client id is taken.
        Fault: `fault.identity` when its key source cannot be read.
    """
    record = await _agent_record(desk, new)
    written = await seal_entries(desk, _registered(desk, record, by))
    try:
        steps = opened_risk_events("agent", agent="", operator=record.operator, at=record.created_at)
        await desk.store.commit(Commit(puts=(Put(record, 0),), steps=steps, entries=written.rows))
    except Conflict:
        public = marked("That client_id is registered already.")
        raise Refused(Code.REQUEST_CONFLICT, f"{new.client_id} is registered already", public=public) from None
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
    record = await _agent_record(desk, new)
    try:
        kept = await desk.store.get(AgentRecord, record.id)
    except RecordMissing:
        raise Refused(Code.AGENT_UNKNOWN, f"no agent {record.id!r}") from None
    old = kept.record
    if (record.actor, record.operator) != (old.actor, old.operator):
        public = f"That client_id is registered for operator {old.operator} as {old.actor}; keep both, or take another client_id."
        raise Refused(Code.REQUEST_CONFLICT, "another operator or actor", public=public)
    changed = replace(record, created_at=old.created_at, suspended=old.suspended)
    written = await seal_entries(desk, _registered(desk, changed, by))
    await commit_retryable(desk, Commit(puts=(Put(changed, kept.rev, old),), entries=written.rows))
    return changed


async def _agent_record(desk: DeskContext, new: NewAgent) -> AgentRecord:
    """Return the agent as described, once that is usable and its keys were read."""
    now = desk.world.now()
    record = AgentRecord(
        id=new.client_id,
        actor=new.actor,
        operator=new.operator,
        name=new.name,
        tier=new.tier,
        method=new.method,
        keys=canonical(new.keys).decode(),
        redirect_uris=new.redirect_uris,
        created_at=now,
    )
    _verify_names(record, desk.lexicon.vocabulary)
    _verify_redirects(record.redirect_uris)
    await _verify_no_lookalike(desk, record)
    await desk.clients.verify_registration(unverified=registration_of(record), now=now)
    return record


def _registered(desk: DeskContext, record: AgentRecord, by: str) -> EntryDraft:
    return draft_entry(
        desk,
        Kind.AGENT_REGISTERED,
        envelope={
            "agent": record.id,
            "actor": record.actor,
            "operator": record.operator,
            "tier": record.tier.value,
            "registration": registration_digest(desk.signer.keyed, record),
        },
        desk={"by": by, "name": record.name, "method": record.method, "keys": record.keys},
        refs=(record.id,),
    )


def _verify_redirects(redirect_uris: tuple[str, ...]) -> None:
    """⚔ Verify redirect addresses, which receive the customer's code: TLS, loopback, or an app's reversed name.

    Source: RFC 9700 §2.1 and §4.1; RFC 8252 §7.
    """
    for address in redirect_uris:
        if (
            len(address) > _MAX_ADDRESS_LENGTH
            or not any(shape.fullmatch(address) for shape in _REDIRECTS)
            or not _is_reachable(address)
        ):
            raise malformed_registration(
                "a redirect_uri is an https address, an http one on loopback, or an app's such as com.example.app:/done; no fragment, no user"
            )


def _is_reachable(address: str) -> bool:
    """Return whether the port, where given, is valid."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _verify_names(record: AgentRecord, vocabulary: Vocabulary) -> None:
    longest = 255
    for what, text in (("client_id", record.id), ("actor", record.actor)):
        if not text or len(text) > longest or not all("!" <= letter <= "~" for letter in text):
            raise malformed_registration(f"{what} must be 1 to 255 visible ASCII characters")
    if not record.operator or not record.name or len(record.name) > longest or len(record.operator) > longest:
        raise malformed_registration("operator and name must be given, at most 255 characters")
    # ⚔ Customers and officers read names where they decide: a name with a message would influence them.
    for whose, text in (("the agent's", record.name), ("the operator's", record.operator)):
        if text is record.operator and _DOMAIN.fullmatch(text) is not None:
            continue  # a trust domain is not chosen for reading
        verdict = check_name(text, vocabulary)
        if not verdict.passes:
            raise malformed_registration(
                f"{whose} name is more than a name ({verdict.reason}); give it a plain one of at most 120 characters"
            )


async def _verify_no_lookalike(desk: DeskContext, record: AgentRecord) -> None:
    """⚔ Verify that no agent of another operator looks like this one: people tell them apart by what they read.

    Source: UTS 39 §4.
    """
    for whose, text in (("the agent's name", record.name), ("the operator", record.operator)):
        if mixes_scripts(decoded_labels(text)):
            raise malformed_registration(f"{whose} mixes letters of several scripts in one word")
    for kept in await desk.store.find(AgentRecord, "agent.all", "", limit=_COMPARED, newest=True):
        other = kept.record
        if other.operator == record.operator:
            continue
        for what, one, known in (
            ("operator", record.operator, other.operator),
            ("name", record.name, other.name),
            ("client_id", record.id, other.id),
        ):
            if are_confusable(one, known):
                raise malformed_registration(f"the {what} looks like that of {other.id!r}, which another operator runs")


_ORDER: Final = (Tier.UNPROVED, Tier.KNOWN, Tier.TRUSTED)


async def set_tier(desk: DeskContext, client_id: str, tier: Tier, *, by: str) -> AgentRecord:
    """Change an agent's tier and record it; raising takes two people, checked by the caller.

    Raises:
        Refused: `agent.unknown`, `task.busy`.
    """
    kept = await get_agent(desk, client_id)
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
