"""What people may see of their own: mandates, what waits for them, what was done in their name, their passkeys."""

from collections.abc import Mapping

from remit.domain.records import AskRecord, ConfirmationRecord, MandateRecord, Passkey, Person
from remit.domain.transcript import Section
from remit.domain.values import Json, decode, instant_text
from remit.usecases.parts import Parts
from remit.usecases.recording import open_row

_PAGE = 200


async def mandates(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """The customer's mandates, newest first."""
    found = await parts.store.find(MandateRecord, "mandate.customer", person.id, limit=_PAGE, newest=True)
    now = parts.world.now()
    return [
        {
            "mandate": kept.record.id,
            "state": "expired" if kept.record.state == "active" and now >= kept.record.expires_at else kept.record.state,
            "agent": kept.record.client_id,
            "operator": kept.record.operator,
            "objective": kept.record.objective,
            "version": kept.record.version,
            "granted_at": instant_text(kept.record.granted_at),
            "expires_at": instant_text(kept.record.expires_at),
            "tasks": kept.record.tasks,
            "max_tasks": kept.record.max_tasks,
            "authorization_details": [decode(kept.record.wire.encode())],
        }
        for kept in found
    ]


async def waiting(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """Everything that waits for this person's answer, oldest first."""
    keys = [person.id] if person.kind == "customer" else [f"officer:{role}" for role in person.roles]
    now = parts.world.now()
    rows: list[Mapping[str, Json]] = []
    for key in keys:
        for kept in await parts.store.find(ConfirmationRecord, "confirmation.waiting", key, limit=_PAGE):
            if now >= kept.record.expires_at:
                continue
            ask = (await parts.store.get(AskRecord, kept.record.ask)).record
            shown = decode(kept.record.rendering.encode())
            rows.append(
                {
                    "confirmation": kept.record.id,
                    "ask": ask.id,
                    "action": ask.action,
                    "operator": ask.operator,
                    "rendering": shown,
                    "who": list(kept.record.who),
                    "at": instant_text(kept.record.at),
                    "expires_at": instant_text(kept.record.expires_at),
                    "page": f"/confirm/{kept.record.id}",
                }
            )
    return rows


async def history(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """Everything on the record about this customer, newest first, with the customer's own section."""
    rows: list[Mapping[str, Json]] = []
    for entry in await parts.store.entries(ref=person.id, limit=_PAGE, newest=True):
        opened = await open_row(parts, entry.row)
        envelope = opened.sections[Section.ENVELOPE].body
        mine = opened.sections.get(Section.CUSTOMER)
        rows.append(
            {
                "entry": entry.index,
                "kind": opened.kind.value,
                "at": instant_text(opened.at),
                "envelope": envelope,
                "content": None if mine is None else mine.body,
            }
        )
    return rows


async def passkeys(parts: Parts, person: Person) -> list[Mapping[str, Json]]:
    """The person's passkeys."""
    found = await parts.store.find(Passkey, "passkey.person", person.id, limit=50)
    return [
        {"id": kept.record.id, "label": kept.record.label, "how": kept.record.how, "created_at": instant_text(kept.record.created_at)}
        for kept in found
    ]
