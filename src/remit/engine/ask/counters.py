"""Counter reservations of an ask: taken, released, and turned into completed steps."""

from collections.abc import Iterable
from typing import Final

from remit.domain.records import AskRecord, Reservation
from remit.ports.store import Reserve

COMPARED: Final = "compared "
"""Scope prefix for the values compared with a customer's attributes."""


def reservations_for(asked: Iterable[tuple[Reservation, int | None]]) -> tuple[Reserve, ...]:
    """Return the reservations of an ask, each with its counter's limit."""
    return tuple([Reserve(one.scope, one.key, one.amount, limit) for one, limit in asked])


def reservation_changes(record: AskRecord, asked: Iterable[tuple[Reservation, int | None]]) -> tuple[Reserve, ...]:
    """Return the reservations to release and take when a repeated decision charges other powers.

    ⚔ Charging must follow the powers in use, or those powers would be used beyond their limits.
    """
    reserves = tuple(asked)
    if sorted((one.scope, one.key, one.amount) for one, _ in reserves) == sorted(
        (one.scope, one.key, one.amount) for one in record.reserved
    ):
        return ()
    return (*released_reservations(record), *reservations_for(reserves))


def released_reservations(record: AskRecord) -> tuple[Reserve, ...]:
    """Release the reservations of an ask that never reached the desk."""
    return tuple(Reserve(one.scope, one.key, -one.amount, None) for one in record.reserved)


def undone_reservations(record: AskRecord) -> tuple[Reserve, ...]:
    """Release the reservations of an ask the desk did not carry out.

    ⚔ Not its comparisons: "failed" is an answer too, and would give unlimited guesses.

    Source: docs/model/model.md#guessing.
    """
    return tuple(back for back in released_reservations(record) if not back.scope.startswith(COMPARED))


def step_completion(record: AskRecord) -> Reserve:
    """Return the counter change that marks the ask's step of its task as done."""
    return Reserve(record.task, f"done:{record.action}", 1, None)
