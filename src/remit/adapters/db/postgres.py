"""Shared PostgreSQL access: connections, error classes, blocking reads. Each plug has its own statements."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from threading import Thread
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import asyncpg

from remit.adapters.db.postgres_url import redacted_url
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")


class Connection(Protocol):
    """The part of the driver's connection that is used. Rows are its own records: read by place or by name."""

    async def execute(self, statement: str, *values: object) -> str:
        """Run a statement, or several without values."""
        ...

    async def fetch(self, statement: str, *values: object) -> list[Any]:  # records of the statement's own shape
        """Return all rows."""
        ...

    async def fetchrow(self, statement: str, *values: object) -> Any | None:  # noqa: ANN401  # a record of the statement's own shape
        """Return the first row."""
        ...

    async def fetchval(self, statement: str, *values: object) -> Any:  # noqa: ANN401  # a value of the statement's own type
        """Return the first row's first value."""
        ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        """Call back with connection, process, channel and payload of each notification."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Open a transaction."""
        ...

    def is_closed(self) -> bool:
        """Whether the connection is closed."""
        ...

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109  # the driver's own word
        """Close in good order."""
        ...

    def terminate(self) -> None:
        """Drop the connection at once."""
        ...


BROKEN: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server closed an idle connection that was then used
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
"""Errors between a plug and the server. A `ValueError` or `DataError` is about a value and not among them."""
GONE: Final = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)
"""Errors of a connection that the server or the network ended."""
VALUE_ERRORS: Final = (
    asyncpg.DataError,
    asyncpg.exceptions.CharacterNotInRepertoireError,
    asyncpg.exceptions.UntranslatableCharacterError,
    asyncpg.exceptions.ProgramLimitExceededError,
    asyncpg.exceptions.DataError,
    ValueError,
    OverflowError,
)
"""Errors about one value that cannot be stored."""
_OFF: Final = ("bitmapscan", "hashjoin", "material", "memoize", "mergejoin", "seqscan")
BY_INDEX: Final = "; ".join(
    (
        "set plan_cache_mode to force_generic_plan",
        *(f"set enable_{method} to off" for method in _OFF),
        "set default_transaction_isolation to 'read committed'",
    )
)
"""All our statements look rows up by key: whatever the statistics of a table, none may be scanned."""
_CONNECT_S: Final = 5.0
_DOWN_S: Final = 1.0
"""Seconds of silence after which a server counts as down, and seconds until it is tried again."""
_LOCK_MS: Final = 2_000
_IDLE_MS: Final = 10_000
_RIGHTS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidCatalogNameError,
)


class DatabaseIdentity(NamedTuple):
    """A database of ours: name for messages, setting, schema, and fault when it does not answer."""

    called: str
    setting: str
    schema: str
    fault: Code


STORE: Final = DatabaseIdentity("the store", "store.url", "remit", Code.FAULT_STORE)


async def connect(
    url: str, *, name: str, answer_s: float, cached: int = 100, database: DatabaseIdentity = STORE
) -> Connection:
    """Connect to the primary; the driver refuses a lagging replica.

    Commits are on the primary's disk before they return (`synchronous_commit`); a statement without an answer within
    `answer_s` is cancelled on both sides.

    Raises:
        Refused: `settings.invalid` when the account or the database does not exist.
        Fault: `fault.store` (or `database`) when the server does not answer.
    """
    try:
        connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_S,
            command_timeout=answer_s,
            statement_cache_size=cached,
            target_session_attrs="read-write",
            server_settings={
                "application_name": name,
                "synchronous_commit": "on",
                "statement_timeout": str(round(answer_s * 1000)),
                "lock_timeout": str(_LOCK_MS),
                "idle_in_transaction_session_timeout": str(_IDLE_MS),
                "jit": "off",
            },
        )
        return cast("Connection", connection)
    except _RIGHTS as problem:
        cure = (
            f"Check user, password and database in {database.setting}, and that the user may use the schema "
            f"`{database.schema}`."
        )
        raise Refused(Code.SETTINGS_INVALID, f"{database.setting} {redacted_url(url)}: {problem}", cure=cure) from None
    except (*BROKEN, ValueError) as problem:
        cure = f"Check that PostgreSQL runs and that {database.setting} names its primary; then try again."
        raise Fault(
            database.fault, f"{database.called} {redacted_url(url)} does not answer: {describe_error(problem)}. {cure}"
        ) from None


class ConnectionGate:
    """Gate before new connections: while a server is down, one caller tries and all others fail at once."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._until = 0.0
        self._trying = 0

    async def connect(self, work: Callable[[], Awaitable[Connection]]) -> Connection:
        """Connect.

        Raises:
            Fault: as `work`, or its fault of a moment ago.
        """
        began = time.monotonic()
        if self._fault is not None and (self._trying or began < self._until):
            raise Fault(self._fault.code, self._fault.detail)
        self._trying += 1
        try:
            made = await work()
        except Fault as fault:
            self._fault, now = fault, time.monotonic()
            if now - began >= _DOWN_S:  # a server that refuses at once may be tried again at once
                self._until = now + _DOWN_S
            raise
        finally:
            self._trying -= 1
        self._fault = None
        return made


def describe_error(problem: BaseException) -> str:
    """Describe an error in one line, in the server's words."""
    text = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


class BlockingConnection:
    """One connection for code without an event loop, with SQLite's interface: for starts, checks and commands.

    Statements carry `?` for each value and see one desk's rows through views (`scope_to_desk`), at one moment.
    """

    def __init__(self, url: str, *, name: str, answer_s: float, database: DatabaseIdentity = STORE) -> None:
        """Connect.

        Raises:
            Refused: `settings.invalid` as `connect`.
            Fault: `fault.store` as `connect`.
        """
        self._loop = asyncio.new_event_loop()
        try:
            self.connection: Final = self.run(connect(url, name=name, answer_s=answer_s, database=database))
            """For `run`."""
        except BaseException:
            self._loop.close()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine over this connection to its end."""
        return self._loop.run_until_complete(work)

    def script(self, statements: str) -> None:
        """Run statements without values."""
        self.run(self.connection.execute(statements))

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "DriverRows":
        """Run one statement."""
        rows = self.run(self.connection.fetch(number_placeholders(statement), *values))
        return DriverRows([tuple(row) for row in rows])

    def close(self) -> None:
        """Drop the connection."""
        try:
            self.connection.terminate()
            self.run(asyncio.sleep(0))
        finally:
            self._loop.close()


class DriverRows:
    """Rows with SQLite's interface."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int = -1) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, None at the end."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the remaining rows."""
        return list(self._rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows


@cache
def number_placeholders(statement: str) -> str:
    """Replace question marks by PostgreSQL's numbered placeholders."""
    parts = statement.split("?")
    return "".join(part + (f"${place}" if place < len(parts) else "") for place, part in enumerate(parts, 1))


def run_in_thread(work: Callable[[], T]) -> T:
    """Run blocking work on a thread of its own, so that it works with and without a running event loop."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["result"] = work()
        except BaseException as problem:  # noqa: BLE001  # raised again in the caller
            outcome["problem"] = problem

    thread = Thread(target=run, name="remit-open", daemon=True)
    thread.start()
    thread.join()
    if "problem" in outcome:
        raise outcome["problem"]
    result: T = outcome["result"]
    return result
