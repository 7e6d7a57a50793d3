"""Connections of one process: bounded per address and in all, so that descriptors are left for the desk's own work.

A connection that waits for its caller gives way to a new one, the longest waiting first; one that is being answered
never does.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from remit.domain.errors import Code, Refused

RESERVED: Final = 256
"""Descriptors kept for the store, the backoffice, log and pages; and of the process itself."""
_LEAST: Final = 64
_RETRY_S: Final = 5


class Connection(Protocol):
    """A caller's connection."""

    def give_way(self) -> None:
        """End at once."""
        ...


@dataclass(slots=True)
class _Room:
    """The connections of one address, or all (""): their number, and those that wait for their caller, oldest first."""

    peer: str
    count: int = 0
    waiting: dict[Connection, None] = field(default_factory=dict)


class ConnectionPool:
    """The connections of one process.

    `peer_of` gives the address counted together; "" for one that is not bounded. `note` counts a connection that is
    refused, or ends for another.
    """

    def __init__(
        self, *, most: int, most_of_peer: int, peer_of: Callable[[str], str], note: Callable[[], None]
    ) -> None:
        self._most = most
        self._most_of_peer = most_of_peer
        self._peer_of = peer_of
        self._all = _Room("")
        self._peers: dict[str, _Room] = {}
        self._known: dict[Connection, tuple[_Room, ...]] = {}
        """The rooms that a connection is counted in: that of all, and of its address where that is bounded."""
        self._note = note

    def enter(self, connection: Connection, address: str) -> None:
        """Count a new connection, which waits for its first request; another one may have to end for it.

        Raises:
            Refused: `request.rate_limited` if all others are being answered.

        Source: docs/model/model.md#before-a-proof.
        """
        peer = self._peer_of(address)
        if peer:
            self._make_room(self._peers.get(peer, _Room(peer)), self._most_of_peer, "of this address")
        self._make_room(self._all, self._most, "in all")
        rooms = (self._all, self._peers.setdefault(peer, _Room(peer))) if peer else (self._all,)
        self._known[connection] = rooms
        for room in rooms:
            room.count += 1
            room.waiting[connection] = None

    def is_alone(self) -> bool:
        """Return whether exactly one connection is being answered."""
        return self._all.count - len(self._all.waiting) == 1

    def is_counted(self, connection: Connection) -> bool:
        """Return whether a connection is counted at an address, and no proxy's."""
        return len(self._known.get(connection, ())) > 1

    def waits(self, connection: Connection) -> None:
        """Note that a connection waits for its caller."""
        for room in self._known.get(connection, ()):
            room.waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """Note that a connection has a whole request to be answered."""
        for room in self._known.get(connection, ()):
            room.waiting.pop(connection, None)

    def leave(self, connection: Connection) -> None:
        """Forget a connection that ended."""
        for room in self._known.pop(connection, ()):
            room.count -= 1
            room.waiting.pop(connection, None)
            if room.peer and not room.count:
                del self._peers[room.peer]

    def fit_descriptors(self, *, backlog: int) -> None:
        """Raise the process's limit of open files as far as needed and allowed; take fewer connections if it is low."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        fitting, self._most = fit_descriptors(self._most, backlog=backlog, soft=soft, hard=hard)
        if fitting != soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (fitting, hard))

    def _make_room(self, room: _Room, most: int, where: str) -> None:
        if room.count < most:
            return
        self._note()
        oldest = next(iter(room.waiting), None)
        if oldest is None:
            public = "Too many connections are open right now."
            raise Refused(
                Code.REQUEST_RATE_LIMITED, f"{most} connections {where}", public=public, retry_after_s=_RETRY_S
            )
        self.leave(oldest)
        oldest.give_way()


def fit_descriptors(most: int, *, backlog: int, soft: int, hard: int) -> tuple[int, int]:
    """Return the limit of open files for so many connections, and how many of them fit in beside the desk's own files."""
    wanted = most + backlog + RESERVED  # connections are accepted before they are counted
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft, most
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return soft, max(_LEAST, min(most, soft - backlog - RESERVED))
