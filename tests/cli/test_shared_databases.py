"""Content keys and the built-in desk's records on PostgreSQL, as an operator sets them up, loses them and looks at them."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, change, refused
from contracts.store_plugs import postgres_store
from postgres_tests import drop, on_the_server, postgres_url
from remit.domain.errors import Code, Refused
from remit.settings import make_settings

OPENING = (("migrate",), ("recover",), ("person", "list"))
KEYS, DESK = "REMIT_KEYS_CONTENT", "REMIT_DESK_DATABASE"


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


def findings(ran: Any, state: str) -> dict[str, str]:
    return {one["name"]: one["says"] for one in ran.json["findings"] if one["state"] == state}


def test_a_desk_on_postgres_keeps_neither_keys_nor_records_in_files(remit: Run, shared: Path) -> None:
    assert not (shared / "data" / "content-keys.sqlite").exists()
    assert not (shared / "data" / "desk.sqlite").exists()
    assert remit("person", "add", "zed", "--kind", "customer", "--config", shared).code == 0
    assert on_the_server(os.environ[DESK], "select count(*) > 0 from remit_desk.customer") == [(True,)]
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
    assert len(on_the_server(os.environ[DESK], "select distinct desk from remit_desk.customer")) == 2
    assert remit("migrate", "--config", shared).code == 0


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_lost_keys_stop_every_start(remit: Run, shared: Path, argv: tuple[str, ...]) -> None:
    on_the_server(os.environ[KEYS], "delete from remit_keys.key where subject <> ''")
    refused(remit(*argv, "--config", shared), "settings.invalid", "are not those of this store")
    assert "are not those of this store" in findings(remit("doctor", "--json", "--config", shared), "wrong")["content keys"]
    on_the_server(os.environ[KEYS], "drop schema remit_keys cascade")
    assert "are not those of this store" in findings(remit("doctor", "--json", "--config", shared), "wrong")["content keys"]


@pytest.mark.parametrize("argv", OPENING, ids=lambda argv: argv[0])
def test_lost_records_stop_every_start_and_are_not_made_anew(remit: Run, shared: Path, argv: tuple[str, ...]) -> None:
    on_the_server(os.environ[DESK], "drop schema remit_desk cascade")
    refused(remit(*argv, "--config", shared), "settings.invalid", "tickets and records would be missing")
    assert "tickets and records" in findings(remit("doctor", "--json", "--config", shared), "wrong")["desk"]
    assert on_the_server(os.environ[DESK], "select to_regclass('remit_desk.act')") == [(None,)]


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
    "desk": {"database": "postgresql://db/desk"},
    "keys": {"content": "postgresql://keys/keys"},
    "words": {"secrets": "refuse", "model": "none"},
}


def settings_of(folder: Path, **changed: Any) -> Any:
    return make_settings({**RAW, **changed}, base=folder, environment={}, rules=False)


@pytest.mark.proves("FENCE", "ERASED")
def test_a_store_that_nodes_share_is_not_served_beside_files_of_each_node(tmp_path: Path) -> None:
    """⚔ What one node did another would do again; what one erased another would open."""
    assert settings_of(tmp_path).desk_url == "postgresql://db/desk"
    for changed, key in (({"desk": {"database": "data/desk.sqlite"}}, "desk.database"), ({"keys": {}}, "keys.content")):
        with pytest.raises(Refused) as caught:
            settings_of(tmp_path, **changed)
        assert caught.value.code is Code.SETTINGS_INVALID
        assert caught.value.detail.startswith(key)
    here = {**RAW["server"], "issuer": "http://127.0.0.1:8080", "host": "127.0.0.1"}
    assert settings_of(tmp_path, server=here, desk={"database": "desk.sqlite"}, keys={}).desk_database == tmp_path / "desk.sqlite"


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
