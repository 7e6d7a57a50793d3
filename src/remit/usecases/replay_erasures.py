"""Repeating erasures at every start, so that a key file put back from a copy brings no erased content back."""

from remit.domain.transcript import Section, unseal
from remit.usecases.parts import Parts

ERASURES = "erasures"
"""Under which reference every erasure's entry is found."""
_PAGE = 500


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
    return back
