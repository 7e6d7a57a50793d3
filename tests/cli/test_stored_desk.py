"""A desk that an earlier version left behind opens, verifies and is served: records, log, keys and settings are contract.

`tests/data/desk-0.1.0.tar.gz` is the folder of a whole `remit demo` of 0.1.0: mandates, tasks, asks, confirmations, offers, acts, 85 entries.
"""

import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cli.running import Run, Serve, found
from remit.adapters.store.codec import decode_record, encode_record

LEFT = Path(__file__).parents[1] / "data" / "desk-0.1.0.tar.gz"
ENTRIES = 85


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it was left; copied, never changed."""
    folder = tmp_path_factory.mktemp("left")
    with tarfile.open(LEFT) as archive:
        archive.extractall(folder, filter="tar")
    return folder


@pytest.fixture
def left(unpacked: Path, tmp_path: Path) -> Path:
    """A copy of the desk's own folder."""
    return Path(shutil.copytree(unpacked / "desk", tmp_path / "desk"))


def rows(left: Path) -> list[tuple[str, bytes]]:
    """Every record the store holds: its kind and its bytes."""
    connection = sqlite3.connect(f"file:{left / 'data' / 'store.sqlite'}?mode=ro", uri=True)
    try:
        return [(str(kind), bytes(body)) for kind, body in connection.execute("select kind, body from record order by kind, id")]
    finally:
        connection.close()


def test_every_stored_record_is_read_and_written_as_the_very_same_bytes(left: Path) -> None:
    stored = rows(left)
    assert {kind for kind, _ in stored} >= {"act", "agent", "ask", "confirmation", "mandate", "offer", "passkey", "person", "task"}
    assert [kind for kind, body in stored if encode_record(decode_record(kind, body)) != body] == []


def test_settings_catalogue_and_policies_are_valid_as_they_stand(remit: Run, left: Path) -> None:
    told = remit("check", "--json", "--config", left)
    assert told.code == 0, told


def test_the_log_verifies_to_its_last_entry_and_continues_its_checkpoints(remit: Run, left: Path) -> None:
    told = remit("verify-log", "--json", "--config", left)
    assert (told.code, told.json["entries"]) == (0, ENTRIES), told


def test_the_doctor_finds_store_log_and_keys_whole(remit: Run, left: Path) -> None:
    told = remit("doctor", "--json", "--config", left)
    assert told.code == 0, told


def test_it_is_served_and_its_log_goes_on_from_where_it_was(remit: Run, left: Path, serve: Serve) -> None:
    serving = serve(left)
    with httpx.Client(base_url=f"http://127.0.0.1:{serving.said['port']}") as http:
        assert (http.get("/healthz").status_code, http.get("/readyz").status_code) == (200, 200)
        size = int(http.get("/log/checkpoint").text.splitlines()[1])
    assert size >= ENTRIES
    assert serving.stop() == 0
    told = remit("verify-log", "--json", "--config", left)
    assert told.code == 0, told
    assert told.json["entries"] >= size


@pytest.mark.proves("ROWS")
def test_its_rows_get_their_macs_once_and_the_doctor_names_what_is_changed_later(remit: Run, left: Path, serve: Serve) -> None:
    before = rows(left)
    assert [one["state"] for one in found(remit, left, "rows")] == ["look"]
    assert serve(left).stop() == 0
    assert {row for row in before if row[0] in {"mandate", "passkey", "person"}} <= set(rows(left)), "documents are as they were"
    assert [one["state"] for one in found(remit, left, "rows")] == ["ok"]
    with closing(sqlite3.connect(left / "data" / "store.sqlite")) as file:
        file.execute("update record set body = replace(cast(body as text), '50.00 EUR', '5000.00 EUR') where kind = 'mandate'")
        ((mandate,), *_) = file.execute("select id from record where kind = 'mandate' order by id").fetchall()
        file.commit()
    told = remit("doctor", "--json", "--config", left)
    assert told.code != 0
    assert f"mandate {mandate}" in str(told)


@pytest.mark.proves("ROWS")
def test_the_doctor_names_each_row_that_the_log_contradicts(remit: Run, left: Path, serve: Serve) -> None:
    """Rows with good MACs, as they once were, and rows taken out: the sum alone says that something is wrong."""
    assert serve(left).stop() == 0
    assert [one["state"] for one in found(remit, left, "states")] == ["ok"]
    with closing(sqlite3.connect(left / "data" / "store.sqlite")) as file:
        ((task,), *_) = file.execute("select id from record where kind = 'task' order by id").fetchall()
        file.execute("delete from record where id = ?", (task,))
        file.execute("update record set body = replace(cast(body as text), '\"revoked\"', '\"active\"') where kind = 'mandate'")
        file.commit()
    named = found(remit, left, "states")
    assert {one["state"] for one in named} == {"wrong"}
    assert any(one["says"].startswith(f"task {task}: is missing; entry ") for one in named), named
    assert all("remit recover" in one["cure"] for one in named)
