"""How far an agent is trusted."""

from dataclasses import replace
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import AgentRecord, Tier
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Conflict, Missing, Put
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, write

_ORDER: Final = (Tier.UNPROVED, Tier.KNOWN, Tier.TRUSTED)


async def set_tier(parts: Parts, client_id: str, tier: Tier, *, by: str) -> AgentRecord:
    """Change an agent's tier. Raising it is for two people; this only makes the change and records it.

    Raises:
        Refused: `agent.unknown`, `task.busy`.
    """
    try:
        kept = await parts.store.get(AgentRecord, client_id)
    except Missing:
        raise Refused(Code.AGENT_UNKNOWN, f"no agent {client_id!r}") from None
    changed = replace(kept.record, tier=tier)
    written = await write(
        parts,
        draft(
            parts,
            Kind.AGENT_TRUSTED,
            envelope={"agent": client_id, "from": kept.record.tier.value, "to": tier.value},
            desk={"by": by},
            refs=(client_id,),
        ),
    )
    try:
        await parts.store.commit(Commit(puts=(Put(changed, kept.rev, kept.record),), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
    return changed


def raises_trust(old: Tier, new: Tier) -> bool:
    """Whether a change of tier loosens something."""
    return _ORDER.index(new) > _ORDER.index(old)
