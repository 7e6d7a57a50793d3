"""People's views of their own data: mandates, history, passkeys; pending ones are in `confirm/queue`."""

import contextlib
from collections.abc import Mapping

from remit.domain.confirm.render_ask import rendering_json
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import Names
from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import restricted_until
from remit.domain.records import AgentRecord, Contest, MandateRecord, PasskeyRecord, PersonRecord, Suspension
from remit.domain.transcript.entry import Section
from remit.domain.values import Json, JsonObject, decode_json, instant_text
from remit.engine.agents.authenticate import is_suspended
from remit.engine.ask.authorization_state import mandate_of
from remit.engine.context import DeskContext
from remit.engine.desk import mandate_record_names, names_if_reachable
from remit.engine.people.passkey import passkey_facts
from remit.engine.transcript.record import open_entry
from remit.ports.store import RecordMissing
from remit.usecases.mandates.state import mandate_state

_PAGE = 200


async def list_mandates(desk: DeskContext, person: PersonRecord) -> list[Mapping[str, Json]]:
    """List the customer's mandates, newest first."""
    found = await desk.store.find(MandateRecord, "mandate.customer", person.id, limit=_PAGE, newest=True)
    return [{**await _mandate_row(desk, kept.record), "paused": person.paused} for kept in found]


async def _mandate_row(desk: DeskContext, record: MandateRecord) -> Mapping[str, Json]:
    try:
        known = (await desk.store.get(AgentRecord, record.client_id)).record
        agent, stopped = known.name, bool(known.suspended)
    except RecordMissing:
        agent, stopped = record.client_id, False
    for name in (f"customer:{record.customer}", f"operator:{record.operator}", f"objective:{record.objective}"):
        stopped = stopped or await is_suspended(desk, name)
    return {
        "mandate": record.id,
        "state": (await mandate_state(desk, record)).value,
        "stopped": stopped,
        "agent": record.client_id,
        "agent_name": agent,
        "operator": record.operator,
        "objective": record.objective,
        "version": record.version,
        "granted_at": instant_text(record.granted_at),
        "expires_at": instant_text(record.expires_at),
        "tasks": record.tasks,
        "max_tasks": record.max_tasks,
        "authorization_details": [decode_json(record.wire.encode())],
    }


async def suspended_since(desk: DeskContext, person: PersonRecord) -> str:
    """Return since when the desk suspends this customer; "" if it does not."""
    try:
        stop = (await desk.store.get(Suspension, f"customer:{person.id}")).record
    except RecordMissing:
        return ""
    return instant_text(stop.at) if stop.active else ""


async def get_mandate(desk: DeskContext, person: PersonRecord, mandate_id: str) -> tuple[Mapping[str, Json], Names]:
    """Return one of the customer's own mandates, rendered in plain words, and its records' names.

    Raises:
        Refused: `mandate.unknown`, also for a foreign one.
    """
    try:
        record = (await desk.store.get(MandateRecord, mandate_id)).record
    except RecordMissing:
        raise Refused(Code.MANDATE_UNKNOWN, "no such mandate") from None
    if record.customer != person.id:
        raise Refused(Code.MANDATE_UNKNOWN, "another customer's mandate")
    row = {**await _mandate_row(desk, record), "paused": person.paused}
    names: Names = {}
    rendering: JsonObject = {"lines": []}
    with contextlib.suppress(Refused):
        mandate = mandate_of(desk.catalogue, record)
        names = await names_if_reachable(mandate_record_names(desk, record.customer, mandate))
        rendering = rendering_json(
            render_mandate(mandate, desk.catalogue, names, agent=str(row["agent_name"]), operator=record.operator)
        )
    return {**row, "wire": decode_json(record.wire.encode()), "rendering": rendering}, names


async def list_contests(desk: DeskContext, person: PersonRecord) -> list[Mapping[str, Json]]:
    """List the customer's contests, newest first."""
    found = await desk.store.find(Contest, "contest.customer", person.id, limit=_PAGE, newest=True)
    return [
        {
            "contest": one.record.id,
            "entry": one.record.entry,
            "text": one.record.text,
            "at": instant_text(one.record.at),
            "open": one.record.open,
        }
        for one in found
    ]


async def disowned_since(desk: DeskContext, person: PersonRecord, client_id: str) -> str:
    """Return since when this customer disowns the agent without an answer of the desk; "" if they do not."""
    found = await desk.store.find(Contest, "contest.customer", person.id, limit=_PAGE, newest=True)
    return next((instant_text(one.record.at) for one in found if one.record.open and one.record.agent == client_id), "")


async def granted_before(desk: DeskContext, person: PersonRecord, client_id: str) -> tuple[int, str]:
    """Return how often the customer granted this agent a mandate, and when last ("" for never)."""
    found = await desk.store.find(MandateRecord, "mandate.customer", person.id, limit=_PAGE, newest=True)
    own = [kept.record.granted_at for kept in found if kept.record.client_id == client_id and not kept.record.parent]
    return len(own), instant_text(own[0]) if own else ""


async def customer_history(
    desk: DeskContext,
    person: PersonRecord,
    *,
    low: int | None = None,
    before: int | None = None,
    limit: int = _PAGE,
) -> list[Mapping[str, Json]]:
    """List entries about this customer with their own section.

    Newest first, also before entry `before`; or a page from entry `low` on, oldest first.
    """
    rows: list[Mapping[str, Json]] = []
    found = await desk.store.entries(ref=person.id, low=low or 0, before=before, limit=limit, newest=low is None)
    for entry in found:
        opened = await open_entry(desk, entry.row, about=person.id)
        envelope = opened.sections[Section.ENVELOPE].body
        mine = opened.sections.get(Section.CUSTOMER)
        rows.append(
            {
                "entry": entry.index,
                "kind": opened.kind.value,
                "at": instant_text(opened.at),
                "envelope": envelope,
                "content": None if mine is None else mine.body,
                "erased": mine is None,
            }
        )
    return rows


async def list_passkeys(desk: DeskContext, person: PersonRecord) -> list[Mapping[str, Json]]:
    """List the person's passkeys, with the end of each one's waiting time for acts above routine."""
    now = desk.world.now()
    found = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=50)
    return [
        {
            "id": kept.record.id,
            "label": kept.record.label,
            "how": kept.record.how,
            "created_at": instant_text(kept.record.created_at),
            "waits_until": None if wait is None else instant_text(wait),
        }
        for kept in found
        for wait in (restricted_until(passkey_facts(kept.record, person), now),)
    ]
