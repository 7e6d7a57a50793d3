"""Recording what was refused at people's doors: one entry for ten minutes of it."""

from remit.domain.errors import Fault
from remit.domain.transcript import Kind
from remit.domain.values import JsonObject, instant_text
from remit.ports.store import Commit
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, write


async def record_noise(parts: Parts) -> int:
    """Record what was counted, once its time is over. Returns how many entries there are more.

    ⚔ Codes and numbers alone: whoever makes noise writes no word of it, and no more entries than one in ten minutes for each process. A
    process that ends takes with it what it had not recorded.

    Raises:
        Fault: `fault.store`; it is counted on.

    Source: docs/model/model.md#noise.
    """
    counts, since = parts.noise.due(parts.world)
    if not counts:
        return 0
    told: JsonObject = {"refused": dict(sorted(counts.items())), "since": instant_text(since)}
    try:
        written = await write(parts, draft(parts, Kind.NOISE_COUNTED, envelope=told, desk=told))
        await parts.store.commit(Commit(entries=written.rows))
    except Fault:
        parts.noise.again(counts, since)
        raise
    return 1
