"""Content keys in a SQLite file of their own, apart from the store and its backups."""

import asyncio
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple, Unpack

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remit.adapters.db.sqlite_errors import verify_writable
from remit.adapters.vault.inspect import missing_keys, open_error
from remit.adapters.vault.sealing import (
    ContentKey,
    cipher_of,
    hex_ids,
    ids_by_subject,
    key_missing_error,
    new_key,
    raw_ids,
    seal_with,
    split_sealed,
    unseal_with,
)
from remit.domain.errors import Code, Fault
from remit.ports.vault import ContentErased, ContentKeyRef
from remit.ports.world import World

T = TypeVar("T")
G = TypeVarTuple("G")
_CACHE: Final = 20_000
_IN_USE: Final = "select id, key from key where subject = ? and key is not null and id not in (select id from retired)"
_PRAGMAS: Final = (
    "locking_mode = exclusive",  # a second process would keep using keys that the first has destroyed
    "journal_mode = wal",
    "synchronous = full",
    "secure_delete = on",
    "trusted_schema = off",
)
_KEY: Final = """create table if not exists key
(subject text not null, id blob not null, key blob, primary key (subject, id))"""


class FileVault:
    """One key per customer, for this process alone; all access runs under one lock, off the event loop."""

    def __init__(self, path: Path, world: World) -> None:
        """Open or create the file.

        Raises:
            Refused: `settings.invalid` when it cannot be opened or written, or another process uses it.
        """
        self._world = world
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            path.touch(mode=0o600)
            if not os.access(path, os.R_OK | os.W_OK):  # in this locking mode SQLite would report a disk error
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
            for pragma in _PRAGMAS:
                self._connection.execute(f"pragma {pragma}")
            verify_writable(self._connection)
            self._connection.execute("begin immediate")  # locks the file for as long as it is open
            self._connection.execute(_KEY)
            self._connection.execute("create index if not exists key_id on key (id)")
            self._connection.execute("create table if not exists retired (id blob primary key) without rowid")
            self._connection.execute("commit")
        except (OSError, sqlite3.Error) as problem:
            self.close()
            raise open_error(path, problem) from None
        self._current: dict[str, ContentKey] = {}
        self._by_id: dict[tuple[str, bytes], AESGCM] = {}

    async def seal(self, subject: str, content: bytes) -> bytes:
        """Encrypt; the first use of a subject makes its key durable."""
        current = self._current.get(subject)
        if current is None:
            current = await self._off_loop(self._load, subject)
        return seal_with(current, subject, content, self._world)

    async def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Decrypt, or report that the key was destroyed."""
        parts = split_sealed(sealed)
        cipher = self._by_id.get((subject, parts.key))
        if cipher is None:
            cipher = await self._off_loop(self._find, subject, parts.key)
        return unseal_with(cipher, subject, parts)

    async def keys(self, subject: str) -> tuple[str, ...]:
        """Return the ids of the subject's keys that still exist."""
        return await self._off_loop(self._keys, subject)

    async def retire(self, subject: str) -> tuple[str, ...]:
        """Durably stop sealing with the subject's present keys."""
        return await self._off_loop(self._retire, subject)

    async def retired(self) -> tuple[str, ...]:
        """Return the retired keys that are not finished."""
        return await self._off_loop(
            lambda connection: hex_ids(connection.execute("select id from retired order by id"))
        )

    async def destroyed(self) -> Mapping[str, Collection[str]]:
        """Return the ids of destroyed keys by subject."""
        statement = "select subject, id from key where key is null order by subject, id"
        return await self._off_loop(lambda connection: ids_by_subject(connection.execute(statement)))

    async def mark_pending(self, ids: Collection[str]) -> None:
        """Durably add keys to the retired ones."""
        rows = [(key_id,) for key_id in raw_ids(ids)]
        await self._off_loop(
            lambda connection: connection.executemany("insert or ignore into retired values (?)", rows)
        )

    async def finish(self, ids: Collection[str]) -> None:
        """Remove keys from the retired ones; those that still exist stay, never to seal again."""
        await self._off_loop(self._finish, tuple(ids))

    async def destroy_keys(self, ids: Collection[str]) -> int:
        """Overwrite these keys; their ids stay, so that erased and damaged can be told apart."""
        return await self._off_loop(self._destroy, tuple(ids))

    def missing_keys(self, sealed: Collection[ContentKeyRef]) -> Collection[ContentKeyRef]:
        """Return those whose key was never here; a destroyed one left its id and is not among them.

        Raises:
            Fault: `fault.store` when the file does not answer.
        """
        try:
            return self._locked(missing_keys, sealed)
        except sqlite3.Error as broken:
            raise Fault(Code.FAULT_STORE, f"content keys: {broken}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def _off_loop(self, work: Callable[[sqlite3.Connection, Unpack[G]], T], *given: *G) -> T:
        """Run work under the lock, to its end even when the caller stops waiting."""
        try:
            return await asyncio.shield(asyncio.to_thread(lambda: self._locked(work, *given)))
        except sqlite3.Error as broken:
            raise Fault(Code.FAULT_STORE, f"content keys: {broken}") from None

    def _locked(self, work: Callable[[sqlite3.Connection, Unpack[G]], T], *given: *G) -> T:
        with self._lock:
            if self._connection is None:
                raise Fault(Code.FAULT_STORE, "the content keys are closed")
            return work(self._connection, *given)

    def _load(self, connection: sqlite3.Connection, subject: str) -> ContentKey:
        row = connection.execute(_IN_USE, (subject,)).fetchone()
        if row is None:
            row = new_key(self._world)
            connection.execute("insert into key (subject, id, key) values (?, ?, ?)", (subject, *row))
        if len(self._current) > _CACHE:
            self._current.clear()
            self._by_id.clear()
        current = self._current[subject] = ContentKey(row[0], cipher_of(row[1]))
        self._by_id[subject, current.id] = current.cipher
        return current

    def _find(self, connection: sqlite3.Connection, subject: str, key_id: bytes) -> AESGCM:
        row = connection.execute("select key from key where subject = ? and id = ?", (subject, key_id)).fetchone()
        if row is None:
            raise key_missing_error()
        if row[0] is None:
            raise ContentErased(subject)
        if len(self._by_id) > _CACHE:
            self._by_id.clear()
        cipher = self._by_id[subject, key_id] = cipher_of(row[0])
        return cipher

    def _keys(self, connection: sqlite3.Connection, subject: str) -> tuple[str, ...]:
        statement = "select id from key where subject = ? and key is not null order by id"
        return hex_ids(connection.execute(statement, (subject,)))

    def _retire(self, connection: sqlite3.Connection, subject: str) -> tuple[str, ...]:
        connection.execute(
            "insert or ignore into retired select id from key where subject = ? and key is not null", (subject,)
        )
        # Under the lock and after the file: the next seal finds no key in memory, and only retired ones in the file.
        self._current.pop(subject, None)
        return self._keys(connection, subject)

    def _finish(self, connection: sqlite3.Connection, ids: Collection[str]) -> None:
        statement = """delete from retired where id = ?
        and not exists (select 1 from key where key.id = retired.id and key is not null)"""
        connection.executemany(statement, [(key_id,) for key_id in raw_ids(ids)])

    def _destroy(self, connection: sqlite3.Connection, ids: Collection[str]) -> int:
        raw = set(raw_ids(ids))
        done = 0
        for key_id in raw:
            done += connection.execute("update key set key = null where id = ? and key is not null", (key_id,)).rowcount
        # Under the lock and after the file: no key is cached again from a row that is about to be overwritten.
        self._current = {subject: key for subject, key in self._current.items() if key.id not in raw}
        self._by_id = {name: cipher for name, cipher in self._by_id.items() if name[1] not in raw}
        busy, *_ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise Fault(
                Code.FAULT_STORE,
                "the key is destroyed, but still in the file's log of writes; close other readers, it is tried again",
            )
        return done
