"""What every vault promises: content opens while its key exists, and never again after; keys are durable before use."""

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.vault_plugs import VAULTS
from remit.adapters.vault.file import FileVault
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Fault, Refused
from remit.ports.vault import ContentErased


@pytest.fixture(params=list(VAULTS))
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = VAULTS[request.param](tmp_path)
    yield made
    made.close()


def fault(work: Any) -> Code:
    with pytest.raises(Fault) as caught:
        asyncio.run(work)
    return caught.value.code


def seal(vault: Any, subject: str = "c1", content: bytes = b"secret") -> bytes:
    return asyncio.run(vault.seal(subject, content))  # type: ignore[no-any-return]


async def destroy(vault: Any, subject: str) -> None:
    await vault.destroy_keys(await vault.keys(subject))


def unseal(vault: Any, sealed: bytes, subject: str = "c1") -> bytes:
    return asyncio.run(vault.unseal(subject, sealed))  # type: ignore[no-any-return]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=8), st.binary(max_size=200))
def test_what_was_sealed_is_unsealed(tmp_path_factory: pytest.TempPathFactory, subject: str, content: bytes) -> None:
    vault = FileVault(tmp_path_factory.mktemp("v") / "keys.sqlite", SystemWorld())
    assert unseal(vault, seal(vault, subject, content), subject) == content
    vault.close()


def test_the_same_content_is_never_sealed_alike(vault: Any) -> None:
    assert len({seal(vault) for _ in range(20)}) == 20


def test_any_flipped_bit_cut_or_other_subject_is_a_fault_and_never_content(vault: Any) -> None:
    sealed = seal(vault)
    other = seal(vault, "c2")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert fault(vault.unseal("c1", bytes(changed))) is Code.FAULT_STORE
    for cut in range(len(sealed)):
        assert fault(vault.unseal("c1", sealed[:cut])) is Code.FAULT_STORE
    assert fault(vault.unseal("c1", other)) is Code.FAULT_STORE
    assert fault(vault.unseal("c2", sealed)) is Code.FAULT_STORE


def test_destroyed_content_is_erased_for_good_and_a_new_key_begins(vault: Any) -> None:
    sealed, other = seal(vault), seal(vault, "c2")
    asyncio.run(destroy(vault, "c1"))
    with pytest.raises(ContentErased):
        unseal(vault, sealed)
    assert asyncio.run(vault.keys("c1")) == ()
    again = seal(vault, content=b"later")
    assert unseal(vault, again) == b"later"
    assert unseal(vault, other, "c2") == b"secret"
    with pytest.raises(ContentErased):
        unseal(vault, sealed)
    asyncio.run(destroy(vault, "nobody"))


def test_keys_are_destroyed_by_id_so_that_an_erasure_can_be_repeated_without_touching_newer_keys(vault: Any) -> None:
    sealed = seal(vault)
    ids = asyncio.run(vault.keys("c1"))
    assert asyncio.run(vault.destroy_keys(ids)) == 1
    newer = seal(vault)
    assert asyncio.run(vault.destroy_keys([*ids, *ids, "00" * 8])) == 0
    assert unseal(vault, newer) == b"secret"
    with pytest.raises(ContentErased):
        unseal(vault, sealed)


@pytest.mark.parametrize("name", list(VAULTS))
def test_what_is_sealed_after_keys_were_retired_outlives_them(name: str, tmp_path: Path) -> None:
    vault = VAULTS[name](tmp_path)
    old = seal(vault)
    ids = asyncio.run(vault.retire("c1"))
    assert ids == asyncio.run(vault.keys("c1")) == asyncio.run(vault.retired())
    assert unseal(vault, old) == b"secret", "it is not destroyed yet"
    newer = seal(vault)
    asyncio.run(vault.finish(ids))
    assert asyncio.run(vault.retired()) == ids, "a key that still exists is not finished"
    vault.close()
    again = VAULTS[name](tmp_path)
    assert seal(again)[:8] == newer[:8] != old[:8]
    assert asyncio.run(again.destroy_keys(ids)) == 1
    assert asyncio.run(again.retired()) == ids, "until nothing is left to do"
    asyncio.run(again.finish(ids))
    assert asyncio.run(again.retired()) == ()
    assert asyncio.run(again.destroyed()) == {"c1": list(ids)}
    asyncio.run(again.mark_pending([*ids, *ids]))
    assert asyncio.run(again.retired()) == ids
    asyncio.run(again.finish(ids))
    assert asyncio.run(again.retired()) == ()
    assert unseal(again, newer) == b"secret"
    with pytest.raises(ContentErased):
        unseal(again, old)
    assert set(asyncio.run(again.retire("c1"))) == {newer[:8].hex()}
    assert asyncio.run(again.retire("nobody")) == ()
    again.close()


