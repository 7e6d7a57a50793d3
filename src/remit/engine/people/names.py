"""Names of people and agents, as the desk's own pages show them."""

from remit.domain.records import AgentRecord, PersonRecord
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing


async def name_of(desk: DeskContext, kind: type[AgentRecord | PersonRecord], record_id: str) -> str:
    """Return the name of an agent or a person; the id where there is none.

    Raises:
        Fault: `fault.store`.
    """
    try:
        return (await desk.store.get(kind, record_id)).record.name or record_id
    except RecordMissing:
        return record_id
