"""An account that may not read or write is told so: nothing of it is damage, and nothing of it is cured by `remit recover`."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cli.running import Ran, refused
from remit.adapters.db.sqlite_errors import read_error, verify_writable
from remit.domain.errors import Code, Fault, Refused

OwnRun = Callable[..., Ran]
RIGHTS = "Check owner and mode of the file and its folder"
READING = (("check",), ("migrate",), ("report",), ("verify-log",), ("export", "out"))


def told(ran: Ran) -> None:
    refused(ran, "settings.invalid", RIGHTS)
    assert "recover" not in ran.err


@pytest.mark.parametrize("argv", [*READING, ("serve", "--port", "0"), ("recover",)], ids=lambda argv: argv[0])
def test_a_store_that_may_not_be_read_is_a_matter_of_rights(by_nobody: OwnRun, nobodys: Path, argv: tuple[str, ...]) -> None:
    (nobodys / "data" / "store.sqlite").chmod(0)
    told(by_nobody(*argv, "--config", nobodys))


@pytest.mark.parametrize("argv", READING[:3], ids=lambda argv: argv[0])
def test_a_data_folder_that_may_not_be_written_is_a_matter_of_rights(by_nobody: OwnRun, nobodys: Path, argv: tuple[str, ...]) -> None:
    (nobodys / "data").chmod(0o500)
    told(by_nobody(*argv, "--config", nobodys))


@pytest.mark.parametrize("name", ["store.sqlite", "content-keys.sqlite", "desk.sqlite"])
def test_a_file_that_may_not_be_written_stops_the_start(by_nobody: OwnRun, nobodys: Path, name: str) -> None:
    (nobodys / "data" / name).chmod(0o400)
    told(by_nobody("serve", "--port", "0", "--config", nobodys))


@pytest.mark.parametrize("name", ["data/store.sqlite", "data/content-keys.sqlite", "data/desk.sqlite", "high-water/checkpoint"])
def test_the_doctor_tells_what_it_may_not_read(by_nobody: OwnRun, nobodys: Path, name: str) -> None:
    (nobodys / name).chmod(0)
    ran = by_nobody("doctor", "--json", "--config", nobodys)
    wrong = [one for one in ran.json["findings"] if one["state"] == "wrong"]
    assert ran.code == 1
    assert wrong
    assert all(name in one["says"] for one in wrong)
    assert not [one for one in wrong if "recover" in one["cure"]]


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint.latest"])
def test_a_checkpoint_that_may_not_be_read_is_not_one_that_is_missing(by_nobody: OwnRun, nobodys: Path, name: str) -> None:
    (nobodys / "high-water" / name).chmod(0)
    ran = by_nobody("migrate", "--config", nobodys)
    told(ran)
    assert "Permission denied" in ran.err


def test_settings_that_may_not_be_read_and_a_target_that_may_not_be_written_are_no_mistake_of_ours(
    by_nobody: OwnRun, nobodys: Path
) -> None:
    (nobodys / "closed").mkdir(mode=0o755)
    (nobodys / "closed").chmod(0o500)
    for argv in (("export", "--config", nobodys, nobodys / "closed" / "log"), ("init", nobodys / "closed" / "new")):
        refused(by_nobody(*argv), "settings.invalid", "Permission denied")
    (nobodys / "remit.toml").chmod(0)
    refused(by_nobody("check", "--config", nobodys), "settings.invalid", "Permission denied")


def failed(connection: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute(statement)
    return caught.value


def test_what_a_file_says_no_with_tells_rights_from_a_silent_disk_and_from_damage(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(file, timeout=0)) as one, closing(sqlite3.connect(file, timeout=0)) as two:
        one.execute("create table entry (idx integer)")
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reading:
            with pytest.raises(sqlite3.Error) as caught:
                verify_writable(reading)
            for problem in (failed(reading, "delete from entry"), caught.value):
                refusal = read_error(file, problem)
                assert (refusal.code, refusal.cure.startswith(RIGHTS)) == (Code.SETTINGS_INVALID, True)
        one.execute("begin exclusive")
        busy = read_error(file, failed(two, "select * from entry"))
        assert isinstance(busy, Fault)
        assert busy.code is Code.FAULT_STORE
        one.execute("rollback")
        assert read_error(file, failed(two, "select * from nothing")).code is Code.LOG_DAMAGED
    file.write_bytes(b"nonsense" * 1000)
    with closing(sqlite3.connect(file)) as third:
        damaged = read_error(file, failed(third, "select 1 from entry"))
        assert isinstance(damaged, Refused)
        assert damaged.code is Code.LOG_DAMAGED


def test_trying_to_write_leaves_nothing_behind(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as connection:
        verify_writable(connection)
        assert connection.execute("select count(*) from sqlite_schema").fetchone() == (0,)