@pytest.mark.parametrize("name", list(VAULTS))
def test_everything_holds_after_closing_and_opening(name: str, tmp_path: Path) -> None:
    vault = VAULTS[name](tmp_path)
    kept, gone = seal(vault, "c1"), seal(vault, "c2")
    asyncio.run(destroy(vault, "c2"))
    vault.close()
    vault.close()
    assert fault(vault.seal("c3", b"x")) is Code.FAULT_STORE
    again = VAULTS[name](tmp_path)
    assert unseal(again, kept) == b"secret"
    with pytest.raises(ContentErased):
        unseal(again, gone, "c2")
    again.close()


def test_many_first_uses_at_once_make_one_key(vault: Any) -> None:
    async def work() -> list[bytes]:
        sealed = await asyncio.gather(*[vault.seal("c1", str(number).encode()) for number in range(32)])
        assert await asyncio.gather(*[vault.unseal("c1", one) for one in sealed]) == [str(number).encode() for number in range(32)]
        assert len(await vault.keys("c1")) == 1
        return list(sealed)

    assert len({one[:8] for one in asyncio.run(work())}) == 1


def test_a_key_destroyed_among_many_uses_is_never_used_again_afterwards(vault: Any) -> None:
    """⚔ A seal that runs beside the destruction must not bring the destroyed key back into memory."""

    async def work() -> None:
        for _ in range(30):
            old = await vault.seal("c1", b"old")
            await asyncio.gather(*[vault.seal("c1", b"x") for _ in range(4)], destroy(vault, "c1"), vault.seal("c1", b"y"))
            with pytest.raises(ContentErased):
                await vault.unseal("c1", old)
            newer = await vault.seal("c1", b"newer")
            assert newer[:8] != old[:8]
            assert await vault.unseal("c1", newer) == b"newer"

    asyncio.run(work())


def test_a_key_is_durable_before_anything_is_sealed_with_it(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    sealed = seal(vault)
    (tmp_path / "crash").mkdir()
    for path in tmp_path.glob("keys.sqlite*"):
        shutil.copy(path, tmp_path / "crash")  # what a crash at this moment leaves
    vault.close()
    left = FileVault(tmp_path / "crash" / "keys.sqlite", SystemWorld())
    assert unseal(left, sealed) == b"secret"
    left.close()


def test_nothing_of_a_destroyed_key_is_left_in_its_files(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    seal(vault)
    key = vault._connection.execute("select key from key").fetchone()[0] if vault._connection else b""
    assert any(key in path.read_bytes() for path in tmp_path.iterdir())
    asyncio.run(destroy(vault, "c1"))
    assert not any(key in path.read_bytes() for path in tmp_path.iterdir())
    vault.close()
    assert not any(key in path.read_bytes() for path in tmp_path.iterdir())


def test_a_missing_key_is_a_fault_and_not_an_erasure(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    sealed = seal(vault)
    vault.close()
    other = FileVault(tmp_path / "other.sqlite", SystemWorld())
    assert fault(other.unseal("c1", sealed)) is Code.FAULT_STORE
    other.close()


def test_a_damaged_key_is_a_fault(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    sealed = seal(vault)
    vault.close()
    with closing(sqlite3.connect(tmp_path / "keys.sqlite")) as raw:
        raw.execute("update key set key = x'00'")
        raw.commit()
    again = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    assert fault(again.unseal("c1", sealed)) is Code.FAULT_STORE
    assert fault(again.seal("c1", b"x")) is Code.FAULT_STORE
    again.close()


def test_a_disk_that_fails_is_a_fault_and_nothing_is_sealed(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    assert vault._connection is not None
    vault._connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    assert fault(vault.seal("c1", b"x")) is Code.FAULT_STORE
    vault._connection.set_authorizer(None)
    assert unseal(vault, seal(vault)) == b"secret"
    vault.close()


def test_the_keys_are_for_their_owner_alone_and_for_one_process(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.sqlite", SystemWorld())
    seal(vault)
    for path in tmp_path.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('select * from key').fetchall()"
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path / "keys.sqlite")], capture_output=True, check=False)
    assert b"locked" in other.stderr
    with pytest.raises(Refused) as caught:
        FileVault(tmp_path / "keys.sqlite", SystemWorld())
    assert caught.value.code is Code.SETTINGS_INVALID
    vault.close()
    FileVault(tmp_path / "keys.sqlite", SystemWorld()).close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite").write_bytes(b"nonsense" * 1000)
    for path in (tmp_path / "keys.sqlite", tmp_path / "nowhere" / "keys.sqlite"):
        with pytest.raises(Refused) as caught:
            FileVault(path, SystemWorld())
        assert caught.value.code is Code.SETTINGS_INVALID
