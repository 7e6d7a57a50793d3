"""What every plug on PostgreSQL shares: how it connects, what is said when that breaks, and reading beside an event loop.

No statement stands here; each plug has its own.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from threading import Thread
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import asyncpg

from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")


class Connection(Protocol):
    """What is used of the driver's connection. Rows are its own records: read by place or by name."""

    async def execute(self, statement: str, *values: object) -> str:
        """Run statements (without values: several)."""
        ...

    async def fetch(self, statement: str, *values: object) -> list[Any]:  # records of the statement's own shape
        """All rows."""
        ...

    async def fetchrow(self, statement: str, *values: object) -> Any | None:  # noqa: ANN401  # a record of the statement's own shape
        """The first row."""
        ...

    async def fetchval(self, statement: str, *values: object) -> Any:  # noqa: ANN401  # a value of the statement's own type
        """The first row's first value."""
        ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        """Call back with connection, process, channel and payload whenever something is sent to a channel."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """One transaction over what is done inside."""
        ...

    def is_closed(self) -> bool:
        """Whether nothing more can be asked over it."""
        ...

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109  # the driver's own word
        """Say goodbye."""
        ...

    def terminate(self) -> None:
        """Let go of it at once."""
        ...


BROKEN: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye while nothing was asked, and then something was
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
"""Whatever can go wrong between a plug and the server. A `ValueError` or `DataError` is about a value, and stands for itself."""
GONE: Final = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)
"""What is said of a connection that is not there any more: the server ended it, or the network did."""
VALUE_ERRORS: Final = (
    asyncpg.DataError,
    asyncpg.exceptions.CharacterNotInRepertoireError,
    asyncpg.exceptions.UntranslatableCharacterError,
    asyncpg.exceptions.ProgramLimitExceededError,
    asyncpg.exceptions.DataError,
    ValueError,
    OverflowError,
)
"""What the server or the driver says of one value that cannot be kept."""
_OFF: Final = ("bitmapscan", "hashjoin", "material", "memoize", "mergejoin", "seqscan")
BY_INDEX: Final = "; ".join(
    (
        "set plan_cache_mode to force_generic_plan",
        *(f"set enable_{one} to off" for one in _OFF),
        "set default_transaction_isolation to 'read committed'",
    )
)
"""Every statement of ours looks rows up by their keys; whatever statistics say of a new or grown table, none may be read whole."""
_SCHEMES: Final = ("postgresql://", "postgres://")
_CONNECT_S: Final = 5.0
_DOWN_S: Final = 1.0
"""For so long a server that was not heard of for so long is not tried again."""
_LOCK_MS: Final = 2_000
_IDLE_MS: Final = 10_000
_RIGHTS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidCatalogNameError,
)


class DatabaseIdentity(NamedTuple):
    """Whose database it is: how it is called, the setting that names it, its schema, and the fault when it does not answer."""

    called: str
    setting: str
    schema: str
    fault: Code


STORE: Final = DatabaseIdentity("the store", "store.url", "remit", Code.FAULT_STORE)


def is_postgres_url(url: str) -> bool:
    """Whether a database's address is one of PostgreSQL."""
    return url.startswith(_SCHEMES)


def redacted_url(url: str) -> str:
    """A database's address as it may be shown: without its password."""
    scheme, _, rest = url.partition("://")
    who, at, where = rest.rpartition("@")  # ⚔ a password that nobody quoted may hold any of the other signs
    user = re.match(r"[A-Za-z0-9_.-]*", who)
    shown = re.sub(r"(password=)[^&]*", r"\1…", where)
    return f"{scheme}://{user[0] if user else ''}{at}{shown}"


async def connect(
    url: str, *, name: str, answer_s: float, cached: int = 100, whose: DatabaseIdentity = STORE
) -> Connection:
    """Connect to the primary; a copy of it that can lag is refused by the driver.

    What is committed is on the primary's disk before it is told (`synchronous_commit`); a statement that does not answer within
    `answer_s` is given up, on both sides.

    Raises:
        Refused: `settings.invalid` when the account or the database is not there.
        Fault: `fault.store` (or `whose`) when the server does not answer.
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
        cure = f"Check user, password and database in {whose.setting}, and that the user may use the schema `{whose.schema}`."
        raise Refused(Code.SETTINGS_INVALID, f"{whose.setting} {redacted_url(url)}: {problem}", cure=cure) from None
    except (*BROKEN, ValueError) as problem:
        cure = f"Check that PostgreSQL runs and that {whose.setting} names its primary; then try again."
        raise Fault(
            whose.fault, f"{whose.called} {redacted_url(url)} does not answer: {describe_error(problem)}. {cure}"
        ) from None


class ConnectionGate:
    """Making connections: while a server is not heard of, one tries and all others are told so at once. Whoever waits does not wait for each."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._until = 0.0
        self._trying = 0

    async def connect(self, work: Callable[[], Awaitable[Connection]]) -> Connection:
        """Make one.

        Raises:
            Fault: what `work` does, or did for somebody else a moment ago.
        """
        began = time.monotonic()
        if self._fault is not None and (self._trying or began < self._until):
            raise Fault(self._fault.code, self._fault.detail)
        self._trying += 1
        try:
            made = await work()
        except Fault as fault:
            self._fault, now = fault, time.monotonic()
            if now - began >= _DOWN_S:  # whoever says no at once may be asked again at once
                self._until = now + _DOWN_S
            raise
        finally:
            self._trying -= 1
        self._fault = None
        return made


def describe_error(problem: BaseException) -> str:
    """What happened, in one line and in the server's words."""
    said = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {said}" if said else type(problem).__name__


class BlockingConnection:
    """One connection read from beside every event loop, with SQLite's way of asking: for starts, checks and commands.

    Statements carry `?` for each value and see the views that `prepare` made of one desk's rows. Everything is read at one moment.
    """

    def __init__(self, url: str, *, name: str, answer_s: float, whose: DatabaseIdentity = STORE) -> None:
        """Connect.

        Raises:
            Refused: `settings.invalid` as `connect`.
            Fault: `fault.store` as `connect`.
        """
        self._loop = asyncio.new_event_loop()
        try:
            self.connection: Final = self.run(connect(url, name=name, answer_s=answer_s, whose=whose))
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
        """Rows of one statement."""
        return DriverRows(
            [tuple(row) for row in self.run(self.connection.fetch(number_placeholders(statement), *values))]
        )

    def close(self) -> None:
        """Let go of the connection."""
        try:
            self.connection.terminate()
            self.run(asyncio.sleep(0))
        finally:
            self._loop.close()


class DriverRows:
    """Rows as SQLite gives them."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All that are left."""
        rest = self._rows[self._next :]
        self._next = len(self._rows)
        return rest

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next one."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())


@cache
def number_placeholders(statement: str) -> str:
    """A statement with PostgreSQL's numbered values in the place of question marks."""
    parts = statement.split("?")
    return "".join(part + (f"${place}" if place < len(parts) else "") for place, part in enumerate(parts, 1))


def run_in_thread(work: Callable[[], T]) -> T:
    """Run something that waits on a thread of its own, also where an event loop runs here: a start is asked for from both."""
    told: dict[str, Any] = {}

    def run() -> None:
        try:
            told["result"] = work()
        except BaseException as problem:  # noqa: BLE001  # it is raised again where it was asked for
            told["problem"] = problem

    thread = Thread(target=run, name="remit-open", daemon=True)
    thread.start()
    thread.join()
    if "problem" in told:
        raise told["problem"]
    result: T = told["result"]
    return result
