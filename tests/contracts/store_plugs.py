"""The stores that the contract suites run over, and what they put into them. A new plug is one line in `STORES`."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postgres_tests import postgres_url
from remit.adapters.signer.file import verify_ed25519
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.postgres.store import PostgresStore
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.store import SqliteStore
from remit.domain.records import (
    ActRecord,
    AgentRecord,
    AskRecord,
    AskState,
    Ceremony,
    MandateRecord,
    OutboxState,
    PersonRecord,
    Suspension,
    TaskRecord,
    TaskState,
    Tier,
)
from remit.domain.transcript.entry import EntryDraft, Kind, seal_entry
from remit.domain.transcript.verification import verify_checkpoint
from remit.domain.values import Instant
from remit.ports.log_reader import LogReader, RecordReader
from remit.ports.store import Commit, Committed, EntryRow, Put, Store
from remit.proof import merkle
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note
from remit.usecases.transcript.verify import LogReport, verify_log

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
_PROCESS = token_hex(8)
ROWS = RowMacs(b"\x08" * 32)
NOW = Instant(1_790_000_000_000)


def sign(size: int, root: bytes) -> str:
    body = checkpoint_text(Checkpoint(origin=ORIGIN, size=size, root=root))
    return signed_note(body, VKEY, KEY.sign(body.encode()))


def verify(note: str) -> Checkpoint:
    return verify_checkpoint(note, [VKEY], verify_ed25519)


def verified(log: LogReader, *, records: RecordReader | None = None, high_water: str | None = None) -> LogReport:
    """Verify a whole log that `KEY` signs."""
    return verify_log(
        log,
        records=records,
        vkey=str(VKEY),
        high_water=high_water,
        earlier=(),
        verify_ed25519=verify_ed25519,
        ticks=lambda: 0.0,
        progress=lambda *_: None,
    )


def quiet(_name: str) -> None:
    """Let every point pass."""


def opening(high_water: Path, **more: Any) -> StoreOptions:
    """What the store of a log that `KEY` signs is opened with."""
    return StoreOptions(**{"sign": sign, "verify": verify, "high_water": high_water, "recovering": False, "rows": ROWS, **more})


class Opener(Protocol):
    def __call__(self, folder: Path, on_point: Callable[[str], None] = quiet) -> Store: ...


def sqlite_store(folder: Path, on_point: Callable[[str], None] = quiet, *, recovering: bool = False) -> SqliteStore:
    return SqliteStore.open(folder / "store.sqlite", opening(folder / "outside", recovering=recovering, on_point=on_point))


def desk_of(folder: Path) -> str:
    """The desk whose rows belong to a folder, in this process: a folder of the same name may come again, and the server goes on."""
    return f"{folder} {_PROCESS}"


def postgres_store(
    folder: Path, on_point: Callable[[str], None] = quiet, *, recovering: bool = False, node: str = "outside", url: str = ""
) -> PostgresStore:
    """A node's store; each folder is a desk of its own in one database."""
    return PostgresStore.open(url or postgres_url(), desk_of(folder), opening(folder / node, recovering=recovering, on_point=on_point))


STORES: dict[str, Opener] = {"postgres": postgres_store, "sqlite": sqlite_store}


def run(opener: Opener, folder: Path, work: Callable[[Any], Coroutine[Any, Any, Any]], on_point: Callable[[str], None] = quiet) -> Any:
    """Open a store in a loop of its own, work with it, close it."""

    async def _run() -> Any:
        store = opener(folder, on_point)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(_run())


