"""How far an agent is trusted."""

from dataclasses import replace
from typing import Final

from remit.domain.records import AgentRecord, Tier
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Put
from remit.usecases.keep import keep
from remit.usecases.parts import Parts
from remit.usecases.prove_client import agent_of
from remit.usecases.recording import draft, write

_ORDER: Final = (Tier.UNPROVED, Tier.KNOWN, Tier.TRUSTED)


async def set_tier(parts: Parts, client_id: str, tier: Tier, *, by: str) -> AgentRecord:
    """Change an agent's tier. Raising it is for two people; this only makes the change and records it.

    Raises:
        Refused: `agent.unknown`, `task.busy`.
    """
    kept = await agent_of(parts, client_id)
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
    await keep(parts, Commit(puts=(Put(changed, kept.rev, kept.record),), entries=written.rows))
    return changed


def raises_trust(old: Tier, new: Tier) -> bool:
    """Whether a change of tier loosens something."""
    return _ORDER.index(new) > _ORDER.index(old)
