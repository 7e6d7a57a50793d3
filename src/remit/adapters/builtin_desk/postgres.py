"""The built-in desk's PostgreSQL database, for many processes: one of them writes at a time, as on a file.

A lost connection is replaced when the next transaction begins. docs/decisions/0021-built-in-desk-many-nodes.md
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Final, TypeVar

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs, TransactionLost
from remit.adapters.db.postgres import (
    BROKEN,
    BY_INDEX,
    BlockingConnection,
    DatabaseIdentity,
    DriverRows,
    describe_error,
    redacted_url,
    run_in_thread,
)
from remit.adapters.db.postgres_migrate import SchemaStep, apply_schema_steps, schema_exists, verify_durable
from remit.domain.errors import Code, Fault, Refused

TABLES: Final = frozenset(
    {
        *("act", "customer", "ledger", "notice", "offer_used", "record", "record_owner"),
        *("case_file", "case_note", "case_write", "desk_case", "fenced_write", "native_reply"),
    }
)
_WITHOUT: Final = frozenset({"savepoint job", "rollback to job", "release job"})
_NAMED: Final = re.compile(r"\b(?:from|join|into|update) (\w+)")
_INSERT: Final = re.compile(r"insert (or ignore )?into (\w+) (?:\(([^)]+)\) )?(values \(|select )")
_UPDATE: Final = re.compile(r"update (\w+) set (.+) where ")
_JOINED: Final = re.compile(r"from (\w+) (\w) join (\w+) (\w) on ")
_LEFT: Final = re.compile(r"left join (\w+) (\w) on ")
_WHERE: Final = re.compile(r"from (\w+) where ")
_WHOLE: Final = re.compile(r"from (\w+) order by ")
_VALUE: Final = re.compile(r"\?(\d*)")


@cache
def for_desk(statement: str) -> str:
    """Rewrite a statement for one desk, which becomes its first value.

    Raises:
        ValueError: it names a table in an unknown way.
    """
    if statement in _WITHOUT:
        return statement
    named = _NAMED.findall(statement)
    if not named or not TABLES.issuperset(named):
        raise ValueError(f"not a statement over the desk's tables: {statement}")
    text, found = _insert(_numbered(" ".join(statement.split())))
    for pattern, put, tables in (
        (_UPDATE, r"update \1 set \2 where desk = $1 and ", 1),
        (_JOINED, r"from \1 \2 join \3 \4 on \2.desk = $1 and \4.desk = $1 and ", 2),
        (_LEFT, r"left join \1 \2 on \2.desk = $1 and ", 1),
        (_WHERE, r"from \1 where \1.desk = $1 and ", 1),
        (_WHOLE, r"from \1 where \1.desk = $1 order by ", 1),
    ):
        text, times = pattern.subn(put, text)
        found += times * tables
    if found != len(named):
        raise ValueError(f"not every table of it is of one desk: {statement}")
    return text


def _insert(statement: str) -> tuple[str, int]:
    """Add the desk as first column of an insertion, and translate `or ignore`."""
    ignoring = False

    def put(match: re.Match[str]) -> str:
        nonlocal ignoring
        ignoring = match[1] is not None
        columns = f"(desk, {match[3]}) " if match[3] else ""
        return f"insert into {match[2]} {columns}{match[4]}$1, "

    text, times = _INSERT.subn(put, statement)
    return (f"{text} on conflict do nothing" if ignoring else text), times


def _numbered(statement: str) -> str:
    """Number its values from two on, as SQLite counts them: one without a number follows the highest before it."""
    highest = 0

    def put(match: re.Match[str]) -> str:
        nonlocal highest
        number = int(match[1]) if match[1] else highest + 1
        highest = max(highest, number)
        return f"${number + 1}"

    return _VALUE.sub(put, statement)


T = TypeVar("T")
DESK: Final = DatabaseIdentity("the desk's database", "desk.database", "remit_desk", Code.FAULT_BACKOFFICE)
STEPS: Final = (
    SchemaStep(
        1,
        1,
        """
create table turn (desk text collate "C" primary key);
create table customer (desk text collate "C" not null, id text collate "C" not null, name text not null,
    attributes text not null,
    primary key (desk, id));
create table record (desk text collate "C" not null, kind text collate "C" not null, id text collate "C" not null,
    name text not null,
    data text not null, version bigint not null default 1, primary key (desk, kind, id));
create table record_owner (desk text collate "C" not null, kind text collate "C" not null, id text collate "C" not null,
    customer text collate "C" not null, primary key (desk, kind, id, customer));