async def together(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all at once and return results and errors alike."""
    return await asyncio.gather(*works, return_exceptions=True)


def entry(number: int, *, refs: Iterable[str] = (), kind: Kind = Kind.ACT_PERFORMED, at: int = NOW, subject: str = "c1") -> EntryRow:
    draft = EntryDraft(
        kind=kind,
        at=Instant(at + number),
        envelope={"number": number},
        agent=None,
        customer=None,
        desk=None,
        subject=subject,
        refs=tuple(refs),
    )
    sealed = seal_entry(draft, number.to_bytes(64, "big"))
    return EntryRow(
        kind=kind.value,
        at=draft.at,
        leaf=sealed.leaf,
        envelope=sealed.envelope_record,
        content=b"sealed",
        subject=subject,
        refs=draft.refs,
    )


def entries(*numbers: int) -> Commit:
    return Commit(entries=tuple(entry(number) for number in numbers))


def ceremony(record_id: str, *, at: int = 0, **extra: str) -> Ceremony:
    return Ceremony(id=record_id, purpose="grant", subject="s", challenge="c", expires_at=Instant(at), extra=extra)


def suspension(name: str, *, active: bool = True) -> Suspension:
    return Suspension(id=name, active=active, reason="r", by="o", at=NOW)


def ask(record_id: str, **changed: Any) -> AskRecord:
    given: dict[str, Any] = {
        "task": "t1",
        "mandate": "m1",
        "customer": "c1",
        "operator": "op",
        "client_id": "a1",
        "case": "case1",
        "action": "order.read",
        "params": "{}",
        "words": "",
        "digest": "d",
        "state": AskState.DONE,
        "at": NOW,
        "covered": (),
    }
    return AskRecord(id=record_id, **{**given, **changed})


def person(record_id: str = "c1", **changed: Any) -> PersonRecord:
    given: dict[str, Any] = {"kind": "customer", "key": record_id, "name": "Ada", "email": "Ada@x.example", "roles": (), "created_at": NOW}
    return PersonRecord(id=record_id, **{**given, **changed})


def agent(record_id: str = "a1") -> AgentRecord:
    return AgentRecord(
        id=record_id,
        actor="act",
        operator="op",
        name="Helper",
        tier=Tier.KNOWN,
        method="private_key_jwt",
        keys="{}",
        redirect_uris=("https://x.example/cb",),
        created_at=NOW,
    )


def act(record_id: str, ask_id: str, state: OutboxState, *, door: str = "helpdesk", text: str = "") -> ActRecord:
    payload = f'{{"do":"note","text":"{text}"}}'
    return ActRecord(id=record_id, ask=ask_id, task="t1", case="case1", door=door, payload=payload, state=state, queued_at=NOW)


def mandate(record_id: str = "m1", *, parent: str = "", root: str = "m1", state: str = "active", **changed: Any) -> MandateRecord:
    given: dict[str, Any] = {
        "version": 1,
        "customer": "c1",
        "client_id": "a1",
        "actor": "act",
        "operator": "op",
        "jkt": "jkt",
        "objective": "return-item",
        "wire": "{}",
        "hash": "h",
        "signed": "{}",
        "action_digests": {"order.return": "d"},
        "evidence": "{}",
        "granted_at": NOW,
        "expires_at": Instant(NOW + 1_000_000),
        "max_tasks": 1,
        "tasks": 1,
    }
    return MandateRecord(id=record_id, parent=parent, root=root, state=state, **{**given, **changed})


def task(record_id: str = "t1", *, mandate_id: str = "m1", state: TaskState = TaskState.OPEN, **changed: Any) -> TaskRecord:
    given: dict[str, Any] = {
        "root": "m1",
        "customer": "c1",
        "client_id": "a1",
        "actor": "act",
        "operator": "op",
        "jkt": "jkt",
        "objective": "return-item",
        "case": "case1",
        "opened_at": NOW,
        "ends_at": Instant(NOW + 86_400_000),
    }
    return TaskRecord(id=record_id, mandate=mandate_id, state=state, **{**given, **changed})


def new(*records: Any) -> Commit:
    """Make records that are not there yet."""
    return Commit(puts=tuple(Put(record, 0) for record in records))


def verify_committed(committed: Committed, rows: Any) -> None:
    head = verify(committed.checkpoint)
    assert head.size == committed.size
    for place, row in zip(committed.places, rows, strict=True):
        merkle.verify_inclusion(
            index=place.index, size=head.size, leaf=merkle.leaf_hash(row.leaf), proof=place.proof, expected_root=head.root
        )
