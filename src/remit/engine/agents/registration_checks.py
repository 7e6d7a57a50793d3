"""Registrations of agents: checks of redirect addresses, names and likeness to others, and the storing of a new one."""

import re
from typing import Final
from urllib.parse import urlsplit

from remit.domain.errors import Refused
from remit.domain.records import AgentRecord
from remit.domain.text.confusables import are_confusable, decoded_labels, mixes_scripts
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.transcript.pseudonyms import registration_digest
from remit.domain.words.verdict import check_name
from remit.domain.words.vocabulary import Vocabulary
from remit.engine.agents.registration import malformed_registration, opened_risk_events
from remit.engine.context import DeskContext
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit, Put

_COMPARED: Final = 10_000
_MAX_ADDRESS_LENGTH: Final = 2048
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_REST: Final = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
_REDIRECTS: Final = (
    re.compile(rf"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?{_REST}", re.ASCII),
    re.compile(rf"http://(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{{1,5}})?{_REST}", re.ASCII),
    re.compile(rf"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:{_REST}", re.ASCII),
)


def registered_entry(desk: DeskContext, record: AgentRecord, by: str) -> EntryDraft:
    """Return the entry of a registration, or of a changed one."""
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


async def commit_new_agent(desk: DeskContext, record: AgentRecord, *, by: str) -> None:
    """Store a new agent with its entry; it counts as a sign of risk on its operator.

    Raises:
        Conflict: its id is taken.
    """
    written = await seal_entries(desk, registered_entry(desk, record, by))
    steps = opened_risk_events("agent", agent="", operator=record.operator, at=record.created_at)
    await desk.store.commit(Commit(puts=(Put(record, 0),), steps=steps, entries=written.rows))


def verify_notification(desk: DeskContext, address: str) -> None:
    """⚔ Verify an address that the desk will post to: never one inside its own network.

    Raises:
        Refused: `request.malformed`.
    """
    try:
        desk.callbacks.verify(address)
    except Refused as refused:
        raise malformed_registration(f"notification_uri cannot be used: {refused.detail.rpartition(': ')[2]}") from None
    if len(address) > _MAX_ADDRESS_LENGTH:
        raise malformed_registration("notification_uri is too long")


def verify_redirects(redirect_uris: tuple[str, ...]) -> None:
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
                "a redirect_uri is an https address, an http one on loopback, or an app's such as com.example.app:/done; "
                "no fragment, no user"
            )


def _is_reachable(address: str) -> bool:
    """Return whether the port, where given, is valid."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def verify_names(record: AgentRecord, vocabulary: Vocabulary) -> None:
    """Verify the names of an agent: ids visible, and no name with a message in it.

    Raises:
        Refused: `request.malformed`.
    """
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


async def compared_agents(desk: DeskContext) -> list[AgentRecord]:
    """Return the agents that a new one must not look like, newest first.

    ⚔ A client that let itself in must not keep the agent it looks like from being registered.
    """
    found = await desk.store.find(AgentRecord, "agent.all", "", limit=_COMPARED, newest=True)
    return [kept.record for kept in found if not kept.record.let_itself_in]


async def verify_no_lookalike(desk: DeskContext, record: AgentRecord) -> None:
    """⚔ Verify that no agent of another operator looks like this one: people tell them apart by what they read.

    Source: UTS 39 §4.
    """
    for whose, text in (("the agent's name", record.name), ("the operator", record.operator)):
        if mixes_scripts(decoded_labels(text)):
            raise malformed_registration(f"{whose} mixes letters of several scripts in one word")
    for other in await compared_agents(desk):
        if other.operator == record.operator:
            continue
        for what, one, known in (
            ("operator", record.operator, other.operator),
            ("name", record.name, other.name),
            ("client_id", record.id, other.id),
        ):
            if are_confusable(one, known):
                raise malformed_registration(f"the {what} looks like that of {other.id!r}, which another operator runs")
