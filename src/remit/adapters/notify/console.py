"""Notices kept in memory and logged, whole; for one process. Nothing is sent: mail and webhooks are other plugs."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_LOG = logging.getLogger("remit.incidents")
_NOTICES = logging.getLogger("remit.notices")
_KEPT = 1000
_SAME_S = 60.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as told."""

    person: str
    address: str
    subject: str
    text: str
    page: str


class ConsoleNotify:
    """Tells people through the log, and wakes waiters of this process."""

    def __init__(self) -> None:
        self.told: deque[Notice] = deque(maxlen=_KEPT)
        self.incidents: deque[tuple[str, Mapping[str, str]]] = deque(maxlen=_KEPT)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._recent: dict[tuple[object, ...], tuple[float, int]] = {}

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Keep and log a notice; nothing is sent.

        It is logged whole and as a warning: this line is all there is of it, and somebody of the desk has to pass it on.
        No notice carries a link that lets anybody in.
        """
        self.told.append(Notice(person, address, subject, text, page))
        whom = f"{person} at {address}" if address else person
        _NOTICES.warning(
            "notice for %s (not sent: this desk sends no mail): %s. %s %s",
            whom,
            subject,
            text,
            page,
            extra={"event": "notice.told"},
        )

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Keep and log an incident. The same one within a minute is counted, not kept again.

        ⚔ Whoever can make noise without proving anything must not be able to push real incidents out.
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
        told = dict(details) | ({"repeated": str(count)} if count > 1 else {})
        self.incidents.append((kind, told))
        said = ", ".join(f"{name} {value}" for name, value in told.items())
        _LOG.warning("incident %s: %s", kind, said, extra={"event": "incident.told"})

    def wake(self, topic: str) -> None:
        """Wake all who wait on a topic."""
        for event in self._waiting.get(topic, ()):
            event.set()

    def wake_all(self) -> None:
        """Wake everybody who waits: the process is about to stop."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def wait(self, topic: str, timeout_s: float) -> None:
        """Wait for a topic or the time."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(topic, set())
        waiting.add(event)
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(topic, None)