create index record_owner_customer on record_owner (desk, customer, kind, id);
create table act (desk text collate "C" not null, key text collate "C" not null, state text not null,
    result text not null, reason text not null, action text not null, customer text not null, desk_case text not null,
    decision text not null, confirmed_by text not null, at bigint not null, primary key (desk, key));
create table ledger (desk text collate "C" not null, n bigint generated always as identity, act text not null,
    customer text not null, kind text collate "C" not null, id text collate "C" not null,
    method text collate "C" not null, entry text not null, minor bigint not null, currency text collate "C" not null,
    at bigint not null, primary key (desk, n));
create index ledger_record on ledger (desk, kind, id);
create table notice (desk text collate "C" not null, n bigint generated always as identity, act text not null,
    customer text collate "C" not null, recipient text not null, text text not null, at bigint not null,
    primary key (desk, n));
create table offer_used (desk text collate "C" not null, offer text collate "C" not null, act text not null,
    primary key (desk, offer));
create table desk_case (desk text collate "C" not null, id text collate "C" not null, key text not null,
    open integer not null, requester text not null, subject text not null, assignee text not null default '',
    merged_into text not null default '', reopened integer not null default 0, reassigned integer not null default 0,
    opened_at bigint not null, primary key (desk, id));
create table case_note (desk text collate "C" not null, desk_case text collate "C" not null, n integer not null,
    at bigint not null, author text not null, public integer not null, native integer not null, text text not null,
    primary key (desk, desk_case, n),
    foreign key (desk, desk_case) references desk_case (desk, id));
create table case_write (desk text collate "C" not null, key text collate "C" not null, desk_case text not null,
    primary key (desk, key));
create table native_reply (desk text collate "C" not null, place bigint generated always as identity,
    desk_case text collate "C" not null, n integer not null, primary key (desk, place));
create table fenced_write (desk text collate "C" not null, key text collate "C" not null, primary key (desk, key));
""",
    ),
    SchemaStep(
        2,
        1,
        """
create table case_file (desk text collate "C" not null, desk_case text collate "C" not null, n integer not null,
    at bigint not null,
    author text not null, name text not null, media_type text not null, data_b64 text not null,
    primary key (desk, desk_case, n),
    foreign key (desk, desk_case) references desk_case (desk, id));
""",
    ),
)
PARTS: Final = {"backoffice": 1, "helpdesk": 2, "native_reply": 1, "fenced_write": 1, "case_file": 1}
"""Parts in these tables, in the versions of the plugs."""
ANSWER_S: Final = 10.0
"""Longest time, in seconds, for a statement."""
BUSY_S: Final = 5.0
"""Longest wait, in seconds, for other writers."""
_READ: Final = "begin isolation level repeatable read, read only"
# ⚔ One row is locked until the commit: what an act read, no other process changes before effect and key are written.
_WRITE: Final = "begin isolation level read committed; select from turn where desk = {desk} for update"
_KEPT: Final = "select 1 from remit_desk.turn where desk = $1"


class PostgresDesk(DeskJobs):
    """The desk's database on PostgreSQL: no transaction spans it and the store, even on one server."""

    def __init__(self, url: str, desk: str, *, answer_s: float = ANSWER_S, busy_s: float = BUSY_S) -> None:
        """Connect; a database without the schema gets it. `desk` names the owner of the rows.

        Raises:
            Refused: `settings.invalid` when it is unusable.
            Fault: `fault.backoffice` when the server does not answer.
        """
        run_in_thread(lambda: _begin(url, desk))
        super().__init__(
            _PostgresTransactions(url, desk, _READ, answer_s=answer_s, busy_s=busy_s),
            _PostgresTransactions(url, desk, _WRITE, answer_s=answer_s, busy_s=busy_s),
        )

    def prepare(self, part: str, version: int, statements: str) -> None:  # noqa: ARG002  # these are SQLite's
        """Verify that the tables, made in schema steps, fit this version of a part.

        Raises:
            Refused: `settings.invalid` when they do not.
        """
        if PARTS.get(part) != version:
            raise Refused(
                Code.SETTINGS_INVALID, f"desk.database: PostgreSQL has no tables for version {version} of {part}"
            )


class _DeskTransaction(DeskConnection):
    """Statements of a job over one desk's rows."""

    def __init__(self, session: BlockingConnection, desk: str) -> None:
        self._session = session
        self._desk = desk
        self.failed = False

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> DriverRows:
        """Run one statement."""
        text = for_desk(statement)
        connection = self._session.connection
        try:
            if "$1" not in text:
                self._session.script(text)
                self.failed = False
                return DriverRows([], 0)
            if text.startswith("select"):
                rows = self._session.run(connection.fetch(text, self._desk, *values))
                return DriverRows([tuple(row) for row in rows])
            done = self._session.run(connection.execute(text, self._desk, *values))
            return DriverRows([], int(done.rpartition(" ")[2]))
        except BaseException:
            self.failed = True
            raise

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> DriverRows:
        """Run one statement per row of values."""
        return DriverRows([], sum(self.execute(statement, row).rowcount for row in values))


