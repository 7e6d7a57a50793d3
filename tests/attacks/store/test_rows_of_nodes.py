"""⚔ Rows of a desk on PostgreSQL, written beside its nodes, are read by none of them, and stop the next one that starts."""

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.postgres_stores import sql, two
from contracts.store_plugs import NOW, desk_of, entries, mandate, new, opening, postgres_store, run, suspension
from postgres_tests import postgres_url
from remit.adapters.store.codec import encode_record
from remit.adapters.store.postgres.location import PostgresLocation
from remit.adapters.store.postgres.store import PostgresStore
from remit.adapters.store.row_macs import RowMacs
from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.risk import SubjectKind, SubjectOpened
from remit.domain.records import MandateRecord, Suspension
from remit.domain.transcript.entry import SALTS_SIZE, EntryDraft, Kind, seal_entry
from remit.domain.transcript.pseudonyms import pseudonym_of
from remit.domain.values import Instant
from remit.ports.store import Commit, EntryRow, Put, Reserve, RiskEvent

Store = Any
PLACED = "where desk = $1 and kind = 'suspension' and id = 's'"


async def filled(store: Store) -> None:
    step = RiskEvent(SubjectKind.AGENT, "a", SubjectOpened(what="task"), Instant(1))
    more = Commit(reserves=(Reserve("m1", "refund", 4, 10),), steps=(step,), entries=entries(0).entries)
    await store.commit(new(suspension("s"), mandate()))
    await store.commit(more)
    await store.commit(Commit(puts=(Put(suspension("s", active=False), 1),)))


async def forged(work: Coroutine[Any, Any, Any]) -> None:
    with pytest.raises(Fault) as caught:
        await work
    assert (caught.value.code, "remit recover" in caught.value.cure) == (Code.FAULT_STORE, True)


CHANGES: dict[str, tuple[str, Callable[[Store], Coroutine[Any, Any, Any]]]] = {
    "a document": (
        f"update record set body = convert_to(replace(convert_from(body, 'UTF8'), 'false', 'true'), 'UTF8') {PLACED}",
        lambda store: store.get(Suspension, "s"),
    ),
    "a document, decided on": (
        f"update record set body = convert_to(replace(convert_from(body, 'UTF8'), 'false', 'true'), 'UTF8') {PLACED}",
        lambda store: store.commit(Commit(puts=(Put(suspension("s"), 2),))),
    ),
    "a revision": (f"update record set rev = 1 {PLACED}", lambda store: store.get(Suspension, "s")),
    "no mac": (f"update record set mac = '' {PLACED}", lambda store: store.get(Suspension, "s")),
    "a counter": ("update counter set used = 0 where desk = $1", lambda store: store.counters("m1")),
    "a counter, decided on": (
        "update counter set used = 0 where desk = $1",
        lambda store: store.commit(Commit(reserves=(Reserve("m1", "refund", 1, 10),))),
    ),
    "an index": (
        "insert into link select desk, name, 'mallory', at, kind, id from link where desk = $1 and name = 'mandate.customer'",
        lambda store: store.find(MandateRecord, "mandate.customer", "mallory"),
    ),
    "the sum": (
        "update head set state = decode(repeat('00', 48), 'hex') where desk = $1",
        lambda store: store.commit(Commit(puts=(Put(suspension("t"), 0),))),
    ),
    "a risk history": (
        "update trail set body = convert_to(replace(convert_from(body, 'UTF8'), '1', '0'), 'UTF8') where desk = $1",
        lambda store: store.commit(Commit(steps=(RiskEvent(SubjectKind.AGENT, "a", SubjectOpened(what="task"), Instant(2)),))),
    ),
}


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("name", list(CHANGES))
def test_a_row_changed_beside_the_nodes_is_read_by_none(tmp_path: Path, name: str) -> None:
    statement, reads = CHANGES[name]

    async def work(one: Store, other: Store) -> None:
        await filled(one)
        await asyncio.to_thread(sql, (statement, desk_of(tmp_path)))
        await forged(reads(other))
        await forged(reads(one))

    two(tmp_path, work)


