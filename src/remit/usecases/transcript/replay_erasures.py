"""Completion of erasures, and their repetition at every start, against restored keys or stores."""

import logging
from collections.abc import Sequence
from typing import Final

from remit.domain.errors import Fault
from remit.domain.transcript.entry import Section, unseal_entry
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import (
    ERASURES,
    build_erasure,
    complete_erasure,
    erasure_ref,
    read_inactive_content,
    write_erasure,
)
from remit.ports.store import Commit

_LOG: Final = logging.getLogger("remit")
_PAGE: Final = 500


async def replay_erasures(desk: DeskContext) -> int:
    """Destroy every key named by an `entry.erased` again, and erase restored content; return the keys found.

    Keys have random ids, so that a returning customer keeps the newer key.

    Raises:
        Refused: `log.damaged` when such an entry cannot be read.
        Fault: `fault.store`.

    Source: docs/model/model.md#erasure.
    """
    named = await _named(desk)
    # Read after the log: a named key that is missing was destroyed before; one present is unfinished, or in another
    # node's hands.
    unfinished = named.intersection(await desk.vault.retired())
    back = await desk.vault.destroy_keys(named - unfinished) if named - unfinished else 0
    if unfinished:
        await desk.vault.destroy_keys(unfinished)
    if back:
        await desk.notify.incident(kind="erasure_repeated", details={"keys": str(back)})
    for customer, destroyed in (await desk.vault.destroyed()).items():
        unnamed = [one for one in destroyed if one not in named]
        lost = [
            one for one in unnamed if not await desk.store.entries(ref=erasure_ref(one), limit=1)
        ]  # named since, by another node
        if lost:
            await _erase_again(desk, customer, lost)
    await finish_erasures(desk)
    return back


async def _named(desk: DeskContext) -> set[str]:
    """Return every key named by a recorded erasure."""
    named: set[str] = set()
    low = 0
    while True:
        page = await desk.store.entries(ref=ERASURES, low=low, limit=_PAGE)
        for kept in page:
            envelope = unseal_entry(kept.row.envelope, None).sections[Section.ENVELOPE].body or {}
            keys = envelope.get("keys")
            named.update(one for one in keys if isinstance(one, str)) if isinstance(keys, (list, tuple)) else None
        if len(page) < _PAGE:
            return named
        low = page[-1].index + 1


async def _erase_again(desk: DeskContext, customer: str, keys: Sequence[str]) -> None:
    """⚔ Erase a restored store again: its working records are in plain text, and only the keys remember the erasure.

    Live records are newer (a recovery had revoked and ended everything), and stay.
    """
    if not await desk.store.entries(ref=customer, limit=1):
        return  # this store holds nothing about them
    puts, drops = build_erasure(await read_inactive_content(desk, customer))
    records = len(puts) + len(drops)
    await desk.vault.mark_pending(keys)
    reason = "erased after this copy of the store was made"
    written = await write_erasure(desk, customer, keys, records=records, by=["recovery"], reason=reason)
    await desk.store.commit(Commit(puts=tuple(puts), drops=tuple(drops), entries=written.rows))
    await desk.notify.incident(kind="erasure_repeated", details={"records": str(records)})


async def finish_erasures(desk: DeskContext) -> int:
    """Complete recorded erasures that broke before their end; return the number of keys.

    ⚔ A retired key alone is not destroyed: its erasure may have been refused afterwards.
    """
    owed = [one for one in await desk.vault.retired() if await desk.store.entries(ref=erasure_ref(one), limit=1)]
    if not owed:
        return 0
    try:
        await complete_erasure(desk, owed)
    except Fault as broken:
        _LOG.warning(
            "an erasure is not complete, and is tried again: %s", broken, extra={"event": "erasure.incomplete"}
        )
        return 0
    return len(owed)
