"""Wake-ups on other nodes by LISTEN and NOTIFY. A hint only: a lost one is read a little later, never missed.

Notices are left to the local plug.
"""

import asyncio
import contextlib
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from remit.adapters.db.postgres import BROKEN, Connection, connect
from remit.domain.errors import Fault, Refused
from remit.ports.notify import Changes, Notify

_ANSWER_S: Final = 5.0
_AGAIN_S: Final = 2.0
_BLIND_S: Final = 1.0
"""Longest wait, in seconds, while other nodes cannot be heard."""
_LIMIT: Final = 10_000
"""Most wake-ups queued for sending: a waiter that misses one reads again."""


class LocalNotify(Notify, Protocol):
    """Notices and wake-ups of this process."""

    def wake_all(self) -> None:
        """Wake all waiters here."""
        ...


class PostgresNotify:
    """Wake-ups here at once, and on the desk's other nodes through the store's server."""

    def __init__(self, local: LocalNotify, url: str, desk: str) -> None:
        self._local = local
        self._url = url
        self._channel = f"remit_{zlib.crc32(desk.encode()):08x}"
        self._waiting: set[str] = set()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._hears = False
        self._closed = False

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Send one person a notice."""
        await self._local.tell(person=person, address=address, subject=subject, text=text, page=page)

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Report to the desk's security engineers."""
        await self._local.incident(kind=kind, details=details)

    def wake(self, topic: str) -> None:
        """Wake all waiters of a topic, on every node."""
        self._local.wake(topic)
        if not self._closed and len(self._waiting) < _LIMIT:
            self._waiting.add(topic)
            self._more.set()
            self._begin()

    def wake_all(self) -> None:
        """Wake all waiters here: the process is about to stop."""
        self._local.wake_all()

    @contextlib.contextmanager
    def subscribe(self, topic: str) -> Iterator["PostgresChanges"]:
        """Hear of a topic from now on; waits are short until other nodes can be heard."""
        self._begin()
        with self._local.subscribe(topic) as changes:
            yield PostgresChanges(self, changes)

    @property
    def hears(self) -> bool:
        """Return whether other nodes are heard."""
        return self._hears

    async def stop(self) -> None:
        """Stop listening and sending."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _begin(self) -> None:
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Listen and send, reconnecting as needed."""
        while True:
            with contextlib.suppress(Fault, Refused, *BROKEN):
                connection = await connect(self._url, name="remit wake", answer_s=_ANSWER_S)
                try:
                    await self._listen(connection)
                finally:
                    self._hears = False
                    self._local.wake_all()  # what others said meanwhile is lost: everyone reads again
                    connection.terminate()
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self, connection: Connection) -> None:
        await connection.add_listener(self._channel, lambda *heard: self._local.wake(str(heard[-1])))
        self._hears = True
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await self._more.wait()
            self._more.clear()
            topics, self._waiting = list(self._waiting), set()
            if topics:
                await connection.execute(
                    "select pg_notify($1, topic) from unnest($2::text[]) as t(topic)", self._channel, topics
                )
            else:
                await connection.execute("select 1")  # notices a connection that died silently


class PostgresChanges:
    """A subscription to what all nodes say.

    ⚔ A wait is long only if other nodes were heard already before the caller read: what they said between its read and
    the start of listening would otherwise be missed.
    """

    def __init__(self, notify: PostgresNotify, local: Changes) -> None:
        self._notify = notify
        self._local = local
        self._heard = notify.hears

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up or the time."""
        woken = await self._local.wait(timeout_s if self._heard else min(timeout_s, _BLIND_S))
        self._heard = self._notify.hears
        return woken
