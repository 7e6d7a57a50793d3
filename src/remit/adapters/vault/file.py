"""Content keys in a SQLite file of their own, apart from the store, so that the store's backups hold none of them."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remit.domain.errors import Code, Fault
from remit.ports.vault import Erased
from remit.ports.world import World

T = TypeVar("T")
G = TypeVarTuple("G")
_NONCE = 12
_ID = 8
_CACHE = 20_000


class FileVault:
    """One AES-256-GCM key for each customer. What is sealed starts with the key's own id, then a nonce."""

    def __init__(self, path: Path, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.execute(
            "create table if not exists key (subject text not null, id blob not null, key blob, primary key (subject, id))"
        )
        self._current: dict[str, tuple[bytes, AESGCM]] = {}
        self._by_id: dict[tuple[str, bytes], AESGCM] = {}

    async def seal(self, subject: str, content: bytes) -> bytes:
        """Encrypt; the first use of a subject makes its key durable."""
        current = self._current.get(subject)
        if current is None:
            current = await self._off_loop(self._load, subject)
        key_id, cipher = current
        nonce = self._world.random(_NONCE)
        return key_id + nonce + cipher.encrypt(nonce, content, subject.encode())

    async def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Decrypt, or say that the key was destroyed."""
        key_id, nonce, text = sealed[:_ID], sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :]
        cipher = self._by_id.get((subject, key_id))
        if cipher is None:
            cipher = await self._off_loop(self._find, subject, key_id)
        try:
            return cipher.decrypt(nonce, text, subject.encode())
        except InvalidTag:
            raise Fault(Code.FAULT_STORE, "sealed content is damaged") from None

    async def destroy(self, subject: str) -> None:
        """Overwrite the subject's keys; their ids stay, so that erased and damaged can be told apart."""
        self._current.pop(subject, None)
        for known in [one for one in self._by_id if one[0] == subject]:
            del self._by_id[known]
        await self._off_loop(self._destroy, subject)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    async def _off_loop(self, work: Callable[[Unpack[G]], T], *given: Unpack[G]) -> T:
        try:
            return await asyncio.to_thread(self._locked, work, *given)
        except sqlite3.Error as broken:
            raise Fault(Code.FAULT_STORE, f"content keys: {broken}") from None

    def _locked(self, work: Callable[[Unpack[G]], T], *given: Unpack[G]) -> T:
        with self._lock:
            return work(*given)

    def _load(self, subject: str) -> tuple[bytes, AESGCM]:
        row = self._connection.execute("select id, key from key where subject = ? and key is not null", (subject,)).fetchone()
        if row is None:
            row = (self._world.random(_ID), AESGCM.generate_key(256))
            self._connection.execute("insert into key (subject, id, key) values (?, ?, ?)", (subject, *row))
        return self._remember(subject, *row)

    def _find(self, subject: str, key_id: bytes) -> AESGCM:
        row = self._connection.execute("select key from key where subject = ? and id = ?", (subject, key_id)).fetchone()
        if row is None:
            raise Fault(Code.FAULT_STORE, "a content key is missing; restore the key file that belongs to this store")
        if row[0] is None:
            raise Erased(subject)
        cipher = AESGCM(row[0])
        self._by_id[subject, key_id] = cipher
        return cipher

    def _remember(self, subject: str, key_id: bytes, key: bytes) -> tuple[bytes, AESGCM]:
        if len(self._current) > _CACHE:
            self._current.clear()
            self._by_id.clear()
        cipher = AESGCM(key)
        self._current[subject] = (key_id, cipher)
        self._by_id[subject, key_id] = cipher
        return key_id, cipher

    def _destroy(self, subject: str) -> None:
        self._connection.execute("update key set key = null where subject = ?", (subject,))
        self._connection.execute("pragma wal_checkpoint(truncate)")
