"""Records of the built-in backoffice that earlier versions kept on PostgreSQL, and their move into a file.

docs/decisions/0047-records-are-served.md
"""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from remit.adapters.backoffice import books
from remit.adapters.builtin_desk.database import DeskDatabase, open_error
from remit.adapters.builtin_desk.postgres import ANSWER_S, DESK, STEPS, as_desk_fault
from remit.adapters.db.postgres import BlockingConnection, run_in_thread
from remit.adapters.db.postgres_migrate import apply_schema_steps
from remit.domain.errors import Code, Refused

T = TypeVar("T")

_TABLES: Final = ("customer", "record", "record_owner", "act", "ledger", "notice", "offer_used")
_MOVE_S: Final = 600.0
_THERE: Final = "select to_regclass('remit_desk.record') is not null"
_NODES: Final = """select count(*) from pg_stat_activity
where datname = current_database() and application_name like 'remit desk%'"""
# ⚔ Held to the end: without it a node that was forgotten would go on acting in rows that were copied already.
_HOLD: Final = "select from remit_desk.turn where desk = ? for update"


def has_records(url: str, desk: str) -> bool:
    """Whether the database has records of this desk.

    Raises:
        Refused: `settings.invalid` when it is unusable.
        Fault: `fault.backoffice` when it does not answer.
    """
    return _in_session(url, "remit look", ANSWER_S, lambda session: _has_records(session, desk))


def move_records(url: str, desk: str, file: Path) -> Mapping[str, int]:
    """Move all records of a desk into a new file, and return the number of rows of each table.

    Nothing is deleted before the file is durable.

    Raises:
        Refused: `settings.invalid` when there is nothing to move, the file exists, or nodes still run.
        Fault: `fault.backoffice` when the database does not answer.
    """
    return _in_session(url, "remit move", _MOVE_S, lambda session: _move(session, desk, file))


def _in_session(url: str, name: str, answer_s: float, work: Callable[[BlockingConnection], T]) -> T:
    def run() -> T:
        with closing(BlockingConnection(url, name=name, answer_s=answer_s, database=DESK)) as session:
            return work(session)

    return run_in_thread(lambda: as_desk_fault(run, url))


def _move(session: BlockingConnection, desk: str, file: Path) -> Mapping[str, int]:
    if not _has_records(session, desk):
        raise Refused(Code.SETTINGS_INVALID, "desk.database: PostgreSQL has no records of this desk")
    if file.exists():
        cure = "If a move was interrupted, delete the file; otherwise check which of the two is newer."
        raise Refused(Code.SETTINGS_INVALID, f"there are records in {file} already", cure=cure)
    _verify_no_nodes(session)
    # ⚔ A node of an earlier version that starts later would find no act that was done: the schema refuses it.
    session.run(apply_schema_steps(session.connection, DESK, STEPS))
    session.script("set idle_in_transaction_session_timeout to 0; begin")
    session.execute(_HOLD, (desk,))
    _verify_no_nodes(session)
    try:
        moved = _copy(session, desk, file)
    except (OSError, sqlite3.Error) as problem:
        raise open_error(file, problem) from problem
    for table in _TABLES:
        session.execute(f"delete from remit_desk.{table} where desk = ?", (desk,))  # noqa: S608  # our own names
    session.script("commit")
    return moved


def _verify_no_nodes(session: BlockingConnection) -> None:
    if session.execute(_NODES).fetchone() != (0,):
        detail = "nodes still use the database in desk.database"
        raise Refused(Code.SETTINGS_INVALID, detail, cure="Stop every node, then try again.")


def _copy(session: BlockingConnection, desk: str, file: Path) -> Mapping[str, int]:
    """Write a new file, whole or not at all."""
    part = file.with_name(f"{file.name}.part")
    for left in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
        left.unlink(missing_ok=True)
    with closing(DeskDatabase(part)) as database:
        database.prepare("backoffice", books.VERSION, books.TABLES)
    moved: dict[str, int] = {}
    with closing(sqlite3.connect(part)) as copy:
        for table in _TABLES:
            columns = [row[1] for row in copy.execute(f"pragma table_info({table})")]
            select = f"select {', '.join(columns)} from remit_desk.{table} where desk = ?"  # noqa: S608  # our own names
            insert = f"insert into {table} values ({', '.join('?' * len(columns))})"  # noqa: S608  # our own names
            moved[table] = copy.executemany(insert, session.execute(select, (desk,))).rowcount
        copy.commit()
    part.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return moved


def _has_records(session: BlockingConnection, desk: str) -> bool:
    if session.execute(_THERE).fetchone() != (True,):
        return False
    rows = " or ".join(f"exists (select from remit_desk.{table} where desk = ?)" for table in _TABLES)
    return session.execute(f"select {rows}", (desk,) * len(_TABLES)).fetchone() == (True,)
