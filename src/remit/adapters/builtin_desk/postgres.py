"""Cases of the built-in helpdesk, and the journals, on PostgreSQL for many processes: one writes at a time, as on a file.

A lost connection is replaced when the next transaction begins. docs/decisions/0047-records-are-served.md
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
    run_in_thread,
)
from remit.adapters.db.postgres_migrate import SchemaStep, apply_schema_steps, schema_exists, verify_durable
from remit.adapters.db.postgres_url import redacted_url
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")

TABLES: Final = (
    *("case_file", "case_note", "case_write", "desk_case", "fenced_write", "native_reply"),
    *("mapped_act", "mapped_hold", "remote_case", "remote_write"),
)
_VALUE: Final = re.compile(r"\?(\d*)")
_IGNORING: Final = "insert or ignore "
DESK: Final = DatabaseIdentity("the desk's database", "desk.database", "remit_desk", Code.FAULT_BACKOFFICE)
STEPS: Final = (
    SchemaStep(
        1,
        1,
        """
create table turn (desk text collate "C" primary key);
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
    SchemaStep(
        3,
        3,  # ⚔ older programs do acts in tables of this schema, and would do again what a file has
        """
create table mapped_act (desk text collate "C" not null, key text collate "C" not null, action text not null,
    state text not null, sent_at bigint not null, draft text not null, result text not null, reason text not null,
    primary key (desk, key));
create table mapped_hold (desk text collate "C" not null, record text collate "C" not null, key text not null,
    until bigint not null, primary key (desk, record));
create table remote_case (desk text collate "C" not null, desk_case text collate "C" not null,
    ticket text collate "C" not null, primary key (desk, desk_case));
create index remote_case_ticket on remote_case (desk, ticket);
create table remote_write (desk text collate "C" not null, key text collate "C" not null, desk_case text not null,
    what text not null, state text not null, sent_at bigint not null, primary key (desk, key));
"""
        + "".join(f"alter table {table} alter desk set default current_setting('remit.desk');" for table in TABLES),
    ),
)
PARTS: Final = {
    "helpdesk": 2,
    "native_reply": 1,
    "fenced_write": 1,
    "case_file": 1,
    "mapped_backoffice": 1,
    "mapped_holds": 1,
    "remote_helpdesk": 1,
}
"""Parts in these tables, in the versions of the plugs."""
ANSWER_S: Final = 10.0
"""Longest time, in seconds, for a statement."""
BUSY_S: Final = 5.0
"""Longest wait, in seconds, for other writers."""
# ⚔ A connection sees the tables through these alone, each with one desk's rows: no statement can run over all desks.
_VIEWS: Final = """select format('create temp view %I as select %s from remit_desk.%1$I where desk = current_setting(''remit.desk'')',
table_name, string_agg(column_name, ', ' order by ordinal_position) filter (where column_name <> 'desk'))
from information_schema.columns where table_schema = 'remit_desk' and table_name = any(?) group by table_name"""
_READ: Final = "begin isolation level repeatable read, read only"
# ⚔ One row is locked until the commit: what a job read, no other process changes before the job has written.
_WRITE: Final = """begin isolation level read committed;
select from remit_desk.turn where desk = current_setting('remit.desk') for update"""
_MAY_VIEW: Final = "select has_database_privilege(current_database(), 'temporary')"
_KEPT: Final = "select 1 from remit_desk.turn where desk = $1"


@cache
def translate(statement: str) -> str:
    """Translate a statement as SQLite takes it: its values, numbered or not, and `insert or ignore`."""
    highest = 0

    def number(match: re.Match[str]) -> str:
        nonlocal highest
        place = int(match[1]) if match[1] else highest + 1
        highest = max(highest, place)
        return f"${place}"

    text = _VALUE.sub(number, statement)
    if text.startswith(_IGNORING):
        return f"insert {text.removeprefix(_IGNORING)} on conflict do nothing"
    return text


class PostgresCases(DeskJobs):
    """Cases and journals on PostgreSQL: no transaction spans them and the store, even on one server."""

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

    def __init__(self, session: BlockingConnection) -> None:
        self._session = session
        self.failed = False

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> DriverRows:
        """Run one statement."""
        text, connection = translate(statement), self._session.connection
        self.failed = True  # until it worked: only a rollback to the savepoint does after a failure
        if text.startswith("select"):
            rows = DriverRows([tuple(row) for row in self._session.run(connection.fetch(text, *values))])
        else:
            done = self._session.run(connection.execute(text, *values)).rpartition(" ")[2]
            rows = DriverRows([], int(done) if done.isdigit() else 0)
        self.failed = False
        return rows

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
        self._busy_ms = round(busy_s * 1000)
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
        self._line = _DeskTransaction(self._session)
        done = self._session.run(self._session.connection.execute(self._begin))
        if done not in {"BEGIN", "SELECT 1"}:
            raise TransactionLost("the backoffice's database holds nothing of this server: it was emptied")
        return self._line

    def _connected(self) -> BlockingConnection:
        session = BlockingConnection(self._url, name="remit desk", answer_s=self._answer_s, database=DESK)
        try:
            session.execute("select set_config('remit.desk', ?, false)", (self._desk,))
            views = "; ".join(view for (view,) in session.execute(_VIEWS, (TABLES,)))
            session.script(f"{views}; set search_path to pg_temp; {BY_INDEX}; set lock_timeout to {self._busy_ms}")
        except BaseException:
            session.close()
            raise
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

    return run_in_thread(lambda: as_desk_fault(look, url))


def _begin(url: str, desk: str) -> None:
    def begin() -> None:
        with closing(BlockingConnection(url, name="remit desk open", answer_s=ANSWER_S, database=DESK)) as session:
            session.run(verify_durable(session.connection, DESK))
            if not session.run(session.connection.fetchval(_MAY_VIEW)):
                cure = "Let its user do so: `grant temporary on database … to …`."
                raise Refused(Code.SETTINGS_INVALID, "desk.database: no temporary views may be made there", cure=cure)
            session.run(apply_schema_steps(session.connection, DESK, STEPS))
            insert = "insert into remit_desk.turn values ($1) on conflict do nothing"
            session.run(session.connection.execute(insert, desk))

    as_desk_fault(begin, url)


def as_desk_fault(work: Callable[[], T], url: str) -> T:
    """Do blocking work on the desk's database.

    Raises:
        Fault: `fault.backoffice` when it breaks.
    """
    try:
        return work()
    except BROKEN as problem:
        raise Fault(
            Code.FAULT_BACKOFFICE, f"the desk's database {redacted_url(url)} does not answer: {describe_error(problem)}"
        ) from None
