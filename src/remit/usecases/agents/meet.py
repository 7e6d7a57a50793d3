"""First contact with an agent that signs by Web Bot Auth: its key is an identity, and no trust.

Source: docs/model/standards.md#message-signatures.
"""

from typing import Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.message_signatures import WEB_BOT_AUTH_TAG, SignedMessage, authority, the_signature
from remit.domain.identity.signature_agent import signature_agent
from remit.domain.records import AgentRecord, Tier
from remit.engine.agents.authenticate import Caller, ClientEvidence, get_agent, prove_caller
from remit.engine.agents.registration import registration_of
from remit.engine.context import DeskContext
from remit.ports.identity import ClientMethod
from remit.ports.store import RecordMissing
from remit.usecases.agents.register import NewAgent, read_description, store_agent

_BY: Final = "web-bot-auth"


async def prove_or_meet(desk: DeskContext, evidence: ClientEvidence, *, redirect_uri: str) -> Caller:
    """Authenticate a caller that wants to ask for a mandate; a stranger is registered at the lowest tier.

    Raises:
        Refused: as `prove_caller`; `request.rate_limited`, and `agent.unknown` for a directory that does not do.
        Fault: `fault.identity`, `fault.store`.
    """
    message = evidence.message
    if desk.terms.strangers and message is not None and message.signed and not evidence.assertion:
        signature = the_signature(message)
        if signature.tag == WEB_BOT_AUTH_TAG:
            origin = signature_agent(message, signature, allow_loopback=desk.terms.loopback)
            if evidence.claimed_id in {"", origin} and not await _is_known(desk, origin):
                await _meet(desk, origin, message, redirect_uri)
                evidence = ClientEvidence(claimed_id=origin, message=message)
    return await prove_caller(desk, evidence)


async def _is_known(desk: DeskContext, origin: str) -> bool:
    try:
        await desk.store.get(AgentRecord, origin)
    except RecordMissing:
        return False
    return True


async def _meet(desk: DeskContext, origin: str, message: SignedMessage, redirect_uri: str) -> None:
    """Register a stranger whose request is signed by a key of its own directory.

    ⚔ It is called by its host and by nothing that it says of itself, and a consent returns to its own origin alone. The
    answer never says why a directory cannot be read: it would tell a stranger about addresses that only we can reach.
    """
    desk.introductions.take(desk.world.ticks())
    if not redirect_uri.startswith(f"{origin}/"):
        public = f"The redirect_uri of an unregistered agent must begin with {origin}/."
        raise Refused(Code.REQUEST_MALFORMED, "redirect_uri outside the agent's origin", public=public)
    host = authority(origin)
    new = NewAgent(
        client_id=origin,
        actor=origin,
        operator=urlsplit(origin).hostname or host,
        name=host,
        tier=Tier.UNPROVED,
        method=ClientMethod.WEB_BOT_AUTH.value,
        keys={"directory": origin},
        redirect_uris=(redirect_uri,),
    )
    try:
        record = await read_description(desk, new)
        await desk.clients.verify_message(
            message=message, registration=registration_of(record), now=desk.world.now(), expected_jkt=None
        )
    except Fault as unreadable:
        public = "This agent is not registered, and the key directory at its Signature-Agent could not be used."
        raise Refused(Code.AGENT_UNKNOWN, f"stranger: {unreadable.detail}", public=public) from None
    try:
        await store_agent(desk, record, by=_BY)
    except Refused as taken:
        if taken.code is not Code.REQUEST_CONFLICT:
            raise
        await get_agent(desk, origin)  # met at the same moment by another request
