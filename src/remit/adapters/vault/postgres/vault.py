"""Content keys on PostgreSQL, in their own database, for all nodes: a key destroyed by one is used by none."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remit.adapters.db.postgres import Connection
from remit.adapters.vault.postgres.connection import BackgroundLoop, VaultConnection, prepare_schema, verify_apart
from remit.adapters.vault.postgres.lease import BEAT_S, Clock, KeyLease, since_boot
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
    subject_bytes,
    unseal_with,
)
from remit.domain.errors import Code, Fault
from remit.ports.vault import ContentErased, ContentKeyRef
from remit.ports.world import World

ANSWER_S: Final = 5.0
"""Longest time, in seconds, for a statement."""
_CHANGE_S: Final = 30.0
_CACHE: Final = 20_000
_TRIES: Final = 20
_IN_USE: Final = "select id, key from key where desk = $1 and subject = $2 and in_use"
_NEW: Final = "insert into key (desk, subject, id, key, in_use) values ($1, $2, $3, $4, true) on conflict do nothing"
_ONE: Final = "select key from key where desk = $1 and subject = $2 and id = $3"
_RETIRE: Final = """with mine as (select id from key where desk = $1 and subject = $2 and key is not null),
kept as (insert into retired (desk, id) select $1, id from mine on conflict do nothing),
off as (update key set in_use = false where desk = $1 and subject = $2 and in_use returning id),
moved as (update epoch set n = n + 1 where desk = $1 and exists (select 1 from off))
select id from mine order by id"""
_DESTROY: Final = """with gone as (update key set key = null, in_use = false
where desk = $1 and id = any($2::bytea[]) and key is not null returning id),
moved as (update epoch set n = n + 1 where desk = $1 and exists (select 1 from gone))
select count(*) from gone"""
_OWE: Final = """insert into retired (desk, id)
select distinct $1, k.id from unnest($2::bytea[]) k(id) on conflict do nothing"""
_FINISH: Final = """delete from retired r where desk = $1 and id = any($2::bytea[])
and not exists (select 1 from key k where k.desk = $1 and k.id = r.id and k.key is not null)"""
_LACKING: Final = """select s.subject, s.id from unnest($2::bytea[], $3::bytea[]) s(subject, id)
where not exists (select 1 from key k where k.desk = $1 and k.subject = s.subject and k.id = s.id)"""


class PostgresVault:
    """One key per customer, for all nodes. A thread of its own talks to the server and keeps the lease."""

    def __init__(self, url: str, desk: str, world: World, *, clock: Clock = since_boot, beat_s: float = BEAT_S) -> None:
        """Connect; a database without the schema gets it. `desk` names the owner of the keys.

        Raises:
            Refused: `settings.invalid` when it is unusable, or holds a store.
            Fault: `fault.store` when the server does not answer.
        """
        self._desk = desk
        self._world = world
        self._beside = BackgroundLoop("remit-keys")
        self._lines = (
            VaultConnection(url, "remit keys", answer_s=ANSWER_S),
            VaultConnection(url, "remit keys change", answer_s=_CHANGE_S),
        )
        self._using, self._changing = self._lines
        self._lease = KeyLease(url, desk, clock=clock, beat_s=beat_s)
        self._closed = False
        try:
            self._beside.wait(lambda: self._changing.use(lambda connection: prepare_schema(connection, desk)))
        except BaseException:
            self.close()
            raise

    async def seal(self, subject: str, content: bytes) -> bytes:
        """Encrypt; the first use of a subject makes its key durable."""
        for _ in range(_TRIES):
            held = self._lease.held
            current = held.current.get(subject)
            if current is None or not self._lease.holds(held):
                await self._beside.do(lambda: self._load(subject))
                continue
            sealed = seal_with(current, subject, content, self._world)
            if self._lease.holds(held):
                return sealed
        raise _busy()

    async def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Decrypt, or report that the key was destroyed."""
        parts = split_sealed(sealed)
        for _ in range(_TRIES):
            held = self._lease.held
            cipher = held.by_id.get((subject, parts.key))
            if cipher is None or not self._lease.holds(held):
                await self._beside.do(lambda: self._find(subject, parts.key))
                continue
            content = unseal_with(cipher, subject, parts)
            if self._lease.holds(held):
                return content
        raise _busy()

    async def keys(self, subject: str) -> tuple[str, ...]:
        """Return the ids of the subject's keys that still exist."""
        statement = "select id from key where desk = $1 and subject = $2 and key is not null order by id"
        return hex_ids(await self._fetch(statement, subject_bytes(subject)))

    async def retire(self, subject: str) -> tuple[str, ...]:
        """Durably stop sealing with the subject's present keys, on every node."""

        async def retire(connection: Connection) -> tuple[str, ...]:
            rows = await connection.fetch(_RETIRE, self._desk, subject_bytes(subject))
            await self._lease.wait_until_forgotten(connection)
            return hex_ids(rows)

        return await self._beside.do(lambda: self._changing.use(retire))

    async def retired(self) -> tuple[str, ...]:
        """Return the retired keys that are not finished."""
        return hex_ids(await self._fetch("select id from retired where desk = $1 order by id"))

    async def destroyed(self) -> Mapping[str, Collection[str]]:
        """Return the ids of destroyed keys by subject."""
        rows = await self._fetch("select subject, id from key where desk = $1 and key is null order by subject, id")
        return ids_by_subject((name.decode("utf-8", errors="surrogatepass"), key_id) for name, key_id in rows)

    async def mark_pending(self, ids: Collection[str]) -> None:
        """Durably add keys to the retired ones."""
        await self._change(_OWE, ids)

    async def finish(self, ids: Collection[str]) -> None:
        """Remove keys from the retired ones; those that still exist stay, never to seal again."""
        await self._change(_FINISH, ids)

    async def destroy_keys(self, ids: Collection[str]) -> int:
        """Empty these keys' rows and wait for every node; their ids stay, so that erased and damaged can be told apart.

        ⚔ A destruction that broke half way is retried with the same ids, then already destroyed: it waits all the same.
        """

        async def destroy(connection: Connection) -> int:
            done = int(await connection.fetchval(_DESTROY, self._desk, raw_ids(ids)))
            await self._lease.wait_until_forgotten(connection)
            if done:
                await connection.execute("vacuum key")
            return done

        return await self._beside.do(lambda: self._changing.use(destroy))

    def missing_keys(self, sealed: Collection[ContentKeyRef]) -> Collection[ContentKeyRef]:
        """Return those whose key was never here; a destroyed one left its id and is not among them.

        Raises:
            Refused: `settings.invalid` when the database holds a store.
            Fault: `fault.store` when the server does not answer.
        """
        return self._beside.wait(
            lambda: self._using.use(lambda connection: missing_keys(connection, self._desk, sealed), again=True)
        )

    def close(self) -> None:
        """Give up the lease and close the connections. Closing twice changes nothing."""
        if self._closed:
            return
        self._closed = True
        self._beside.wait(self._leave)
        self._beside.close()

    async def _leave(self) -> None:
        await self._lease.leave()
        for line in self._lines:
            await line.close()

    async def _fetch(self, statement: str, *values: object) -> list[Any]:
        """Fetch rows of a statement of this desk."""
        return await self._beside.do(
            lambda: self._using.use(lambda connection: connection.fetch(statement, self._desk, *values), again=True)
        )

    async def _change(self, statement: str, ids: Collection[str]) -> None:
        await self._beside.do(
            lambda: self._changing.use(
                lambda connection: connection.execute(statement, self._desk, raw_ids(ids)), again=True
            )
        )

    async def _load(self, subject: str) -> None:
        """Cache the subject's key in use, and make one where there is none."""
        await self._lease.take()

        async def load(connection: Connection) -> None:
            held = self._lease.held
            if subject in held.current:
                return  # an earlier caller loaded it
            name = subject_bytes(subject)
            row = await connection.fetchrow(_IN_USE, self._desk, name)
            if row is None:
                await connection.execute(_NEW, self._desk, name, *new_key(self._world))
                row = await connection.fetchrow(_IN_USE, self._desk, name)  # ours, or that of a faster node
            if row is None:
                return  # retired in between: the caller tries again
            current = ContentKey(row[0], cipher_of(row[1]))
            # ⚔ Cached only in what was current before the read: a key dropped since must not come back.
            _make_room(held.current)
            held.current[subject] = current
            held.by_id[subject, current.id] = current.cipher

        await self._using.use(load, again=True)

    async def _find(self, subject: str, key_id: bytes) -> None:
        """Cache one key.

        Raises:
            ContentErased: it was destroyed.
            Fault: `fault.store` when it was never here.
        """
        await self._lease.take()

        async def find(connection: Connection) -> None:
            held = self._lease.held
            row = await connection.fetchrow(_ONE, self._desk, subject_bytes(subject), key_id)
            if row is None:
                raise key_missing_error()
            if row[0] is None:
                raise ContentErased(subject)
            _make_room(held.by_id)
            held.by_id[subject, key_id] = cipher_of(row[0])

        await self._using.use(find, again=True)


async def missing_keys(
    connection: Connection, desk: str, sealed: Collection[ContentKeyRef]
) -> Collection[ContentKeyRef]:
    """Return those whose key was never in the database, which must hold no store.

    Raises:
        Refused: `settings.invalid` when it holds one.
        asyncpg.PostgresError, OSError: it does not answer.
    """
    await verify_apart(connection)
    by_name = {(subject_bytes(ref.subject), ref.key): ref for ref in sealed}
    rows = await connection.fetch(
        _LACKING, desk, [subject for subject, _ in by_name], [key_id for _, key_id in by_name]
    )
    return [by_name[row[0], row[1]] for row in rows]


def _busy() -> Fault:
    return Fault(Code.FAULT_STORE, "content keys are being changed all the time; try again")


def _make_room(keys: dict[str, ContentKey] | dict[tuple[str, bytes], AESGCM]) -> None:
    if len(keys) > _CACHE:
        keys.clear()
