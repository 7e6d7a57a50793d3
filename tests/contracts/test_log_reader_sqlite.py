"""The log read out of a store's own file: as a published one, with its envelopes, and without touching the file."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contracts.store_plugs import entries, run, sqlite_store, verified
from remit.adapters.log_reader.sqlite import SqliteLog
from remit.domain.errors import Code, Refused
from remit.proof.tiles import Bundle, Tile
from remit.usecases.transcript.verify import LogReport

SIZE = 600


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    run(sqlite_store, folder, lambda store: store.commit(entries(*range(SIZE))))
    return folder


@pytest.fixture
def file(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled / "store.sqlite", tmp_path / "store.sqlite"))


@pytest.fixture
def log(file: Path) -> Iterator[SqliteLog]:
    with SqliteLog(file) as reader:
        yield reader


def verify(reader: SqliteLog, high_water: str | None = None) -> LogReport:
    return verified(reader, records=reader, high_water=high_water)


def refused(file: Path, *statements: str, high_water: str | None = None) -> Code:
    with closing(sqlite3.connect(file)) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()
    with SqliteLog(file) as reader, pytest.raises(Refused) as caught:
        verify(reader, high_water)
    return caught.value.code


def test_a_store_verifies_with_every_record(log: SqliteLog) -> None:
    report = verify(log)
    assert (report.entries, report.records) == (SIZE, SIZE)


def test_a_log_that_grows_while_it_is_read_is_read_as_it_stood(tmp_path: Path) -> None:
    async def work(store: Any) -> None:
        await store.commit(entries(*range(300)))
        with SqliteLog(tmp_path / "store.sqlite") as reader:
            await store.commit(entries(*range(300, 700)))
            assert verify(reader).entries == 300
        with SqliteLog(tmp_path / "store.sqlite") as reader:
            assert verify(reader).entries == 700

    run(sqlite_store, tmp_path, work)


@pytest.mark.parametrize(
    "statement",
    [
        "update entry set leaf = zeroblob(32) where idx = 3",
        "update entry set leaf = 7 where idx = 3",
        "update entry set envelope = zeroblob(300) where idx = 3",
        "update entry set envelope = 'text' where idx = 599",
        "update node set hash = zeroblob(32) where level = 1",
        "delete from entry where idx = 599",
        "delete from node",
        "delete from head",
        "update head set note = 7",
        "update head set note = x'ff'",
    ],
)
def test_whatever_was_changed_shows(file: Path, statement: str) -> None:
    assert refused(file, statement) is Code.LOG_DAMAGED


def test_a_log_shorter_than_its_high_water_is_older(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    run(sqlite_store, tmp_path / "other", lambda store: store.commit(entries(*range(SIZE + 1))))
    assert refused(file, high_water=(tmp_path / "other" / "outside").read_text()) is Code.LOG_OLDER


def test_what_lies_beyond_every_log_is_damage(log: SqliteLog) -> None:
    for call, what in ((log.tile, Tile(level=1, index=2**70, width=1)), (log.bundle, Bundle(index=2**70, width=1))):
        with pytest.raises(Refused) as caught:
            call(what)
        assert caught.value.code is Code.LOG_DAMAGED


def test_reading_changes_nothing_and_makes_no_file(file: Path) -> None:
    before = file.read_bytes()
    with SqliteLog(file) as reader:
        verify(reader)
        with pytest.raises(sqlite3.OperationalError):
            reader._connection.execute("delete from entry")
    assert file.read_bytes() == before


def test_a_file_that_is_not_there_or_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing like it" * 500)
    sqlite3.connect(tmp_path / "other.sqlite").close()
    for name, code in (("none", Code.SETTINGS_INVALID), ("text", Code.LOG_DAMAGED), ("other.sqlite", Code.LOG_DAMAGED)):
        with pytest.raises(Refused) as caught:
            SqliteLog(tmp_path / name)
        assert caught.value.code is code
    assert not (tmp_path / "none").exists()
