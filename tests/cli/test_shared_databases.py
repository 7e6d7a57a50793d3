"""Content keys and the built-in desk's records on PostgreSQL, as an operator sets them up, loses them and looks at them."""

import asyncio
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, Serve, change, far, refused
from contracts.store_plugs import postgres_store
from postgres_tests import drop, on_the_server, postgres_url
from remit.adapters.builtin_desk.postgres import PostgresCases
from remit.domain.errors import Code, Refused
from remit.settings import make_settings

RECORDS = ("customer", "record", "record_owner", "act", "ledger", "notice", "offer_used")
OPENING = (("migrate",), ("recover",), ("person", "list"))
KEYS, DESK = "REMIT_KEYS_CONTENT", "REMIT_DESK_DATABASE"


OLD_TABLES = """
create table remit_desk.customer (desk text collate "C" not null, id text collate "C" not null, name text not null,
    attributes text not null,
    primary key (desk, id));
create table remit_desk.record (desk text collate "C" not null, kind text collate "C" not null, id text collate "C" not null,
    name text not null,
    data text not null, version bigint not null default 1, primary key (desk, kind, id));
create table remit_desk.record_owner (desk text collate "C" not null, kind text collate "C" not null, id text collate "C" not null,
    customer text collate "C" not null, primary key (desk, kind, id, customer));
create index record_owner_customer on remit_desk.record_owner (desk, customer, kind, id);
create table remit_desk.act (desk text collate "C" not null, key text collate "C" not null, state text not null,
    result text not null, reason text not null, action text not null, customer text not null, desk_case text not null,
    decision text not null, confirmed_by text not null, at bigint not null, primary key (desk, key));
create table remit_desk.ledger (desk text collate "C" not null, n bigint generated always as identity, act text not null,
    customer text not null, kind text collate "C" not null, id text collate "C" not null,
    method text collate "C" not null, entry text not null, minor bigint not null, currency text collate "C" not null,
    at bigint not null, primary key (desk, n));
create index ledger_record on remit_desk.ledger (desk, kind, id);
create table remit_desk.notice (desk text collate "C" not null, n bigint generated always as identity, act text not null,
    customer text collate "C" not null, recipient text not null, text text not null, at bigint not null,
    primary key (desk, n));
create table remit_desk.offer_used (desk text collate "C" not null, offer text collate "C" not null, act text not null,
    primary key (desk, offer))
"""


