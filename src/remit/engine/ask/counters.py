"""What an ask takes of its counters, what it gives back, and what it has done once it is done."""

from collections.abc import Iterable
from typing import Final

from remit.domain.records import AskRecord, Reservation
from remit.ports.store import Reserve

COMPARED: Final = "compared "
"""Before the scope of what a customer's attributes were compared with."""


def reservations_for(asked: Iterable[tuple[Reservation, int | None]]) -> tuple[Reserve, ...]:
    """What an ask takes, each with its counter's limit."""
    return tuple([Reserve(one.scope, one.key, one.amount, limit) for one, limit in asked])


def reservation_changes(record: AskRecord, asked: Iterable[tuple[Reservation, int | None]]) -> tuple[Reserve, ...]:
    """What an ask that is decided again on other powers gives back and takes; nothing where they are the same.

    ⚔ It must be charged to the power it is done under, or that power would be used more often than it says.
    """
    wanted = tuple(asked)
    if sorted((one.scope, one.key, one.amount) for one, _ in wanted) == sorted(
        (one.scope, one.key, one.amount) for one in record.reserved
    ):
        return ()
    return (*released_reservations(record), *reservations_for(wanted))


def released_reservations(record: AskRecord) -> tuple[Reserve, ...]:
    """What an ask holds that never reached the desk, given back."""
    return tuple(Reserve(one.scope, one.key, -one.amount, None) for one in record.reserved)


def undone_reservations(record: AskRecord) -> tuple[Reserve, ...]:
    """What an ask holds that the desk did not do, given back.

    ⚔ Not what it may have compared: "failed" is an answer too, and whoever guesses would have tries without end.

    Source: docs/model/model.md#guessing.
    """
    return tuple(back for back in released_reservations(record) if not back.scope.startswith(COMPARED))


def step_completion(record: AskRecord) -> Reserve:
    """The step of its task that an ask was, now done."""
    return Reserve(record.task, f"done:{record.action}", 1, None)
