"""A large log, made through the product's own sealing and store, for measuring `remit verify-log`.

`python bench/big_log.py FOLDER ENTRIES` makes it and prints its verifier key.
"""

import asyncio
import sys
from pathlib import Path

from remit.adapters.files.pack import read_pack
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.engine.context import DeskContext
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit
from remit.settings import make_settings
from remit.usecases.transcript.export import export_log
from remit.wiring import RulesSource, build_desk, open_stored_log, verify_ed25519

AT_ONCE = 1_000
KEPT = 400
"""So many customers the entries are about: each has a content key of its own."""


def one(desk: DeskContext, number: int) -> EntryDraft:
    """An entry of the size that a decided ask has, no two alike."""
    customer = f"c{number % KEPT}"
    task, ask = f"task_{number:032x}", f"ask_{number:026d}"
    return draft_entry(
        desk,
        Kind.ASK_DECIDED,
        envelope={
            "task": task,
            "ask": ask,
            "decision": "permit",
            "action": "order.change_address",
            "mandate": f"man_{number % KEPT:032x}",
            "mandate_hash": f"{number:043d}",
            "params_hash": f"{number * 7:043d}",
            "customer": f"p{number % KEPT:021d}",
            "codes": [],
        },
        agent={
            "params": {"order_id": f"W{number}", "address": f"New Street {number % 97}, 10{number % 9}00 Town"},
            "ask": ask,
        },
        customer={"said": f"Send order W{number} to New Street {number % 97}.", "action": "order.change_address"},
        desk={
            "facts": {"owned": True, "status": "pending"},
            "risk": number % 40,
            "policies": ["owner-may-change", "consumer-floor"],
        },
        subject=customer,
        refs=(task, ask, customer),
    )


async def make(folder: Path, entries: int) -> str:
    """Make the log in `folder`/store.sqlite and a published copy in `folder`/log; returns its verifier key."""
    raw = {
        "server": {"issuer": "http://localhost", "host": "127.0.0.1", "port": 8080, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "bench.remit.invalid", "high_water": "outside/checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse"},
    }
    settings = make_settings(raw, base=folder, environment={}, rules=False)
    settings.high_water.parent.mkdir(exist_ok=True)
    pack = read_pack("consumer")
    desk = build_desk(settings, RulesSource(catalogue=pack.catalogue, policies=pack.policies))
    newest = ""
    try:
        for start in range(0, entries, AT_ONCE):
            drafts = [one(desk.context, number) for number in range(start, min(entries, start + AT_ONCE))]
            written = await seal_entries(desk.context, *drafts)
            committed = await desk.context.store.commit(Commit(entries=written.rows))
            newest = committed.checkpoint
        key = desk.context.signer.log_key()
    finally:
        await desk.stop()
    publish(folder / "store.sqlite", folder / "log", key, newest)
    return key


def publish(store: Path, copy: Path, key: str, newest: str) -> None:
    """Copy the log as `remit export` does."""

    def put(path: str, raw: bytes) -> None:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(raw)

    with open_stored_log(store) as log:
        export_log(
            log,
            vkey=key,
            high_water=newest,
            copied=None,
            verify_ed25519=verify_ed25519,
            has=lambda path: (copy / path).is_file(),
            write=put,
            progress=lambda _done, _size: None,
        )


if __name__ == "__main__":
    print(asyncio.run(make(Path(sys.argv[1]), int(sys.argv[2]))))
