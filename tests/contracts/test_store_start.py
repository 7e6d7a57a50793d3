"""What a store checks before it serves: an old, cut, changed or forked log stops the start, and says where."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.store_plugs import ORIGIN, VKEY, entries, run, sign, sqlite_store, verify
from remit.adapters.store import start_checks
from remit.domain.errors import Code, Refused
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note

SIZE = 600


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    run(sqlite_store, folder, lambda store: store.commit(entries(*range(SIZE))))
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "store"))


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def refused(folder: Path, *, recovering: bool = False) -> Refused:
    with pytest.raises(Refused) as caught:
        sqlite_store(folder, recovering=recovering)
    return caught.value


def opens(folder: Path, *, recovering: bool = False) -> None:
    asyncio.run(sqlite_store(folder, recovering=recovering).close())


def grow(folder: Path, *numbers: int) -> None:
    run(sqlite_store, folder, lambda store: store.commit(entries(*numbers)))


def test_an_honest_store_opens_again_and_again(folder: Path) -> None:
    for number in range(SIZE, SIZE + 3):
        grow(folder, number)
        opens(folder)


def test_a_first_start_keeps_the_empty_log_outside_so_that_a_crash_at_the_first_commit_is_none(tmp_path: Path) -> None:
    opens(tmp_path)
    saved = {name: (tmp_path / name).read_bytes() for name in ("outside", "outside.latest")}
    grow(tmp_path, 0)
    for name, raw in saved.items():
        (tmp_path / name).write_bytes(raw)  # as if the process had died between the commit and the write outside
    opens(tmp_path)


def test_an_older_copy_put_back_is_refused(folder: Path, filled: Path) -> None:
    grow(folder, SIZE)
    shutil.copy(filled / "store.sqlite", folder / "store.sqlite")
    assert refused(folder).code is Code.LOG_OLDER


def test_an_older_copy_that_was_written_to_is_refused_however_long_it_has_grown(folder: Path, filled: Path, tmp_path: Path) -> None:
    fork = Path(shutil.copytree(filled, tmp_path / "fork"))
    grow(folder, SIZE)
    grow(fork, 9999)
    shutil.copy(fork / "store.sqlite", folder / "store.sqlite")
    assert refused(folder).code is Code.LOG_OLDER  # as long
    grow(fork, 9998, 9997)
    shutil.copy(fork / "store.sqlite", folder / "store.sqlite")
    assert refused(folder).code is Code.LOG_OLDER  # longer


def test_an_empty_store_in_the_place_of_a_lost_one_is_refused(folder: Path) -> None:
    (folder / "store.sqlite").unlink()
    assert refused(folder).code is Code.LOG_OLDER


def test_a_store_whose_high_water_is_gone_is_refused(folder: Path) -> None:
    for name in ("outside", "outside.latest"):
        (folder / name).unlink()
    assert refused(folder).code is Code.SETTINGS_INVALID
    opens(folder, recovering=True)
    assert refused(folder).code is Code.SETTINGS_INVALID  # opening to recover has accepted nothing


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"nonsense\n", b"desk.example/log\n600\n"])
def test_a_torn_high_water_is_replaced_by_the_synced_one_and_without_it_stops_the_start(folder: Path, raw: bytes) -> None:
    (folder / "outside").write_bytes(raw)
    opens(folder)
    for name in ("outside", "outside.latest"):
        (folder / name).write_bytes(raw)
    assert refused(folder).code is Code.LOG_DAMAGED
    assert "recover" in refused(folder).detail


def test_the_newer_of_both_places_counts(folder: Path, filled: Path) -> None:
    """⚔ Putting back one old file of the two hides nothing."""
    grow(folder, SIZE)
    shutil.copy(filled / "store.sqlite", folder / "store.sqlite")
    for name in ("outside", "outside.latest"):
        kept = (folder / name).read_bytes()
        shutil.copy(filled / name, folder / name)
        assert refused(folder).code is Code.LOG_OLDER
        (folder / name).write_bytes(kept)


def test_a_high_water_of_another_key_or_log_is_none(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        root = raw.execute("select root from head").fetchone()[0]
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    body = checkpoint_text(Checkpoint(origin=ORIGIN, size=SIZE, root=root))
    foreign = signed_note(body, make_vkey(ORIGIN, other.public_key().public_bytes_raw()), other.sign(body.encode()))
    forged = signed_note(body, VKEY, other.sign(body.encode()))
    for note in (foreign, forged):
        for name in ("outside", "outside.latest"):
            (folder / name).write_text(note)
        assert refused(folder).code is Code.LOG_DAMAGED


DAMAGE = {
    "an entry changed": ["update entry set leaf = zeroblob(32) where idx = 300"],
    "an entry of the last, partial tile changed": ["update entry set leaf = zeroblob(32) where idx = 599"],
    "a record changed": ["update entry set envelope = cast(envelope || ' ' as blob) where idx = 577"],
    "a record that is text": ["update entry set envelope = 'text' where idx = 577"],
    "an entry that is text": ["update entry set leaf = 'text' where idx = 577"],
    "an entry that is a number": ["update entry set leaf = 7 where idx = 577"],
    "a hash that is text": ["update node set hash = 'text' where level = 1 and idx = 1"],
    "a record emptied": ["update entry set envelope = x'' where idx = 3"],
    "an entry cut out": ["delete from entry where idx = 300"],
    "the end cut off": ["delete from entry where idx >= 598"],
    "the end cut off with its head": ["delete from entry where idx >= 598", "update head set size = 598"],
    "an entry put behind the head": ["insert into entry select 600, kind, at, leaf, envelope, content, subject from entry where idx = 599"],
    "two entries exchanged": [
        "update entry set idx = -1 where idx = 10",
        "update entry set idx = 10 where idx = 11",
        "update entry set idx = 11 where idx = -1",
    ],
    "a kept hash changed": ["update node set hash = zeroblob(32) where level = 1 and idx = 1"],
    "a kept hash lost": ["delete from node where level = 1 and idx = 1"],
    "a hash too many": ["insert into node values (1, 2, zeroblob(32))"],
    "a hash of a level that is not there": ["insert into node values (2, 0, zeroblob(32))"],
    "the head's root changed": ["update head set root = zeroblob(32)"],
    "the head's note emptied": ["update head set note = ''"],
    "the head's note made bytes": ["update head set note = x'ff'"],
    "the head lost": ["delete from head"],
    "a table lost": ["drop table node"],
}


@pytest.mark.parametrize("name", list(DAMAGE))
@pytest.mark.parametrize("recovering", [False, True], ids=["serving", "recovering"])
def test_a_changed_log_stops_every_start(folder: Path, name: str, recovering: bool) -> None:
    change(folder, *DAMAGE[name])
    assert refused(folder, recovering=recovering).code is Code.LOG_DAMAGED


@pytest.mark.parametrize(("name", "entry"), [("a record changed", "577"), ("an entry changed", "300")])
def test_the_changed_entry_is_named(folder: Path, name: str, entry: str) -> None:
    change(folder, *DAMAGE[name])
    assert f"entry {entry} " in refused(folder).detail


def test_a_changed_log_with_a_head_of_its_own_but_no_signature_stops_the_start(folder: Path) -> None:
    """⚔ Who can write the file can compute a root, but not sign it."""
    change(folder, "delete from entry where idx >= 512", "update head set size = 512")
    with closing(sqlite3.connect(folder / "store.sqlite")) as raw:
        log = start_checks.SqliteTree(raw)
        root = start_checks.merkle.root(512, log.hash_at)
        raw.execute("update head set root = ?", (root,))
        raw.commit()
    assert refused(folder).code is Code.LOG_DAMAGED
    change(folder, f"update head set note = '{sign(512, root)}'")  # and who has the key meets the checkpoint outside
    assert refused(folder).code is Code.LOG_OLDER


def test_of_a_long_log_the_last_entries_are_hashed_and_samples_of_those_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_checks, "WHOLE", 300)
    monkeypatch.setattr(start_checks, "RECORDS", 50)
    opens(folder)
    early: Callable[[str], Any] = lambda name: shutil.copytree(folder, folder.parent / name)  # noqa: E731  # copies of one store
    change(early("a"), "update entry set leaf = zeroblob(32) where idx = 10")
    assert "entry 10 " in refused(folder.parent / "a").detail  # its tile is among the samples
    change(early("b"), "update entry set leaf = zeroblob(32) where idx = 400")
    assert refused(folder.parent / "b").code is Code.LOG_DAMAGED
    change(early("c"), "delete from entry where idx = 400")
    assert refused(folder.parent / "c").code is Code.LOG_DAMAGED
    change(early("d"), "delete from entry where idx = 0")
    assert refused(folder.parent / "d").code is Code.LOG_DAMAGED
    monkeypatch.setattr(start_checks, "_samples", lambda _size: [])
    opens(folder.parent / "a")  # where it is not: the tree's kept hashes still give the signed root; verify-log tells


def test_the_samples_of_a_long_log_are_spread_over_it_and_others_as_it_grows() -> None:
    size = 10_000_000
    found = start_checks._samples(size)
    assert start_checks.SAMPLES <= len(found) <= start_checks.SAMPLES * 2
    assert max(found) < size - start_checks.WHOLE
    assert max(later - one for one, later in pairwise(found)) <= size // start_checks.SAMPLES
    assert set(found).isdisjoint(start_checks._samples(size + 1))


def test_a_place_outside_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "outside.new").mkdir()
    assert refused(tmp_path).code is Code.SETTINGS_INVALID


def test_what_a_recovery_writes_is_not_published_before_it_is_accepted(folder: Path, filled: Path) -> None:
    grow(folder, SIZE, SIZE + 1)
    published = (folder / "outside").read_text()
    shutil.copy(filled / "store.sqlite", folder / "store.sqlite")

    async def work(*, accept: bool) -> None:
        store = sqlite_store(folder, recovering=True)
        assert store.published() == published
        await store.commit(entries(7000, 7001, 7002))
        if accept:
            await store.accept()
            await store.commit(entries(7003))
        await store.close()

    asyncio.run(work(accept=False))
    assert (folder / "outside").read_text() == published
    assert refused(folder).code is Code.LOG_OLDER  # a recovery cut short is noticed
    asyncio.run(work(accept=True))
    opens(folder)
    grow(folder, 7004)
    opens(folder)


async def recover(folder: Path, *numbers: int) -> None:
    """What a recovery does to a store, with so many entries of its own."""
    store = sqlite_store(folder, recovering=True)
    await store.commit(entries(*numbers))
    await store.accept()
    await store.close()


def lose(folder: Path, filled: Path, groups: int) -> None:
    """Let a store go on for so many groups, and put the old copy back."""

    async def go_on(store: Any) -> None:
        for number in range(groups):
            await store.commit(entries(SIZE + number))

    run(sqlite_store, folder, go_on)
    shutil.copy(filled / "store.sqlite", folder / "store.sqlite")


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 7])
def test_after_a_recovery_nothing_that_was_kept_outside_before_counts(folder: Path, filled: Path, groups: int) -> None:
    """However many groups were lost, and in whichever of the two slots the newest of them was kept."""
    lose(folder, filled, groups)
    asyncio.run(recover(folder, 7000))
    for _ in range(2):
        opens(folder)
        grow(folder, 7001)
    kept = (folder / "outside.latest").read_bytes()
    assert all(verify(slot.partition(b"\x00")[0].decode()).size > SIZE for slot in (kept[:4096], kept[4096:]))


@pytest.mark.parametrize(("groups", "code"), [(4, Code.LOG_OLDER), (3, Code.LOG_DAMAGED), (2, Code.LOG_DAMAGED), (1, None)])
def test_a_recovery_cut_short_while_it_is_accepted_is_noticed_or_complete(
    folder: Path, filled: Path, groups: int, code: Code | None
) -> None:
    """A crash behind the text file: the slots still hold lost checkpoints, larger, one as large, or smaller than the new head."""
    lose(folder, filled, groups)
    slots = (folder / "outside.latest").read_bytes()
    asyncio.run(recover(folder, 7000, 7001))
    (folder / "outside.latest").write_bytes(slots)
    if code is not None:
        assert refused(folder).code is code
        asyncio.run(recover(folder, 7002))
    opens(folder)


def test_two_checkpoints_of_one_size_that_differ_are_a_fork_and_all_of_them_evidence(folder: Path) -> None:
    """⚔ Not the one of them that suits the store."""
    own = (folder / "outside").read_text()
    (folder / "outside").write_text(other := sign(SIZE, b"\x01" * 32))
    assert refused(folder).code is Code.LOG_DAMAGED
    assert "forked" in refused(folder).detail

    async def read() -> str:
        store = sqlite_store(folder, recovering=True)
        text = store.published()
        await store.close()
        return text

    evidence = asyncio.run(read())
    assert own in evidence
    assert other in evidence
    with pytest.raises(Refused):
        verify(evidence)


def test_a_torn_slot_hides_nothing_and_claims_nothing(folder: Path, filled: Path) -> None:
    """⚔ The larger size that half a checkpoint names is not what was published, neither at a start nor for a recovery."""
    grow(folder, SIZE)
    published = (folder / "outside").read_text()
    (folder / "outside.latest").write_bytes(published.replace(f"\n{SIZE + 1}\n", f"\n{SIZE + 9}\n").encode()[:90])

    async def read() -> str:
        store = sqlite_store(folder, recovering=True)
        text = store.published()
        await store.close()
        return text

    assert asyncio.run(read()) == published
    opens(folder)
    shutil.copy(filled / "store.sqlite", folder / "store.sqlite")
    assert refused(folder).code is Code.LOG_OLDER
