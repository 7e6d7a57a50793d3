"""The lowest tier of agents: those met by a key that they publish themselves, which is an identity and no trust."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import AgentRecord

_OPENS: Final = "case.open"


def verify_stranger_may(agent: AgentRecord, action: str) -> None:
    """Verify that a stranger opens its case and does nothing else; any other agent may go on.

    ⚔ Any party can publish a key: what a customer granted counts once people have raised the agent's tier.

    Raises:
        Refused: `agent.untrusted`.

    Source: docs/model/standards.md#strangers.
    """
    if agent.stranger and action != _OPENS:
        public = "Until the company has reviewed this agent, it can open a case and nothing else."
        raise Refused(Code.AGENT_UNTRUSTED, "met by its signature alone", public=public)
