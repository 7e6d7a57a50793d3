"""P9: the log is cut at its tail, changed, or an older copy of the store is put in its place."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from attacks.arena import open_arena
from remit.client import Refused


def _cut(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as connection, connection:
        connection.execute("delete from entry where idx = (select max(idx) from entry)")


def _change(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite")) as connection, connection:
        changed = "cast(replace(cast(envelope as text), 'return-item', 'cancel-order') as blob)"
        connection.execute(f"update entry set envelope = {changed} where kind = 'task.opened'")


def _older(folder: Path) -> None:
    for old in (folder / "old").iterdir():
        shutil.copy(old, folder / old.name)


def _forget_high_water(folder: Path) -> None:
    shutil.rmtree(folder / "high-water")
    (folder / "high-water").mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "an entry is cut off": (_cut, "log.damaged"),
    "an entry is changed": (_change, "log.damaged"),
    "an older copy is put back": (_older, "log.older"),
    "the checkpoint outside is gone": (_forget_high_water, "settings.invalid"),
}


@pytest.mark.proves("P9", "LOG-START", "HIGH-WATER")
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_desk_whose_log_is_not_the_published_one_does_not_start(tmp_path: Path, damage: str) -> None:
    harm, code = DAMAGE[damage]
    with open_arena(store=tmp_path) as arena:
        task = arena.task()
    (tmp_path / "old").mkdir()
    for file in tmp_path.glob("store.sqlite*"):
        shutil.copy(file, tmp_path / "old" / file.name)
    with open_arena(store=tmp_path) as arena:
        assert len(arena.entries("task.opened")) == 1
        assert task.id
        arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
        arena.desk.suspend(operator="helper.example")
    harm(tmp_path)
    with pytest.raises(Refused) as refused, open_arena(store=tmp_path):
        pass
    assert refused.value.code == code


@pytest.mark.proves("P9", "LOG-START")
def test_an_untouched_desk_starts_again(tmp_path: Path) -> None:
    for _ in range(2):
        with open_arena(store=tmp_path) as arena:
            arena.desk.suspend(operator="helper.example")
    with open_arena(store=tmp_path) as arena:
        assert len(arena.entries("agent.suspended")) == 2
