"""Tickets that the helpdesk's events named, until they are read: in memory alone, since an event is only a hint."""

from typing import Final

_MOST: Final = 1_000


class WokenTickets:
    """The tickets to read next. ⚔ However often one is named it is read once, and no flood makes the list longer."""

    def __init__(self) -> None:
        """Start with none."""
        self._tickets: dict[str, None] = {}

    def add(self, ticket: str) -> None:
        """Name a ticket; one too many is left to the next look at its case."""
        if len(self._tickets) < _MOST:
            self._tickets[ticket] = None

    def take(self, most: int) -> tuple[str, ...]:
        """Remove and return the first tickets."""
        taken = tuple(self._tickets)[:most]
        for ticket in taken:
            del self._tickets[ticket]
        return taken
