"""Inclusion proofs as portable text, `c2sp.org/tlog-proof@v1`.

Framing only: what the extra data means, and whether the proof holds, is for `receipt`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.merkle import HASH_SIZE, MAX_SIZE
from remit.domain.note import b64, unb64

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """One entry's index, its inclusion proof, the signed checkpoint it leads to, and unauthenticated extra data."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes


def tlog_proof_text(*, index: int, hashes: Sequence[bytes], checkpoint: str, extra: bytes = b"") -> str:
    """Write a proof."""
    lines = [HEADER, *([f"extra {b64(extra)}"] if extra else ()), f"index {index}", *(b64(one) for one in hashes)]
    return "\n".join(lines) + f"\n\n{checkpoint}"


def read_tlog_proof(unverified: str) -> TlogProof:
    """Read a proof's parts, verifying none of them.

    Raises:
        Refused: `receipt.invalid` when it is not in the one form.

    Source: C2SP tlog-proof.
    """
    head, blank, checkpoint = unverified.partition("\n\n")
    lines = head.split("\n")
    if not blank or not checkpoint or lines.pop(0) != HEADER:
        raise _invalid(f"a proof begins with {HEADER} and ends in a checkpoint after a blank line")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = unb64(lines.pop(0).removeprefix("extra "))
        if not extra:
            raise _invalid("a proof without extra data has no line for it")
    found = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if found is None or int(found[1]) >= MAX_SIZE:
        raise _invalid("a proof has a line with its index")
    if len(lines) > MAX_HASHES:
        raise _invalid("a proof has too many hashes")
    hashes = tuple(unb64(line) for line in lines)
    if any(len(one) != HASH_SIZE for one in hashes):
        raise _invalid("a proof's hash is not 32 bytes long")
    return TlogProof(index=int(found[1]), hashes=hashes, checkpoint=checkpoint, extra=extra)


def _invalid(reason: str) -> Refused:
    return Refused(Code.RECEIPT_INVALID, reason)
