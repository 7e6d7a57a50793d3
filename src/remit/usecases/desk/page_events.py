"""Waiting for news on a page that stands open: has anything changed since it was made?

What changed is not told here: the page asks for itself again, with the same session and checks.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from remit.domain.confirm.confirmation import current_assignment
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import ConfirmationRecord, PersonRecord, Proposal, TaskRecord
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url

POLL_S: Final = 2.0
"""So often is looked, whatever wakes: waking is a hint only."""
_PAGE: Final = 200


async def page_version(desk: DeskContext, person: PersonRecord) -> str:
    """What tells one state of somebody's page from another: of a customer what is recorded about them, of an officer what waits and which
    cases there are.

    Raises:
        Fault: `fault.store`.
    """
    names: list[str] = [person.id, *person.roles]
    if person.kind == "customer":
        names += [str(one.index) for one in await desk.store.entries(ref=person.id, limit=1, newest=True)]
    else:
        now = desk.world.now()  # what was taken is free again without anything being written
        for role in person.roles:
            word = f"{OFFICER}{role}"
            found = await desk.store.find(ConfirmationRecord, "confirmation.waiting", word, limit=_PAGE)
            names += [
                f"{one.record.id}.{one.rev}.{current_assignment(one.record, word, now) is not None}" for one in found
            ]
        tasks = await desk.store.find(TaskRecord, "task.all", "", limit=_PAGE // 4, newest=True)
        names += [f"{one.record.id}.{one.record.state.value}" for one in tasks]
    return b64url(hashlib.sha256("\n".join(names).encode()).digest()[:12])


async def security_page_version(desk: DeskContext, person: PersonRecord) -> str:
    """What tells one state of the security page from another: anything recorded since, and what waits for a second person.

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
    """What `seen` says now, as soon as it is not `since`, or after `wait_s` seconds at the latest.

    Raises:
        Fault: `fault.store`.
    """
    ends = desk.world.ticks() + wait_s
    while (now := await seen(desk, person)) == since and (left := ends - desk.world.ticks()) > 0:
        began, asked = desk.world.ticks(), min(POLL_S, left)
        await desk.notify.wait(f"person:{person.id}", asked)
        if desk.world.ticks() - began < asked / 2 and await seen(desk, person) == since:
            break  # woken for nothing: the process is about to stop
    return now