@pytest.fixture
def shared(remit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A desk that was made on PostgreSQL."""
    names = {name: f"cli_{uuid.uuid4().hex[:12]}" for name in (KEYS, DESK)}
    for variable, name in names.items():
        monkeypatch.setenv(variable, postgres_url(name))
    made = remit("init", tmp_path / "shared")
    assert made.code == 0, made
    yield tmp_path / "shared"
    for name in names.values():
        drop(postgres_url(name))


def file_of(desk: Path) -> Path:
    return desk / "data" / "desk.sqlite"


def tables(desk: Path) -> set[str]:
    with closing(sqlite3.connect(file_of(desk))) as file:
        return {name for (name,) in file.execute("select name from sqlite_schema where type = 'table'")}


def rows_of(desk: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(file_of(desk))) as file:
        return {table: file.execute(f"select * from {table} order by 1, 2").fetchall() for table in RECORDS}


def as_before(desk: Path) -> dict[str, list[Any]]:
    """Put the records where the version before had them, among those of another desk, and return them."""
    now = int(time.time() * 1000)
    with closing(sqlite3.connect(file_of(desk))) as file:
        file.execute("insert into act values ('k1', 'done', '{}', '', 'order.cancel', 'anna', 'case_1', 'dec_1', 'customer', ?)", (now,))
        file.execute("insert into notice values (7, 'k1', 'anna', 'anna@mail.example', 'Cancelled: 5 €', ?)", (now,))
        file.execute("insert into offer_used values ('off_1', 'k1')")
        file.commit()
    before = rows_of(desk)
    url = os.environ[DESK]
    (own,) = on_the_server(url, "select desk from remit_desk.turn")
    on_the_server(url, "drop table remit_desk.mapped_act, remit_desk.mapped_hold, remit_desk.remote_case, remit_desk.remote_write")
    on_the_server(url, "update remit_desk.schema set version = 2, beside = 1")
    for statement in OLD_TABLES.split(";"):
        on_the_server(url, statement)
    for table, rows in before.items():
        for row in rows:
            for name in (own[0], "another desk"):
                values = ", ".join(f"${n}" for n in range(1, len(row) + 2))
                on_the_server(url, f"insert into remit_desk.{table} overriding system value values ({values})", name, *row)
    for left in desk.glob("data/desk.sqlite*"):
        left.unlink()
    return before


@contextmanager
def forgotten_node() -> Iterator[None]:
    """A connection such as each node of an earlier version keeps."""
    database = PostgresCases(os.environ[DESK], "another desk")
    try:
        asyncio.run(
            database.read(lambda connection: connection.execute("select id from desk_case where id = ?", ("c",)), fault=Code.FAULT_CASE)
        )
        yield
    finally:
        database.close()


def findings(ran: Any, state: str) -> dict[str, str]:
    return {one["name"]: one["says"] for one in ran.json["findings"] if one["state"] == state}


def test_a_desk_on_postgres_keeps_neither_keys_nor_cases_in_files(remit: Run, shared: Path) -> None:
    assert not (shared / "data" / "content-keys.sqlite").exists()
    assert remit("person", "add", "zed", "--kind", "customer", "--config", shared).code == 0
    assert tables(shared) == {*RECORDS, "part"}
    assert on_the_server(os.environ[DESK], "select to_regclass('remit_desk.record'), count(*) from remit_desk.turn") == [(None, 1)]
    doctor = remit("doctor", "--json", "--config", shared)
    assert findings(doctor, "wrong") == {}
    said = findings(doctor, "ok")
    assert "belong to the store" in said["content keys"]
    assert "can be read" in said["desk"]


def test_two_desks_of_one_name_in_the_same_databases_share_nothing(remit: Run, shared: Path, tmp_path: Path) -> None:
    before = on_the_server(os.environ[KEYS], "select count(*) from remit_keys.key")[0][0]
    (tmp_path / "other").mkdir()
    assert remit("init", tmp_path / "other" / "shared").code == 0
    assert len(on_the_server(os.environ[KEYS], "select distinct desk from remit_keys.key")) == 2
    assert on_the_server(os.environ[KEYS], "select count(*) from remit_keys.key")[0][0] == 2 * before
    assert len(on_the_server(os.environ[DESK], "select desk from remit_desk.turn")) == 2
    assert remit("migrate", "--config", shared).code == 0


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_lost_keys_stop_every_start(remit: Run, shared: Path, argv: tuple[str, ...]) -> None:
    on_the_server(os.environ[KEYS], "delete from remit_keys.key where subject <> ''")
    refused(remit(*argv, "--config", shared), "settings.invalid", "are not those of this store")
    assert "are not those of this store" in findings(remit("doctor", "--json", "--config", shared), "wrong")["content keys"]
    on_the_server(os.environ[KEYS], "drop schema remit_keys cascade")
    assert "are not those of this store" in findings(remit("doctor", "--json", "--config", shared), "wrong")["content keys"]


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_lost_cases_stop_every_start_and_are_not_made_anew(remit: Run, shared: Path, argv: tuple[str, ...]) -> None:
    on_the_server(os.environ[DESK], "drop schema remit_desk cascade")
    refused(remit(*argv, "--config", shared), "settings.invalid", "tickets would be missing")
    assert "tickets" in findings(remit("doctor", "--json", "--config", shared), "wrong")["desk"]
    assert on_the_server(os.environ[DESK], "select to_regclass('remit_desk.turn')") == [(None,)]


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_a_lost_file_of_records_stops_every_start_too(remit: Run, shared: Path, argv: tuple[str, ...]) -> None:
    (shared / "data" / "desk.sqlite").unlink()
    refused(remit(*argv, "--config", shared), "settings.invalid", "tickets and records would be missing")
    far(shared)
    refused(remit("desk", "serve", "--config", shared), "settings.invalid", "tickets and records would be missing")
    assert not (shared / "data" / "desk.sqlite").exists()


@pytest.mark.proves("FENCE", "NODES")
def test_records_of_an_earlier_version_are_moved_into_a_file_and_none_is_left_behind_in_silence(
    remit: Run, serve: Serve, shared: Path
) -> None:
    """⚔ A desk that began with an empty file would do again what the records on PostgreSQL say was done."""
    before = as_before(shared)
    for argv in OPENING:
        ran = remit(*argv, "--config", shared)
        refused(ran, "settings.invalid", "still has the records")
        assert "remit desk move" in ran.err
    assert "still has the records" in findings(remit("doctor", "--json", "--config", shared), "wrong")["desk"]
    assert on_the_server(os.environ[DESK], "select version from remit_desk.schema") == [(2,)], "a refused start changes nothing"
    port = far(shared)
    refused(remit("desk", "serve", "--config", shared), "settings.invalid", "still has the records")
    with forgotten_node():
        refused(remit("desk", "move", "--config", shared), "settings.invalid", "nodes still use")
    assert not file_of(shared).exists()
    moved = remit("desk", "move", "--json", "--config", shared).json
    assert moved == {"file": str(file_of(shared)), "rows": {table: len(rows) for table, rows in before.items()}}
    assert rows_of(shared) == before
    assert file_of(shared).stat().st_mode & 0o777 == 0o600
    for table, rows in before.items():
        left = on_the_server(os.environ[DESK], f"select desk from remit_desk.{table}")
        assert [row[0] for row in left] == ["another desk"] * len(rows), "those of another desk stay"
    refused(remit("desk", "move", "--config", shared), "settings.invalid", "has no records of this desk")
    serving = serve(shared, command=("desk", "serve"))
    assert f":{port}/" in serving.said["url"]
    assert findings(remit("doctor", "--json", "--config", shared), "wrong") == {}
    assert serving.stop() == 0


def test_a_move_that_was_cut_off_is_not_taken_for_one_that_ended(remit: Run, shared: Path) -> None:
    before = as_before(shared)
    file_of(shared).write_bytes(b"an earlier one")
    refused(remit("desk", "move", "--config", shared), "settings.invalid", "already")
    refused(remit("migrate", "--config", shared), "settings.invalid", "still has the records")
    assert file_of(shared).read_bytes() == b"an earlier one"
    file_of(shared).rename(shared / "data" / "desk.sqlite.part")
    assert on_the_server(os.environ[DESK], "select beside from remit_desk.schema") == [(1,)]
    assert remit("desk", "move", "--config", shared).code == 0
    assert rows_of(shared) == before
    beside = on_the_server(os.environ[DESK], "select beside from remit_desk.schema")
    assert beside == [(3,)], "no node of the earlier version starts again: it would find nothing that was done"


def test_records_that_are_in_a_file_are_not_moved(remit: Run, desk: Path) -> None:
    assert "is a file, which has the records already" in remit("desk", "move", "--config", desk).err


def test_a_desk_that_moves_to_a_database_without_its_records_is_refused(remit: Run, desk: Path) -> None:
    name = f"cli_{uuid.uuid4().hex[:12]}"
    change(desk, 'database = "data/desk.sqlite"', f'database = "{postgres_url(name)}"')
    refused(remit("migrate", "--config", desk), "settings.invalid", "although the log has entries")


def test_the_keys_are_not_put_where_a_store_is(remit: Run, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(postgres_store(tmp_path).close())
    monkeypatch.setenv(KEYS, postgres_url())
    refused(remit("migrate", "--config", shared), "settings.invalid", "keys.content names a database that holds a store")
    assert "holds a store" in findings(remit("doctor", "--json", "--config", shared), "wrong")["content keys"]


def test_a_server_that_does_not_answer_stops_the_start_and_is_told(remit: Run, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, setting in ((KEYS, "keys.content"), (DESK, "desk.database")):
        with monkeypatch.context() as changed:
            changed.setenv(variable, f"postgresql://remit:hidden@/x?host={shared}")
            ran = remit("migrate", "--config", shared)
            assert ran.code != 0
            assert setting in ran.err
            assert "hidden" not in ran.err
            assert remit("doctor", "--json", "--config", shared).code != 0


RAW: dict[str, Any] = {
    "server": {"issuer": "https://desk.example", "host": "0.0.0.0", "port": 8080, "data": "data"},
    "store": {"url": "postgresql://db/remit"},
    "log": {"name": "desk.example/log", "high_water": "high"},
    "desk": {"database": "postgresql://db/desk", "backoffice": "http"},
    "backoffice": {"url": "https://records.example"},
    "keys": {"content": "postgresql://keys/keys"},
    "words": {"secrets": "refuse", "model": "none"},
}


def settings_of(folder: Path, **changed: Any) -> Any:
    return make_settings({**RAW, **changed}, base=folder, environment={}, rules=False)


@pytest.mark.proves("FENCE", "ERASED")
def test_a_store_that_nodes_share_is_not_served_beside_files_of_each_node(tmp_path: Path) -> None:
    """⚔ What one node did another would do again; what one erased another would open."""
    assert settings_of(tmp_path).desk_url == "postgresql://db/desk"
    assert settings_of(tmp_path).desk_database == tmp_path / "data" / "desk.sqlite"
    for changed, key in (
        ({"desk": {**RAW["desk"], "database": "data/desk.sqlite"}}, "desk.database"),
        ({"desk": {"database": "postgresql://db/desk"}, "backoffice": {}}, "desk.backoffice"),
        ({"keys": {}}, "keys.content"),
    ):
        with pytest.raises(Refused) as caught:
            settings_of(tmp_path, **changed)
        assert caught.value.code is Code.SETTINGS_INVALID
        assert caught.value.detail.startswith(key)
    here = {**RAW["server"], "issuer": "http://127.0.0.1:8080", "host": "127.0.0.1"}
    assert (
        settings_of(tmp_path, server=here, desk={"database": "desk.sqlite"}, backoffice={}, keys={}).desk_database
        == tmp_path / "desk.sqlite"
    )


@pytest.mark.parametrize("content", ["data/keys.sqlite", "sqlite:///keys", 7])
def test_keys_are_in_their_file_or_on_postgres(tmp_path: Path, content: object) -> None:
    with pytest.raises(Refused) as caught:
        settings_of(tmp_path, keys={"content": content})
    assert caught.value.code is Code.SETTINGS_INVALID


def test_keys_on_the_stores_server_are_told_loudly(remit: Run, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"cli_{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("REMIT_STORE_URL", postgres_url(store))
    (tmp_path / "nodes").mkdir()
    assert remit("init", tmp_path / "nodes" / "shared").code == 0
    doctor = remit("doctor", "--json", "--config", tmp_path / "nodes" / "shared")
    assert findings(doctor, "wrong") == {}
    assert "are on the store's server" in findings(doctor, "look")["content keys"]
    assert "content keys" not in findings(doctor, "wrong")
    drop(postgres_url(store))
    monkeypatch.delenv("REMIT_STORE_URL")
    assert "content keys" not in findings(remit("doctor", "--json", "--config", shared), "look")