def refused_start(folder: Path) -> None:
    with pytest.raises(Refused) as caught:
        postgres_store(folder)
    assert caught.value.code is Code.LOG_DAMAGED


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize(
    "statement",
    [
        f"delete from record {PLACED}",
        f"update record set rev = 1, body = $2, mac = $3 {PLACED}",
        "delete from counter where desk = $1",
        "delete from trail where desk = $1",
        "update head set state = '' where desk = $1",
        "insert into record select desk, kind, 'x', rev, body, mac from record where desk = $1",
    ],
    ids=["taken out", "put back", "no counter", "no risk history", "no sum", "one more"],
)
def test_rows_taken_out_or_put_back_stop_the_next_node(tmp_path: Path, statement: str) -> None:
    desk = desk_of(tmp_path)
    run(postgres_store, tmp_path, lambda store: store.commit(new(suspension("s"))))
    ((was,),) = sql((f"select body, mac from record {PLACED}", desk))
    run(postgres_store, tmp_path, changed)
    sql((statement, desk, *(was if "$3" in statement else ())))
    refused_start(tmp_path)


async def changed(store: Store) -> None:
    await store.commit(Commit(puts=(Put(suspension("s", active=False), 1),), reserves=(Reserve("m1", "k", 1, None),)))
    await store.commit(Commit(steps=(RiskEvent(SubjectKind.AGENT, "a", SubjectOpened(what="task"), Instant(1)),)))


@pytest.mark.proves("ROWS")
def test_macs_taken_out_are_an_attack_and_a_store_from_before_them_gets_them_once(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    run(postgres_store, tmp_path, filled)
    stripped = [(f"update {table} set mac = '' where desk = $1", desk) for table in ("record", "counter", "trail")]
    sql(*stripped, ("update head set state = '' where desk = $1", desk))
    refused_start(tmp_path)
    (tmp_path / "outside.rows").unlink()

    async def work(store: Store) -> None:
        assert not (await store.get(Suspension, "s")).record.active
        assert await store.counters("m1") == {"refund": 4}
        await store.commit(Commit(puts=(Put(suspension("s"), 2),), reserves=(Reserve("m1", "refund", 1, 10),)))

    run(postgres_store, tmp_path, work)
    run(postgres_store, tmp_path, lambda store: store.commit(entries(1)))


@pytest.mark.proves("ROWS")
def test_a_node_of_an_older_remit_writes_no_row_beside_them(tmp_path: Path) -> None:
    run(postgres_store, tmp_path, filled)
    row = ("insert into record (desk, kind, id, rev, body) values ($1, 'suspension', 'x', 1, $2)", desk_of(tmp_path))
    with pytest.raises(asyncpg.NotNullViolationError):
        sql((*row, encode_record(suspension("x"))))


def keyed(purpose: str, data: bytes) -> bytes:
    return hmac.digest(purpose.encode(), data, "sha256")


KNOWN = RowMacs(b"\x08" * 32, keyed)
"""The same key as the other tests', with which rows are compared with the log too."""


def said(kind: Kind, **envelope: Any) -> EntryRow:
    draft = EntryDraft(kind=kind, at=NOW, envelope=envelope, agent=None, customer=None, desk=None, subject="", refs=())
    sealed = seal_entry(draft, bytes(SALTS_SIZE))
    return EntryRow(kind=kind, at=NOW, leaf=sealed.leaf, envelope=sealed.envelope_record, content=sealed.content, subject="", refs=())


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("key", [False, True], ids=["put back", "with the key of the MACs"])
def test_a_mandate_revived_beside_the_nodes_is_named_by_the_log_when_the_next_one_starts(tmp_path: Path, key: bool) -> None:
    live, desk = mandate(), desk_of(tmp_path)
    granted = said(
        Kind.MANDATE_GRANTED,
        mandate=live.id,
        hash=live.hash,
        agent=live.client_id,
        customer=pseudonym_of(keyed, live.customer),
        objective=live.objective,
    )
    revoked = said(Kind.MANDATE_REVOKED, mandate=live.id)

    async def work(store: Store) -> None:
        await store.commit(Commit(puts=(Put(live, 0),), entries=(granted,)))
        await store.commit(Commit(puts=(Put(replace(live, state="revoked"), 1, live),), entries=(revoked,)))

    run(postgres_store, tmp_path, work)
    body = encode_record(live)
    rev = 2 if key else 1
    mac = KNOWN.record("mandate", live.id, rev, body)
    sql(("update record set rev = $2, body = $3, mac = $4 where desk = $1 and kind = 'mandate'", desk, rev, body, mac))
    with pytest.raises(Refused) as caught:
        PostgresStore.open(postgres_url(), desk, opening(tmp_path / "outside", rows=KNOWN))
    assert caught.value.code is Code.LOG_DAMAGED
    assert f"mandate {live.id}: state is not what entry 1 says (active, not revoked)" in caught.value.detail
    seen = PostgresLocation(postgres_url(), desk).compare_states(keyed)
    assert f"mandate {live.id}: state is not what entry 1 says (active, not revoked)" in seen
