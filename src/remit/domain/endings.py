"""What ends a task besides its own record: counters that are written with whatever ends it, and read with every ask.

Ending it on the record is for the use cases.
"""

from collections.abc import Collection, Mapping
from typing import Final

from remit.domain.records import EndReason
from remit.domain.values import Instant

ENDED_BY_NO: Final = "ended by no"
"""Counts, among what a task has done, the answers that said no to all of it."""
_ENDED: Final = "ended at "


def ended_at(now: Instant, reason: EndReason) -> str:
    """The counter's name that says, among those of a mandate, that a task under it ended."""
    return f"{_ENDED}{now} {reason.value}"


def ended_by_others(counters: Mapping[tuple[str, str], int], *, task: str, above: Collection[str], opened_at: Instant) -> EndReason | None:
    """Why a task is over though its own record does not say so yet, if it is.

    A person said no to all of it, or a task of a mandate above (`above`) has ended since this one was opened. ⚔ Its branches are
    ended one by one after that: what is under way meanwhile, or was left over by a fault, is dead all the same.

    Source: docs/model/model.md#task-end.
    """
    if counters.get((task, ENDED_BY_NO)):
        return EndReason.CUSTOMER_DECLINED
    for scope, key in counters if above else ():
        if scope in above and key.startswith(_ENDED):
            at, _, reason = key.removeprefix(_ENDED).partition(" ")
            if int(at) >= opened_at:
                return EndReason(reason)
    return None
