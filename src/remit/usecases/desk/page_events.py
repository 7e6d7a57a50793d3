"""Waiting for news on an open page: has anything changed since it was made?"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from remit.domain.confirm.confirmation import current_assignment
from remit.domain.mentions import Mention
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import ConfirmationRecord, PersonRecord, Proposal, PushedRequest, TaskRecord
from remit.engine.context import DeskContext
from remit.engine.long_poll import read_awaited
from remit.proof.canonical import b64url

POLL_S: Final = 2.0
"""Poll interval, regardless of wake-ups, which are only hints."""
_PAGE: Final = 200
_QUEUE: Final = 500


async def page_version(desk: DeskContext, person: PersonRecord) -> str:
    """Return the version of a person's page: a customer's entries, or an officer's queue and cases.

    Raises:
        Fault: `fault.store`.
    """
    names: list[str] = [person.id, *person.roles]
    if person.kind == "customer":
        names += [str(one.index) for one in await desk.store.entries(ref=person.id, limit=1, newest=True)]
        asked = await desk.store.find(PushedRequest, "request.customer", person.id, limit=_PAGE)
        names += [one.record.id for one in asked]
    else:
        now = desk.world.now()  # a taken confirmation is free again without any write
        for role in person.roles:
            word = f"{OFFICER}{role}"
            found = await desk.store.find(ConfirmationRecord, "confirmation.waiting", word, limit=_QUEUE)
            names += [
                f"{one.record.id}.{one.rev}.{current_assignment(one.record, word, now) is not None}" for one in found
            ]
        mentions = await desk.store.find(Mention, "mention.person", person.id, limit=_PAGE // 4, newest=True)
        names += [one.record.id for one in mentions]
        tasks = await desk.store.find(TaskRecord, "task.all", "", limit=_PAGE // 4, newest=True)
        names += [f"{one.record.id}.{one.record.state.value}" for one in tasks]
    return b64url(hashlib.sha256("\n".join(names).encode()).digest()[:12])


async def security_page_version(desk: DeskContext, person: PersonRecord) -> str:
    """Return the version of the security page: entries and pending proposals.

    Raises:
        Fault: `fault.store`.
    """
    names = [person.id, *(str(one.index) for one in await desk.store.entries(limit=1, newest=True))]
    names += [one.record.id for one in await desk.store.find(Proposal, "proposal.open", "", limit=_PAGE)]
    return b64url(hashlib.sha256("\n".join(names).encode()).digest()[:12])


async def wait_for_news(
    desk: DeskContext,
    person: PersonRecord,
    since: str,
    *,
    wait_s: float,
    seen: Callable[[DeskContext, PersonRecord], Awaitable[str]] = page_version,
) -> str:
    """Return the version from `seen` as soon as it differs from `since`, or after `wait_s` seconds at the latest.

    Raises:
        Fault: `fault.store`.
    """
    return await read_awaited(
        desk,
        f"person:{person.id}",
        lambda: seen(desk, person),
        lambda version: version != since,
        wait_s=wait_s,
        every_s=POLL_S,
    )
