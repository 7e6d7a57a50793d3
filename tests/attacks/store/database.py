"""The database of a desk, as somebody has it who needs no Remit: read, changed and put back beside the desk."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, code_of, open_arena
from remit.client.errors import Refused
from remit.domain.errors import Code
from remit.sandbox import SandboxTask

Rows = sqlite3.Connection


@contextmanager
def rows_of(folder: Path) -> Iterator[Rows]:
    """The database, as somebody has it who needs no Remit."""
    with closing(sqlite3.connect(folder / "store.sqlite")) as rows:
        yield rows
        rows.commit()


@contextmanager
def rows_beside(arena: Arena, folder: Path) -> Iterator[Rows]:
    """The database of a desk that serves; afterwards the process has forgotten what it had read, as after other traffic."""
    store: Any = arena.desk.desk
    arena.run(store.outside.purge_wal())
    with rows_of(folder) as rows:
        yield rows
    store.outside._held.clear()


def change(rows: Rows, kind: str, record_id: str, to: Callable[[dict[str, Any]], object]) -> None:
    """Write a record's document anew, with all else as it was."""
    (body,) = rows.execute("select body from record where kind = ? and id = ?", (kind, record_id)).fetchone()
    document = json.loads(body)
    to(document)
    rows.execute("update record set body = ? where kind = ? and id = ?", (json.dumps(document).encode(), kind, record_id))


def copy_of(rows: Rows, table: str, **where: str) -> list[Any]:
    """Rows of a table as they stand, to be put back later."""
    names = " and ".join(f"{name} = ?" for name in where)
    return rows.execute(f"select * from {table} where {names}", tuple(where.values())).fetchall()


def put_back(rows: Rows, table: str, copies: list[Any]) -> None:
    for copy in copies:
        rows.execute(f"insert or replace into {table} values ({', '.join('?' * len(copy))})", copy)


def refused_start(folder: Path) -> Refused:
    with pytest.raises(Refused) as caught, open_arena(store=folder):
        pass
    assert caught.value.code == Code.LOG_DAMAGED
    assert "remit recover" in str(caught.value)
    return caught.value


def nothing_is_done(arena: Arena, task: SandboxTask, params: Any) -> None:
    done = arena.performed()
    told = arena.ask(task, "payment.refund", params)
    assert (told.status_code, code_of(told)) == (503, "fault.store"), told.text
    assert "mandate" not in told.text.lower(), "the reply does not tell what was found"
    assert arena.performed() == done
