"""Clients that prove no key: the visitors.

Source: docs/model/visitors.md#identity.
"""

from remit.domain.errors import Code, Refused
from remit.domain.records import AgentRecord
from remit.engine.agents.authenticate import verify_not_suspended
from remit.engine.agents.client_documents import known_client, verify_newcomer
from remit.engine.context import DeskContext
from remit.ports.identity import PUBLIC_CLIENT, DocumentLane
from remit.ports.store import Versioned


async def public_client(desk: DeskContext, client_id: str, *, newcomers: bool = False) -> Versioned[AgentRecord]:
    """Return a client that may come as a visitor: it proves no key, and is not suspended.

    `newcomers`: a signed-in customer looks at it, so one that the desk never met comes as `known_client` says.

    Raises:
        Refused: `agent.unknown`, `agent.suspended`, `agent.untrusted` where the desk lets no visitors in.
        Fault: `fault.identity` while its document cannot be read.
    """
    if desk.visitors is None:
        public = "Agents without a key of their own are not admitted here."
        raise Refused(Code.AGENT_UNTRUSTED, "no visitors", public=public)
    kept = await known_client(desk, client_id, newcomers=DocumentLane.CUSTOMER if newcomers else None)
    if kept is None or kept.record.method != PUBLIC_CLIENT:
        public = "There is no public client with this name. A client with a key must prove its key."
        raise Refused(Code.AGENT_UNKNOWN, "no public client", public=public)
    await verify_not_suspended(desk, kept.record)
    if not kept.rev:
        await verify_newcomer(desk, kept.record)
    return kept