class _PostgresTransactions:
    """Connection of one thread to the server, made on first use and again after it was lost."""

    broken: tuple[type[Exception], ...] = (TransactionLost, *BROKEN, Refused, Fault)

    def __init__(self, url: str, desk: str, begin: str, *, answer_s: float, busy_s: float) -> None:
        self._url = url
        self._desk = desk
        self._begin = begin
        self._answer_s = answer_s
        self._busy_s = busy_s
        self._session: BlockingConnection | None = None
        self._line: _DeskTransaction | None = None

    def begin(self) -> DeskConnection:
        """Begin; a connection lost since did nothing and is replaced."""
        self.rollback()
        fresh = self._session is None
        try:
            return self._begun()
        except BROKEN:
            if fresh or not self._is_lost():
                raise
            self._let_go()
            return self._begun()

    def _begun(self) -> DeskConnection:
        if self._session is None:
            self._session = self._connected()
        self._line = _DeskTransaction(self._session, self._desk)
        done = self._session.run(self._session.connection.execute(self._begin_as))
        if done not in {"BEGIN", "SELECT 1"}:
            raise TransactionLost("the desk's database holds nothing of this desk: somebody emptied it")
        return self._line

    def _connected(self) -> BlockingConnection:
        session = BlockingConnection(self._url, name="remit desk", answer_s=self._answer_s, database=DESK)
        try:
            session.script(
                f"set search_path to remit_desk; {BY_INDEX}; set lock_timeout to {round(self._busy_s * 1000)}"
            )
            quoted = session.run(session.connection.fetchval("select quote_literal($1::text)", self._desk))
        except BaseException:
            session.close()
            raise
        self._begin_as = self._begin.format(desk=quoted)
        return session

    def commit(self) -> None:
        """Commit durably. After a failed statement the server only rolls back, and says so."""
        session = self._held()
        done = session.run(session.connection.execute("commit"))
        self._line = None
        if done != "COMMIT":
            raise TransactionLost(f"the server said {done}")

    def rollback(self) -> None:
        """Roll back; if that fails, the server does so when the connection ends."""
        if self._line is None:
            return
        self._line = None
        try:
            session = self._held()
            session.run(session.connection.execute("rollback"))
        except (TransactionLost, *BROKEN):
            self._let_go()

    def was_lost(self) -> bool:
        """Whether the transaction is unusable: by a failed read, or a lost connection."""
        return self._is_lost() or (self._begin is _READ and self._line is not None and self._line.failed)

    def close(self) -> None:
        """Close the connection."""
        run_in_thread(self._let_go)

    def _held(self) -> BlockingConnection:
        if self._session is None:
            raise TransactionLost("the connection to the desk's database was lost")
        return self._session

    def _is_lost(self) -> bool:
        return self._session is None or self._session.connection.is_closed()

    def _let_go(self) -> None:
        session, self._session, self._line = self._session, None, None
        if session is not None:
            session.close()


def has_desk_rows(url: str, desk: str) -> bool:
    """Whether the database answers and has rows of this desk.

    Raises:
        Refused: `settings.invalid` when it is unusable.
        Fault: `fault.backoffice` when it does not answer.
    """

    def look() -> bool:
        with closing(BlockingConnection(url, name="remit look", answer_s=ANSWER_S, database=DESK)) as session:
            connection = session.connection
            return (
                session.run(schema_exists(connection, DESK))
                and session.run(connection.fetchval(_KEPT, desk)) is not None
            )

    return run_in_thread(lambda: _as_desk_fault(look, url))


def _begin(url: str, desk: str) -> None:
    def begin() -> None:
        with closing(BlockingConnection(url, name="remit desk open", answer_s=ANSWER_S, database=DESK)) as session:
            session.run(verify_durable(session.connection, DESK))
            session.run(apply_schema_steps(session.connection, DESK, STEPS))
            insert = "insert into remit_desk.turn values ($1) on conflict do nothing"
            session.run(session.connection.execute(insert, desk))

    _as_desk_fault(begin, url)


def _as_desk_fault(work: Callable[[], T], url: str) -> T:
    try:
        return work()
    except BROKEN as problem:
        raise Fault(
            Code.FAULT_BACKOFFICE, f"the desk's database {redacted_url(url)} does not answer: {describe_error(problem)}"
        ) from None
