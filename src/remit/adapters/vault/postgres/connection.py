"""Connections to the content keys, on a thread with its own event loop that the desk's loop cannot block."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from threading import Thread
from typing import Any, Final, TypeVar

from remit.adapters.db.postgres import (
    BROKEN,
    BY_INDEX,
    VALUE_ERRORS,
    Connection,
    ConnectionGate,
    DatabaseIdentity,
    connect,
    describe_error,
)
from remit.adapters.db.postgres_migrate import SchemaStep, apply_schema_steps, verify_durable
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]


class BackgroundLoop:
    """Coroutines on a loop of their own, called from any other loop or from none."""

    def __init__(self, name: str) -> None:
        self._loop: Final = asyncio.new_event_loop()
        self._thread: Final = Thread(target=self._main, name=name, daemon=True)
        self._closed = False
        self._thread.start()

    async def do(self, work: Work[T]) -> T:
        """Run work to its end, even when the caller stops waiting.

        Raises:
            Fault: `fault.store` when it is closed.
        """
        self._verify_open()
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop)))

    def wait(self, work: Work[T]) -> T:
        """Run work and block until it is done: for start and close.

        Raises:
            Fault: `fault.store` when it is closed.
        """
        self._verify_open()
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def close(self) -> None:
        """End the thread. Closing twice changes nothing."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _verify_open(self) -> None:
        if self._closed:
            raise Fault(Code.FAULT_STORE, "the content keys are closed")

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()


KEYS: Final = DatabaseIdentity("the database of the content keys", "keys.content", "remit_keys", Code.FAULT_STORE)
STEPS: Final = (
    SchemaStep(
        1,
        1,
        """
create table key (desk text collate "C" not null, subject bytea not null, id bytea not null, key bytea,
    in_use boolean not null, primary key (desk, subject, id));
create index key_id on key (desk, id);
create unique index key_in_use on key (desk, subject) where in_use;
create table retired (desk text collate "C" not null, id bytea not null, primary key (desk, id));
create table epoch (desk text collate "C" primary key, n bigint not null);
create table node (desk text collate "C" not null, node text collate "C" not null, seen bigint not null,
    beat bigint not null, primary key (desk, node));
""",
    ),
)
SET: Final = f"set search_path to remit_keys; {BY_INDEX}"
_GOODBYE_S: Final = 1.0


class VaultConnection:
    """One connection, made on first use and again after it broke."""

    def __init__(self, url: str, name: str, *, answer_s: float) -> None:
        self._url = url
        self._name = name
        self._answer_s = answer_s
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._reaching = ConnectionGate()

    async def use(self, work: Callable[[Connection], Awaitable[T]], *, again: bool = False) -> T:
        """Run work over it. `again`: it is repeatable, so a lost connection is retried once.

        Raises:
            Refused: `settings.invalid` as `connect`, on first use.
            Fault: `fault.store` when it breaks.
        """
        async with self._turn:
            while True:
                connection = await self._connected()
                try:
                    return await work(connection)
                except VALUE_ERRORS as problem:
                    raise Fault(Code.FAULT_STORE, f"content keys: {describe_error(problem)}") from None
                except BROKEN as problem:
                    self._let_go()
                    if not again:
                        raise Fault(Code.FAULT_STORE, f"content keys: {describe_error(problem)}") from None
                    again = False
                except asyncio.CancelledError:
                    self._let_go()
                    raise

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*BROKEN):
                await connection.close(timeout=_GOODBYE_S)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._reaching.connect(
                lambda: open_keys(self._url, self._name, answer_s=self._answer_s)
            )
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def open_keys(url: str, name: str, *, answer_s: float) -> Connection:
    """Connect to the content keys.

    Raises:
        Refused: `settings.invalid` as `connect`.
        Fault: `fault.store` as `connect`.
    """
    connection = await connect(url, name=name, answer_s=answer_s, database=KEYS)
    try:
        await connection.execute(SET)
    except BROKEN as problem:
        connection.terminate()
        raise Fault(Code.FAULT_STORE, f"content keys: {describe_error(problem)}") from None
    return connection


async def prepare_schema(connection: Connection, desk: str) -> None:
    """Verify the server, and create the schema and the desk's row where missing.

    Raises:
        Refused: `settings.invalid` when the database is unfit, or a newer Remit uses it.
    """
    await verify_durable(connection, KEYS)
    await verify_apart(connection)
    await apply_schema_steps(connection, KEYS, STEPS)
    await connection.execute("insert into remit_keys.epoch values ($1, 0) on conflict (desk) do nothing", desk)


async def verify_apart(connection: Connection) -> None:
    """⚔ Verify that the database holds no store: restoring a copy of it would bring destroyed keys back.

    Raises:
        Refused: `settings.invalid`.
    """
    if await connection.fetchval("select to_regclass('remit.head')") is not None:
        raise Refused(
            Code.SETTINGS_INVALID,
            "keys.content names a database that holds a store: its backups would hold the content keys, and bring "
            "back what was erased",
            cure="Make a database for the content keys alone (`create database remit_keys`), on another server where "
            "you can, and name it.",
        )
