"""Notices kept in memory and logged in full, for one process. Nothing is sent: mail and webhooks are other plugs."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from remit.domain.structs import struct

_LOG = logging.getLogger("remit.incidents")
_NOTICES = logging.getLogger("remit.notices")
_KEPT = 1000
_SAME_S = 60.0


@struct(frozen=True)
class Notice:
    """A notice as logged."""

    person: str
    address: str
    subject: str
    text: str
    page: str


class ConsoleNotify:
    """Notices in the log, and wake-ups within this process."""

    def __init__(self) -> None:
        self.told: deque[Notice] = deque(maxlen=_KEPT)
        self.incidents: deque[tuple[str, Mapping[str, str]]] = deque(maxlen=_KEPT)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._recent: dict[tuple[object, ...], tuple[float, int]] = {}

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Keep and log a notice; nothing is sent.

        It is logged in full and as a warning: the line is its only copy, and the desk has to pass it on. No notice
        carries a link that grants access.
        """
        self.told.append(Notice(person, address, subject, text, page))
        recipient = f"{person} at {address}" if address else person
        line = "notice for %s (not sent: no mail is set up): %s. %s %s"
        _NOTICES.warning(line, recipient, subject, text, page, extra={"event": "notice.told", "page": page})

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Keep and log an incident. Repeats within a minute are counted, not kept again.

        ⚔ Noise that needs no proof must not push real incidents out.
        """
        same = (kind, *sorted(details.items()))
        now = time.monotonic()
        first, count = self._recent.get(same, (now, 0))
        if count and now - first < _SAME_S:
            self._recent[same] = (first, count + 1)
            return
        if len(self._recent) >= _KEPT:
            self._recent.clear()
        self._recent[same] = (now, 1)
        known = dict(details) | ({"repeated": str(count)} if count > 1 else {})
        self.incidents.append((kind, known))
        listed = ", ".join(f"{name} {value}" for name, value in known.items())
        _LOG.warning("incident %s: %s", kind, listed, extra={"event": "incident.told"})

    def wake(self, topic: str) -> None:
        """Wake all waiters of a topic."""
        for event in self._waiting.get(topic, ()):
            event.set()

    def wake_all(self) -> None:
        """Wake all waiters: the process is about to stop."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    @contextmanager
    def subscribe(self, topic: str) -> Iterator["LocalChanges"]:
        """Hear of a topic from now on."""
        changes = LocalChanges()
        waiting = self._waiting.setdefault(topic, set())
        waiting.add(changes.woken)
        try:
            yield changes
        finally:
            waiting.discard(changes.woken)
            if not waiting:
                self._waiting.pop(topic, None)


class LocalChanges:
    """A subscription of this process. `woken` stays set until it is waited for."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up or the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.woken.wait()
        except TimeoutError:
            return False
        self.woken.clear()
        return True
