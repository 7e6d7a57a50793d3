"""Completing erasures, and repeating them at every start, so that a key file put back from a copy brings no erased content back."""

import logging
from collections.abc import Collection
from typing import Final

from remit.domain.errors import Fault
from remit.domain.transcript import Section, unseal
from remit.usecases.parts import Parts

ERASURES: Final = "erasures"
"""Under which reference every erasure's entry is found."""
_LOG: Final = logging.getLogger("remit")
_PAGE: Final = 500


def erasure_refs(keys: Collection[str]) -> tuple[str, ...]:
    """Under which references an erasure of these keys is found: among all, and by each key."""
    return (ERASURES, *(_erasure_of(key) for key in keys))


async def replay_erasures(parts: Parts) -> int:
    """Destroy again every key that an `entry.erased` names, and say how many had come back.

    Keys are named by their random ids, so that a customer who came back later keeps the newer key.

    Raises:
        Refused: `log.damaged` when such an entry cannot be read.
        Fault: `fault.store`.

    Source: 2-model.md §9 (Erasure).
    """
    low, back = 0, 0
    while True:
        page = await parts.store.entries(ref=ERASURES, low=low, limit=_PAGE)
        ids: list[str] = []
        for kept in page:
            envelope = unseal(kept.row.envelope, None).sections[Section.ENVELOPE].body or {}
            named = envelope.get("keys")
            ids.extend(one for one in named if isinstance(one, str)) if isinstance(named, (list, tuple)) else None
        if ids:
            back += await parts.vault.destroy_keys(ids)
        if len(page) < _PAGE:
            break
        low = page[-1].index + 1
    if back:
        await parts.notify.incident(kind="erasure_repeated", details={"keys": str(back)})
    await finish_erasures(parts)
    return back


async def finish_erasures(parts: Parts) -> int:
    """Complete the erasures that are on the record and broke before their end; says how many keys that were.

    ⚔ Retired alone is no reason to destroy: an erasure may have been refused after it had retired the keys.
    """
    owed = [one for one in await parts.vault.retired() if await parts.store.entries(ref=_erasure_of(one), limit=1)]
    if not owed:
        return 0
    try:
        await complete_erasure(parts, owed)
    except Fault as broken:
        _LOG.warning("an erasure is not complete, and is tried again: %s", broken)
        return 0
    return len(owed)


async def complete_erasure(parts: Parts, keys: Collection[str]) -> None:
    """Destroy the keys of an erasure that is on the record, and what it overwrote in the store's files. Repeating it is always safe.

    Raises:
        Fault: `fault.store`; `finish_erasures` tries again.
    """
    try:
        await parts.vault.destroy_keys(keys)
    finally:
        await parts.store.fold()
    await parts.vault.finish(keys)


def _erasure_of(key: str) -> str:
    return f"erased:{key}"
