"""What an ask takes of its counters, what it gives back, and what it has done once it is done."""

from collections.abc import Iterable

from remit.domain.records import AskRecord, Reserved
from remit.ports.store import Reserve


def taken(asked: Iterable[tuple[Reserved, int | None]]) -> tuple[Reserve, ...]:
    """What an ask takes, each with its counter's limit."""
    return tuple(Reserve(one.scope, one.key, one.amount, limit) for one, limit in asked)


def released(record: AskRecord) -> tuple[Reserve, ...]:
    """What an ask holds, given back."""
    return tuple(Reserve(one.scope, one.key, -one.amount, None) for one in record.reserved)


def step_done(record: AskRecord) -> Reserve:
    """The step of its task that an ask was, now done."""
    return Reserve(record.task, f"done:{record.action}", 1, None)
