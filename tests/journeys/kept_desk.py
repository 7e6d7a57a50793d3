"""A desk's store, keys and signer in a folder, without doors: for what is done to records and keys alone."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from contracts.store_plugs import NOW
from desks.example import desk
from postgres_tests import postgres_url, rows_of
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.signer import file as signer_files
from remit.adapters.signer.file import FileSigner, verify_ed25519
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.postgres.store import PostgresStore
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.store import SqliteStore
from remit.adapters.vault.file import FileVault
from remit.adapters.vault.postgres.vault import PostgresVault
from remit.adapters.world.system import SystemWorld
from remit.domain.records import (
    AskRecord,
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    Reservation,
)
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakScanner
from remit.engine.scan_executor import ScanExecutor
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit, Store
from remit.proof.checkpoint import Checkpoint, checkpoint_text

ORIGIN = "desk.example/log"
START = Instant(1_790_000_000_000)


class Clock(SystemWorld):
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> Instant:
        return self.at


def kept_desk(
    folder: Path, *, clock: Clock | None = None, recovering: bool = False, on_point: Callable[[str], None] = lambda _: None, node: str = ""
) -> DeskContext:
    """Open the desk in a folder; its keys are made at the first time. As a `node` it shares store and content keys on PostgreSQL."""
    folder.mkdir(exist_ok=True)
    if not (folder / "keys").exists():
        signer_files.create_key_folder(folder / "keys", ORIGIN)
    signer = FileSigner(folder / "keys")
    vkey = verify_vkey(signer.log_key())
    world = clock or Clock()
    opening = StoreOptions(
        sign=lambda size, root: signer.sign_note(checkpoint_text(Checkpoint(origin=ORIGIN, size=size, root=root))),
        verify=lambda note: verify_checkpoint(note, [vkey], verify_ed25519),
        high_water=folder / (node or "outside"),
        recovering=recovering,
        rows=RowMacs(signer.keyed("stored rows", b"1"), signer.keyed),
    )
    store: Store = (
        PostgresStore.open(postgres_url(), rows_of(folder), opening) if node else SqliteStore.open(folder / "store.sqlite", opening)
    )
    given = {
        "store": store,
        "vault": PostgresVault(postgres_url("keys"), rows_of(folder), world) if node else FileVault(folder / "content.sqlite", world),
        "notify": ConsoleNotify(),
        "signer": signer,
        "world": world,
        "catalogue": desk(),
        "receivers": (),
        "terms": SimpleNamespace(log_origin=ORIGIN, retention_s=0, erase_after_s=0),
        "rules_digest": "rules",
        "on_point": on_point,
        "verify_ed25519": verify_ed25519,
        "leak_scanner": LeakScanner(owners=(), store=store, signer=signer, world=world, scan_executor=ScanExecutor()),
    }
    # The ports to the outside are not there: whatever is done here must do without them.
    return DeskContext(**cast("Any", dict.fromkeys(field.name for field in fields(DeskContext)) | given))


def run(desk: DeskContext, work: Callable[[DeskContext], Coroutine[Any, Any, Any]]) -> Any:
    """Do something at an open desk and close it."""

    async def _run() -> Any:
        try:
            return await work(desk)
        finally:
            await desk.store.close()
            cast("FileVault", desk.vault).close()

    return asyncio.run(_run())


async def note_about(desk: DeskContext, customer: str, text: str) -> int:
    """Put something about a customer on the record; returns its place."""
    written = await seal_entries(
        desk, draft_entry(desk, Kind.REPLY_SENT, envelope={"task": "t1"}, customer={"text": text}, subject=customer, refs=(customer,))
    )
    committed = await desk.store.commit(Commit(entries=written.rows))
    return committed.places[0].index


LATER = Instant(NOW + 10**9)


def ask(record_id: str, state: AskState, **changed: Any) -> AskRecord:
    given: dict[str, Any] = {
        "task": "t1",
        "mandate": "m1",
        "customer": "c1",
        "operator": "op",
        "client_id": "a1",
        "case": "case1",
        "action": "payment.refund",
        "params": "{}",
        "words": "",
        "digest": "d",
        "at": NOW,
        "covered": (),
        "reserved": (Reservation(scope="m1", key=record_id, amount=1),),
    }
    return AskRecord(id=record_id, state=state, **{**given, **changed})


def confirmation(record_id: str, ask_id: str, task_id: str = "t1") -> ConfirmationRecord:
    return ConfirmationRecord(
        id=record_id,
        ask=ask_id,
        task=task_id,
        customer="c1",
        operator="op",
        who=("customer",),
        decision="d",
        digest="d",
        rendering="{}",
        rendering_hash="h",
        nonce="n",
        state=ConfirmationState.WAITING,
        at=NOW,
        expires_at=LATER,
    )
