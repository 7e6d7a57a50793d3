"""A log copied out for auditors: a copy goes on from what it was, or is left as it is. What was lost and what came after are never mixed."""

import asyncio
import shutil
from pathlib import Path

import pytest

from contracts.store_plugs import VKEY, entries, run, sqlite_store, verified
from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Refused
from remit.usecases.transcript.export import ExportResult, export_log
from remit.usecases.transcript.verify import LogReport
from remit.wiring import open_published_log, open_stored_log

BACKUP = 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of which a copy was made, a copy of its log, and where both are."""
    (tmp_path / "store").mkdir()
    run(sqlite_store, tmp_path / "store", lambda store: store.commit(entries(*range(BACKUP))))
    shutil.copy(tmp_path / "store" / "store.sqlite", tmp_path / "backup")
    return tmp_path


def go_on(folder: Path, first: int, many: int) -> None:
    run(sqlite_store, folder / "store", lambda store: store.commit(entries(*range(first, first + many))))


def put_back(folder: Path, *, recovered: bool = True) -> None:
    shutil.copy(folder / "backup", folder / "store" / "store.sqlite")

    async def recover() -> None:
        store = sqlite_store(folder / "store", recovering=True)
        await store.commit(entries(7000))
        await store.accept()
        await store.close()

    if recovered:
        asyncio.run(recover())


class Killed(BaseException):
    """The process, at the end of an export."""


def export(folder: Path, *, high_water: str = "", cut_short: bool = False) -> ExportResult:
    copy = folder / "copy"

    def write(path: str, raw: bytes) -> None:
        if cut_short and path == "checkpoint":
            raise Killed
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(raw)

    with open_stored_log(folder / "store" / "store.sqlite") as log:
        return export_log(
            log,
            vkey=str(VKEY),
            high_water=high_water or (folder / "store" / "outside").read_text(),
            copied=(copy / "checkpoint").read_text() if (copy / "checkpoint").exists() else None,
            verify_ed25519=verify_ed25519,
            has=lambda path: (copy / path).is_file(),
            write=write,
            progress=lambda *_: None,
        )


def verify(folder: Path) -> LogReport:
    with open_published_log(str(folder / "copy")) as log:
        return verified(log)


def files(folder: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in (folder / "copy").rglob("*") if one.is_file()}


def refused(folder: Path, *, high_water: str = "") -> Refused:
    before = files(folder)
    with pytest.raises(Refused) as caught:
        export(folder, high_water=high_water)
    assert files(folder) == before
    return caught.value


def test_a_copy_goes_on_with_its_log_and_full_tiles_are_written_once(folder: Path) -> None:
    go_on(folder, BACKUP, 500)
    assert export(folder).written == 8
    go_on(folder, 600, 100)
    assert export(folder).written == 4  # the last tile and bundle, the tile above, the checkpoint
    assert verify(folder).entries == 700


def test_a_store_older_than_its_high_water_is_not_copied(folder: Path) -> None:
    """⚔ Neither over a copy made earlier nor as a new one: it is not what was published."""
    go_on(folder, BACKUP, 1)
    published = (folder / "store" / "outside").read_text()
    put_back(folder, recovered=False)
    assert refused(folder).code is Code.LOG_OLDER
    put_back(folder)
    go_on(folder, 7001, 10)
    assert refused(folder, high_water=published).code is Code.LOG_DAMAGED


@pytest.mark.parametrize(("more", "code"), [(0, Code.LOG_OLDER), (199, Code.LOG_DAMAGED), (600, Code.LOG_DAMAGED)])
def test_a_copy_of_what_was_lost_is_evidence_and_is_not_written_over(folder: Path, more: int, code: Code) -> None:
    """⚔ Shorter, as long or longer: after a recovery the log is another one, and the copy alone shows what was there."""
    go_on(folder, BACKUP, 200)
    export(folder)
    put_back(folder)
    if more:
        go_on(folder, 7001, more)
    found = refused(folder)
    assert found.code is code
    assert "name another folder" in found.cure
    shutil.move(folder / "copy", folder / "kept")
    export(folder)
    assert verify(folder).entries == BACKUP + 1 + more


def test_tiles_of_an_export_cut_short_are_not_taken_for_those_of_the_log_that_came_after(folder: Path) -> None:
    """⚔ Its checkpoint was not written, so that the log goes on from the copy; but its full tiles are of entries that were lost."""
    export(folder)
    go_on(folder, BACKUP, 600)
    with pytest.raises(Killed):
        export(folder, cut_short=True)
    put_back(folder)
    go_on(folder, 7001, 600)
    export(folder)
    assert verify(folder).entries == BACKUP + 601


def test_a_folder_with_something_else_in_it_is_left_alone(folder: Path) -> None:
    export(folder)
    for text in ("", "nonsense", (folder / "copy" / "checkpoint").read_text().replace("\n100\n", "\n99\n")):
        (folder / "copy" / "checkpoint").write_text(text)
        assert refused(folder).code is Code.SETTINGS_INVALID
